package failover

import (
	"testing"
	"time"
)

// evacuated brings a switch workload of 100 to the state after a whole failover: spot at its probe of 10.
func evacuated(t *testing.T, change ...func(*Policy)) *lab {
	t.Helper()
	l := newLab(t, PresetSwitch, 100, change...)
	l.advance(2 * time.Minute)
	l.interrupt("spot", 5)
	l.pass()
	l.want(ReasonTripInterruptions, 100, 150)
	l.pool("spot").leaving = 0
	l.start("standard", 150, 0)
	l.advance(100 * time.Second)
	l.ready("standard")
	l.pass()
	l.advance(20 * time.Second)
	l.cut("spot")
	l.cut("standard")
	l.pass()
	l.cut("standard")
	if got := l.pool("spot").desired; got != 10 {
		t.Fatalf("spot is asked for %d after the evacuation, want its probe 10 (%s)", got, l.last.Reason)
	}
	if l.pool("standard").desired != 100 || l.s.Mode != ModeOnDemand {
		t.Fatalf("standard %d, mode %s", l.pool("standard").desired, l.s.Mode)
	}
	return l
}

func TestSwitchTripsOnInterruptionsAndBringsUpCoverFirst(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.advance(2 * time.Minute)
	l.interrupt("spot", 4)
	l.pass()
	l.want(ReasonInterruption, 100, 7) // four are few: the slowest start is relatively late
	l.interrupt("spot", 1)
	l.pass()
	// Five: the whole demand is asked of on-demand, Spot is not touched yet.
	l.want(ReasonTripInterruptions, 100, 150)
	if len(l.s.Failovers) != 1 {
		t.Errorf("%d failovers", len(l.s.Failovers))
	}
	l.pool("spot").leaving = 0
	l.start("standard", 150, 0)
	l.advance(30 * time.Second)
	l.pass()
	if l.pool("spot").desired != 100 {
		t.Errorf("spot lowered to %d before its cover runs", l.pool("spot").desired)
	}
	// Sixty of the cover run: Spot goes down by what is covered, and no further.
	l.advance(30 * time.Second)
	l.ready("standard")
	for i := range 90 {
		tk := &l.pool("standard").tasks[i]
		tk.Phase, tk.StartedAt = Starting, time.Time{}
	}
	l.pass()
	l.want(ReasonEvacuating, 40)
	l.cut("spot")
}

func TestDuplicateEventsCountOnce(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.advance(2 * time.Minute)
	l.interrupt("spot", 4)
	same := append([]Signal(nil), l.signals...)
	for range 3 {
		l.signals = append(l.signals, same...)
		l.pass()
		l.advance(time.Second)
	}
	if got := l.last.Pools[0].Interruptions; got != 4 {
		t.Errorf("%d interruptions counted, want 4", got)
	}
	if l.s.Pools[0].B.Mode != Closed {
		t.Error("the breaker opened on duplicates")
	}
}

func TestSwitchTripsOnCapacityFailures(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.advance(2 * time.Minute)
	l.drop("spot", 20)
	for range 3 {
		l.placementFailure("spot")
	}
	l.pass()
	l.want(ReasonTripCapacity, 100, 150)
}

func TestPlacementFailuresOfAFullPoolTripNothing(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.advance(2 * time.Minute)
	for range 5 {
		l.placementFailure("spot") // AZ rebalancing raises them in healthy services
	}
	l.pass()
	l.want(ReasonSteady, 100, 0)
}

func TestSwitchTripsOnMissingTasksWithoutAnyEvent(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.advance(2 * time.Minute)
	l.drop("spot", 20)
	l.pass()
	l.want(ReasonSpotShort, 100, 30)
	l.advance(l.p.StartLimit)
	l.pass()
	l.want(ReasonTripStuck, 100)
	if got := l.last.Pools[1].Ask; got < 100 {
		t.Errorf("standard is asked for %d", got)
	}
}

func TestSwitchTripsOnAStuckTask(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.drop("spot", 1)
	l.start("spot", 1, 0)
	l.advance(170 * time.Second)
	l.pass()
	if l.s.Pools[0].B.Mode != Closed {
		t.Fatal("opened before start_limit")
	}
	l.advance(10 * time.Second)
	l.pass()
	l.want(ReasonTripStuck, 100, 150)
}

func TestReturnNeedsProofThenRampsThenCloses(t *testing.T) {
	l := evacuated(t)
	tripped := l.s.Pools[0].B.TrippedAt
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonHoldOff, 10, 100)
	// The probe's tasks started before the trip: they prove nothing, ten new ones must survive.
	l.pool("spot").tasks = nil
	l.start("spot", 10, 0)
	l.advance(2 * time.Minute)
	l.ready("spot")
	l.pass()
	l.want(ReasonHoldOff, 10, 100)
	l.now = tripped.Add(l.p.StableFor)
	l.pass()
	l.want(ReasonRamping, 25, 90)
	l.cut("standard")
	if l.s.Pools[0].B.Mode != HalfOpen {
		t.Fatalf("breaker %s", l.s.Pools[0].B.Mode)
	}
	for _, step := range []struct{ spot, standard int }{{50, 75}, {100, 50}} {
		l.start("spot", l.pool("spot").desired-len(l.pool("spot").tasks), 0)
		l.advance(time.Minute)
		l.ready("spot")
		l.pass()
		l.advance(time.Minute)
		l.pass()
		l.cut("standard")
		l.want(ReasonRamping, step.spot, step.standard)
	}
	l.start("spot", 50, 0)
	l.advance(time.Minute)
	l.ready("spot")
	l.pass()
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonRestored, 100, 0)
	l.finds(ReasonRestored)
	if l.s.Pools[0].B.Mode != Closed || l.s.Mode != ModeSpot {
		t.Errorf("breaker %s, mode %s", l.s.Pools[0].B.Mode, l.s.Mode)
	}
}

func TestNoProofNoReturn(t *testing.T) {
	l := evacuated(t)
	l.pool("spot").tasks = nil
	l.start("spot", 9, 0)
	l.advance(2 * time.Minute)
	l.ready("spot")
	l.advance(30 * time.Minute)
	l.pass()
	l.want(ReasonProving, 10, 100)
	l.finds(ReasonProving)
}

func TestInterruptedProbeIsNoSuccess(t *testing.T) {
	l := evacuated(t)
	l.pool("spot").tasks = nil
	l.start("spot", 10, 0)
	l.advance(2 * time.Minute)
	l.ready("spot")
	l.advance(20 * time.Minute)
	l.interrupt("spot", 2)
	l.run("spot", 2, 5*time.Minute)
	l.pass()
	// Two of twelve failed: 17 % errors, more than 5 %.
	l.want(ReasonProving, 10, 100)
}

func TestFailureOnTheWayUpReopensForTwiceAsLong(t *testing.T) {
	l := evacuated(t, func(p *Policy) { p.Jitter = 0 })
	for want := 10 * time.Minute; want <= 30*time.Minute; want = min(2*want, 30*time.Minute) {
		l.pool("spot").tasks = nil
		l.advance(time.Second)
		l.run("spot", 10, 0)
		l.advance(time.Hour)
		l.pass()
		l.want(ReasonRamping, 25)
		l.advance(30 * time.Second)
		l.interrupt("spot", 3)
		l.pool("spot").leaving = 0
		l.pass()
		l.finds(ReasonRampFailed)
		b := l.s.Pools[0].B
		if got := b.NotBefore.Sub(l.now); b.Mode != Open || got != want {
			t.Fatalf("breaker %s, held off %s, want %s", b.Mode, got, want)
		}
		if want == 30*time.Minute {
			break
		}
	}
}

func TestHoldOffJitterIsSeededAndBounded(t *testing.T) {
	p, _ := Preset(PresetSwitch)
	w := pass{p: &p}
	w.s.Workload = "a"
	first := w.holdOff("spot", 0)
	if first < p.HoldOff || first > p.HoldOff+p.HoldOff/10 {
		t.Errorf("hold-off %s", first)
	}
	if again := w.holdOff("spot", 0); again != first {
		t.Errorf("the same seed gave %s and %s", first, again)
	}
	w.s.Workload = "b"
	if other := w.holdOff("spot", 0); other == first {
		t.Error("two workloads are held off for the same time")
	}
}

func TestTooManyFailoversStayOnDemandAndSaySo(t *testing.T) {
	l := evacuated(t, func(p *Policy) { p.FailoversMaxPerDay = 1 })
	l.pool("spot").tasks = nil
	l.run("spot", 10, 0)
	l.advance(time.Hour)
	l.pass()
	l.want(ReasonFailoverLimit, 10, 100)
	critical := false
	for _, n := range l.last.Notices {
		critical = critical || (n.Reason == ReasonFailoverLimit && n.Severity == Critical)
	}
	if !critical {
		t.Errorf("no critical notice: %v", l.last.Notices)
	}
	l.advance(24 * time.Hour)
	l.pass()
	l.want(ReasonRamping, 25)
}

func TestFillTripsOnlyOnChurnAndKeepsWhatRuns(t *testing.T) {
	l := newLab(t, PresetFill, 40)
	l.advance(2 * time.Minute)
	// Twenty old tasks are lost: no churn, however many.
	l.interrupt("spot", 20)
	l.pool("spot").leaving = 0
	l.pass()
	if l.s.Pools[0].B.Mode != Closed {
		t.Fatal("opened on interruptions of old tasks")
	}
	l.run("spot", 20, time.Minute)
	l.advance(time.Minute)
	tasks := l.pool("spot").tasks
	l.pool("spot").tasks = append(tasks[20:], tasks[:20]...) // the young ones first
	l.interrupt("spot", 10)
	l.pool("spot").leaving = 0
	l.pass()
	l.want(ReasonTripChurn, 40)
	if got := l.s.Pools[0].B.Mode; got != Open {
		t.Fatalf("breaker %s", got)
	}
	l.advance(time.Minute)
	l.pass()
	// Thirty still run and are kept; ten more are asked for as a probe.
	if got := l.pool("spot").desired; got != 40 {
		t.Errorf("spot is asked for %d", got)
	}
	l.drop("spot", 10)
	l.advance(time.Minute)
	l.pass()
	if got := l.pool("spot").desired; got != 30 {
		t.Errorf("spot is asked for %d after it lost ten more, want 20 held and a probe of 10", got)
	}
}

func TestOnDemandShortToo(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	l.advance(2 * time.Minute)
	l.interrupt("spot", 50)
	l.pool("spot").leaving = 0
	l.pass()
	l.placementFailure("standard")
	l.advance(30 * time.Second)
	l.pass()
	// Nothing can be had on demand: Spot keeps being asked for everything.
	if l.pool("spot").desired != 100 || l.pool("standard").desired < 100 {
		t.Errorf("spot %d, standard %d", l.pool("spot").desired, l.pool("standard").desired)
	}
	l.finds(ReasonOnDemandShort)
	loud := false
	for _, n := range l.last.Notices {
		loud = loud || (n.Reason == ReasonOnDemandShort && n.Severity == Critical)
	}
	if !loud {
		t.Error("no critical notice")
	}
}

func TestScalingIsParkedBeforeTheCountFallsAndRestoredAfter(t *testing.T) {
	l := newLab(t, PresetSwitch, 100)
	own := Scaling{Present: true, Min: 50, Max: 300}
	l.pool("spot").scaling = own
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ops"})
	l.pass()
	l.finds(ReasonScalingParked)
	if l.pool("spot").desired != 100 {
		t.Error("the count falls in the pass that parks the target")
	}
	l.run("standard", 150, 0)
	l.advance(20 * time.Second)
	l.pass()
	sc := l.pool("spot").scaling
	if sc.Min != 0 || sc.Max != 300 || !sc.SuspendedIn || !sc.SuspendedOut || !sc.SuspendedScheduled {
		t.Fatalf("scaling %+v", sc)
	}
	l.cut("spot")
	if got := l.s.Pools[0].Parked; got == nil || got.Min != 50 {
		t.Fatalf("the own bounds are not kept: %+v", got)
	}
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentRestore, At: l.now, By: "ops"})
	for range 20 {
		l.advance(time.Minute)
		l.pass()
		if n := l.pool("spot").desired - len(l.pool("spot").tasks); n > 0 {
			l.run("spot", n, 0)
		}
		l.cut("standard")
	}
	sc = l.pool("spot").scaling
	if sc.Min != 50 || sc.Max != 300 || sc.SuspendedIn || sc.SuspendedOut || sc.SuspendedScheduled {
		t.Errorf("scaling was not put back: %+v", sc)
	}
	if l.s.Pools[0].Parked != nil || l.pool("spot").desired != 100 || l.pool("standard").desired != 0 {
		t.Errorf("parked %+v, spot %d, standard %d", l.s.Pools[0].Parked, l.pool("spot").desired, l.pool("standard").desired)
	}
}
