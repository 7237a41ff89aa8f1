package service

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/time/rate"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
)

// bucket is one of ECS's token buckets, of which we take the larger part and leave the rest to consoles,
// deployments and auto scaling: rates per second, bursts in calls (aws-facts 3.1: 20 and 100 for both reads,
// 5 and 50 for service changes, 40 and 100 for task changes). What Application Auto Scaling allows is not
// documented, nor what Elastic Load Balancing does; their rates are guesses on the low side.
type bucket struct {
	rate  float64
	burst int
}

var (
	serviceRead   = bucket{16, 80}
	serviceModify = bucket{4, 40}
	clusterRead   = bucket{16, 80}
	clusterModify = bucket{32, 80}
	scalingCalls  = bucket{8, 20}
	balancing     = bucket{8, 40}
)

const (
	// attemptsMax and backoffMax bound the SDK's own retries of one call, which run within its deadline.
	attemptsMax = 3
	backoffMax  = 2 * time.Second
	// sessionName appears in CloudTrail for calls through an assumed role.
	sessionName = "backstop"
)

// limits are the rate limiters of one account and region. Roles of one account share them.
type limits struct {
	serviceRead, serviceModify, clusterRead, clusterModify, scaling, balancing *rate.Limiter
}

func newLimits(scale float64) *limits {
	limiter := func(b bucket) *rate.Limiter { return rate.NewLimiter(rate.Limit(b.rate*scale), b.burst) }
	return &limits{limiter(serviceRead), limiter(serviceModify), limiter(clusterRead), limiter(clusterModify), limiter(scalingCalls),
		limiter(balancing)}
}

// take waits for the right to make one call.
func take(ctx context.Context, l *rate.Limiter) error {
	if err := l.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", failure.ErrRate, err)
	}
	return nil
}

// client is what one region is called with through one role.
type client struct {
	ecs     *ecs.Client
	scaling *applicationautoscaling.Client
	limits  *limits

	balancers   balancers
	definitions definitions
	hooks       memos[time.Time]
	clock       atomic.Int64 // AWS's newest time, in nanoseconds
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
	mu     sync.Mutex
	made   map[clientKey]*client
	limits map[clientKey]*limits // by region and account
}

func (c *clients) get(region, role string) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := clientKey{region, role}
	if made := c.made[key]; made != nil {
		return made
	}
	cfg := c.cfg.Copy()
	cfg.Region = region
	if cfg.Retryer == nil {
		cfg.Retryer = func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attemptsMax, backoffMax })
		}
	}
	if role != "" {
		own := cfg.Copy()
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(own), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = sessionName
		})
		cfg.Credentials = aws.NewCredentialsCache(provider)
	}
	account := clientKey{region, accountOf(role)}
	if c.limits[account] == nil {
		c.limits[account] = newLimits(c.scale)
	}
	made := &client{ecs: ecs.NewFromConfig(cfg), scaling: applicationautoscaling.NewFromConfig(cfg), limits: c.limits[account]}
	made.balancers.elb, made.balancers.limits = elasticloadbalancingv2.NewFromConfig(cfg), made.limits
	c.made[key] = made
	return made
}

// accountOf returns the account in a role's ARN, or "" for the process's own.
func accountOf(role string) string {
	if f := strings.SplitN(role, ":", 6); len(f) == 6 {
		return f[4]
	}
	return role
}
