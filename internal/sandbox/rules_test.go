package sandbox_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// newQueue makes a queue and returns its URL and ARN.
func newQueue(t *testing.T, c clients, name string) (url, arn string) {
	t.Helper()
	made := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name}))
	return *made.QueueUrl, "arn:aws:sqs:us-east-1:123456789012:" + name
}

// bodies takes everything out of a queue.
func bodies(t *testing.T, c clients, url string) []string {
	t.Helper()
	var out []string
	for range 1000 {
		got := must[*sqs.ReceiveMessageOutput](t)(c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})).Messages
		if len(got) == 0 {
			return out
		}
		for _, m := range got {
			out = append(out, *m.Body)
			must[*sqs.DeleteMessageOutput](t)(c.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}))
		}
	}
	t.Fatal("the queue never ends")
	return nil
}

func putRule(t *testing.T, c clients, name, pattern string, targets ...ebtypes.Target) {
	t.Helper()
	must[*eventbridge.PutRuleOutput](t)(c.events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern}))
	if len(targets) > 0 {
		must[*eventbridge.PutTargetsOutput](t)(c.events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &name, Targets: targets}))
	}
}

// interrupted interrupts one task and lets its warning arrive.
func interrupted(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	steered(t, s, "POST", "interrupt", `{"cluster": "prod", "service": "api-spot", "count": 1}`)
	s.AdvanceTo(s.Now().Add(time.Second))
}

func TestARuleDeliversWhatItsPatternMatches(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.SetupTwins("prod", "api", 3); err != nil {
		t.Fatal(err)
	}
	warnings, warningsARN := newQueue(t, c, "warnings")
	pager, pagerARN := newQueue(t, c, "pager")
	lost, lostARN := newQueue(t, c, "lost")
	putRule(t, c, "warnings", `{"detail-type":["ECS Task State Change"],"detail":{"stopCode":["SpotInterruption"],"lastStatus":["RUNNING"]}}`,
		ebtypes.Target{Id: new("queue"), Arn: &warningsARN}, ebtypes.Target{Id: new("pager"), Arn: &pagerARN, Input: new(`{"page":"me"}`)},
		ebtypes.Target{Id: new("gone"), Arn: new("arn:aws:sqs:us-east-1:123456789012:gone"), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: &lostARN}},
		ebtypes.Target{Id: new("function"), Arn: new("arn:aws:lambda:us-east-1:123456789012:function:f")})
	putRule(t, c, "nothing", `{"source":["aws.ec2"]}`, ebtypes.Target{Id: new("queue"), Arn: &warningsARN})
	interrupted(t, s)
	got := bodies(t, c, warnings)
	if len(got) != 1 {
		t.Fatalf("%d events match", len(got))
	}
	var e struct {
		Detail struct{ StopCode, LastStatus string }
	}
	if err := json.Unmarshal([]byte(got[0]), &e); err != nil || e.Detail.StopCode != "SpotInterruption" || e.Detail.LastStatus != "RUNNING" {
		t.Errorf("event %s: %v", got[0], err)
	}
	if got := bodies(t, c, pager); len(got) != 1 || got[0] != `{"page":"me"}` {
		t.Errorf("constant input: %v", got)
	}
	if got := bodies(t, c, lost); len(got) != 1 {
		t.Errorf("dead letters: %v", got)
	}
	if n := len(takeEvents(t, s, c)); n == 0 {
		t.Error("the rule of the start does not deliver any more")
	}
	must[*eventbridge.DisableRuleOutput](t)(c.events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: new("warnings")}))
	interrupted(t, s)
	if got := bodies(t, c, warnings); len(got) != 0 {
		t.Errorf("disabled: %v", got)
	}
	must[*eventbridge.EnableRuleOutput](t)(c.events.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: new("warnings")}))
	must[*eventbridge.RemoveTargetsOutput](t)(c.events.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: new("warnings"), Ids: []string{"pager"}}))
	interrupted(t, s)
	if w, p := bodies(t, c, warnings), bodies(t, c, pager); len(w) != 1 || len(p) != 0 {
		t.Errorf("enabled, without the pager: %d and %d", len(w), len(p))
	}
}

func TestTheRuleOfTheStartCanBeChangedDisabledAndDeleted(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.SetupTwins("prod", "api", 5); err != nil {
		t.Fatal(err)
	}
	ctx, name := t.Context(), new("backstop-events")
	some := func() int {
		interrupted(t, s)
		return len(takeEvents(t, s, c))
	}
	if some() == 0 {
		t.Error("nothing is delivered at the start")
	}
	must[*eventbridge.DisableRuleOutput](t)(c.events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: name}))
	if n := some(); n != 0 {
		t.Errorf("disabled: %d", n)
	}
	must[*eventbridge.PutRuleOutput](t)(c.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: name, EventPattern: new(`{"detail":{"stopCode":["SpotInterruption"]}}`)}))
	if n := some(); n != 1 {
		t.Errorf("warnings alone: %d", n)
	}
	_, err := c.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name})
	wantCode(t, err, "ValidationException")
	must[*eventbridge.RemoveTargetsOutput](t)(c.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"backstop-events"}}))
	must[*eventbridge.DeleteRuleOutput](t)(c.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name}))
	if rules := must[*eventbridge.ListRulesOutput](t)(c.events.ListRules(ctx, &eventbridge.ListRulesInput{})).Rules; len(rules) != 0 {
		t.Errorf("rules: %v", rules)
	}
	if n := some(); n != 0 {
		t.Errorf("deleted: %d", n)
	}
	steered(t, s, "POST", "reset", "")
	if rules := must[*eventbridge.ListRulesOutput](t)(c.events.ListRules(ctx, &eventbridge.ListRulesInput{})).Rules; len(rules) != 1 {
		t.Errorf("after a reset: %v", rules)
	}
}

func TestRulesRefuseWhatTheyCannotDo(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	_, err := c.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: new("bad"), EventPattern: new(`{"source":"aws.ecs"}`)})
	wantError[*ebtypes.InvalidEventPatternException](t, err, "InvalidEventPatternException")
	putRule(t, c, "fine", `{"source":["aws.ecs"]}`)
	for _, target := range []ebtypes.Target{{Id: new("x"), Arn: new("arn:aws:sqs:us-east-1:123456789012:q"), InputPath: new("$.detail")},
		{Id: new("x"), Arn: new("arn:aws:sqs:us-east-1:123456789012:q"), Input: new("no JSON")}} {
		_, err = c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("fine"), Targets: []ebtypes.Target{target}})
		wantCode(t, err, "ValidationException")
	}
	_, err = c.events.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: new("nowhere")})
	wantError[*ebtypes.ResourceNotFoundException](t, err, "ResourceNotFoundException")
}
