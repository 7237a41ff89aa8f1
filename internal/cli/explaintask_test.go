package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestATaskIsExplained asks ECS, behind a target group whose tasks answer a minute after they run.
func TestATaskIsExplained(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: statusNow, ReadLag: -1}})
	if err := box.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 4, WarmUp: time.Minute, TargetGroup: true, StopTimeout: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	box.AdvanceTo(box.Now().Add(10 * time.Minute))
	services := service.New(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, service.Options{Scale: 1000})
	policy, _ := failover.Preset(failover.PresetFill)
	policy.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	api := control.Workload{Name: "api", Policy: policy, Refs: []control.ServiceRef{{Region: "us-east-1", Cluster: "prod", Service: "api-spot"}, {Region: "us-east-1", Cluster: "prod", Service: "api-standard"}}}
	steer := func(route string, body map[string]any) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "http://sandbox.localhost/_sandbox/"+route, bytes.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		if answer, err := box.Do(r); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v, %+v", route, err, answer)
		}
	}
	ids := func() (out []string) {
		t.Helper()
		l, err := services.List(t.Context(), api.Refs[0], control.Want{Health: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range l.Tasks {
			out = append(out, task.ID[strings.LastIndexByte(task.ID, '/')+1:])
		}
		return out
	}
	explain := func(id string) taskFacts {
		t.Helper()
		f, err := findTask(t.Context(), services, []control.Workload{api}, nil, id)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := ids()
	if f := explain(before[0]); !f.InService || f.Pool != "spot" || !strings.Contains(f.Text, "its health checks pass") {
		t.Errorf("a task that serves: %+v", f)
	}
	steer("interrupt", map[string]any{"cluster": "prod", "service": "api-spot", "count": 1})
	box.AdvanceTo(box.Now().Add(5 * time.Second))
	words := map[string]string{}
	for _, id := range append(before, ids()...) {
		words[explain(id).Word] = explain(id).Text
	}
	if !strings.Contains(words["leaving"], "under notice and still works") {
		t.Errorf("of the tasks one is leaving: %v", words)
	}
	for range 20 { // until the replacement runs and is not healthy yet
		if words["warming"] != "" {
			break
		}
		box.AdvanceTo(box.Now().Add(5 * time.Second))
		for _, id := range ids() {
			words[explain(id).Word] = explain(id).Text
		}
	}
	if !strings.Contains(words["placed"], "it is ") || !strings.Contains(words["warming"], "no health check has passed yet") {
		t.Errorf("the replacement is placed, then it warms up: %v", words)
	}
	if _, err := findTask(t.Context(), services, []control.Workload{api}, nil, strings.Repeat("0", 32)); codeOf(err) != ExitRefused {
		t.Errorf("a task that is not there: %v", err)
	}
}

func TestATaskIsToldFromAWorkload(t *testing.T) {
	id := strings.Repeat("0a", 16)
	for _, args := range [][]string{{id}, {"api", id}, {"arn:aws:ecs:us-east-1:123456789012:task/prod/" + id, "api"}} {
		if task, names := taskIn(args); task != id || len(names) != len(args)-1 {
			t.Errorf("%v: task %q, workloads %v", args, task, names)
		}
	}
	if task, names := taskIn([]string{"api"}); task != "" || len(names) != 1 {
		t.Errorf("task %q, workloads %v", task, names)
	}
}

// TestAClusterThatCannotBeReadHidesNoTaskOfAService, and is told where the task is found nowhere.
func TestAClusterThatCannotBeReadHidesNoTaskOfAService(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: statusNow, ReadLag: -1}})
	if err := box.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 1}); err != nil {
		t.Fatal(err)
	}
	box.AdvanceTo(box.Now().Add(10 * time.Minute))
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	policy, _ := failover.Preset(failover.PresetFill)
	policy.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}}
	api := control.Workload{Name: "api", Policy: policy, Refs: []control.ServiceRef{{Region: "us-east-1", Cluster: "prod", Service: "api-spot"}}}
	l, err := service.New(cfg, service.Options{}).List(t.Context(), api.Refs[0], control.Want{})
	if err != nil || len(l.Tasks) != 1 {
		t.Fatalf("%v: %+v", err, l.Tasks)
	}
	file := &config.File{State: config.State{SQLite: t.TempDir() + "/state.db"}, Tasks: []config.Tasks{{Cluster: "gone", Region: "us-east-1"}}}
	f, err := taskFactsOf(t.Context(), file, cfg, []control.Workload{api}, ecsevent.TaskID(l.Tasks[0].ID))
	if err != nil || f.Workload != "api" {
		t.Errorf("%v: %+v", err, f)
	}
	if _, err := taskFactsOf(t.Context(), file, cfg, []control.Workload{api}, strings.Repeat("0", 32)); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a task that is nowhere: %v", err)
	}
}
