package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func newTopic(t *testing.T, c clients, name string, attributes map[string]string) string {
	t.Helper()
	return *must[*sns.CreateTopicOutput](t)(c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attributes})).TopicArn
}

func subscribed(t *testing.T, c clients, topic, queueARN string, attributes map[string]string) string {
	t.Helper()
	return *must[*sns.SubscribeOutput](t)(c.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: new("sqs"), Endpoint: &queueARN, Attributes: attributes})).SubscriptionArn
}

func word(text string) snstypes.MessageAttributeValue {
	return snstypes.MessageAttributeValue{DataType: new("String"), StringValue: &text}
}

func TestATopicBringsItsMessagesToSubscribedQueues(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	topic := newTopic(t, c, "ops", nil)
	wrapped, wrappedARN := newQueue(t, c, "wrapped")
	raw, rawARN := newQueue(t, c, "raw")
	chosen, chosenARN := newQueue(t, c, "chosen")
	subscribed(t, c, topic, wrappedARN, nil)
	subscribed(t, c, topic, rawARN, map[string]string{"RawMessageDelivery": "true"})
	filtered := subscribed(t, c, topic, chosenARN, map[string]string{"FilterPolicy": `{"severity":["critical"]}`, "RawMessageDelivery": "true"})
	say := func(text, severity string) {
		must[*sns.PublishOutput](t)(c.sns.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Subject: new("S & T"), Message: &text,
			MessageAttributes: map[string]snstypes.MessageAttributeValue{"severity": word(severity)}}))
	}
	say("all is <well>", "info")
	say("fire", "critical")
	got := receive(t, c, wrapped, 0)
	var envelope struct {
		Type, MessageId, TopicArn, Subject, Message, Timestamp, SignatureVersion, UnsubscribeURL string
		MessageAttributes                                                                        map[string]struct{ Type, Value string }
	}
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	if err := json.Unmarshal([]byte(*got[0].Body), &envelope); err != nil {
		t.Fatal(err)
	}
	if envelope.Type != "Notification" || envelope.TopicArn != topic || envelope.Subject != "S & T" || envelope.Message != "all is <well>" || len(envelope.MessageId) != 36 ||
		envelope.Timestamp != "2026-11-02T09:00:00.000Z" || envelope.SignatureVersion != "1" || envelope.MessageAttributes["severity"].Value != "info" || !strings.Contains(envelope.UnsubscribeURL, "wrapped") && envelope.UnsubscribeURL == "" {
		t.Errorf("envelope %s", *got[0].Body)
	}
	if got := receive(t, c, raw, 0); len(got) != 2 || *got[0].Body != "all is <well>" || *got[0].MessageAttributes["severity"].StringValue != "info" {
		t.Errorf("as it is: %+v", got)
	}
	if got := bodies(t, c, chosen); len(got) != 1 || got[0] != "fire" {
		t.Errorf("filtered: %v", got)
	}
	must[*sns.SetSubscriptionAttributesOutput](t)(c.sns.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: &filtered, AttributeName: new("FilterPolicy"), AttributeValue: new("{}")}))
	say("again", "info")
	must[*sns.UnsubscribeOutput](t)(c.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &filtered}))
	say("and again", "info")
	if got := bodies(t, c, chosen); len(got) != 1 || got[0] != "again" {
		t.Errorf("without a filter, then unsubscribed: %v", got)
	}
	left := must[*sns.ListSubscriptionsByTopicOutput](t)(c.sns.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})).Subscriptions
	about := must[*sns.GetTopicAttributesOutput](t)(c.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})).Attributes
	if len(left) != 2 || about["SubscriptionsConfirmed"] != "2" || about["SubscriptionsDeleted"] != "1" {
		t.Errorf("subscriptions %d, topic %v", len(left), about)
	}
}

// TestWhatAPolicyKeepsOutDoesNotArrive: the queue's policy decides what rules and topics may send, the topic's what rules may publish, and a
// key of AWS's own lets neither.
func TestWhatAPolicyKeepsOutDoesNotArrive(t *testing.T) {
	const rule = "arn:aws:events:us-east-1:123456789012:rule/mine"
	const topic = "arn:aws:sns:us-east-1:123456789012:mine"
	statement := func(service, condition string) string {
		return `{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"SQS:SendMessage","Resource":"*"` + condition + `}`
	}
	byARN := func(arn string) string { return `,"Condition":{"ArnEquals":{"aws:SourceArn":"` + arn + `"}}` }
	deny := `,{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceAccount":"999999999999"}}}`
	for _, row := range []struct {
		name, policy, key   string
		fromRule, fromTopic bool
	}{
		{"no policy", "", "", false, false},
		{"everybody", `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}`, "", true, true},
		{"one service", statement("events.amazonaws.com", ""), "", true, false},
		{"one rule", statement("events.amazonaws.com", byARN(rule)), "", true, false},
		{"another rule", statement("events.amazonaws.com", byARN(rule+"s")), "", false, false},
		{"one topic", statement("sns.amazonaws.com", byARN(topic)), "", false, true},
		{"a denial", `[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}` + deny + `]`, "", false, false},
		{"another queue", `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:123456789012:other"}`, "", false, false},
		{"a role", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/x"},"Action":"sqs:*","Resource":"*"}`, "", false, false},
		{"what cannot be judged", `{"Effect":"Allow","NotPrincipal":"x","Action":"sqs:*","Resource":"*"}`, "", false, false},
		{"AWS's own key", `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}`, "alias/aws/sqs", false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := connect(manual(t))
			attributes := map[string]string{"KmsMasterKeyId": row.key}
			if row.policy != "" {
				attributes["Policy"] = `{"Statement":` + row.policy + `}`
			}
			url := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("mine"), Attributes: attributes})).QueueUrl
			arn := "arn:aws:sqs:us-east-1:123456789012:mine"
			putRule(t, c, "mine", `{"source":["shop"]}`, ebtypes.Target{Id: new("queue"), Arn: &arn})
			subscribed(t, c, newTopic(t, c, "mine", nil), arn, map[string]string{"RawMessageDelivery": "true"})
			putEvents(t, c, ebtypes.PutEventsRequestEntry{Source: new("shop"), DetailType: new("order"), Detail: new("{}")})
			if got := len(bodies(t, c, *url)) == 1; got != row.fromRule {
				t.Errorf("from the rule: %t", got)
			}
			must[*sns.PublishOutput](t)(c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: new(topic), Message: new("hello")}))
			if got := len(bodies(t, c, *url)) == 1; got != row.fromTopic {
				t.Errorf("from the topic: %t", got)
			}
		})
	}
}

func putEvents(t *testing.T, c clients, entries ...ebtypes.PutEventsRequestEntry) *eventbridge.PutEventsOutput {
	t.Helper()
	return must[*eventbridge.PutEventsOutput](t)(c.events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries}))
}

// TestARulePublishesToATopic: an interruption's warning goes from a rule by a topic to a queue, as the target wants it, if the topic lets EventBridge publish.
func TestARulePublishesToATopic(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.SetupTwins("prod", "api", 4); err != nil {
		t.Fatal(err)
	}
	queue, queueARN := newQueue(t, c, "pager")
	lost, lostARN := newQueue(t, c, "lost")
	open := newTopic(t, c, "open", map[string]string{"Policy": openPolicy})
	closed := newTopic(t, c, "closed", nil)
	sealed := newTopic(t, c, "sealed", map[string]string{"Policy": openPolicy, "KmsMasterKeyId": "alias/aws/sns"})
	for _, topic := range []string{open, closed, sealed} {
		subscribed(t, c, topic, queueARN, map[string]string{"RawMessageDelivery": "true"})
	}
	letters := &ebtypes.DeadLetterConfig{Arn: &lostARN}
	putRule(t, c, "warnings", `{"detail":{"stopCode":["SpotInterruption"],"lastStatus":["RUNNING"]}}`,
		ebtypes.Target{Id: new("part"), Arn: &open, InputPath: new("$.detail.stopCode")},
		ebtypes.Target{Id: new("text"), Arn: &open, InputTransformer: &ebtypes.InputTransformer{InputPathsMap: map[string]string{"code": "$.detail.stopCode"}, InputTemplate: new(`"it was <code>"`)}},
		ebtypes.Target{Id: new("closed"), Arn: &closed, DeadLetterConfig: letters}, ebtypes.Target{Id: new("sealed"), Arn: &sealed, DeadLetterConfig: letters})
	interrupted(t, s)
	if got := bodies(t, c, queue); fmt.Sprint(got) != `["SpotInterruption" "it was SpotInterruption"]` {
		t.Errorf("by the topic: %v", got)
	}
	if got := bodies(t, c, lost); len(got) != 2 {
		t.Errorf("dead letters: %d", len(got))
	}
	if got := s.Notices(); len(got) != 2 || got[0].TopicARN != open || got[0].Message != `"SpotInterruption"` {
		t.Errorf("notices: %+v", got)
	}
	steered(t, s, "POST", "delivery", `{"lost_share": 1}`)
	interrupted(t, s)
	if got := bodies(t, c, queue); len(got) != 0 {
		t.Errorf("lost on the way: %v", got)
	}
}

func TestPutEventsTakesWhatEventBridgeTakes(t *testing.T) {
	s := manual(t)
	c := connect(s)
	url, arn := newQueue(t, c, "orders")
	putRule(t, c, "orders", `{"source":["shop"],"detail":{"total":[{"numeric":[">",10]}]}}`, ebtypes.Target{Id: new("queue"), Arn: &arn})
	putRule(t, c, "ours", `{"source":[{"prefix":"aws."}]}`, ebtypes.Target{Id: new("queue"), Arn: &arn})
	order := func(change func(*ebtypes.PutEventsRequestEntry)) ebtypes.PutEventsRequestEntry {
		e := ebtypes.PutEventsRequestEntry{Source: new("shop"), DetailType: new("order"), Detail: new(`{"total":11}`), Resources: []string{"r"}, Time: new(start.Add(-time.Hour))}
		change(&e)
		return e
	}
	rows := []struct {
		entry ebtypes.PutEventsRequestEntry
		code  string
	}{
		{order(func(*ebtypes.PutEventsRequestEntry) {}), ""},
		{order(func(e *ebtypes.PutEventsRequestEntry) { e.Detail = new(`{"total":9}`) }), ""},
		{order(func(e *ebtypes.PutEventsRequestEntry) { e.EventBusName = new("another") }), ""},
		{order(func(e *ebtypes.PutEventsRequestEntry) {
			e.EventBusName = new("arn:aws:events:us-east-1:123456789012:event-bus/default")
		}), ""},
		{order(func(e *ebtypes.PutEventsRequestEntry) { e.Source = new("") }), "InvalidArgument"},
		{order(func(e *ebtypes.PutEventsRequestEntry) { e.DetailType = nil }), "InvalidArgument"},
		{order(func(e *ebtypes.PutEventsRequestEntry) { e.Detail = new("{") }), "MalformedDetail"},
		{order(func(e *ebtypes.PutEventsRequestEntry) { e.Source = new("aws.ecs") }), "NotAuthorizedForSourceException"},
	}
	var entries []ebtypes.PutEventsRequestEntry
	failed := int32(0)
	for _, row := range rows {
		entries = append(entries, row.entry)
		if row.code != "" {
			failed++
		}
	}
	out := putEvents(t, c, entries...)
	if out.FailedEntryCount != failed || len(out.Entries) != len(rows) {
		t.Fatalf("%d of %d failed", out.FailedEntryCount, len(out.Entries))
	}
	for i, row := range rows {
		if got := out.Entries[i]; got.ErrorCode == nil != (row.code == "") || got.ErrorCode != nil && *got.ErrorCode != row.code || (got.EventId != nil) != (row.code == "") {
			t.Errorf("entry %d: %+v, want code %q", i, got, row.code)
		}
	}
	got := bodies(t, c, url)
	if len(got) != 2 {
		t.Fatalf("%d delivered", len(got))
	}
	var e event
	if err := json.Unmarshal([]byte(got[0]), &e); err != nil || e.ID != *out.Entries[0].EventId || e.Time != "2026-11-02T08:00:00Z" || e.Account != "123456789012" || e.Region != "us-east-1" || e.Detail["total"] != 11.0 || e.Resources[0] != "r" {
		t.Errorf("event %s: %v", got[0], err)
	}
	if n := len(takeEvents(t, s, c)); n != 0 {
		t.Errorf("the rule for ECS's events took %d of others", n)
	}
	large := strings.Repeat("x", 1<<20)
	for name, entries := range map[string][]ebtypes.PutEventsRequestEntry{"none": {}, "eleven": make([]ebtypes.PutEventsRequestEntry, 11), "too large": {{Source: new("shop"), DetailType: new("x"), Detail: &large}}} {
		_, err := c.events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
		wantCode(t, err, "ValidationException")
		if err == nil {
			t.Error(name)
		}
	}
}
