package failover

import (
	"testing"
	"time"
)

func TestEstimate(t *testing.T) {
	type want struct {
		inService                                              Range
		running, warming, placed, provisioning, late, unplaced int
		unhealthy, leaving, working                            int
	}
	for _, c := range []struct {
		situation string
		edit      func(*Policy, *State, *PoolObservation)
		want      want
	}{
		{"counts alone are taken as they are", func(_ *Policy, _ *State, po *PoolObservation) { po.RunningCount, po.PendingCount = 15, 3 },
			want{inService: Exactly(15), running: 15, placed: 3, unplaced: 2}},
		{"every phase has its place", func(_ *Policy, _ *State, po *PoolObservation) {
			po.list(stageTasks("r", 10, Running, "", time.Hour), stageTasks("p", 4, Placed, "", time.Minute), stageTasks("n", 3, Provisioning, "", time.Second))
		}, want{inService: Exactly(10), running: 10, placed: 4, provisioning: 3, unplaced: 3}},
		{"a task that leaves is not in service, and may work", func(_ *Policy, _ *State, po *PoolObservation) {
			gone := stageTasks("g", 4, Leaving, "", time.Hour)
			gone[0].Works, gone[1].Works = true, true
			po.list(stageTasks("r", 16, Running, "", time.Hour), gone)
		}, want{inService: Exactly(16), running: 16, leaving: 4, working: 2, unplaced: 4}},
		{"a task under notice leaves, whatever the list still says", func(_ *Policy, s *State, po *PoolObservation) {
			s.Window = []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "r03", At: ago(5 * time.Second)}}
			po.list(stageTasks("r", 20, Running, "", time.Hour))
		}, want{inService: Exactly(19), running: 19, leaving: 1, unplaced: 1}},
		{"tasks that were left out are in service", func(_ *Policy, _ *State, po *PoolObservation) {
			po.list(stageTasks("r", 5, Running, "", time.Minute))
			po.Steady = 15
		}, want{inService: Exactly(20), running: 20}},
		{"without health checks ready_after says when", func(p *Policy, _ *State, po *PoolObservation) {
			p.ReadyAfter = time.Minute
			po.list(stageTasks("r", 12, Running, "", time.Hour), stageTasks("w", 8, Running, "", 30*time.Second))
		}, want{inService: Exactly(12), running: 20, warming: 8}},
		{"health says when", func(_ *Policy, _ *State, po *PoolObservation) {
			po.HealthBased = true
			po.list(stageTasks("r", 12, Running, HealthReady, time.Hour), stageTasks("w", 8, Running, HealthNotReady, 30*time.Second))
		}, want{inService: Exactly(12), running: 20, warming: 8}},
		{"a task that never became ready is late after ready_limit", func(_ *Policy, s *State, po *PoolObservation) {
			po.HealthBased = true
			s.Seen.Pools[0].ServedTo = ago(10 * time.Minute)
			po.list(stageTasks("r", 12, Running, HealthReady, time.Hour), stageTasks("w", 8, Running, HealthNotReady, 6*time.Minute))
		}, want{inService: Exactly(12), running: 20, late: 8}},
		{"one that served and is not ready now is unhealthy", func(_ *Policy, _ *State, po *PoolObservation) {
			po.HealthBased = true
			po.list(stageTasks("r", 12, Running, HealthReady, time.Hour), stageTasks("w", 8, Running, HealthNotReady, 30*time.Minute))
		}, want{inService: Exactly(12), running: 20, unhealthy: 8}},
		{"health that cannot be read makes a range", func(_ *Policy, _ *State, po *PoolObservation) {
			po.HealthBased, po.HealthErr = true, ErrThrottled
			po.list(stageTasks("r", 20, Running, "", time.Hour))
		}, want{inService: Range{0, 20}, running: 20}},
		{"denied for less than 15 minutes, too", func(_ *Policy, s *State, po *PoolObservation) {
			po.HealthBased, po.HealthErr = true, ErrDenied
			s.Pools[0].HealthErrSince = ago(14 * time.Minute)
			po.list(stageTasks("r", 20, Running, "", time.Hour))
		}, want{inService: Range{0, 20}, running: 20}},
		{"denied for longer, ten minutes of RUNNING count", func(_ *Policy, s *State, po *PoolObservation) {
			po.HealthBased, po.HealthErr = true, ErrDenied
			s.Pools[0].HealthErrSince = ago(16 * time.Minute)
			po.list(stageTasks("r", 12, Running, "", time.Hour), stageTasks("w", 8, Running, "", time.Minute))
		}, want{inService: Exactly(12), running: 20, warming: 8}},
		{"or three times the learned P99", func(_ *Policy, s *State, po *PoolObservation) {
			po.HealthBased, po.HealthErr = true, ErrDenied
			s.Pools[0].HealthErrSince = ago(16 * time.Minute)
			s.Seen.Pools[0].Warm = Spread{}.with(stageNow, samples(20, 10*time.Minute)...)
			po.list(stageTasks("r", 20, Running, "", 25*time.Minute))
		}, want{running: 20, warming: 20}},
		{"a pool that no listener reaches has nothing in service", func(_ *Policy, _ *State, po *PoolObservation) {
			po.OutOfTraffic = true
			po.list(stageTasks("r", 20, Running, "", time.Hour))
		}, want{running: 20}},
		{"blue carries the traffic: green counts for nothing", func(_ *Policy, _ *State, po *PoolObservation) {
			po.Revisions = []Revision{{ID: "blue", Share: 1}, {ID: "green", Deploying: true}}
			po.list(ofRevision("blue", stageTasks("b", 5, Running, "", time.Hour)), ofRevision("green", stageTasks("g", 20, Running, "", time.Hour)))
		}, want{inService: Exactly(5), running: 25}},
		{"a canary's half is lost", func(_ *Policy, _ *State, po *PoolObservation) {
			po.Revisions = []Revision{{ID: "old", Share: 0.5}, {ID: "new", Share: 0.5, Deploying: true}}
			po.list(ofRevision("new", stageTasks("n", 20, Running, "", time.Hour)))
		}, want{inService: Exactly(10), running: 20}},
		{"a share that could not be read makes a range", func(_ *Policy, _ *State, po *PoolObservation) {
			po.Revisions = []Revision{{ID: "old", Share: 1}, {ID: "new", Unread: true}}
			po.list(ofRevision("old", stageTasks("o", 8, Running, "", time.Hour)), ofRevision("new", stageTasks("n", 20, Running, "", time.Hour)))
		}, want{inService: Range{8, 20}, running: 28}},
		{"in a rolling deployment all carry traffic, capped at what is wanted", func(_ *Policy, _ *State, po *PoolObservation) {
			po.Revisions = []Revision{{ID: "old", Share: 1}, {ID: "new", Share: 1, Deploying: true}}
			po.list(ofRevision("old", stageTasks("o", 15, Running, "", time.Hour)), ofRevision("new", stageTasks("n", 15, Running, "", time.Minute)))
		}, want{inService: Exactly(20), running: 30}},
		{"a start past the limit is late", func(_ *Policy, _ *State, po *PoolObservation) {
			po.list(stageTasks("r", 18, Running, "", time.Hour), stageTasks("p", 2, Placed, "", 3*time.Minute))
		}, want{inService: Exactly(18), running: 18, late: 2}},
		{"so is one of 90 s when one created 30 s later serves", func(_ *Policy, _ *State, po *PoolObservation) {
			younger := stageTasks("y", 1, Running, "", time.Second)
			younger[0].CreatedAt = ago(70 * time.Second)
			po.list(stageTasks("r", 18, Running, "", time.Hour), stageTasks("p", 1, Placed, "", 100*time.Second), younger)
		}, want{inService: Exactly(19), running: 19, late: 1}},
		{"tasks launched together are not younger than one another", func(_ *Policy, _ *State, po *PoolObservation) {
			younger := stageTasks("y", 1, Running, "", time.Second)
			younger[0].CreatedAt = ago(80 * time.Second)
			po.list(stageTasks("r", 18, Running, "", time.Hour), stageTasks("p", 1, Placed, "", 100*time.Second), younger)
		}, want{inService: Exactly(19), running: 19, placed: 1}},
		{"a learned limit is longer", func(_ *Policy, s *State, po *PoolObservation) {
			s.Seen.Pools[0].Start = Spread{}.with(stageNow, samples(20, 200*time.Second)...)
			po.list(stageTasks("r", 18, Running, "", time.Hour), stageTasks("p", 2, Placed, "", 4*time.Minute))
		}, want{inService: Exactly(18), running: 18, placed: 2}},
		{"a pool that cannot be read holds at most what the last look saw", func(_ *Policy, _ *State, po *PoolObservation) { po.Err = ErrThrottled },
			want{inService: Range{0, 20}, running: 20}},
		{"less the losses that are told since", func(_ *Policy, s *State, po *PoolObservation) {
			po.Err = ErrThrottled
			s.Window = []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "a", At: ago(time.Second)}, {Kind: SignalInterruption, Pool: "spot", ID: "b", At: ago(time.Second)},
				{Kind: SignalInterruption, Pool: "spot", ID: "c", At: ago(2 * time.Minute)}}
		}, want{inService: Range{0, 18}, running: 18}},
		{"told starts count against told losses, and for no more", func(_ *Policy, s *State, po *PoolObservation) {
			po.Err = ErrThrottled
			s.Window = []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "a", At: ago(time.Second)}, {Kind: SignalInterruption, Pool: "spot", ID: "b", At: ago(time.Second)},
				{Kind: SignalRunning, Pool: "spot", ID: "c", At: ago(time.Second)}}
		}, want{inService: Range{0, 19}, running: 19}},
		{"a pool that is written off holds nothing", func(_ *Policy, s *State, po *PoolObservation) {
			po.Err, s.Pools[0].WrittenOff = ErrTimeout, true
		}, want{}},
		{"nor does one that is gone", func(_ *Policy, s *State, po *PoolObservation) {
			po.Err, po.Gone, s.Pools[0].LostAt = ErrNotFound, "INACTIVE", ago(time.Minute)
		}, want{}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s := stagePolicy(), stageState()
			o := Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot", Desired: 20}, {Pool: "standard"}}}
			c.edit(&p, &s, &o.Pools[0])
			k := knownOf(new(Room), &p, &s, &o, s.Window, tally(new(Room), &p, &s, s.Window, o.Pools, stageNow))[0]
			got := want{k.InService, k.Running, k.Warming, k.Placed, k.Provisioning, k.Late, k.Unplaced, k.Unhealthy, k.Leaving, k.Working}
			if got != c.want {
				t.Errorf("known is\n%+v, want\n%+v", got, c.want)
			}
		})
	}
}

// list gives an observation its tasks.
func (po *PoolObservation) list(parts ...[]Task) {
	po.Listed = true
	for _, part := range parts {
		po.Tasks = append(po.Tasks, part...)
	}
}

func ofRevision(id string, tasks []Task) []Task {
	for i := range tasks {
		tasks[i].Revision = id
	}
	return tasks
}

func TestTheCountInForce(t *testing.T) {
	ours := &Asked{Count: 27, At: ago(5 * time.Second), Done: true, Old: []OldCount{{Count: 0, At: ago(5 * time.Second)}}}
	for _, c := range []struct {
		situation string
		asked     *Asked
		desired   int
		err       ErrorKind
		gone      bool
		want      Range
	}{
		{"what is read", nil, 3, ErrNone, false, Exactly(3)},
		{"ours, which a stale read does not show yet", ours, 0, ErrNone, false, Exactly(27)},
		{"someone's, which is neither", ours, 5, ErrNone, false, Exactly(5)},
		{"unread, one of ours and the last that was seen", ours, 0, ErrThrottled, false, Range{0, 27}},
		{"unread, and never asked", nil, 0, ErrThrottled, false, Exactly(0)},
		{"gone, it may run on", ours, 0, ErrNotFound, true, Range{0, 27}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, s := stagePolicy(), stageState()
			s.Pools[1].Asked = c.asked
			if c.gone {
				s.Pools[1].LostAt = ago(time.Minute)
			}
			o := Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot", Desired: 20, RunningCount: 20}, {Pool: "standard", Desired: c.desired, Err: c.err}}}
			k := knownOf(new(Room), &p, &s, &o, nil, make([]Tally, 2))[1]
			equal(t, "the count in force", k.InForce, c.want)
		})
	}
}

func TestTheEstimateSaysWhenItChanges(t *testing.T) {
	p, s := stagePolicy(), stageState()
	p.ReadyAfter = time.Minute
	o := Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot", Desired: 20}, {Pool: "standard"}}}
	o.Pools[0].list(stageTasks("w", 1, Running, "", 20*time.Second), stageTasks("p", 1, Placed, "", 50*time.Second))
	k := knownOf(new(Room), &p, &s, &o, nil, make([]Tally, 2))[0]
	equal(t, "the moment at which the warming task serves", k.NextReady, stageNow.Add(40*time.Second))
	equal(t, "the moment at which a younger one could make the placed one late", k.NextLate, stageNow.Add(40*time.Second))
}
