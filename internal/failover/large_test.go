package failover

import (
	"strings"
	"testing"
	"time"
)

// The situations of this file are of large workloads, small pools and clocks: none of them may leave a workload short, or on
// on-demand for ever.

func TestAPoolWithAMaxBelowTwoProbesComesBack(t *testing.T) {
	for _, preset := range []string{PresetSwitch, PresetFill} {
		l := newLab(t, preset, 20, func(p *Policy) { p.Pools[0].Max, p.Demand, p.Overstart = 8, 20, 0 })
		l.pool("spot").tasks = l.pool("spot").tasks[:8]
		l.pool("standard").desired = 20
		l.run("standard", 20, time.Hour)
		pools := append([]PoolState(nil), l.s.Pools...)
		pools[0].B = Breaker{Mode: Open, Since: l.now, TrippedAt: l.now, Why: ReasonTripInterruptions, NotBefore: l.now.Add(time.Minute)}
		l.s.Pools = pools
		for range 30 {
			l.advance(time.Minute)
			l.pass()
		}
		if mode := l.s.Pools[0].B.Mode; mode != Closed {
			t.Errorf("%s: half an hour later the breaker is %s (%s: %v)", preset, mode, l.last.Reason, texts(l.last))
		}
	}
}

func TestALargeStepIsNotLateWhileEcsLaunches(t *testing.T) {
	l := newLab(t, PresetSwitch, 4000)
	l.pool("spot").desired, l.pool("spot").tasks = 2000, l.pool("spot").tasks[:1000]
	l.pool("standard").desired = 3000
	l.run("standard", 3000, time.Hour)
	began := l.now
	pools := append([]PoolState(nil), l.s.Pools...)
	pools[0].B = Breaker{Mode: HalfOpen, Since: began, TrippedAt: began.Add(-time.Hour), Why: ReasonTripInterruptions, StepAt: began, Step: 1}
	pools[0].Asked = &Asked{Count: 2000, At: began, Done: true, Seen: true}
	l.s.Pools = pools
	for range 8 { // 125 a minute, each of which takes one to run
		l.advance(time.Minute)
		l.ready("spot")
		l.start("spot", 125, 0)
		if l.pass(); l.s.Pools[0].B.Mode != HalfOpen {
			t.Fatalf("after %s the breaker is %s (%v)", l.now.Sub(began), l.s.Pools[0].B.Mode, texts(l.last))
		}
	}
	l.advance(time.Minute)
	l.ready("spot")
	l.drop("spot", 50) // that many are always being replaced
	l.start("spot", 50, 0)
	if l.pass(); l.s.Pools[0].B.Step != 2 {
		t.Errorf("with 1,950 of 2,000 running the step is %d (%v)", l.s.Pools[0].B.Step, texts(l.last))
	}
}

func TestALargeScaleOutIsNoShortageWhileEcsLaunches(t *testing.T) {
	for _, preset := range []string{PresetSwitch, PresetFill} {
		l := newLab(t, preset, 100)
		l.advance(10 * time.Minute)
		l.pool("spot").desired = 700
		for range 40 { // 125 a minute
			l.advance(6 * time.Second)
			if n := min(12, 700-len(l.pool("spot").tasks)); n > 0 {
				l.start("spot", n, 0)
			}
			l.pool("spot").tasks, _ = started(l, l.pool("spot").tasks)
			l.pass()
			if got := l.pool("standard").desired; got != 0 || l.s.Pools[0].B.Mode != Closed {
				t.Fatalf("%s: with %d of 700 launched, standard is asked for %d and the breaker is %s", preset, len(l.pool("spot").tasks), got, l.s.Pools[0].B.Mode)
			}
		}
	}
}

// started lets tasks run that were created a minute ago.
func started(l *lab, tasks []Task) ([]Task, int) {
	n := 0
	for i := range tasks {
		if tasks[i].Phase == Starting && l.now.Sub(tasks[i].CreatedAt) >= time.Minute {
			tasks[i].Phase, tasks[i].StartedAt = Running, l.now
			n++
		}
	}
	return tasks, n
}

func TestAFailingTaskDoesNotExcuseAShortage(t *testing.T) {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.Overstart = 0 })
	l.advance(time.Minute)
	l.drop("spot", 2)
	l.fail("spot", 3)
	l.pass()
	l.finds(ReasonApplicationFailing)
	l.advance(time.Minute)
	l.pool("spot").desired = 160 // and Spot has no room
	l.pass()
	l.advance(40 * time.Second)
	l.placementFailure("spot")
	l.pass()
	if got := l.pool("standard").desired; got < 59 || got > 62 {
		t.Errorf("standard is asked for %d; 60 are missing for want of Spot, two or three for the application (%v)", got, texts(l.last))
	}
}

func TestOldTasksThatAreLostCountAmongTheOldTasks(t *testing.T) {
	l := newLab(t, PresetFill, 1000, func(p *Policy) { p.Demand = 1000 })
	l.pool("spot").tasks = l.pool("spot").tasks[:700]
	l.pool("spot").desired = 710
	l.pool("standard").desired = 300
	l.run("standard", 300, time.Hour)
	tripped := l.now.Add(-2 * time.Hour)
	for i := range l.pool("spot").tasks {
		l.pool("spot").tasks[i].StartedAt = tripped.Add(-time.Hour)
	}
	pools := append([]PoolState(nil), l.s.Pools...)
	pools[0].B = Breaker{Mode: Open, Since: tripped, TrippedAt: tripped, Why: ReasonTripChurn, NotBefore: tripped.Add(time.Minute)}
	pools[0].Asked = &Asked{Count: 710, At: tripped, Done: true, Seen: true}
	l.s.Pools = pools
	l.run("spot", 10, 30*time.Minute)
	l.interrupt("spot", 2) // two of seven hundred
	l.pass()
	if mode := l.s.Pools[0].B.Mode; mode != HalfOpen {
		t.Errorf("the breaker is %s: %v", mode, texts(l.last))
	}
	l.s.Pools = pools
	l.advance(time.Second)
	l.interrupt("spot", 50)
	l.pass()
	if mode := l.s.Pools[0].B.Mode; mode != Open {
		t.Errorf("with fifty lost in a moment the breaker is %s", mode)
	}
}

func TestWhatIsParkedIsGivenBackWhateverTheConfigurationSays(t *testing.T) {
	own := Scaling{Known: true, Present: true, Min: 50, Max: 300}
	for name, change := range map[string]func(l *lab){
		"park_scaling is turned off": func(l *lab) { l.p.ParkScaling = false },
		"nothing covers any more":    func(l *lab) { l.p.Pools, l.pools = l.p.Pools[:1], l.pools[:1] },
		"it is pinned to Spot": func(l *lab) {
			l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentPin, Mode: ModeSpot, At: l.now, By: "ops"})
		},
	} {
		l := newLab(t, PresetSwitch, 100)
		l.pool("spot").scaling = own
		l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ops"})
		l.pass()
		if !l.pool("spot").scaling.SuspendedIn {
			t.Fatal("not parked")
		}
		change(l)
		for range 3 {
			l.advance(time.Minute)
			l.pass()
		}
		if got := l.pool("spot").scaling; got.Min != own.Min || got.SuspendedIn || got.SuspendedScheduled {
			t.Errorf("%s: the target is left as %+v", name, got)
		}
	}
}

func TestEvidenceThatTripsFitsTheWindow(t *testing.T) {
	p, _ := Preset(PresetFill)
	if n := tripNeed(&p, p.TripChurn, 5000); n > EvidenceMax/2 {
		t.Errorf("%d pieces of evidence are needed, %d are kept", n, EvidenceMax)
	}
	l := newLab(t, PresetFill, 200)
	d := l.pass()
	want := "spot loses 50 tasks within"
	for _, n := range d.Next {
		if strings.Contains(n.If, want) {
			return
		}
	}
	t.Errorf("%v does not say %q: a quarter of the demand, not the limit of small workloads", d.Next, want)
}

func TestAClockThatWasAheadHoldsNothingInTheFuture(t *testing.T) {
	l := newLab(t, PresetSwitch, 20)
	ahead := l.now.Add(48 * time.Hour)
	pools := append([]PoolState(nil), l.s.Pools...)
	pools[0].Failing = &Failing{Since: ahead, LastAt: ahead, Running: 20}
	pools[0].Asked = &Asked{Count: 20, At: ahead, Done: true, Seen: true, Old: []OldCount{{Count: 25, At: ahead}}}
	l.s.Pools, l.s.At, l.s.DriftSince = pools, ahead, ahead
	l.s.Failovers = []time.Time{ahead}
	l.pass()
	l.finds(ReasonClock)
	ps := &l.s.Pools[0]
	if f := ps.Failing; f != nil && (f.Since.After(l.now) || f.LastAt.After(l.now)) {
		t.Errorf("failing since %s", f.Since)
	}
	if l.s.Failovers[0].After(l.now) || l.s.DriftSince.After(l.now) {
		t.Errorf("failovers %v, drift since %s", l.s.Failovers, l.s.DriftSince)
	}
	l.advance(time.Minute)
	l.pool("spot").desired = 25 // a person
	if l.pass(); l.s.Demand != 25 {
		t.Errorf("demand %d: what a person set was taken for a stale read", l.s.Demand)
	}
}

func TestAnEvacuatedWorkloadIsNotSaidToGiveCoverBack(t *testing.T) {
	l := evacuated(t)
	l.advance(time.Minute)
	for _, n := range l.pass().Next {
		if strings.Contains(n.Then, "give tasks of standard back") {
			t.Errorf("if %q then %q: nothing goes back before the breaker lets Spot return", n.If, n.Then)
		}
	}
}

// TestASurplusIsGivenBackOnlyFromWhatRuns: an evacuated pool runs as well, so that far more run than are wanted; but what is
// taken from the cover would be missing from it, and be asked for anew, without end.
func TestASurplusIsGivenBackOnlyFromWhatRuns(t *testing.T) {
	l := newLab(t, PresetSwitch, 20)
	l.s, _ = Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ops"})
	l.pass()
	most := l.pool("standard").desired
	if most <= 20 {
		t.Fatalf("standard is asked for %d, want a surplus", most)
	}
	l.run("standard", 20, 0)
	l.start("standard", most-20, 0)
	for range 3 {
		l.advance(20 * time.Second)
		l.pass()
		if got := l.pool("standard").desired; got != most {
			t.Fatalf("standard is asked for %d while twenty of its %d run: ECS may stop those", got, most)
		}
	}
	l.ready("standard")
	l.advance(20 * time.Second)
	l.pass()
	l.cut("standard")
	if got := l.pool("standard").desired; got != 20 {
		t.Errorf("standard is asked for %d once all run, want 20", got)
	}
	raises := l.sets
	for range 10 {
		l.advance(20 * time.Second)
		l.pass()
		l.cut("spot")
	}
	if got := l.pool("standard").desired; got != 20 || l.sets > raises+1 {
		t.Errorf("standard is asked for %d after %d more changes", got, l.sets-raises)
	}
}

// TestAPoolThatALimitKeepsUpProvesItselfWithWhatItHas: on_demand_max leaves a few tasks to an evacuated pool, of which some are
// fresh and some are not. It is asked for no more, so that waiting for fresh ones would be waiting for ever.
func TestAPoolThatALimitKeepsUpProvesItselfWithWhatItHas(t *testing.T) {
	l := newLab(t, PresetSwitch, 24, func(p *Policy) { p.OnDemandMax, p.Probe, p.Overstart = 19, 3, 0 })
	tripped := l.now.Add(-time.Hour)
	l.pool("spot").desired, l.pool("spot").tasks = 5, l.pool("spot").tasks[:3]
	for i := range l.pool("spot").tasks {
		l.pool("spot").tasks[i].StartedAt = tripped.Add(-time.Hour)
	}
	l.run("spot", 2, 30*time.Minute)
	l.pool("standard").desired = 19
	l.run("standard", 19, 30*time.Minute)
	pools := append([]PoolState(nil), l.s.Pools...)
	pools[0].B = Breaker{Mode: Open, Since: tripped, TrippedAt: tripped, Why: ReasonRampFailed, NotBefore: tripped.Add(time.Minute)}
	pools[0].Asked = &Asked{Count: 5, At: tripped, Done: true, Seen: true}
	l.s.Pools = pools
	l.pass()
	if mode := l.s.Pools[0].B.Mode; mode != HalfOpen {
		t.Errorf("the breaker is %s: %v", mode, texts(l.last))
	}
}
