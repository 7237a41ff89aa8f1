package control_test

import (
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAnEventOfOneAccountIsNoEvidenceInAnother: the same stack in two accounts has the same names.
func TestAnEventOfOneAccountIsNoEvidenceInAnother(t *testing.T) {
	w := newWorld(t, 5, "api")
	l := w.loop("a", w.store(), w.services(), "api")
	dev := workload("api", plain())
	dev.Name = "api-dev"
	for k := range dev.Refs {
		dev.Refs[k].RoleARN = "arn:aws:iam::210987654321:role/backstop"
	}
	l.Workloads = append(l.Workloads, dev)
	for account, want := range map[string][]string{
		"210987654321": {"api-dev"}, "123456789012": {"api"}, "": {"api", "api-dev"},
	} {
		for _, at := range []string{cluster, ""} { // an old ARN has no cluster in it
			got, err := l.Concerned(failover.Signal{Kind: failover.SignalInterruption, Account: account, Region: region, Cluster: at, Service: "api-spot"})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("an event of account %q in cluster %q concerns %v (%v), want %v", account, at, got, err, want)
			}
		}
	}
}

// TestARaiseThatIsRefusedHoldsUpNoOther: one pool's refusal must not leave the workload without cover.
func TestARaiseThatIsRefusedHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, 20, "api")
	if err := w.box.Setup(sandbox.Twins{Region: "us-west-2", Cluster: cluster, Name: "abroad", Count: 0}); err != nil {
		t.Fatal(err)
	}
	p := plain()
	p.Pools[1].Max = 4
	p.Pools = append(p.Pools, failover.Pool{Name: "abroad", Capacity: failover.OnDemand, Tier: 2})
	l := w.loop("a", w.store(), w.services(), "api")
	l.Workloads[0].Policy = p
	l.Workloads[0].Refs = append(l.Workloads[0].Refs, control.ServiceRef{Region: "us-west-2", Cluster: cluster, Service: "abroad-standard"})
	w.pass(l, "api")
	w.interrupt("api", 10)
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:UpdateService", Region: "us-west-2"}); err != nil {
		t.Fatal(err)
	}
	r := w.pass(l, "api")
	if r.Result != control.ActionFailed || len(r.Outcomes) != 2 || r.Outcomes[0].Err != failover.ErrDenied || !r.Outcomes[1].Done() {
		t.Fatalf("pass ended as %s with %+v; want abroad refused and standard raised", r.Result, r.Outcomes)
	}
	w.wantDesired("api-standard", 4)
	if since := r.After.Pool("abroad").RefusedSince; !since.IsZero() {
		t.Errorf("the decision already knows of the refusal: %s", since)
	}
	records, err := l.Store.Load(t.Context(), []string{"api"})
	kept := records["api"].State
	if err != nil || kept.Pool("abroad").RefusedSince.IsZero() {
		t.Errorf("the refusal was not kept: %+v, %v", kept.Pools, err)
	}
}

// TestATimeThatIsGuessedDoesNotReplaceOneThatWasRead: one region answers, another does not, and the clock is off.
func TestATimeThatIsGuessedDoesNotReplaceOneThatWasRead(t *testing.T) {
	w := newWorld(t, 5, "api")
	if err := w.box.Setup(sandbox.Twins{Region: "us-west-2", Cluster: cluster, Name: "abroad", Count: 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Region: "us-west-2"}); err != nil {
		t.Fatal(err)
	}
	l := w.loop("a", w.store(), w.services(), "api")
	l.Now = func() time.Time { return w.box.Now().Add(10 * time.Minute) }
	l.Workloads[0].Policy.Pools = append(l.Workloads[0].Policy.Pools, failover.Pool{Name: "abroad", Capacity: failover.OnDemand, Tier: 2})
	l.Workloads[0].Refs = append(l.Workloads[0].Refs, control.ServiceRef{Region: "us-west-2", Cluster: cluster, Service: "abroad-standard"})
	for range 5 { // whichever region answers first
		if r := w.pass(l, "api"); r.Observation.At.Sub(w.box.Now()).Abs() > time.Second {
			t.Fatalf("the observation is dated %s, AWS's clock says %s", r.Observation.At, w.box.Now())
		}
	}
}

// TestTheNewestDecisionIsNoOlderThanTheOrder: explain and history show the journal, and an order need not change any count.
func TestTheNewestDecisionIsNoOlderThanTheOrder(t *testing.T) {
	w := newWorld(t, 5, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	w.pass(l, "api")
	for _, order := range []struct {
		kind   failover.IntentKind
		reason failover.Reason
	}{{failover.IntentPause, failover.ReasonPaused}, {failover.IntentResume, failover.ReasonSteady}} {
		w.advance(time.Minute)
		in := failover.Intent{Kind: order.kind, By: "ops", At: w.box.Now()}
		if _, err := control.Intend(t.Context(), store, l.Workloads[0], "ops", in, w.box.Now); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w.advance(time.Second)
			w.pass(l, "api")
		}
		entries := w.history(store, journal.KindDecision)
		if d := entries[0].Decision; d.Reason != order.reason || d.At.Before(in.At.Truncate(time.Second)) {
			t.Errorf("after %s the newest decision is %s of %s, ordered at %s", order.kind, d.Reason, d.At, in.At)
		}
		if len(entries) > 1 && entries[1].Decision.Reason == order.reason {
			t.Errorf("the decision after %s is written twice", order.kind)
		}
	}
}
