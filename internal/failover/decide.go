package failover

import (
	"slices"
	"time"
)

// Decide takes what the operator wants, what was kept from the last pass and what is seen now, and returns
// what to keep and what to do. The given state is not modified.
//
// The caller owes it this order: store the returned state, conditional on the generation it was loaded
// with, BEFORE any action is carried out; carry out Decision.Actions in their order and, once one has failed, only
// those that raise a count; acknowledge the messages that led here last. Any of these may be repeated or lost: the next
// pass heals it.
func Decide(p Policy, s State, o Observation) (State, Decision) {
	after, d := Step(&p, s, &o)
	d.Next = Explain(&p, &after, &d)
	d.Notices = Notices(&p, &s, &after, &d)
	return after, d
}

// Step is Decide without the words: it decides the same, but leaves Decision.Next and Decision.Notices
// empty. Simulations that take millions of decisions call it.
func Step(p *Policy, s State, o *Observation) (State, Decision) {
	w := pass{p: p, s: s, o: o, now: o.At}
	w.d = Decision{At: o.At, Workload: s.Workload, Mode: s.Mode, Demand: s.Demand}
	w.s.Version = StateVersion
	w.prepare()
	sees := w.sight()
	w.absorb()
	if !sees {
		w.concludeBlind()
		return w.s, w.d
	}
	w.expireIntents()
	w.tally()
	w.measure()
	w.noteSeen()
	w.readDemand()
	w.grow()
	w.judgeFailing()
	w.account()
	w.runBreakers()
	w.foresee()
	w.cascade()
	w.act()
	w.conclude()
	return w.s, w.d
}

// pass is the working set of one Step.
type pass struct {
	p   *Policy
	s   State
	o   *Observation
	now time.Time
	d   Decision
	v   []view

	windowOwned, forecastOwned bool
	// riseLeft is how much of the demand's recent rise no pool has been asked for yet.
	riseLeft int
	// gone are the tasks under interruption notice, found when the first task is looked at.
	gone notices
	// total is the number of running tasks that nothing threatens, over all pools; safe is how many of them
	// will still be there after what has been decided so far, whichever tasks ECS picks to stop.
	total, safe int
	// short says that tasks are missing; deploying that a deployment holds releases; onDemandShort that
	// on-demand capacity itself cannot be had.
	short, deploying, onDemandShort bool
	// dark says that nothing at all could be read: the time is the caller's guess, for AWS did not tell its own.
	dark bool
	// unread says that a pool could not be read, partial that one of them is not written off: then only what is certain is
	// done. wanted tasks are covered, and no cover is given back that kept ones need; both are the demand unless partial.
	unread, partial bool
	// keeping says that the demand is not read in this pass.
	wanted, kept int
	keeping      bool
	pinned       Mode
	failedOver   bool
	lead         Reason
}

// prepare gives every pool its state and its view, and mends a clock that has jumped back.
func (w *pass) prepare() {
	n := len(w.p.Pools)
	w.v = make([]view, n)
	if len(w.s.Pools) == n && w.samePools() {
		w.s.Pools = slices.Clone(w.s.Pools)
	} else {
		pools := make([]PoolState, n)
		for i := range pools {
			pools[i] = w.s.Pool(w.p.Pools[i].Name)
		}
		w.s.Pools = pools
	}
	w.dark = !slices.ContainsFunc(w.o.Pools, func(o PoolObservation) bool { return o.Err == ErrNone })
	if !w.dark && !w.s.At.IsZero() && w.now.Before(w.s.At.Add(-clockBack)) {
		w.find(Finding{Reason: ReasonClock, Until: w.s.At})
		w.rebase()
	}
	blank := PoolObservation{Err: ErrNotFound, ErrText: "not observed"}
	for i := range w.v {
		v := &w.v[i]
		v.pool, v.ps, v.obs = &w.p.Pools[i], &w.s.Pools[i], &blank
		if i < len(w.o.Pools) && w.o.Pools[i].Pool == v.pool.Name {
			v.obs = &w.o.Pools[i]
		}
		v.breaker = w.hasBreaker(i)
		if !v.breaker && v.ps.B.Mode != Closed {
			v.ps.B = Breaker{} // the configuration changed: this pool is not a preferred one any more
		}
	}
}

func (w *pass) samePools() bool {
	for i := range w.s.Pools {
		if w.s.Pools[i].Name != w.p.Pools[i].Name {
			return false
		}
	}
	return true
}

// hasBreaker says whether the pool is a preferred Spot pool: one with on-demand behind it.
func (w *pass) hasBreaker(i int) bool {
	if w.p.Pools[i].Capacity != Spot {
		return false
	}
	for j := range w.p.Pools {
		if w.p.Pools[j].Capacity == OnDemand {
			return true
		}
	}
	return false
}

// rebase moves every moment of the state that now lies in the future back to now, so that a clock that jumped
// neither freezes the workload nor lets a hold-off run for years.
func (w *pass) rebase() {
	back := func(t *time.Time, most time.Duration) {
		if limit := w.now.Add(most); t.After(limit) {
			*t = limit
		}
	}
	for _, t := range []*time.Time{&w.s.ModeSince, &w.s.ShortSince, &w.s.DriftSince, &w.s.BlindSince} {
		back(t, 0)
	}
	w.s.DemandLog = nil
	w.s.Failovers = slices.Clone(w.s.Failovers)
	for i := range w.s.Failovers {
		back(&w.s.Failovers[i], 0)
	}
	for i := range w.s.Pools {
		ps := &w.s.Pools[i]
		for _, t := range []*time.Time{&ps.UnplacedSince, &ps.RefusedSince, &ps.NudgedAt, &ps.ReleasedAt, &ps.ReclaimsAt, &ps.FailedAt, &ps.UnreachedSince,
			&ps.B.Since, &ps.B.TrippedAt, &ps.B.StepAt, &ps.B.StableSince} {
			back(t, 0)
		}
		back(&ps.B.NotBefore, w.p.HoldOffMax)
		if ps.Failing != nil {
			own := *ps.Failing
			back(&own.Since, 0)
			back(&own.LastAt, 0)
			ps.Failing = &own
		}
		if ps.Asked != nil {
			own := *ps.Asked
			own.Old = slices.Clone(own.Old)
			back(&own.At, 0)
			for k := range own.Old {
				back(&own.Old[k].At, 0)
			}
			ps.Asked = &own
		}
	}
	if f := w.s.Forecast; f != nil {
		own := *f
		for _, t := range []*time.Time{&own.Since, &own.Began, &own.Last} {
			back(t, 0)
		}
		w.s.Forecast = &own
	}
	kept := slices.Clone(w.s.Window)
	for i := range kept {
		back(&kept[i].At, 0)
	}
	w.s.Window, w.windowOwned = kept, true
}

// expireIntents ends pins, pauses and manual failovers whose time is over.
func (w *pass) expireIntents() {
	over := func(until time.Time) bool { return !until.IsZero() && !w.now.Before(until) }
	if w.s.Pin != nil && over(w.s.Pin.Until) {
		w.s.Pin = nil
	}
	if w.s.Pause != nil && over(w.s.Pause.Until) {
		w.s.Pause = nil
	}
	if w.s.Pin != nil {
		w.pinned = w.s.Pin.Mode
		w.find(Finding{Reason: ReasonPinned, Until: w.s.Pin.Until, Detail: string(w.s.Pin.Mode)})
	}
	for i := range w.s.Pools {
		if b := &w.s.Pools[i].B; b.Manual && over(b.Until) {
			b.Manual, b.Until, b.NotBefore = false, time.Time{}, w.now
		}
	}
}

// find notes one thing that shaped the decision.
func (w *pass) find(f Finding) { w.d.Findings = append(w.d.Findings, f) }

// look asks for another pass at t, if t is later than now and sooner than what was asked for before.
func (w *pass) look(t time.Time) {
	if t.After(w.now) {
		w.d.LookAgain = sooner(w.d.LookAgain, t)
	}
}

// remember keeps what the next pass needs to know of a pool that was read.
func (w *pass) remember(v *view) {
	v.ps.Need = v.need
	if !v.cooled || v.ask <= v.release { // until then what is given back was warm
		v.ps.Warm = v.warm
	}
	asked := v.ask
	if !w.acting() {
		asked = v.cur
	}
	// What is explained otherwise than by a loss is missing for no reason that cover is for, placed yet or not.
	v.ps.setPresent(min(v.running+max(v.starting, v.growing+v.excused), asked))
}

// conclude fills in what the pass found, and the state's summary of it.
func (w *pass) conclude() {
	cover := 0
	open := false
	w.d.Pools = make([]PoolDecision, len(w.v))
	for i := range w.v {
		v := &w.v[i]
		w.d.Pools[i] = PoolDecision{
			Pool: v.pool.Name, Capacity: v.pool.Capacity, Breaker: v.ps.B.Mode, Desired: v.desired,
			Running: v.running, Starting: v.starting, Stuck: v.stuck, Growing: v.growing, Seasoned: v.seasoned,
			Raise: v.raise, Release: v.release, Ask: v.ask, Reason: v.reason,
			Warm: v.warm, Unread: v.unread, Lost: v.lost, CapacityFailures: v.capacityFailures, Interruptions: v.interruptions, Churned: v.churned,
		}
		if v.pool.Capacity == Spot {
			open = open || v.ps.B.Mode == Open
		} else {
			cover += v.ask - min(v.ask, v.idle) // what is only kept warm covers nothing
		}
		if !v.unread {
			w.remember(v)
		}
		if i < len(w.v)-1 { // the last pool covers for none behind it
			w.look(v.nextSeason)
		}
		w.look(v.nextStuck)
		w.look(v.nextProof)
	}
	mode := ModeSpot
	switch {
	case cover > 0 && (open || w.pinned == ModeOnDemand):
		mode = ModeOnDemand
	case cover > 0:
		mode = ModeMixed
	}
	if mode != w.s.Mode {
		w.s.Mode, w.s.ModeSince = mode, w.now
	}
	w.d.Mode = mode
	w.d.Demand = w.s.Demand
	w.d.Running = w.total
	w.d.Shortfall = max(0, w.wanted-w.total)
	w.d.Health = w.health()
	w.d.Reason = w.leading()
	if w.now.After(w.s.At) || w.s.At.IsZero() || w.now.Before(w.s.At.Add(-clockBack)) {
		w.s.At = w.now
	}
}

// health is the article's score: 100 less 10 for an error and 5 for a pending task, plus 2 for a success, of
// the preferred pools in the last five minutes, within 0..100.
func (w *pass) health() int {
	score := 100
	for i := range w.v {
		if v := &w.v[i]; v.pool.Capacity == Spot {
			score += 2*v.startedRecent - 10*v.healthErrors - 5*(v.starting+v.stuck)
		}
	}
	return max(0, min(100, score))
}
