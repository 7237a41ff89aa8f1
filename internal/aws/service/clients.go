package service

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// attemptsMax and backoffMax bound the SDK's own retries of one call, which run within its deadline.
	attemptsMax = 3
	backoffMax  = 2 * time.Second
)

// client is what one region is called with through one role.
type client struct {
	ecs     *ecs.Client
	scaling *applicationautoscaling.Client
	limits  *limits

	balancers   balancers
	definitions definitions
	hooks       memos[time.Time]
	clock       atomic.Int64 // AWS's newest time, in nanoseconds

	services counter[question]
	tasks    counter[inquiry]
	scarce   chan struct{} // a place for each sweep while calls are short
	pictures pictures
}

// now is AWS's time at the newest answer, by which what was read ages.
func (c *client) now() time.Time { return time.Unix(0, c.clock.Load()).UTC() }

// heard notes AWS's time.
func (c *client) heard(at time.Time) {
	if at.IsZero() {
		return
	}
	for at := at.UnixNano(); ; {
		if last := c.clock.Load(); last >= at || c.clock.CompareAndSwap(last, at) {
			return
		}
	}
}

type clientKey struct{ region, role string }

// clients makes clients when they are first needed and keeps them.
type clients struct {
	cfg    aws.Config
	scale  float64
	parts  int // how many programs share the accounts' budgets
	mu     sync.Mutex
	made   map[clientKey]*client
	limits map[clientKey]*limits // by region and account
}

func (c *clients) get(region, arn string) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := clientKey{region, arn}
	if made := c.made[key]; made != nil {
		return made
	}
	cfg := c.cfg.Copy()
	tries := 1
	if cfg.Retryer == nil {
		tries, cfg.Retryer = triesMax, retryer
	}
	cfg = role.At(cfg, region, arn, role.Session)
	account := clientKey{region, accountOf(arn)}
	if c.limits[account] == nil {
		c.limits[account] = newLimits(c.scale, tries)
		c.limits[account].split(c.parts)
	}
	made := &client{ecs: ecs.NewFromConfig(cfg), scaling: applicationautoscaling.NewFromConfig(cfg), limits: c.limits[account],
		scarce: make(chan struct{}, scarceParallel)}
	made.balancers.elb, made.balancers.limits = elasticloadbalancingv2.NewFromConfig(cfg), made.limits
	made.services.perCall, made.services.most, made.services.serve = describeMax, describeParallel, made.describe
	made.tasks.perCall, made.tasks.most, made.tasks.serve = 1, sweepParallel, made.sweep
	c.made[key] = made
	return made
}

// retryer is the SDK's own, but for calls that AWS throttles: those go back to their bucket (see call).
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = attemptsMax, backoffMax
		o.Retryables = slices.Concat([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if failure.Kind(err) == failover.ErrThrottled {
				return aws.FalseTernary
			}
			return aws.UnknownTernary
		})}, retry.DefaultRetryables)
	})
}

// share notes how many programs share the accounts' budgets.
func (c *clients) share(parts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts = parts
	for _, l := range c.limits {
		l.split(parts)
	}
}

// accountOf returns the account in a role's ARN, or "" for the process's own.
func accountOf(role string) string {
	if f := strings.SplitN(role, ":", 6); len(f) == 6 {
		return f[4]
	}
	return role
}
