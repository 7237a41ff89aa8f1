package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// event is what is read of a message of the queue.
type event struct {
	ID     string    `json:"id"`
	Type   string    `json:"detail-type"`
	Time   time.Time `json:"time"`
	About  []string  `json:"resources"`
	Detail struct {
		TaskARN       string    `json:"taskArn"`
		LastStatus    string    `json:"lastStatus"`
		DesiredStatus string    `json:"desiredStatus"`
		Version       int       `json:"version"`
		UpdatedAt     time.Time `json:"updatedAt"`
		EventName     string    `json:"eventName"`
		DeploymentID  string    `json:"deploymentId"`
	} `json:"detail"`
	sent time.Time // SQS's clock when EventBridge delivered it
}

const taskChange = "ECS Task State Change"

// listen makes the rule that brings the cluster's events to the queue.
func (l *lab) listen(ctx context.Context) error {
	name := l.name()
	// Deployment events name the service alone.
	pattern := fmt.Sprintf(`{"source":["aws.ecs"],"$or":[{"detail":{"clusterArn":[%q]}},{"resources":[{"prefix":%q}]}]}`, l.clusterARN(), l.servicesARN())
	if _, err := l.bus.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern, Tags: []types.Tag{{Key: aws.String(TagKey), Value: &l.id}}}); err != nil {
		return l.wrap("events:PutRule", "make the rule "+name, err)
	}
	out, err := l.bus.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: aws.String(targetID), Arn: aws.String(l.queueARN())}}})
	if err == nil && out.FailedEntryCount > 0 {
		err = fmt.Errorf("%s", aws.ToString(out.FailedEntries[0].ErrorMessage))
	}
	return l.wrap("events:PutTargets", "send the events of the cluster to the queue", err)
}

// drain takes what the queue has.
func (l *lab) drain(ctx context.Context) error {
	for {
		out, err := l.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &l.queue, MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameSentTimestamp}})
		if err != nil {
			return l.wrap("sqs:ReceiveMessage", "read the events", err)
		}
		if len(out.Messages) == 0 {
			return nil
		}
		gone := &sqs.DeleteMessageBatchInput{QueueUrl: &l.queue}
		for i := range out.Messages {
			m := &out.Messages[i]
			gone.Entries = append(gone.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
			l.raw = append(l.raw, json.RawMessage(aws.ToString(m.Body)))
			var e event
			sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
			if err != nil || json.Unmarshal([]byte(aws.ToString(m.Body)), &e) != nil {
				continue // not an event of ECS
			}
			e.sent = time.UnixMilli(sent)
			l.events = append(l.events, e)
		}
		if _, err := l.sqs.DeleteMessageBatch(ctx, gone); err != nil {
			return l.wrap("sqs:DeleteMessageBatch", "take the events out of the queue", err)
		}
	}
}
