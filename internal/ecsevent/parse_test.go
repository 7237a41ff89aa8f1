package ecsevent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	taskHex  = "b99d40b351764f719a529dbd6f1cebef"
	taskID   = "9bcdac79-b31f-4d3d-9410-fbd727c29fab"
	actionID = "ddca6449-b258-46c0-8653-e0e3a6d0468b"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	ten     = at("2026-11-20T10:00:00Z")
	created = at("2026-11-20T09:00:00.402Z")
	started = at("2026-11-20T09:01:30.103Z")
)

// task is the signal of a Spot task's event as most of the files have it; edit changes the rest.
func task(kind failover.SignalKind, edit func(*failover.Signal)) *failover.Signal {
	s := &failover.Signal{
		ID: taskID, Kind: kind, At: ten, Account: "123456789012", Region: "us-east-1", Cluster: "prod", Service: "api-spot",
		Capacity: failover.Spot, Task: taskHex, Version: 5, Zone: "us-east-1a", CreatedAt: created, Deployment: "ecs-svc/7555234739371397917",
	}
	if edit != nil {
		edit(s)
	}
	return s
}

// stop is the signal of a task's stop.
func stop(kind failover.SignalKind, code, reason string, edit func(*failover.Signal)) *failover.Signal {
	return task(kind, func(s *failover.Signal) {
		s.StopCode, s.StopReason, s.StartedAt = code, reason, started
		if edit != nil {
			edit(s)
		}
	})
}

func neverRan(s *failover.Signal) { s.StartedAt = time.Time{} }

// action is the signal of an event of the service.
func action(kind failover.SignalKind, reason string, edit func(*failover.Signal)) *failover.Signal {
	s := &failover.Signal{
		ID: actionID, Kind: kind, At: ten, Account: "123456789012", Region: "us-east-1", Cluster: "prod", Service: "api-spot", StopReason: reason,
	}
	if edit != nil {
		edit(s)
	}
	return s
}

func onSpot(s *failover.Signal) { s.Capacity = failover.Spot }

const interrupted = "Your Spot Task was interrupted."

// golden says what every file of testdata means; nil: nothing about a service.
var golden = map[string]*failover.Signal{
	"warning_aws_example":        nil, // it has no group, so it is no service's
	"warning":                    stop(failover.SignalInterruption, "SpotInterruption", interrupted, nil),
	"warning_termination_notice": stop(failover.SignalInterruption, "TerminationNotice", interrupted, nil),
	"warning_without_stop_code":  stop(failover.SignalInterruption, "", "YOUR SPOT TASK WAS INTERRUPTED", nil),
	"warning_shortened": stop(failover.SignalInterruption, "SpotInterruption", interrupted, func(s *failover.Signal) {
		s.Capacity, s.StartedAt = "", time.Time{}
	}),
	"warning_text_on_demand": stop(failover.SignalInfrastructure, "", interrupted, func(s *failover.Signal) {
		s.Capacity, s.Service = failover.OnDemand, "api-standard"
	}),
	"interruption_deprovisioning": stop(failover.SignalInterruption, "SpotInterruption", interrupted, func(s *failover.Signal) { s.Version = 8 }),
	"interruption_stopped": stop(failover.SignalInterruption, "SpotInterruption", interrupted, func(s *failover.Signal) {
		s.Version, s.At, s.ExitedAt = 9, at("2026-11-20T10:02:03Z"), at("2026-11-20T10:00:41Z")
	}),
	"interruption_desired_running": stop(failover.SignalInterruption, "SpotInterruption", interrupted, nil),
	"article_interruption":         stop(failover.SignalInterruption, "", "SpotInterruption: Task interrupted due to Spot reclamation", nil),
	"article_no_capacity":          stop(failover.SignalCapacityStop, "", "ResourcesNotAvailable: No spot capacity available", neverRan),
	"capacity_stop": stop(failover.SignalCapacityStop, "TaskFailedToStart",
		"Capacity is unavailable at this time. Please try again later or in a different availability zone.",
		func(s *failover.Signal) { s.StartedAt, s.Version = time.Time{}, 2 }),
	"capacity_stop_spot_code": stop(failover.SignalCapacityStop, "SpotInterruption", "", func(s *failover.Signal) {
		s.StartedAt, s.Version = time.Time{}, 2
	}),
	"running": task(failover.SignalRunning, func(s *failover.Signal) {
		s.Version, s.At, s.StartedAt = 4, at("2026-11-20T09:01:30Z"), started
	}),
	"pending":        task(failover.SignalProgress, func(s *failover.Signal) { s.Version = 2 }),
	"running_family": nil,
	"running_old_arns": task(failover.SignalRunning, func(s *failover.Signal) {
		s.Task, s.Version = "b99d40b3-5176-4f71-9a52-9dbd6f1cebef", 4
		s.StartedAt, s.At = at("2026-11-20T09:01:30Z"), at("2026-11-20T09:01:30Z")
	}),
	"image_pull": stop(failover.SignalApplicationStop, "TaskFailedToStart",
		"CannotPullContainerError: pull image manifest has been retried 5 time(s): not found", neverRan),
	"secret_missing": stop(failover.SignalApplicationStop, "TaskFailedToStart",
		"ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: network interface has no route", neverRan),
	"network_interface": stop(failover.SignalConfiguration, "TaskFailedToStart",
		"Timeout waiting for network interface provisioning to complete.", neverRan),
	"container_exit": stop(failover.SignalApplicationStop, "EssentialContainerExited", "Essential container in task exited", nil),
	"load_balancer_health": stop(failover.SignalUnhealthyStop, "ServiceSchedulerInitiated",
		"Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/1)", nil),
	"container_health": stop(failover.SignalUnhealthyStop, "ServiceSchedulerInitiated", "Task failed container health checks", nil),
	"scale_in": stop(failover.SignalScaleIn, "ServiceSchedulerInitiated",
		"Scaling activity initiated by (deployment ecs-svc/7555234739371397917)", nil),
	"maintenance": stop(failover.SignalInfrastructure, "ServiceSchedulerInitiated",
		"ECS is performing maintenance on the underlying infrastructure hosting the task", nil),
	"infrastructure_health": stop(failover.SignalInfrastructure, "InfrastructureHealth", "(text unknown)", nil),
	"stop_task":             stop(failover.SignalOperatorStop, "UserInitiated", interrupted+" (a drill)", nil),
	"unknown_stop_code":     stop(failover.SignalInfrastructure, "QuantumDecoherence", "a reason of next year", nil),

	"placement_failure_aws_example": {
		ID: actionID, Kind: failover.SignalPlacementFailure, At: at("2019-11-19T19:55:38Z"), Account: "111122223333", Region: "us-west-2",
		Cluster: "default", Service: "servicetest", Capacity: failover.Spot, StopReason: "RESOURCE:FARGATE",
	},
	"placement_failure_on_demand": action(failover.SignalPlacementFailure, "RESOURCE:FARGATE", func(s *failover.Signal) {
		s.Capacity, s.Service = failover.OnDemand, "api-standard"
	}),
	"placement_failure_old_arn":       action(failover.SignalPlacementFailure, "RESOURCE:FARGATE", onSpot),
	"placement_failure_two_providers": action(failover.SignalPlacementFailure, "RESOURCE:FARGATE", nil),
	"placement_failure_rebalancing":   action(failover.SignalProgress, "Availability Zone rebalancing could not launch a task", onSpot),
	"placement_failure_no_provider":   action(failover.SignalProgress, "a reason of next year", nil),
	"placement_failure_quota": action(failover.SignalQuota,
		"You've reached the limit on the number of vCPUs you can run concurrently", onSpot),
	"placement_failure_image": {
		ID: "00000000-0000-4000-8000-0000000000aa", Kind: failover.SignalApplicationStop, At: at("2026-11-03T09:15:00Z"), Account: "123456789012",
		Region: "us-east-1", Cluster: "prod", Service: "api-spot", Capacity: failover.Spot,
		StopReason: "CannotPullContainerError: pull image manifest has been retried 5 time(s)",
	},
	"placement_failure_network": action(failover.SignalConfiguration, "RESOURCE:ENI", onSpot),
	"start_impaired":            action(failover.SignalStartImpaired, "", nil),
	"steady_state":              action(failover.SignalSteadyState, "", nil),
	"capacity_provider_steady":  action(failover.SignalProgress, "", onSpot),
	"configuration_failure":     action(failover.SignalConfiguration, "", nil),
	"operation_throttled":       action(failover.SignalThrottled, "", nil),
	"unknown_service_action":    nil,
	"deployment_in_progress": action(failover.SignalDeploymentStarted, "ECS deployment deploymentId in progress.",
		func(s *failover.Signal) { s.Deployment = "ecs-svc/123" }),
	"deployment_completed": action(failover.SignalDeploymentCompleted, "ECS deployment ecs-svc/123 completed.",
		func(s *failover.Signal) { s.Deployment = "ecs-svc/123" }),
	"deployment_failed": action(failover.SignalDeploymentFailed, "ECS deployment circuit breaker: task failed to start.",
		func(s *failover.Signal) { s.Deployment = "ecs-svc/123" }),
	"deployment_unknown": nil,
	"container_instance": nil,
	"other_source":       nil,
	"china":              action(failover.SignalSteadyState, "", func(s *failover.Signal) { s.Region = "cn-north-1" }),
}

func TestEveryEventInTestdataMeansWhatItSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(golden) {
		t.Fatalf("%d files in testdata, %d expected (%v)", len(files), len(golden), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		t.Run(name, func(t *testing.T) {
			want, known := golden[name]
			if !known {
				t.Fatalf("no expectation for %s", f)
			}
			got, ok, err := Parse(read(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				if ok || got != (failover.Signal{}) {
					t.Fatalf("want nothing, got %+v", got)
				}
				return
			}
			if !ok || !reflect.DeepEqual(got, *want) {
				t.Errorf("ok=%v\n got %+v\nwant %+v", ok, got, *want)
			}
		})
	}
}

func TestADuplicateComesOutTheSameAndAnotherVersionDoesNot(t *testing.T) {
	first, _, _ := Parse(read(t, "warning"))
	again, _, _ := Parse(read(t, "warning"))
	if first != again {
		t.Errorf("a duplicate differs: %+v, %+v", first, again)
	}
	later, _, _ := Parse(read(t, "interruption_stopped"))
	if later.Task != first.Task || later.Version <= first.Version || later.Kind != first.Kind {
		t.Errorf("warning %+v and stop %+v must be one task, one kind, rising versions", first, later)
	}
}

func TestAnEventWithoutAnIDStillHasAStableOne(t *testing.T) {
	for _, name := range []string{"warning", "steady_state", "deployment_failed"} {
		body := strings.Replace(string(read(t, name)), `"id":`, `"no-id":`, 1)
		a, ok, err := Parse([]byte(body))
		b, _, _ := Parse([]byte(body))
		if err != nil || !ok || a.ID == "" || a.ID != b.ID {
			t.Errorf("%s: ids %q and %q, ok=%v, %v", name, a.ID, b.ID, ok, err)
		}
	}
}

func TestUnknownFieldsAndOddTypesAreNoError(t *testing.T) {
	body := `{"id":"e1","source":"aws.ecs","detail-type":"ECS Task State Change","time":12,"region":7,"resources":"x","new":{"a":[1]},
	 "detail":{"taskArn":"arn:aws:ecs:us-east-1:123456789012:task/prod/t1","group":"service:api","lastStatus":"RUNNING","desiredStatus":"RUNNING",
	 "version":"many","startedAt":1794900000.25,"createdAt":{},"containers":[1,{"exitCode":"x"}],"capacityProviderName":["FARGATE"],"later":null}}`
	s, ok, err := Parse([]byte(body))
	want := failover.Signal{
		ID: "e1", Kind: failover.SignalRunning, At: time.Unix(1794900000, 25e7).UTC(), StartedAt: time.Unix(1794900000, 25e7).UTC(),
		Region: "us-east-1", Cluster: "prod", Service: "api", Task: "t1",
	}
	if err != nil || !ok || s != want {
		t.Errorf("ok=%v, %v\n got %+v\nwant %+v", ok, err, s, want)
	}
}

func TestWhatIsNotAnEventIsAnErrorForTheDeadLetterQueue(t *testing.T) {
	whole := string(read(t, "warning"))
	long := strings.Repeat("x", nameMax+1)
	cases := map[string]struct{ body, want string }{
		"nothing":          {"", "unexpected end of JSON input"},
		"truncated":        {whole[:len(whole)/2], "unexpected end of JSON input"},
		"not JSON":         {"hello", "invalid character"},
		"an array":         {"[]", "cannot unmarshal array"},
		"a number":         {"42", "cannot unmarshal number"},
		"no source":        {`{"detail-type":"ECS Task State Change"}`, "no source or no detail-type"},
		"no detail-type":   {`{"source":"aws.ecs"}`, "no source or no detail-type"},
		"null":             {"null", "no source or no detail-type"},
		"detail is a list": {`{"source":"aws.ecs","detail-type":"ECS Service Action","resources":[],"detail":[]}`, "decode detail"},
		"trailing garbage": {whole + "}", "after top-level value"},
		"two events":       {whole + whole, "after top-level value"},
		"too large":        {strings.Repeat(" ", bodyMax+1), "at most 1048576 are read"},
		"deeply nested":    {strings.Repeat(`{"detail":`, 20000), "exceeded max depth"},
		"a long id":        {strings.Replace(whole, taskID, long, 1), "id has 1025 bytes"},
		"a long task":      {strings.ReplaceAll(whole, taskHex, long), "task has 1025 bytes"},
		"no task ARN":      {strings.ReplaceAll(strings.ReplaceAll(whole, "taskArn", "arn"), "arn:aws:ecs:us-east-1:123456789012:task/", "urn:"), "without a task ARN"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, ok, err := Parse([]byte(c.body))
			if err == nil || !errors.Is(err, ErrNotEvent) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one of ErrNotEvent with %q", err, c.want)
			}
			if ok || s != (failover.Signal{}) {
				t.Errorf("an error came with a signal: %+v", s)
			}
		})
	}
}

func TestLongTextIsCutAtACharacterAndInvalidUTF8IsReplaced(t *testing.T) {
	if got := shorten(strings.Repeat("é", reasonMax)); len(got) != reasonMax {
		t.Errorf("cut to %d bytes", len(got))
	}
	if got := shorten("x" + strings.Repeat("é", reasonMax)); len(got) != reasonMax-1 {
		t.Errorf("cut to %d bytes, want the last whole character", len(got))
	}
	if got := shorten("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("got %q", got)
	}
}

func TestTimestampsInEveryForm(t *testing.T) {
	for in, want := range map[string]string{
		`"2026-11-20T10:00:00Z"`:       "2026-11-20T10:00:00Z",
		`"2026-11-20T10:00:00.123Z"`:   "2026-11-20T10:00:00.123Z",
		`"2026-11-20T19:00:00+09:00"`:  "2026-11-20T10:00:00Z",
		`"2026-11-20T19:00:00.5+0900"`: "2026-11-20T10:00:00.5Z",
		`"2026-11-20T10:00:00"`:        "2026-11-20T10:00:00Z",
		`" 2026-11-20 10:00:00.25 "`:   "2026-11-20T10:00:00.25Z",
		`1795168800`:                   "2026-11-20T10:00:00Z",
		`1795168800.5`:                 "2026-11-20T10:00:00.5Z",
		`"1795168800"`:                 "2026-11-20T10:00:00Z",
		`1795168800000`:                "2026-11-20T10:00:00Z",
		`1e300`:                        "",
		`-5`:                           "",
		`"NaN"`:                        "",
		`"0001-01-01T00:00:00Z"`:       "",
		`"yesterday"`:                  "",
		`null`:                         "",
		`{"s":1}`:                      "",
		`true`:                         "",
	} {
		var got timestamp
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if want == "" && !got.IsZero() || want != "" && !got.Equal(at(want)) {
			t.Errorf("%s is %v, want %q", in, got, want)
		}
	}
}

func TestNamesOutOfARNs(t *testing.T) {
	for in, want := range map[string]string{
		"arn:aws:ecs:us-east-1:123456789012:task/prod/t1": "t1",
		"arn:aws:ecs:us-east-1:123456789012:task/t1":      "t1",
		"t1": "t1",
		"arn:aws-us-gov:ecs:us-gov-west-1:123456789012:service/a-spot-b": "a-spot-b",
		"": "",
	} {
		if got := TaskID(in); got != want {
			t.Errorf("TaskID(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"service:api": "api", "service:my-spot-api": "my-spot-api", "service:": "", "family:x": "family:x", "": ""} {
		if got, ok := ServiceOfGroup(in); got != want || ok != (in != "service:" && strings.HasPrefix(in, "service:")) {
			t.Errorf("ServiceOfGroup(%q) = %q, %v", in, got, ok)
		}
	}
	if got := ClusterName("arn:aws:ecs:us-east-1:123456789012:cluster/prod"); got != "prod" {
		t.Errorf("cluster %q", got)
	}
}

func TestTypesListsWhatParseReads(t *testing.T) {
	if got := fmt.Sprint(Types()); got != "[{aws.ecs ECS Task State Change} {aws.ecs ECS Service Action} {aws.ecs ECS Deployment State Change}]" {
		t.Errorf("types %s", got)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkParse(b *testing.B) {
	body := read(b, "warning")
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, ok, err := Parse(body); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
