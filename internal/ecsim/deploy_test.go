package ecsim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func percent(least, most int, change ...func(*ecsim.DeploymentConfig)) func(*ecsim.CreateServiceInput) {
	return func(in *ecsim.CreateServiceInput) {
		in.Deployment.MinimumHealthyPercent, in.Deployment.MaximumPercent = &least, &most
		for _, c := range change {
			c(&in.Deployment)
		}
	}
}

func (f *fixture) release(in ecsim.TaskDefinitionInput) {
	f.Helper()
	in.Family, in.CPU = "web", 1024
	d, err := f.RegisterTaskDefinition(region, in)
	f.must(err)
	_, err = f.UpdateService(api, ecsim.UpdateServiceInput{TaskDefinition: d.ARN})
	f.must(err)
}

func (f *fixture) rollout() string {
	f.Helper()
	return f.service().Deployments[0].Rollout
}

func TestFirstDeploymentCompletes(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(155*time.Second - 1) // RUNNING at 90 s, healthy at 130 s, said 25 s later
	if got := f.rollout(); got != ecsim.RolloutInProgress {
		t.Errorf("rollout %s before its time, want IN_PROGRESS", got)
	}
	f.to(155 * time.Second)
	if got := f.rollout(); got != ecsim.RolloutCompleted {
		t.Errorf("rollout %s, want COMPLETED", got)
	}
	if f.count(named(ecsim.EventDeploymentInProgress)) != 1 || f.count(named(ecsim.EventDeploymentCompleted)) != 1 {
		t.Error("want one IN_PROGRESS and one COMPLETED event")
	}
}

func TestDeploymentOfNoTasksTakes88Seconds(t *testing.T) {
	f := build(t, exact())
	f.serve(0)
	f.to(88*time.Second - 1)
	if got := f.rollout(); got != ecsim.RolloutInProgress {
		t.Errorf("rollout %s, want IN_PROGRESS", got)
	}
	f.to(88 * time.Second)
	if got := f.rollout(); got != ecsim.RolloutCompleted {
		t.Errorf("rollout %s, want COMPLETED", got)
	}
}

func TestRollingDeploymentKeepsMinimumAndMaximum(t *testing.T) {
	for _, c := range []struct{ least, most int }{{100, 200}, {50, 100}, {100, 150}, {80, 120}, {0, 100}} {
		f := build(t, exact())
		f.serve(10, percent(c.least, c.most))
		f.to(5 * time.Minute)
		f.release(ecsim.TaskDefinitionInput{})
		if n := len(f.service().Deployments); n != 2 {
			t.Fatalf("%v: %d deployments, want PRIMARY and ACTIVE", c, n)
		}
		for at := 5 * time.Minute; at < 40*time.Minute; at += time.Second {
			f.to(at)
			_, running, pending := f.Counts(api)
			if running+pending > 10*c.most/100 {
				t.Fatalf("%v at %v: %d running and %d pending exceed the maximum", c, at, running, pending)
			}
			whole := 0
			for _, task := range f.tasks(ecsim.Running) {
				if task.LastStatus == ecsim.Running {
					whole++
				}
			}
			if whole < (10*c.least+99)/100 {
				t.Fatalf("%v at %v: %d running fall below the minimum", c, at, whole)
			}
		}
		s := f.service()
		if len(s.Deployments) != 1 || s.Deployments[0].Rollout != ecsim.RolloutCompleted || !strings.HasSuffix(s.TaskDefinition, "web:2") {
			t.Errorf("%v: deployments %+v, want one COMPLETED of web:2", c, s.Deployments)
		}
		for _, task := range f.tasks(ecsim.Running) {
			if !strings.HasSuffix(task.TaskDefinition, "web:2") {
				t.Errorf("%v: a task of %s is left", c, task.TaskDefinition)
			}
		}
	}
}

func TestBadImageNeverCompletesAndBacksOff(t *testing.T) {
	f := build(t, exact())
	f.serve(3)
	f.to(5 * time.Minute)
	f.forget()
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailImagePull, Image: "registry.example/app:gone"})
	f.to(6 * time.Hour)
	s := f.service()
	if s.Deployments[0].Rollout != ecsim.RolloutInProgress || len(s.Deployments) != 2 || s.Running != 3 {
		t.Fatalf("rollout %s, %d deployments, %d running; want IN_PROGRESS, 2 and the old 3", s.Deployments[0].Rollout, len(s.Deployments), s.Running)
	}
	var ends []time.Time
	for _, e := range f.events {
		if e.Task != nil && e.Task.LastStatus == ecsim.Stopped && strings.HasSuffix(e.Task.TaskDefinition, "web:2") {
			if e.Task.StopCode != ecsim.StopFailedToStart || !strings.HasPrefix(e.Task.StoppedReason, "CannotPullContainerError") {
				t.Fatalf("stopped with %q, %q", e.Task.StopCode, e.Task.StoppedReason)
			}
			ends = append(ends, e.At)
		}
	}
	ends = slices.Compact(ends)
	if last, before := ends[len(ends)-1], ends[len(ends)-2]; last.Sub(before) < 27*time.Minute || last.Sub(before) > 30*time.Minute {
		t.Errorf("last attempts %v apart, want 27 min and a start", last.Sub(before))
	}
	if n := f.count(named(ecsim.EventStartImpaired)); n == 0 {
		t.Error("no SERVICE_TASK_START_IMPAIRED")
	}
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 0 {
		t.Errorf("%d placement failures for a bad image, want none", n)
	}
	f.release(ecsim.TaskDefinitionInput{})
	f.to(6*time.Hour + 90*time.Second)
	f.want("a new task definition ends the back-off", 3, 6, 0)
}

func TestCircuitBreakerFailsAndRollsBack(t *testing.T) {
	f := build(t, exact())
	f.serve(4, percent(100, 200, func(c *ecsim.DeploymentConfig) { c.CircuitBreaker, c.Rollback = true, true }))
	f.to(5 * time.Minute)
	good := f.service().Deployments[0].ID
	f.forget()
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailSecrets})
	f.to(20 * time.Minute)
	if n := f.count(named(ecsim.EventDeploymentFailed)); n != 1 {
		t.Fatalf("%d SERVICE_DEPLOYMENT_FAILED events, want 1", n)
	}
	s := f.service()
	if len(s.Deployments) != 1 || s.Deployments[0].ID != good || s.Deployments[0].Rollout != ecsim.RolloutCompleted || s.Running != 4 {
		t.Errorf("deployments %+v, want the good one alone, COMPLETED", s.Deployments)
	}
	if n := f.count(func(e ecsim.Event) bool {
		return e.Name == ecsim.EventDeploymentInProgress && e.Reason == "ECS deployment circuit breaker: rolling back to deploymentId "+good+"."
	}); n != 1 {
		t.Errorf("%d roll-back events, want 1", n)
	}
}

func TestCircuitBreakerWithoutRollbackLaunchesNoMore(t *testing.T) {
	f := build(t, exact())
	f.serve(4, percent(100, 200, func(c *ecsim.DeploymentConfig) { c.CircuitBreaker = true }))
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailNetwork})
	f.to(20 * time.Minute)
	if got := f.rollout(); got != ecsim.RolloutFailed {
		t.Fatalf("rollout %s, want FAILED", got)
	}
	created := f.Usage(ecsim.FargateSpot).Created
	f.to(2 * time.Hour)
	f.want("the old tasks stay", 4, 4, 0)
	if n := f.Usage(ecsim.FargateSpot).Created; n != created {
		t.Errorf("%d tasks launched by a failed deployment", n-created)
	}
}

func TestShortageDuringDeploymentTripsTheBreakerUnlessBent(t *testing.T) {
	for _, bent := range []bool{false, true} {
		cfg := exact()
		cfg.ShortageNotCounted = bent
		f := build(t, cfg)
		f.serve(4, percent(100, 200, func(c *ecsim.DeploymentConfig) { c.CircuitBreaker = true }))
		f.to(5 * time.Minute)
		f.SetSupply(spotKey(), 4)
		f.release(ecsim.TaskDefinitionInput{})
		f.to(15 * time.Minute)
		want := ecsim.RolloutFailed
		if bent {
			want = ecsim.RolloutInProgress
		}
		if got := f.rollout(); got != want {
			t.Errorf("shortage not counted %v: rollout %s, want %s", bent, got, want)
		}
	}
}

func TestContainerThatExitsIsReplacedForEverAndReported(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(5 * time.Minute)
	f.forget()
	f.must(f.SetBroken(api, ecsim.FailExit))
	f.KillTasks(api, 2, ecsim.StopContainerExited, "Essential container in task exited")
	f.want("both gone", 2, 0, 0)
	f.to(40 * time.Minute)
	if n := f.count(named(ecsim.EventStartImpaired)); n == 0 {
		t.Error("no SERVICE_TASK_START_IMPAIRED")
	}
	for _, task := range f.tasks(ecsim.Stopped) {
		if task.StopCode != ecsim.StopContainerExited || task.LastStatus == ecsim.Stopped && task.ExitCode != 1 {
			t.Errorf("task stopped with %q, exit code %d", task.StopCode, task.ExitCode)
		}
	}
	f.must(f.SetBroken(api, ecsim.FailNone))
	f.to(50 * time.Minute)
	f.want("mended", 2, 2, 0)
}

func TestHealthChecksStopTasksOfALoadBalancedService(t *testing.T) {
	f := build(t, exact())
	f.serve(2, func(in *ecsim.CreateServiceInput) { in.LoadBalanced = true })
	f.must(f.SetBroken(api, ecsim.FailHealthCheck))
	f.to(160 * time.Second)
	stopped := f.tasks(ecsim.Stopped)
	if len(stopped) != 2 || stopped[0].StopCode != ecsim.StopScheduler || !strings.HasPrefix(stopped[0].StoppedReason, "Task failed ELB health checks in (target-group arn:") {
		t.Errorf("stopped %+v, want two by health checks", stopped)
	}
	if n := f.Working(api); n != 0 {
		t.Errorf("%d tasks work, want 0", n)
	}
}

func TestStrategyChangeNeedsForce(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(5 * time.Minute)
	in := ecsim.UpdateServiceInput{SetStrategy: true, Strategy: []ecsim.StrategyItem{{Provider: ecsim.Fargate, Weight: 1}}}
	_, err := f.UpdateService(api, in)
	isError(t, err, "InvalidParameterException", "you must force a new deployment")
	in.ForceNewDeployment = true
	_, err = f.UpdateService(api, in)
	f.must(err)
	f.to(15 * time.Minute)
	for _, task := range f.tasks(ecsim.Running) {
		if task.Provider != ecsim.Fargate {
			t.Errorf("a task of %s is left, want every task replaced", task.Provider)
		}
	}
}

func TestDesiredCountMakesNoDeployment(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(5 * time.Minute)
	before := f.service().Deployments[0].ID
	f.desire(7)
	f.to(10 * time.Minute)
	if d := f.service().Deployments; len(d) != 1 || d[0].ID != before || d[0].Rollout != ecsim.RolloutCompleted {
		t.Errorf("deployments %+v, want the one there was", d)
	}
}

func TestBaseAndWeightsSplitTasks(t *testing.T) {
	f := build(t, exact())
	f.serve(10, func(in *ecsim.CreateServiceInput) {
		in.Strategy = []ecsim.StrategyItem{{Provider: ecsim.Fargate, Base: 2, Weight: 1}, {Provider: ecsim.FargateSpot, Weight: 3}}
	})
	f.to(100 * time.Second)
	in := map[string]int{}
	for _, task := range f.tasks(ecsim.Running) {
		in[task.Provider]++
	}
	if in[ecsim.Fargate] != 4 || in[ecsim.FargateSpot] != 6 {
		t.Errorf("%v, want 2 + 2 on-demand and 6 on Spot", in)
	}
	f.SetSupply(spotKey(), 0)
	f.to(10 * time.Minute)
	f.want("on-demand does not take Spot's share", 10, 4, 0)
}
