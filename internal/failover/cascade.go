package failover

import "math"

// cascade walks the pools in order of preference and settles what each is asked for. A pool is raised to what
// is missing at once, and lowered to what is not proven elsewhere only when that leaves enough running
// whichever tasks ECS picks to stop; in between it stays where it is (design.md 3.1).
func (w *pass) cascade() {
	want := w.want(w.wanted)
	missing, unproven := want, w.want(w.kept)
	for a := 0; a < len(w.v); {
		b := a + 1
		for b < len(w.v) && w.v[b].pool.Tier == w.v[a].pool.Tier {
			b++
		}
		if b-a == 1 {
			w.single(&w.v[a], want, &missing, &unproven)
		} else {
			w.shareTier(w.v[a:b], want, &missing, &unproven)
		}
		a = b
	}
	for i := range w.v {
		w.settleAsk(&w.v[i])
	}
}

// want is how many tasks should run in all for a demand: it and the standing spare.
func (w *pass) want(demand int) int {
	if demand == 0 {
		return 0
	}
	return demand + w.p.Extra
}

// bound is the most a pool may be asked for.
func (w *pass) bound(v *view) int {
	if v.lost || w.pinned == ModeSpot && v.pool.Capacity == OnDemand {
		return 0
	}
	if v.pool.Max > 0 {
		return min(v.pool.Max, ServiceTasksMax)
	}
	return ServiceTasksMax
}

// floor is the least a pool is asked for: its minimum while anything is wanted at all.
func (w *pass) floor(v *view) int {
	if w.s.Demand == 0 {
		return 0
	}
	return min(v.pool.Min, w.bound(v))
}

// single settles raise and release of a pool that has its tier for itself.
func (w *pass) single(v *view, want int, missing, unproven *int) {
	switch {
	case v.pool.Capacity == OnDemand:
		w.cover(v, missing, unproven)
		return
	case v.unread || w.partial:
		w.asItIs(v, missing, unproven)
		return
	}
	v.raise = clamp(*missing, w.floor(v), w.bound(v))
	v.release = clamp(*unproven, w.floor(v), w.bound(v))
	counts := w.breakerAsk(v, want)
	if counts {
		w.counts(v, missing, unproven)
	}
}

// counts takes what the pool is good for off what is missing, and off what is unproven. Tasks beyond what it
// is asked for are about to be stopped: they do not count.
func (w *pass) counts(v *view, missing, unproven *int) {
	if more := min(v.raise-v.cur, w.riseLeft); more > 0 && !w.isFull(v) {
		// What the demand has just risen by is asked for in this pass: no shortage yet.
		v.growing += more
		w.riseLeft -= more
	}
	*missing -= min(v.running+v.growing, v.raise) + v.excused
	*unproven -= min(v.seasoned+v.growing, v.raise) + v.excused
}

// breakerAsk lets a pool's breaker overrule what the cascade would ask, and says whether what runs there may
// be counted on.
func (w *pass) breakerAsk(v *view, want int) bool {
	if !v.breaker || v.ps.B.Mode == Closed || w.pinned == ModeSpot {
		return true
	}
	probe := ProbeOf(w.p, v.pool, w.s.Demand)
	if w.onDemandShort && w.short {
		// On-demand cannot be had either: ask everywhere, lose nothing.
		v.raise, v.release = max(v.raise, probe), max(v.release, probe)
		return !w.evacuates(v)
	}
	switch {
	case v.ps.B.Mode == HalfOpen:
		ask := min(w.rampAsk(v), w.bound(v))
		ask = max(ask, min(v.cur, v.running+v.starting))
		v.raise = max(probe, min(v.raise, ask))
		v.release = v.raise
		return true
	case w.evacuates(v):
		cover := want - w.uncovered(v)
		target := clamp(v.cur, probe, max(want, probe))
		v.reason = ReasonEvacuating
		if float64(cover) >= w.p.ReadyShare*float64(want) {
			target = min(target, max(probe, want-cover))
			if target == probe {
				v.reason = ReasonProving
				target = max(target, w.freshProbe(v, probe))
			}
		}
		v.raise, v.release = target, target
		return false
	default:
		ask := max(probe, min(v.raise, v.held+probe))
		v.raise, v.release = ask, ask
		v.reason = ReasonProving
		return true
	}
}

// freshProbe is what a pool that has come down to its probe is asked for shortly before it may prove itself:
// the tasks that are left there started before the trip and prove nothing, so as many new ones are asked for
// on top.
func (w *pass) freshProbe(v *view, probe int) int {
	b := &v.ps.B
	due := later(b.NotBefore, b.TrippedAt.Add(w.p.StableFor)).Add(-w.p.StartLimit - w.p.Survive)
	if v.held == 0 || v.held > probe || b.Manual || w.pinned == ModeOnDemand {
		return probe
	}
	if w.now.Before(due) {
		w.look(due)
		return probe
	}
	return min(v.held+probe, w.bound(v))
}

// evacuates says whether an open breaker takes its pool down.
func (w *pass) evacuates(v *view) bool {
	return w.p.OnTrip == Evacuate || v.ps.B.Manual || w.pinned == ModeOnDemand
}

// cover settles an on-demand pool: it is asked for what is missing, and for a surplus on top when a gap opens
// at once, because of 2n tasks started together n run well before the slowest of n would.
func (w *pass) cover(v *view, missing, unproven *int) {
	if v.unread {
		w.asItIs(v, missing, unproven)
		return
	}
	floor, bound := w.floor(v), w.bound(v)
	v.idle = max(0, v.warm-max(floor, *missing))
	floor = max(floor, min(v.warm, bound))
	need := clamp(*missing-w.heldBehind(v), floor, bound)
	v.need = need
	v.raise = need + v.stuck
	if gap := min(need, max(0, *missing)) - v.running; gap > w.p.OverstartMin && w.p.Overstart > 0 {
		v.raise += surplus(gap, w.p.Overstart)
	}
	v.raise = min(v.raise, bound)
	v.release = clamp(*unproven, floor, bound)
	if w.p.OnDemandMax > 0 && w.launchFailing(v) && w.coverAfter(v) {
		// What it is asked for counts against the limit though it is not to be had: the next pool could have it.
		holds := clamp(v.running+v.starting+v.stuck+1, floor, bound)
		v.raise, v.release = min(v.raise, holds), min(v.release, holds)
	}
	w.guard(v)
	*missing -= v.running
	*unproven -= v.seasoned
	if !w.launchFailing(v) && !w.refused(v) && *missing > 0 {
		// What was asked for here counts as on its way, or the next on-demand pool would start the same
		// tasks again (docs/adr/0003-several-on-demand-pools.md).
		*missing -= max(0, min(need, v.raise)-v.running)
	}
}

// coverAfter says whether there is another on-demand pool behind one.
func (w *pass) coverAfter(v *view) bool {
	for i := len(w.v) - 1; &w.v[i] != v; i-- {
		if w.v[i].pool.Capacity == OnDemand {
			return true
		}
	}
	return false
}

// refused says whether ECS takes no call that raises the pool.
func (w *pass) refused(v *view) bool {
	if v.ps.RefusedSince.IsZero() {
		return false
	}
	due := v.ps.RefusedSince.Add(refusedFor)
	w.look(due)
	return !w.now.Before(due)
}

// surplus is how many tasks more than gap are started. The slowest of n starts is relatively later the fewer
// they are: below about six tasks the surplus falls with the root of the gap rather than with the gap.
func surplus(gap int, overstart float64) int {
	const few = 2.5 // the root of the gap below which the root counts
	n := float64(gap)
	return int(math.Ceil(overstart * max(n, few*math.Sqrt(n))))
}

// guard holds a raise back that money, or the operator's patience, does not allow. Nothing here ever lowers a
// pool.
func (w *pass) guard(v *view) {
	if v.raise <= v.cur {
		return
	}
	if w.p.FillAfter > 0 && w.short && !w.anyOpen() {
		if until := w.s.ShortSince.Add(w.p.FillAfter); w.now.Before(until) {
			w.find(Finding{Reason: ReasonWaitingToFill, Pool: v.pool.Name, Count: v.raise - v.cur, Until: until})
			w.look(until)
			v.raise, v.reason = v.cur, ReasonWaitingToFill
			return
		}
	}
	if w.p.OnDemandMax > 0 {
		others := 0
		for i := range w.v {
			if o := &w.v[i]; o != v && o.pool.Capacity == OnDemand {
				others += max(o.cur, o.raise, w.mayRun(o))
			}
		}
		if room := max(w.p.OnDemandMax-others, v.cur); v.raise > room {
			w.find(Finding{Reason: ReasonOnDemandMax, Pool: v.pool.Name, Count: v.raise - room, Limit: w.p.OnDemandMax})
			v.raise, v.reason = room, ReasonOnDemandMax
		}
	}
	if w.p.OnDemandBudgetUSDMonthly > 0 && w.s.Spend.USD >= w.p.OnDemandBudgetUSDMonthly && v.raise > v.cur {
		w.find(Finding{Reason: ReasonBudget, Pool: v.pool.Name, Count: v.raise - v.cur,
			Limit: int(w.p.OnDemandBudgetUSDMonthly)})
		v.raise, v.reason = v.cur, ReasonBudget
	}
}

func (w *pass) anyOpen() bool {
	for i := range w.v {
		if w.v[i].ps.B.Mode == Open {
			return true
		}
	}
	return false
}

// settleAsk turns raise and release into what the pool is asked for.
func (w *pass) settleAsk(v *view) {
	low := max(v.raise, v.release)
	if w.untouched(v) {
		v.ask = v.cur
		w.whyUnchanged(v)
		return
	}
	if v.raise > v.cur {
		v.ask = v.raise
		return
	}
	v.ps.RefusedSince = zeroTime // nothing is asked of it that could be
	switch {
	case low >= v.cur:
		v.ask = v.cur
		w.whyUnchanged(v)
		return
	}
	v.ask = v.cur
	if v.pool.Capacity == OnDemand && w.pinned != ModeSpot {
		if w.deployingNow() && w.s.Demand > 0 {
			v.reason = ReasonDeploying
			w.find(Finding{Reason: ReasonDeploying, Pool: v.pool.Name, Count: v.cur - low})
			return
		}
	}
	if (v.pool.Capacity == OnDemand && w.pinned != ModeSpot) || (v.breaker && v.ps.B.Mode == Open) {
		if next := v.ps.ReleasedAt.Add(w.p.ReleaseEvery); w.now.Before(next) && !v.ps.ReleasedAt.IsZero() {
			v.reason = ReasonReleaseUnsafe
			w.look(next)
			return
		}
	}
	v.ask = w.lower(v, low)
	if v.ask == v.cur {
		v.reason = ReasonReleaseUnsafe
		return
	}
	if w.acting() { // what is withheld is no release, and would change the state at every pass
		v.ps.ReleasedAt = w.now
	}
}

// whyUnchanged names why a pool stays where it is.
func (w *pass) whyUnchanged(v *view) {
	if v.reason != "" || v.pool.Capacity != OnDemand || v.cur == 0 {
		return
	}
	switch {
	case v.raise < v.cur && v.release >= v.cur:
		v.reason = ReasonSettling
	case v.starting > 0:
		v.reason = ReasonStarting
	case v.idle > 0:
		v.reason = ReasonForesight
	default:
		v.reason = ReasonCovering
	}
}

// lower returns how far a pool may come down towards low: ECS promises nothing about which tasks a scale-in
// stops, so every task that is stopped counts as one that runs, except those that were never placed. What it
// takes is no longer there for the next pool.
func (w *pass) lower(v *view, low int) int {
	k := v.cur - low
	free := max(0, v.cur-v.running-v.starting-v.stuck)
	spare := max(0, w.safe-w.kept)
	if v.pool.Capacity == OnDemand {
		// While Spot is evacuated it runs as well, and counts for nothing: what is taken here would be missing, and be
		// asked for anew.
		spare = min(spare, max(0, v.running-low))
	}
	if w.pinned == ModeSpot && v.pool.Capacity == OnDemand {
		spare = v.running // the operator wants it so
	}
	if v.running > spare {
		k = min(k, free+spare)
	}
	w.safe -= min(v.running, max(0, k-free))
	return v.cur - k
}

func clamp(x, low, high int) int { return max(low, min(x, high)) }
