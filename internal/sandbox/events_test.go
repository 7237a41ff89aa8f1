package sandbox_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

type event struct {
	Version    string
	ID         string
	DetailType string `json:"detail-type"`
	Source     string
	Account    string
	Time       string
	Region     string
	Resources  []string
	Detail     map[string]any
	body       string
}

// takeEvents receives and deletes everything that is visible in the events queue.
func takeEvents(t testing.TB, s *sandbox.Sandbox, c clients) []event {
	t.Helper()
	url := s.QueueURL()
	var all []event
	for range 10_000 {
		got := must[*sqs.ReceiveMessageOutput](t)(c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})).Messages
		if len(got) == 0 {
			return all
		}
		var done []sqstypes.DeleteMessageBatchRequestEntry
		for i, m := range got {
			e := event{body: *m.Body}
			if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
				t.Fatalf("event is not JSON: %v: %s", err, *m.Body)
			}
			all = append(all, e)
			done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		must[*sqs.DeleteMessageBatchOutput](t)(c.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done}))
	}
	t.Fatal("the queue never ends")
	return nil
}

func keys(m map[string]any) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

var api = ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api"}

// warned runs a service of two tasks, warns one, and returns the events of that.
func warned(t *testing.T) (s *sandbox.Sandbox, c clients, id string, events []event) {
	t.Helper()
	s = manual(t)
	c = connect(s)
	prod(t, c, 2)
	s.AdvanceTo(start.Add(10 * time.Minute))
	takeEvents(t, s, c)
	s.World(func(w *ecsim.World) { id = w.Interrupt(api, 1, "", false)[0] })
	s.AdvanceTo(start.Add(20 * time.Minute))
	return s, c, id, takeEvents(t, s, c)
}

func TestAnInterruptionWarningHasTheFieldsOfTheDocumentedEvent(t *testing.T) {
	_, _, id, events := warned(t)
	i := slices.IndexFunc(events, func(e event) bool {
		return e.DetailType == "ECS Task State Change" && e.Detail["desiredStatus"] == "STOPPED"
	})
	if i < 0 {
		t.Fatalf("no warning among %d events", len(events))
	}
	e := events[i]
	arn := "arn:aws:ecs:us-east-1:123456789012:task/prod/" + id[strings.LastIndexByte(id, '/')+1:]
	if e.Version != "0" || e.Source != "aws.ecs" || e.Account != "123456789012" || e.Region != "us-east-1" || e.Time != "2026-11-02T09:10:00Z" ||
		len(e.ID) != 36 || len(e.Resources) != 1 || e.Resources[0] != arn {
		t.Errorf("envelope: %s", e.body)
	}
	want := map[string]any{"lastStatus": "RUNNING", "desiredStatus": "STOPPED", "stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted.",
		"taskArn": arn, "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/prod", "launchType": "FARGATE", "capacityProviderName": "FARGATE_SPOT",
		"group": "service:api", "cpu": "1024", "memory": "2048", "createdAt": "2026-11-02T09:00:01.000Z", "platformVersion": "1.4.0",
		"taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/api:1"}
	for field, value := range want {
		if e.Detail[field] != value {
			t.Errorf("%s: want %v, got %v", field, value, e.Detail[field])
		}
	}
	// Every field that the captured example in AWS's documentation has for a running task.
	for _, field := range []string{"attachments", "availabilityZone", "connectivity", "connectivityAt", "containers", "overrides", "pullStartedAt", "pullStoppedAt",
		"startedAt", "startedBy", "updatedAt", "version", "attributes", "enableExecuteCommand", "ephemeralStorage", "platformFamily"} {
		if _, ok := e.Detail[field]; !ok {
			t.Errorf("detail.%s is missing", field)
		}
	}
	if _, isNumber := e.Detail["version"].(float64); !isNumber {
		t.Errorf("version: want a number, got %T", e.Detail["version"])
	}
	for _, field := range []string{"stoppedAt", "tags"} {
		if _, ok := e.Detail[field]; ok {
			t.Errorf("detail.%s must not be there", field)
		}
	}
}

func TestTheFinalStopComesWithAHigherVersionAndAnExitCode(t *testing.T) {
	_, _, id, events := warned(t)
	var statuses []string
	version := 0.0
	for _, e := range events {
		if e.DetailType != "ECS Task State Change" || !strings.HasSuffix(e.Resources[0], id[strings.LastIndexByte(id, '/')+1:]) {
			continue
		}
		statuses = append(statuses, e.Detail["lastStatus"].(string))
		if v := e.Detail["version"].(float64); v <= version {
			t.Errorf("version %v after %v", v, version)
		} else {
			version = v
		}
		if e.Detail["lastStatus"] != "STOPPED" {
			continue
		}
		container := e.Detail["containers"].([]any)[0].(map[string]any)
		if e.Detail["stopCode"] != "SpotInterruption" || container["exitCode"] == nil || e.Detail["stoppingAt"] == nil || e.Detail["stoppedAt"] == nil || e.Detail["executionStoppedAt"] == nil {
			t.Errorf("final stop: %s", e.body)
		}
	}
	if len(statuses) < 2 || statuses[0] != "RUNNING" || statuses[len(statuses)-1] != "STOPPED" {
		t.Errorf("life of the warned task: %v", statuses)
	}
}

func TestServiceActionsAndDeploymentsHaveTheDocumentedShape(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 2)
	s.AdvanceTo(start.Add(10 * time.Minute))
	s.World(func(w *ecsim.World) {
		w.SetSupply(ecsim.SupplyKey{Region: "us-east-1", Provider: ecsim.FargateSpot}, 2)
		_, _ = w.UpdateService(api, ecsim.UpdateServiceInput{Desired: new(4)})
	})
	s.AdvanceTo(start.Add(20 * time.Minute))
	seen := map[string]bool{}
	for _, e := range takeEvents(t, s, c) {
		name, _ := e.Detail["eventName"].(string)
		service := "arn:aws:ecs:us-east-1:123456789012:service/prod/api"
		if e.DetailType != "ECS Service Action" && e.DetailType != "ECS Deployment State Change" {
			continue
		}
		if e.Resources[0] != service {
			t.Errorf("%s: resources %v", name, e.Resources)
		}
		want := ""
		switch name {
		case "SERVICE_TASK_PLACEMENT_FAILURE":
			want = "capacityProviderArns clusterArn createdAt eventName eventType reason"
			if e.Detail["reason"] != "RESOURCE:FARGATE" || e.Detail["eventType"] != "ERROR" || fmt.Sprint(e.Detail["capacityProviderArns"]) != "[arn:aws:ecs:us-east-1:123456789012:capacity-provider/FARGATE_SPOT]" {
				t.Errorf("placement failure: %s", e.body)
			}
		case "SERVICE_STEADY_STATE":
			want = "clusterArn createdAt eventName eventType"
		case "SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED":
			want = "deploymentId eventName eventType reason updatedAt"
		}
		seen[name] = true
		if got := strings.Join(keys(e.Detail), " "); want != "" && got != want {
			t.Errorf("%s has the fields %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_STEADY_STATE", "SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"} {
		if !seen[name] {
			t.Errorf("no %s among %v", name, seen)
		}
	}
}

func TestAnUpdateServiceIsSeenByCloudTrail(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DesiredCount: aws.Int32(2)}))
	s.AdvanceTo(start.Add(time.Minute))
	got := map[string]any{}
	for _, e := range takeEvents(t, s, c) {
		if e.DetailType == "AWS API Call via CloudTrail" {
			got[e.Detail["eventName"].(string)] = e.Detail["requestParameters"]
		}
	}
	if fmt.Sprint(got["UpdateService"]) != "map[cluster:prod service:api]" || fmt.Sprint(got["CreateService"]) != "map[cluster:prod serviceName:api]" {
		t.Errorf("recorded calls: %v", got)
	}
}

func TestEventsGetLostDoubledAndLateWhenAsked(t *testing.T) {
	count := func(trouble sandbox.Trouble) (n, distinct int) {
		s := manual(t)
		c := connect(s)
		s.SetDelivery(trouble)
		prod(t, c, 20)
		s.AdvanceTo(start.Add(time.Hour))
		ids := map[string]bool{}
		for _, e := range takeEvents(t, s, c) {
			n++
			ids[e.ID] = true
		}
		return n, len(ids)
	}
	all, distinct := count(sandbox.Trouble{})
	if all < 80 || all != distinct {
		t.Fatalf("without trouble: %d events, %d distinct", all, distinct)
	}
	if n, d := count(sandbox.Trouble{DuplicateShare: 1, LateSeconds: 60}); n != 2*all || d != all {
		t.Errorf("all doubled: want %d of %d, got %d of %d", 2*all, all, n, d)
	}
	if n, _ := count(sandbox.Trouble{LostShare: 0.5}); n < all/4 || n > all*3/4 {
		t.Errorf("half lost: %d of %d arrive", n, all)
	}
	if n, _ := count(sandbox.Trouble{Paused: true}); n != 0 {
		t.Errorf("rule disabled: %d arrive", n)
	}
	s := manual(t)
	c := connect(s)
	s.SetDelivery(sandbox.Trouble{LateShare: 1, LateSeconds: 600})
	prod(t, c, 20)
	s.AdvanceTo(start.Add(time.Minute))
	early := len(takeEvents(t, s, c))
	s.AdvanceTo(start.Add(time.Hour))
	if late := len(takeEvents(t, s, c)); early+late != all || early > all/2 {
		t.Errorf("all late: %d in the first minute, %d afterwards, of %d", early, late, all)
	}
}

func TestTheHookSeesMessagesWhenTheyBecomeVisible(t *testing.T) {
	var seen []sandbox.Delivery
	var calls []sandbox.Call
	s := manual(t, func(o *sandbox.Options) {
		o.OnMessage = func(d sandbox.Delivery) { seen = append(seen, d) }
		o.OnCall = func(c sandbox.Call) { calls = append(calls, c) }
	})
	c := connect(s)
	prod(t, c, 1)
	s.AdvanceTo(start.Add(10 * time.Minute))
	if n := len(takeEvents(t, s, c)); n == 0 || n != len(seen) {
		t.Errorf("%d events received, %d deliveries seen", n, len(seen))
	}
	for i, d := range seen {
		if d.Queue != sandbox.EventsQueue || d.At.Before(start) || d.At.After(start.Add(10*time.Minute)) || i > 0 && d.At.Before(seen[i-1].At) {
			t.Errorf("delivery %d: %+v", i, d)
		}
	}
	if calls[2].Name() != "ecs:CreateService" || !calls[2].At.Equal(start) || calls[2].Status != 200 || !strings.Contains(calls[2].Input, `"serviceName":"api"`) {
		t.Errorf("third call: %+v", calls[2])
	}
	if of := s.Calls().Of("ecs:CreateService"); len(of) != 1 || of[0].Wall != calls[2].Wall {
		t.Errorf("remembered: %+v", of)
	}
}
