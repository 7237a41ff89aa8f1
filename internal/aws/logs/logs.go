// Package logs reads CloudWatch Logs. It is apart from what else reads AWS, as the function does without it.
package logs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
)

// call is one request. It is kept instead of the client, which would link all of CloudWatch Logs' operations: two megabytes.
type call func(context.Context, *cloudwatchlogs.GetLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error)

// Reader reads streams in any region, one request a call.
type Reader struct {
	cfg     aws.Config
	regions map[string]call
}

// New returns a reader with a configuration of the SDK.
func New(cfg aws.Config) *Reader {
	return &Reader{cfg, map[string]call{}}
}

// Read returns the next page of a stream's events, the oldest first, the time of the last of them, and the token of the next page; it is the same where there is none yet.
// An empty token is the stream's beginning, a zero time that of a page without events. Events before since are left out, to the millisecond; zero leaves
// out none. The error is an [*failure.Error]; of kind invalid where a token has expired.
func (r *Reader) Read(ctx context.Context, region, group, stream, token string, since time.Time) (events []string, last time.Time, next string, err error) {
	get := r.regions[region]
	if get == nil {
		get = cloudwatchlogs.NewFromConfig(r.cfg, func(o *cloudwatchlogs.Options) { o.Region, o.RetryMaxAttempts = region, 1 }).GetLogEvents
		r.regions[region] = get
	}
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true)}
	if token != "" {
		in.NextToken = &token
	}
	if !since.IsZero() {
		in.StartTime = aws.Int64(since.UnixMilli())
	}
	out, err := get(ctx, in)
	if err != nil {
		return nil, last, token, failure.Wrap("logs:GetLogEvents", "read log group "+group, err)
	}
	for i := range out.Events {
		events = append(events, aws.ToString(out.Events[i].Message))
		last = time.UnixMilli(aws.ToInt64(out.Events[i].Timestamp))
	}
	return events, last, aws.ToString(out.NextForwardToken), nil
}
