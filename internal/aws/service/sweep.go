package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// pageMax is how many tasks one ListTasks gives and one DescribeTasks takes (ECS API).
	pageMax = 100
	// pagesMax bounds the pages of running tasks: ECS's limit of 5,000 tasks in a service.
	pagesMax = 50
	// stoppedPagesMax bounds the pages of stopped tasks of a service. One that loses more than 200 tasks within the
	// hour that ECS remembers them has shown enough.
	stoppedPagesMax = 2
	// listEvery is how often stopped tasks are listed where events come: those that were seen running are asked for by name, so the
	// list adds only what lived and died between two looks and whose events were lost. Where calls are short, wanted tasks are listed as seldom,
	// as long as ECS's own counts say that none has come or gone: see [picture.same].
	listEvery = 15 * time.Second
	// sweepParallel bounds the sweeps of one region and role at a time, sweepTimeout one of them, the waiting for its tokens included.
	sweepParallel = 8
	sweepTimeout  = 20 * time.Second
	// scarceParallel bounds the sweeps at a time where calls are short: those that wait meanwhile are served together.
	scarceParallel = 2
	// gatherFor is how long a sweep waits for others that it could serve, where calls are short.
	gatherFor = 200 * time.Millisecond
	// wideFrom is how many pages the listings of services must take for one of the whole cluster to be tried instead.
	wideFrom = 4
	// narrowFor is for how long a cluster is read service by service once its whole turned out not to be readable.
	narrowFor = 10 * time.Minute
)

// inquiry is one service whose tasks are to be read, and what was found.
type inquiry struct {
	ref control.ServiceRef
	// stopped: also those that are leaving or stopped. health: what container health checks say must be fresh.
	stopped, health bool
	// counts are the service's own. listEvery is how old a listing may be.
	counts    counts
	listEvery time.Duration
	// list: the counts were not those of the picture.
	list bool

	running, gone []types.Task
	at            time.Time // AWS's
	err           error
}

// tasksOf reads the tasks of a service, together with what other looks ask for at the same time.
func (c *client) tasksOf(ctx context.Context, q inquiry, worth control.Worth) inquiry {
	t := &ticket[inquiry]{of: q, worth: worth, done: make(chan struct{})}
	c.tasks.join(ctx, []*ticket[inquiry]{t})
	select {
	case <-t.done:
		return t.of
	case <-ctx.Done():
		c.tasks.leave([]*ticket[inquiry]{t})
		q.err = failure.Wrap("ecs:ListTasks", "list tasks of "+q.ref.String(), ctx.Err())
		return q
	}
}

// sweep is one reading of the tasks of some services of a cluster.
type sweep struct {
	c       *client
	picture *picture
	worth   control.Worth
	asks    []*ticket[inquiry]
	cluster string
	// wide: the whole cluster is listed at once, at most pages pages, which is what its services would take one by one.
	wide  bool
	pages int
	// scarce: calls are short. refresh: nothing is listed; what may have changed is described.
	scarce, refresh bool
	// begun and at are AWS's time before and after.
	begun, at time.Time

	running, stopped listing
	described        map[string]bool
}

// listing is the tasks that were listed with one desired status.
type listing struct {
	arns map[string]bool
	done bool
}

// errTooMany says that a cluster has so many tasks that its services are better listed one by one.
var errTooMany = errors.New("the cluster has many more tasks than are guarded")

// sweep serves the most worthy that wait, and where it costs less than each alone, all that wait for tasks of its cluster.
func (c *client) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	var s *sweep
	if !c.limits.clusterRead.ample() {
		select {
		case c.scarce <- struct{}{}:
			defer func() { <-c.scarce }()
		case <-ctx.Done():
			return
		}
		control.Wait(ctx, gatherFor)
	}
	err := c.limits.clusterRead.take(ctx, c.tasks.worth())
	if err == nil {
		if s = c.plan(ctx); s == nil {
			c.limits.clusterRead.back()
			return
		}
		err = s.read(ctx)
	}
	switch {
	case s == nil:
		return
	case s.wide && (errors.Is(err, errTooMany) || failure.Kind(err) == failover.ErrDenied):
		if s.picture.atLeast(len(s.running.arns)+1, c.now()); !errors.Is(err, errTooMany) {
			s.picture.narrow(c.now().Add(narrowFor))
		}
		c.tasks.free()
		c.tasks.join(ctx, s.asks)
	default:
		s.answer(err)
	}
}

// plan takes the next services out of the line; nil when nothing waits.
func (c *client) plan(ctx context.Context) *sweep {
	ample := c.limits.clusterRead.ample()
	s := &sweep{c: c, scarce: !ample, begun: c.now(), described: make(map[string]bool)}
	s.asks = c.tasks.pick(ctx, func(waiting []*ticket[inquiry]) []*ticket[inquiry] {
		s.worth, s.cluster = waiting[0].worth, waiting[0].of.ref.Cluster
		s.picture = c.pictures.of(s.cluster)
		var all, one, fresh []*ticket[inquiry]
		for _, t := range waiting {
			if t.of.ref.Cluster != s.cluster {
				continue
			}
			all = append(all, t)
			if t.of.ref == waiting[0].of.ref {
				one = append(one, t)
			}
			if !ample && s.picture.fresh(&t.of, c.now()) {
				fresh = append(fresh, t)
			}
		}
		if len(fresh) > 0 && fresh[0] == waiting[0] {
			s.refresh = true
			return fresh
		}
		if s.pages = s.picture.pagesOf(all); s.pages >= wideFrom && s.picture.pages(c.now()) < s.pages {
			s.wide = true
			return all
		}
		return one
	})
	if len(s.asks) == 0 {
		return nil
	}
	return s
}

// settleUnlisted describes what may have changed of services whose tasks were listed not long ago, and lets those be listed whose
// own counts are not those of the picture before or after.
func (s *sweep) settleUnlisted(ctx context.Context) error {
	before := s.picture.count(s.asks)
	if arns := s.picture.unsettled(s); len(arns) == 0 {
		s.c.limits.clusterRead.back()
	} else if err := s.describe(ctx, arns, true); err != nil {
		return err
	}
	var same, other []*ticket[inquiry]
	after := s.picture.count(s.asks)
	for i, t := range s.asks {
		if before[i].same(t.of.counts) || after[i].same(t.of.counts) {
			same = append(same, t)
			continue
		}
		t.of.list = true
		other = append(other, t)
	}
	s.asks = same
	s.c.tasks.join(ctx, other)
	return nil
}

// read lists the tasks, and describes those that are new, that may have changed, and that are no longer listed. The token of the first call is there.
func (s *sweep) read(ctx context.Context) error {
	if s.refresh {
		return s.settleUnlisted(ctx)
	}
	s.picture.guard(s.asks)
	most := pagesMax
	if s.wide {
		most = s.pages
	}
	if err := s.list(ctx, types.DesiredStatusRunning, &s.running, most, true); err != nil {
		return err
	}
	if s.picture.stoppedDue(s.asks, s.c.now()) {
		if most = stoppedPagesMax; s.wide {
			most = min(pagesMax, stoppedPagesMax*len(s.asks))
		}
		if err := s.list(ctx, types.DesiredStatusStopped, &s.stopped, most, false); err != nil {
			return err
		}
	}
	return s.describe(ctx, s.picture.toDescribe(s), false)
}

// list lists the tasks of the cluster, or of the one service, page by page.
func (s *sweep) list(ctx context.Context, status types.DesiredStatus, l *listing, most int, granted bool) error {
	in := &ecs.ListTasksInput{Cluster: &s.cluster, DesiredStatus: status, MaxResults: aws.Int32(pageMax)}
	if !s.wide {
		in.ServiceName = &s.asks[0].of.ref.Service
	}
	l.arns = make(map[string]bool)
	for range most {
		ask := call[*ecs.ListTasksOutput]
		if granted {
			ask, granted = paid[*ecs.ListTasksOutput], false
		}
		out, err := ask(ctx, s.c.limits, s.c.limits.clusterRead, s.worth, func(ctx context.Context) (*ecs.ListTasksOutput, error) {
			return s.c.ecs.ListTasks(ctx, in)
		})
		if err != nil {
			return failure.Wrap("ecs:ListTasks", "list tasks of "+s.object(), err)
		}
		s.heard(serverTime(out.ResultMetadata))
		for _, arn := range out.TaskArns {
			l.arns[arn] = true
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			break
		}
	}
	if s.wide && status == types.DesiredStatusRunning && aws.ToString(in.NextToken) != "" {
		return errTooMany
	}
	l.done = true
	return nil
}

// describe reads tasks, a hundred to a call, and puts them into the picture.
func (s *sweep) describe(ctx context.Context, arns []string, granted bool) error {
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	for len(arns) > 0 {
		part := arns[:min(pageMax, len(arns))]
		arns = arns[len(part):]
		ask := call[*ecs.DescribeTasksOutput]
		if granted {
			ask, granted = paid[*ecs.DescribeTasksOutput], false
		}
		all.Go(func() {
			out, err := ask(ctx, s.c.limits, s.c.limits.clusterRead, s.worth, func(ctx context.Context) (*ecs.DescribeTasksOutput, error) {
				return s.c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &s.cluster, Tasks: part})
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if failed == nil {
					failed = failure.Wrap("ecs:DescribeTasks", "describe tasks of "+s.object(), err)
				}
				return
			}
			s.heard(serverTime(out.ResultMetadata))
			s.picture.keep(s, part, out)
		})
	}
	all.Wait()
	return failed
}

// object names what is read, for people.
func (s *sweep) object() string {
	if s.wide || s.refresh {
		return s.asks[0].of.ref.Region + "/" + s.cluster
	}
	return s.asks[0].of.ref.String()
}

// counts are a service's tasks as ECS counts them.
type counts struct{ running, pending int }

func (s *sweep) heard(at time.Time) {
	s.c.heard(at)
	if at.After(s.at) {
		s.at = at
	}
}

// answer gives everyone who waits the tasks of their service, or the reason why there are none.
func (s *sweep) answer(err error) {
	if err == nil && !s.refresh {
		s.picture.settle(s)
	}
	for _, t := range s.asks {
		if t.of.at, t.of.err = s.at, err; err == nil {
			t.of.running, t.of.gone = s.picture.show(s, &t.of)
		}
	}
	s.c.tasks.served(s.asks)
}
