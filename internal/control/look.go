package control

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// account is what services are described together for: one region through one role.
type account struct{ region, role string }

// group is the services of one account that a pass looks at.
type group struct {
	account
	refs  []ServiceRef
	jobs  []*job
	pools []int
	worth Worth // the greatest of the jobs'
}

// groupsOf sorts the services of all jobs by account, and counts for each job of how many it waits for an answer.
func groupsOf(jobs []*job) []*group {
	var groups []*group
	for _, j := range jobs {
		j.pools, j.worth = make([]failover.PoolObservation, len(j.w.Refs)), worthOf(j)
		for k, ref := range j.w.Refs {
			a := account{ref.Region, ref.RoleARN}
			i := slices.IndexFunc(groups, func(g *group) bool { return g.account == a })
			if i < 0 {
				i = len(groups)
				groups = append(groups, &group{account: a})
			}
			g := groups[i]
			if n := len(g.jobs); n == 0 || g.jobs[n-1] != j {
				j.waiting.Add(1)
			}
			if j.worth.Over(g.worth) {
				g.worth = j.worth
			}
			g.refs, g.jobs, g.pools = append(g.refs, ref), append(g.jobs, j), append(g.pools, k)
		}
	}
	return groups
}

// look describes the services of all jobs, one call of Describe per account, side by side, and hands every job
// to ready once all its own services are seen; of several jobs, ready must not wait for one. One of the calls is
// made right here: most loops have one account, and most passes one workload.
func (l *Loop) look(ctx context.Context, jobs []*job, all *sync.WaitGroup, ready func(*job)) {
	var mu sync.Mutex // guards the jobs' at
	groups := groupsOf(jobs)
	for i, g := range groups {
		if i == len(groups)-1 {
			l.describe(ctx, g, &mu, ready)
		} else {
			all.Go(func() { l.describe(ctx, g, &mu, ready) })
		}
	}
}

// lookAfresh looks at the services of one job again.
func (l *Loop) lookAfresh(ctx context.Context, j *job) {
	var all sync.WaitGroup
	j.at, j.looking = time.Time{}, time.Now()
	l.look(ctx, []*job{j}, &all, func(*job) {})
	all.Wait()
}

// describe looks at the services of one account.
func (l *Loop) describe(ctx context.Context, g *group, mu *sync.Mutex, ready func(*job)) {
	at, obs := l.ask(ctx, g)
	if !at.IsZero() {
		at = l.awsTime(at)
	}
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
		if at.After(j.at) { // a time that was read, never one that is guessed beside it
			j.at = at
		}
		mu.Unlock()
		if j.waiting.Add(-1) == 0 {
			ready(j)
		}
	}
}

// verdict is whether an account was silent, and when the call began that showed it.
type verdict struct {
	begun  time.Time
	silent bool
}

// heard notes whether an account has answered a call, unless one that began later has said so already.
func (l *Loop) heard(a account, begun time.Time, answered bool) {
	for {
		last, ok := l.silent.Load(a)
		switch next := (verdict{begun, !answered}); {
		case !ok && answered: // as nearly always
			return
		case !ok:
			if _, raced := l.silent.LoadOrStore(a, next); !raced {
				return
			}
		case last.(verdict).begun.After(begun) || l.silent.CompareAndSwap(a, last, next):
			return
		}
	}
}

// ask calls Describe, and waits for an account that was silent the last time for no longer than silentTimeout.
func (l *Loop) ask(ctx context.Context, g *group) (time.Time, []failover.PoolObservation) {
	call := func(ctx context.Context) (time.Time, []failover.PoolObservation) {
		ctx, cancel := context.WithTimeout(ctx, LookTimeout)
		defer cancel()
		begun := time.Now()
		at, obs := l.Services.Describe(ctx, g.refs, g.worth)
		l.heard(g.account, begun, !slices.ContainsFunc(obs, func(o failover.PoolObservation) bool { return o.Err == failover.ErrTimeout }))
		return at, obs
	}
	if last, ok := l.silent.Load(g.account); !ok || !last.(verdict).silent {
		return call(ctx)
	}
	type answer struct {
		at  time.Time
		obs []failover.PoolObservation
	}
	answered := make(chan answer, 1)
	go func() {
		at, obs := call(context.WithoutCancel(ctx))
		answered <- answer{at, obs}
	}()
	timer := time.NewTimer(silentTimeout)
	defer timer.Stop()
	select {
	case a := <-answered:
		return a.at, a.obs
	case <-timer.C:
	case <-ctx.Done():
	}
	obs := make([]failover.PoolObservation, len(g.refs))
	for i := range obs {
		obs[i] = failover.PoolObservation{Err: failover.ErrTimeout, ErrText: "describe service " + g.refs[i].String() + ": no answer, and none the last time"}
	}
	return time.Time{}, obs
}

// AWSTime is AWS's clock, as far as it is known. Now must be set.
func (l *Loop) AWSTime() time.Time { return l.awsTime(time.Time{}) }

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
	needs := failover.ToRead(&j.w.Policy, &state, o)
	last := -1
	for k, need := range needs {
		if need != (failover.Reads{}) {
			last = k
		}
	}
	if last < 0 {
		return
	}
	lookCtx, cancel := context.WithTimeout(ctx, closerTimeout)
	defer cancel()
	found := make([]closer, last+1)
	var all sync.WaitGroup
	for k, need := range needs[:last] {
		if need != (failover.Reads{}) {
			all.Go(func() { found[k] = l.closer(lookCtx, j, k, need, &o.Pools[k]) })
		}
	}
	found[last] = l.closer(lookCtx, j, last, needs[last], &o.Pools[last])
	all.Wait()
	for k := range found {
		j.degraded = j.degraded || found[k].degraded
		j.keep = j.keep || found[k].kept
		o.Signals = append(o.Signals, found[k].signals...)
	}
}

// closer is what a closer look at a pool found beside what it wrote into the observation.
type closer struct {
	signals  []failover.Signal
	degraded bool
	kept     bool // it is worth keeping, or the next pass makes it again
}

// closer looks closer at one pool.
func (l *Loop) closer(ctx context.Context, j *job, k int, need failover.Reads, p *failover.PoolObservation) (c closer) {
	if need.Scaling {
		scaling, err := l.Services.Scaling(ctx, j.w.Refs[k])
		if err != nil {
			c.degraded = true
			l.Log.LogAttrs(ctx, slog.LevelWarn, "scalable target not read", slog.String(KeyWorkload, j.w.Name),
				slog.String(KeyPool, p.Pool), slog.Any(KeyErr, err), slog.String(KeyHint, HintOf(err)))
		} else {
			p.Scaling = scaling
		}
	}
	if !need.Tasks && !need.Stopped {
		return c
	}
	wait := canWait(j, need, p)
	found, err := l.Services.List(ctx, j.w.Refs[k], Want{Stopped: need.Stopped, Health: need.Health, Worth: j.worth, IfSpare: wait})
	if errors.Is(err, ErrShort) {
		return c
	}
	if err != nil {
		*p = failover.PoolObservation{Pool: p.Pool, Err: KindOf(err), ErrText: err.Error(), Answered: true}
		return c
	}
	c.kept = wait
	p.Listed, p.Tasks, p.Revisions, p.HookSince = true, found.Tasks, found.Revisions, found.HookSince
	p.HealthBased = p.HealthBased || found.HealthBased
	if need.Health {
		p.HealthErr, p.OutOfTraffic = found.HealthErr, found.OutOfTraffic
		if p.HealthErr != failover.ErrNone {
			p.ErrText = found.HealthErrText
			c.degraded = Passing(p.HealthErr)
		}
	}
	for i := range found.Signals {
		found.Signals[i].Pool = p.Pool
	}
	c.signals = found.Signals
	return c
}

// canWait reports whether a closer look is made for nothing but the health of a quiet pool, which is due every five minutes: a fleet's are
// spread over the ticks by what there is to spare.
func canWait(j *job, need failover.Reads, p *failover.PoolObservation) bool {
	return j.worth.Urgency == Quiet && need.Health && !need.Stopped && p.RunningCount == p.Desired && p.PendingCount == 0 && !p.Deploying
}

// MayBeRead says whether a pool could not be read that may be readable soon. One that is written off is given up until
// the next regular pass: else the retries for it would take the place of what the decision wishes.
func MayBeRead(o *failover.Observation, d *failover.Decision) bool {
	for i := range o.Pools {
		if Passing(o.Pools[i].Err) && (i >= len(d.Pools) || d.Pools[i].Sight == failover.Told) {
			return true
		}
	}
	return false
}

// Passing says whether trouble of a kind may be over soon without anybody doing something.
func Passing(k failover.ErrorKind) bool {
	switch k {
	case failover.ErrThrottled, failover.ErrTimeout, failover.ErrUnknown, failover.ErrConflict:
		return true
	}
	return false
}
