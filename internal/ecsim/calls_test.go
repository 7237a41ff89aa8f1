package ecsim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func isError(t *testing.T, err error, code, part string) {
	t.Helper()
	var e *ecsim.APIError
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, part) {
		t.Errorf("error %v, want %s with %q", err, code, part)
	}
}

func TestErrorsAreECSs(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	one, many, negative := 1, 5001, -1
	update := func(ref ecsim.Ref, in ecsim.UpdateServiceInput) error { _, err := f.UpdateService(ref, in); return err }
	isError(t, update(ecsim.Ref{Region: region, Cluster: "nope", Service: "api"}, ecsim.UpdateServiceInput{Desired: &one}), "ClusterNotFoundException", "Cluster not found.")
	isError(t, update(ecsim.Ref{Region: region, Cluster: cluster, Service: "nope"}, ecsim.UpdateServiceInput{Desired: &one}), "ServiceNotFoundException", "Service not found.")
	isError(t, update(api, ecsim.UpdateServiceInput{Desired: &negative}), "InvalidParameterException", "negative")
	isError(t, update(api, ecsim.UpdateServiceInput{Desired: &many}), "InvalidParameterException", "5000")
	isError(t, update(api, ecsim.UpdateServiceInput{TaskDefinition: "web:9"}), "ClientException", "TaskDefinition not found.")
	_, err := f.CreateService(region, ecsim.CreateServiceInput{Cluster: cluster, Name: "api", TaskDefinition: "web"})
	isError(t, err, "InvalidParameterException", "not idempotent")
	_, err = f.DeleteService(api, false)
	isError(t, err, "InvalidParameterException", "scaled above 0")
	_, err = f.DescribeTaskDefinition(region, "nope")
	isError(t, err, "ClientException", "Unable to describe task definition.")
	_, err = f.StopTask(region, cluster, "nope", "")
	isError(t, err, "InvalidParameterException", "not found")
	_, err = f.ListTasks(region, ecsim.ListTasksInput{Cluster: cluster, Service: "nope"})
	isError(t, err, "ServiceNotFoundException", "Service not found.")
	_, _, err = f.RunTask(region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web", Count: 11})
	isError(t, err, "InvalidParameterException", "between 1 and 10")
	if got := f.service().Desired; got != 1 {
		t.Errorf("desired %d after refused calls, want 1", got)
	}
}

func TestDeletedServiceDrainsAndItsNameCanBeUsedAgain(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(100 * time.Second)
	s, err := f.DeleteService(api, true)
	f.must(err)
	if s.Status != "DRAINING" {
		t.Errorf("status %s, want DRAINING", s.Status)
	}
	_, err = f.UpdateService(api, ecsim.UpdateServiceInput{})
	isError(t, err, "ServiceNotActiveException", "not ACTIVE")
	f.to(10 * time.Minute)
	if s := f.service(); s.Status != "INACTIVE" || s.Running != 0 {
		t.Errorf("status %s with %d running, want INACTIVE with none", s.Status, s.Running)
	}
	if arns, _ := f.ListServices(region, cluster); len(arns) != 0 {
		t.Errorf("listed %v, want no inactive service", arns)
	}
	f.serve(1)
	f.to(20 * time.Minute)
	f.want("a new life", 1, 1, 0)
}

func TestMissingServicesAreFailuresNotErrors(t *testing.T) {
	f := build(t, exact())
	f.serve(0)
	found, missing, err := f.DescribeServices(region, cluster, []string{"api", "gone"})
	f.must(err)
	if len(found) != 1 || len(missing) != 1 || missing[0].Reason != "MISSING" || !strings.HasSuffix(missing[0].ARN, ":service/prod/gone") {
		t.Errorf("found %d, missing %+v", len(found), missing)
	}
}

func TestListTasksOrderIsStableAndByCreation(t *testing.T) {
	f := build(t, exact())
	f.serve(30)
	f.to(100 * time.Second)
	list := func(status ecsim.Status) []string {
		arns, err := f.ListTasks(region, ecsim.ListTasksInput{Cluster: cluster, Service: "api", DesiredStatus: status})
		f.must(err)
		return arns
	}
	before := list("")
	f.Interrupt(api, 5, "", false)
	after := list(ecsim.Running)
	kept := slices.DeleteFunc(slices.Clone(before), func(arn string) bool { return !slices.Contains(after, arn) })
	if len(after) != 25 || !slices.Equal(after, kept) {
		t.Errorf("%d tasks, order kept %v; want 25 in the old order", len(after), slices.Equal(after, kept))
	}
	if n := len(list(ecsim.Stopped)); n != 5 {
		t.Errorf("%d with desired status STOPPED, want the 5 warned", n)
	}
	if n := len(list(ecsim.Pending)); n != 0 {
		t.Errorf("%d with desired status PENDING, want none ever", n)
	}
	f.to(107 * time.Second)
	if n := len(list("")); n != 30 {
		t.Errorf("%d with desired status RUNNING, want the starting ones too", n)
	}
	all, err := f.ListTasks(region, ecsim.ListTasksInput{Cluster: cluster})
	f.must(err)
	if !slices.Equal(all, list("")) {
		t.Error("listing the cluster differs from listing its only service")
	}
}

func TestScaleInTakesLongestRunningFirstAndSparesStarting(t *testing.T) {
	f := build(t, exact())
	f.serve(3)
	f.to(100 * time.Second)
	old := f.tasks(ecsim.Running)
	f.desire(6)
	f.to(120 * time.Second)
	f.desire(4)
	f.to(130 * time.Second)
	f.want("two running ones went, the starting stay", 4, 1, 3)
	left := f.tasks(ecsim.Running)
	if left[0].ID != old[2].ID {
		t.Errorf("task %s is left, want the youngest of the running", left[0].ID)
	}
}

func TestScaleInPicksOtherwiseWhenAsked(t *testing.T) {
	cfg := exact()
	cfg.ScaleIn = ecsim.PickStartingFirst
	f := build(t, cfg)
	f.serve(3)
	f.to(100 * time.Second)
	f.desire(6)
	f.to(120 * time.Second)
	f.desire(2)
	f.to(130 * time.Second)
	f.want("the starting went first, then one running", 2, 2, 0)
}

func TestProtectedTasksBlockScaleInUntilTheProtectionEnds(t *testing.T) {
	f := build(t, exact())
	f.serve(4)
	f.to(100 * time.Second)
	var ids []string
	for _, task := range f.tasks(ecsim.Running)[:3] {
		ids = append(ids, task.ID)
	}
	done, failures, err := f.UpdateTaskProtection(region, cluster, append(ids, "nope"), true, 10*time.Minute)
	f.must(err)
	if len(done) != 3 || !done[0].Enabled || len(failures) != 1 {
		t.Fatalf("protected %v, failures %v", done, failures)
	}
	f.desire(0)
	f.to(5 * time.Minute)
	f.want("only the unprotected one went", 0, 3, 0)
	if m := f.service().Events[0].Message; !strings.Contains(m, "was unable to scale in due to") {
		t.Errorf("last message %q, want the block", m)
	}
	_, _, err = f.UpdateTaskProtection(region, cluster, ids[:1], false, 0)
	f.must(err)
	f.to(6 * time.Minute)
	f.want("one set free", 0, 2, 0)
	f.to(11*time.Minute + 41*time.Second)
	f.want("the others ran out", 0, 0, 0)
}

func TestProtectionDoesNotStopAnInterruption(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(100 * time.Second)
	_, _, err := f.UpdateTaskProtection(region, cluster, []string{f.tasks(ecsim.Running)[0].ID}, true, 0)
	f.must(err)
	if ids := f.Interrupt(api, 1, "", false); len(ids) != 1 {
		t.Error("a protected task was not interrupted")
	}
}

func TestSteadyStateIsSaidOnceThenEverySixHours(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(6*time.Hour + 89*time.Second)
	if n := f.count(named(ecsim.EventSteadyState)); n != 1 {
		t.Errorf("%d steady-state events in six hours, want 1", n)
	}
	f.to(6*time.Hour + 90*time.Second)
	if n := f.count(named(ecsim.EventSteadyState)); n != 2 {
		t.Errorf("%d steady-state events after six hours, want 2", n)
	}
}

func TestStaleReadsShowTheStateBeforeTheWriteForAWhile(t *testing.T) {
	cfg := exact()
	cfg.ReadLag = 2 * time.Second
	stale := 0
	for seed := range uint64(50) {
		cfg.Seed = seed
		f := build(t, cfg)
		f.serve(1)
		f.to(100 * time.Second)
		f.desire(5)
		if d, _, _ := f.Counts(api); d != 1 && d != 5 {
			t.Fatalf("desired %d, want before or after the write", d)
		}
		f.to(101 * time.Second)
		s := f.service()
		arns, err := f.ListTasks(region, ecsim.ListTasksInput{Cluster: cluster, Service: "api"})
		f.must(err)
		switch {
		case s.Desired == 1 && s.Pending == 0 && len(arns) == 1:
			stale++
		case s.Desired == 5 && s.Pending == 4 && len(arns) == 5:
		default:
			t.Fatalf("seed %d: desired %d, pending %d, %d listed: a mixture", seed, s.Desired, s.Pending, len(arns))
		}
		f.to(102 * time.Second)
		f.want("older than the lag", 5, 1, 4)
	}
	if stale < 10 || stale > 40 {
		t.Errorf("%d of 50 reads one second after a write are stale with a lag of up to 2 s, want about half", stale)
	}
}

func TestTokenBucketsThrottle(t *testing.T) {
	cfg := exact()
	cfg.Throttle = true
	f := build(t, cfg)
	for i := range 50 {
		if err := f.Allow(region, "UpdateService"); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	isError(t, f.Allow(region, "UpdateService"), "ThrottlingException", "Rate exceeded")
	if err := f.Allow(region, "DescribeServices"); err != nil {
		t.Errorf("another bucket is empty: %v", err)
	}
	if err := f.Allow("eu-west-1", "UpdateService"); err != nil {
		t.Errorf("another region's bucket is empty: %v", err)
	}
	f.to(time.Second)
	for i := range 5 {
		if err := f.Allow(region, "UpdateService"); err != nil {
			t.Fatalf("refilled call %d: %v", i, err)
		}
	}
	isError(t, f.Allow(region, "UpdateService"), "ThrottlingException", "Rate exceeded")
	for range 20 {
		f.must(f.Allow(region, "RunTask"))
	}
	isError(t, f.Allow(region, "RunTask"), "ThrottlingException", "Rate exceeded")
}

func TestFaultsHitTheCallsTheyAreMeantFor(t *testing.T) {
	f := build(t, exact())
	f.Fail(ecsim.Fault{Op: "UpdateService", Times: 2, Err: ecsim.APIError{Code: "ServerException", Status: 500}})
	if f.Fault(region, "ListTasks") != nil {
		t.Error("a fault of UpdateService hit ListTasks")
	}
	for range 2 {
		if e := f.Fault(region, "UpdateService"); e == nil || e.Code != "ServerException" || e.Status != 500 {
			t.Fatalf("fault %v, want ServerException 500", e)
		}
	}
	if e := f.Fault(region, "UpdateService"); e != nil {
		t.Errorf("third call met %v, want two faults only", e)
	}
	f.Fail(ecsim.Fault{Share: 0.3, Until: f.start.Add(time.Minute), Err: ecsim.APIError{Code: "AccessDeniedException"}})
	hit := 0
	for range 1000 {
		if f.Fault(region, "DescribeServices") != nil {
			hit++
		}
	}
	if hit < 250 || hit > 350 {
		t.Errorf("%d of 1000 calls failed, want about 300", hit)
	}
	f.to(time.Minute)
	if f.Fault(region, "DescribeServices") != nil {
		t.Error("the fault outlived its end")
	}
}

func TestTagsOfEveryResource(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(0)
	for _, arn := range []string{
		f.ClusterARN(region, cluster), f.service().ARN, f.service().TaskDefinition, f.tasks(ecsim.Running)[0].ARN,
	} {
		f.must(f.TagResource(arn, []ecsim.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}))
		f.must(f.TagResource(arn, []ecsim.Tag{{Key: "a", Value: "3"}}))
		f.must(f.UntagResource(arn, []string{"b"}))
		tags, err := f.ListTagsForResource(arn)
		f.must(err)
		if len(tags) != 1 || tags[0] != (ecsim.Tag{Key: "a", Value: "3"}) {
			t.Errorf("%s: tags %v, want a=3", arn, tags)
		}
	}
	isError(t, f.TagResource("arn:aws:ecs:us-west-2:1:service/prod/nope", nil), "InvalidParameterException", "not found")
}
