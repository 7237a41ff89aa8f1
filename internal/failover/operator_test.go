package failover

import (
	"strings"
	"testing"
	"time"
)

func TestBlindChangesNothingAndSaysSo(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.interrupt("spot", 20)
	l.pool("standard").err = ErrThrottled
	l.pass()
	l.want(ReasonBlind, 100, 0)
	l.finds(ReasonBlind)
	l.advance(6 * time.Minute)
	l.pass()
	if n := l.last.Notices; len(n) != 1 || n[0].Severity != Critical {
		t.Errorf("notices %v", n)
	}
	// What was learnt meanwhile is not forgotten.
	l.pool("standard").err = ErrNone
	l.pool("spot").leaving = 0
	l.pass()
	l.want(ReasonSpotShort, 100, 30)
	if !l.s.BlindSince.IsZero() {
		t.Error("still blind")
	}
}

func TestMissingPoolObservationIsBlind(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	o := l.observe()
	o.Pools = o.Pools[:1]
	_, d := Decide(l.p, l.s, o)
	if d.Reason != ReasonBlind || d.Acts() {
		t.Errorf("reason %s, %d actions", d.Reason, len(d.Actions))
	}
}

func TestObserveDecidesAndTouchesNothing(t *testing.T) {
	l := newLab(t, PresetObserve, 100)
	l.advance(time.Minute)
	l.interrupt("spot", 20)
	l.pass()
	l.want(ReasonObserving, 100, 0)
	if len(l.last.Withheld) != 1 || l.last.Withheld[0].(SetDesiredCount).Count != 30 {
		t.Errorf("withheld %v", l.last.Withheld)
	}
	if l.s.Pools[1].Asked != nil {
		t.Error("the state says that something was asked")
	}
}

// TestWhatIsWithheldIsWrittenDownOnce: not at every pass for as long as it is withheld.
func TestWhatIsWithheldIsWrittenDownOnce(t *testing.T) {
	l := newLab(t, PresetObserve, 100)
	l.pool("standard").desired = 30
	l.run("standard", 30, time.Hour)
	for pass := range 5 {
		l.advance(time.Hour)
		before := l.s
		l.pass()
		if len(l.last.Withheld) != 1 {
			t.Errorf("withheld %v", l.last.Withheld)
		}
		if pass > 0 && !SameState(before, l.s) {
			t.Errorf("pass %d changed the state", pass)
		}
	}
}

func TestPauseEndsByItself(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	var err error
	l.s, err = Apply(l.p, l.s, Intent{Kind: IntentPause, By: "ana", At: l.now, Until: l.now.Add(10 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	l.advance(time.Minute)
	l.interrupt("spot", 20)
	l.pass()
	l.want(ReasonPaused, 100, 0)
	if l.last.Next[0].At.IsZero() {
		t.Errorf("explain does not name the pause's end: %+v", l.last.Next)
	}
	l.pool("spot").leaving = 0
	l.advance(9 * time.Minute)
	l.pass()
	l.want(ReasonSpotShort, 100, 30)
}

func TestPinToSpotTakesNoCover(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.run("standard", 10, time.Minute)
	l.pool("standard").desired = 10
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentPin, Mode: ModeSpot, At: l.now})
	l.advance(time.Minute)
	l.interrupt("spot", 20)
	l.pass()
	l.want(ReasonPinned, 100, 0)
}

func TestPinToOnDemandAndUnpin(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentPin, Mode: ModeOnDemand, At: l.now, By: "ana"})
	l.pass()
	l.want(ReasonPinned, 100, 150)
	l.run("standard", 150, 0)
	l.advance(20 * time.Second)
	l.pass()
	l.cut("spot")
	l.cut("standard")
	if got := l.pool("spot").desired; got != 10 {
		t.Errorf("spot is asked for %d, want its probe", got)
	}
	if len(l.s.Failovers) != 0 {
		t.Error("a pin counts as a failover")
	}
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentUnpin, At: l.now})
	for range 30 {
		l.advance(time.Minute)
		l.pass()
		if n := l.pool("spot").desired - len(l.pool("spot").tasks); n > 0 {
			l.run("spot", n, 0)
		}
		l.cut("standard")
	}
	l.want(ReasonSteady, 100, 0)
}

func TestFailoverByHandStaysUntilRestore(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	var err error
	if l.s, err = Apply(l.p, l.s, Intent{Kind: IntentFailover, By: "ana", At: l.now}); err != nil {
		t.Fatal(err)
	}
	l.pass()
	l.run("standard", 150, 0)
	l.advance(20 * time.Second)
	l.pass()
	l.cut("spot")
	l.run("spot", 10, 0)
	l.advance(5 * time.Hour)
	l.pass()
	l.finds(ReasonFailedOver)
	if l.s.Pools[0].B.Mode != Open {
		t.Fatal("it came back by itself")
	}
	l.s, err = Apply(l.p, l.s, Intent{Kind: IntentRestore, By: "ana", At: l.now})
	if err != nil {
		t.Fatal(err)
	}
	l.pass()
	l.want(ReasonRamping, 25)
}

func TestFailoverByHandExpires(t *testing.T) {
	l := newLab(t, PresetFill, 20)
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, By: "ana", At: l.now, Until: l.now.Add(time.Hour)})
	l.pass()
	l.advance(time.Hour)
	l.pool("spot").tasks = nil
	l.run("spot", 20, 5*time.Minute)
	l.run("standard", 30, time.Hour)
	l.pass()
	l.want(ReasonRamping)
	if l.s.Pools[0].B.Mode != HalfOpen {
		t.Errorf("breaker %s", l.s.Pools[0].B.Mode)
	}
}

func TestDemandByCommand(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	var err error
	if l.s, err = Apply(l.p, l.s, Intent{Kind: IntentDemand, Demand: 140, At: l.now}); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Minute)
	l.pass()
	if l.pool("spot").desired != 140 || l.s.Demand != 140 {
		t.Errorf("spot %d, demand %d", l.pool("spot").desired, l.s.Demand)
	}
	fixed := newLab(t, PresetFill, 100, func(p *Policy) { p.Demand = 100 })
	fixed.s, _ = Apply(fixed.p, fixed.s, Intent{Kind: IntentDemand, Demand: 120, At: fixed.now})
	fixed.advance(time.Minute)
	fixed.pass()
	if fixed.s.Demand != 120 || fixed.pool("spot").desired != 120 {
		t.Errorf("demand %d, spot %d", fixed.s.Demand, fixed.pool("spot").desired)
	}
}

func TestIntentsThatAreRefused(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	alone := l.p
	alone.Pools = alone.Pools[:1]
	for name, c := range map[string]struct {
		p    Policy
		in   Intent
		want string
	}{
		"no time":           {l.p, Intent{Kind: IntentPause}, "has no time"},
		"ends before start": {l.p, Intent{Kind: IntentPause, At: l.now, Until: l.now}, "not after its start"},
		"unknown kind":      {l.p, Intent{Kind: "dance", At: l.now}, "unknown kind"},
		"pin to nonsense":   {l.p, Intent{Kind: IntentPin, Mode: "mars", At: l.now}, "not one of spot, on_demand"},
		"unpin nothing":     {l.p, Intent{Kind: IntentUnpin, At: l.now}, "not pinned"},
		"resume nothing":    {l.p, Intent{Kind: IntentResume, At: l.now}, "not paused"},
		"restore nothing":   {l.p, Intent{Kind: IntentRestore, At: l.now}, "no pool is failed over"},
		"nowhere to go":     {alone, Intent{Kind: IntentFailover, At: l.now}, "no Spot pool with on-demand behind it"},
		"negative demand":   {l.p, Intent{Kind: IntentDemand, Demand: -1, At: l.now}, "not within"},
	} {
		t.Run(name, func(t *testing.T) {
			after, err := Apply(c.p, l.s, c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if !SameState(l.s, after) {
				t.Error("a refused intent changed the state")
			}
		})
	}
}

func TestMoneyLimitsHoldTheCover(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.OnDemandMax = 12 })
	l.advance(time.Minute)
	l.interrupt("spot", 30)
	l.pass()
	l.want(ReasonInterruption, 100, 12)
	l.finds(ReasonOnDemandMax)
	l.pool("spot").leaving = 0
	l.run("standard", 12, 0)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonOnDemandMax, 100, 12)

	l = newLab(t, PresetFill, 100, func(p *Policy) { p.OnDemandBudgetUSDMonthly = 5 })
	l.interrupt("spot", 30)
	l.pass()
	l.pool("spot").leaving = 0
	l.run("standard", 45, 0)
	l.advance(time.Hour) // 45 task-hours at $0.268 are $12
	l.pass()
	if got := l.s.Spend.USD; got < 12.05 || got > 12.07 {
		t.Errorf("spent $%.2f", got)
	}
	l.cut("standard")
	l.interrupt("spot", 10)
	l.pass()
	l.finds(ReasonBudget)
	if got := l.pool("standard").desired; got > 45 {
		t.Errorf("cover raised to %d over the budget", got)
	}
	l.now = time.Date(2026, 4, 1, 0, 5, 0, 0, time.UTC)
	l.pass()
	if l.s.Spend.Month != "2026-04" || l.s.Spend.USD > 9 {
		t.Errorf("spend %+v in a new month", l.s.Spend)
	}
}

func TestBrokenImageIsNotCovered(t *testing.T) {
	for _, preset := range []string{PresetFill, PresetSwitch} {
		t.Run(preset, func(t *testing.T) {
			l := newLab(t, preset, 100)
			l.advance(time.Minute)
			l.drop("spot", 40)
			l.start("spot", 10, 0)
			l.fail("spot", 30)
			l.pass()
			l.want(ReasonApplicationFailing, 100, 0)
			// ECS backs off and is silent for longer than any window: the mark stays.
			l.pool("spot").tasks = l.pool("spot").tasks[:60]
			for range 25 {
				l.advance(time.Minute)
				l.pass()
				l.want(ReasonApplicationFailing, 100, 0)
			}
			if len(l.s.Failovers) != 0 || l.s.Pools[0].B.Mode != Closed {
				t.Errorf("%d failovers, breaker %s", len(l.s.Failovers), l.s.Pools[0].B.Mode)
			}
			// An interruption meanwhile is a Spot loss and is covered.
			l.interrupt("spot", 4)
			l.pass()
			if got := l.pool("standard").desired; got != 7 {
				t.Errorf("cover %d for four interrupted tasks", got)
			}
			// A new task definition is a new chance.
			l.pool("spot").leaving = 0
			l.pool("spot").taskDef, l.pool("standard").taskDef = "app:2", "app:2"
			l.advance(6 * time.Minute)
			l.pass()
			if l.s.Pools[0].Failing != nil {
				t.Error("still marked as failing with a new task definition")
			}
		})
	}
}

func TestOrdinaryExitsOfWorkersAreNeitherShortageNorFailure(t *testing.T) {
	l := newLab(t, PresetSwitch, 200)
	for range 20 {
		l.advance(time.Minute)
		for i := range 8 { // tasks that ran for ten minutes end and are replaced
			tk := l.pool("spot").tasks[0]
			l.pool("spot").tasks = l.pool("spot").tasks[1:]
			l.signals = append(l.signals, Signal{ID: "x" + tk.ID, Kind: SignalApplicationStop, At: l.now, Pool: "spot",
				Task: tk.ID, StartedAt: l.now.Add(-10 * time.Minute)})
			_ = i
		}
		l.start("spot", 8, 0)
		l.pass()
		l.want(ReasonStarting, 200, 0)
		l.ready("spot")
	}
}

func TestDeploymentHoldsReleasesNotFills(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.interrupt("spot", 10)
	l.pass()
	l.pool("spot").leaving = 0
	l.run("standard", 15, 0)
	l.advance(time.Minute)
	l.pool("spot").deploying = l.now
	l.run("spot", 10, 0)
	l.pass()
	l.want(ReasonDeploying, 100, 15)
	l.interrupt("spot", 20)
	l.pass()
	if got := l.pool("standard").desired; got <= 15 {
		t.Errorf("a fill waits for a deployment: %d", got)
	}
	l.pool("spot").leaving = 0
	l.run("spot", 20, 0)
	l.advance(2 * time.Hour) // a deployment that hangs holds nothing for ever
	l.run("standard", 8, time.Hour)
	l.pass()
	l.want(ReasonSpotReturned, 100, 0)
}

func TestDeploymentsOwnStartsAreNoShortage(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.advance(time.Minute)
	l.pool("spot").deploying = l.now
	l.drop("spot", 50)
	l.start("spot", 50, 0)
	l.pass()
	l.want(ReasonStarting, 100, 0)
	l.advance(20 * time.Second)
	l.interrupt("spot", 5)
	l.pass()
	if got := l.pool("standard").desired; got == 0 {
		t.Error("interrupted tasks are not covered in a deployment")
	}
}

func TestDriftIsReportedOrSynced(t *testing.T) {
	l := newLab(t, PresetFill, 10)
	l.pool("spot").taskDef = "app:2"
	l.pass()
	l.finds(ReasonDrift)
	if l.s.DriftSince.IsZero() || l.pool("standard").taskDef != "app:1" {
		t.Errorf("drift since %s, standard runs %s", l.s.DriftSince, l.pool("standard").taskDef)
	}
	l.p.SyncTaskDefinition = true
	l.pass()
	l.want(ReasonDriftSynced)
	if l.pool("standard").taskDef != "app:2" {
		t.Error("not synced")
	}
	l.pass()
	if !l.s.DriftSince.IsZero() {
		t.Error("still drifted")
	}
}

func TestStuckTasksAreStoppedOnlyWhenAsked(t *testing.T) {
	l := newLab(t, PresetFill, 30, func(p *Policy) { p.StopStuck = true })
	l.drop("spot", 15)
	l.start("spot", 15, 0)
	l.advance(4 * time.Minute)
	l.pass()
	stops := 0
	for _, a := range l.last.Actions {
		if _, ok := a.(StopTask); ok {
			stops++
		}
	}
	if stops != stuckStopsMax {
		t.Errorf("%d stops, want at most %d a pass", stops, stuckStopsMax)
	}
	l.finds(ReasonStuckStopped)
}

func TestNudgeMovesTheCountUpAndBack(t *testing.T) {
	l := newLab(t, PresetFill, 50, func(p *Policy) { p.Nudge = NudgeDesiredCount })
	l.drop("spot", 5)
	l.advance(time.Minute)
	l.pass()
	l.run("standard", 8, 0)
	l.advance(20 * time.Second)
	l.pass()
	l.cut("standard")
	l.advance(l.p.RetryEvery)
	l.pass()
	l.want(ReasonNudge, 51)
	l.advance(time.Minute)
	l.pass()
	if l.pool("spot").desired != 50 || l.s.Demand != 50 {
		t.Errorf("spot %d, demand %d", l.pool("spot").desired, l.s.Demand)
	}
}

func TestClockThatJumpsBackFreezesNothing(t *testing.T) {
	l := evacuated(t)
	l.advance(-48 * time.Hour)
	l.pool("spot").tasks = nil
	l.run("spot", 10, 0)
	l.pool("standard").tasks = nil
	l.run("standard", 100, time.Hour)
	l.pass()
	l.finds(ReasonClock)
	for range 45 {
		l.advance(time.Minute)
		l.pass()
		if n := l.pool("spot").desired - len(l.pool("spot").tasks); n > 0 {
			l.run("spot", n, 0)
		}
	}
	if got := l.s.Pools[0].B.Mode; got == Open {
		t.Errorf("45 minutes after the jump the breaker is still %s (%s)", got, l.last.Reason)
	}
}
