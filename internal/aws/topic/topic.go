// Package topic sends notices to an SNS topic: plain text for people, with the same facts as JSON, and what filter
// policies need, in message attributes.
//
// It does not try again beyond the SDK's own retries; the desk of package notice does.
package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/notice"
)

// publishTimeout bounds a call, the SDK's retries included.
const publishTimeout = 4 * time.Second

// Topic is an SNS topic.
type Topic struct {
	client *sns.Client
	arn    string
}

var _ notice.Sender = (*Topic)(nil)

// New returns a sender to a topic, in the region that its ARN names.
func New(cfg aws.Config, arn string) *Topic {
	if part := strings.Split(arn, ":"); len(part) == 6 {
		cfg = cfg.Copy()
		cfg.Region = part[3]
	}
	return &Topic{client: sns.NewFromConfig(cfg), arn: arn}
}

// Name is the topic's ARN.
func (t *Topic) Name() string { return t.arn }

// Send publishes a message once.
func (t *Topic) Send(ctx context.Context, m notice.Message) error {
	facts, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", t.arn, err)
	}
	attr := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	in := &sns.PublishInput{TopicArn: &t.arn, Subject: aws.String(m.Subject()), Message: aws.String(m.Text()),
		MessageAttributes: map[string]types.MessageAttributeValue{"kind": attr(string(m.Kind)), "severity": attr(string(m.Severity)),
			"status": attr(string(m.Status)), "workload": attr(m.Workload), "json": attr(string(facts))}}
	if strings.HasSuffix(t.arn, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(m.Workload), aws.String(m.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err = t.client.Publish(ctx, in)
	if err = failure.Wrap("sns:Publish", "publish to "+t.arn, err); err == nil {
		return nil
	}
	var failed *failure.Error
	if errors.As(err, &failed) && (failed.Kind() == failover.ErrDenied || failed.Kind() == failover.ErrNotFound) {
		return &notice.RefusedError{Err: err, Do: failed.Hint()}
	}
	return err
}
