package control

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// account is what services are described together for: one region through one role.
type account struct{ region, role string }

// group is the services of one account that a pass looks at.
type group struct {
	refs  []ServiceRef
	jobs  []*job
	pools []int
}

// look describes the services of all jobs, one call of Describe per account, side by side, and hands every job
// to ready once all its own services are seen. ready does not wait.
func (l *Loop) look(ctx context.Context, jobs []*job, all *sync.WaitGroup, ready func(*job)) {
	groups := make(map[account]*group)
	for _, j := range jobs {
		j.pools = make([]failover.PoolObservation, len(j.w.Refs))
		mine := make(map[account]bool, 1)
		for k, ref := range j.w.Refs {
			a := account{ref.Region, ref.RoleARN}
			g := groups[a]
			if g == nil {
				g = &group{}
				groups[a] = g
			}
			g.refs, g.jobs, g.pools = append(g.refs, ref), append(g.jobs, j), append(g.pools, k)
			mine[a] = true
		}
		j.waiting.Store(int32(len(mine)))
	}
	var mu sync.Mutex // guards the jobs' at
	for _, g := range groups {
		all.Go(func() {
			lookCtx, cancel := context.WithTimeout(ctx, LookTimeout)
			at, obs := l.Services.Describe(lookCtx, g.refs)
			cancel()
			at = l.awsTime(at)
			var last *job
			for i, j := range g.jobs {
				o := failover.PoolObservation{Err: failover.ErrUnknown, ErrText: "not described"}
				if i < len(obs) {
					o = obs[i]
				}
				o.Pool = j.w.Policy.Pools[g.pools[i]].Name
				j.pools[g.pools[i]] = o
			}
			for _, j := range g.jobs { // a job's services of one group are side by side
				if j == last {
					continue
				}
				last = j
				mu.Lock()
				if at.After(j.at) {
					j.at = at
				}
				mu.Unlock()
				if j.waiting.Add(-1) == 0 {
					ready(j)
				}
			}
		})
	}
}

// awsTime returns AWS's clock: as it was read, or else ours by the difference that was last seen.
func (l *Loop) awsTime(at time.Time) time.Time {
	now := l.Now()
	if at.IsZero() {
		return now.Add(time.Duration(l.skew.Load()))
	}
	l.skew.Store(int64(at.Sub(now)))
	return at
}

// lookCloser reads what else the decision needs: tasks, stopped tasks, scalable targets. A pool whose tasks
// cannot be read is blind; a scalable target that cannot be read is left unknown.
func (l *Loop) lookCloser(ctx context.Context, j *job, state failover.State, o *failover.Observation) {
	needs := failover.Needs(j.w.Policy, state, *o)
	var all sync.WaitGroup
	found := make([][]failover.Signal, len(needs))
	degraded := make([]bool, len(needs))
	for k, need := range needs {
		p := &o.Pools[k]
		degraded[k] = p.Err != failover.ErrNone && passing(p.Err)
		if p.Err != failover.ErrNone || (!need.Tasks && !need.Stopped && !need.Scaling) {
			continue
		}
		all.Go(func() {
			lookCtx, cancel := context.WithTimeout(ctx, LookTimeout)
			defer cancel()
			if need.Scaling {
				scaling, err := l.Services.Scaling(lookCtx, j.w.Refs[k])
				if err != nil {
					degraded[k] = true
					l.Log.LogAttrs(ctx, slog.LevelWarn, "scalable target not read", slog.String(KeyWorkload, j.w.Name),
						slog.String(KeyPool, p.Pool), slog.Any(KeyErr, err), slog.String(KeyHint, hintOf(err)))
				} else {
					p.Scaling = scaling
				}
			}
			if !need.Tasks && !need.Stopped {
				return
			}
			tasks, signals, err := l.Services.List(lookCtx, j.w.Refs[k], need.Stopped)
			if err != nil {
				*p = failover.PoolObservation{Pool: p.Pool, Err: kindOf(err), ErrText: err.Error()}
				degraded[k] = passing(p.Err)
				return
			}
			p.Listed, p.Tasks = true, tasks
			for i := range signals {
				signals[i].Pool = p.Pool
			}
			found[k] = signals
		})
	}
	all.Wait()
	for k := range needs {
		j.degraded = j.degraded || degraded[k]
		o.Signals = append(o.Signals, found[k]...)
	}
}

// passing says whether trouble of a kind may be over soon without anybody doing something.
func passing(k failover.ErrorKind) bool {
	switch k {
	case failover.ErrThrottled, failover.ErrTimeout, failover.ErrUnknown, failover.ErrConflict:
		return true
	}
	return false
}
