package ecsevent

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// queueBodies says what each message body of testdata/queue means: a signal's kind, or what its error names.
var queueBodies = map[string]struct {
	kind failover.SignalKind
	says string
}{
	"input-path-detail-only":                {says: `the InputPath "$.detail"`},
	"input-transformer":                     {says: "the keys [reason task]"},
	"placement-failure-that-names-an-image": {kind: failover.SignalApplicationStop},
	"sns-envelope":                          {kind: failover.SignalInterruption},
	"warning-old-form":                      {kind: failover.SignalInterruption},
	"warning-without-stop-code":             {kind: failover.SignalInterruption},
}

func TestEveryBodyThatAQueueMayBringIsReadOrNamed(t *testing.T) {
	files, err := filepath.Glob("testdata/queue/*.json")
	if err != nil || len(files) != len(queueBodies) {
		t.Fatalf("%d files, %d expected (%v)", len(files), len(queueBodies), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		want := queueBodies[name]
		s, ok, err := Parse(read(t, "queue/"+name))
		if want.says != "" {
			wantMisshapen(t, name, want.says, err)
			continue
		}
		if err != nil || !ok || s.Kind != want.kind || s.Service != "api-spot" || s.Cluster != "prod" || s.Account != "111122223333" {
			t.Errorf("%s: ok=%v, %v, %+v; want %s of api-spot", name, ok, err, s, want.kind)
		}
	}
}

// wantMisshapen wants an error that names a cause and has a next step.
func wantMisshapen(t *testing.T, name, says string, err error) {
	t.Helper()
	hinted, is := errors.AsType[interface {
		error
		Hint() string
	}](err)
	if !errors.Is(err, ErrNotEvent) || !strings.Contains(err.Error(), says) || !is || hinted.Hint() == "" {
		t.Errorf("%s: error %v, want one that says %q and what to do", name, err, says)
	}
}

// notice puts a body into SNS's envelope.
func notice(t *testing.T, body string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:123456789012:ecs", "MessageId": "1", "Message": body})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnEventInAnEnvelopeIsTheSameEvent(t *testing.T) {
	for name, want := range golden {
		s, ok, err := Parse([]byte(notice(t, string(read(t, name)))))
		if err != nil || ok != (want != nil) || ok && s != *want {
			t.Errorf("%s in an envelope: ok=%v, %v, %+v", name, ok, err, s)
		}
	}
}

func TestWhatARulesTargetMadeOfAnEventIsNamed(t *testing.T) {
	edit := func(name string, change func(event, detail map[string]any)) string {
		var event map[string]any
		if err := json.Unmarshal(read(t, name), &event); err != nil {
			t.Fatal(err)
		}
		detail, _ := event["detail"].(map[string]any)
		change(event, detail)
		b, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, c := range map[string]struct{ body, says string }{
		"a constant":                  {`{}`, "the keys []"},
		"a text":                      {`"task 1 is interrupted"`, "cannot unmarshal string"},
		"a part that is a list":       {`["arn:aws:ecs:us-east-1:123456789012:task/prod/1"]`, "cannot unmarshal array"},
		"the detail of an action":     {`{"eventName":"SERVICE_STEADY_STATE","clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/prod"}`, "detail of an event alone"},
		"many keys":                   {`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}`, "the keys [a b c d e ...]"},
		"SNS asks for a confirmation": {`{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:us-east-1:123456789012:ecs","Token":"t"}`, "SubscriptionConfirmation of the topic arn:aws:sns:us-east-1:123456789012:ecs"},
		"an envelope with an alarm":   {notice(t, `{"AlarmName":"cpu","NewStateValue":"ALARM"}`), "the keys [AlarmName NewStateValue]"},
		"an envelope in an envelope":  {notice(t, notice(t, string(read(t, "warning")))), "the keys [Message MessageId TopicArn Type]"},
		"no detail":                   {edit("warning", func(e, _ map[string]any) { delete(e, "detail") }), "no detail"},
		"a null for the detail":       {edit("steady_state", func(e, _ map[string]any) { e["detail"] = nil }), "no detail"},
		"another detail": {edit("warning", func(e, _ map[string]any) {
			e["detail"] = map[string]string{"task": "1"}
		}), "no task in its detail"},
		"an action without a name": {edit("steady_state", func(_, d map[string]any) { delete(d, "eventName") }), "no eventName"},
		"an action without a service": {edit("placement_failure_on_demand", func(e, _ map[string]any) {
			delete(e, "resources")
		}), "no resources"},
	} {
		_, ok, err := Parse([]byte(c.body))
		if ok {
			t.Errorf("%s is an event", name)
		}
		wantMisshapen(t, name, c.says, err)
	}
}
