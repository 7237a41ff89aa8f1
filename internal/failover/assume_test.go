package failover

import (
	"testing"
	"time"
)

func TestAStateThatIsLostWhileFailedOverStopsNothing(t *testing.T) {
	l := newLab(t, PresetSwitch, 200)
	l.pool("spot").desired, l.pool("spot").tasks = 10, l.pool("spot").tasks[:10]
	l.pool("standard").desired = 200
	l.run("standard", 200, time.Hour)
	l.s = State{Workload: l.s.Workload}
	d := l.pass()
	if l.s.Demand != 200 || l.pool("standard").desired != 190 || l.pool("spot").desired != 200 { // ten run on Spot
		t.Fatalf("demand %d, spot is asked for %d and standard for %d; 200 must stay", l.s.Demand, l.pool("spot").desired, l.pool("standard").desired)
	}
	if d.Reason != ReasonDemandAssumed || len(d.Notices) == 0 || d.Notices[0].Reason != ReasonDemandAssumed {
		t.Errorf("reason %s, notices %+v: a person must be told", d.Reason, d.Notices)
	}
	l.advance(time.Minute)
	l.run("spot", 190, 0)
	l.pass()
	l.advance(time.Hour)
	for range 10 {
		l.pass()
		l.advance(time.Minute)
	}
	if l.s.Demand != 200 || l.pool("standard").desired != 0 {
		t.Errorf("demand %d, standard %d: it comes back to Spot by itself", l.s.Demand, l.pool("standard").desired)
	}
	l.pool("spot").desired = 150 // a person puts it right
	l.pass()
	if l.s.Demand != 150 {
		t.Errorf("demand %d, somebody wants 150", l.s.Demand)
	}
}

func TestAnEmptySpotTwinBesideARunningServiceTakesItsTasksOver(t *testing.T) {
	l := newLab(t, PresetFill, 20)
	l.pool("spot").desired, l.pool("spot").tasks = 0, nil
	l.pool("standard").desired = 20
	l.run("standard", 20, time.Hour)
	l.s = State{Workload: l.s.Workload}
	l.pass()
	if l.s.Demand != 20 || l.pool("standard").desired != 20 || l.pool("spot").desired != 20 {
		t.Errorf("demand %d, spot %d, standard %d", l.s.Demand, l.pool("spot").desired, l.pool("standard").desired)
	}
}

// TestAStateThatIsLostCountsEveryTaskOnce: as the pools are left by a failover, an evacuation half-way, a trip that keeps what
// runs, and another region's Spot.
func TestAStateThatIsLostCountsEveryTaskOnce(t *testing.T) {
	for _, c := range []struct {
		name                                   string
		spot, spotRuns, standard, standardRuns int
		far, want                              int
	}{
		{"failed over, the probe runs", 10, 10, 200, 200, 0, 200},
		{"failed over, the probe does not", 10, 0, 200, 200, 0, 200},
		{"half evacuated", 100, 100, 200, 100, 0, 200},
		{"what was held counts", 60, 50, 150, 150, 0, 200},
		{"what was held counts, the cover is on its way", 60, 50, 150, 100, 0, 150},
		{"up the ramp", 50, 50, 150, 150, 0, 200},
		{"two services that share the load", 20, 20, 30, 30, 0, 50},
		{"a service that runs on demand", 0, 0, 50, 50, 0, 50},
		{"on another region's Spot", 10, 10, 0, 0, 200, 200},
		{"on another region's Spot and on demand", 10, 10, 80, 80, 120, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, PresetSwitch, 200)
			l.p.Pools = append(l.p.Pools, Pool{Name: "far", Capacity: Spot, Tier: 1})
			l.pools = append(l.pools, &labPool{name: "far", taskDef: "app:1"})
			l.pool("spot").tasks = nil
			for name, n := range map[string][2]int{"spot": {c.spot, c.spotRuns}, "standard": {c.standard, c.standardRuns}, "far": {c.far, c.far}} {
				l.pool(name).desired = n[0]
				l.run(name, n[1], time.Hour)
			}
			l.s = State{Workload: l.s.Workload}
			l.pass()
			if l.s.Demand != c.want {
				t.Errorf("demand %d, want %d", l.s.Demand, c.want)
			}
			l.finds(ReasonDemandAssumed)
		})
	}
}

// TestAStateThatIsLostAgainWantsNoMore: what is assumed while failed over does not grow by a probe each time.
func TestAStateThatIsLostAgainWantsNoMore(t *testing.T) {
	for _, preset := range []string{PresetSwitch, PresetFill} {
		l := newLab(t, preset, 15)
		for range 3 {
			in := Intent{Kind: IntentFailover, By: "operator", At: l.now}
			s, err := Apply(l.p, l.s, in)
			if err != nil {
				t.Fatal(err)
			}
			l.s = s
			for range 40 {
				l.pass()
				for _, p := range l.pools { // ECS is quick and has room
					l.cut(p.name)
					l.run(p.name, p.desired-len(p.tasks), 0)
				}
				l.advance(time.Minute)
			}
			if l.s.Demand != 15 || l.pool("standard").desired != 15 {
				t.Fatalf("%s: demand %d, standard %d, want 15", preset, l.s.Demand, l.pool("standard").desired)
			}
			l.s = State{Workload: l.s.Workload}
		}
	}
}

// TestAStateFromBeforeTheFailoverStopsNothing: a copy that was put back, at once or hours later, knows neither the failover nor
// what the demand has become since.
func TestAStateFromBeforeTheFailoverStopsNothing(t *testing.T) {
	old := func(demand int, age time.Duration, pools ...PoolState) State {
		return State{Workload: "api", Version: StateVersion, At: epoch.Add(-age), Demand: demand, DemandSet: true, Owner: "spot",
			Pools: append(pools, PoolState{Name: "spot"}, PoolState{Name: "standard"})[:2]}
	}
	ours := func(pool string, n int) PoolState {
		return PoolState{Name: pool, Asked: &Asked{Count: n, At: epoch.Add(-24 * time.Hour), Done: true, Seen: true}}
	}
	for _, c := range []struct {
		name           string
		state          State
		spot, standard int
		want           int
		assumed        bool
	}{
		{"put back after hours", old(100, 6*time.Hour), 10, 100, 100, true},
		{"put back at once", old(100, time.Minute), 10, 100, 100, true},
		{"of a smaller demand", old(5, 6*time.Hour), 10, 200, 200, true},
		{"of an earlier failover", old(8, 6*time.Hour, ours("spot", 2), ours("standard", 8)), 2, 20, 20, true},
		{"both moved by hand", old(100, time.Minute), 40, 60, 100, true},
		{"the demand fell", old(100, time.Minute, ours("spot", 100), ours("standard", 90)), 50, 90, 50, false},
		{"the demand fell, and a stray backup is small", old(100, time.Minute), 50, 7, 50, false},
		{"the demand rose", old(100, 6*time.Hour), 150, 0, 150, false},
		{"a backup is raised behind our back", old(100, time.Minute, ours("spot", 100), ours("standard", 0)), 100, 120, 100, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, PresetSwitch, 100)
			l.pool("spot").tasks = nil
			l.pool("spot").desired, l.pool("standard").desired = c.spot, c.standard
			l.run("spot", c.spot, time.Hour)
			l.run("standard", c.standard, time.Hour)
			l.s = c.state
			l.pass()
			if l.s.Demand != c.want || (l.last.Reason == ReasonDemandAssumed) != c.assumed {
				t.Errorf("demand %d (%s), want %d, assumed: %t", l.s.Demand, l.last.Reason, c.want, c.assumed)
			}
			if c.spot+c.standard >= c.want && l.pool("spot").desired+l.pool("standard").desired < c.want {
				t.Errorf("spot is asked for %d and standard for %d", l.pool("spot").desired, l.pool("standard").desired)
			}
			l.advance(time.Minute)
			if l.pass(); l.s.Demand != c.want || l.last.Reason == ReasonDemandAssumed {
				t.Errorf("a minute later: demand %d (%s)", l.s.Demand, l.last.Reason)
			}
		})
	}
}

func TestAFirstLookAtTwinsThatBothRunTakesTheOwnersCount(t *testing.T) {
	l := newLab(t, PresetFill, 20)
	l.pool("standard").desired = 20
	l.run("standard", 20, time.Hour)
	l.s = State{Workload: l.s.Workload}
	if l.pass(); l.s.Demand != 20 || l.last.Reason == ReasonDemandAssumed {
		t.Errorf("demand %d, reason %s: the owner's count explains what runs", l.s.Demand, l.last.Reason)
	}
}

func TestAnotherOwnerDoesNotChangeTheDemand(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.pool("spot").desired, l.pool("spot").tasks = 5, l.pool("spot").tasks[:5]
	l.pool("standard").desired = 100
	l.run("standard", 100, time.Hour)
	pools := append([]PoolState(nil), l.s.Pools...)
	pools[0].Asked = &Asked{Count: 5, At: l.now.Add(-time.Hour), Done: true, Seen: true}
	pools[0].B = Breaker{Mode: Open, Since: l.now, TrippedAt: l.now, Why: ReasonTripInterruptions, NotBefore: l.now.Add(time.Hour)}
	l.s.Pools = pools
	l.pass()
	l.p.Pools[0].Name, l.pools[0].name = "spot-x86", "spot-x86"
	l.advance(time.Minute)
	l.pass()
	if l.s.Demand != 100 || l.pool("standard").desired != 95 { // five run on Spot
		t.Errorf("demand %d, standard %d: renaming a pool does not change what is wanted", l.s.Demand, l.pool("standard").desired)
	}
	l.finds(ReasonDemandAssumed)
	l.advance(time.Minute)
	if d := l.pass(); d.Reason == ReasonDemandAssumed {
		t.Error("it is said twice")
	}
}

func TestAPoolThatRefusesDoesNotStandInTheWayOfTheNext(t *testing.T) {
	l := newLab(t, PresetFill, 50, func(p *Policy) { p.Overstart = 0 })
	l.p.Pools = append(l.p.Pools, Pool{Name: "dr", Capacity: OnDemand, Tier: 2, TaskHourUSD: 0.268})
	l.pools = append(l.pools, &labPool{name: "dr", taskDef: "app:1"})
	l.interrupt("spot", 30)
	l.lost = true // no call has an effect, and every one fails
	l.pass()
	if len(l.last.Actions) != 1 || ActionPool(l.last.Actions[0]) != "standard" {
		t.Fatalf("actions %v, want standard raised", l.last.Actions)
	}
	l.s = Refused(l.s, l.last.Actions, l.now)
	l.advance(refusedFor - time.Second)
	if l.pass(); len(l.last.Actions) != 1 {
		t.Errorf("actions %v: a call may fail for some seconds", l.last.Actions)
	}
	l.s = Refused(l.s, l.last.Actions, l.now)
	l.advance(time.Second)
	l.pass()
	if len(l.last.Actions) != 2 || l.last.Actions[0] != (SetDesiredCount{Pool: "dr", Count: 30}) {
		t.Fatalf("actions %v, want dr raised too", l.last.Actions)
	}
	l.s = Acted(l.s, l.last.Actions)
	if !l.s.Pool("standard").RefusedSince.IsZero() {
		t.Error("it counts as refused after a call that was taken")
	}
}

func TestAPoolWithoutRoomDoesNotUseUpTheLimit(t *testing.T) {
	l := newLab(t, PresetFill, 50, func(p *Policy) { p.Overstart, p.OnDemandMax = 0, 30 })
	l.p.Pools = append(l.p.Pools, Pool{Name: "dr", Capacity: OnDemand, Tier: 2, TaskHourUSD: 0.268})
	l.pools = append(l.pools, &labPool{name: "dr", taskDef: "app:1"})
	l.interrupt("spot", 30)
	l.pass()
	l.want(ReasonInterruption, 50, 30, 0)
	l.pool("spot").leaving = 0
	for range 5 {
		l.advance(time.Minute)
		l.placementFailure("standard")
		l.pass()
	}
	if standard, dr := l.pool("standard").desired, l.pool("dr").desired; standard != 1 || dr != 29 {
		t.Errorf("standard is asked for %d and dr for %d; one shows when there is room again, the others are to be had at dr", standard, dr)
	}
}
