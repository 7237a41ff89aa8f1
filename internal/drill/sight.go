package drill

import (
	"context"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// sight is one look at the workload's services. Its time is AWS's.
type sight struct {
	at    time.Time
	pools []pool
}

type pool struct {
	desired   int
	deploying bool
	tasks     []failover.Task
	ready     map[string]bool // by ID: in service
	onDemand  bool
}

// see looks at all services of a workload. What could not be read is an error.
func see(ctx context.Context, o *Options) (*sight, error) {
	worth := control.Worth{Urgency: control.Short}
	at, obs := o.Services.Describe(ctx, o.Workload.Refs, worth)
	out := &sight{at: at, pools: make([]pool, len(obs))}
	for i := range obs {
		q, ref := &out.pools[i], o.Workload.Refs[i]
		if obs[i].Err != failover.ErrNone {
			return nil, fmt.Errorf("look at %s: %s", ref, obs[i].ErrText)
		}
		q.desired, q.deploying, q.ready = obs[i].Desired, obs[i].Deploying, map[string]bool{}
		q.onDemand = o.Workload.Policy.Pools[i].Capacity == failover.OnDemand
		if q.desired+obs[i].RunningCount+obs[i].PendingCount == 0 {
			continue
		}
		list, err := o.Services.List(ctx, ref, control.Want{Stopped: true, Health: true, Worth: worth})
		if err != nil {
			return nil, fmt.Errorf("look at the tasks of %s: %w", ref, err)
		}
		if list.HealthErr != failover.ErrNone {
			return nil, fmt.Errorf("look at the readiness of %s: %s", ref, list.HealthErrText)
		}
		q.tasks = list.Tasks
		for k := range list.Tasks {
			t := &list.Tasks[k]
			q.ready[t.ID] = t.Phase == failover.Running && !list.OutOfTraffic &&
				(t.Health == failover.HealthReady || !list.HealthBased && at.Sub(t.StartedAt) >= o.Workload.Policy.ReadyAfter)
		}
	}
	return out, nil
}

// serving lists the pool's tasks in service.
func (q *pool) serving() (ids []string) {
	for i := range q.tasks {
		if q.ready[q.tasks[i].ID] {
			ids = append(ids, q.tasks[i].ID)
		}
	}
	return ids
}

// serving counts the tasks in service but for some, and those of these that still work.
func (s *sight) serving(but map[string]bool) (n int) {
	for i := range s.pools {
		for k := range s.pools[i].tasks {
			t := &s.pools[i].tasks[k]
			if s.pools[i].ready[t.ID] && !but[t.ID] || t.Phase == failover.Leaving && t.Works {
				n++
			}
		}
	}
	return n
}

// fresh counts the tasks that were created after a moment: those that have capacity, run, and are in service.
func (s *sight) fresh(after time.Time) (placed, running, ready int) {
	for i := range s.pools {
		for k := range s.pools[i].tasks {
			t := &s.pools[i].tasks[k]
			if !t.CreatedAt.After(after) || t.Phase == failover.Leaving || t.Phase == failover.Provisioning {
				continue
			}
			placed++
			if t.Phase == failover.Running {
				running++
			}
			if s.pools[i].ready[t.ID] {
				ready++
			}
		}
	}
	return placed, running, ready
}

// cover is what on-demand is asked for, and how many tasks of it exist.
func (s *sight) cover() (asked, live int) {
	for i := range s.pools {
		if s.pools[i].onDemand {
			asked += s.pools[i].desired
			live += len(s.pools[i].tasks)
		}
	}
	return asked, live
}
