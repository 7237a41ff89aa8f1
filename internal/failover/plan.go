package failover

import (
	"slices"
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
	// stopped is the pool of which a late task is stopped, -1 for none.
	stopped int
	// actions are in the order in which they must be carried out; acting is false when they are withheld.
	actions []Action
	acting  bool
	// drifted reports whether an on-demand pool would start another task definition than the one that works.
	drifted bool
	lead    Reason
	reasons []Reason
	notes   notes
}

// notes are what is to be said of a pass, and when the next one is due.
type notes struct {
	findings []Finding
	next     time.Time
}

func (n *notes) say(f Finding)   { n.findings = append(n.findings, f) }
func (n *notes) due(t time.Time) { n.next = sooner(n.next, t) }

// lists are the actions of a pass by their place in the order.
type lists struct{ raises, drains, restores, holds, parks, lowers, rest []Action }

func (l *lists) all() []Action {
	return slices.Concat(l.raises, l.drains, l.restores, l.holds, l.parks, l.lowers, l.rest)
}

// plan turns targets and permissions into actions: cover first, then what else rises, then what prepares a lowering, then what
// falls, then the rest. A crash between two of them leaves too much, never too little.
func plan(r *Room, in planInput) planned {
	n := len(in.known)
	out := planned{stopped: -1, acting: !in.p.Observe && in.s.Pause == nil && !guardedElsewhere(in.p, in.s) && mixed(in.o) < 0, asked: of(r.asked[:], n), parked: of(r.parked[:], n),
		lowered: of(r.bools[:], n), reasons: of(r.reasons[:], n)}
	out.asks = in.counts(r, &out)
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

// guardedElsewhere reports whether another installation holds the owner's count: two that set the same counts undo one another. Who
// confirms takes the workload over.
func guardedElsewhere(p *Policy, s *State) bool {
	k := p.owner()
	return k >= 0 && !s.Pools[k].ElsewhereSince.IsZero() && s.ConfirmedAt.Before(s.Pools[k].ElsewhereSince)
}

// mixed is the first pool whose service has a strategy of several providers, -1 for none: a pool is one capacity, and what such a
// service loses and where it starts again cannot be told from its count.
func mixed(o *Observation) int {
	return slices.IndexFunc(o.Pools, func(po PoolObservation) bool { return po.Mixed != "" })
}

// counts is what every pool is asked for.
func (in *planInput) counts(r *Room, out *planned) []int {
	n := len(in.known)
	low, may := r.numbers(n), of(r.may[poolsFew:], n)
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
			out.notes.due(next)
		}
	}
	rel := releaseInput{p: in.p, known: in.known, pools: in.o.Pools, kept: in.goal.Kept}
	asks := rel.lowered(r.numbers(n), low, may, in.targets)
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
	case pool.Capacity == Spot && pool.Tier == 0 && i == in.p.owner() && !in.goal.Changed:
		return ReasonRestored // its count was held down
	case in.equals(i) && !in.goal.Changed:
		return ReasonTierShared
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

// equals reports whether Spot pool i is one of several of its tier.
func (in *planInput) equals(i int) bool {
	p := in.p.Pools
	return p[i].Capacity == Spot && (i > 0 && p[i-1].Tier == p[i].Tier || i+1 < len(p) && p[i+1].Tier == p[i].Tier)
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
	switch k := in.p.owner(); {
	case k >= 0 && in.known[k].Sight == Gone && in.goal.Kept == 0:
		return ReasonServiceGone // nobody has confirmed that its cover is to stay
	case in.p.Pools[i].Capacity != OnDemand && t.Limited:
		return ReasonEvacuating
	case in.equals(i) && !in.goal.Changed:
		return ReasonTierShared
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
		out.notes.say(Finding{Reason: ReasonPaused, Until: in.s.Pause.Until, Count: len(out.actions), Detail: in.s.Pause.By})
		return
	}
	if guardedElsewhere(in.p, in.s) || mixed(in.o) >= 0 {
		return // it is said of the owner's pool, whether or not anything is withheld
	}
	out.notes.say(Finding{Reason: ReasonObserving, Count: len(out.actions)})
}
