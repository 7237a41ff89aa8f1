package failover

import (
	"testing"
	"time"
)

func TestDemandOf(t *testing.T) {
	type want struct{ demand, wanted, kept, bounded int }
	gap := func(since time.Duration, demand int) *Gap {
		return &Gap{Since: ago(since), Demand: demand, Kept: demand}
	}
	fell := func(since, fell time.Duration, kept int, echo bool) *Gap {
		return &Gap{Since: ago(since), Demand: kept, Kept: kept, FellAt: ago(fell), Echo: echo}
	}
	for _, c := range []struct {
		situation string
		edit      func(*Policy, *State, *PoolObservation)
		want      want
		next      time.Time
	}{
		{"what the owner is asked for", func(_ *Policy, s *State, po *PoolObservation) { s.DemandSet, po.Desired = false, 7 }, want{7, 7, 7, 0}, zeroTime},
		{"someone changes it", func(_ *Policy, _ *State, po *PoolObservation) { po.Desired = 25 }, want{25, 25, 25, 0}, zeroTime},
		{"a count that is ours is nobody's will", func(_ *Policy, s *State, po *PoolObservation) {
			s.Pools[0].Asked, po.Desired = &Asked{Count: 2, At: ago(time.Minute), Done: true, Seen: true}, 2
		}, want{20, 20, 20, 0}, zeroTime},
		{"nor is one that a stale read may still show", func(_ *Policy, s *State, po *PoolObservation) {
			s.Pools[0].Asked, po.Desired = &Asked{Count: 2, At: ago(5 * time.Second), Done: true, Old: []OldCount{{Count: 14, At: ago(5 * time.Second)}}}, 14
		}, want{20, 20, 20, 0}, zeroTime},
		{"any other count is", func(_ *Policy, s *State, po *PoolObservation) {
			s.Pools[0].Asked, po.Desired = &Asked{Count: 2, At: ago(time.Minute), Done: true, Seen: true}, 9
		}, want{9, 9, 9, 0}, zeroTime},
		{"a lost state finds it in the tag", func(_ *Policy, s *State, po *PoolObservation) {
			s.DemandSet, s.Demand, po.Desired, po.HeldDemand = false, 0, 2, 40
		}, want{40, 40, 40, 0}, zeroTime},
		{"a state from before the hold finds it in the tag as well", func(_ *Policy, _ *State, po *PoolObservation) { po.Desired, po.HeldDemand = 15, 40 }, want{40, 40, 40, 0}, zeroTime},
		{"what cannot be read stays", func(_ *Policy, _ *State, po *PoolObservation) { po.Err, po.Desired = ErrThrottled, 0 }, want{20, 20, 20, 0}, zeroTime},
		{"a fixed demand", func(p *Policy, _ *State, po *PoolObservation) { p.Demand, po.Desired = 30, 5 }, want{30, 30, 30, 0}, zeroTime},
		{"a fixed demand that an order changed", func(p *Policy, s *State, _ *PoolObservation) { p.Demand, s.DemandWanted = 30, 12 }, want{12, 12, 12, 0}, zeroTime},
		{"a rise outside a gap has no bound", func(_ *Policy, _ *State, po *PoolObservation) { po.Desired = 300 }, want{300, 300, 300, 0}, zeroTime},
		{"in a gap by as much again as there was, at once", func(_ *Policy, s *State, po *PoolObservation) { s.Gap, po.Desired = gap(0, 20), 300 },
			want{300, 40, 300, 260}, stageNow.Add(riseUnit)},
		{"and once more for each start-up time", func(_ *Policy, s *State, po *PoolObservation) {
			s.Gap, po.Desired = gap(time.Hour, 20), 300
			s.Gap.RoseAt = ago(2*riseUnit + time.Second)
		},
			want{300, 80, 300, 220}, ago(time.Second).Add(riseUnit)},
		{"counted from the rise, however old the gap", func(_ *Policy, s *State, po *PoolObservation) { s.Gap, po.Desired = gap(time.Hour, 20), 300 },
			want{300, 40, 300, 260}, stageNow.Add(riseUnit)},
		{"of one task, by one", func(_ *Policy, s *State, po *PoolObservation) { s.Gap, po.Desired = gap(0, 1), 5 }, want{5, 2, 5, 3}, stageNow.Add(riseUnit)},
		{"a rise within the bound is covered in full", func(_ *Policy, s *State, po *PoolObservation) { s.Gap, po.Desired = gap(0, 20), 35 }, want{35, 35, 35, 0}, zeroTime},
		{"a fall in a gap lowers nothing at first", func(_ *Policy, s *State, po *PoolObservation) { s.Gap, po.Desired = gap(time.Minute, 20), 16 },
			want{16, 16, 20, 0}, stageNow.Add(FallHold)},
		{"nor within five minutes", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, po.Desired = 4, fell(time.Hour, FallHold-time.Second, 20, false), 4
		}, want{4, 4, 20, 0}, stageNow.Add(time.Second)},
		{"then a quarter of the fall goes", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, po.Desired = 4, fell(time.Hour, FallHold, 20, false), 4
		}, want{4, 4, 16, 0}, stageNow.Add(time.Minute)},
		{"another one each minute", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, po.Desired = 4, fell(time.Hour, FallHold+2*time.Minute, 20, false), 4
		}, want{4, 4, 8, 0}, stageNow.Add(time.Minute)},
		{"until the demand is reached", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, po.Desired = 4, fell(time.Hour, FallHold+time.Hour, 20, false), 4
		}, want{4, 4, 4, 0}, ago(0).Add(time.Minute)},
		{"a fall to what Spot runs is the scaler's echo", func(_ *Policy, s *State, po *PoolObservation) {
			s.Gap, po.Desired, po.RunningCount = gap(time.Minute, 20), 5, 6
		},
			want{5, 20, 20, 0}, zeroTime},
		{"which keeps the cover for days", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, po.Desired, po.RunningCount = 5, fell(50*time.Hour, 48*time.Hour, 20, true), 5, 5
		}, want{5, 20, 20, 0}, zeroTime},
		{"until it is confirmed", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, s.ConfirmedAt, po.Desired, po.RunningCount = 5, fell(50*time.Hour, 48*time.Hour, 20, true), ago(time.Minute), 5, 5
		}, want{5, 5, 5, 0}, zeroTime},
		{"or the demand is back", func(_ *Policy, s *State, po *PoolObservation) {
			s.Demand, s.Gap, po.Desired, po.RunningCount = 5, fell(50*time.Hour, 48*time.Hour, 20, true), 20, 5
		}, want{20, 20, 20, 0}, zeroTime},
		{"an owner that is gone keeps its demand", func(_ *Policy, s *State, po *PoolObservation) {
			s.Pools[0].LostAt, po.Err, po.Gone = ago(23*time.Hour), ErrNotFound, "INACTIVE"
		}, want{20, 20, 20, 0}, zeroTime},
		{"for a day, unless it is confirmed", func(_ *Policy, s *State, po *PoolObservation) {
			s.Pools[0].LostAt, po.Err, po.Gone = ago(24*time.Hour), ErrNotFound, "INACTIVE"
			s.Pools[0].GoneSince = ago(25 * time.Hour)
		}, want{20, 0, 0, 0}, zeroTime},
		{"confirmed, it stays", func(_ *Policy, s *State, po *PoolObservation) {
			s.Pools[0].LostAt, s.ConfirmedAt, po.Err, po.Gone = ago(48*time.Hour), ago(40*time.Hour), ErrNotFound, "INACTIVE"
			s.Pools[0].GoneSince = ago(49 * time.Hour)
		}, want{20, 20, 20, 0}, zeroTime},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s := stagePolicy(), stageState()
			o := Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot", Desired: 20, RunningCount: 3}, {Pool: "standard"}}}
			c.edit(&p, &s, &o.Pools[0])
			g := demandOf(&p, &s, knownOf(new(Room), &p, &s, &o, nil, make([]Tally, 2)), &o)
			if got := (want{g.Demand, g.Wanted, g.Kept, g.Bounded}); got != c.want {
				t.Errorf("the goal is %+v, want %+v", got, c.want)
			}
			equal(t, "the moment at which it moves by itself", g.Next, c.next)
		})
	}
}

func TestAGapBeginsAndEnds(t *testing.T) {
	open := &Gap{Since: ago(time.Hour), Demand: 20, Kept: 20}
	for _, c := range []struct {
		situation      string
		goal           Goal
		need, standing int
		want           *Gap
	}{
		{"nothing is needed", Goal{Demand: 20}, 0, 0, nil},
		{"it begins when on-demand has to stand in", Goal{Demand: 20}, 3, 0, &Gap{Since: stageNow, Demand: 20, Kept: 20}},
		{"it lasts while cover stands", Goal{Demand: 20, Gap: open}, 0, 5, open},
		{"and ends when nothing does", Goal{Demand: 20, Gap: open}, 0, 0, nil},
		{"a higher demand is kept from then on", Goal{Demand: 30, Gap: open}, 3, 5, &Gap{Since: ago(time.Hour), Demand: 20, Kept: 30}},
		{"an echo is not the end of it", Goal{Demand: 5, Gap: &Gap{Since: ago(time.Hour), Demand: 20, Kept: 20, Echo: true}}, 0, 0, &Gap{Since: ago(time.Hour), Demand: 20, Kept: 20, Echo: true}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			got := gapAfter(&c.goal, c.need, c.standing, stageNow)
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("the gap is %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestACountThatAnotherHoldsDownIsNotTheDemand, though the tag was seen before the count went down.
func TestACountThatAnotherHoldsDownIsNotTheDemand(t *testing.T) {
	g := Goal{Demand: 34, Set: true, From: 34}
	got := g.read(&PoolObservation{Desired: 2, HeldDemand: 34, HeldBy: "first"}, &PoolSeen{Held: 34, Desired: 34}, reading{2, stageNow, 30 * time.Second})
	equal(t, "the demand", got.Demand, 34)
	if got.Asked == nil || got.Asked.Count != 2 {
		t.Errorf("what is known of the count is %+v, want that 2 is held", got.Asked)
	}
}

// TestATaskThatHadServedIsNoFailureOfTheRelease is case L10: the database is down, and ECS stops tasks that were in service minutes after they started.
func TestATaskThatHadServedIsNoFailureOfTheRelease(t *testing.T) {
	p, s := stagePolicy(), stageState()
	s.Seen.Pools[0].ServedTo = ago(10 * time.Second)
	s.Seen.Pools[0].NotYet = []Waiting{{ID: "never", StartedAt: ago(2 * time.Minute)}}
	stop := func(id string) Signal {
		return Signal{ID: "e-" + id, Kind: SignalUnhealthyStop, Pool: "spot", Task: id, At: ago(time.Second), CreatedAt: ago(3 * time.Minute), StartedAt: ago(2 * time.Minute)}
	}
	o := Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot", Desired: 20}, {Pool: "standard"}}, Signals: []Signal{stop("served"), stop("never")}}
	ev := absorb(new(index), &p, nil, &o, false)
	markServed(&p, &s, ev)
	out := tally(new(Room), &p, &s, ev.window, o.Pools, stageNow)[0]
	equal(t, "tasks that turned unhealthy after they had served", out.Unwell, 1)
	equal(t, "tasks that never served, for which no replacement is credited again", out.Spent, 1)
	equal(t, "failures of the release", out.Failures, 1)
}
