package failover

import (
	"strings"
	"time"
)

// planInput is what the actions of a pass follow from.
type planInput struct {
	p        *Policy
	s        *State
	o        *Observation
	goal     *Goal
	known    []Known
	targets  []Target
	may      []May
	switched *switched
	pinned   Mode
}

// planned is what a pass does.
type planned struct {
	// asks is what every pool is asked for, asked what is kept of it, lowered which pools are lowered.
	asks    []int
	asked   []*Asked
	parked  []*Scaling
	lowered []bool
	// actions are in the order in which they must be carried out; acting is false when they are withheld.
	actions []Action
	acting  bool
	// drifted reports whether an on-demand pool would start another task definition than the one that works.
	drifted  bool
	findings []Finding
	lead     Reason
	reasons  []Reason
	next     time.Time
}

// lists are the actions of a pass by their place in the order.
type lists struct{ raises, drains, restores, holds, parks, lowers, rest []Action }

func (l *lists) all() []Action {
	n := len(l.raises) + len(l.drains) + len(l.restores) + len(l.holds) + len(l.parks) + len(l.lowers) + len(l.rest)
	if n == 0 {
		return nil
	}
	out := make([]Action, 0, n)
	for _, part := range [...][]Action{l.raises, l.drains, l.restores, l.holds, l.parks, l.lowers, l.rest} {
		out = append(out, part...)
	}
	return out
}

// plan turns targets and permissions into actions: cover first, then what else rises, then what prepares a lowering, then what
// falls, then the rest. A crash between two of them leaves too much, never too little.
func plan(in planInput) planned {
	n := len(in.known)
	out := planned{acting: !in.p.Observe && in.s.Pause == nil, asked: make([]*Asked, n), parked: make([]*Scaling, n), lowered: make([]bool, n),
		reasons: make([]Reason, n)}
	out.asks = in.counts(&out)
	var l lists
	for i := range in.known {
		out.asked[i], out.parked[i] = in.askedBefore(i), in.s.Pools[i].Parked
		if in.scaling(&out, &l, i) {
			in.count(&out, &l, i)
		} else {
			out.asks[i] = in.known[i].InForce.High // not before its scalable target is known: it would be lifted again
		}
		in.hold(&out, &l, i)
		in.drain(&l, i)
	}
	in.stopLate(&out, &l)
	in.sync(&out, &l)
	out.actions = l.all()
	if !out.acting {
		in.withhold(&out)
	}
	return out
}

// counts is what every pool is asked for.
func (in *planInput) counts(out *planned) []int {
	n := len(in.known)
	low, may := make([]int, n), make([]May, n)
	copy(may, in.may)
	for i := range low {
		t := &in.targets[i]
		low[i] = max(t.Raise, t.Release)
		if may[i].LowEnd >= 0 {
			low[i] = may[i].LowEnd
		}
		if in.pinned == ModeSpot && in.p.Pools[i].Capacity == OnDemand {
			low[i] = 0
		}
		paced := in.p.Pools[i].Capacity == OnDemand && in.pinned != ModeSpot || t.Limited
		if next := in.s.Pools[i].ReleasedAt.Add(releaseEvery); paced && low[i] < in.known[i].InForce.High && in.o.At.Before(next) {
			may[i].Lower = false
			out.next = sooner(out.next, next)
		}
	}
	kept := in.goal.Kept
	if kept > 0 && in.p.Extra > 0 {
		kept += 0 // the spare is held by its own low end
	}
	rel := releaseInput{p: in.p, goal: in.goal, known: in.known, pools: in.o.Pools, kept: kept}
	asks := rel.lowered(low, may, in.targets)
	for i := range asks {
		k := &in.known[i]
		if raise := min(in.targets[i].Raise, in.may[i].Most); in.may[i].Raise && raise > k.InForce.High {
			asks[i] = raise
		}
		out.lowered[i] = asks[i] < k.InForce.High
		in.why(out, i, low[i], asks[i])
	}
	return asks
}

// why names the reason of a pool's count.
func (in *planInput) why(out *planned, i, low, ask int) {
	k, t, m := &in.known[i], &in.targets[i], &in.may[i]
	c := k.InForce.High
	switch {
	case ask > c:
		out.reasons[i] = in.raiseReason(i)
	case ask < c:
		out.reasons[i] = in.lowerReason(i)
	case t.Raise > m.Most && m.Why != "":
		out.reasons[i] = m.Why
	case in.p.Pools[i].Capacity != OnDemand || c == 0:
		if t.Limited {
			out.reasons[i] = ReasonProving
		}
	case t.Failing:
		out.reasons[i] = ReasonCoverFailing
	case low < c && !m.Lower && m.Why != "":
		out.reasons[i] = m.Why
	case low < c:
		out.reasons[i] = ReasonReleaseUnsafe
		if k.Warming+k.Placed+k.Provisioning > 0 || in.spotWarming() {
			out.reasons[i] = ReasonWarming
		}
	case k.Placed+k.Provisioning+k.Warming > 0:
		out.reasons[i] = ReasonStarting
	case t.Need == 0 && t.Warm > 0:
		out.reasons[i] = ReasonForesight
	default:
		out.reasons[i] = ReasonCovering
	}
}

func (in *planInput) spotWarming() bool {
	for i := range in.known {
		if in.p.Pools[i].Capacity == Spot && in.known[i].Warming > 0 {
			return true
		}
	}
	return false
}

// read is the count of pool i as it was read.
func (in *planInput) read(i int) reading {
	return reading{in.known[i].Desired, in.o.At, in.p.StaleFor}
}

// askedBefore is what is known of our own last write to pool i after this look.
func (in *planInput) askedBefore(i int) *Asked {
	a := in.s.Pools[i].Asked
	if i == in.p.owner() {
		a = in.goal.Asked
	}
	if in.known[i].Sight != Fresh {
		return a
	}
	a = a.shown(in.read(i))
	if i == in.p.owner() && a != nil && a.Seen && a.Count == in.goal.Demand && len(a.Old) == 0 && !in.targets[i].Limited {
		return nil // the owner's count is the demand again, and nobody's but the owner's
	}
	return a
}

// count adds the action that sets a pool's count, if one is needed.
func (in *planInput) count(out *planned, l *lists, i int) {
	r, a, ask := in.read(i), out.asked[i], out.asks[i]
	k := &in.known[i]
	if k.Sight == Told {
		r.count = k.InForce.High
	}
	if !in.may[i].Raise && !in.may[i].Lower {
		return
	}
	if k.Sight == Told && ask <= k.InForce.High {
		return
	}
	was := r.count
	if a.unseen(r) && a.Count != ask {
		was = a.Count // it may be in force though this read does not show it: say what is wanted now
	}
	if ask == was || (a != nil && a.inForce(r) == ask && a.unseen(r) && a.Done) {
		if a != nil && a.Count != ask && out.acting {
			// What was asked for is not wanted any more. Should it show again, it is ours and nobody's will.
			out.asked[i] = a.ask(ask, r)
		}
		return
	}
	set := SetDesiredCount{Pool: in.p.Pools[i].Name, Count: ask, From: was}
	if ask > was {
		out.leads(in.raiseReason(i))
		if in.p.Pools[i].Capacity == OnDemand {
			l.raises = append([]Action{set}, l.raises...)
		} else {
			l.raises = append(l.raises, set)
		}
	} else {
		out.leads(in.lowerReason(i))
		l.lowers = append(l.lowers, set)
	}
	if out.acting {
		out.asked[i] = a.ask(ask, r)
	}
}

// leads names the reason of the whole decision; the first one that calls it wins.
func (out *planned) leads(r Reason) {
	if out.lead == "" {
		out.lead = r
	}
}

// raiseReason says why a pool is asked for more.
func (in *planInput) raiseReason(i int) Reason {
	t, pool := &in.targets[i], &in.p.Pools[i]
	if a := in.s.Pools[i].Asked; a != nil && a.Count == t.Raise && a.Done {
		return ReasonReasserted
	}
	switch b := &in.switched.breakers[i]; {
	case pool.Capacity == Spot && b.Mode == HalfOpen:
		return ReasonRamping
	case pool.Capacity == Spot && b.Mode == Open:
		return ReasonProving
	case pool.Capacity == Spot && pool.Tier == 0:
		return ReasonDemandChanged
	case pool.Capacity == OnDemand && t.Need < t.Warm && t.Raise <= t.Warm:
		return ReasonForesight
	}
	r := ReasonSpotShort
	for j := range in.known {
		switch {
		case in.known[j].Sight == Gone:
			return ReasonServiceGone
		case in.known[j].Sight == WrittenOff:
			return ReasonWrittenOff
		case in.switched.breakers[j].Mode == Open:
			return ReasonEvacuating
		case in.p.Pools[j].Capacity == Spot && in.known[j].Leaving > 0 && in.lostLately(j):
			r = ReasonInterruption
		}
	}
	return r
}

// lostLately reports whether tasks of the pool are under notice.
func (in *planInput) lostLately(j int) bool {
	for i := len(in.s.Window) - 1; i >= 0; i-- {
		if e := &in.s.Window[i]; e.Pool == in.p.Pools[j].Name && loses(e.Kind) && in.o.At.Sub(e.At) < noticedFor {
			return true
		}
	}
	for i := range in.o.Signals {
		if sig := &in.o.Signals[i]; sig.Pool == in.p.Pools[j].Name && loses(sig.Kind) {
			return true
		}
	}
	return false
}

// lowerReason says why a pool is asked for less.
func (in *planInput) lowerReason(i int) Reason {
	t := &in.targets[i]
	switch {
	case in.p.Pools[i].Capacity != OnDemand && t.Limited:
		return ReasonEvacuating
	case in.p.Pools[i].Capacity != OnDemand && in.p.Pools[i].Tier > 0:
		return ReasonSpotReturned
	case in.p.Pools[i].Capacity != OnDemand:
		return ReasonDemandChanged
	case in.pinned == ModeSpot:
		return ReasonPinned
	case in.may[i].LowEnd >= 0:
		return ReasonBudget
	case t.Failing:
		return ReasonCoverFailing
	case t.Impaired:
		return ReasonOnDemandShort
	case t.Warm < in.s.Pools[i].Warm:
		return ReasonForesight
	case in.goal.Kept < in.goal.From:
		return ReasonDemandChanged
	case t.Need > 0:
		return ReasonSurplus
	}
	return ReasonSpotReturned
}

// withhold is what is said of actions that are not carried out.
func (in *planInput) withhold(out *planned) {
	if in.s.Pause != nil {
		out.findings = append(out.findings, Finding{Reason: ReasonPaused, Until: in.s.Pause.Until, Count: len(out.actions), Detail: in.s.Pause.By})
		return
	}
	out.findings = append(out.findings, Finding{Reason: ReasonObserving, Count: len(out.actions)})
}

// hold keeps the demand as a tag on the owner's service while its count is held below it.
func (in *planInput) hold(out *planned, l *lists, i int) {
	if i != in.p.owner() || in.known[i].Sight != Fresh {
		return
	}
	tag := in.o.Pools[i].HeldDemand
	switch below := in.targets[i].Limited && out.asks[i] < in.goal.Demand; {
	case below && tag != in.goal.Demand:
		l.holds = append(l.holds, HoldDemand{Pool: in.p.Pools[i].Name, Demand: in.goal.Demand})
	case !below && tag > 0 && in.known[i].Desired >= in.goal.Demand:
		l.rest = append(l.rest, HoldDemand{Pool: in.p.Pools[i].Name})
	}
}

// scaling keeps a pool's scalable target from undoing what the breaker does. It reports whether the pool's count may be set.
func (in *planInput) scaling(out *planned, l *lists, i int) bool {
	sc, parked := in.o.Pools[i].Scaling, in.s.Pools[i].Parked
	held := in.p.ParkScaling && in.targets[i].Limited && in.pinned != ModeSpot
	if in.known[i].Sight != Fresh || !held && parked == nil {
		return true
	}
	if !sc.Known {
		out.next = sooner(out.next, in.o.At)
		return out.asks[i] >= in.known[i].InForce.High
	}
	suspended := sc.SuspendedIn && sc.SuspendedOut && sc.SuspendedScheduled
	parkedForm := sc.Present && sc.Min == 0 && suspended
	own := sc
	if parked != nil && suspended {
		// The suspension is ours; whoever changed the bounds meanwhile did not ask for it to stay.
		own.SuspendedIn, own.SuspendedOut, own.SuspendedScheduled = parked.SuspendedIn, parked.SuspendedOut, parked.SuspendedScheduled
		if parkedForm {
			own.Min = parked.Min
		}
	}
	keep := func(now *Scaling) {
		if out.acting {
			out.parked[i] = now
		}
	}
	name := in.p.Pools[i].Name
	switch {
	case held && !sc.Present:
	case held:
		out.findings = append(out.findings, Finding{Reason: ReasonScalingParked, Pool: name, Count: own.Min, Limit: own.Max})
		if parkedForm && parked != nil && *parked == own {
			break
		}
		keep(&own)
		l.parks = append(l.parks, ParkScaling{Pool: name, Max: sc.Max})
	case !sc.Present, sc == *parked, !suspended: // it is back, gone for good, or someone has set it meanwhile: theirs counts
		out.parked[i] = nil
	default:
		keep(&own)
		out.findings = append(out.findings, Finding{Reason: ReasonScalingRestored, Pool: name, Count: own.Min, Limit: own.Max})
		l.restores = append(l.restores, RestoreScaling{Pool: name, Scaling: own})
	}
	return true
}

// stopLate stops the task that has been late for longest, where more cannot be asked for: one a pass, and none that is not past twice
// its limit.
func (in *planInput) stopLate(out *planned, l *lists) {
	for i := range in.known {
		k, t := &in.known[i], &in.targets[i]
		if in.p.Pools[i].Capacity != OnDemand || !(t.Bounded || t.Failing) || k.OldestLate == "" || !in.may[i].Stop {
			continue
		}
		due := k.OldestAt.Add(2 * (k.StartLimit + k.ReadyLimit))
		if k.LateWarming == 0 {
			due = k.OldestAt.Add(2 * k.StartLimit)
		}
		if in.o.At.Before(due) {
			out.next = sooner(out.next, due)
			continue
		}
		l.rest = append(l.rest, StopTask{Pool: in.p.Pools[i].Name, Task: k.OldestLate})
		out.findings = append(out.findings, Finding{Reason: ReasonLateStopped, Pool: in.p.Pools[i].Name, Count: 1})
		out.leads(ReasonLateStopped)
		return
	}
}

// drain takes warned tasks out of their target groups as late as it is safe: when tasks in service stand in their place, or shortly
// before they end; at once where the end is unknown; never the last that serves.
func (in *planInput) drain(l *lists, i int) {
	if len(in.known[i].Drains) == 0 || !in.may[i].Drain {
		return
	}
	serving := 0
	for j := range in.known {
		serving += in.known[j].InService.Low
	}
	if serving == 0 {
		return
	}
	for n := range in.known[i].Drains {
		t := &in.known[i].Drains[n]
		if n >= drainsMax {
			return
		}
		if serving >= in.goal.Demand || t.EndsAt.IsZero() || !in.o.At.Before(t.EndsAt.Add(-in.p.Pools[i].DrainBefore)) {
			l.drains = append(l.drains, DrainTask{Pool: in.p.Pools[i].Name, Task: t.ID})
		}
	}
}

// sync keeps the task definition of on-demand pools in step with the one of the owner that works: cover that runs another release is a
// silent roll-back, and cover that runs a broken one is none.
func (in *planInput) sync(out *planned, l *lists) {
	works := in.s.WorkingRevision
	if works == "" {
		return
	}
	for i := range in.known {
		po, k := &in.o.Pools[i], &in.known[i]
		if in.p.Pools[i].Capacity != OnDemand || k.Sight != Fresh || po.TaskDefinition == "" || po.TaskDefinition == works || elsewhere(po.TaskDefinition, works) {
			continue
		}
		out.drifted = true
		if in.p.SyncTaskDefinition && k.InForce.High == 0 && k.Live == 0 && out.asks[i] == 0 && !po.Deploying {
			out.findings = append(out.findings, Finding{Reason: ReasonDriftSynced, Pool: in.p.Pools[i].Name, Detail: works})
			out.leads(ReasonDriftSynced)
			l.rest = append(l.rest, SyncTaskDefinition{Pool: in.p.Pools[i].Name, TaskDefinition: works})
			continue
		}
		out.findings = append(out.findings, Finding{Reason: ReasonDrift, Pool: in.p.Pools[i].Name, Detail: po.TaskDefinition})
	}
}

// elsewhere reports whether two task definition ARNs are of different regions or accounts: revisions cannot be compared or shared there.
func elsewhere(a, b string) bool {
	homeA, _, fullA := strings.Cut(a, ":task-definition/")
	homeB, _, fullB := strings.Cut(b, ":task-definition/")
	return fullA && fullB && homeA != homeB
}
