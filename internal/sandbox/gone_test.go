package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// seen is the status that DescribeServices shows of a service, or the reason of its failure, or the code of the error.
func seen(t *testing.T, c clients, name string) string {
	t.Helper()
	out, err := c.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: new("prod"), Services: []string{name}})
	switch {
	case err != nil:
		wantCode(t, err, "ClusterNotFoundException")
		return "ClusterNotFoundException"
	case len(out.Services) == 1:
		return *out.Services[0].Status
	}
	return *out.Failures[0].Reason
}

// L16 over the wire: a service is deleted, shows what AWS shows, and its name is used again.
func TestAServiceThatIsDeletedAndReplaced(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 3)
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	network := service(t, c, "api").NetworkConfiguration
	create := func() error {
		_, err := c.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("api"), TaskDefinition: new("api"), NetworkConfiguration: network})
		return err
	}
	if a := steered(t, s, "POST", "delete", `{"cluster": "prod", "service": "api", "forget": true}`); a["services"].(map[string]any)["api"] != "DRAINING" {
		t.Errorf("answer: %v", a)
	}
	running := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: new("prod")})).TaskArns
	if got := seen(t, c, "api"); got != "DRAINING" || stateOf(s, "api").Running != 3 || len(running) != 0 {
		t.Errorf("while its tasks stop: %s, %+v, %d tasks wanted", got, stateOf(s, "api"), len(running))
	}
	wantCode(t, create(), "InvalidParameterException")
	s.AdvanceTo(s.Now().Add(5 * time.Minute))
	if got := seen(t, c, "api"); got != "INACTIVE" {
		t.Errorf("without tasks: %s", got)
	}
	steered(t, s, "POST", "delete", `{"cluster": "prod", "service": "api", "forget": true}`)
	if got := seen(t, c, "api"); got != "MISSING" {
		t.Errorf("forgotten: %s", got)
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	if got := seen(t, c, "api"); got != "ACTIVE" {
		t.Errorf("made again: %s", got)
	}
	steered(t, s, "POST", "delete", `{"cluster": "prod"}`)
	if got := seen(t, c, "api"); got != "ClusterNotFoundException" {
		t.Errorf("the cluster is deleted: %s", got)
	}
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: new("prod")}))
	if got := seen(t, c, "api"); got != "INACTIVE" {
		t.Errorf("the cluster is made again: %s", got)
	}
	for _, bad := range []string{`{}`, `{"cluster": "nowhere"}`, `{"cluster": "prod", "service": "nowhere"}`} {
		if status, _ := steer(t, s, "POST", "delete", bad); status != 400 {
			t.Errorf("delete %s: %d", bad, status)
		}
	}
}

func TestAServiceIsMissingOnceAndAClusterForAWhile(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	steered(t, s, "POST", "faults", `{"kind": "missing_service", "service": "ap*", "count": 1}`)
	if got := seen(t, c, "other"); got != "MISSING" { // is not there, and uses nothing up
		t.Errorf("other: %s", got)
	}
	if got := []string{seen(t, c, "api"), seen(t, c, "api")}; got[0] != "MISSING" || got[1] != "ACTIVE" {
		t.Errorf("a fault for one call: %v", got)
	}
	steered(t, s, "POST", "faults", `{"kind": "cluster_not_found", "operation": "ecs:Describe*", "until": "`+s.Now().Add(time.Minute).Format(time.RFC3339)+`"}`)
	if got := seen(t, c, "api"); got != "ClusterNotFoundException" {
		t.Errorf("cluster_not_found: %s", got)
	}
	s.AdvanceTo(s.Now().Add(time.Minute))
	if got := seen(t, c, "api"); got != "ACTIVE" {
		t.Errorf("a minute later: %s", got)
	}
}

func TestReadsAreFreshUnlessAFaultMakesThemStale(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	stale := func() bool { // whether any of some writes is not seen at once
		for i := range int32(20) {
			must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DesiredCount: new(i + 2)}))
			if service(t, c, "api").DesiredCount != i+2 {
				return true
			}
			s.AdvanceTo(s.Now().Add(time.Minute))
		}
		return false
	}
	if stale() {
		t.Error("stale without a fault")
	}
	id := steered(t, s, "POST", "faults", `{"kind": "stale_reads", "latency_seconds": 20}`)["id"]
	if !stale() {
		t.Error("fresh under the fault")
	}
	if id != 1.0 {
		t.Errorf("id %v", id)
	}
	steered(t, s, "DELETE", "faults?id=1", "")
	s.AdvanceTo(s.Now().Add(time.Minute))
	if stale() {
		t.Error("stale after the fault")
	}
	for _, bad := range []string{`{"kind": "stale_reads", "count": 1}`, `{"kind": "missing_service", "operation": "ecs:*"}`, `{"kind": "throttle", "service": "api"}`, `{"kind": "missing_service", "service": "["}`} {
		if status, _ := steer(t, s, "POST", "faults", bad); status != 400 {
			t.Errorf("fault %s: %d", bad, status)
		}
	}
}

// M13: a retirement window takes tasks of every service of the cluster, and no capacity.
func TestAMassRetirement(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.SetupTwins("prod", "api", 10); err != nil {
		t.Fatal(err)
	}
	if err := s.SetupTwins("prod", "web", 6); err != nil {
		t.Fatal(err)
	}
	a := steered(t, s, "POST", "retire", `{"cluster": "prod", "share": 0.5}`)
	arns := []string{}
	for _, id := range a["retired"].([]any) {
		arns = append(arns, id.(string))
	}
	if len(arns) != 8 {
		t.Fatalf("retired %d", len(arns))
	}
	s.AdvanceTo(s.Now().Add(5 * time.Minute))
	for _, task := range must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: arns})).Tasks {
		if task.StopCode != types.TaskStopCodeServiceSchedulerInitiated || !strings.HasPrefix(*task.StoppedReason, "ECS is performing maintenance") {
			t.Errorf("stopped by %s: %s", task.StopCode, *task.StoppedReason)
		}
	}
	if v, w := stateOf(s, "api-spot"), stateOf(s, "web-spot"); v.Working != 10 || w.Working != 6 {
		t.Errorf("replaced: %+v %+v", v, w)
	}
	one := steered(t, s, "POST", "retire", `{"cluster": "prod", "service": "api-spot", "share": 0.1, "cause": "infrastructure"}`)["retired"].([]any)
	if len(one) != 1 {
		t.Errorf("retired of one service: %v", one)
	}
	for _, bad := range []string{`{"cause": "whim"}`, `{"share": 2}`, `{"cluster": "nowhere"}`, `{"cluster": "prod", "service": "nowhere"}`} {
		if status, _ := steer(t, s, "POST", "retire", bad); status != 400 {
			t.Errorf("retire %s: %d", bad, status)
		}
	}
}
