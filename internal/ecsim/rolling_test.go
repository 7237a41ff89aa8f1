package ecsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// running counts the tasks that are RUNNING and wanted, by the revision of the task definition web.
func (f *fixture) running() map[string]int {
	n := map[string]int{}
	for _, task := range f.tasks(ecsim.Running) {
		if task.LastStatus == ecsim.Running {
			n[task.TaskDefinition[strings.LastIndexByte(task.TaskDefinition, ':')+1:]]++
		}
	}
	return n
}

func (f *fixture) newest() ecsim.ServiceDeployment {
	f.Helper()
	all, err := f.ListServiceDeployments(api)
	f.must(err)
	return all[0]
}

// A release that cannot start leaves the older revision to itself: what that one loses comes back in it.
func TestLostTasksOfTheOlderRevisionComeBackInIt(t *testing.T) {
	for _, bent := range []bool{false, true} {
		cfg := exact()
		cfg.SourceNotReplaced = bent
		f := build(t, cfg)
		f.serve(20)
		f.to(5 * time.Minute)
		f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailImagePull})
		f.to(7 * time.Minute)
		f.Interrupt(api, 12, "", false)
		f.to(12 * time.Minute)
		want := 20
		if bent {
			want = 8
		}
		if n := f.running()["1"]; n != want {
			t.Errorf("source not replaced %v: %d tasks of the older revision run, want %d", bent, n, want)
		}
		if d := f.service().Deployments; len(d) != 2 || d[0].Rollout != ecsim.RolloutInProgress {
			t.Errorf("deployments %+v, want the new one in progress beside the old", d)
		}
	}
}

func TestTheOlderRevisionComesBackOnlyToTheMinimum(t *testing.T) {
	f := build(t, exact())
	f.serve(20, percent(50, 200))
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailImagePull})
	f.to(7 * time.Minute)
	f.Interrupt(api, 20, "", false) // all that minimumHealthyPercent has left
	f.to(12 * time.Minute)
	if n := f.running()["1"]; n != 10 {
		t.Errorf("%d tasks of the older revision run, want 10: half of 20", n)
	}
}

func TestASecondDeploymentDoesNotStopStartingTasks(t *testing.T) {
	f := build(t, exact())
	f.serve(10)
	f.to(30 * time.Second) // nothing runs yet
	f.release(ecsim.TaskDefinitionInput{})
	f.to(100 * time.Second)
	if n := f.running()["1"]; n != 10 {
		t.Fatalf("%d tasks of the first deployment run, want the 10 that were starting", n)
	}
	f.to(10 * time.Minute)
	if n := f.running(); n["1"] != 0 || n["2"] != 10 {
		t.Errorf("%v run, want 10 of the second deployment alone", n)
	}
}

func TestWithoutRoomUnhealthyTasksOfTheOlderRevisionGoOneByOne(t *testing.T) {
	f := build(t, exact())
	f.serve(10, percent(50, 100), func(in *ecsim.CreateServiceInput) { in.LoadBalanced = true })
	f.must(f.SetBroken(api, ecsim.FailHealthCheck))
	f.to(95 * time.Second) // ten that will never be healthy
	f.must(f.SetBroken(api, ecsim.FailNone))
	f.release(ecsim.TaskDefinitionInput{})
	f.to(98 * time.Second)
	if n := len(f.tasks(ecsim.Stopped)); n != 1 {
		t.Errorf("%d tasks stopped at once, want 1", n)
	}
	f.to(20 * time.Minute)
	if n := f.running(); n["2"] != 10 {
		t.Errorf("%v run in the end, want 10 of the new revision", n)
	}
}

func early(percent int, deferred bool) func(*ecsim.CreateServiceInput) {
	return func(in *ecsim.CreateServiceInput) {
		in.Deployment.Rollout = &ecsim.RolloutConfig{EarlySuccess: ecsim.EarlySuccess{Enabled: true, HealthyPercent: percent, Deferred: deferred}}
	}
}

func TestEarlySuccessCompletesWhileTasksStart(t *testing.T) {
	for _, deferred := range []bool{false, true} {
		f := build(t, exact())
		f.serve(20, percent(50, 100), early(50, deferred))
		f.to(5 * time.Minute)
		f.release(ecsim.TaskDefinitionInput{})
		at := 5 * time.Minute
		for ; f.rollout() != ecsim.RolloutCompleted; at += time.Second {
			if at > 30*time.Minute {
				t.Fatal("not completed")
			}
			f.to(at)
		}
		if n := f.running(); n["2"] >= 20 {
			t.Errorf("deferred %v: %v run at COMPLETED, want tasks that still start", deferred, n)
		}
		if got := f.newest().Status; got != ecsim.ReleaseSuccessful {
			t.Errorf("deferred %v: status %s, want SUCCESSFUL", deferred, got)
		}
		older := f.running()["1"]
		if deferred != (older > 0) {
			t.Errorf("deferred %v: %d older tasks at COMPLETED", deferred, older)
		}
		f.to(at + 4*time.Minute)
		if n := f.running()["1"]; n != older {
			t.Errorf("deferred %v: %d older tasks four minutes later, want %d", deferred, n, older)
		}
		f.to(at + 20*time.Minute)
		if n := f.running(); n["1"] != 0 || n["2"] != 20 || len(f.service().Deployments) != 1 {
			t.Errorf("deferred %v: %v run in the end in %d deployments, want 20 in one", deferred, n, len(f.service().Deployments))
		}
	}
}

func TestServiceDeploymentsTellTheirStory(t *testing.T) {
	f := build(t, exact())
	f.serve(4, percent(100, 200, func(c *ecsim.DeploymentConfig) { c.CircuitBreaker, c.Rollback = true, true }))
	first := f.newest()
	if first.Status != ecsim.ReleasePending || len(first.Source) != 0 {
		t.Errorf("at first %+v, want PENDING without a source", first)
	}
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailSecrets})
	f.to(5*time.Minute + time.Second)
	d := f.newest()
	if d.Status != ecsim.ReleaseInProgress || len(d.Source) != 1 || d.Source[0].Running != 4 || d.Target.Requested != 4 || d.Target.Pending != 4 {
		t.Errorf("%+v, want IN_PROGRESS from 4 running to 4 pending", d)
	}
	revisions, missing := f.DescribeServiceRevisions(region, []string{d.Source[0].ARN, d.Target.ARN, d.Target.ARN + "0"})
	if len(revisions) != 2 || len(missing) != 1 || !strings.HasSuffix(revisions[1].TaskDefinition, "web:2") {
		t.Errorf("revisions %+v, missing %+v", revisions, missing)
	}
	for _, task := range f.tasks(ecsim.Running) {
		number := task.StartedBy[len("ecs-svc/"):]
		if !strings.HasSuffix(d.Source[0].ARN, "/"+number) && !strings.HasSuffix(d.Target.ARN, "/"+number) {
			t.Errorf("task of %s belongs to no revision", task.StartedBy)
		}
	}
	f.to(20 * time.Minute)
	d = f.newest()
	if d.Status != ecsim.ReleaseRollbackSuccessful || d.RollbackRevision != first.Target.ARN || d.RolledBackAt.IsZero() {
		t.Errorf("%+v, want rolled back to the first revision", d)
	}
	all, err := f.ListServiceDeployments(api)
	f.must(err)
	if len(all) != 2 || all[1].Status != ecsim.ReleaseSuccessful {
		t.Errorf("%d service deployments, the first %s", len(all), all[1].Status)
	}
	isError(t, f.StopServiceDeployment(region, d.ARN), "ConflictException", "")
	isError(t, f.StopServiceDeployment(region, d.ARN+"x"), "ServiceDeploymentNotFoundException", "")
}

func TestStoppingARollingDeploymentRollsItBack(t *testing.T) {
	f := build(t, exact())
	f.serve(4)
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{})
	f.to(6 * time.Minute)
	f.must(f.StopServiceDeployment(region, f.newest().ARN))
	if got := f.newest().Status; got != ecsim.ReleaseRollbackInProgress {
		t.Errorf("status %s, want ROLLBACK_IN_PROGRESS", got)
	}
	f.to(15 * time.Minute)
	if n := f.running(); n["1"] != 4 || n["2"] != 0 || f.newest().Status != ecsim.ReleaseRollbackSuccessful {
		t.Errorf("%v run, status %s", n, f.newest().Status)
	}
}

func TestARevisionThatHasFailedDoesNotComeBackAfterTheRollBack(t *testing.T) {
	f := build(t, exact())
	f.serve(10, percent(100, 200, func(c *ecsim.DeploymentConfig) { c.CircuitBreaker, c.Rollback = true, true }))
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailImagePull})
	f.to(5*time.Minute + time.Second)
	f.Interrupt(api, 6, "", false)
	for f.newest().Status == ecsim.ReleaseInProgress {
		f.to(f.Now().Sub(f.start) + time.Second)
	}
	if got := f.newest().Status; got != ecsim.ReleaseRollbackInProgress {
		t.Fatalf("status %s, want ROLLBACK_IN_PROGRESS", got)
	}
	f.forget()
	f.to(40 * time.Minute)
	for _, e := range f.events {
		if e.Task != nil && strings.HasSuffix(e.Task.TaskDefinition, "web:2") && e.Task.LastStatus == ecsim.Provisioning {
			t.Fatalf("a task of the failed revision is %s", e.Task.LastStatus)
		}
	}
	if n := f.running()["1"]; n != 10 || f.newest().Status != ecsim.ReleaseRollbackSuccessful {
		t.Errorf("%d tasks of the first revision run, status %s", n, f.newest().Status)
	}
}
