package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/promise"
)

// law runs the production decision code.
type law struct {
	s    *sim
	p    failover.Policy
	obs  failover.Observation
	room failover.Room
	// state is what is kept of the last pass, before what was kept of the one before it, and d what was decided.
	state, before failover.State
	d             failover.Decision

	look  time.Time // when it wants to look again
	acted bool      // the last pass changed something
	count int       // failovers

	steady  time.Duration // Policy.SteadyAfter
	serving []int         // tasks in service at the last pass, by pool
}

func newLaw(s *sim, p failover.Policy) controller {
	l := &law{s: s, p: p, steady: p.SteadyAfter(), serving: make([]int, len(s.pools))}
	tier0 := 0
	for _, pool := range s.pools {
		price := s.run.Prices.Spot
		if pool.capacity == failover.OnDemand {
			price = s.run.Prices.OnDemand
		}
		if pool.tier == 0 {
			tier0++
		}
		l.p.Pools = append(l.p.Pools, failover.Pool{Name: pool.name, Capacity: pool.capacity, Tier: pool.tier, TaskHourUSD: price})
	}
	// One preferred pool owns the demand, as its service's desired count; several share a number.
	s.owned = tier0 == 1
	l.state.Workload = "replay"
	l.obs.Pools = make([]failover.PoolObservation, len(s.pools))
	return l
}

func (l *law) pass(arrived []notice) {
	s := l.s
	if !s.owned {
		l.p.Demand = s.demand
	}
	l.observe(arrived)
	l.before = l.state
	l.state, l.d = failover.StepIn(&l.room, &l.p, l.before, &l.obs)
	if s.run.Check {
		for _, v := range promise.Check(&l.p, &l.before, &l.obs, &l.state, &l.d) {
			s.violation(v)
		}
	}
	if s.run.Passed != nil {
		s.run.Passed(&l.before, &l.state, &l.d)
	}
	if n, was := len(l.state.Failovers), l.before.Failovers; n > 0 && (len(was) == 0 || l.state.Failovers[n-1].After(was[len(was)-1])) {
		l.count++
	}
	l.look, l.acted = l.d.LookAgain, len(l.d.Actions) > 0
	if l.acted {
		s.carryOut(l.d.Actions, func(done []failover.Action) { l.state = failover.Acted(l.state, done) })
		s.chose(&l.d)
	}
	if !l.look.IsZero() {
		s.passAt(l.look.Sub(s.start))
	}
	s.polling = s.run.World.warms() && l.reckonsWithHealth()
}

// observe looks at the services, and as closely as the law asks for at their tasks.
func (l *law) observe(arrived []notice) {
	s := l.s
	l.obs.At = s.clock()
	l.obs.Signals = l.obs.Signals[:0]
	for i := range arrived {
		if n := &arrived[i]; !n.stopped || n.sig.Kind == failover.SignalInterruption { // then it says how long a warned task worked on
			l.obs.Signals = append(l.obs.Signals, n.sig)
		}
	}
	for i, p := range s.pools {
		desired, running, pending := p.gauge.Counts()
		l.obs.Pools[i] = failover.PoolObservation{Pool: p.name, Desired: desired, RunningCount: running, PendingCount: pending,
			HealthBased: s.run.World.warms(), HeldDemand: p.held}
		l.serving[i] = p.gauge.InService()
	}
	for i, r := range failover.ToRead(&l.p, &l.state, &l.obs) {
		if r.Tasks {
			l.list(i, r)
		}
		l.obs.Pools[i].Scaling.Known = r.Scaling
	}
}

// list shows the law the tasks of a pool: those whose age matters, and how many others are in service. Their order matters to nothing
// but which of several late tasks is stopped.
func (l *law) list(i int, r failover.Reads) {
	p, o := l.s.pools[i], &l.obs.Pools[i]
	p.refresh(l.obs.At, r.Health)
	o.Listed, o.Tasks = true, p.tasks
	closed := i >= len(l.state.Pools) || l.state.Pools[i].B.Mode == failover.Closed
	if closed && !l.s.run.thorough {
		o.Tasks, o.Steady = p.unsteady(l.obs.At.Add(-l.steady))
	}
	if r.Stopped {
		o.Tasks = p.withLeaving(o.Tasks, l.obs.At)
	}
}

// reckonsWithHealth reports whether what comes into service may let something be given back: in a gap, while on-demand stands, and
// while a pool is held down.
func (l *law) reckonsWithHealth() bool {
	if l.state.Gap != nil {
		return true
	}
	for i := range l.obs.Pools {
		if l.p.Pools[i].Capacity == failover.OnDemand && l.obs.Pools[i].Desired > 0 || l.state.Pools[i].B.Mode != failover.Closed {
			return true
		}
	}
	return false
}

// idle: nothing was done, the services are what they were, no breaker is at work, no budget runs and no tier is shared by what
// its pools have lost lately. Whatever else depends on time alone has asked for a pass of its own (Decision.LookAgain).
func (l *law) idle() bool {
	if l.acted || l.p.OnDemandBudgetUSDMonthly > 0 || !l.s.owned && (len(l.state.Window) > 0 || l.state.Gap != nil) {
		return false
	}
	for i := range l.state.Pools {
		if l.state.Pools[i].B.Mode != failover.Closed || l.state.Pools[i].Failing != nil {
			return false
		}
	}
	for i, p := range l.s.pools {
		seen := &l.obs.Pools[i]
		desired, running, pending := p.gauge.Counts()
		if desired != seen.Desired || running != seen.RunningCount || pending != seen.PendingCount || p.gauge.InService() != l.serving[i] {
			return false
		}
	}
	return true
}

func (l *law) failovers() int { return l.count }
