package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func TestQuietWorkloadsCostOneDescribeForTenServices(t *testing.T) {
	var names []string
	for i := range 23 {
		names = append(names, fmt.Sprintf("w%02d", i))
	}
	w := newWorld(t, 2, names...)
	store := w.store()
	l := w.loop("a", store, w.services(), names...)
	for range 2 { // the first one writes the states, the second reads the task definitions
		if _, err := l.Pass(t.Context(), names, nil); err != nil {
			t.Fatal(err)
		}
	}
	generation := w.record(store, "w00").State.Generation
	w.advance(time.Minute)
	w.box.ForgetCalls()
	reports, err := l.Pass(t.Context(), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range reports {
		if r.Workload != names[i] || r.Result != control.Unchanged || r.Decision.Reason != failover.ReasonSteady {
			t.Errorf("report %d is of %s: %s, %s (%v); want %s unchanged and steady", i, r.Workload, r.Result, r.Decision.Reason, r.Err, names[i])
		}
	}
	if counts := w.box.Calls().Counts; len(counts) != 1 || counts["ecs:DescribeServices"] != 5 {
		t.Errorf("a quiet pass of 46 services made the calls %v, want 5 DescribeServices and nothing else", counts)
	}
	if got := w.record(store, "w00").State.Generation; got != generation {
		t.Errorf("a quiet pass went from generation %d to %d", generation, got)
	}
}

func TestInterruptionsAreCoveredInOnePassAndWrittenDown(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	w.pass(l, "api")
	w.interrupt("api", 7)
	r := w.pass(l, "api")
	if r.Result != control.Committed || r.Decision.Reason != failover.ReasonInterruption {
		t.Errorf("pass ended as %s for %s (%v), want committed for interruption", r.Result, r.Decision.Reason, r.Err)
	}
	w.wantDesired("api-standard", 7)
	w.wantDesired("api-spot", 20)
	if n := w.calls("ecs:UpdateService"); n != 1 {
		t.Errorf("%d UpdateService calls, want 1", n)
	}
	if got := r.Observation.At; !got.Equal(w.box.Now().Truncate(time.Second)) {
		t.Errorf("the observation is of %s, want AWS's clock %s", got, w.box.Now())
	}

	record := w.record(store, "api")
	if record.Lease != (control.Lease{}) {
		t.Errorf("the lease was not given back: %+v", record.Lease)
	}
	decisions, outcomes := w.history(store, journal.KindDecision), w.history(store, journal.KindOutcome)
	if len(outcomes) != 1 || len(decisions) < 1 {
		t.Fatalf("%d decisions and %d outcomes in the journal", len(decisions), len(outcomes))
	}
	d, o := decisions[0], outcomes[0]
	want := failover.SetDesiredCount{Pool: "standard", Count: 7}
	if len(d.Actions) != 1 || d.Actions[0] != want || d.Decision.Reason != failover.ReasonInterruption || d.PolicyDigest == "" {
		t.Errorf("the decision entry is %+v", d)
	}
	if o.Of != d.ID || len(o.Outcomes) != 1 || !o.Outcomes[0].Done() || o.Outcomes[0].Action != want {
		t.Errorf("the outcome entry is %+v", o)
	}
	if o.Generation != d.Generation+1 || record.State.Generation != o.Generation {
		t.Errorf("decision at generation %d, outcome at %d, stored %d", d.Generation, o.Generation, record.State.Generation)
	}
	if r := w.pass(l, "api"); r.Decision.Acts() {
		t.Errorf("the next pass acts again: %v", r.Decision.Actions)
	}
}

func TestAnotherPassCommitsFirst(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := w.store()
	first := w.loop("a", store, w.services(), "api")
	w.pass(first, "api")
	w.interrupt("api", 3)
	w.advance(3 * time.Minute) // long enough for the counts to tell it without the events
	// The other process passes between this one's decision and its commit.
	other := w.loop("b", w.store(), w.services(), "api")
	race := &hooked{Store: store}
	race.beforeCommit = func() {
		race.beforeCommit = nil
		w.pass(other, "api")
	}
	l := w.loop("a", race, w.services(), "api")
	r := w.pass(l, "api")
	if r.Result != control.Stale || !errors.Is(r.Err, control.ErrStale) {
		t.Errorf("the late pass ended as %s, %v; want stale", r.Result, r.Err)
	}
	if n := w.calls("ecs:UpdateService"); n != 1 {
		t.Errorf("%d UpdateService calls, want the winner's one", n)
	}
	w.wantDesired("api-standard", 3)
}

func TestWhileAnotherHoldsTheLeaseNothingIsDone(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	w.pass(l, "api")
	held := w.record(store, "api")
	held.State.Generation++
	held.Lease = control.Lease{Owner: "crashed", Until: w.box.Now().Add(control.LeaseFor)}
	if err := store.Commit(t.Context(), "crashed", held, w.box.Now(), nil); err != nil {
		t.Fatal(err)
	}
	w.interrupt("api", 3)
	w.box.ForgetCalls()
	r := w.pass(l, "api")
	var lease *control.LeaseHeldError
	if r.Result != control.Held || !errors.As(r.Err, &lease) || lease.Owner != "crashed" {
		t.Errorf("pass under another's lease ended as %s, %v", r.Result, r.Err)
	}
	if n := w.calls("ecs:DescribeServices") + w.calls("ecs:UpdateService"); n != 0 {
		t.Errorf("%d calls were made for a workload that is another's", n)
	}
	w.advance(control.LeaseFor)
	if r := w.pass(l, "api"); r.Result != control.Committed {
		t.Errorf("after the lease ended the pass ended as %s, %v", r.Result, r.Err)
	}
	w.wantDesired("api-standard", 3)
}

func TestAFailedActionStopsTheNextOnesAndIsTriedAgain(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	spot := &l.Workloads[0].Policy.Pools[0] // its warned tasks are drained at once, so that there is a second action
	spot.Drain, spot.DrainBefore = failover.DrainLate, 2*time.Minute
	w.pass(l, "api")
	w.interrupt("api", 4)
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:UpdateService", Count: 1}); err != nil {
		t.Fatal(err)
	}
	r := w.pass(l, "api")
	if r.Result != control.ActionFailed || len(r.Outcomes) < 2 {
		t.Fatalf("pass ended as %s with the outcomes %+v (%s); want a failure and what came after it", r.Result, r.Outcomes, r.Decision.Reason)
	}
	if o := r.Outcomes[0]; o.Err != failover.ErrDenied || !strings.Contains(o.Hint, "ecs:UpdateService") {
		t.Errorf("the failed outcome is %+v, want denied with a hint", o)
	}
	if o := r.Outcomes[1]; !o.Skipped || o.Done() {
		t.Errorf("the outcome after the failed one is %+v, want skipped", o)
	}
	w.wantDesired("api-standard", 0)
	if entries := w.history(store, journal.KindOutcome); len(entries) != 1 || entries[0].Outcomes[0].Err != failover.ErrDenied {
		t.Errorf("the failure is not in the journal: %+v", entries)
	}
	w.advance(time.Second)
	if r := w.pass(l, "api"); r.Result != control.Committed {
		t.Errorf("the next pass ended as %s, %v", r.Result, r.Err)
	}
	w.wantDesired("api-standard", 4)
}

func TestNoActionWithoutACommit(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := &hooked{Store: w.store()}
	out := &logs{}
	l := w.loop("a", store, w.services(), "api")
	l.Log = out.logger()
	w.pass(l, "api")
	w.interrupt("api", 5)
	full := errors.New("disk full")
	for _, outage := range []struct {
		name string
		set  func(err error)
	}{
		{"the commit fails", func(err error) { store.commitErr = err }},
		{"the load fails", func(err error) { store.loadErr = err }},
	} {
		outage.set(full)
		for range 3 {
			if r := w.pass(l, "api"); r.Result != control.StoreFailed || !errors.Is(r.Err, full) {
				t.Errorf("%s: pass ended as %s, %v", outage.name, r.Result, r.Err)
			}
		}
		outage.set(nil)
	}
	if n := w.calls("ecs:UpdateService"); n != 0 {
		t.Errorf("%d UpdateService calls without a commit", n)
	}
	if n := out.has("store failed"); n != 2 {
		t.Errorf("two outages of three passes each were logged %d times, want once each", n)
	}
	if r := w.pass(l, "api"); r.Result != control.Committed {
		t.Errorf("once the store answers the pass ended as %s, %v", r.Result, r.Err)
	}
	if n := out.has("store answers again"); n != 2 {
		t.Errorf("the ends of two outages were logged %d times", n)
	}
	w.wantDesired("api-standard", 5)
}

func TestOneSlowRegionHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5, "api")
		if err := w.box.Setup(sandbox.Twins{Region: "eu-west-1", Cluster: cluster, Name: "slow", Count: 5}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, Region: "eu-west-1", LatencySeconds: 60}); err != nil {
			t.Fatal(err)
		}
		l := w.loop("a", w.store(), w.services(), "api", "slow")
		for i := range l.Workloads[1].Refs {
			l.Workloads[1].Refs[i].Region = "eu-west-1"
		}
		reports, err := l.Pass(t.Context(), []string{"slow", "api"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		slow, api := reports[0], reports[1]
		if api.Decision.Reason != failover.ReasonSteady || api.Took > time.Second {
			t.Errorf("the workload in the good region ended as %s after %s, want steady at once", api.Decision.Reason, api.Took)
		}
		if slow.Decision.Reason != failover.ReasonBlind || slow.Observation.Pools[0].Err != failover.ErrTimeout || slow.Took > control.LookTimeout+time.Second {
			t.Errorf("the workload in the slow region ended as %s (%s) after %s, want blind by time-out after %s",
				slow.Decision.Reason, slow.Observation.Pools[0].Err, slow.Took, control.LookTimeout)
		}
		if slow.Decision.Acts() {
			t.Errorf("a blind workload acts: %v", slow.Decision.Actions)
		}
	})
}

func TestTroublesOfReadingAreClassified(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault sandbox.Fault
		want  failover.ErrorKind
		cover int // what the interruptions that were told of are covered with: what a pool held is known
	}{
		{"throttled", sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:DescribeServices"}, failover.ErrThrottled, 3},
		{"denied", sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:DescribeServices"}, failover.ErrDenied, 3},
		{"AWS's own trouble", sandbox.Fault{Kind: sandbox.FaultServerError, Operation: "ecs:DescribeServices"}, failover.ErrUnknown, 3},
		{"no answer", sandbox.Fault{Kind: sandbox.FaultLostAnswer, Operation: "ecs:DescribeServices"}, failover.ErrTimeout, 3},
		{"tasks denied", sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:ListTasks"}, failover.ErrDenied, 3},
		{"tasks not described", sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:DescribeTasks"}, failover.ErrThrottled, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 10, "api")
			l := w.loop("a", w.store(), w.services(), "api")
			w.pass(l, "api")
			w.advance(2 * time.Second) // times of looks and events are whole seconds
			w.interrupt("api", 3)
			if _, err := w.box.AddFault(test.fault); err != nil {
				t.Fatal(err)
			}
			r := w.pass(l, "api")
			if !r.Decision.Blind() || r.Observation.Pools[0].Err != test.want || r.Observation.Pools[0].ErrText == "" {
				t.Errorf("pass ended as %s with %s (%s), want blind with %s", r.Decision.Reason, r.Observation.Pools[0].Err,
					r.Observation.Pools[0].ErrText, test.want)
			}
			w.wantDesired("api-standard", test.cover)
			w.box.ClearFaults(0)
			w.advance(time.Second)
			w.pass(l, "api")
			w.wantDesired("api-standard", 3)
		})
	}
}

func TestAMissingServiceIsBlindAndItsNeighboursAreNot(t *testing.T) {
	w := newWorld(t, 5, "api")
	l := w.loop("a", w.store(), w.services(), "api", "gone")
	reports, err := l.Pass(t.Context(), []string{"api", "gone"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := reports[0]; r.Decision.Reason != failover.ReasonSteady {
		t.Errorf("the neighbour ended as %s", r.Decision.Reason)
	}
	if o := reports[1].Observation.Pools[0]; o.Err != failover.ErrNotFound || !strings.Contains(o.ErrText, "gone-spot: MISSING") {
		t.Errorf("the missing service is seen as %+v", o)
	}
}

func TestAPanicInOneWorkloadIsItsOwn(t *testing.T) {
	w := newWorld(t, 5, "api", "bad")
	out := &logs{}
	l := w.loop("a", w.store(), &panicking{w.services()}, "api", "bad")
	l.Log = out.logger()
	w.interrupt("bad", 2)
	reports, err := w.turn(l, "bad", "api")
	if err != nil {
		t.Fatal(err)
	}
	if r := reports[0]; r.Result != control.Abandoned || !strings.Contains(r.Err.Error(), "boom") {
		t.Errorf("the broken workload ended as %s, %v", r.Result, r.Err)
	}
	if r := reports[1]; r.Result != control.Committed {
		t.Errorf("the other workload ended as %s, %v", r.Result, r.Err)
	}
	if out.has("this is a defect") != 1 {
		t.Error("the defect was not logged")
	}
}

func TestAnObservingPolicyWritesDownWhatItWouldDoOnce(t *testing.T) {
	w := newWorld(t, 10, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	l.Workloads[0].Policy.Observe = true
	w.pass(l, "api")
	w.interrupt("api", 3)
	for range 3 {
		w.pass(l, "api")
	}
	w.wantDesired("api-standard", 0)
	n := 0
	for _, e := range w.history(store, journal.KindDecision) {
		if len(e.Withheld) > 0 {
			n++
			if want := (failover.SetDesiredCount{Pool: "standard", Count: 3}); e.Withheld[0] != want {
				t.Errorf("withheld is %+v, want %+v", e.Withheld[0], want)
			}
		}
	}
	if n == 0 || n > 2 {
		t.Errorf("what was withheld is in the journal %d times in 3 passes, want once or twice", n)
	}
}

func TestPassRefusesWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t, 1, "api")
	l := w.loop("a", w.store(), w.services(), "api")
	if _, err := l.Pass(t.Context(), []string{"nobody"}, nil); !errors.Is(err, control.ErrNoWorkload) {
		t.Errorf("a pass of an unknown workload gave %v", err)
	}
	if _, err := l.Pass(t.Context(), []string{"api", "api"}, nil); err == nil {
		t.Error("a pass of one workload twice gave no error")
	}
	if _, err := (&control.Loop{}).Pass(t.Context(), nil, nil); err == nil {
		t.Error("a loop without services gave no error")
	}
	bad := w.loop("a", w.store(), w.services(), "api", "api")
	if _, err := bad.Pass(t.Context(), []string{"api"}, nil); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a workload configured twice gave %v", err)
	}
}

// hooked is a store with somebody at the door.
type hooked struct {
	control.Store
	beforeCommit       func()
	loadErr, commitErr error
}

func (h *hooked) Load(ctx context.Context, names []string) (map[string]control.Record, error) {
	if h.loadErr != nil {
		return nil, h.loadErr
	}
	return h.Store.Load(ctx, names)
}

func (h *hooked) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	if h.beforeCommit != nil {
		h.beforeCommit()
	}
	if h.commitErr != nil {
		return h.commitErr
	}
	return h.Store.Commit(ctx, by, next, now, entries)
}

// panicking breaks down over the tasks of the workload "bad".
type panicking struct{ control.Services }

func (p *panicking) Scaling(ctx context.Context, ref control.ServiceRef) (failover.Scaling, error) {
	return p.Services.Scaling(ctx, ref)
}

func (p *panicking) Apply(ctx context.Context, ref control.ServiceRef, a failover.Action) error {
	if strings.HasPrefix(ref.Service, "bad") {
		panic("boom")
	}
	return p.Services.Apply(ctx, ref, a)
}
