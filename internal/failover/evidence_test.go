package failover

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestAbsorb(t *testing.T) {
	p := stagePolicy()
	sig := func(kind SignalKind, pool, task string, age time.Duration) Signal {
		return Signal{ID: "event-" + task, Kind: kind, Pool: pool, Task: task, At: ago(age)}
	}
	whole := []PoolObservation{{Pool: "spot", Desired: 20, RunningCount: 20}, {Pool: "standard"}}
	short := []PoolObservation{{Pool: "spot", Desired: 20, RunningCount: 15}, {Pool: "standard"}}
	unread := []PoolObservation{{Pool: "spot", Err: ErrThrottled}, {Pool: "standard"}}
	stopping := []PoolObservation{{Pool: "spot", Desired: 3, RunningCount: 3, Listed: true, Tasks: append(stageTasks("a", 2, Running, "", time.Hour), stageTasks("b", 1, Leaving, "", time.Hour)...)}, {Pool: "standard"}}
	for _, c := range []struct {
		situation string
		window    []Evidence
		pools     []PoolObservation
		signals   []Signal
		dark      bool
		want      []string // kind/id/age
	}{
		{"an interruption is evidence", nil, whole, []Signal{sig(SignalInterruption, "spot", "t1", time.Second)}, false, []string{"interruption/t1/1s"}},
		{"the same fact twice counts once, by its ARN too", nil, whole, []Signal{sig(SignalInterruption, "spot", "t1", 2*time.Second),
			sig(SignalInterruption, "spot", "arn:aws:ecs:us-east-1:1:task/c/t1", time.Second)}, false, []string{"interruption/t1/2s"}},
		{"a replay of what is known changes nothing", []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "t1", At: ago(time.Minute)}}, whole,
			[]Signal{sig(SignalInterruption, "spot", "t1", time.Second)}, false, []string{"interruption/t1/1m0s"}},
		{"two kinds of one task are two facts", nil, whole, []Signal{sig(SignalInterruption, "spot", "t1", 0), sig(SignalUnhealthyStop, "spot", "t1", 0)}, false,
			[]string{"interruption/t1/0s", "unhealthy_stop/t1/0s"}},
		{"a signal of no pool is ignored", nil, whole, []Signal{sig(SignalInterruption, "", "t1", 0), sig(SignalInterruption, "other", "t1", 0)}, false, nil},
		{"an event newer than AWS's clock counts from now", nil, whole, []Signal{sig(SignalInterruption, "spot", "t1", -time.Hour)}, false, []string{"interruption/t1/0s"}},
		{"in the dark it keeps its time", nil, unread, []Signal{sig(SignalInterruption, "spot", "t1", -time.Hour)}, true, []string{"interruption/t1/-1h0m0s"}},
		{"an event older than the window is late", nil, whole, []Signal{sig(SignalInterruption, "spot", "t1", 16*time.Minute)}, false, nil},
		{"evidence expires", []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "old", At: ago(16 * time.Minute)}, {Kind: SignalInterruption, Pool: "spot", ID: "new", At: ago(14 * time.Minute)}},
			whole, nil, false, []string{"interruption/new/14m0s"}},
		{"in the dark nothing expires", []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "old", At: ago(16 * time.Minute)}}, unread, nil, true, []string{"interruption/old/16m0s"}},
		{"a steady state only wakes a pass", nil, whole, []Signal{{ID: "e", Kind: SignalSteadyState, Pool: "spot", At: ago(0)}}, false, nil},
		{"a scheduler's stop of a whole service explains nothing", nil, whole, []Signal{sig(SignalScaleIn, "spot", "t1", 0)}, false, nil},
		{"where tasks are missing it says why", nil, short, []Signal{sig(SignalScaleIn, "spot", "t1", 0)}, false, []string{"scheduler_stop/t1/0s"}},
		{"tasks that stop are missing though ECS counts them as running", nil, stopping, []Signal{sig(SignalScaleIn, "spot", "t1", 0)}, false, []string{"scheduler_stop/t1/0s"}},
		{"it explains for five minutes", []Evidence{{Kind: SignalScaleIn, Pool: "spot", ID: "t1", At: ago(6 * time.Minute)}}, short, nil, false, nil},
		{"a start is told of a pool that cannot be seen", nil, unread, []Signal{sig(SignalRunning, "spot", "t1", 0)}, false, []string{"task_running/t1/0s"}},
		{"and of no other", nil, whole, []Signal{sig(SignalRunning, "spot", "t1", 0)}, false, nil},
	} {
		t.Run(c.situation, func(t *testing.T) {
			before := fmt.Sprint(c.window)
			out := absorb(new(index), &p, c.window, &Observation{At: stageNow, Pools: c.pools, Signals: c.signals}, c.dark)
			var got []string
			for _, e := range out.window {
				got = append(got, fmt.Sprintf("%s/%s/%s", e.Kind, e.ID, stageNow.Sub(e.At)))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("the window holds %v, want %v", got, c.want)
			}
			if fmt.Sprint(c.window) != before {
				t.Error("the given window was changed")
			}
		})
	}
}

func TestTheEvidenceIsBounded(t *testing.T) {
	p := stagePolicy()
	var signals []Signal
	for i := range EvidenceMax + 50 {
		signals = append(signals, Signal{Kind: SignalInterruption, Pool: "spot", Task: fmt.Sprintf("t%05d", i), At: ago(time.Minute)})
	}
	out := absorb(new(index), &p, nil, &Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot"}, {Pool: "standard"}}, Signals: signals}, false)
	equal(t, "the number of entries", len(out.window), EvidenceMax)
	equal(t, "the last one", out.window[EvidenceMax-1].ID, fmt.Sprintf("t%05d", EvidenceMax+49))
	equal(t, "the number of fresh ones", out.fresh, EvidenceMax)
}

func TestHowLongWarnedTasksWorkOnIsHeard(t *testing.T) {
	p := stagePolicy()
	window := []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "t1", At: ago(2 * time.Minute)}}
	pools := []PoolObservation{{Pool: "spot"}, {Pool: "standard"}}
	out := absorb(new(index), &p, window, &Observation{At: stageNow, Pools: pools, Signals: []Signal{
		{Kind: SignalInterruption, Pool: "spot", Task: "t1", At: ago(0), ExitedAt: ago(30 * time.Second), StartedAt: ago(time.Hour)},
		{Kind: SignalInterruption, Pool: "spot", Task: "t2", At: ago(0), ExitedAt: ago(time.Second), StartedAt: ago(time.Hour)},
	}}, false)
	if len(out.ended) != 2 {
		t.Fatalf("%d ends were heard, want 2", len(out.ended))
	}
	equal(t, "the time that the warned task worked on", out.ended[0].worked, 90*time.Second)
	equal(t, "the time of the one whose warning was not heard", out.ended[1].worked, 0)
}

func TestTally(t *testing.T) {
	p := stagePolicy()
	lost := func(age time.Duration) Evidence {
		return Evidence{Kind: SignalInterruption, Pool: "spot", ID: fmt.Sprint("t", age), At: ago(age), StartedAt: ago(time.Hour), CreatedAt: ago(time.Hour)}
	}
	stop := func(kind SignalKind, age, ran time.Duration) Evidence {
		e := Evidence{Kind: kind, Pool: "spot", ID: fmt.Sprint(kind, age, ran), At: ago(age), CreatedAt: ago(age + ran + time.Minute)}
		if ran > 0 {
			e.StartedAt = ago(age + ran)
		}
		return e
	}
	of := func(revision string, e Evidence) Evidence {
		e.Revision = revision
		return e
	}
	for _, c := range []struct {
		situation string
		edit      func(*State)
		window    []Evidence
		want      Tally
	}{
		{"a loss of this moment waits for ECS", nil, []Evidence{lost(time.Second)}, Tally{Lost: 1, LostNew: 1, LostAt: ago(time.Second), Interruptions: 1, HealthErrors: 1, ToldLost: 1, Next: ago(time.Second - placedAfter)}},
		{"a loss of ten seconds waits for the proof", nil, []Evidence{lost(10 * time.Second)}, Tally{Lost: 1, LostAt: ago(10 * time.Second), Interruptions: 1, HealthErrors: 1, ToldLost: 1, Next: ago(10*time.Second - proofAfter)}},
		{"a loss of half a minute waits for nothing", nil, []Evidence{lost(30 * time.Second)}, Tally{Lost: 1, LostDue: 1, LostAt: ago(30 * time.Second), Interruptions: 1, HealthErrors: 1, ToldLost: 1}},
		{"a loss before the last look is not told", nil, []Evidence{lost(90 * time.Second)}, Tally{Lost: 1, LostDue: 1, LostAt: ago(90 * time.Second), Interruptions: 1, HealthErrors: 1}},
		{"a loss older than a start counts for the breaker only", nil, []Evidence{lost(4 * time.Minute)}, Tally{Interruptions: 1, HealthErrors: 1}},
		{"a loss from before the pool was whole is made good", func(s *State) { s.Seen.Pools[0].WholeAt = ago(5 * time.Second) }, []Evidence{lost(10 * time.Second)}, Tally{Interruptions: 1, HealthErrors: 1, ToldLost: 1}},
		{"maintenance is a loss and no trouble of Spot", nil, []Evidence{{Kind: SignalInfrastructure, Pool: "spot", ID: "m", At: ago(90 * time.Second), StartedAt: ago(time.Hour), CreatedAt: ago(time.Hour)}},
			Tally{Lost: 1, LostDue: 1, LostAt: ago(90 * time.Second)}},
		{"a placement taken back before it ran is spent", nil, []Evidence{stop(SignalInterruption, 90*time.Second, 0)}, Tally{Lost: 1, LostDue: 1, LostAt: ago(90 * time.Second), Spent: 1, Interruptions: 1, HealthErrors: 1}},
		{"so is one that never started for want of capacity", nil, []Evidence{stop(SignalCapacityStop, 90*time.Second, 0)}, Tally{Spent: 1, NoRoomAt: ago(90 * time.Second), CapacityFailures: 1, HealthErrors: 1}},
		{"and one that was stopped before it was ever healthy", nil, []Evidence{stop(SignalUnhealthyStop, 90*time.Second, time.Minute)}, Tally{Spent: 1, Failures: 1, AppAt: ago(90 * time.Second)}},
		{"a task that had served and fails its checks", nil, []Evidence{stop(SignalUnhealthyStop, 90*time.Second, time.Hour)}, Tally{Unwell: 1, AppAt: ago(90 * time.Second)}},
		{"a young exit is a failure", nil, []Evidence{stop(SignalApplicationStop, time.Minute, time.Second)}, Tally{Failures: 1, AppAt: ago(time.Minute)}},
		{"an exit after hours is none", nil, []Evidence{stop(SignalApplicationStop, time.Minute, time.Hour)}, Tally{AppAt: ago(time.Minute)}},
		{"a failure of six minutes ago is over", nil, []Evidence{stop(SignalApplicationStop, 6*time.Minute, 0)}, Tally{AppAt: ago(6 * time.Minute)}},
		{"a failure of the release before is over", nil, []Evidence{of("r0", stop(SignalApplicationStop, time.Minute, 0))}, Tally{}},
		{"so is a fault in its configuration", nil, []Evidence{of("r0", stop(SignalConfiguration, time.Minute, 0))}, Tally{}},
		{"one of the current release is not", nil, []Evidence{of("r1", stop(SignalApplicationStop, time.Minute, 0))}, Tally{Failures: 1, AppAt: ago(time.Minute)}},
		{"a failure of the configuration", nil, []Evidence{stop(SignalConfiguration, time.Minute, 0)}, Tally{ConfigFailures: 1, AppAt: ago(time.Minute)}},
		{"ECS says that starts are impaired", nil, []Evidence{stop(SignalStartImpaired, time.Minute, 0)}, Tally{Impaired: true, AppAt: ago(time.Minute)}},
		{"a quota", nil, []Evidence{stop(SignalQuota, time.Minute, 0)}, Tally{Quota: 1, NoRoomAt: ago(time.Minute), CapacityFailures: 1, HealthErrors: 1}},
		{"a start that is told", nil, []Evidence{stop(SignalRunning, 10*time.Second, 0)}, Tally{ToldStarted: 1}},
		{"the breaker counts from its last change", func(s *State) { s.Pools[0].B.Since = ago(time.Minute) }, []Evidence{lost(90 * time.Second)},
			Tally{Lost: 1, LostDue: 1, LostAt: ago(90 * time.Second), HealthErrors: 1}},
		{"an open breaker counts errors since the trip, and since the step", func(s *State) {
			s.Pools[0].B = Breaker{Mode: HalfOpen, Since: ago(5 * time.Second), TrippedAt: ago(2 * time.Minute), StepAt: ago(time.Minute)}
		}, []Evidence{lost(90 * time.Second), lost(70 * time.Second), lost(50 * time.Second)},
			Tally{Lost: 3, LostDue: 3, LostAt: ago(50 * time.Second), HealthErrors: 3, Errors: 3, StepErrors: 1, ToldLost: 1}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			s := stageState()
			if c.edit != nil {
				c.edit(&s)
			}
			out := tally(new(Room), &p, &s, c.window, []PoolObservation{{Current: "r1"}, {}}, stageNow)
			if out[0] != c.want {
				t.Errorf("spot's tally is\n%+v, want\n%+v", out[0], c.want)
			}
			if out[1] != (Tally{}) {
				t.Errorf("standard's tally is %+v, want nothing", out[1])
			}
		})
	}
}
