package service

import (
	"context"
	"slices"
	"strings"
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

const (
	// pageMax is how many tasks one ListTasks gives and one DescribeTasks takes (ECS API).
	pageMax = 100
	// pagesMax bounds the pages of running tasks: ECS's limit of 5,000 tasks in a service.
	pagesMax = 50
	// stoppedPagesMax bounds the pages of stopped tasks. A service that loses more than 200 tasks within the
	// hour that ECS remembers them has shown enough.
	stoppedPagesMax = 2
	// stoppedFor is how long ago a task may have stopped to be evidence still: the longest window of a preset
	// (15 minutes), doubled.
	stoppedFor = 30 * time.Minute
	// linesMax and linesFor bound what is kept of a service's event list between Describe and List.
	linesMax = 20
	linesFor = 15 * time.Minute
)

// List reads the tasks of a service whose desired status is RUNNING; where it is wanted also those that are leaving, those that
// stopped in the last half hour (at most 200) as signals, together with what the service's event list says that
// ECS's events do not (which placement failures were quotas), and which tasks are ready.
func (s *Services) List(ctx context.Context, ref control.ServiceRef, want control.Want) (control.Listing, error) {
	c := s.clients.get(ref.Region, ref.RoleARN)
	f, _ := s.known.of(ref)
	l := &look{c: c, ref: ref, f: f, now: c.now(), health: want.Health}
	stopped := want.Stopped
	var gone []types.Task
	var goneErr error
	var side sync.WaitGroup
	if stopped {
		side.Go(func() { gone, _, goneErr = tasks(ctx, c, ref, types.DesiredStatusStopped, stoppedPagesMax) })
	}
	l.readGroups(ctx, &side, s.known.carriesTests)
	if want.Stopped || want.Health {
		side.Go(func() { _, _ = c.define(ctx, f.definition) }) // beside the listing; what fails is tried, and told of, after it
	}
	running, at, err := tasks(ctx, c, ref, types.DesiredStatusRunning, pagesMax)
	side.Wait()
	if err == nil {
		err = goneErr
	}
	if err != nil {
		return control.Listing{}, err
	}
	out := l.listing(ctx, running, gone)
	l.protect(ctx, out.Tasks)
	out.HookSince = l.hookSince(ctx)
	if !stopped {
		return out, nil
	}
	out.Signals = s.lines.signals(ref, s.noEvents)
	for i := range gone {
		if sig, ok := stop(ref, &gone[i], at); ok {
			out.Signals = append(out.Signals, sig)
		}
	}
	return out, nil
}

// tasks lists and describes the tasks of a service, page by page. The next page is listed while the ones before it are
// described: one after the other, the fifty pages of the largest services would not fit into a look.
func tasks(ctx context.Context, c *client, ref control.ServiceRef, status types.DesiredStatus, pages int) ([]types.Task, time.Time, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	found := make([]page, pages)
	var next *string
	for i := range pages {
		list, err := listTasks(ctx, c, ref, status, next)
		if err != nil {
			cancel(err)
			break
		}
		if len(list.TaskArns) > 0 {
			all.Go(func() {
				if err := found[i].describe(ctx, c, ref, list.TaskArns); err != nil {
					cancel(err)
				}
			})
		}
		if next = list.NextToken; aws.ToString(next) == "" {
			break
		}
	}
	all.Wait()
	var out []types.Task
	var at time.Time
	if ctx.Err() != nil {
		return nil, at, context.Cause(ctx)
	}
	for i := range found {
		out = append(out, found[i].tasks...)
		if found[i].at.After(at) {
			at = found[i].at
		}
	}
	return out, at, nil
}

// page is one page of described tasks.
type page struct {
	tasks []types.Task
	at    time.Time
}

func listTasks(ctx context.Context, c *client, ref control.ServiceRef, status types.DesiredStatus, next *string) (*ecs.ListTasksOutput, error) {
	object := "list tasks of " + ref.String()
	if err := take(ctx, c.limits.clusterRead); err != nil {
		return nil, failure.Wrap("ecs:ListTasks", object, err)
	}
	list, err := c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &ref.Cluster, ServiceName: &ref.Service, DesiredStatus: status,
		MaxResults: aws.Int32(pageMax), NextToken: next})
	if err != nil {
		return nil, failure.Wrap("ecs:ListTasks", object, err)
	}
	return list, nil
}

// describe fills the page. A task that is gone meanwhile is in the answer's failures, and no trouble.
func (p *page) describe(ctx context.Context, c *client, ref control.ServiceRef, arns []string) error {
	object := "describe tasks of " + ref.String()
	if err := take(ctx, c.limits.clusterRead); err != nil {
		return failure.Wrap("ecs:DescribeTasks", object, err)
	}
	answer, err := c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &ref.Cluster, Tasks: arns})
	if err != nil {
		return failure.Wrap("ecs:DescribeTasks", object, err)
	}
	p.tasks, p.at = answer.Tasks, serverTime(answer.ResultMetadata)
	return nil
}

// task reduces a described task to what deciding needs.
func task(t *types.Task) failover.Task {
	out := failover.Task{ID: ecsevent.TaskID(aws.ToString(t.TaskArn)), Revision: aws.ToString(t.StartedBy),
		CreatedAt: aws.ToTime(t.CreatedAt), StartedAt: aws.ToTime(t.StartedAt)}
	switch {
	case aws.ToString(t.DesiredStatus) == string(types.DesiredStatusStopped):
		out.Phase = failover.Leaving
	case aws.ToString(t.LastStatus) == "RUNNING":
		out.Phase = failover.Running
	case aws.ToString(t.LastStatus) == "PROVISIONING" && !granted(t):
		out.Phase = failover.Provisioning
	case slices.Contains([]string{"PROVISIONING", "PENDING", "ACTIVATING"}, aws.ToString(t.LastStatus)):
		out.Phase = failover.Placed
	default: // DEACTIVATING and later
		out.Phase = failover.Leaving
	}
	return out
}

// stop turns a stopped task into evidence. ok is false for one that stopped too long before at.
func stop(ref control.ServiceRef, t *types.Task, at time.Time) (failover.Signal, bool) {
	when := aws.ToTime(t.StoppingAt)
	if when.IsZero() {
		when = aws.ToTime(t.StoppedAt)
	}
	if when.IsZero() || (!at.IsZero() && at.Sub(when) > stoppedFor) {
		return failover.Signal{}, false
	}
	id := ecsevent.TaskID(aws.ToString(t.TaskArn))
	return failover.Signal{
		ID: id, At: when, Region: ref.Region, Cluster: ecsevent.ClusterName(ref.Cluster), Service: ecsevent.ServiceName(ref.Service),
		Kind: ecsevent.Classify(ecsevent.Stop{Code: string(t.StopCode), Reason: aws.ToString(t.StoppedReason),
			Capacity: failover.Capacity(aws.ToString(t.CapacityProviderName)), StartedAt: aws.ToTime(t.StartedAt),
			LastStatus: aws.ToString(t.LastStatus), Exited: exited(t)}),
		Capacity: failover.Capacity(aws.ToString(t.CapacityProviderName)), Task: id, Version: t.Version,
		Zone: aws.ToString(t.AvailabilityZone), CreatedAt: aws.ToTime(t.CreatedAt), StartedAt: aws.ToTime(t.StartedAt),
		ExitedAt: aws.ToTime(t.ExecutionStoppedAt), Deployment: aws.ToString(t.StartedBy),
		StopCode: string(t.StopCode), StopReason: aws.ToString(t.StoppedReason),
	}, true
}

func exited(t *types.Task) bool {
	return slices.ContainsFunc(t.Containers, func(c types.Container) bool { return c.ExitCode != nil })
}

// lines keeps the services' recent event lines that say something. The zero value is ready.
type lines struct {
	mu  sync.Mutex
	all map[control.ServiceRef][]failover.Signal
}

// keep reads the event list of a service that has fewer tasks than it wants; of any other it forgets what
// it kept.
func (l *lines) keep(ref control.ServiceRef, sv *types.Service, at time.Time) {
	var kept []failover.Signal
	if sv.RunningCount+sv.PendingCount < sv.DesiredCount {
		for _, e := range sv.Events { // the newest first
			when := aws.ToTime(e.CreatedAt)
			if len(kept) >= linesMax || (!at.IsZero() && at.Sub(when) > linesFor) {
				break
			}
			kind, ok := ecsevent.ClassifyServiceMessage(aws.ToString(e.Message))
			if !ok {
				continue
			}
			kept = append(kept, failover.Signal{ID: aws.ToString(e.Id), Kind: kind, At: when, Region: ref.Region,
				Cluster: ecsevent.ClusterName(ref.Cluster), Service: ecsevent.ServiceName(ref.Service), StopReason: aws.ToString(e.Message)})
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(kept) == 0 {
		delete(l.all, ref)
		return
	}
	if l.all == nil {
		l.all = make(map[control.ServiceRef][]failover.Signal)
	}
	l.all[ref] = kept
}

// signals returns what was kept of a service. Quotas and configuration troubles are told nowhere else;
// placement failures come as events too, with another ID, unless nothing brings events.
func (l *lines) signals(ref control.ServiceRef, noEvents bool) []failover.Signal {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []failover.Signal
	for _, s := range l.all[ref] {
		switch s.Kind {
		case failover.SignalQuota, failover.SignalConfiguration:
			out = append(out, s)
		case failover.SignalPlacementFailure, failover.SignalStartImpaired:
			if noEvents {
				out = append(out, s)
			}
		}
	}
	return out
}

// lastPart returns the name in an ARN; what is no ARN is the name.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
