package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	region  = "us-east-1"
	cluster = "prod"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func world(t *testing.T, count int, names ...string) (*sandbox.Sandbox, *Services) {
	t.Helper()
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}})
	for _, name := range names {
		if err := box.SetupTwins(cluster, name, count); err != nil {
			t.Fatal(err)
		}
	}
	return box, New(aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, Options{Scale: 1000})
}

func ref(name string) control.ServiceRef {
	return control.ServiceRef{Region: region, Cluster: cluster, Service: name}
}

func TestDescribeBatchesByTenAndKeepsTheOrder(t *testing.T) {
	var names []string
	var refs []control.ServiceRef
	for i := range 7 {
		names = append(names, fmt.Sprintf("w%d", i))
	}
	box, s := world(t, 3, names...)
	for _, n := range names {
		refs = append(refs, ref(n+"-spot"), ref(n+"-standard"), ref("gone"))
	}
	other := ref("w0-spot")
	other.Cluster = "elsewhere"
	refs = append(refs, other)
	box.ForgetCalls()
	at, obs := s.Describe(t.Context(), refs, control.Worth{})
	if !at.Equal(box.Now().Truncate(time.Second)) {
		t.Errorf("AWS's clock is read as %s, want %s", at, box.Now())
	}
	// 14 services and one that is missing, asked for once, in one cluster; one call for the other cluster.
	if n := box.Calls().Counts["ecs:DescribeServices"]; n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	for i, r := range refs[:21] {
		want := failover.PoolObservation{Desired: []int{3, 0}[min(i%3, 1)], RunningCount: []int{3, 0}[min(i%3, 1)]}
		switch o := obs[i]; {
		case i%3 == 2:
			if o.Err != failover.ErrNotFound {
				t.Errorf("%s is seen as %+v, want not found", r, o)
			}
		case o.Err != failover.ErrNone || o.Desired != want.Desired || o.RunningCount != want.RunningCount || o.TaskDefinition == "" || o.Deploying:
			t.Errorf("%s is seen as %+v, want %+v", r, o, want)
		}
	}
	if o := obs[21]; o.Err != failover.ErrNotFound {
		t.Errorf("a service of a missing cluster is seen as %+v", o)
	}
}

func TestListPagesThroughAllTasksAndTellsWhyOthersStopped(t *testing.T) {
	box, s := world(t, 230, "api")
	box.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 12, "", true)
	})
	found, err := s.List(t.Context(), ref("api-spot"), control.Want{})
	if err != nil || len(found.Signals) != 0 {
		t.Fatalf("list gave %d signals, %v", len(found.Signals), err)
	}
	phases := map[failover.TaskPhase]int{}
	for _, task := range found.Tasks {
		phases[task.Phase]++
		if task.ID == "" || task.CreatedAt.IsZero() || task.Revision == "" {
			t.Fatalf("a task is read as %+v", task)
		}
	}
	if phases[failover.Running] != 218 {
		t.Errorf("the phases of 230 tasks with 12 under notice are %v, want 218 running", phases)
	}
	box.AdvanceTo(box.Now().Add(4 * time.Minute))
	found, err = s.List(t.Context(), ref("api-spot"), control.Want{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	interrupted := map[string]bool{}
	for _, sig := range found.Signals {
		if sig.Kind == failover.SignalInterruption {
			interrupted[sig.Task] = true
			if sig.ID != sig.Task || sig.Region != region || sig.Cluster != cluster || sig.Service != "api-spot" || sig.StopReason == "" || sig.StartedAt.IsZero() {
				t.Errorf("a stopped task is read as %+v", sig)
			}
		}
	}
	if len(interrupted) != 12 {
		t.Errorf("%d stopped tasks were interruptions, want 12", len(interrupted))
	}
	box.AdvanceTo(box.Now().Add(stoppedFor))
	if found, err = s.List(t.Context(), ref("api-spot"), control.Want{Stopped: true}); err != nil || len(found.Signals) != 0 {
		t.Errorf("after half an hour %d signals are left, %v", len(found.Signals), err)
	}
}

func TestPlacementFailuresAreReadFromTheEventListWhenNothingBringsEvents(t *testing.T) {
	for _, noEvents := range []bool{false, true} {
		box, s := world(t, 5, "api")
		s.noEvents = noEvents
		box.World(func(w *ecsim.World) {
			w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 2)
		})
		box.AdvanceTo(box.Now().Add(5 * time.Minute))
		s.Describe(t.Context(), []control.ServiceRef{ref("api-spot")}, control.Worth{})
		found, err := s.List(t.Context(), ref("api-spot"), control.Want{Stopped: true})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, sig := range found.Signals {
			if sig.Kind == failover.SignalPlacementFailure {
				n++
			}
		}
		if (n > 0) != noEvents {
			t.Errorf("with no events %t, %d placement failures were read off the event list", noEvents, n)
		}
	}
}

func TestScalingIsParkedInOneCallAndPutBack(t *testing.T) {
	box, s := world(t, 10, "api")
	ref := ref("api-spot")
	if sc, err := s.Scaling(t.Context(), ref); err != nil || !sc.Known || sc.Present {
		t.Fatalf("no scalable target is read as %+v, %v", sc, err)
	}
	own := failover.Scaling{Known: true, Present: true, Min: 4, Max: 50}
	if err := s.Apply(t.Context(), ref, failover.RestoreScaling{Pool: "spot", Scaling: own}); err != nil {
		t.Fatal(err)
	}
	box.ForgetCalls()
	if err := s.Apply(t.Context(), ref, failover.ParkScaling{Pool: "spot", Max: 50}); err != nil {
		t.Fatal(err)
	}
	if counts := box.Calls().Counts; len(counts) != 1 {
		t.Errorf("parking made the calls %v, want one", counts)
	}
	want := failover.Scaling{Known: true, Present: true, Max: 50, SuspendedIn: true, SuspendedOut: true}
	if sc, err := s.Scaling(t.Context(), ref); err != nil || sc != want {
		t.Errorf("parked is %+v, %v; want %+v", sc, err, want)
	}
	if err := s.Apply(t.Context(), ref, failover.SetDesiredCount{Pool: "spot", Count: 1}); err != nil {
		t.Fatal(err)
	}
	if _, obs := s.Describe(t.Context(), []control.ServiceRef{ref}, control.Worth{}); obs[0].Desired != 1 {
		t.Errorf("the parked target lifted the count of 1 to %d", obs[0].Desired)
	}
	if err := s.Apply(t.Context(), ref, failover.RestoreScaling{Pool: "spot", Scaling: own}); err != nil {
		t.Fatal(err)
	}
	if sc, err := s.Scaling(t.Context(), ref); err != nil || sc != own {
		t.Errorf("put back is %+v, %v; want %+v", sc, err, own)
	}
}

func TestApplyNamesWhatFailedAndWhy(t *testing.T) {
	_, s := world(t, 1, "api")
	for _, test := range []struct {
		action failover.Action
		ref    control.ServiceRef
		want   failover.ErrorKind
	}{
		{failover.SetDesiredCount{Count: 3}, ref("gone"), failover.ErrNotFound},
		{failover.SyncTaskDefinition{TaskDefinition: "nope:9"}, ref("api-standard"), failover.ErrInvalid},
		{failover.StopTask{Task: "0123456789abcdef0123456789abcdef"}, ref("api-spot"), failover.ErrInvalid},
	} {
		err := s.Apply(t.Context(), test.ref, test.action)
		var f *failure.Error
		if !errors.As(err, &f) || f.Kind() != test.want || f.Call == "" {
			t.Errorf("%T on %s gave %v (%s), want %s", test.action, test.ref, err, failure.Kind(err), test.want)
		}
	}
}

func TestTheClientsOwnLimitIsBelowECSs(t *testing.T) {
	l := newLimits(1, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = l.serviceModify.take(ctx, control.Worth{})
	}
	if n > 50 || failure.Kind(err) != failover.ErrThrottled {
		t.Errorf("%d changes were let through at once, then %v (%s); want at most 50, then throttled", n, err, failure.Kind(err))
	}
}

func TestRolesOfOneAccountShareTheLimits(t *testing.T) {
	_, s := world(t, 1)
	a := s.clients.get(region, "arn:aws:iam::111122223333:role/a")
	b := s.clients.get(region, "arn:aws:iam::111122223333:role/b")
	other := s.clients.get(region, "arn:aws:iam::444455556666:role/a")
	if a.limits != b.limits || a.limits == other.limits {
		t.Error("limits are not kept by account")
	}
	if s.clients.get(region, "arn:aws:iam::111122223333:role/a") != a {
		t.Error("a client is made anew for each call")
	}
}

// TestTheLargestServiceIsListedWithinALook: ECS allows 5,000 tasks, which are fifty pages.
func TestTheLargestServiceIsListedWithinALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, s := world(t, 4900, "api")
		if _, err := box.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, LatencySeconds: 0.15}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), control.LookTimeout)
		defer cancel()
		found, err := s.List(ctx, ref("api-spot"), control.Want{})
		if err != nil || len(found.Tasks) != 4900 {
			t.Errorf("%d of 4,900 tasks are read, %v", len(found.Tasks), err)
		}
	})
}

func TestAListingThatFailsHalfwaySaysWhy(t *testing.T) {
	box, s := world(t, 350, "api")
	if _, err := box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:DescribeTasks"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.List(t.Context(), ref("api-spot"), control.Want{})
	if failure.Kind(err) != failover.ErrDenied || !strings.Contains(err.Error(), "api-spot") {
		t.Errorf("%v (%s), want the refusal and not that the listing was cut short by it", err, failure.Kind(err))
	}
}
