package failover

import (
	"reflect"
	"slices"
	"time"
)

// Decide takes what the operator wants, what was kept from the last pass and what is seen now, and returns
// what to keep and what to do. The given state is not modified.
//
// The caller owes it this order: store the returned state, conditional on the generation it was loaded
// with, BEFORE any action is carried out; carry out Decision.Actions in their order and, once one has failed, only
// those that raise a count; acknowledge the messages that led here last. Any of these may be repeated or lost: the next
// pass heals it. What a person is told of the decision (Decision.Next, Decision.Notices, the findings' texts) is written in by package
// health.
func Decide(p Policy, s State, o Observation) (State, Decision) {
	return Step(&p, s, &o)
}

// toldMax bounds the notices that are remembered.
const toldMax = 256

// ToldOf are the keys of a decision's notices, as the state keeps them.
func ToldOf(d *Decision) []string {
	var keys []string
	for i := range d.Notices {
		keys = append(keys, d.Notices[i].Key)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), toldMax)]
}

// News are the notices of a decision that the state before it does not know of, each once.
func News(before *State, d *Decision) []*Notice {
	var out []*Notice
	for i := range d.Notices {
		n := &d.Notices[i]
		known := slices.ContainsFunc(out, func(o *Notice) bool { return o.Key == n.Key })
		if _, told := slices.BinarySearch(before.Told, n.Key); !told && !known && len(out) < toldMax {
			out = append(out, n)
		}
	}
	return out
}

// Step is Decide on what is not copied. Simulations that take millions of decisions call it.
//
// It is a pipeline of functions over values, in the order of docs/design.md, 3.
func Step(p *Policy, s State, o *Observation) (State, Decision) {
	return StepIn(new(Room), p, s, o)
}

// StepIn is Step with a room that was used before. The state that it returns holds until the second call with the same room after
// this one, the decision until the next: a caller that wants them for longer uses Step.
func StepIn(r *Room, p *Policy, s State, o *Observation) (State, Decision) {
	r.used = 0
	res := r.next()
	o = inOrder(p, o)
	dark := isDark(o)
	s, note := prepared(res, p, s, o, dark)

	ev := absorb(&r.facts, p, s.Window, o, dark)
	markServed(p, &s, ev)
	s = learned(p, s, ev)
	tallies := tally(r, p, &s, ev.window, o.Pools, o.At)
	r.before = sighted(p, s, o, tallies, dark)
	before := &r.before

	known := knownOf(r, p, before, o, ev.window, tallies)
	r.goal = demandOf(p, before, known, o)
	goal, pinned := &r.goal, pinnedTo(before)
	needIn := func(pool, asked int) Need {
		return needOf(excuseInput{p: p, known: &known[pool], tally: &tallies[pool], state: &before.Pools[pool], seen: &before.Seen.Pools[pool],
			po: &o.Pools[pool], goal: goal, win: ev.window, now: o.At, gap: before.Gap != nil, asked: asked})
	}
	r.switched = breakersOf(r, switchInput{p: p, s: before, goal: goal, known: known, tallies: tallies, pools: o.Pools, pinned: pinned, now: o.At, needIn: needIn})
	sw := &r.switched
	fails := failing(r, p, before, known, tallies, o)
	warm, warmNext := ahead(r, p, before, known, fails, o.At)
	r.cascaded = cascade(r, cascadeInput{p: p, s: before, goal: goal, known: known, tally: tallies, fails: fails, limits: sw.limits, pinned: pinned, now: o.At,
		needIn: needIn, warm: warm})
	cas := &r.cascaded
	may := permit(r, permitInput{p: p, s: before, known: known, targets: cas.targets, pinned: pinned, now: o.At})
	r.planned = plan(r, planInput{p: p, s: before, o: o, goal: goal, known: known, targets: cas.targets, may: may, switched: sw, pinned: pinned})

	in := outcome{p: p, before: before, o: o, known: known, tallies: tallies, goal: goal, sw: sw, fails: fails, cas: cas, may: may, plan: &r.planned,
		window: ev.window, pinned: pinned, dark: dark, next: sooner(warmNext, goal.Next), note: note}
	after := in.state()
	return after, in.decision(res, &after)
}

// isDark reports whether nothing at all could be read: the time is the caller's guess, for AWS did not tell its own.
func isDark(o *Observation) bool {
	return !slices.ContainsFunc(o.Pools, func(po PoolObservation) bool { return po.Err == ErrNone })
}

// pinnedTo is the mode that an operator's pin holds the workload to.
func pinnedTo(s *State) Mode {
	if s.Pin == nil {
		return ModeUnknown
	}
	return s.Pin.Mode
}

// prepared gives every pool its state in the policy's order, corrects a clock that has jumped back, begins a new month's spending, and
// ends the orders whose time is over.
func prepared(res *result, p *Policy, s State, o *Observation, dark bool) (State, *Finding) {
	pools, seen := of(res.pools[:], len(p.Pools)), of(res.seen[:], len(p.Pools))
	for i := range p.Pools {
		if name := p.Pools[i].Name; i < len(s.Pools) && i < len(s.Seen.Pools) && s.Pools[i].Name == name && s.Seen.Pools[i].Name == name {
			pools[i], seen[i] = s.Pools[i], s.Seen.Pools[i]
		} else {
			pools[i], seen[i] = s.Pool(name), s.PoolSeen(name)
		}
	}
	s.Pools, s.Seen.Pools = pools, seen
	s.Version = StateVersion
	var note *Finding
	if !dark && !s.Seen.At.IsZero() && o.At.Before(s.Seen.At.Add(-clockBack)) {
		note = &Finding{Reason: ReasonClock, Until: s.Seen.At}
		s = rebased(s, o.At, p.Switch.HoldOffMax)
	}
	if month := o.At.UTC().Format("2006-01"); !dark && month != s.SpendMonth { // before the budget is asked, and not a pass later
		s.SpendMonth, s.Seen.SpendUSD = month, 0
	}
	over := func(until time.Time) bool { return !dark && !until.IsZero() && !o.At.Before(until) } // not by a guessed time
	if s.Pin != nil && over(s.Pin.Until) {
		s.Pin = nil
	}
	if s.Pause != nil && over(s.Pause.Until) {
		s.Pause = nil
	}
	if s.Silence != nil && over(s.Silence.Until) {
		s.Silence = nil
	}
	return s, note
}

// inOrder is the observation with its pools in the policy's order; a pool that was not observed could not be read.
func inOrder(p *Policy, o *Observation) *Observation {
	same := len(o.Pools) == len(p.Pools)
	for i := range p.Pools {
		same = same && o.Pools[i].Pool == p.Pools[i].Name
	}
	if same {
		return o
	}
	out := *o
	out.Pools = make([]PoolObservation, len(p.Pools))
	for i := range out.Pools {
		out.Pools[i] = PoolObservation{Pool: p.Pools[i].Name, Err: ErrUnknown, ErrText: "not observed"}
		if k := slices.IndexFunc(o.Pools, func(po PoolObservation) bool { return po.Pool == p.Pools[i].Name }); k >= 0 {
			out.Pools[i] = o.Pools[k]
		}
	}
	return &out
}

// rebased moves every moment of the state that now lies in the future back to now, so that a clock that jumped
// neither freezes the workload nor lets a hold-off run for years.
func rebased(s State, now time.Time, holdOff time.Duration) State {
	s.DemandLog = nil
	backTo(reflect.ValueOf(&s).Elem(), "", now, holdOff)
	return s
}

// backTo moves the moments of a value, found by their type so that none is forgotten. What it points to is copied first, as an earlier
// state holds it too. The end of an order is a person's and stays; that of a hold-off is bounded.
func backTo(v reflect.Value, name string, now time.Time, holdOff time.Duration) {
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		latest := now
		if name == "NotBefore" {
			latest = now.Add(holdOff)
		}
		if name != "Until" && t.After(latest) {
			*t = latest
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			backTo(v.Field(i), v.Type().Field(i).Name, now, holdOff)
		}
	case reflect.Slice:
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		for i := range own.Len() {
			backTo(own.Index(i), "", now, holdOff)
		}
		if !v.IsNil() {
			v.Set(own)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			backTo(own.Elem(), "", now, holdOff)
			v.Set(own)
		}
	}
}

// learned keeps what outlives the evidence: how often a pool is reclaimed, how long warned tasks work on, and when losses come.
func learned(p *Policy, s State, ev absorbed) State {
	if s.Seen.Forecast == nil && len(ev.window) > 0 {
		s.Seen.Forecast = &Forecast{Since: ev.window[0].At}
	}
	owned := false
	for i := len(ev.window) - ev.fresh; i < len(ev.window); i++ {
		e := &ev.window[i]
		k := p.pool(e.Pool)
		switch {
		case e.Kind == SignalInterruption && p.Pools[k].Capacity == Spot:
			if !owned {
				s.Seen.Forecast, owned = s.Seen.Forecast.own(), true
			}
			s.Seen.Forecast.lose(e.At)
			s.Seen.Pools[k] = learnLoss(s.Seen.Pools[k], e.At)
		case noRoom(e.Kind):
			s.Pools[k].FailedAt = later(s.Pools[k].FailedAt, e.At)
		}
	}
	for _, e := range ev.ended {
		s.Seen.Pools[e.pool] = learnWarned(s.Seen.Pools[e.pool], e.worked)
	}
	return s
}

// sighted notes since when pools cannot be read, and which of them count as lost: AWS has given no answer for write_off_after, or
// says twice, or says once and that a task was stopped, that the service is not there.
func sighted(p *Policy, s State, o *Observation, tallies []Tally, dark bool) State {
	blind := false
	for i := range s.Pools {
		ps, po := &s.Pools[i], &o.Pools[i]
		switch {
		case po.Err != ErrNone || po.HealthErr != ErrDenied:
			ps.HealthErrSince = zeroTime
		case ps.HealthErrSince.IsZero():
			ps.HealthErrSince = o.At
		}
		if po.Err == ErrNone {
			ps.ElsewhereSince = since(ps.ElsewhereSince, po.HeldBy != "", o.At)
			ps.UnreachedSince, ps.WrittenOff, ps.LostAt = zeroTime, false, zeroTime
			ps.GoneSince = since(ps.GoneSince, po.Draining, o.At)
			continue
		}
		blind = true
		if dark && po.Gone == "" { // by a guessed time, and perhaps for want of a network of our own
			continue
		}
		gone(ps, po, &s.Seen.Pools[i], &tallies[i], s.DemandSet, o.At)
		writeOff(ps, po, p.WriteOffAfter, s.DemandSet, s.Seen.At, o.At)
	}
	switch {
	case !blind:
		s.BlindSince = zeroTime
	case s.BlindSince.IsZero():
		s.BlindSince = o.At
	}
	return s
}

// gone notes a definite answer that a service which was seen does not exist.
func gone(ps *PoolState, po *PoolObservation, seen *PoolSeen, t *Tally, known bool, now time.Time) {
	switch {
	case po.Gone == "" || !known || seen.At.IsZero():
		if po.Gone == "" && ps.LostAt.IsZero() {
			ps.GoneSince = zeroTime
		}
	case ps.GoneSince.IsZero():
		ps.GoneSince = now
	case ps.LostAt.IsZero() && now.Sub(ps.GoneSince) >= GoneAfter:
		ps.LostAt = now
	}
	if po.Gone != "" && known && !seen.At.IsZero() && ps.LostAt.IsZero() && t.ToldLost > 0 {
		ps.LostAt = now
	}
}

// writeOff notes since when AWS has not answered for a pool, and whether that is long enough to count its tasks as lost.
// Who is refused or throttled was answered: what runs there, runs on.
func writeOff(ps *PoolState, po *PoolObservation, limit time.Duration, known bool, lastLook, now time.Time) {
	if ps.WrittenOff = ps.WrittenOff && limit > 0 && known; ps.WrittenOff {
		return // until it is read: what is throttled first may be down yet
	}
	switch {
	case po.Answered || po.Err != ErrTimeout && po.Err != ErrUnknown:
		ps.UnreachedSince = zeroTime
	case ps.UnreachedSince.IsZero() || now.Sub(lastLook) > unlookedMax:
		ps.UnreachedSince = now
	case limit > 0 && known && now.Sub(ps.UnreachedSince) >= limit:
		ps.WrittenOff = true
	}
}

// failing settles which on-demand pools fail for the application's reasons: many failures and nothing in service. Such a pool is held
// at one task until that one serves, or it runs another task definition.
func failing(r *Room, p *Policy, s *State, known []Known, tallies []Tally, o *Observation) []*Failing {
	out := of(r.fails[:], len(known))
	for i := range known {
		k, t, was := &known[i], &tallies[i], s.Pools[i].Failing
		if p.Pools[i].Capacity != OnDemand {
			continue
		}
		if k.Sight != Fresh {
			out[i] = was
			continue
		}
		failures := t.Failures + t.ConfigFailures
		least := max(3, (k.InForce.High+9)/10)
		switch {
		case k.Surviving > 0:
		case was != nil && was.TaskDefinition == o.Pools[i].TaskDefinition && (k.InForce.High > 0 || o.At.Sub(was.Since) < failingFor):
			out[i] = was
		case was == nil && failures >= least && !t.AppAt.Before(s.Seen.Pools[i].WholeAt):
			out[i] = &Failing{Since: o.At, TaskDefinition: o.Pools[i].TaskDefinition, Failures: failures}
		}
	}
	return out
}
