// Package logs reads CloudWatch Logs. It is apart from what else reads AWS, as the function does without it.
package logs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
)

// Reader reads streams in any region, one request a call.
type Reader struct {
	cfg     aws.Config
	regions map[string]*cloudwatchlogs.Client
}

// New returns a reader with a configuration of the SDK.
func New(cfg aws.Config) *Reader {
	return &Reader{cfg, map[string]*cloudwatchlogs.Client{}}
}

// Read returns the next page of a stream's events, the oldest first, and the token of the one after it; it is the same where there is none yet. An
// empty token is the stream's beginning. The error is an [*failure.Error].
func (r *Reader) Read(ctx context.Context, region, group, stream, token string) (events []string, next string, err error) {
	c := r.regions[region]
	if c == nil {
		c = cloudwatchlogs.NewFromConfig(r.cfg, func(o *cloudwatchlogs.Options) { o.Region, o.RetryMaxAttempts = region, 1 })
		r.regions[region] = c
	}
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true)}
	if token != "" {
		in.NextToken = &token
	}
	out, err := c.GetLogEvents(ctx, in)
	if err != nil {
		return nil, token, failure.Wrap("logs:GetLogEvents", "read log group "+group, err)
	}
	for i := range out.Events {
		events = append(events, aws.ToString(out.Events[i].Message))
	}
	return events, aws.ToString(out.NextForwardToken), nil
}
