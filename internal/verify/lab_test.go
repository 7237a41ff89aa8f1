package verify

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const testRun = "0badcafe"

// errKilled ends a process in the middle of a call.
var errKilled = errors.New("killed")

// account is an account in the sandbox, in virtual time.
type account struct {
	t     testing.TB
	box   *sandbox.Sandbox
	cfg   aws.Config
	group string // a target group of the user's
	calls int
	kill  int  // the call that kills the process; 0: none
	after bool // the call reaches AWS, and its answer is lost
}

func newAccount(t testing.TB, world ecsim.Config) *account {
	a := &account{t: t, box: sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: world})}
	a.cfg = aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: a, RetryMaxAttempts: 1}
	a.box.World(func(w *ecsim.World) {
		group, err := w.CreateTargetGroup("us-east-1", ecsim.TargetGroupInput{Name: "verify", Port: servedPort, Interval: 10 * time.Second, HealthyThreshold: 2, DeregistrationTime: 30 * time.Second})
		lb, err2 := w.CreateLoadBalancer("us-east-1", "verify", ecsim.ApplicationBalancer)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if _, err := w.CreateListener("us-east-1", lb.ARN, 80, "HTTP", []ecsim.Forward{{TargetGroup: group.ARN, Weight: 1}}); err != nil {
			t.Fatal(err)
		}
		a.group = group.ARN
	})
	return a
}

// Do implements aws.HTTPClient.
func (a *account) Do(r *http.Request) (*http.Response, error) {
	a.calls++
	switch {
	case a.kill == 0 || a.calls < a.kill:
		return a.box.Do(r)
	case a.calls == a.kill && a.after:
		if answer, err := a.box.Do(r); err == nil {
			_ = answer.Body.Close()
		}
	}
	return nil, errKilled
}

func (a *account) options() Options {
	return Options{AWS: a.cfg, Subnets: []string{"subnet-a", "subnet-b", "subnet-c"}, SwitchRole: "arn:aws:iam::123456789012:role/switch", TargetGroup: a.group, ExecutionRole: "arn:aws:iam::123456789012:role/pull", MaxUSD: 5, Now: a.box.Now,
		Say: func(string) {}, Save: func(Report) error { return nil }, Wait: func(ctx context.Context, d time.Duration) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			a.box.AdvanceTo(a.box.Now().Add(d))
			return nil
		}}
}

func calm(seed uint64) ecsim.Config {
	return ecsim.Config{Seed: seed, SpotVCPU: 12, Start: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
}
