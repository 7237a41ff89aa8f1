package planted

// one is a bug of one expression.
func one(of, name, file, in, good, bad string) bug {
	return bug{of: of, name: name, edits: []edit{{file: file, in: in, good: good, bug: bad}}}
}

// The files of the law.
const (
	estimateGo = "internal/failover/estimate.go"
	countGo    = "internal/failover/count.go"
	needGo     = "internal/failover/need.go"
	evidenceGo = "internal/failover/evidence.go"
	demandGo   = "internal/failover/demand.go"
	decideGo   = "internal/failover/decide.go"
	outcomeGo  = "internal/failover/outcome.go"
	cascadeGo  = "internal/failover/cascade.go"
	releaseGo  = "internal/failover/release.go"
	permitGo   = "internal/failover/permit.go"
	planGo     = "internal/failover/plan.go"
	restGo     = "internal/failover/plan_rest.go"
	learnGo    = "internal/failover/learn.go"
	findingsGo = "internal/failover/findings.go"
	foreGo     = "internal/failover/foresight.go"
	switchGo   = "internal/failover/switch.go"
	breakerGo  = "internal/failover/breaker/breaker.go"
)

// bugs are the planted bugs: each was in the first edition of the law, or turns one decision of this one round.
var bugs = []bug{
	one("L1", "RUNNING is in service whatever health says", countGo, "return t.Health == HealthReady", "t.Health == HealthReady", "true"),
	one("L1", "ready_after is not waited for", countGo, "return c.ranFor(t, l.p.ReadyAfter)", "c.ranFor(t, l.p.ReadyAfter)", "true"),
	one("L1", "a release reckons with what runs", releaseGo, "low := max(0, k.InService.Low-max(0, k.Live-k.InForce.High))", "k.InService.Low", "k.Running"),
	one("L1", "ECS is taken to stop tasks that serve nothing first", releaseGo, "return max(0, live-(here-needed))", "max(0, live-(here-needed))", "needed"),
	one("L2", "an evacuation does not wait for its cover", releaseGo, "needed := max(0, in.kept-elsewhere)", "max(0, in.kept-elsewhere)", "0"),
	one("L3", "two pools are lowered on the same tasks", releaseGo, "total -= here - max(0, here-max(0, live-w))", "here - max(0, here-max(0, live-w))", "0"),
	one("L4", "a task that never becomes ready warms for ever", countGo, "case age < max(k.ReadyLimit, c.deniedReady+warmingLook):", "age < max(k.ReadyLimit, c.deniedReady+warmingLook)", "true"),
	one("L5", "every revision counts in full", countGo, "n := min(c.revisions[i], int(math.Ceil(r.Share*float64(whole)-1e-9)))",
		"min(c.revisions[i], int(math.Ceil(r.Share*float64(whole)-1e-9)))", "c.revisions[i]"),
	one("L5", "revisions are not told apart", countGo, "if len(c.l.po.Revisions) > 0 {", "len(c.l.po.Revisions) > 0", "false"),
	one("M12", "a revision with any traffic counts in full", countGo, "n := min(c.revisions[i], int(math.Ceil(r.Share*float64(whole)-1e-9)))",
		"min(c.revisions[i], int(math.Ceil(r.Share*float64(whole)-1e-9)))", "min(c.revisions[i], int(math.Ceil(r.Share)*float64(whole)))"),
	one("L6", "a hook that holds a deployment is not said", findingsGo, "if !po.HookSince.IsZero() {", "!po.HookSince.IsZero()", "false"),
	one("L8", "what a deployment brings up stands for what is lost", needGo, "all -= max(0, k.Arriving-mayTake(in))", "max(0, k.Arriving-mayTake(in))", "0"),
	one("L9", "readiness that cannot be read is taken for none", needGo, "serving := min(k.InService.High, in.asked)", "k.InService.High", "k.InService.Low"),
	{of: "L9", name: "readiness that cannot be read is taken for granted", edits: []edit{
		{countGo, "if c.k.HealthUnread {", "c.k.HealthUnread", "false"},
		{permitGo, "unread = unread || in.known[i].HealthUnread", "in.known[i].HealthUnread", "false"}}},
	one("L9", "denied readiness holds cover for ever", countGo, "!since.IsZero() && l.now.Sub(since) >= deniedFor", "l.now.Sub(since) >= deniedFor", "false"),

	one("L11", "a failing application withholds all cover", needGo, "min(n.Loss, k.Unhealthy+min(k.Unplaced, count)), sooner(",
		"k.Unhealthy+min(k.Unplaced, count)", "n.Loss*min(1, in.tally.Failures)"),
	one("L12", "failing cover is never given up", decideGo, "case was == nil && failures >= least", "failures >= least", "false"),
	one("L12", "failing cover is not held at one", cascadeGo, "raise = min(raise, max(1, k.Surviving))", "min(raise, max(1, k.Surviving))", "raise"),
	one("L13", "what was not interrupted is excused", needGo, "count, next := excused(in)\n\t\tn.Excused, n.Next = min(n.Loss, k.Unhealthy+min(k.Unplaced, count)), sooner(",
		"k.Unhealthy+min(k.Unplaced, count)", "k.Unhealthy+k.Unplaced"),
	one("L14", "a release that does not start is not said", findingsGo, "case t.Failures+t.ConfigFailures >= 3 || t.Impaired:",
		"t.Failures+t.ConfigFailures >= 3 || t.Impaired", "false"),
	one("L16", "a deleted service is only unread", decideGo, "now.Sub(ps.GoneSince) >= GoneAfter", "now.Sub(ps.GoneSince) >= GoneAfter", "false"),
	one("L16", "one answer is enough for a service to be gone", decideGo, "ps.LostAt.IsZero() && t.ToldLost > 0 {", "t.ToldLost > 0", "true"),
	one("L16", "the cover of a deleted service stays without a word", demandGo, "now.Sub(ps.LostAt) >= confirmFor &&", "now.Sub(ps.LostAt) >= confirmFor", "false"),
	one("L16", "a confirmation is not heard", demandGo, "s.ConfirmedAt.Before(ps.GoneSince)", "s.ConfirmedAt.Before(ps.GoneSince)", "true"),
	one("L16", "a deleted service is not said", findingsGo, "x.p.Pools[i].Name\n\tswitch k.Sight {", "k.Sight", "Fresh"),
	one("L17", "told losses are not covered", estimateGo, "return max(0, there-l.tally.ToldLost+", "there-l.tally.ToldLost", "there"),
	one("L17", "a pool that cannot be read has nothing", estimateGo, "there := l.seen.InService + l.seen.Coming", "l.seen.InService + l.seen.Coming", "0"),
	one("L17", "a warning from before the last look counts again", evidenceGo, "if !e.At.Before(seen.At) { // both", "!e.At.Before(seen.At)", "true"),
	one("L17", "nothing is raised where nothing can be read", permitGo, "*m = May{Raise: onDemand && !in.s.Seen.Pools[i].At.IsZero()", "onDemand", "false"),

	one("L20", "late tasks are replaced without a bound", cascadeGo, "return min(sum, most)", "min(sum, most)", "need + t.Surplus + k.Live"),
	one("L20", "a task that hangs is never late", countGo, "(age >= k.StartLimit ||", "age >= k.StartLimit", "false"),
	one("L20", "a task that hangs is never stopped", restGo, "case k.OldestLate == \"\" || !in.may[i].Stop:", "!in.may[i].Stop", "true"),
	one("L22", "what on-demand costs is not counted", outcomeGo, "float64(running) * elapsed.Hours()", "elapsed.Hours()", "0"),
	one("L22", "a used-up budget does not hold", permitGo, "if in.targets[i].Raise > now {", "in.targets[i].Raise > now", "false"),
	one("L22", "a used-up budget does not release", permitGo, "in.p.OnBudget == ReleaseBudget &&", "in.p.OnBudget == ReleaseBudget", "false"),
	one("L22", "a budget releases before it is used up", permitGo, "spent := budget > 0 && in.s.Seen.SpendUSD >= budget", "in.s.Seen.SpendUSD >= budget", "in.s.Seen.SpendUSD >= budget/2"),
	one("L22", "the budget is told when it is gone", findingsGo, "used >= budgetTold {", "used >= budgetTold", "used >= 1"),
	one("L23", "on_demand_max is not held", permitGo, "in.targets[i].Raise > room {", "in.targets[i].Raise > room", "false"),
	one("L23", "a limit below what runs is not told", findingsGo, "case x.p.OnDemandMax > 0 && x.p.Pools[i].Capacity == OnDemand &&", "x.p.OnDemandMax > 0", "false"),
	one("L24", "a placement is no credit", needGo, "in.waits = slack && in.room()", "slack && in.room()", "false"),
	one("L25", "cover that protects itself is not said", findingsGo, "over > 0 && k.Protected > 0 {", "over > 0 && k.Protected > 0", "false"),
	one("L28", "an order leaves a probe", breakerGo, "if manual || demand == 0 {", "manual || demand == 0", "demand == 0"),
	one("L29", "a breaker trips without missing tasks", breakerGo, "if f.Excused || f.Deploying || f.Demand == 0 || f.Owed < need ||", "f.Excused || f.Deploying || f.Demand == 0 || f.Owed < need", "f.Demand == 0"),

	one("L7", "what starts stands for nothing", needGo, "all := k.Warming + placed + max(0, credited-max(0, t.Spent-k.Placed))", "placed + max(0, credited-max(0, t.Spent-k.Placed))", "0"),
	one("L10", "an application that turns unhealthy is covered", needGo, "case !in.now.Before(until), in.tally.NoRoomAt.After(e.At):", "!in.now.Before(until)", "true"),
	one("L15", "cover that runs for seconds is in service", decideGo, "case k.Surviving > 0:", "k.Surviving > 0", "k.InService.High > 0"),
	one("M14", "what was stopped before it served is no loss", evidenceGo, "if !since {\n\t\t\tbreak", "!since", "true"),

	one("L31", "the tag of the demand is not read", demandGo, "case g.Asked == nil && po.HeldDemand > po.Desired && (!g.Set || po.HeldDemand != seen.Held):", "po.HeldDemand > po.Desired", "false"),
	one("L31", "the tag of the demand is not written", restGo, "case below && tag != in.goal.Demand:", "below && tag != in.goal.Demand", "false"),
	one("L34", "auto scaling is not parked", restGo, "held := in.p.ParkScaling && in.targets[i].Limited", "in.p.ParkScaling", "false"),
	one("L34", "the count that AWS lifts to a new minimum is taken for the demand", demandGo, "if r.count == low && a.theirs(r) {", "r.count == low && a.theirs(r)", "false"),
	one("L36", "a rise in a gap is covered without a bound", demandGo, "g.Demand > most {", "g.Demand > most", "false"),
	one("L36", "a rise that is covered in part is not said", findingsGo, "if g.Bounded > 0 {", "g.Bounded > 0", "false"),
	one("L37", "an echo is taken for a will", demandGo, "s.Pools[k].Parked == nil && g.Demand <= spotRunning(p, known)", "g.Demand <= spotRunning(p, known)", "false"),
	one("L37", "a fall in a gap is not said", findingsGo, "!gap.FellAt.IsZero() && g.Demand < gap.Kept {", "!gap.FellAt.IsZero()", "false"),
	one("L38", "a fall is followed at once", demandGo, "held := now.Sub(gap.FellAt) - FallHold", "FallHold", "0"),
	one("L38", "a fall is followed in one step", demandGo, "*fallPerMinute*steps", "fallPerMinute*steps", "1"),
	one("L38", "a fall is never followed", demandGo, "if held < 0 {", "held < 0", "true"),

	one("M3", "a pool without traffic serves", estimateGo, "k.OutOfTraffic = l.po.OutOfTraffic", "l.po.OutOfTraffic", "false"),
	one("M3", "a pool without traffic is not said", findingsGo, "if k.OutOfTraffic {", "k.OutOfTraffic", "false"),
	one("M4", "the next pool is not asked where the first fails", cascadeGo, "!last && impaired:", "impaired", "false"),
	one("M4", "a pool without room is not passed over", cascadeGo, "if k.Unplaced == 0 {", "k.Unplaced == 0", "true"),
	one("M4", "a pool whose tasks are late keeps its count", cascadeGo, "raise = min(raise, k.reliable()+1)", "k.reliable()+1", "raise"),
	one("M5", "a deployment's stops are excused beyond what it may take", needGo, "return open + min(deploying, mayTake(in))", "min(deploying, mayTake(in))", "deploying+in.known.Unplaced"),
	one("M8", "surplus is started never", cascadeGo, "return int(math.Ceil(most))", "int(math.Ceil(most))", "0"),
	one("M8", "surplus stays", cascadeGo, "in.surplus(min(need-k.InService.High, in.short()))", "min(need-k.InService.High, in.short())", "need"),
	one("M16", "cover is subtracted from the need", cascadeGo, "left -= out.needs[i].Holds", "out.needs[i].Holds", "out.needs[i].Holds - out.needs[i].Excused - 1"),
	one("M17", "what never served stays", releaseGo, "case needed == 0:", "needed == 0", "false"),
	one("M20", "what is observed acts", planGo, "acting: !in.p.Observe && in.s.Pause == nil", "!in.p.Observe && in.s.Pause == nil", "in.s.Pause == nil"),
	one("D1", "a pause is ignored", planGo, "acting: !in.p.Observe && in.s.Pause == nil", "!in.p.Observe && in.s.Pause == nil", "!in.p.Observe"),
	one("D3", "warned tasks are drained at once", restGo, "if serving >= in.goal.Demand || t.EndsAt.IsZero()", "serving >= in.goal.Demand", "true"),
	one("D4", "nothing is kept warm", foreGo, "warm[i] = min(p.Extra, most)", "min(p.Extra, most)", "0"),
	one("D4", "cover is never given back", releaseGo, "if low[i] >= out[i] || !may[i].Lower {", "low[i] >= out[i]", "true"),

	one("L18", "what was missing before the first look is excused as a rise", demandGo, "if s.DemandSet && g.Demand != s.Demand {", "s.DemandSet", "true"),
	one("L21", "late tasks trip against a limit that nothing supports", switchGo, "Start.Quantile(0.99); known {", "known", "true || known"),
	one("L26", "a deployment in progress keeps all cover", releaseGo, "max(0, k.InForce.High-int(po.MayTake*float64(k.InForce.High)))",
		"max(0, k.InForce.High-int(po.MayTake*float64(k.InForce.High)))", "0"),
	one("L35", "the demand of a service that runs nothing is not read", demandGo, "if known[k].Sight == Fresh && !o.Pools[k].Draining {",
		"known[k].Sight == Fresh", "known[k].Sight == Fresh && known[k].Running > 0"),
	one("L39", "a rise in a gap waits for a start-up time", demandGo, "units := 1 + int(now.Sub(gap.RoseAt)/riseUnit)", "1 + int(now.Sub(gap.RoseAt)/riseUnit)",
		"int(now.Sub(gap.RoseAt)/riseUnit)"),
	one("M1", "whatever was created stands for a loss", needGo, "all := k.Warming + placed + max(0, credited-max(0, t.Spent-k.Placed))",
		"placed + max(0, credited-max(0, t.Spent-k.Placed))", "k.Placed + k.Provisioning"),
	one("M2", "a replacement that was stopped before it served counts again", evidenceGo, "if young && since && e.Kind == SignalUnhealthyStop {",
		"young && since && e.Kind == SignalUnhealthyStop", "false"),
	one("M6", "a deployment excuses what it cannot place", needGo, "return count + stopped, sooner(next, until)", "count + stopped",
		"count + stopped + in.known.Unplaced"),
	one("M7", "cover that is late is not replaced", cascadeGo, "sum := need + t.Surplus + min(k.Late, need)", "min(k.Late, need)", "0"),
	one("M9", "what could not be placed is held all the same", cascadeGo, "return min(t.Need, k.reliable())\n", "min(t.Need, k.reliable())", "t.Need"),
	one("M10", "a dead letter counts as told since the last look", evidenceGo, "if !e.At.Before(seen.At) { // both", "!e.At.Before(seen.At)",
		"!e.At.Before(seen.At) || now.Sub(e.At) > time.Hour"),
	{of: "M13", name: "a retirement is excused for an hour, as maintenance", edits: []edit{
		{needGo, "return zeroTime, false\n}\n\n// isDeployings", "zeroTime", "e.At.Add(time.Hour)"},
		{needGo, "return zeroTime, false\n}\n\n// isDeployings", "false", "e.Kind == SignalInfrastructure"},
		{needGo, "in.tally.NoRoomAt.After(e.At):", "in.tally.NoRoomAt.After(e.At)", "in.tally.NoRoomAt.After(e.At) && e.Kind != SignalInfrastructure"}}},
	one("M15", "the spending of a month is never begun anew", decideGo, "!dark && month != s.SpendMonth {", "month != s.SpendMonth", "s.SpendMonth == \"\""),
	one("M18", "a stop by ECS's scheduler explains nothing", needGo, "case SignalScaleIn, SignalOperatorStop:", "SignalScaleIn", "SignalProgress"),
	one("M19", "a gap teaches what is normal", learnGo, "case gap == nil:", "gap == nil", "true"),
}
