package failover

import (
	"testing"
	"time"
)

// standby is a workload of 100 tasks on Spot with on-demand behind it, and more on-demand behind that.
func standby(t *testing.T, change ...func(*Policy)) *lab {
	return newLab(t, PresetFill, 100, append([]func(*Policy){func(p *Policy) {
		p.Pools = []Pool{
			{Name: "spot", Capacity: Spot, Tier: 0}, {Name: "standard", Capacity: OnDemand, Tier: 1}, {Name: "standard-b", Capacity: OnDemand, Tier: 2},
		}
	}}, change...)...)
}

// failOver moves the workload to on-demand by order, until it runs there.
func (l *lab) failOver() {
	l.t.Helper()
	var err error
	if l.s, err = Apply(l.p, l.s, Intent{Kind: IntentFailover, By: "ana", At: l.now}); err != nil {
		l.t.Fatalf("%v", err)
	}
	for range 4 {
		l.pass()
		l.cut("spot")
		l.cut("standard")
		if n := l.pool("standard").desired - len(l.pool("standard").tasks); n > 0 {
			l.run("standard", n, 0)
		}
		l.advance(time.Minute)
	}
}

// TestAMoveByHandIsKnownForOneWhenAllIsReadAgain: the sign of it is cover that the state never asked for; a pass
// that makes it its own would take the probe that is left for the demand, and stop the rest.
func TestAMoveByHandIsKnownForOneWhenAllIsReadAgain(t *testing.T) {
	for _, blind := range []bool{false, true} {
		l := standby(t)
		l.advance(time.Minute)
		if blind {
			l.unread(ErrDenied, "standard-b")
		}
		l.pool("spot").desired = 10
		l.cut("spot")
		l.pool("standard").desired = 100
		l.run("standard", 100, 10*time.Minute)
		for range 3 {
			l.pass()
			l.cut("standard")
			l.advance(time.Minute)
		}
		l.unread(ErrNone, "standard-b")
		for range 5 {
			l.pass()
			l.cut("standard")
			l.advance(time.Minute)
			n := l.pool("spot").desired - len(l.pool("spot").tasks)
			if n > 0 {
				l.run("spot", n, 0)
			}
		}
		if l.s.Demand < 90 {
			t.Errorf("blind %v: demand became %d", blind, l.s.Demand)
		}
	}
}

// TestAStateFromBeforeAFailoverIsKnownForOneWhenAllIsReadAgain: as above.
func TestAStateFromBeforeAFailoverIsKnownForOneWhenAllIsReadAgain(t *testing.T) {
	l := standby(t, func(p *Policy) { p.OnTrip = Evacuate })
	l.advance(time.Minute)
	l.pass()
	old := l.s
	l.failOver()
	l.s = old
	l.unread(ErrDenied, "standard-b")
	for range 3 {
		l.pass()
		l.cut("standard")
		l.advance(time.Minute)
	}
	l.unread(ErrNone, "standard-b")
	for range 3 {
		l.pass()
		l.cut("standard")
		l.cut("spot")
		l.advance(time.Minute)
	}
	if l.s.Demand != 100 {
		t.Errorf("demand became %d", l.s.Demand)
	}
}

// TestAnOlderAndSmallerDemandStopsNothingWhileAPoolIsUnread: as above.
func TestAnOlderAndSmallerDemandStopsNothingWhileAPoolIsUnread(t *testing.T) {
	l := standby(t, func(p *Policy) { p.OnTrip = Evacuate })
	l.advance(time.Minute)
	l.pass()
	old := l.s
	old.Demand = 50
	l.failOver()
	l.s = old
	l.unread(ErrDenied, "standard-b")
	l.pass()
	l.cut("standard")
	if len(l.pool("standard").tasks) < 90 {
		t.Errorf("%d left", len(l.pool("standard").tasks))
	}
}

// TestAWrittenOffPoolCountsAgainWhenItIsSeen: not when it first answers with a refusal, as a region does that comes back.
func TestAWrittenOffPoolCountsAgainWhenItIsSeen(t *testing.T) {
	l := regions(t, func(p *Policy) { p.WriteOffAfter = 5 * time.Minute })
	l.advance(time.Minute)
	l.unread(ErrTimeout, "spot", "standard")
	l.pass()
	l.advance(6 * time.Minute)
	l.pass()
	l.run("spot-b", 100, 0)
	l.pool("spot").tasks = nil
	for range 5 {
		l.advance(time.Minute)
		l.pass()
	}
	l.unread(ErrThrottled, "spot")
	l.interrupt("spot-b", 20)
	for range 4 {
		l.pass()
		l.advance(10 * time.Second)
	}
	if l.pool("standard-b").desired == 0 {
		t.Errorf("20 of spot-b are lost, and nothing covers them: the tasks of a pool that was written off count again, though nobody has seen them")
	}
}

// TestAPoolIsNotWrittenOffForATimeInWhichNobodyLooked: Backstop did not run.
func TestAPoolIsNotWrittenOffForATimeInWhichNobodyLooked(t *testing.T) {
	l := regions(t, func(p *Policy) { p.WriteOffAfter = 5 * time.Minute })
	l.advance(time.Minute)
	l.unread(ErrTimeout, "spot")
	l.pass()
	l.advance(10 * time.Minute) // Backstop does not run
	l.pass()
	if l.last.Pools[0].Lost {
		t.Errorf("written off by two time-outs 10 minutes apart")
	}
}

// TestAPoolIsNotWrittenOffForATimeInWhichNothingCouldBeRead: our own network was gone.
func TestAPoolIsNotWrittenOffForATimeInWhichNothingCouldBeRead(t *testing.T) {
	l := regions(t, func(p *Policy) { p.WriteOffAfter = 5 * time.Minute })
	l.advance(time.Minute)
	l.unread(ErrTimeout, "spot-b", "standard-b")
	l.unread(ErrTimeout, "spot")
	l.pass()
	for range 10 { // own network is gone
		l.unread(ErrTimeout, "spot", "spot-b", "standard", "standard-b")
		l.advance(time.Minute)
		l.pass()
	}
	l.unread(ErrNone, "standard-b", "spot-b", "standard")
	l.advance(time.Minute)
	l.pass()
	if l.last.Pools[0].Lost {
		t.Errorf("written off by two time-outs")
	}
}

// TestAnOwnerOnDemandKeepsItsNewCountUntilItIsRead: its count is somebody's will.
func TestAnOwnerOnDemandKeepsItsNewCountUntilItIsRead(t *testing.T) {
	for _, count := range []int{60, 120} {
		l := standby(t, func(p *Policy) { p.Owner = "standard" })
		l.s.Demand = 100
		l.s.Pools[1].Asked = &Asked{Count: 0, At: l.now.Add(-time.Hour), Done: true, Seen: true}
		l.s.Pools[0].Asked = &Asked{Count: 100, At: l.now.Add(-time.Hour), Done: true, Seen: true}
		l.pool("spot").desired = 100
		l.advance(time.Minute)
		l.pass()
		l.advance(time.Minute)
		l.unread(ErrDenied, "standard-b")
		l.pool("standard").desired = count
		l.pass()
		l.advance(time.Minute)
		l.unread(ErrNone, "standard-b")
		l.pass()
		if l.s.Demand != count {
			t.Errorf("the owner was set to %d, the demand is %d", count, l.s.Demand)
		}
	}
}

// TestFailuresOfTheApplicationStayUncoveredWhenTheirPoolIsUnread: what was excused at the last look still is.
func TestFailuresOfTheApplicationStayUncoveredWhenTheirPoolIsUnread(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.drop("spot", 40)
	l.fail("spot", 40)
	l.pass()
	if l.pool("standard").desired != 0 {
		t.Fatalf("covered")
	}
	l.advance(time.Minute)
	l.unread(ErrThrottled, "spot")
	l.pass()
	if l.pool("standard").desired != 0 {
		t.Errorf("failures of the application are covered: %d", l.pool("standard").desired)
	}
}

// TestARiseOfTheDemandStaysUncoveredWhenItsPoolIsUnread: throttling and scaling come together.
func TestARiseOfTheDemandStaysUncoveredWhenItsPoolIsUnread(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.pool("spot").desired = 150
	l.pass()
	l.start("spot", 50, 0)
	l.advance(5 * time.Second)
	l.unread(ErrThrottled, "spot")
	l.pass()
	if l.pool("standard").desired != 0 {
		t.Errorf("a rise of the demand is covered: %d", l.pool("standard").desired)
	}
}

// TestADeploymentStaysUncoveredWhenItsPoolIsUnread: as above.
func TestADeploymentStaysUncoveredWhenItsPoolIsUnread(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Hour)
	l.pool("spot").deploying = l.now
	l.drop("spot", 50)
	l.pass()
	l.start("spot", 50, 0)
	l.advance(5 * time.Second)
	l.unread(ErrThrottled, "spot")
	l.pass()
	if l.pool("standard").desired != 0 {
		t.Errorf("covered")
	}
}

// TestARefusedRaiseOfAnUnreadPoolIsNotOnItsWay: the next on-demand pool covers.
func TestARefusedRaiseOfAnUnreadPoolIsNotOnItsWay(t *testing.T) {
	l := standby(t)
	l.advance(time.Minute)
	l.interrupt("spot", 20)
	l.lost = true
	l.pass()
	l.s = Refused(l.s, l.last.Actions, l.now)
	l.lost = false
	l.unread(ErrThrottled, "standard")
	for range 4 {
		l.advance(15 * time.Second)
		l.pass()
	}
	if l.pool("standard-b").desired == 0 {
		t.Errorf("loss not covered: the unread pool never took the call")
	}
}

// TestAPoolBehindThatCannotLaunchHoldsNothing: the first one has room.
func TestAPoolBehindThatCannotLaunchHoldsNothing(t *testing.T) {
	for _, blind := range []bool{false, true} {
		l := standby(t)
		l.advance(time.Minute)
		l.interrupt("spot", 30)
		l.pass()
		l.placementFailure("standard")
		l.advance(10 * time.Second)
		l.pool("spot").leaving = 0
		l.pass()
		l.placementFailure("standard-b")
		l.advance(10 * time.Second)
		l.pass()
		l.advance(10 * time.Minute)
		l.run("standard", l.pool("standard").desired, 0) // room again
		l.placementFailure("standard-b")
		if blind {
			l.unread(ErrThrottled, "spot")
		}
		l.pass()
		l.interrupt("spot", 40)
		for range 4 {
			l.placementFailure("standard-b")
			l.pass()
			l.advance(20 * time.Second)
			if n := l.pool("standard").desired - len(l.pool("standard").tasks); n > 0 {
				l.run("standard", n, 0)
			}
		}
		if n := len(l.pool("standard").tasks) + len(l.pool("spot").tasks); n < 100 {
			t.Errorf("blind %v: %d run", blind, n)
		}
	}
}

// TestTheCountOfANewOwnerIsNoWillYet: the configuration was changed while a pool is unread.
func TestTheCountOfANewOwnerIsNoWillYet(t *testing.T) {
	l := standby(t)
	l.advance(time.Minute)
	l.p.Owner = "standard"
	l.unread(ErrDenied, "standard-b")
	l.interrupt("spot", 20)
	l.pass()
	if l.pool("standard").desired == 0 {
		t.Errorf("loss not covered")
	}
}

// TestACountThatIsNotSeenYetCountsAgainstOnDemandMax: it is asked for again.
func TestACountThatIsNotSeenYetCountsAgainstOnDemandMax(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) {
		p.OnDemandMax = 30
		p.Pools = []Pool{{Name: "spot", Capacity: Spot}, {Name: "spot-c", Capacity: Spot, Tier: 1}, {Name: "standard", Capacity: OnDemand, Tier: 2}, {Name: "standard-b", Capacity: OnDemand, Tier: 3}}
	})
	l.advance(time.Minute)
	l.unread(ErrDenied, "spot-c")
	l.interrupt("spot", 20)
	for range 3 {
		l.lost = true
		l.pass()
		l.s = Refused(l.s, l.last.Actions, l.now)
		l.advance(6 * time.Second)
	}
	l.run("spot", 10, 0)
	l.pool("spot").leaving = 10
	l.lost = false
	l.pass()
	if n := l.pool("standard").desired + l.pool("standard-b").desired; n > 30 {
		t.Errorf("%d on demand, limit 30", n)
	}
}

// TestALostPoolCountsAgainstOnDemandMax: it may run on.
func TestALostPoolCountsAgainstOnDemandMax(t *testing.T) {
	l := standby(t, func(p *Policy) { p.WriteOffAfter = 5 * time.Minute; p.OnDemandMax = 40 })
	l.drop("spot", 40)
	l.pool("standard").desired = 40
	l.run("standard", 40, time.Hour)
	l.s = State{Workload: "analytics"} // state lost
	l.advance(time.Minute)
	l.pass()
	l.advance(time.Minute)
	l.unread(ErrTimeout, "standard")
	l.pass()
	l.advance(6 * time.Minute)
	l.pass()
	if l.pool("standard-b").desired > 0 {
		t.Errorf("on_demand_max 40: 40 may run in standard, and %d are asked for of standard-b", l.pool("standard-b").desired)
	}
}

// TestWhoWantsFewerIsNotShort: though the demand is read later.
func TestWhoWantsFewerIsNotShort(t *testing.T) {
	l := standby(t)
	l.advance(time.Minute)
	l.unread(ErrDenied, "standard-b")
	l.pool("spot").desired = 40
	l.cut("spot")
	l.pass()
	if l.last.Shortfall != 0 {
		t.Errorf("shortfall %d though 40 are wanted and 40 run", l.last.Shortfall)
	}
}

// TestACountOfOursIsKnownThoughTheReadOfSomebodysIsStale: theirs was set a moment before ours, and is shown later.
func TestACountOfOursIsKnownThoughTheReadOfSomebodysIsStale(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	// Ours was accepted a moment ago, and no read has shown it.
	l.s.Pools[0].Asked = &Asked{Count: 60, At: l.now.Add(-3 * time.Second), Done: true, Old: []OldCount{{Count: 100, At: l.now.Add(-3 * time.Second)}}}
	l.pool("spot").desired = 40
	l.pass()
	l.advance(10 * time.Second)
	l.pool("spot").desired = 60
	l.pass()
	if l.s.Demand != 40 || l.pool("spot").desired != 40 {
		t.Errorf("demand %d, asked for %d, want what somebody wanted: 40", l.s.Demand, l.pool("spot").desired)
	}
}
