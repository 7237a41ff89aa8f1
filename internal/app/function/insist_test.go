package function_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// desired is what the on-demand service of a workload is asked for.
func (w *world) desired(name string) (n int) {
	w.box.World(func(e *ecsim.World) {
		n, _, _ = e.Counts(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-standard"})
	})
	return n
}

// TestWhatFailsForAPassingReasonIsTriedAgainAtOnce: the next minute's schedule would come when up to half of the
// two-minute warning is over. None of the messages comes back: what they say is in the state after the first pass.
func TestWhatFailsForAPassingReasonIsTriedAgainAtOnce(t *testing.T) {
	const never = 0
	for _, test := range []struct {
		name    string
		fault   sandbox.Fault
		store   int // calls of DynamoDB that are throttled
		time    time.Duration
		within  time.Duration // the workload is covered within; never: it is not
		ends    time.Duration
		updates int  // at most: how many there is time for is up to the jitter, from three on
		back    bool // messages come back
	}{
		{name: "throttled actions", fault: sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService", Count: 2}, within: 4 * time.Second, updates: 3},
		{name: "an action that ECS fails", fault: sandbox.Fault{Kind: sandbox.FaultServerError, Operation: "ecs:UpdateService", Count: 1}, within: 2 * time.Second, updates: 2},
		{name: "an answer that is lost", fault: sandbox.Fault{Kind: sandbox.FaultLostAnswer, Operation: "ecs:UpdateService", Count: 1}, within: time.Second, updates: 1},
		{name: "throttled looks", fault: sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:DescribeServices", Count: 3}, within: 8 * time.Second, updates: 1},
		{name: "throttled lists", fault: sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:ListTasks", Count: 1}, within: 2 * time.Second, updates: 1},
		{name: "a throttled table", store: 1, within: 2 * time.Second, updates: 1},
		{name: "denied actions", fault: sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:UpdateService"}, within: never, ends: time.Second, updates: 1},
		{name: "denied looks", fault: sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:DescribeServices"}, within: never, ends: time.Second},
		{name: "actions that are throttled without end", fault: sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService"}, within: never, ends: 35 * time.Second, updates: 8},
		{name: "the same with little time", fault: sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService"}, time: 11 * time.Second, within: never, ends: 9 * time.Second, updates: 4},
		{name: "a table that is throttled without end", store: 1 << 20, within: never, ends: 35 * time.Second, back: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 4, "api")
				f := w.function(function.Options{Scale: 1})
				msgs := w.interrupt("api", 2)
				if test.fault.Kind != "" {
					if _, err := w.box.AddFault(test.fault); err != nil {
						t.Fatal(err)
					}
				}
				w.passing = test.store
				w.forget()
				begun, covered := time.Now(), time.Duration(never)
				w.before = w.oneAtATime(func(string) {
					if covered == never && w.desired("api") > 0 {
						covered = time.Since(begun)
					}
				})
				if test.time == 0 {
					test.time = timeout
				}
				body, err := f.Invoke(invocation(t, test.time), batch(msgs))
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(begun)
				w.before("")
				if test.within == never && covered != never || test.within != never && (w.desired("api") < 2 || covered > test.within) {
					t.Errorf("%d on-demand tasks are asked for, the first after %s; want it within %s", w.desired("api"), covered, test.within)
				}
				if ids := returned(t, body); (len(ids) > 0) != test.back {
					t.Errorf("%d of %d messages came back", len(ids), len(msgs))
				}
				if n := w.counts()["ecs:UpdateService"]; n < min(test.updates, 3) || n > test.updates {
					t.Errorf("%d UpdateService, want %d", n, test.updates)
				}
				if test.ends > 0 && took > test.ends {
					t.Errorf("it took %s, want at most %s", took, test.ends)
				}
			})
		})
	}
}

// TestTheScheduleTriesAgainToo: most of what fails has no message that could come again.
func TestTheScheduleTriesAgainToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, "api")
		f := w.function(function.Options{Scale: 1})
		if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil { // so that what misses then is no growth
			t.Fatal(err)
		}
		w.supply(2)
		w.box.AdvanceTo(w.box.Now().Add(5 * time.Minute))
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService", Count: 2}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
			t.Fatal(err)
		}
		if n := w.desired("api"); n < 2 {
			t.Errorf("%d on-demand tasks are asked for, want at least 2", n)
		}
	})
}

// TestWhatIsCommittedIsNotGivenBackWhenARepetitionFails: the messages would come again and again, and in the end to
// the dead-letter queue, for the store's sake.
func TestWhatIsCommittedIsNotGivenBackWhenARepetitionFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, "api")
		f := w.function(function.Options{Scale: 1})
		msgs := w.interrupt("api", 2)
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService", Count: 1}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		w.before = w.oneAtATime(func(string) { w.down = time.Since(begun) > 100*time.Millisecond })
		body, err := f.Invoke(invocation(t, timeout), batch(msgs))
		if err != nil {
			t.Fatal(err)
		}
		if ids := returned(t, body); len(ids) != 0 {
			t.Errorf("%d of %d messages came back, and all were committed by the first pass", len(ids), len(msgs))
		}
		w.before, w.down = nil, false
		if state := w.state("api"); state.Generation == 0 || len(state.Window) == 0 {
			t.Errorf("the state is of generation %d with %d pieces of evidence: the test tested nothing", state.Generation, len(state.Window))
		}
	})
}

// TestAWishToBeLookedAtAgainWithinSecondsIsGranted: Spot tasks that will be in service in some seconds would keep their cover for a
// minute more.
func TestAWishToBeLookedAtAgainWithinSecondsIsGranted(t *testing.T) {
	for _, moves := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 4, "api")
			file, err := config.Parse([]byte(strings.Replace(w.yaml(""), "preset: fill", "preset: fill, ready_after: 2s", 1)), "test.yaml")
			if err != nil {
				t.Fatal(err)
			}
			f := w.function(function.Options{Config: file, Scale: 1})
			w.coverAndReturn(f, 1)
			w.forget()
			begun, at := time.Now(), w.box.Now()
			if moves {
				w.before = func(string) { w.box.AdvanceTo(at.Add(time.Since(begun))) }
			}
			if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
				t.Fatal(err)
			}
			took := time.Since(begun)
			if n := w.desired("api"); (n == 0) != moves {
				t.Errorf("%d on-demand tasks are asked for, after 2 seconds and no sooner none is wanted; time passes %t", n, moves)
			}
			if n := w.counts()["ecs:DescribeServices"]; n > 4 || took > 10*time.Second {
				t.Errorf("%d looks in %s, want at most 4 in 10 seconds", n, took)
			}
		})
	}
}

// coverAndReturn interrupts n tasks, lets their cover come into service, and gives Spot back until all of its tasks have just become
// RUNNING.
func (w *world) coverAndReturn(f *function.Function, n int) {
	w.t.Helper()
	invoke := func(body []byte) {
		if _, err := f.Invoke(invocation(w.t, timeout), body); err != nil {
			w.t.Fatal(err)
		}
	}
	invoke(schedule)
	invoke(batch(w.interrupt("api", n)))
	w.box.AdvanceTo(w.box.Now().Add(5 * time.Minute))
	invoke(schedule)
	w.supply(-1)
	running := func() (n int) {
		w.box.World(func(e *ecsim.World) {
			_, n, _ = e.Counts(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"})
		})
		return n
	}
	for i := 0; running() < 4 && i < 3600; i++ {
		w.box.AdvanceTo(w.box.Now().Add(time.Second))
	}
	if w.desired("api") != n || running() < 4 {
		w.t.Fatalf("%d on-demand tasks cover, %d Spot tasks run: the test tests nothing", w.desired("api"), running())
	}
}

// TestWhenTheTimeRunsOutItIsNotAlwaysTheSameThatAreLeftOut: with slow services only a hundred of 130 workloads get
// their pass in an invocation.
func TestWhenTheTimeRunsOutItIsNotAlwaysTheSameThatAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minutes = 6
		var names []string
		for i := range 130 {
			names = append(names, "w"+string(rune('a'+i/26))+string(rune('a'+i%26)))
		}
		w := newWorld(t, 1, names...)
		f := w.function(function.Options{Scale: 1})
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, Operation: "ecs:DescribeServices", LatencySeconds: 0.7}); err != nil {
			t.Fatal(err)
		}
		passed := func() (n int) {
			records, err := w.store().Load(t.Context(), names)
			if err != nil {
				t.Fatal(err)
			}
			return len(records)
		}
		for minute := range minutes {
			begun := time.Now()
			_, err := f.Invoke(invocation(t, 7500*time.Millisecond), schedule)
			if err == nil || !strings.Contains(err.Error(), "workloads were not looked at") {
				t.Fatalf("minute %d: %v: the time sufficed, so the test tests nothing", minute, err)
			}
			if minute == 0 && passed() == len(names) {
				t.Fatal("all were passed: the test tests nothing")
			}
			w.box.AdvanceTo(w.box.Now().Add(time.Minute))
			<-time.After(time.Minute - time.Since(begun))
		}
		if n := passed(); n != len(names) {
			t.Errorf("after %d minutes %d of %d workloads were never passed", minutes, len(names)-n, len(names))
		}
	})
}

// TestAPassDoesNotWaitForPrices: on a cold start they cost seconds of the warning, and calls that the pass needs.
func TestAPassDoesNotWaitForPrices(t *testing.T) {
	for _, test := range []struct {
		policy, want string
	}{
		// The look itself reads the task definition once, beside the listing of the tasks.
		{"on_demand_budget_usd_monthly: 1000", "DescribeTaskDefinition UpdateService DescribeTaskDefinition"},
		{"on_demand_budget_usd_monthly: 0", "DescribeTaskDefinition UpdateService"}, // no decision needs more than the look has shown
		// Without a price a forecast would let go what it keeps warm.
		{"foresight_usd: 1", "DescribeTaskDefinition DescribeTaskDefinition UpdateService"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 4, "api")
			text := strings.NewReplacer("    task: {cpu: 256, memory: 512}\n", "", "preset: fill", "preset: fill, "+test.policy).Replace(w.yaml(""))
			file, err := config.Parse([]byte(text), "test.yaml")
			if err != nil {
				t.Fatal(err)
			}
			f := w.function(function.Options{Config: file, Metrics: io.Discard, Scale: 1})
			msgs := w.interrupt("api", 2)
			var order []string
			w.before = w.oneAtATime(func(target string) {
				if _, op, _ := strings.Cut(target, "."); op == "UpdateService" || op == "DescribeTaskDefinition" {
					order = append(order, op)
				}
			})
			if _, err := f.Invoke(invocation(t, timeout), batch(msgs)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(order, " "); got != test.want {
				t.Errorf("%s: calls are %q, want %q", test.policy, got, test.want)
			}
		})
	}
}
