package failover

import (
	"testing"
	"time"
)

func TestSteadyWorkloadIsLeftAlone(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	for range 10 {
		l.advance(time.Minute)
		l.pass()
		l.want(ReasonSteady, 200, 0)
	}
	if l.sets != 0 {
		t.Errorf("%d counts were set", l.sets)
	}
	if l.last.Mode != ModeSpot || l.last.Shortfall != 0 || l.last.Health != 100 {
		t.Errorf("mode %s, shortfall %d, health %d", l.last.Mode, l.last.Shortfall, l.last.Health)
	}
}

func TestInterruptionIsCoveredAtTheWarning(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	// 10 missing, and half as many again to cut the slowest starts.
	l.want(ReasonInterruption, 200, 15)
	if l.last.Mode != ModeMixed || l.last.Shortfall != 10 {
		t.Errorf("mode %s, shortfall %d", l.last.Mode, l.last.Shortfall)
	}
}

func TestOneMissingTaskGetsNoSurplus(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 1)
	l.pass()
	l.want(ReasonInterruption, 200, 1)
}

func TestSpotReplacementThatStillStartsDoesNotCount(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.start("spot", 10, 0)
	l.pass()
	l.want(ReasonInterruption, 200, 15)
}

func TestSurplusIsGivenBackWhenEnoughRuns(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	l.want(ReasonInterruption, 200, 15)
	l.pool("spot").leaving = 0
	l.start("standard", 15, 0)
	l.advance(90 * time.Second)
	// Twelve run, three are late: two of the running are spare, and no more than two may go.
	l.ready("standard")
	for i := range 3 {
		tk := &l.pool("standard").tasks[i]
		tk.Phase, tk.StartedAt = Starting, time.Time{}
	}
	l.pass()
	l.want(ReasonSurplus, 200, 13)
	l.cut("standard")
	l.advance(20 * time.Second)
	l.ready("standard")
	l.pass()
	l.want(ReasonSurplus, 200, 10)
	l.cut("standard")
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonCovering, 200, 10)
}

func TestCoverIsGivenBackAsSpotReturns(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	l.pool("spot").leaving = 0
	l.run("standard", 15, 0)
	l.advance(20 * time.Second)
	l.pass()
	l.cut("standard")
	l.want(ReasonSurplus, 200, 10)
	l.start("spot", 10, 0)
	l.advance(30 * time.Second)
	l.pass()
	l.want(ReasonCovering, 200, 10)
	l.ready("spot")
	l.pass()
	l.want(ReasonSpotReturned, 200, 0)
	if l.last.Mode != ModeSpot {
		t.Errorf("mode %s", l.last.Mode)
	}
}

func TestSettleHoldsTheCoverUntilSpotHasRunForIt(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.Settle = time.Minute })
	l.advance(time.Minute)
	l.interrupt("spot", 4)
	l.pass()
	l.pool("spot").leaving = 0
	l.run("standard", 6, 0)
	l.advance(15 * time.Second)
	l.run("spot", 4, 0)
	l.pass()
	l.want(ReasonSpotReturned, 100, 4)
	l.cut("standard")
	l.advance(15 * time.Second)
	l.pass()
	l.want(ReasonSettling, 100, 4)
	if want := l.now.Add(45 * time.Second); !l.last.LookAgain.Equal(want) {
		t.Errorf("looks again at %s, want %s", l.last.LookAgain, want)
	}
	l.advance(45 * time.Second)
	l.pass()
	l.want(ReasonSpotReturned, 100, 0)
}

func TestSettleGrowsOnlyWhileSpotTasksDieYoung(t *testing.T) {
	l := newLab(t, PresetFill, 20)
	for range 4 {
		l.advance(30 * time.Second)
		tasks := l.pool("spot").tasks
		for i := range tasks {
			tasks[i].StartedAt = l.now.Add(-20 * time.Second)
		}
		l.interrupt("spot", 2)
		l.pool("spot").leaving = 0
		l.run("spot", 2, 0)
		l.pass()
	}
	if got := l.s.Pools[0].LifeSeconds; got != 20 {
		t.Errorf("tasks live %.0f s", got)
	}
	w := pass{p: &l.p, s: l.s, now: l.now}
	young := l.s.Pools[0]
	if got := w.settle(&view{ps: &young}); got < 4*time.Minute || got > l.p.SettleMax {
		t.Errorf("settle %s", got)
	}
	old := young
	old.LifeSeconds = 3600
	if got := w.settle(&view{ps: &old}); got != 0 {
		t.Errorf("tasks live an hour, settle %s", got)
	}
}

func TestScaleOutIsNoShortage(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.pool("spot").desired = 150
	l.start("spot", 50, 0)
	l.pass()
	l.want(ReasonStarting, 150, 0)
	l.finds(ReasonDemandChanged)
	if l.last.Demand != 150 {
		t.Errorf("demand %d", l.last.Demand)
	}
	// A placement failure says that some of them may never come.
	l.advance(20 * time.Second)
	l.drop("spot", 20)
	l.placementFailure("spot")
	l.pass()
	l.want(ReasonSpotShort, 150, 75)
}

func TestScaleOutThatNeverStartsIsCoveredAfterStartLimit(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.pool("spot").desired = 110
	l.start("spot", 10, 0)
	l.pass()
	l.want(ReasonStarting, 110, 0)
	if want := l.now.Add(l.p.StartLimit); !l.last.LookAgain.Equal(want) {
		t.Errorf("looks again at %s, want %s", l.last.LookAgain, want)
	}
	l.advance(l.p.StartLimit)
	l.pass()
	l.want(ReasonSpotShort, 110, 15)
	l.finds(ReasonStuck)
}

func TestScaleInBringsCoverDownToo(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.interrupt("spot", 40)
	l.pass()
	l.pool("spot").leaving = 0
	l.run("standard", 60, 0)
	l.advance(time.Minute)
	l.pool("spot").desired = 60
	l.pass()
	l.want(ReasonSpotReturned, 60, 0)
	l.finds(ReasonDemandChanged)
}

func TestZeroDemandIsIdle(t *testing.T) {
	l := newLab(t, PresetFill, 10)
	l.pool("spot").desired = 0
	l.drop("spot", 10)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonIdle, 0, 0)
}

func TestShortageWithoutAnyEventIsFilledAtTheTick(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.drop("spot", 50)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonSpotShort, 200, 75)
}

func TestFillAfterWaits(t *testing.T) {
	l := newLab(t, PresetFill, 200, func(p *Policy) { p.FillAfter = 45 * time.Second })
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	l.want(ReasonWaitingToFill, 200, 0)
	if want := l.now.Add(45 * time.Second); !l.last.LookAgain.Equal(want) {
		t.Errorf("looks again at %s", l.last.LookAgain)
	}
	l.advance(45 * time.Second)
	l.pass()
	l.want(ReasonInterruption, 200, 15)
}

func TestExtraIsStandingSpareOnTheOwnersPool(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.Extra = 5 })
	if l.pool("spot").desired != 105 || l.s.Demand != 100 {
		t.Fatalf("asked %d, demand %d", l.pool("spot").desired, l.s.Demand)
	}
	l.run("spot", 5, time.Minute)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonSpotReturned, 105, 0)
	// Somebody sets 120: that is the new demand, the spare stays on top.
	l.pool("spot").desired = 120
	l.start("spot", 15, 0)
	l.advance(time.Minute)
	l.pass()
	if l.s.Demand != 120 || l.pool("spot").desired != 125 {
		t.Errorf("demand %d, asked %d", l.s.Demand, l.pool("spot").desired)
	}
}

func TestStaleReadAfterOurWriteIsNotAnOutsideChange(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ops"})
	l.pass()
	l.run("standard", 150, 0)
	l.advance(20 * time.Second)
	l.pass()
	if got := l.pool("spot").desired; got != 10 {
		t.Fatalf("spot is asked for %d", got)
	}
	l.advance(5 * time.Second)
	l.pool("spot").desired = 100 // a read that does not show the write yet
	l.pass()
	if l.s.Demand != 100 {
		t.Errorf("demand %d", l.s.Demand)
	}
	if n := len(l.last.Actions); n != 0 {
		t.Errorf("%d actions on a stale read", n)
	}
	l.advance(time.Minute)
	l.pass() // still there: our write was lost or undone; it is the demand's own number, so ask again
	if l.s.Demand != 100 || l.pool("spot").desired != 10 {
		t.Errorf("demand %d, asked %d", l.s.Demand, l.pool("spot").desired)
	}
}

func TestOutsideChangeWhileHeldDownIsAdopted(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ops"})
	l.pass()
	l.run("standard", 150, 0)
	l.advance(20 * time.Second)
	l.pass()
	l.drop("spot", 90)
	l.advance(2 * time.Minute)
	l.pass()
	l.pool("spot").desired = 130
	l.advance(time.Minute)
	l.pass()
	l.finds(ReasonDemandChanged)
	if l.s.Demand != 130 {
		t.Errorf("demand %d", l.s.Demand)
	}
}

func TestDecisionThatWasCommittedButNeverActedIsRepeated(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.lost = true
	l.pass()
	l.lost = false
	if l.pool("standard").desired != 0 {
		t.Fatal("the lab carried out a lost decision")
	}
	l.advance(time.Second)
	l.pass()
	l.want(ReasonReasserted, 200, 15)
}

func TestLostCoverIsRaisedAgainWithTheNewNumber(t *testing.T) {
	l := newLab(t, PresetFill, 200)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	l.advance(time.Second)
	l.interrupt("spot", 10)
	l.pass()
	l.want(ReasonInterruption, 200, 30)
}

func TestSomebodyElsesCoverIsGivenBack(t *testing.T) {
	l := newLab(t, PresetFill, 50)
	l.pool("standard").desired = 7
	l.run("standard", 7, time.Hour)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonSpotReturned, 50, 0)
}

func TestThreePoolsInOrder(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) {
		p.Pools = []Pool{
			{Name: "spot", Capacity: Spot, Tier: 0},
			{Name: "arm", Capacity: Spot, Tier: 1, Max: 20},
			{Name: "standard", Capacity: OnDemand, Tier: 2},
		}
	})
	l.advance(time.Minute)
	l.interrupt("spot", 30)
	l.pass()
	// ARM64 Spot takes up to its bound; what it has not shown yet is covered on demand meanwhile.
	l.want(ReasonInterruption, 100, 20, 45)
	l.pool("spot").leaving = 0
	l.run("arm", 20, 0)
	l.run("standard", 45, 0)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonSpotReturned, 100, 20, 10)
	l.cut("standard")
	l.run("spot", 30, 0)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonSpotReturned, 100, 0, 0)
}

func TestSecondOnDemandPoolIsAskedOnlyWhenTheFirstCannotServe(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) {
		p.Pools = []Pool{
			{Name: "spot", Capacity: Spot, Tier: 0},
			{Name: "standard", Capacity: OnDemand, Tier: 1},
			{Name: "far", Capacity: OnDemand, Tier: 2},
		}
	})
	l.advance(time.Minute)
	l.interrupt("spot", 30)
	l.pass()
	l.want(ReasonInterruption, 100, 45, 0)
	l.pool("spot").leaving = 0
	l.placementFailure("standard")
	l.advance(10 * time.Second)
	l.pass()
	l.want(ReasonInterruption, 100, 45, 45)
	l.finds(ReasonOnDemandShort)
}

func TestPoolMinimumIsAlwaysAsked(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.Pools[1].Min = 8 })
	if got := l.pool("standard").desired; got != 8 {
		t.Errorf("standard is asked for %d, want its minimum 8", got)
	}
}

func TestStuckOnDemandTasksAreReplacedByMore(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.Overstart = 0 })
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	l.pool("spot").leaving = 0
	l.want(ReasonInterruption, 100, 10)
	l.run("standard", 7, 0)
	l.start("standard", 3, 0)
	l.advance(4 * time.Minute)
	l.pass()
	l.want(ReasonSpotShort, 100, 13)
	l.finds(ReasonOnDemandShort)
	l.finds(ReasonStuck)
}

func TestTasksThatEcsHasNotCreatedYetAreNoShortage(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(10 * time.Minute)
	l.pool("spot").desired = 150 // somebody scales out; ECS has not begun
	l.pass()
	l.want(ReasonStarting, 150, 0)
	l.advance(20 * time.Second)
	l.start("spot", 30, 0)
	l.pass()
	l.want(ReasonStarting, 150, 0)
	l.advance(15 * time.Second) // twenty have not come within half a minute
	l.pass()
	l.want(ReasonSpotShort, 150, 30)
}
