package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// describeMax is how many services one DescribeServices takes (ECS API).
	describeMax = 10
	// describeParallel bounds the calls of one Describe that are under way at a time.
	describeParallel = 8
)

// Options adapt [Services] to where it runs. The zero value is for AWS.
type Options struct {
	// Scale multiplies the rate limits: the speed of a sandbox whose buckets fill in its own time. 0 means 1.
	Scale float64
	// NoEvents says that no queue brings ECS's events, so that placement failures must be read off the
	// services' event lists. With a queue they would be counted twice.
	NoEvents bool
	// Installation names this installation, as a tag's value may: who holds a service's count down says so there. Two that have one
	// name cannot be told apart; empty: nobody is told.
	Installation string
}

// Services is a [control.Services] over ECS. It is safe for concurrent use.
type Services struct {
	clients  clients
	noEvents bool
	// installation is [Options.Installation].
	installation string
	lines        lines
	known        known
}

var _ control.Services = (*Services)(nil)

// New returns the services that cfg's credentials reach. The region comes with each service.
func New(cfg aws.Config, opts Options) *Services {
	if opts.Scale <= 0 {
		opts.Scale = 1
	}
	return &Services{noEvents: opts.NoEvents, installation: opts.Installation, clients: clients{cfg: cfg, scale: opts.Scale,
		made: make(map[clientKey]*client), limits: make(map[clientKey]*limits)}}
}

// Share leaves other programs their part of the accounts' budgets of calls.
func (s *Services) Share(programs int) { s.clients.share(programs) }

// question is one service that is to be described, and what was found.
type question struct {
	cluster, name string
	service       *types.Service // nil: not in the answer
	reason        string         // of the failure, where the answer names one
	at            time.Time      // AWS's, zero if it did not answer
	err           error
}

// Describe looks at services, ten to a call, together with what other looks ask for at the same time. What could not be read has
// its Err set. The time is AWS's, by the Date header of the newest answer.
func (s *Services) Describe(ctx context.Context, refs []control.ServiceRef, worth control.Worth) (time.Time, []failover.PoolObservation) {
	asked := make(map[control.ServiceRef]*ticket[question], len(refs))
	lines := make(map[*client][]*ticket[question])
	for _, ref := range refs {
		if asked[ref] == nil {
			c := s.clients.get(ref.Region, ref.RoleARN)
			asked[ref] = &ticket[question]{of: question{cluster: ref.Cluster, name: ref.Service}, worth: worth, done: make(chan struct{})}
			lines[c] = append(lines[c], asked[ref])
		}
	}
	for c, tickets := range lines {
		c.services.join(ctx, tickets)
	}
	var newest time.Time
	out := make([]failover.PoolObservation, len(refs))
	unknown := make(map[*client][]string)
	for i, ref := range refs {
		c, t := s.clients.get(ref.Region, ref.RoleARN), asked[ref]
		select {
		case <-t.done:
		case <-ctx.Done():
			c.services.leave(lines[c])
			out[i] = unread(failure.Wrap("ecs:DescribeServices", "describe service "+ref.String(), ctx.Err()))
			continue
		}
		if t.of.at.After(newest) {
			newest = t.of.at
		}
		if out[i] = t.of.observation(ref); out[i].Err == failover.ErrNone && !out[i].Draining {
			out[i].HeldDemand, out[i].HeldBy = s.held(t.of.service.Tags)
			out[i].Form = s.known.formOf(ref, t.of.service, out[i].Current)
			s.lines.keep(ref, t.of.service, t.of.at)
			if s.known.keep(ref, factsOf(t.of.service, &out[i])) && out[i].Desired+out[i].RunningCount > 0 {
				unknown[c] = append(unknown[c], out[i].TaskDefinition)
			}
		}
	}
	for c, definitions := range unknown {
		c.learn(ctx, definitions, worth)
	}
	for i, ref := range refs {
		if out[i].Err == failover.ErrNone {
			out[i].HealthBased = s.clients.get(ref.Region, ref.RoleARN).healthBased(asked[ref].of.service, out[i].TaskDefinition)
		}
	}
	return newest, out
}

// describe makes one DescribeServices call for the most worthy that wait, and others of their cluster.
func (c *client) describe(ctx context.Context) {
	var batch []*ticket[question]
	out, err := call(ctx, c.limits, c.limits.serviceRead, c.services.worth(), func(ctx context.Context) (*ecs.DescribeServicesOutput, error) {
		if batch == nil {
			batch = c.services.pick(ctx, batchOf)
		}
		if len(batch) == 0 {
			return nil, errNothing
		}
		return c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &batch[0].of.cluster, Services: namesOf(batch),
			Include: []types.ServiceField{types.ServiceFieldTags}})
	})
	if len(batch) == 0 {
		return
	}
	found, reasons := map[string]*types.Service{}, map[string]string{}
	at := time.Time{}
	if err == nil {
		at = serverTime(out.ResultMetadata)
		c.heard(at)
		for i := range out.Services {
			found[aws.ToString(out.Services[i].ServiceName)] = &out.Services[i]
		}
		for _, f := range out.Failures {
			reasons[lastPart(aws.ToString(f.Arn))] = aws.ToString(f.Reason)
		}
	}
	for _, t := range batch {
		q := &t.of
		q.service, q.reason, q.at, q.err = found[lastPart(q.name)], reasons[lastPart(q.name)], at, err
	}
	c.services.served(batch)
}

// batchOf chooses up to ten services of the first one's cluster, and everyone who asks for one of them.
func batchOf(waiting []*ticket[question]) []*ticket[question] {
	var out []*ticket[question]
	names := make(map[string]bool, describeMax)
	for _, t := range waiting {
		if t.of.cluster != waiting[0].of.cluster || len(names) == describeMax && !names[t.of.name] {
			continue
		}
		names[t.of.name] = true
		out = append(out, t)
	}
	return out
}

// namesOf lists the services of a batch, each once.
func namesOf(batch []*ticket[question]) []string {
	names := make([]string, 0, describeMax)
	for _, t := range batch {
		if !slices.Contains(names, t.of.name) {
			names = append(names, t.of.name)
		}
	}
	return names
}

// unread is the observation of what could not be read.
func unread(err error) failover.PoolObservation {
	o := failover.PoolObservation{Err: failure.Kind(err), ErrText: err.Error()}
	if failure.Code(err) == "ClusterNotFoundException" {
		o.Gone = "ClusterNotFound"
	}
	return o
}

// observation is what the answer says of the service.
func (q *question) observation(ref control.ServiceRef) failover.PoolObservation {
	if q.err != nil {
		return unread(failure.Wrap("ecs:DescribeServices", "describe services of "+ref.Region+"/"+ref.Cluster, q.err))
	}
	sv := q.service
	switch {
	case sv == nil:
		o := failover.PoolObservation{Err: failover.ErrNotFound, ErrText: fmt.Sprintf("describe service %s: %s", ref, orElse(q.reason, "not in the answer"))}
		if q.reason == "MISSING" {
			o.Gone = q.reason
		}
		return o
	case aws.ToString(sv.Status) == "DRAINING":
		o := observe(sv)
		o.Draining = true
		return o
	case aws.ToString(sv.Status) != "ACTIVE":
		o := failover.PoolObservation{Err: failover.ErrNotFound, ErrText: fmt.Sprintf("describe service %s: its status is %s", ref, aws.ToString(sv.Status))}
		if aws.ToString(sv.Status) == "INACTIVE" {
			o.Gone = "INACTIVE"
		}
		return o
	}
	return observe(sv)
}

// healthBased reports whether health says when a task of a service is ready: behind a target group, or where containers have
// health checks. That is known from a service's second look on, so that the first one, which may have a loss to cover, waits for no
// more calls than it must; a listing finds out for itself.
func (c *client) healthBased(sv *types.Service, definition string) bool {
	d, _ := c.definitions.of(definition)
	return d.checks || slices.ContainsFunc(sv.LoadBalancers, func(l types.LoadBalancer) bool { return aws.ToString(l.TargetGroupArn) != "" })
}

// observe reads one service. A deployment is in progress while the PRIMARY one is and another still has
// tasks, or while there are several task sets (blue/green by CodeDeploy or an external controller).
func observe(sv *types.Service) failover.PoolObservation {
	o := failover.PoolObservation{Desired: int(sv.DesiredCount), RunningCount: int(sv.RunningCount), PendingCount: int(sv.PendingCount),
		TaskDefinition: aws.ToString(sv.TaskDefinition), Revisions: revisionsOf(sv), Mixed: mixedOf(sv)}
	for i := range sv.Deployments {
		d := &sv.Deployments[i]
		if aws.ToString(d.Status) != "PRIMARY" {
			continue
		}
		o.Current = aws.ToString(d.Id)
		o.TaskDefinition = orElse(aws.ToString(d.TaskDefinition), o.TaskDefinition)
		o.DeployFailed = d.RolloutState == types.DeploymentRolloutStateFailed
		if d.RolloutState == types.DeploymentRolloutStateInProgress && len(sv.Deployments) > 1 {
			o.Deploying, o.DeployingSince = true, aws.ToTime(d.CreatedAt)
		}
	}
	if len(sv.TaskSets) > 1 {
		o.Deploying = true
	}
	for i := range sv.TaskSets {
		ts := &sv.TaskSets[i]
		if aws.ToString(ts.Status) == "PRIMARY" {
			o.TaskDefinition = orElse(aws.ToString(ts.TaskDefinition), o.TaskDefinition)
		}
		if at := aws.ToTime(ts.CreatedAt); o.Deploying && at.After(o.DeployingSince) {
			o.DeployingSince = at
		}
	}
	if o.Deploying {
		o.MayTake = mayTake(sv)
	}
	return o
}

// serverTime returns the time in an answer's Date header; zero if it had none.
func serverTime(m middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(m)
	return at.UTC()
}

// mixedOf names the providers of a strategy that has several which tasks may run on; empty for one.
func mixedOf(sv *types.Service) string {
	var names []string
	for i := range sv.CapacityProviderStrategy {
		item := &sv.CapacityProviderStrategy[i]
		if name := aws.ToString(item.CapacityProvider); item.Base+item.Weight > 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return ""
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
