package failover

import (
	"testing"
	"time"
)

// The situations of this file were found by seeds of package adversary (its testdata/seeds.txt).

// unseen puts a wish for the owner into the state that ECS accepted and that no read has shown.
func (l *lab) unseen(count, shown int, done bool) {
	pools := append([]PoolState(nil), l.s.Pools...)
	pools[0].Asked = &Asked{Count: count, At: l.now, Done: done, Old: []OldCount{{Count: shown, At: l.now}}}
	l.s.Pools = pools
}

func TestACountThatDoesNotShowYetIsOverruledAndNeverBecomesTheDemand(t *testing.T) {
	for _, done := range []bool{true, false} {
		l := newLab(t, PresetFill, 10)
		l.advance(time.Minute)
		l.unseen(11, 10, done) // a nudge; a stale read shows 10, which is also what is wanted now
		l.pass()
		if want := (SetDesiredCount{Pool: "spot", Count: 10, From: 11}); len(l.last.Actions) != 1 || l.last.Actions[0] != want {
			t.Fatalf("done %v: actions %v, want %v: what may be in force is overruled", done, l.last.Actions, want)
		}
		l.lost = true
		for _, after := range []time.Duration{time.Second, 20 * time.Second, 50 * time.Second} {
			l.advance(after)
			l.pool("spot").desired = 11 // the overruling was lost, or this read is of before it
			l.pass()
			if l.s.Demand != 10 {
				t.Fatalf("done %v, %s later: our own count became the demand: %d", done, after, l.s.Demand)
			}
		}
	}
}

func TestAStaleReadOfAnOlderEqualCountDoesNotShowOurs(t *testing.T) {
	l := newLab(t, PresetFill, 10)
	l.advance(time.Minute)
	l.unseen(11, 10, true)
	l.pass() // overrules 11 by 10
	l.advance(2 * time.Second)
	l.pass()
	if a := l.s.Pools[0].Asked; a == nil || a.Seen {
		t.Errorf("2 s after the wish the state is %+v; 10 was the count before, so a read of it says nothing", a)
	}
	l.advance(l.p.StaleFor)
	l.pass()
	if a := l.s.Pools[0].Asked; a != nil && !a.Seen {
		t.Errorf("a read after stale_for still says nothing: %+v", a)
	}
}

func TestBoundsChangedWhileParkedDoNotStaySuspended(t *testing.T) {
	l := newLab(t, PresetFill, 100)
	l.pool("spot").scaling = Scaling{Present: true, Min: 20, Max: 300}
	state, err := Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now})
	if err != nil {
		t.Fatal(err)
	}
	l.s = state
	l.pass()
	if sc := l.pool("spot").scaling; sc.Min != 0 || !sc.SuspendedIn {
		t.Fatalf("not parked: %+v", sc)
	}
	l.pool("spot").scaling.Min, l.pool("spot").scaling.Max = 40, 500 // somebody who knows nothing of us
	l.advance(time.Minute)
	l.pass()
	want := Scaling{Known: true, Present: true, Min: 40, Max: 500}
	if parked := l.s.Pools[0].Parked; parked == nil || *parked != want {
		t.Errorf("the bounds to give back are %+v, want %+v: new bounds, and no suspension of ours", parked, want)
	}
}

func TestTaskDefinitionsOfTwoRegionsAreNotCompared(t *testing.T) {
	l := newLab(t, PresetFill, 10, func(p *Policy) { p.SyncTaskDefinition = true })
	l.pool("spot").taskDef = "arn:aws:ecs:us-east-1:123456789012:task-definition/api:7"
	l.pool("standard").taskDef = "arn:aws:ecs:us-west-2:123456789012:task-definition/api:3"
	l.advance(time.Minute)
	l.pass()
	if len(l.last.Actions) != 0 || !l.s.DriftSince.IsZero() {
		t.Errorf("actions %v, drift since %s; another region's revisions are its own", l.last.Actions, l.s.DriftSince)
	}
	l.pool("standard").taskDef = "arn:aws:ecs:us-east-1:123456789012:task-definition/api:3"
	l.pass()
	l.finds(ReasonDriftSynced)
}

func TestAScaleInThatDoesNotShowYetIsNotCountedOnTwice(t *testing.T) {
	l := newLab(t, PresetFill, 10, func(p *Policy) { p.Overstart, p.ReleaseEvery = 0, 0 })
	l.pool("spot").tasks = l.pool("spot").tasks[:9]
	l.pool("standard").desired = 4
	l.run("standard", 2, time.Hour)
	l.start("standard", 2, time.Second)
	l.pass()
	if got := l.pool("standard").desired; got != 3 {
		t.Fatalf("standard is asked for %d, want 3: 11 run, 10 are wanted, and ECS may stop a running one", got)
	}
	l.pool("standard").desired = 4 // accepted, but this read is of before it
	l.advance(time.Second)
	l.pass()
	if len(l.last.Actions) != 0 {
		t.Errorf("actions %v: of the two that run there, one may be gone already", l.last.Actions)
	}
}

func TestAStepThatSomebodyTookDownIsNotLate(t *testing.T) {
	l := newLab(t, PresetSwitch, 20)
	pools := append([]PoolState(nil), l.s.Pools...)
	began := l.now.Add(-time.Hour)
	pools[0].B = Breaker{Mode: HalfOpen, Since: began, TrippedAt: began, Why: ReasonTripCapacity, StepAt: began, Step: 1}
	pools[0].Asked = &Asked{Count: 10, At: began, Done: true, Seen: true, Old: []OldCount{{Count: 0, At: l.now}}}
	l.s.Pools = pools
	l.pool("spot").desired, l.pool("spot").tasks = 0, nil
	l.pass()
	if mode := l.s.Pools[0].B.Mode; mode != HalfOpen {
		t.Errorf("the breaker is %s (%s); nothing was asked of ECS that could be late", mode, l.last.Reason)
	}
}

func TestWithNothingReadNoEvidenceIsLostToAClockThatIsOff(t *testing.T) {
	for _, off := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		l := newLab(t, PresetFill, 10)
		last, happened := l.s.At, l.now.Add(30*time.Second)
		l.now = l.now.Add(time.Minute + off) // a writer that has just been born and never read AWS's clock
		for _, p := range l.pools {
			p.err = ErrDenied
		}
		l.signals = append(l.signals, Signal{ID: "e1", Kind: SignalInterruption, Pool: "spot", At: happened, Task: "t00001"})
		l.pass()
		if len(l.s.Window) != 1 || !l.s.Window[0].At.Equal(happened) {
			t.Errorf("off by %s: the evidence is %+v, want one of %s: its message is acknowledged after this pass", off, l.s.Window, happened)
		}
		if !l.s.At.Equal(last) {
			t.Errorf("off by %s: the state is dated %s by a clock that nobody has compared with AWS's, want %s", off, l.s.At, last)
		}
		l.now = epoch.Add(2 * time.Minute)
		for _, p := range l.pools {
			p.err = ErrNone
		}
		l.pass()
		for _, f := range l.last.Findings {
			if f.Reason == ReasonClock {
				t.Errorf("off by %s: the first good look is called a clock jump: %+v", off, f)
			}
		}
	}
}

func TestTwoCountsThatTakeTurnsDoNotHideAThird(t *testing.T) {
	l := newLab(t, PresetFill, 10)
	l.advance(time.Minute)
	w := pass{p: &l.p, s: l.s, now: l.now}
	v := view{desired: 10, ps: &PoolState{}}
	w.askFor(&v, 11)
	for range 2 * oldCountsMax { // two writers of two configurations
		w.now = w.now.Add(time.Second)
		w.askFor(&v, 12)
		w.askFor(&v, 13)
	}
	for _, count := range []int{10, 11, 12} {
		if !superseded(v.ps.Asked.Old, count) {
			t.Errorf("a read that still shows %d would be taken for somebody's will: %+v", count, v.ps.Asked)
		}
	}
}

func TestACountThatSomebodyOverruledIsNotCountedOn(t *testing.T) {
	l := newLab(t, PresetFill, 10, func(p *Policy) { p.Overstart = 0 })
	l.drop("spot", 4)
	l.pass()
	if got := l.pool("standard").desired; got != 4 {
		t.Fatalf("standard is asked for %d, want 4", got)
	}
	l.advance(time.Second)
	l.pool("standard").desired = 1 // within stale_for, and nothing that ours replaced
	l.pass()
	if want := (SetDesiredCount{Pool: "standard", Count: 4, From: 1}); len(l.last.Actions) != 1 || l.last.Actions[0] != want {
		t.Fatalf("actions %v, want %v at once", l.last.Actions, want)
	}
	l.pool("standard").desired = 1 // this read is of before it
	l.advance(time.Second)
	l.pass()
	if len(l.last.Actions) != 0 {
		t.Errorf("actions %v: it was accepted and is only not to be seen yet", l.last.Actions)
	}
}

func TestACallThatWasCutOffIsNobodysWillThoughSomebodySpokeMeanwhile(t *testing.T) {
	l := newLab(t, PresetFill, 39)
	l.advance(time.Minute)
	l.unseen(19, 39, false) // asked for, and nobody knows whether it was done
	l.advance(2 * time.Second)
	l.pool("spot").desired = 37 // somebody
	if l.pass(); l.s.Demand != 37 {
		t.Fatalf("demand %d, somebody wants 37", l.s.Demand)
	}
	l.advance(3 * time.Second)
	l.pool("spot").desired = 19 // now it has arrived
	l.pass()
	if want := (SetDesiredCount{Pool: "spot", Count: 37, From: 19}); l.s.Demand != 37 || len(l.last.Actions) != 1 || l.last.Actions[0] != want {
		t.Errorf("demand %d, actions %v; want 37 and %v", l.s.Demand, l.last.Actions, want)
	}
	l.advance(time.Second)
	l.pass() // shows 37
	l.advance(l.p.StaleFor)
	l.pool("spot").desired = 19 // a person
	if l.pass(); l.s.Demand != 19 {
		t.Errorf("demand %d half a minute later, somebody wants 19", l.s.Demand)
	}
}

// TestATaskThatIsBeingStoppedDoesNotCountAsRunning: for up to its stop timeout ECS counts it, and a count raised again at once looks
// met.
func TestATaskThatIsBeingStoppedDoesNotCountAsRunning(t *testing.T) {
	p, _ := Preset(PresetFill)
	p.Pools = []Pool{{Name: "spot", Capacity: Spot}, {Name: "far", Capacity: Spot, Tier: 1}, {Name: "standard", Capacity: OnDemand, Tier: 2}}
	o := Observation{At: epoch, Pools: []PoolObservation{{Pool: "spot", Desired: 20, RunningCount: 20}, {Pool: "far", Desired: 1, RunningCount: 1}, {Pool: "standard"}}}
	s := State{Workload: "api", Pools: []PoolState{{Name: "spot"}, {Name: "far", Asked: &Asked{Count: 1, At: epoch.Add(-leavingFor + time.Second), Done: true, Seen: true}}, {Name: "standard"}}}
	if needs := Needs(&p, &s, &o); !needs[1].Tasks || needs[0].Tasks || needs[2].Tasks {
		t.Errorf("needs %+v, want the tasks of far alone", needs)
	}
	o.At = epoch.Add(time.Second)
	if needs := Needs(&p, &s, &o); needs[1].Tasks {
		t.Error("the tasks of a quiet pool are listed for ever")
	}
}
