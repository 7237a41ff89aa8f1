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
