package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestAQueueKeepsItsAttributesAndRefusesOthers(t *testing.T) {
	const dead = "arn:aws:sqs:us-east-1:123456789012:backstop-events-dlq"
	for _, row := range []struct {
		name, value, shown string // shown: empty for refused
		code               string
	}{
		{"KmsMasterKeyId", "mine", "mine", ""},
		{"KmsDataKeyReusePeriodSeconds", "600", "600", ""},
		{"KmsDataKeyReusePeriodSeconds", "59", "", "InvalidAttributeValue"},
		{"SqsManagedSseEnabled", "false", "false", ""},
		{"SqsManagedSseEnabled", "maybe", "", "InvalidAttributeValue"},
		{"MessageRetentionPeriod", "60", "60", ""},
		{"MessageRetentionPeriod", "59", "", "InvalidAttributeValue"},
		{"MessageRetentionPeriod", "1209601", "", "InvalidAttributeValue"},
		{"MaximumMessageSize", "1024", "1024", ""},
		{"MaximumMessageSize", "1023", "", "InvalidAttributeValue"},
		{"MaximumMessageSize", "1048577", "", "InvalidAttributeValue"},
		{"Policy", "{", "", "InvalidAttributeValue"},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":"3"}`, `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":3}`, ""},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + dead + `s","maxReceiveCount":3}`, "", "InvalidParameterValue"},
		{"Colour", "red", "", "InvalidAttributeName"},
	} {
		c := connect(manual(t))
		url := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("q")})).QueueUrl
		attributes := map[string]string{row.name: row.value}
		_, made := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("new"), Attributes: attributes})
		_, set := c.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: attributes})
		if row.code != "" {
			wantCode(t, made, row.code)
			wantCode(t, set, row.code)
			continue
		}
		if made != nil || set != nil {
			t.Errorf("%s=%s: %v, %v", row.name, row.value, made, set)
			continue
		}
		got := must[*sqs.GetQueueAttributesOutput](t)(c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})).Attributes
		if got[row.name] != row.shown {
			t.Errorf("%s=%s is shown as %q", row.name, row.value, got[row.name])
		}
	}
}

func TestMessagesAreRefusedForTheirAttributesAndTheirSize(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	url := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("q"), Attributes: map[string]string{"MaximumMessageSize": "2048"}})).QueueUrl
	text := func(kind, value string) sqstypes.MessageAttributeValue {
		return sqstypes.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	for name, a := range map[string]sqstypes.MessageAttributeValue{"other_ä": text("String", "x"), "aws.x": text("String", "x"), "a..b": text("String", "x"), "empty": text("String", ""),
		"no-type": text("", "x"), "type": text("Text", "x"), "number": text("Number", "ten"), "binary": {DataType: new("Binary")}} {
		_, err := c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: new("x"), MessageAttributes: map[string]sqstypes.MessageAttributeValue{name: a}})
		wantCode(t, err, "InvalidParameterValue")
	}
	_, err := c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(strings.Repeat("x", 2049))})
	wantCode(t, err, "InvalidParameterValue")
	_, err = c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: new("x"), MessageSystemAttributes: map[string]sqstypes.MessageSystemAttributeValue{"Other": {DataType: new("String"), StringValue: new("x")}}})
	wantCode(t, err, "InvalidParameterValue")
	must[*sqs.SendMessageOutput](t)(c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: new("x"), MessageAttributes: map[string]sqstypes.MessageAttributeValue{"ratio": text("Number.float", "-1.5e3")},
		MessageSystemAttributes: map[string]sqstypes.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: new("String"), StringValue: new("Root=1")}}}))
	if got := receive(t, c, *url, 0); len(got) != 1 || got[0].Attributes["AWSTraceHeader"] != "Root=1" {
		t.Errorf("messages %+v", got)
	}
}

func TestQueueTagsHaveTheirLimits(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	url := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("q"), Tags: map[string]string{"a": "1"}})).QueueUrl
	many := map[string]string{}
	for i := range 50 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	_, err := c.sqs.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: url, Tags: many})
	wantCode(t, err, "InvalidParameterValue")
	_, err = c.sqs.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{}})
	wantCode(t, err, "MissingParameter")
	_, err = c.sqs.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{}})
	wantCode(t, err, "InvalidParameterValue")
	if got := must[*sqs.ListQueueTagsOutput](t)(c.sqs.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: url})).Tags; len(got) != 1 {
		t.Errorf("tags %v", got)
	}
}
