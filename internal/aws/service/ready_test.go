package service

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// behind makes twins behind one target group, whose tasks answer a minute after they run.
func behind(t *testing.T, count int) (*sandbox.Sandbox, *Services) {
	t.Helper()
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}})
	if err := box.Setup(sandbox.Twins{Cluster: cluster, Name: "api", Count: count, WarmUp: time.Minute, TargetGroup: true, StopTimeout: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	box.AdvanceTo(box.Now().Add(5 * time.Minute))
	box.ForgetCalls()
	return box, New(aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, Options{Scale: 1000})
}

// seen looks at a service as a pass does.
func seen(t *testing.T, s *Services, name string) (failover.PoolObservation, control.Listing) {
	t.Helper()
	_, obs := s.Describe(t.Context(), []control.ServiceRef{ref(name)}, control.Worth{})
	found, err := s.List(t.Context(), ref(name), control.Want{Stopped: true, Health: true})
	if err != nil {
		t.Fatal(err)
	}
	return obs[0], found
}

// tally counts a listing's tasks by phase and health, and those that leave and work.
func tally(found control.Listing) (byHealth map[failover.Health]int, works int) {
	byHealth = map[failover.Health]int{}
	for _, task := range found.Tasks {
		switch {
		case task.Phase == failover.Running:
			byHealth[task.Health]++
		case task.Works:
			works++
		}
	}
	return byHealth, works
}

func group(t *testing.T, box *sandbox.Sandbox) (arn string) {
	t.Helper()
	box.World(func(w *ecsim.World) {
		all, err := w.DescribeTargetGroups(region, nil)
		if err != nil || len(all) == 0 {
			t.Fatalf("%d target groups, %v", len(all), err)
		}
		arn = all[0].ARN
	})
	return arn
}

func TestATaskIsReadyWhenItsTargetIsHealthy(t *testing.T) {
	box, s := behind(t, 5)
	o, found := seen(t, s, "api-spot")
	health, _ := tally(found)
	if !o.HealthBased || !found.HealthBased || found.HealthErr != failover.ErrNone || found.OutOfTraffic || health[failover.HealthReady] != 5 {
		t.Fatalf("a service that serves is seen as %+v, %+v", o, found)
	}
	if err := s.Apply(t.Context(), ref("api-standard"), failover.SetDesiredCount{Count: 3}); err != nil {
		t.Fatal(err)
	}
	ready, warming := false, false
	for range 40 {
		box.AdvanceTo(box.Now().Add(10 * time.Second))
		_, found = seen(t, s, "api-standard")
		health, _ = tally(found)
		warming = warming || health[failover.HealthNotReady] > 0 && health[failover.HealthReady] == 0
		ready = health[failover.HealthReady] == 3
	}
	if !warming || !ready {
		t.Errorf("cover was seen warming %t, and ready at last %t: %+v", warming, ready, found)
	}
}

func TestOneCallServesBothTwinsAndQuietRulesAreKept(t *testing.T) {
	box, s := behind(t, 5)
	if err := s.Apply(t.Context(), ref("api-standard"), failover.SetDesiredCount{Count: 3}); err != nil {
		t.Fatal(err)
	}
	box.AdvanceTo(box.Now().Add(5 * time.Minute))
	refs := []control.ServiceRef{ref("api-spot"), ref("api-standard")}
	for range 3 {
		box.AdvanceTo(box.Now().Add(20 * time.Second))
		s.Describe(t.Context(), refs, control.Worth{})
		for _, r := range refs {
			if _, err := s.List(t.Context(), r, control.Want{Health: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	counts := box.Calls().Counts
	for call, want := range map[string]int{"DescribeTargetHealth": 3, "DescribeTargetGroups": 1, "DescribeListeners": 1, "DescribeRules": 1} {
		if n := counts["elasticloadbalancing:"+call]; n != want {
			t.Errorf("three looks made %d calls of %s, want %d", n, call, want)
		}
	}
	if n := counts["ecs:DescribeTaskDefinition"]; n != 1 {
		t.Errorf("the one task definition was read %d times", n)
	}
}

func TestAGroupWithoutListenerWeightServesNothing(t *testing.T) {
	box, s := behind(t, 5)
	arn := group(t, box)
	box.World(func(w *ecsim.World) {
		other, err := w.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		balancers, _ := w.DescribeLoadBalancers(region, nil)
		listeners, err := w.DescribeListeners(region, balancers[0].ARN, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.ModifyListener(region, listeners[0].ARN, []ecsim.Forward{{TargetGroup: other.ARN, Weight: 100}, {TargetGroup: arn, Weight: 0}}); err != nil {
			t.Fatal(err)
		}
	})
	_, found := seen(t, s, "api-spot")
	if health, _ := tally(found); !found.OutOfTraffic || health[failover.HealthReady] != 0 {
		t.Errorf("a service that no listener reaches is seen as %+v", found)
	}
}

func TestReadinessThatCannotBeReadIsSaidAndLosesNothingElse(t *testing.T) {
	for kind, want := range map[sandbox.FaultKind]failover.ErrorKind{sandbox.FaultThrottle: failover.ErrThrottled, sandbox.FaultDenied: failover.ErrDenied} {
		box, s := behind(t, 5)
		if _, err := box.AddFault(sandbox.Fault{Kind: kind, Operation: "elasticloadbalancing:*"}); err != nil {
			t.Fatal(err)
		}
		_, found := seen(t, s, "api-spot")
		if health, _ := tally(found); found.HealthErr != want || found.HealthErrText == "" || !found.HealthBased || health[failover.HealthUnread] != 5 || found.OutOfTraffic {
			t.Errorf("%s is seen as %+v", kind, found)
		}
	}
}

func TestAWarnedTaskWorksUntilItsTargetIsTakenOut(t *testing.T) {
	box, s := behind(t, 5)
	box.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 2, "", true)
	})
	warned := box.Now()
	box.AdvanceTo(warned.Add(3 * time.Second))
	_, found := seen(t, s, "api-spot")
	health, works := tally(found)
	if health[failover.HealthReady] != 3 {
		t.Fatalf("with two of five warned %v are ready", health)
	}
	var one failover.Task
	for _, task := range found.Tasks {
		if task.Phase == failover.Leaving && task.Works {
			one = task
			if end := task.EndsAt.Sub(warned); end < 2*time.Minute-time.Second || end > 2*time.Minute+time.Second {
				t.Errorf("it ends %s after the warning, want its stopTimeout of two minutes", end)
			}
		}
	}
	if works != 2 {
		t.Fatalf("%d of two warned tasks work: %+v", works, found.Tasks)
	}
	if err := s.Apply(t.Context(), ref("api-spot"), failover.DrainTask{Pool: "spot", Task: one.ID}); err != nil {
		t.Fatal(err)
	}
	box.AdvanceTo(box.Now().Add(5 * time.Second))
	_, found = seen(t, s, "api-spot")
	if _, works = tally(found); works != 1 {
		t.Errorf("after one was drained %d work, want 1", works)
	}
	if err := s.Apply(t.Context(), ref("api-spot"), failover.DrainTask{Pool: "spot", Task: one.ID}); err != nil {
		t.Errorf("draining it again: %v", err)
	}
}

func TestTheDemandIsHeldInATag(t *testing.T) {
	_, s := world(t, 5, "api")
	for _, demand := range []int{40, 7, 0} {
		if err := s.Apply(t.Context(), ref("api-spot"), failover.HoldDemand{Pool: "spot", Demand: demand}); err != nil {
			t.Fatal(err)
		}
		if _, obs := s.Describe(t.Context(), []control.ServiceRef{ref("api-spot")}, control.Worth{}); obs[0].HeldDemand != demand {
			t.Errorf("%d is read back as %d", demand, obs[0].HeldDemand)
		}
	}
}

func TestDefiniteAnswersSayThatAServiceIsGone(t *testing.T) {
	box, s := world(t, 5, "api", "web")
	box.World(func(w *ecsim.World) {
		if _, err := w.DeleteService(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-standard"}, true); err != nil {
			t.Fatal(err)
		}
	})
	box.AdvanceTo(box.Now().Add(10 * time.Minute))
	elsewhere := ref("api-spot")
	elsewhere.Cluster = "elsewhere"
	_, obs := s.Describe(t.Context(), []control.ServiceRef{ref("api-standard"), ref("never"), elsewhere, ref("web-spot")}, control.Worth{})
	for i, want := range []string{"INACTIVE", "MISSING", "ClusterNotFound", ""} {
		if obs[i].Gone != want || (obs[i].Err == failover.ErrNotFound) != (want != "") {
			t.Errorf("answer %d is seen as %+v, want gone %q", i, obs[i], want)
		}
	}
}
