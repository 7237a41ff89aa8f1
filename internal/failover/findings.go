package failover

// findings is what shaped the decision, beside the actions.
func (x *outcome) findings() []Finding {
	var out []Finding
	if x.note != nil {
		out = append(out, *x.note)
	}
	if x.pinned != ModeUnknown {
		out = append(out, Finding{Reason: ReasonPinned, Until: x.before.Pin.Until, Detail: string(x.pinned)})
	}
	out = append(out, x.sw.findings...)
	for i := range x.known {
		out = x.sightFindings(out, i)
		out = x.poolFindings(out, i)
	}
	out = x.demandFindings(out)
	out = x.moneyFindings(out)
	if a := x.cas.shared; a >= 0 {
		out = append(out, Finding{Reason: ReasonTierShared, Pool: x.p.Pools[a].Name, Count: x.goal.Wanted})
	}
	return append(out, x.plan.notes.findings...)
}

// sightFindings says what could not be read of a pool.
func (x *outcome) sightFindings(out []Finding, i int) []Finding {
	k, po, ps, name := &x.known[i], &x.o.Pools[i], &x.before.Pools[i], x.p.Pools[i].Name
	switch k.Sight {
	case Told:
		out = append(out, Finding{Reason: ReasonBlind, Pool: name, Count: k.InService.High, Until: x.before.Seen.Pools[i].At, Detail: string(po.Err)})
	case WrittenOff:
		out = append(out, Finding{Reason: ReasonWrittenOff, Pool: name, Count: x.before.Seen.Pools[i].InService, Until: ps.UnreachedSince})
	case Gone:
		gone := Finding{Reason: ReasonServiceGone, Pool: name, Count: x.lost(i), Until: ps.LostAt, Detail: po.Gone}
		if !x.before.ConfirmedAt.Before(ps.GoneSince) {
			gone.Limit = gone.Count // a person knows, and wants it covered
		}
		out = append(out, gone)
	}
	if k.Sight == Fresh && po.HealthErr != ErrNone {
		out = append(out, Finding{Reason: ReasonHealthUnread, Pool: name, Count: k.Running, Detail: string(po.HealthErr)})
	}
	if k.Sight == Fresh && po.Draining {
		out = append(out, Finding{Reason: ReasonServiceGone, Pool: name, Count: x.lost(i), Until: x.o.At, Detail: "DRAINING"})
	}
	if po.Mixed != "" {
		out = append(out, Finding{Reason: ReasonMixedStrategy, Pool: name, Detail: po.Mixed})
	}
	for _, text := range po.Unexpected {
		out = append(out, Finding{Reason: ReasonUnexpected, Pool: name, Detail: text})
	}
	if i == x.p.owner() && guardedElsewhere(x.p, x.before) {
		out = append(out, Finding{Reason: ReasonGuardedElsewhere, Pool: name, Count: po.HeldDemand, Until: ps.ElsewhereSince, Detail: po.HeldBy})
	}
	if k.OutOfTraffic {
		out = append(out, Finding{Reason: ReasonNoTraffic, Pool: name, Count: k.Running})
	}
	return out
}

// lost is how many tasks are lost with a pool's service: all that is wanted where it was the owner's.
func (x *outcome) lost(i int) int {
	if i == x.p.owner() {
		return x.goal.Demand
	}
	return x.before.Seen.Pools[i].InService
}

// poolFindings says what is unusual about a pool that was read.
func (x *outcome) poolFindings(out []Finding, i int) []Finding {
	k, t, n, tgt, po := &x.known[i], &x.tallies[i], &x.cas.needs[i], &x.cas.targets[i], &x.o.Pools[i]
	name := x.p.Pools[i].Name
	if k.Sight != Fresh {
		return out
	}
	spot := x.p.Pools[i].Capacity == Spot
	switch {
	case x.fails[i] != nil:
		out = append(out, Finding{Reason: ReasonCoverFailing, Pool: name, Count: x.fails[i].Failures, Limit: tgt.Need, Until: x.fails[i].Since})
	case spot && (n.Excused > 0 || k.Unhealthy > 0) && t.ConfigFailures > t.Failures:
		out = append(out, Finding{Reason: ReasonConfigurationError, Pool: name, Count: t.ConfigFailures, Limit: n.Excused})
	case spot && (n.Excused > 0 && t.Failures > 0 || k.Unhealthy > 0 || t.Unwell > 0 && x.before.Gap == nil):
		out = append(out, Finding{Reason: ReasonApplicationFailing, Pool: name, Count: t.Failures + t.Unwell + k.Unhealthy, Limit: n.Excused})
	case t.Failures+t.ConfigFailures >= 3 || t.Impaired:
		out = append(out, Finding{Reason: ReasonReleaseFailing, Pool: name, Count: t.Failures + t.ConfigFailures})
	}
	short := tgt.Impaired && x.fails[i] == nil || k.Unplaced > 0 && (!t.NoRoomAt.IsZero() || x.unplacedLong(i))
	if !spot && short && tgt.Need > 0 && t.Quota == 0 { // what a quota keeps away is no shortage: capacity elsewhere would not help
		out = append(out, Finding{Reason: ReasonOnDemandShort, Pool: name, Count: k.Unplaced + k.Late, Limit: k.InForce.High})
	}
	if !spot && k.LateWarming > 0 && k.InService.High == 0 {
		out = append(out, Finding{Reason: ReasonCoverNotReady, Pool: name, Count: k.LateWarming})
	}
	if tgt.Bounded {
		out = append(out, Finding{Reason: ReasonCoverBounded, Pool: name, Count: tgt.Raise, Limit: tgt.Need})
	}
	if needed := x.unplacedOf(i, spot); t.Quota > 0 && needed > 0 {
		out = append(out, Finding{Reason: ReasonQuota, Pool: name, Count: t.Quota, Limit: needed, Detail: string(x.p.Pools[i].Capacity)})
	}
	if k.Late > 0 {
		out = append(out, Finding{Reason: ReasonLate, Pool: name, Count: k.Late})
	}
	if _, own := x.before.Seen.Pools[i].Start.Quantile(0.99); own && 4*(k.StartLimit+k.ReadyLimit) > 5*(x.p.StartLimit+x.p.ReadyLimit) {
		out = append(out, Finding{Reason: ReasonSlowStarts, Pool: name, Count: int((k.StartLimit + k.ReadyLimit).Seconds())})
	}
	if x.releaseWaits(i) {
		out = append(out, Finding{Reason: ReasonReleaseWaits, Pool: name, Count: k.Unplaced, Until: po.DeployingSince, Detail: x.before.WorkingRevision})
	}
	if po.DeployFailed {
		out = append(out, Finding{Reason: ReasonDeploymentFailed, Pool: name})
	}
	if !po.HookSince.IsZero() {
		out = append(out, Finding{Reason: ReasonHook, Pool: name, Until: po.HookSince})
	}
	if po.Differs != "" && !spot {
		out = append(out, Finding{Reason: ReasonDiffers, Pool: name, Detail: po.Differs})
	}
	if over := k.Live - k.InForce.High; over > 0 && k.Protected > 0 {
		out = append(out, Finding{Reason: ReasonProtected, Pool: name, Count: min(over, k.Protected)})
	}
	return out
}

// releaseWaits reports whether a deployment of the owner gets no task for want of room on Spot.
func (x *outcome) releaseWaits(i int) bool {
	k, since := &x.known[i], x.before.Pools[i].UnplacedSince
	return i == x.p.owner() && x.o.Pools[i].Deploying && k.Arriving == 0 && k.Unplaced > 0 && k.InService.High == 0 && !since.IsZero() && x.o.At.Sub(since) >= placeFor
}

// unplacedOf is how many of a pool's tasks that could not be placed are needed: a surplus is not, nor what other pools have in service.
func (x *outcome) unplacedOf(i int, spot bool) int {
	k := &x.known[i]
	if spot {
		return k.Unplaced
	}
	in, _ := x.total()
	return min(k.Unplaced, max(0, x.cas.targets[i].Need-k.InService.High), max(0, x.goal.Wanted-in.High))
}

// unplacedLong reports whether a pool's tasks could not be placed for as long as a start may take: ECS says so once and then is silent for
// three quarters of an hour. From tasks that fail it backs off, which is no want of room.
func (x *outcome) unplacedLong(i int) bool {
	since, t := x.before.Pools[i].UnplacedSince, &x.tallies[i]
	return x.fails[i] == nil && t.Failures+t.ConfigFailures == 0 && !since.IsZero() && x.o.At.Sub(later(since, x.known[i].Newest)) >= x.known[i].StartLimit
}

// demandFindings says how the demand moved, and what of it is not followed yet.
func (x *outcome) demandFindings(out []Finding) []Finding {
	g := x.goal
	owner := ""
	if k := x.p.owner(); k >= 0 {
		owner = x.p.Pools[k].Name
	}
	if g.Changed {
		out = append(out, Finding{Reason: ReasonDemandChanged, Pool: owner, Count: g.Demand, Limit: g.From})
	}
	if k := x.p.owner(); k >= 0 && g.Asked != nil && g.Asked.At.Equal(x.o.At) && g.Demand > 0 && x.o.Pools[k].HeldDemand == g.Demand && x.o.Pools[k].Desired < g.Demand {
		out = append(out, Finding{Reason: ReasonDemandRemembered, Pool: owner, Count: g.Demand, Limit: x.o.Pools[x.p.owner()].Desired})
	}
	if g.Bounded > 0 {
		out = append(out, Finding{Reason: ReasonRiseBounded, Pool: owner, Count: g.Demand, Limit: g.Wanted, Until: g.Next})
	}
	if gap := g.Gap; gap != nil && !gap.FellAt.IsZero() && g.Demand < gap.Kept {
		r := ReasonFallHeld
		if gap.Echo {
			r = ReasonEcho
		}
		out = append(out, Finding{Reason: r, Pool: owner, Count: g.Demand, Limit: g.Kept, Until: gap.FellAt})
	}
	return out
}

// moneyFindings says which of the operator's limits hold cover back, and how much of the budget is used.
func (x *outcome) moneyFindings(out []Finding) []Finding {
	for i := range x.may {
		m, t := &x.may[i], &x.cas.targets[i]
		switch {
		case m.Why == ReasonOnDemandMax && t.Raise > m.Most:
			out = append(out, Finding{Reason: ReasonOnDemandMax, Pool: x.p.Pools[i].Name, Count: t.Raise - m.Most, Limit: x.p.OnDemandMax})
		case x.p.OnDemandMax > 0 && x.p.Pools[i].Capacity == OnDemand && x.known[i].InForce.High > x.p.OnDemandMax:
			out = append(out, Finding{Reason: ReasonOnDemandMax, Pool: x.p.Pools[i].Name, Count: x.known[i].InForce.High - x.p.OnDemandMax, Limit: x.p.OnDemandMax})
		case m.Why == ReasonBudget && t.Raise > m.Most:
			out = append(out, Finding{Reason: ReasonBudget, Pool: x.p.Pools[i].Name, Count: t.Raise - m.Most, Limit: int(x.p.OnDemandBudgetUSDMonthly)})
		}
	}
	if used, gone := budgetLeft(x.p, x.before, x.known, x.o.At); used >= budgetTold {
		out = append(out, Finding{Reason: ReasonBudgetUsed, Count: int(100 * used), Limit: int(x.p.OnDemandBudgetUSDMonthly), Until: gone})
	}
	return out
}

// budgetTold is the share of the budget from which its use is told.
const budgetTold = 0.5

// standing reasons in the order of their weight: the first that was found leads when nothing was done.
var standing = [...]Reason{ReasonServiceGone, ReasonQuota, ReasonOnDemandShort, ReasonWrittenOff, ReasonCoverFailing, ReasonCoverNotReady, ReasonNoTraffic, ReasonEcho, ReasonRiseBounded,
	ReasonOnDemandMax, ReasonBudget, ReasonApplicationFailing, ReasonConfigurationError, ReasonFailoverLimit, ReasonPinned, ReasonFailedOver, ReasonRamping,
	ReasonHoldOff, ReasonProving, ReasonFallHeld}

// leading is the decision's reason: what was done, else what kept it from being done, else how things stand.
func (x *outcome) leading(found []Finding, after *State) Reason {
	blind := false
	for i := range x.known {
		blind = blind || x.known[i].Sight == Told
	}
	lead := x.sw.lead
	if lead == "" {
		lead = x.plan.lead
	}
	switch {
	case blind && (lead == "" || !x.plan.acting):
		return ReasonBlind
	case !x.plan.acting && x.before.Pause != nil:
		return ReasonPaused
	case guardedElsewhere(x.p, x.before):
		return ReasonGuardedElsewhere
	case mixed(x.o) >= 0:
		return ReasonMixedStrategy
	case !x.plan.acting && lead != "":
		return ReasonObserving
	case lead != "":
		return lead
	}
	for _, r := range standing {
		for i := range found {
			if found[i].Reason == r {
				return r
			}
		}
	}
	if after.Demand == 0 {
		return ReasonIdle
	}
	for i := range x.plan.reasons {
		if x.p.Pools[i].Capacity == OnDemand && x.plan.asks[i] > 0 && x.plan.reasons[i] != "" {
			return x.plan.reasons[i]
		}
	}
	if in, working := x.total(); in.Low < after.Demand {
		if working > 0 && x.cas.need == 0 {
			return ReasonReplacing
		}
		return ReasonStarting
	}
	return ReasonSteady
}
