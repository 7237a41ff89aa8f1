package tfmodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/aws/awstest"
)

// moto is a server that answers for EventBridge and SQS and was not written here.
type moto struct{ endpoint string }

// call makes one AWS JSON call and decodes the answer into out.
func (m moto) call(t *testing.T, service, target string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if service == "sqs" {
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	}
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261120/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", target, resp.Status, err, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s: %v: %s", target, err, answer)
		}
	}
}

// TestASecondEventBridgeDeliversTheSameEvents puts the rules into moto's EventBridge, each with a queue of its own, and
// compares what arrives where with our matcher.
func TestASecondEventBridgeDeliversTheSameEvents(t *testing.T) {
	m, all, events := moto{awstest.Moto(t)}, rules(t), fixtures(t)
	queues := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var queue struct {
			URL string `json:"QueueUrl"`
		}
		m.call(t, "sqs", "AmazonSQS.CreateQueue", map[string]any{"QueueName": name}, &queue)
		queues[name] = queue.URL
		m.call(t, "events", "AWSEvents.PutRule", map[string]any{"Name": name, "EventPattern": string(all[name]), "State": "ENABLED"}, nil)
		m.call(t, "events", "AWSEvents.PutTargets", map[string]any{"Rule": name, "Targets": []map[string]string{
			{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:" + name}}}, nil)
	}
	want := make(map[string]string) // rules by the event's id
	what := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(events)) {
		for _, event := range []string{events[name], strings.ReplaceAll(events[name], "api-spot", "api-spotlight")} {
			id := m.put(t, event)
			what[id], want[id] = name, fmt.Sprint(matching(t, all, event))
		}
	}
	got := make(map[string][]string)
	for _, rule := range slices.Sorted(maps.Keys(queues)) {
		for _, id := range m.drain(t, queues[rule]) {
			got[id] = append(got[id], rule)
		}
	}
	delivered := 0
	for id, rules := range want {
		delivered += len(got[id])
		if have := fmt.Sprint(got[id]); have != rules {
			t.Errorf("%s: moto delivers it by %s, our matcher by %s", what[id], have, rules)
		}
	}
	if delivered < 30 {
		t.Errorf("moto delivered %d events in all; it must have delivered most", delivered)
	}
}

// put sends one event and returns the id that it was given.
func (m moto) put(t *testing.T, event string) string {
	t.Helper()
	var e struct {
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	var out struct {
		FailedEntryCount int
		Entries          []struct {
			ID string `json:"EventId"`
		}
	}
	m.call(t, "events", "AWSEvents.PutEvents", map[string]any{"Entries": []map[string]any{
		{"Source": e.Source, "DetailType": e.DetailType, "Resources": e.Resources, "Detail": string(e.Detail)}}}, &out)
	if out.FailedEntryCount != 0 || len(out.Entries) != 1 {
		t.Fatalf("the event was refused: %+v: %s", out, event)
	}
	return out.Entries[0].ID
}

// drain empties a queue and returns the ids of the events in it.
func (m moto) drain(t *testing.T, queue string) []string {
	t.Helper()
	var ids []string
	for {
		var got struct {
			Messages []struct{ ReceiptHandle, Body string }
		}
		m.call(t, "sqs", "AmazonSQS.ReceiveMessage", map[string]any{"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600}, &got)
		if len(got.Messages) == 0 {
			return ids
		}
		for _, msg := range got.Messages {
			var event struct{ ID string }
			if err := json.Unmarshal([]byte(msg.Body), &event); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, event.ID)
		}
	}
}
