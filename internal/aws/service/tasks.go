package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
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
	if want.IfSpare {
		giveBack, ok := c.limits.spare(want.Worth)
		if !ok {
			return control.Listing{}, control.ErrShort
		}
		defer giveBack()
	}
	l := &look{c: c, ref: ref, f: f, now: c.now(), health: want.Health, worth: want.Worth, idle: want.IfSpare}
	q := inquiry{ref: ref, stopped: want.Stopped, health: want.Health, counts: counts{f.running, f.pending}, listEvery: listEvery}
	if s.noEvents {
		q.listEvery = 0
	}
	var side sync.WaitGroup
	l.readGroups(ctx, &side, s.known.carriesTests)
	if want.Stopped || want.Health {
		side.Go(func() { _, _ = c.define(ctx, f.definition, want.Worth) }) // beside the listing; what fails is tried, and told of, after it
	}
	q = c.tasksOf(ctx, q, want.Worth)
	side.Wait()
	switch {
	case q.err != nil:
		return control.Listing{}, q.err
	case want.IfSpare && errors.Is(l.groupsErr, failure.ErrRate):
		return control.Listing{}, control.ErrShort // what is read meanwhile is there for the next look
	}
	out := l.listing(ctx, q.running, q.gone)
	l.protect(ctx, out.Tasks)
	out.HookSince = l.hookSince(ctx)
	if !want.Stopped {
		return out, nil
	}
	out.Signals = s.lines.signals(ref, s.noEvents)
	for i := range q.gone {
		if sig, ok := stop(ref, &q.gone[i], q.at); ok {
			out.Signals = append(out.Signals, sig)
		}
	}
	return out, nil
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
