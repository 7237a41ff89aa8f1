package sandbox_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// openPolicy lets EventBridge and SNS send, whatever the rule or topic.
const openPolicy = `{"Statement":{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","sns.amazonaws.com"]},"Action":["sqs:SendMessage","sns:Publish"],"Resource":"*"}}`

// newQueue makes a queue that takes messages of rules and topics, and returns its URL and ARN.
func newQueue(t *testing.T, c clients, name string) (url, arn string) {
	t.Helper()
	made := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"Policy": openPolicy}}))
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

// TestTheQueueOfThePageGetsItsEvents: what docs/sandbox.md has people type.
func TestTheQueueOfThePageGetsItsEvents(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 3)
	s.AdvanceTo(start.Add(5 * time.Minute))
	said := func(before string) string {
		_, rest, ok := strings.Cut(string(must[[]byte](t)(os.ReadFile("../../docs/sandbox.md"))), "\n"+before)
		line, _, _ := strings.Cut(rest, "\n")
		if !ok {
			t.Fatalf("the page lacks %s", before)
		}
		return strings.Trim(line, "'")
	}
	var attributes map[string]string
	if err := json.Unmarshal([]byte(said(`aws sqs create-queue --endpoint-url "$AWS_ENDPOINT_URL" --queue-name mine --attributes `)), &attributes); err != nil {
		t.Fatal(err)
	}
	made := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("mine"), Attributes: attributes}))
	putRule(t, c, "mine", said("aws events put-rule --name mine --event-pattern "), ebtypes.Target{Id: new("1"), Arn: new(said("aws events put-targets --rule mine --targets Id=1,Arn="))})
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DesiredCount: new(int32(2))}))
	s.AdvanceTo(s.Now().Add(time.Minute))
	if got := bodies(t, c, *made.QueueUrl); len(got) == 0 {
		t.Error("it got nothing")
	}
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
	for _, target := range []ebtypes.Target{{Id: new("x"), Arn: new("arn:aws:sqs:us-east-1:123456789012:q"), InputPath: new("$.containers[0]")},
		{Id: new("x"), Arn: new("arn:aws:sqs:us-east-1:123456789012:q"), InputPath: new("$.detail"), Input: new("{}")},
		{Id: new("x"), Arn: new("arn:aws:sqs:us-east-1:123456789012:q"), Input: new("no JSON")}} {
		_, err = c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("fine"), Targets: []ebtypes.Target{target}})
		wantCode(t, err, "ValidationException")
	}
	_, err = c.events.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: new("nowhere")})
	wantError[*ebtypes.ResourceNotFoundException](t, err, "ResourceNotFoundException")
}

// TestTargetsGetWhatTheyAskForOfAnEvent: a part, a text in its place, or nothing where EventBridge cannot use the queue's key.
func TestTargetsGetWhatTheyAskForOfAnEvent(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.SetupTwins("prod", "api", 3); err != nil {
		t.Fatal(err)
	}
	part, partARN := newQueue(t, c, "part")
	text, textARN := newQueue(t, c, "text")
	whole, wholeARN := newQueue(t, c, "whole")
	sealed, sealedARN := newQueue(t, c, "sealed")
	must[*sqs.SetQueueAttributesOutput](t)(c.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &sealed,
		Attributes: map[string]string{"KmsMasterKeyId": "alias/aws/sqs"}}))
	putRule(t, c, "warnings", `{"detail":{"stopCode":["SpotInterruption"],"lastStatus":["RUNNING"]}}`,
		ebtypes.Target{Id: new("part"), Arn: &partARN, InputPath: new("$.detail.lastStatus")},
		ebtypes.Target{Id: new("text"), Arn: &textARN, InputTransformer: &ebtypes.InputTransformer{
			InputPathsMap: map[string]string{"code": "$.detail.stopCode", "none": "$.detail.none"}, InputTemplate: new(`{"why":"<code>","none":"<none>"}`)}},
		ebtypes.Target{Id: new("whole"), Arn: &wholeARN, InputTransformer: &ebtypes.InputTransformer{InputTemplate: new(`<aws.events.event.json>`)}},
		ebtypes.Target{Id: new("sealed"), Arn: &sealedARN})
	interrupted(t, s)
	for url, want := range map[string]string{part: `"RUNNING"`, text: `{"why":"SpotInterruption","none":""}`} {
		if got := bodies(t, c, url); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := bodies(t, c, whole); len(got) != 1 || !json.Valid([]byte(got[0])) {
		t.Errorf("the whole event: %q", got)
	}
	if got := bodies(t, c, sealed); len(got) != 0 {
		t.Errorf("a queue with AWS's own key got %d events", len(got))
	}
}

func TestAPatternCanBeTried(t *testing.T) {
	c := connect(manual(t))
	event := `{"id":"1","account":"123456789012","source":"aws.ecs","time":"2026-11-20T10:00:00Z","region":"us-east-1","resources":[],"detail-type":"x","detail":{}}`
	try := func(pattern, event string) (*eventbridge.TestEventPatternOutput, error) {
		return c.events.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{EventPattern: &pattern, Event: &event})
	}
	for pattern, want := range map[string]bool{`{"source":[{"prefix":"aws."}]}`: true, `{"source":["aws.ec2"]}`: false} {
		if got := must[*eventbridge.TestEventPatternOutput](t)(try(pattern, event)); got.Result != want {
			t.Errorf("%s: %t", pattern, got.Result)
		}
	}
	_, err := try(`{"source":"aws.ecs"}`, event)
	wantError[*ebtypes.InvalidEventPatternException](t, err, "InvalidEventPatternException")
	_, err = try(`{"source":["aws.ecs"]}`, `{"source":"aws.ecs"}`)
	wantCode(t, err, "ValidationException")
}
