package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// answerMax is how long AWS may leave a command without an answer. It is no bound of the whole: an account with
// thousands of services takes longer than that to read.
const answerMax = time.Minute

var errNoAnswer = errors.New("AWS does not answer")

// noAnswerError says what was not answered.
type noAnswerError struct{ region string }

func (e *noAnswerError) Error() string {
	return fmt.Sprintf("read the services of %s: AWS has not answered for %s", e.region, wording.Span(answerMax))
}

// Unwrap returns what kind of error it is.
func (e *noAnswerError) Unwrap() error { return errNoAnswer }

// Hint says what to look at.
func (e *noAnswerError) Hint() string {
	return "check the network, a proxy, the endpoint (AWS_ENDPOINT_URL) and the region; where calls leave through a VPC, ECS needs an endpoint there"
}

// answered tells a function of every answer of AWS.
type answered struct {
	aws.HTTPClient
	tell func()
}

// Do implements aws.HTTPClient.
func (a answered) Do(r *http.Request) (*http.Response, error) {
	got, err := a.HTTPClient.Do(r)
	if err == nil {
		a.tell()
	}
	return got, err
}

// findServices is discover.Find, given up when AWS does not answer for a minute.
func findServices(ctx context.Context, cfg aws.Config, cluster string) (*discover.Found, error) {
	reading, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	quiet := time.AfterFunc(answerMax, func() { giveUp(errNoAnswer) })
	defer quiet.Stop()
	cfg = cfg.Copy()
	cfg.HTTPClient = answered{cfg.HTTPClient, func() { quiet.Reset(answerMax) }}
	found, err := discover.Find(reading, cfg, cluster)
	if err != nil && errors.Is(context.Cause(reading), errNoAnswer) {
		return nil, &noAnswerError{cfg.Region}
	}
	return found, err
}
