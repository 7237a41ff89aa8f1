package ecsim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// launches returns the times, in seconds after the start, at which tasks were created, each once.
func (f *fixture) launches() []float64 {
	var at []float64
	for _, e := range f.events {
		if e.Task != nil && e.Task.Version == 1 {
			at = append(at, e.At.Sub(f.start).Seconds())
		}
	}
	return slices.Compact(at)
}

func TestSecondShortageIsAnnouncedAgainAndBacksOffAnew(t *testing.T) {
	cfg := exact()
	cfg.PlacementRetry = ecsim.Backoff{First: time.Minute, Factor: 2, Max: 27 * time.Minute}
	f := build(t, cfg)
	f.SetSupply(spotKey(), 0)
	f.serve(1)
	f.to(4 * time.Minute) // attempts at 0, 1 and 3 min, the next at 7
	f.SetSupply(spotKey(), -1)
	f.to(10 * time.Minute)
	f.want("recovered", 1, 1, 0)
	f.SetSupply(spotKey(), 0)
	f.to(10*time.Minute + 30*time.Second)
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 2 {
		t.Errorf("%d placement-failure events, want one for each shortage though the second is within the silence", n)
	}
	f.SetSupply(spotKey(), -1)
	f.to(11*time.Minute + 6*time.Second) // 5 s to the attempt that failed, then the first step of the back-off
	if at := f.launches(); !slices.Equal(at, []float64{420, 665}) {
		t.Errorf("launched after %v s, want 420 and 665", at)
	}
}

func TestTasksThatFailTogetherAreOneRound(t *testing.T) {
	f := build(t, exact())
	f.serve(10)
	f.must(f.SetBroken(api, ecsim.FailNetwork))
	f.forget()
	// The ten that are starting were launched sound; the next ones fail after 18 s.
	f.KillTasks(api, 10, ecsim.StopUser, "")
	f.to(0)
	f.desire(20)
	f.to(10 * time.Minute)
	// Rounds: launched at 0, 23, 46; the third failure allows one more after 5 s; then 60, 120, 240 s.
	want := []float64{0, 23, 46, 69, 147, 285, 543}
	at := f.launches()
	if !slices.Equal(at, want) {
		t.Errorf("launched after %v s, want %v", at, want)
	}
}

func TestTaskThatRunsEndsTheStreakOfFailures(t *testing.T) {
	f := build(t, exact())
	f.must(f.serveBroken(1))
	f.to(68 * time.Second) // failures at 18, 41 and 64 s
	f.must(f.SetBroken(api, ecsim.FailNone))
	f.to(5 * time.Minute)
	f.want("mended", 1, 1, 0)
	f.must(f.SetBroken(api, ecsim.FailNetwork))
	f.forget()
	f.KillTasks(api, 1, ecsim.StopContainerExited, "Essential container in task exited")
	f.to(6 * time.Minute)
	if at := f.launches(); len(at) != 3 || at[1]-at[0] != 23 || at[2]-at[1] != 23 {
		t.Errorf("launched after %v s, want three attempts 23 s apart: the old failures are forgiven", at)
	}
}

// serveBroken serves n tasks of which every start fails for want of a network interface.
func (f *fixture) serveBroken(n int) error {
	f.Helper()
	f.serve(0)
	if err := f.SetBroken(api, ecsim.FailNetwork); err != nil {
		return err
	}
	f.desire(n)
	return nil
}

func TestLaterReasonToLookDoesNotDelayAnEarlierOne(t *testing.T) {
	f := build(t, exact())
	f.serve(4)
	f.to(100 * time.Second)
	f.Interrupt(api, 1, "", false)
	f.to(103 * time.Second)
	f.Interrupt(api, 1, "", false)
	f.to(105 * time.Second)
	f.want("5 s after the first", 4, 4, 2)
}

func TestReplacementWaitsForRoomUnderMaximumPercent(t *testing.T) {
	f := build(t, exact())
	f.serve(2, percent(0, 100))
	f.to(5 * time.Minute)
	f.Interrupt(api, 1, "", false)
	f.to(7*time.Minute - 1)
	f.want("the warned task takes the room", 2, 2, 0)
	f.to(7 * time.Minute)
	f.want("it has left", 2, 1, 1)
}

func TestMinimumHealthyPercentHoldsOldTasks(t *testing.T) {
	f := build(t, exact())
	f.serve(10, percent(70, 100))
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{})
	f.to(5*time.Minute + 30*time.Second)
	old := 0
	for _, task := range f.tasks(ecsim.Running) {
		if strings.HasSuffix(task.TaskDefinition, "web:1") {
			old++
		}
	}
	if _, running, pending := f.Counts(api); old != 7 || running != 7 || pending != 3 {
		t.Errorf("%d old tasks, %d running, %d pending; want 7, 7 and 3 new ones starting", old, running, pending)
	}
}

func TestReclaimedTaskThatWasLeavingAnywayIsNoInterruption(t *testing.T) {
	f := build(t, exact())
	f.serve(3)
	f.to(100 * time.Second)
	f.desire(0)
	f.to(100 * time.Second) // the scheduler looks
	f.SetSupply(spotKey(), 0)
	f.to(10 * time.Minute)
	if u := f.Usage(ecsim.FargateSpot); u.Interruptions != 0 {
		t.Errorf("%d interruptions, want none of tasks that were scaled in", u.Interruptions)
	}
	for _, task := range f.tasks(ecsim.Stopped) {
		if task.StopCode != ecsim.StopScheduler {
			t.Errorf("stop code %q, want the scale-in's", task.StopCode)
		}
	}
}

func TestManyWritesDoNotMakeReadsOlderThanTheLag(t *testing.T) {
	cfg := exact()
	cfg.ReadLag = 2 * time.Second
	f := build(t, cfg)
	f.serve(0)
	written := map[int]time.Duration{0: 0}
	for i := 1; i < 300; i++ {
		at := 10*time.Minute + time.Duration(i)*100*time.Millisecond
		f.to(at)
		f.desire(i)
		written[i] = at
		desired, _, _ := f.Counts(api)
		if next, ok := written[desired+1]; ok && at-next > 2*time.Second {
			t.Fatalf("at %v reads show the state before the write of %v", at, next)
		}
	}
}

func TestSecondWriteDoesNotHideTheFirstForLonger(t *testing.T) {
	cfg := exact()
	cfg.ReadLag = 2 * time.Second
	for seed := range uint64(20) {
		cfg.Seed = seed
		f := build(t, cfg)
		f.serve(0)
		f.to(time.Minute)
		f.desire(1)
		f.to(time.Minute + 1900*time.Millisecond)
		f.desire(2)
		f.to(time.Minute + 2100*time.Millisecond)
		if desired, _, _ := f.Counts(api); desired == 0 {
			t.Fatalf("seed %d: reads still show the state before a write of 2.1 s ago", seed)
		}
	}
}

func TestBreakerNeedsThreeFailuresAndAHealthyTaskForgivesThem(t *testing.T) {
	breaker := func(in *ecsim.CreateServiceInput) { in.Deployment.CircuitBreaker = true }
	f := build(t, exact())
	f.serve(0, breaker)
	f.must(f.SetBroken(api, ecsim.FailNetwork))
	f.desire(1)
	f.to(63 * time.Second) // failures at 18, 41 and 64 s
	if got := f.rollout(); got != ecsim.RolloutInProgress {
		t.Errorf("rollout %s after two failures of one task, want IN_PROGRESS", got)
	}
	f.to(64 * time.Second)
	if got := f.rollout(); got != ecsim.RolloutFailed {
		t.Errorf("rollout %s after three failures, want FAILED", got)
	}

	f = build(t, exact())
	f.serve(0, breaker)
	f.must(f.SetBroken(api, ecsim.FailNetwork))
	f.desire(1)
	f.to(45 * time.Second)
	if got := f.service().Deployments[0].Failed; got != 2 {
		t.Errorf("%d failed tasks, want 2", got)
	}
	f.must(f.SetBroken(api, ecsim.FailNone))
	f.to(176 * time.Second) // launched at 46 s, RUNNING at 136 s, healthy at 176 s
	if got := f.service().Deployments[0].Failed; got != 0 {
		t.Errorf("%d failed tasks after a healthy one, want 0", got)
	}
	f.must(f.SetBroken(api, ecsim.FailNetwork))
	f.KillTasks(api, 1, ecsim.StopUser, "")
	f.to(200 * time.Second)
	if n := f.count(named(ecsim.EventStartImpaired)); n != 0 {
		t.Errorf("%d SERVICE_TASK_START_IMPAIRED, want none: no three rounds in a row", n)
	}
}
