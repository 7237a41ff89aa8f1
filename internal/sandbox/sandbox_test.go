package sandbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// manual makes a sandbox whose time is moved by the test alone, with fresh reads.
func manual(t testing.TB, change ...func(*sandbox.Options)) *sandbox.Sandbox {
	t.Helper()
	opts := sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}}
	for _, c := range change {
		c(&opts)
	}
	return sandbox.New(opts)
}

// clients are the real SDK's, talking to a sandbox without a socket.
type clients struct {
	ecs     *ecs.Client
	scaling *applicationautoscaling.Client
	sqs     *sqs.Client
	sns     *sns.Client
	sts     *sts.Client
	quotas  *servicequotas.Client
	events  *eventbridge.Client
	elb     *elasticloadbalancingv2.Client
}

func connect(s *sandbox.Sandbox) clients {
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: s,
		BaseEndpoint: new("http://sandbox.localhost"), RetryMaxAttempts: 1}
	return clients{ecs.NewFromConfig(cfg), applicationautoscaling.NewFromConfig(cfg), sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg),
		sts.NewFromConfig(cfg), servicequotas.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg),
		elasticloadbalancingv2.NewFromConfig(cfg)}
}

// must unwraps the result of a call that has to work.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("call failed: %v", err)
		}
		return v
	}
}

// wantError asserts that the SDK sees its typed error E, and the code.
func wantError[E error](t testing.TB, err error, code string) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		t.Errorf("error %v (%T) does not arrive as the SDK's typed %T", err, errors.Unwrap(err), *new(E))
	}
	wantCode(t, err, code)
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("want API error %s, got %v", code, err)
	}
	if api.ErrorCode() != code {
		t.Errorf("want code %s, got %s (%s)", code, api.ErrorCode(), api.ErrorMessage())
	}
}
