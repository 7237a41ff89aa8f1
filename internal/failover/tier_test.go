package failover

import (
	"testing"
	"time"
)

// zones is a workload of n tasks with a Spot pool in each of three zones and on-demand behind them.
func zones(t *testing.T, n int) *lab {
	p, _ := Preset(PresetFill)
	p.Demand = n
	p.Pools = []Pool{{Name: "a", Capacity: Spot}, {Name: "b", Capacity: Spot}, {Name: "c", Capacity: Spot},
		{Name: "standard", Capacity: OnDemand, Tier: 1}}
	l := &lab{t: t, p: p, now: epoch}
	l.s.Workload = "w"
	for _, pool := range p.Pools {
		l.pools = append(l.pools, &labPool{name: pool.Name})
	}
	return l
}

func TestTierSharesEvenlyWhenNothingIsKnown(t *testing.T) {
	l := zones(t, 90)
	l.pass()
	for i := range 3 {
		if got := l.pools[i].desired; got != 30 {
			t.Errorf("zone %d is asked for %d", i, got)
		}
	}
	l.finds(ReasonTierShared)
	l.run("a", 30, time.Minute)
	l.run("b", 30, time.Minute)
	l.run("c", 30, time.Minute)
	l.advance(time.Minute)
	sets := l.sets
	for range 5 {
		l.pass()
		l.cut("standard")
		l.advance(time.Minute)
	}
	if l.sets > sets+1 { // the first cover is given back, nothing else stirs
		t.Errorf("%d counts were set in a quiet tier", l.sets-sets)
	}
}

func TestTierMovesWhatIsMissingAwayFromTrouble(t *testing.T) {
	l := zones(t, 90)
	for _, z := range []string{"a", "b", "c"} {
		l.pool(z).desired = 30
		l.run(z, 30, time.Hour)
	}
	l.pass()
	l.interrupt("a", 20)
	l.placementFailure("a")
	l.pass()
	if a := l.pool("a").desired; a != 11 {
		t.Errorf("the failing zone is asked for %d, want the ten it holds and one to show when it has room", a)
	}
	if b, c := l.pool("b").desired, l.pool("c").desired; b+c != 80 || b < 38 || c < 38 {
		t.Errorf("the others are asked for %d and %d", b, c)
	}
	// Five minutes later it may be tried again, but has a bad name.
	l.pool("a").leaving = 0
	l.advance(6 * time.Minute)
	l.run("b", l.pool("b").desired-30, 0)
	l.run("c", l.pool("c").desired-30, 0)
	l.interrupt("b", 12)
	l.pool("b").leaving = 0
	l.placementFailure("b")
	l.pass()
	if a, c := l.pool("a").desired, l.pool("c").desired; c <= a {
		t.Errorf("the calm zone is asked for %d, the one that lost twenty for %d", c, a)
	}
}

func TestNoZoneTakesMoreThanItsShareWhileOthersHaveRoom(t *testing.T) {
	l := zones(t, 100)
	l.s.Pools = []PoolState{{Name: "a"}, {Name: "b", Reclaims: 500, ReclaimsAt: l.now}, {Name: "c", Reclaims: 500, ReclaimsAt: l.now},
		{Name: "standard"}}
	l.pass()
	if a := l.pool("a").desired; a > 61 || a < 55 {
		t.Errorf("the calm zone is asked for %d of 100", a)
	}
}

func TestWhenEveryZoneFailsAllKeepBeingAsked(t *testing.T) {
	l := zones(t, 30)
	l.pass()
	for _, z := range []string{"a", "b", "c"} {
		l.placementFailure(z)
	}
	l.advance(time.Second)
	l.pass()
	sum := 0
	for i := range 3 {
		sum += l.pools[i].desired
	}
	if sum != 30 {
		t.Errorf("%d asked of three failing zones", sum)
	}
	l.want(ReasonSpotShort)
}

func TestTierComesDownWithDemand(t *testing.T) {
	l := zones(t, 90)
	for _, z := range []string{"a", "b", "c"} {
		l.pool(z).desired = 30
		l.run(z, 30, time.Hour)
	}
	l.pass()
	l.p.Demand = 60
	l.advance(time.Minute)
	l.pass()
	sum := 0
	for i := range 3 {
		sum += l.pools[i].desired
	}
	if sum != 60 {
		t.Errorf("%d asked, demand 60", sum)
	}
}

func TestZoneThatHasRoomAgainIsAskedForTheRestAtOnce(t *testing.T) {
	l := zones(t, 90)
	for z, n := range map[string]int{"a": 30, "b": 20, "c": 10} {
		l.pool(z).desired = 30
		l.run(z, n, time.Hour)
	}
	l.pass()
	l.advance(time.Minute) // thirty are missing, and no event says so
	l.pass()
	sum := 0
	for i := range 3 {
		sum += l.pools[i].desired
	}
	if sum < 90 || l.pool("b").desired <= 20 || l.pool("c").desired <= 10 {
		t.Fatalf("asked of the full zones: %d, %d, %d", l.pools[0].desired, l.pools[1].desired, l.pools[2].desired)
	}
	// Zone c places what it was asked for: it has room, and gets all that is still missing.
	l.start("c", l.pool("c").desired-10, 0)
	had := len(l.pool("c").tasks)
	l.advance(10 * time.Second)
	l.pass()
	missing := 90 - had
	for i := range 2 {
		missing -= len(l.pools[i].tasks)
	}
	if got := l.pool("c").desired; missing > 0 && got <= had {
		t.Errorf("zone c has room and is asked for %d, it holds %d and %d are missing", got, had, missing)
	}
}

// TestAKeptPoolThatIsNotNeededProvesItselfWithItsOldTasks: its probe is filled by tasks from before the trip, so nothing fresh is
// asked for that could prove it, and it would be asked for its probe for ever.
func TestAKeptPoolThatIsNotNeededProvesItselfWithItsOldTasks(t *testing.T) {
	for name, old := range map[string]int{"old tasks alone": 10, "old and fresh ones": 7} {
		t.Run(name, func(t *testing.T) {
			p, _ := Preset(PresetFill)
			p.Pools = []Pool{{Name: "spot", Capacity: Spot}, {Name: "far", Capacity: Spot, Tier: 1}, {Name: "standard", Capacity: OnDemand, Tier: 2}}
			l := &lab{t: t, p: p, now: epoch}
			l.s.Workload = "w"
			for _, pool := range p.Pools {
				l.pools = append(l.pools, &labPool{name: pool.Name})
			}
			l.pool("spot").desired, l.pool("far").desired = 25, 10
			l.run("spot", 25, time.Hour)
			l.run("far", old, time.Hour)
			l.pass()
			l.pool("far").desired = 10
			far := &l.s.Pools[1]
			far.B = Breaker{Mode: Open, Since: l.now, TrippedAt: l.now, Why: ReasonTripChurn}
			l.advance(time.Second)
			l.run("far", 10-old, 0)
			for range 30 {
				l.advance(time.Minute)
				l.pass()
				l.cut("far")
			}
			if b := l.s.Pools[1].B; b.Mode != Closed || l.pool("far").desired != 0 {
				t.Errorf("after half an hour its breaker is %s and it is asked for %d (%v)", b.Mode, l.pool("far").desired, texts(l.last))
			}
		})
	}
}
