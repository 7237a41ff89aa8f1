package service

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// look is one look at the tasks of a service.
type look struct {
	c   *client
	ref control.ServiceRef
	f   facts
	now time.Time
	// worth is that of the look.
	worth control.Worth
	// idle: the look could wait.
	idle bool
	// health reports whether readiness is wanted; groups is what was read of the target groups, groupsErr why not.
	health    bool
	groups    reading
	groupsErr error
	// checks are the task definitions of the tasks by ARN; checksErr is why one could not be read.
	checks    map[string]definition
	checksErr error
}

// listing reduces the tasks of a service, wanted and leaving, to what deciding needs.
func (l *look) listing(ctx context.Context, running, stopped []types.Task) control.Listing {
	leaving := leavingOf(stopped)
	l.define(ctx, running, leaving)
	out := control.Listing{Tasks: make([]failover.Task, 0, len(running)+len(leaving)), Revisions: l.f.revisions}
	out.HealthBased = len(l.f.entries) > 0
	for i := range running {
		t := task(&running[i])
		if l.health && t.Phase == failover.Running {
			t.Health = l.ready(&running[i])
		}
		out.HealthBased = out.HealthBased || l.checked(&running[i])
		out.Tasks = append(out.Tasks, t)
	}
	for i := range leaving {
		t := task(&leaving[i])
		t.Works = l.works(&leaving[i])
		if at, d := aws.ToTime(leaving[i].StoppingAt), l.checks[aws.ToString(leaving[i].TaskDefinitionArn)]; !at.IsZero() && d.stop > 0 {
			t.EndsAt = at.Add(d.stop)
		}
		out.Tasks = append(out.Tasks, t)
	}
	if !l.health {
		return out
	}
	switch {
	case l.groupsErr != nil:
		out.HealthErr, out.HealthErrText = failure.Kind(l.groupsErr), l.groupsErr.Error()
	case l.checksErr != nil:
		out.HealthErr, out.HealthErrText = failure.Kind(l.checksErr), l.checksErr.Error()
	case len(l.f.entries) > 0:
		out.OutOfTraffic = l.groups.outOfTraffic()
	}
	if l.groupsErr == nil {
		out.Revisions = l.revisions(running)
	}
	return out
}

// leavingOf are the tasks that are told to stop and have not stopped.
func leavingOf(stopped []types.Task) []types.Task {
	var out []types.Task
	for i := range stopped {
		if aws.ToString(stopped[i].LastStatus) != string(types.DesiredStatusStopped) {
			out = append(out, stopped[i])
		}
	}
	return out
}

// define reads the task definitions of the tasks: which have health checks, and how long they take to stop. Where that is not
// permitted a task whose health ECS knows has checks, and for the others running is all that can be told.
func (l *look) define(ctx context.Context, running, leaving []types.Task) {
	l.checks = make(map[string]definition, 2)
	if !l.health && len(leaving) == 0 {
		return
	}
	for _, tasks := range [...][]types.Task{running, leaving} {
		for i := range tasks {
			arn := aws.ToString(tasks[i].TaskDefinitionArn)
			if _, ok := l.checks[arn]; ok {
				continue
			}
			d, err := l.c.define(ctx, arn, l.worth)
			if err != nil && failure.Kind(err) != failover.ErrDenied {
				l.checksErr = err
			}
			l.checks[arn] = d
		}
	}
}

// checked reports whether a container health check says when the task is ready.
func (l *look) checked(t *types.Task) bool {
	return l.checks[aws.ToString(t.TaskDefinitionArn)].checks || t.HealthStatus == types.HealthStatusHealthy || t.HealthStatus == types.HealthStatusUnhealthy
}

// ready says whether a task that runs is ready: healthy in each target group with traffic, and by its container health checks,
// as far as it has either.
func (l *look) ready(t *types.Task) failover.Health {
	if l.groupsErr != nil || l.checksErr != nil {
		return failover.HealthUnread
	}
	if l.checked(t) && t.HealthStatus != types.HealthStatusHealthy || len(l.f.entries) > 0 && !l.groups.healthy(address(t)) {
		return failover.HealthNotReady
	}
	return failover.HealthReady
}

// works reports whether a task that leaves still serves: its containers run, and its target, if it has one, is registered and
// healthy. Where the targets were not read it is taken not to.
func (l *look) works(t *types.Task) bool {
	if t.ExecutionStoppedAt != nil || !slices.ContainsFunc(t.Containers, func(c types.Container) bool { return aws.ToString(c.LastStatus) == "RUNNING" }) {
		return false
	}
	return len(l.f.entries) == 0 || l.health && l.groupsErr == nil && l.groups.healthy(address(t))
}

// revisions gives the revisions of a deployment that shifts traffic between target groups their shares: that of the group which most
// of a revision's tasks are registered in, the least of all the service's load balancers.
func (l *look) revisions(running []types.Task) []failover.Revision {
	if l.f.rolling || len(l.f.entries) == 0 || len(l.f.revisions) == 0 {
		return l.f.revisions
	}
	out := slices.Clone(l.f.revisions)
	for i := range out {
		out[i].Unread, out[i].Share = false, 1
		for k := range l.groups.entries {
			s := &l.groups.entries[k]
			if !s.traffic() {
				continue
			}
			in := make(map[string]int, 2)
			for n := range running {
				if aws.ToString(running[n].StartedBy) == out[i].ID {
					in[l.groups.home(s, address(&running[n]))]++
				}
			}
			share, most := 0.0, 0
			for _, group := range s.groups() {
				if in[group] > most {
					share, most = s.share(group), in[group]
				}
			}
			out[i].Share = math.Min(out[i].Share, share)
		}
	}
	return out
}

// addressDetail is the detail of a network interface that has its private address.
const addressDetail = "privateIPv4Address"

// address is the private IPv4 address of a task; "" before it has one.
func address(t *types.Task) string {
	for i := range t.Attachments {
		for k := range t.Attachments[i].Details {
			if d := &t.Attachments[i].Details[k]; aws.ToString(d.Name) == addressDetail {
				return aws.ToString(d.Value)
			}
		}
	}
	return ""
}

// granted reports whether a network interface is attached to a task: Fargate had capacity for it.
func granted(t *types.Task) bool {
	return slices.ContainsFunc(t.Attachments, func(a types.Attachment) bool { return aws.ToString(a.Status) == "ATTACHED" })
}

// protect marks the tasks that scale-in cannot stop. It is asked only where more run than are wanted: else it matters to nobody.
// What cannot be read stays unmarked: it is for telling people, and no decision lowers a count by it.
func (l *look) protect(ctx context.Context, tasks []failover.Task) {
	if !l.f.over {
		return
	}
	byID := make(map[string]*failover.Task, len(tasks))
	ids := make([]string, 0, len(tasks))
	for i := range tasks {
		if tasks[i].Phase != failover.Leaving {
			byID[tasks[i].ID] = &tasks[i]
			ids = append(ids, tasks[i].ID)
		}
	}
	for part := range slices.Chunk(ids, pageMax) {
		out, err := call(ctx, l.c.limits, l.c.limits.protectionRead, l.worth, func(ctx context.Context) (*ecs.GetTaskProtectionOutput, error) {
			return l.c.ecs.GetTaskProtection(ctx, &ecs.GetTaskProtectionInput{Cluster: &l.ref.Cluster, Tasks: part})
		})
		if err != nil {
			return
		}
		for i := range out.ProtectedTasks {
			if t := byID[ecsevent.TaskID(aws.ToString(out.ProtectedTasks[i].TaskArn))]; t != nil {
				t.Protected = out.ProtectedTasks[i].ProtectionEnabled
			}
		}
	}
}

// hookSince is since when a deployment that shifts traffic has waited for a person; zero when it does not, or it cannot be told.
func (l *look) hookSince(ctx context.Context) time.Time {
	if l.f.rolling || !l.f.deploying {
		return time.Time{}
	}
	since, err := l.c.hooks.of(l.ref.String()).get(ctx, l.now, age{fresh: hooksFor}, nil, func(bool) (time.Time, error) {
		return l.askHooks(ctx)
	})
	if err != nil {
		return time.Time{}
	}
	return since
}

// hooksFor is how long the state of a deployment's hooks is taken to stay: they wait for people.
const hooksFor = 30 * time.Second

var errRate = errors.New("no call left for hooks")

func (l *look) askHooks(ctx context.Context) (time.Time, error) {
	var since time.Time
	for range 2 { // the two calls below
		if !l.c.limits.deploymentRead.idle() {
			return since, errRate // it is worth no waiting
		}
	}
	list, err := l.c.ecs.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &l.ref.Cluster, Service: &l.ref.Service,
		Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusInProgress}})
	if err != nil || len(list.ServiceDeployments) == 0 {
		return since, err
	}
	arns := make([]string, 0, len(list.ServiceDeployments))
	for i := range list.ServiceDeployments {
		arns = append(arns, aws.ToString(list.ServiceDeployments[i].ServiceDeploymentArn))
	}
	out, err := l.c.ecs.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: arns})
	if err != nil {
		return since, err
	}
	for i := range out.ServiceDeployments {
		d := &out.ServiceDeployments[i]
		if slices.ContainsFunc(d.LifecycleHookDetails, func(h types.DeploymentLifecycleHookDetail) bool {
			return h.Status == types.DeploymentLifecycleHookStatusAwaitingAction
		}) {
			since = aws.ToTime(d.UpdatedAt) // when it began to wait is told nowhere; nothing else changes a deployment that waits
		}
	}
	return since, nil
}

// readGroups reads what the look needs of the target groups, beside the tasks.
func (l *look) readGroups(ctx context.Context, side *sync.WaitGroup, tests func(string) bool) {
	if !l.health || len(l.f.entries) == 0 {
		return
	}
	side.Go(func() { l.groups, l.groupsErr = l.c.balancers.inTime(ctx, l, tests) })
}
