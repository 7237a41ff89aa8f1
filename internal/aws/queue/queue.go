// Package queue receives events from an SQS queue.
//
// It does not read the messages (package ecsevent does) and never deletes one by itself: what is not
// acknowledged comes again, and in the end goes to the queue's dead-letter queue.
package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
)

const (
	// waitMax is SQS's longest poll.
	waitMax = 20 * time.Second
	// answerIn is what a call may take beyond its poll.
	answerIn = 5 * time.Second
	// invisible is how long a received message stays hidden: longer than a pass and its actions take
	// together (control.PassDeadline + control.ActDeadline + control.ReleaseTimeout = 43 s).
	invisible = 60 * time.Second
	// batchMax is SQS's limit for both receiving and deleting.
	batchMax = 10
)

// Queue is a [control.Queue]. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
}

var _ control.Queue = (*Queue)(nil)

// New returns the queue with a URL. The region of cfg must be the queue's.
func New(cfg aws.Config, url string) *Queue {
	return &Queue{client: sqs.NewFromConfig(cfg), url: url}
}

// Receive waits up to wait (at most 20 s, in whole seconds) for the first message and returns up to ten.
func (q *Queue) Receive(ctx context.Context, wait time.Duration) ([]control.Message, error) {
	seconds := int32((min(max(wait, 0), waitMax) + time.Second - 1) / time.Second)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+answerIn)
	defer cancel()
	var opts []func(*sqs.Options)
	if seconds == 0 {
		opts = append(opts, func(o *sqs.Options) { o.APIOptions = append(o.APIOptions, pollShort) })
	}
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: batchMax, WaitTimeSeconds: seconds, VisibilityTimeout: int32(invisible / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount},
	}, opts...)
	if err != nil {
		return nil, failure.Wrap("sqs:ReceiveMessage", "receive from "+q.url, err)
	}
	msgs := make([]control.Message, 0, len(out.Messages))
	for i := range out.Messages {
		m := &out.Messages[i]
		msg := control.Message{ID: aws.ToString(m.MessageId), Body: []byte(aws.ToString(m.Body)), Receipt: aws.ToString(m.ReceiptHandle)}
		if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
			msg.SentAt = time.UnixMilli(ms).UTC()
		}
		if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
			msg.Received = n
		}
		msgs = append(msgs, msg)
	}
	return msgs, nil
}

// Ack deletes messages, in batches of ten. It tries all of them and returns what failed.
func (q *Queue) Ack(ctx context.Context, msgs []control.Message) error {
	var errs []error
	for len(msgs) > 0 {
		n := min(len(msgs), batchMax)
		errs = append(errs, q.ackSome(ctx, msgs[:n]))
		msgs = msgs[n:]
	}
	return errors.Join(errs...)
}

func (q *Queue) ackSome(ctx context.Context, msgs []control.Message) error {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i := range msgs {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &msgs[i].Receipt})
	}
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	out, err := q.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return failure.Wrap("sqs:DeleteMessage", "delete from "+q.url, err)
	}
	if len(out.Failed) > 0 {
		f := out.Failed[0]
		return fmt.Errorf("delete from %s: %d of %d messages stay, the first for %s: %s", q.url, len(out.Failed), len(msgs),
			aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return nil
}

// pollShort puts "WaitTimeSeconds": 0 into the request, which the SDK leaves out. Without it the queue's own
// attribute counts, and a queue set to long polls would hold up a pass for up to 20 seconds.
func pollShort(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("BackstopPollShort", func(
		ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
	) (middleware.BuildOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok && req.GetStream() != nil {
			body, err := io.ReadAll(req.GetStream())
			if err != nil {
				return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("read request: %w", err)
			}
			if rest, isObject := bytes.CutPrefix(body, []byte(`{"`)); isObject {
				body = append([]byte(`{"WaitTimeSeconds":0,"`), rest...)
			}
			if in.Request, err = req.SetStream(bytes.NewReader(body)); err != nil {
				return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("write request: %w", err)
			}
		}
		return next.HandleBuild(ctx, in)
	}), middleware.Before)
}
