package sandbox_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// TestFilterPolicies: what SNS takes, and which messages pass.
func TestFilterPolicies(t *testing.T) {
	many := `"` + strings.Repeat(`x","`, 150) + `x"`
	for _, row := range []struct {
		policy, scope, body string
		refused, passes     bool
	}{
		{`{"kind":["order"]}`, "", "x", false, true},
		{`{"kind":["invoice"]}`, "", "x", false, false},
		{`{"kind":[{"anything-but":["invoice"]}],"price":[{"numeric":[">",10,"<=",20]}]}`, "", "x", false, true},
		{`{"price":["15"]}`, "", "x", false, false},
		{`{"tags":["b"]}`, "", "x", false, true},
		{`{"none":[{"exists":false}]}`, "", "x", false, true},
		{`{"$or":[{"kind":["invoice"]},{"price":[15]}]}`, "", "x", false, true},
		{`{"detail":{"kind":["order"]}}`, "MessageBody", `{"detail":{"kind":"order"}}`, false, true},
		{`{"detail":{"kind":["order"]}}`, "MessageBody", `{"detail":{"kind":"invoice"}}`, false, false},
		{`{"detail":{"kind":["order"]}}`, "MessageBody", `no JSON`, false, false},
		{`{"detail":{"kind":["order"]}}`, "", "x", true, false},
		{`{"kind":"order"}`, "", "x", true, false},
		{`{"kind":[]}`, "", "x", true, false},
		{`{"kind":[["order"]]}`, "", "x", true, false},
		{`{"kind":[{"wildcard":"o*"}]}`, "", "x", true, false},
		{`{"kind":[{"exists":null}]}`, "", "x", true, false},
		{`{"kind":[` + many + `]}`, "", "x", true, false},
		{`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`, "", "x", true, false},
		{`{`, "", "x", true, false},
		{`{"kind":["order"]}`, "Body", "x", true, false},
	} {
		c := connect(manual(t))
		topic := newTopic(t, c, "ops", nil)
		url, arn := newQueue(t, c, "q")
		attributes := map[string]string{"FilterPolicy": row.policy}
		if row.scope != "" {
			attributes["FilterPolicyScope"] = row.scope
		}
		_, err := c.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: new("sqs"), Endpoint: &arn, Attributes: attributes})
		if row.refused {
			wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", row.policy, err)
		}
		must[*sns.PublishOutput](t)(c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: &row.body, MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"kind": word("order"), "price": {DataType: new("Number"), StringValue: new("15")}, "tags": {DataType: new("String.Array"), StringValue: new(`["a","b"]`)}}}))
		if got := len(bodies(t, c, url)) == 1; got != row.passes {
			t.Errorf("%s passes: %t", row.policy, got)
		}
	}
}

func TestSubscriptionsAreRefusedAndShownAsSNSDoes(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	topic := newTopic(t, c, "ops", nil)
	_, arn := newQueue(t, c, "q")
	for _, row := range []struct{ protocol, endpoint, says string }{
		{"sqs", "q", "SQS endpoint ARN"}, {"sqs", arn + ".fifo", "FIFO"}, {"http", "https://example.com", "Endpoint must match"}, {"email", "nobody", "Email address"},
		{"sms", "+15--55", "Invalid SMS endpoint"}, {"lambda", "f", "Lambda endpoint ARN"}, {"pigeon", "coop", "does not support this protocol"}} {
		_, err := c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: &row.protocol, Endpoint: &row.endpoint})
		wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
		if !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s %s: %v", row.protocol, row.endpoint, err)
		}
	}
	for name, value := range map[string]string{"RawMessageDelivery": "maybe", "Nothing": "x", "RedrivePolicy": "{}"} {
		_, err := c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: new("sqs"), Endpoint: &arn, Attributes: map[string]string{name: value}})
		wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
	}
	_, err := c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: new(topic + "s"), Protocol: new("sqs"), Endpoint: &arn})
	wantError[*snstypes.NotFoundException](t, err, "NotFound")
	first := subscribed(t, c, topic, arn, nil)
	if again := subscribed(t, c, topic, arn, nil); again != first {
		t.Errorf("twice: %s and %s", first, again)
	}
	_, err = c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: new("sqs"), Endpoint: &arn, Attributes: map[string]string{"RawMessageDelivery": "true"}})
	wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
	pending := must[*sns.SubscribeOutput](t)(c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: new("email"), Endpoint: new("a@example.com")}))
	all := must[*sns.ListSubscriptionsOutput](t)(c.sns.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})).Subscriptions
	if *pending.SubscriptionArn != "pending confirmation" || len(all) != 2 || *all[1].SubscriptionArn != "PendingConfirmation" {
		t.Errorf("pending %s, all %+v", *pending.SubscriptionArn, all)
	}
	shown := must[*sns.GetSubscriptionAttributesOutput](t)(c.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &first})).Attributes
	if shown["RawMessageDelivery"] != "false" || shown["PendingConfirmation"] != "false" || shown["Endpoint"] != arn || shown["FilterPolicy"] != "" {
		t.Errorf("attributes %v", shown)
	}
	must[*sns.DeleteTopicOutput](t)(c.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &topic}))
	_, err = c.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &first})
	wantError[*snstypes.NotFoundException](t, err, "NotFound")
	must[*sns.DeleteTopicOutput](t)(c.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &topic}))
}

func TestTopicsKeepTheirAttributesAndAreRefusedByName(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	topic := newTopic(t, c, "ops", map[string]string{"DisplayName": "Operations"})
	must[*sns.SetTopicAttributesOutput](t)(c.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: new("Policy"), AttributeValue: new(openPolicy)}))
	got := must[*sns.GetTopicAttributesOutput](t)(c.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})).Attributes
	if got["DisplayName"] != "Operations" || got["Policy"] != openPolicy || got["Owner"] != "123456789012" {
		t.Errorf("attributes %v", got)
	}
	for name, value := range map[string]string{"Policy": "{", "Colour": "red", "SignatureVersion": "3", "TracingConfig": "Loud"} {
		_, err := c.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: &name, AttributeValue: &value})
		wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
	}
	for name, attributes := range map[string]map[string]string{"a b": nil, "x.fifo": {"FifoTopic": "true"}, "x": {"FifoTopic": "true"}, "ops": {"DisplayName": "Others"}, "y": {"Colour": "red"}} {
		_, err := c.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Attributes: attributes})
		wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
	}
	for what, in := range map[string]*sns.PublishInput{"structure": {MessageStructure: new("xml"), Message: new("x")}, "no default": {MessageStructure: new("json"), Message: new(`{"sqs":"x"}`)}, "no JSON": {MessageStructure: new("json"), Message: new("x")}} {
		in.TopicArn = &topic
		if _, err := c.sns.Publish(ctx, in); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	for _, a := range []snstypes.MessageAttributeValue{{DataType: new("Text"), StringValue: new("x")}, {DataType: new("String")}, {DataType: new("Number"), StringValue: new("ten")}} {
		_, err := c.sns.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: new("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{"a": a}})
		wantError[*snstypes.InvalidParameterValueException](t, err, "ParameterValueInvalid")
	}
}

// TestTagsOfRulesTopicsAndTargets: set over one another, taken off by key, and refused where there is nothing to tag.
func TestTagsOfRulesTopicsAndTargets(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	topic, rule := newTopic(t, c, "ops", nil), "arn:aws:events:us-east-1:123456789012:rule/mine"
	putRule(t, c, "mine", `{"source":["shop"]}`)
	prod(t, c, 1)
	target := must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: ecsSpace, ScalableDimension: desired, ResourceId: new("service/prod/api"), MinCapacity: new(int32(1)), MaxCapacity: new(int32(2)), Tags: map[string]string{"team": "a"}})).ScalableTargetARN
	for _, row := range []struct {
		name         string
		tag          func(arn, key, value string) error
		untag        func(key string) error
		list         func() map[string]string
		arn, missing string
	}{
		{"topic", func(arn, key, value string) error {
			_, err := c.sns.TagResource(ctx, &sns.TagResourceInput{ResourceArn: &arn, Tags: []snstypes.Tag{{Key: &key, Value: &value}}})
			return err
		}, func(key string) error {
			_, err := c.sns.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: &topic, TagKeys: []string{key}})
			return err
		}, func() map[string]string {
			out := map[string]string{}
			for _, t := range must[*sns.ListTagsForResourceOutput](t)(c.sns.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &topic})).Tags {
				out[*t.Key] = *t.Value
			}
			return out
		}, topic, "ResourceNotFound"},
		{"rule", func(arn, key, value string) error {
			_, err := c.events.TagResource(ctx, &eventbridge.TagResourceInput{ResourceARN: &arn, Tags: []ebtypes.Tag{{Key: &key, Value: &value}}})
			return err
		}, func(key string) error {
			_, err := c.events.UntagResource(ctx, &eventbridge.UntagResourceInput{ResourceARN: &rule, TagKeys: []string{key}})
			return err
		}, func() map[string]string {
			out := map[string]string{}
			for _, t := range must[*eventbridge.ListTagsForResourceOutput](t)(c.events.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: &rule})).Tags {
				out[*t.Key] = *t.Value
			}
			return out
		}, rule, "ResourceNotFoundException"},
		{"scalable target", func(arn, key, value string) error {
			_, err := c.scaling.TagResource(ctx, &applicationautoscaling.TagResourceInput{ResourceARN: &arn, Tags: map[string]string{key: value}})
			return err
		}, func(key string) error {
			_, err := c.scaling.UntagResource(ctx, &applicationautoscaling.UntagResourceInput{ResourceARN: target, TagKeys: []string{key}})
			return err
		}, func() map[string]string {
			return must[*applicationautoscaling.ListTagsForResourceOutput](t)(c.scaling.ListTagsForResource(ctx, &applicationautoscaling.ListTagsForResourceInput{ResourceARN: target})).Tags
		}, *target, "ResourceNotFoundException"},
	} {
		before := row.list()
		for _, pair := range [][2]string{{"env", "dev"}, {"env", "prod"}, {"gone", "x"}} {
			if err := row.tag(row.arn, pair[0], pair[1]); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
		}
		if err := row.untag("gone"); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		before["env"] = "prod"
		if got := row.list(); !maps.Equal(got, before) {
			t.Errorf("%s: tags %v", row.name, got)
		}
		wantCode(t, row.tag(row.arn+"-nowhere", "a", "b"), row.missing)
	}
	var full []snstypes.Tag
	for i := range 51 {
		full = append(full, snstypes.Tag{Key: new(strings.Repeat("k", i+1)), Value: new("v")})
	}
	_, err := c.sns.TagResource(ctx, &sns.TagResourceInput{ResourceArn: &topic, Tags: full})
	wantError[*snstypes.TagLimitExceededException](t, err, "TagLimitExceeded")
}

// TestABatchIsPublishedEntryByEntry: what one entry lacks keeps no other back, and a batch that is none is refused whole.
func TestABatchIsPublishedEntryByEntry(t *testing.T) {
	s := manual(t)
	c := connect(s)
	ctx := t.Context()
	topic := newTopic(t, c, "ops", nil)
	url, arn := newQueue(t, c, "q")
	subscribed(t, c, topic, arn, map[string]string{"RawMessageDelivery": "true"})
	entry := func(id, message string) snstypes.PublishBatchRequestEntry {
		return snstypes.PublishBatchRequestEntry{Id: &id, Message: &message}
	}
	out := must[*sns.PublishBatchOutput](t)(c.sns.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []snstypes.PublishBatchRequestEntry{entry("a", "one"), entry("b", ""), entry("c", "three")}}))
	if len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "InvalidParameter" || !out.Failed[0].SenderFault {
		t.Errorf("batch %+v", out)
	}
	if got := strings.Join(bodies(t, c, url), " "); got != "one three" {
		t.Errorf("delivered %q", got)
	}
	for code, entries := range map[string][]snstypes.PublishBatchRequestEntry{"EmptyBatchRequest": {}, "BatchEntryIdsNotDistinct": {entry("a", "x"), entry("a", "y")}, "InvalidBatchEntryId": {entry("a b", "x")},
		"BatchRequestTooLong": {entry("a", strings.Repeat("x", 200<<10)), entry("b", strings.Repeat("x", 100<<10))}} {
		_, err := c.sns.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: entries})
		wantCode(t, err, code)
	}
}
