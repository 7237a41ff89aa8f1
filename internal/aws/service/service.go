package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
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

// batch is the services of one DescribeServices call, and where their observations go.
type batch struct {
	region, role, cluster string
	names                 []string
	places                [][]int
}

// batches groups services by region, role and cluster into calls of ten. A service named twice is asked for
// once.
func batches(refs []control.ServiceRef) []*batch {
	type group struct{ region, role, cluster string }
	open := make(map[group]*batch)
	seen := make(map[control.ServiceRef]*int)
	home := make(map[control.ServiceRef]*batch)
	var out []*batch
	for i, ref := range refs {
		if b := home[ref]; b != nil {
			b.places[*seen[ref]] = append(b.places[*seen[ref]], i)
			continue
		}
		g := group{ref.Region, ref.RoleARN, ref.Cluster}
		b := open[g]
		if b == nil || len(b.names) == describeMax {
			b = &batch{region: ref.Region, role: ref.RoleARN, cluster: ref.Cluster}
			open[g] = b
			out = append(out, b)
		}
		at := len(b.names)
		home[ref], seen[ref] = b, &at
		b.names = append(b.names, ref.Service)
		b.places = append(b.places, []int{i})
	}
	return out
}

// Describe looks at services, ten to a call. What could not be read has its Err set. The time is AWS's, by
// the Date header of the newest answer.
func (s *Services) Describe(ctx context.Context, refs []control.ServiceRef) (time.Time, []failover.PoolObservation) {
	out := make([]failover.PoolObservation, len(refs))
	var mu sync.Mutex
	var newest time.Time
	var all sync.WaitGroup
	slots := make(chan struct{}, describeParallel)
	for _, b := range batches(refs) {
		slots <- struct{}{} // calls keep their own deadlines, so a place comes free
		all.Go(func() {
			defer func() { <-slots }()
			at, obs := s.describe(ctx, b)
			mu.Lock()
			defer mu.Unlock()
			if at.After(newest) {
				newest = at
			}
			for k, places := range b.places {
				for _, i := range places {
					out[i] = obs[k]
				}
			}
		})
	}
	all.Wait()
	return newest, out
}

// describe makes one DescribeServices call.
func (s *Services) describe(ctx context.Context, b *batch) (time.Time, []failover.PoolObservation) {
	obs := make([]failover.PoolObservation, len(b.names))
	fail := func(err error) (time.Time, []failover.PoolObservation) {
		err = failure.Wrap("ecs:DescribeServices", "describe services of "+b.region+"/"+b.cluster, err)
		gone := ""
		if failure.Code(err) == "ClusterNotFoundException" {
			gone = "ClusterNotFound"
		}
		for i := range obs {
			obs[i] = failover.PoolObservation{Err: failure.Kind(err), ErrText: err.Error(), Gone: gone}
		}
		return time.Time{}, obs
	}
	c := s.clients.get(b.region, b.role)
	if err := take(ctx, c.limits.serviceRead); err != nil {
		return fail(err)
	}
	out, err := c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &b.cluster, Services: b.names, Include: []types.ServiceField{types.ServiceFieldTags}})
	if err != nil {
		return fail(err)
	}
	at := serverTime(out.ResultMetadata)
	c.heard(at)
	found := make(map[string]*types.Service, len(out.Services))
	for i := range out.Services {
		found[aws.ToString(out.Services[i].ServiceName)] = &out.Services[i]
	}
	reasons := make(map[string]string, len(out.Failures))
	for _, f := range out.Failures {
		reasons[lastPart(aws.ToString(f.Arn))] = aws.ToString(f.Reason)
	}
	var unknown []string
	for i, name := range b.names {
		sv := found[lastPart(name)]
		switch {
		case sv == nil:
			reason := reasons[lastPart(name)]
			obs[i] = failover.PoolObservation{Err: failover.ErrNotFound, ErrText: fmt.Sprintf("describe service %s/%s/%s: %s",
				b.region, b.cluster, name, orElse(reason, "not in the answer"))}
			if reason == "MISSING" {
				obs[i].Gone = reason
			}
		case aws.ToString(sv.Status) == "DRAINING":
			obs[i] = observe(sv)
			obs[i].Draining = true
		case aws.ToString(sv.Status) != "ACTIVE":
			obs[i] = failover.PoolObservation{Err: failover.ErrNotFound, ErrText: fmt.Sprintf("describe service %s/%s/%s: its status is %s",
				b.region, b.cluster, name, aws.ToString(sv.Status))}
			if aws.ToString(sv.Status) == "INACTIVE" {
				obs[i].Gone = "INACTIVE"
			}
		default:
			obs[i] = observe(sv)
			ref := control.ServiceRef{Region: b.region, Cluster: b.cluster, Service: name, RoleARN: b.role}
			s.lines.keep(ref, sv, at)
			obs[i].HeldDemand, obs[i].HeldBy = s.held(sv.Tags)
			if s.known.keep(ref, factsOf(sv, &obs[i])) && obs[i].Desired+obs[i].RunningCount > 0 {
				unknown = append(unknown, obs[i].TaskDefinition)
			}
		}
	}
	c.learn(ctx, unknown)
	c.healthBased(found, b.names, obs)
	return at, obs
}

// healthBased notes for which services health says when a task is ready: those behind a target group, and those whose containers have
// health checks. That is known from a service's second look on, so that the first one, which may have a loss to cover, waits for no
// more calls than it must; a listing finds out for itself.
func (c *client) healthBased(found map[string]*types.Service, names []string, obs []failover.PoolObservation) {
	for i, name := range names {
		if sv := found[lastPart(name)]; sv != nil && obs[i].Err == failover.ErrNone {
			d, _ := c.definitions.of(obs[i].TaskDefinition)
			obs[i].HealthBased = d.checks || slices.ContainsFunc(sv.LoadBalancers, func(l types.LoadBalancer) bool { return aws.ToString(l.TargetGroupArn) != "" })
		}
	}
}

// observe reads one service. A deployment is in progress while the PRIMARY one is and another still has
// tasks, or while there are several task sets (blue/green by CodeDeploy or an external controller).
func observe(sv *types.Service) failover.PoolObservation {
	o := failover.PoolObservation{Desired: int(sv.DesiredCount), RunningCount: int(sv.RunningCount), PendingCount: int(sv.PendingCount),
		TaskDefinition: aws.ToString(sv.TaskDefinition), Revisions: revisionsOf(sv)}
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
