package breaker

import (
	"testing"
	"time"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func params() Params {
	p := Default()
	p.On = true
	return p
}

// facts are those of a healthy pool of 40 of 40.
func facts() Facts {
	return Facts{Now: now, Demand: 40, Bound: 40, InForce: 40, InService: 40, StartLimit: 3 * time.Minute, Launch: 20 * time.Second}
}

func TestWhatTripsAClosedBreaker(t *testing.T) {
	for _, c := range []struct {
		situation string
		edit      func(*Params, *State, *Facts)
		want      Kind // "": it stays closed
	}{
		{"nothing is wrong", nil, ""},
		{"three capacity failures, and tasks are owed", func(_ *Params, _ *State, f *Facts) { f.CapacityFailures, f.Owed = 3, 1 }, TripCapacity},
		{"two of them", func(_ *Params, _ *State, f *Facts) { f.CapacityFailures, f.Owed = 2, 1 }, ""},
		{"five interruptions", func(_ *Params, _ *State, f *Facts) { f.Interruptions, f.Owed = 5, 5 }, TripInterruptions},
		{"five interruptions that ECS has replaced", func(_ *Params, _ *State, f *Facts) { f.Interruptions = 5 }, ""},
		{"a late task", func(_ *Params, _ *State, f *Facts) { f.Late, f.Owed = 1, 1 }, TripLate},
		{"failures of a service that has all its tasks", func(_ *Params, _ *State, f *Facts) { f.CapacityFailures, f.Late = 30, 30 }, ""},
		{"of 1,000 tasks one per cent must be owed", func(_ *Params, _ *State, f *Facts) { f.Demand, f.CapacityFailures, f.Owed = 1000, 30, 9 }, ""},
		{"and as many of the kind must be seen", func(_ *Params, _ *State, f *Facts) { f.Demand, f.CapacityFailures, f.Owed = 1000, 9, 30 }, ""},
		{"both are", func(_ *Params, _ *State, f *Facts) { f.Demand, f.CapacityFailures, f.Owed = 1000, 10, 10 }, TripCapacity},
		{"what is the application's or a deployment's", func(_ *Params, _ *State, f *Facts) { f.CapacityFailures, f.Owed, f.Excused = 30, 30, true }, ""},
		{"within a minute of a return", func(_ *Params, s *State, f *Facts) {
			s.Since = ago(59 * time.Second)
			f.CapacityFailures, f.Owed = 3, 1
		}, ""},
		{"a limit of 0 never trips", func(p *Params, _ *State, f *Facts) { p.CapacityFailures = 0; f.CapacityFailures, f.Owed = 30, 30 }, ""},
		{"without the preset switch none does", func(p *Params, _ *State, f *Facts) { p.On = false; f.CapacityFailures, f.Owed = 30, 30 }, ""},
		{"a pin does", func(p *Params, _ *State, f *Facts) { p.On = false; f.Pinned = true }, Pinned},
		{"capacity is said before interruptions, and both before late tasks", func(_ *Params, _ *State, f *Facts) { f.CapacityFailures, f.Interruptions, f.Late, f.Owed = 9, 9, 9, 9 }, TripCapacity},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s, f := params(), State{}, facts()
			if c.edit != nil {
				c.edit(&p, &s, &f)
			}
			next, notes := Next(p, s, f)
			if c.want == "" {
				if next != s || len(notes) != 0 {
					t.Errorf("it became %+v with %v, want nothing", next, notes)
				}
				return
			}
			if next.Mode != Open || next.Why != c.want || len(notes) != 1 || notes[0].Kind != c.want || !notes[0].Leads {
				t.Errorf("it became %s for %s with %v, want open for %s", next.Mode, next.Why, notes, c.want)
			}
		})
	}
}

func TestTheHoldOffDoublesWithEveryFallBack(t *testing.T) {
	p, f := params(), facts()
	f.CapacityFailures, f.Owed = 3, 1
	s, _ := Next(p, State{}, f)
	for _, want := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
		if held := s.NotBefore.Sub(now); held < want || held > want+want/10 {
			t.Errorf("after %d falls back it is held off for %s, want %s and at most a tenth more", s.Reopened, held, want)
		}
		s.Mode, s.StepAt = HalfOpen, ago(time.Minute)
		f.StepErrors = 30
		s, _ = Next(p, s, f)
	}
	s = State{Since: ago(2 * time.Hour), TrippedAt: ago(3 * time.Hour), Reopened: 4}
	if s, _ = Next(p, s, f); s.Reopened != 0 {
		t.Errorf("after an hour closed the next trip is the first again, and not number %d", s.Reopened+1)
	}
}

func TestHoldOffsOfManyWorkloadsAreSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for seed := range uint64(100) {
		seen[holdOff(params(), seed, 0)] = true
	}
	if len(seen) < 90 {
		t.Errorf("a hundred workloads have %d different hold-offs", len(seen))
	}
}

func TestWhatProvesAnOpenBreaker(t *testing.T) {
	open := State{Mode: Open, Since: ago(time.Hour), TrippedAt: ago(time.Hour), Why: TripCapacity, NotBefore: ago(30 * time.Minute)}
	probe := func(fresh, errors int) Facts { // of 40, 2 are kept as the probe
		f := facts()
		f.InForce, f.InService, f.Fresh, f.Errors = 2, 1, fresh, errors
		return f
	}
	for _, c := range []struct {
		situation string
		edit      func(*Params, *State, *Facts)
		facts     Facts
		mode      Mode
		note      Kind
	}{
		{"two fresh tasks have survived", nil, probe(2, 0), HalfOpen, Ramping},
		{"one has", nil, probe(1, 0), Open, Proving},
		{"one of two failed", nil, probe(1, 1), Open, Proving},
		{"a task is late", func(_ *Params, _ *State, f *Facts) { f.Late = 1 }, probe(2, 0), Open, Proving},
		{"the hold-off is not over", func(_ *Params, s *State, _ *Facts) { s.NotBefore = now.Add(time.Second) }, probe(2, 0), Open, HoldOff},
		{"it tripped less than stable_for ago", func(_ *Params, s *State, _ *Facts) { s.TrippedAt = ago(9 * time.Minute) }, probe(2, 0), Open, HoldOff},
		{"old tasks that survived prove a pool that asks for no fresh ones", func(_ *Params, _ *State, f *Facts) { f.InService = 2 }, probe(0, 0), HalfOpen, Ramping},
		{"so do those of a pool that could not be taken down", func(_ *Params, _ *State, f *Facts) { f.InForce, f.InService = 40, 30 }, probe(0, 0), HalfOpen, Ramping},
		{"an order holds it", func(_ *Params, s *State, _ *Facts) { s.Manual = true }, probe(2, 0), Open, FailedOver},
		{"until its end", func(_ *Params, s *State, _ *Facts) { s.Manual, s.Until = true, now }, probe(0, 0), HalfOpen, Restored},
		{"without the preset switch it closes then", func(p *Params, s *State, _ *Facts) { p.On, s.Manual, s.Until = false, true, now }, probe(0, 0), Closed, Restored},
		{"a pin that is gone holds nothing", func(_ *Params, s *State, _ *Facts) { s.Why = Pinned }, probe(0, 0), HalfOpen, Restored},
		{"the preset is not switch any more", func(p *Params, _ *State, _ *Facts) { p.On = false }, probe(0, 0), Closed, Restored},
		{"six failovers in a day are enough", func(_ *Params, _ *State, f *Facts) {
			f.Failovers = []time.Time{ago(6 * time.Hour), ago(5 * time.Hour), ago(4 * time.Hour), ago(3 * time.Hour), ago(2 * time.Hour), ago(time.Hour)}
		}, probe(2, 0), Open, Limit},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s, f := params(), open, c.facts
			if c.edit != nil {
				c.edit(&p, &s, &f)
			}
			next, notes := Next(p, s, f)
			if next.Mode != c.mode || len(notes) != 1 || notes[0].Kind != c.note {
				t.Errorf("it is %s with %v, want %s with %s", next.Mode, notes, c.mode, c.note)
			}
		})
	}
}

func TestTheRamp(t *testing.T) {
	step := func(n int, since time.Duration) State {
		return State{Mode: HalfOpen, Since: ago(since), TrippedAt: ago(time.Hour), Step: n, StepAt: ago(since)}
	}
	of := func(inForce, inService int) Facts {
		f := facts()
		f.InForce, f.InService = inForce, inService
		return f
	}
	for _, c := range []struct {
		situation string
		state     State
		facts     Facts
		edit      func(*Facts)
		mode      Mode
		step      int
		note      Kind
	}{
		{"a step holds for two minutes", step(0, time.Minute), of(10, 10), nil, HalfOpen, 0, Ramping},
		{"then comes the next", step(0, 2*time.Minute), of(10, 10), nil, HalfOpen, 1, Ramping},
		{"not while tasks are missing", step(0, 2*time.Minute), of(10, 8), nil, HalfOpen, 0, Ramping},
		{"one in twenty may be", step(2, 2*time.Minute), of(40, 38), nil, Closed, 0, Restored},
		{"unless it cannot be placed", step(2, 2*time.Minute), of(40, 38), func(f *Facts) { f.Unplaced = 2 }, HalfOpen, 2, Ramping},
		{"missing for longer than a start, a launch and the dwell it falls back", step(0, 6*time.Minute), of(10, 8), nil, Open, 0, RampFailed},
		{"so it does with errors", step(1, time.Minute), of(20, 20), func(f *Facts) { f.StepErrors = 2 }, Open, 0, RampFailed},
		{"a deployment holds it where it is", step(1, 10*time.Minute), of(20, 10), func(f *Facts) { f.StepErrors, f.Excused = 9, true }, HalfOpen, 1, Ramping},
		{"what ECS is not asked for yet cannot be late", step(1, 10*time.Minute), of(10, 10), nil, HalfOpen, 1, Ramping},
		{"the last step closes it", step(2, 2*time.Minute), of(40, 40), nil, Closed, 0, Restored},
		{"where nothing is wanted of the pool it closes", step(1, time.Minute), of(0, 0), func(f *Facts) { f.Bound, f.Pending = 0, true }, Closed, 0, Restored},
		{"a pin opens it again", step(1, time.Minute), of(20, 20), func(f *Facts) { f.Pinned = true }, Open, 0, Pinned},
	} {
		t.Run(c.situation, func(t *testing.T) {
			f := c.facts
			if c.edit != nil {
				c.edit(&f)
			}
			next, notes := Next(params(), c.state, f)
			if next.Mode != c.mode || next.Step != c.step || len(notes) != 1 || notes[0].Kind != c.note {
				t.Errorf("it is %s, step %d, with %v, want %s, step %d, with %s", next.Mode, next.Step, notes, c.mode, c.step, c.note)
			}
		})
	}
}

func TestWhatAPoolMayBeAskedFor(t *testing.T) {
	for _, c := range []struct {
		situation string
		state     State
		edit      func(*Params, *Facts)
		most      int
		limited   bool
	}{
		{"closed: no limit", State{}, nil, 0, false},
		{"open: a twentieth", State{Mode: Open}, nil, 2, true},
		{"at least one", State{Mode: Open}, func(_ *Params, f *Facts) { f.Demand = 8 }, 1, true},
		{"at least one is all of a service of one", State{Mode: Open}, func(_ *Params, f *Facts) { f.Demand = 1 }, 1, true},
		{"an order leaves none", State{Mode: Open, Manual: true}, nil, 0, true},
		{"nor does a pin", State{Mode: Open}, func(_ *Params, f *Facts) { f.Pinned = true }, 0, true},
		{"never more than the pool may have", State{Mode: Open}, func(_ *Params, f *Facts) { f.Bound = 1 }, 1, true},
		{"the first step", State{Mode: HalfOpen}, nil, 10, true},
		{"the second", State{Mode: HalfOpen, Step: 1}, nil, 20, true},
		{"the last", State{Mode: HalfOpen, Step: 2}, nil, 40, true},
		{"a step of a stored state that is out of range", State{Mode: HalfOpen, Step: 99}, nil, 40, true},
		{"as far as the pool is wanted", State{Mode: HalfOpen, Step: 2}, func(_ *Params, f *Facts) { f.Bound = 15 }, 15, true},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, f := params(), facts()
			if c.edit != nil {
				c.edit(&p, &f)
			}
			if most, limited := Ask(p, c.state, f); most != c.most || limited != c.limited {
				t.Errorf("it may be asked for %d (limited: %v), want %d (%v)", most, limited, c.most, c.limited)
			}
		})
	}
}
