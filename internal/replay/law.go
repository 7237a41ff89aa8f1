package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// law runs the production decision code.
type law struct {
	s     *sim
	p     failover.Policy
	state failover.State
	obs   failover.Observation
	look  time.Time // when it wants to look again
	acted bool      // the last pass changed something
	count int       // failovers

	steady time.Duration // Policy.SteadyAfter
}

func newLaw(s *sim, p failover.Policy) controller {
	l := &law{s: s, p: p, steady: p.SteadyAfter()}
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
	l.obs.At = s.clock()
	l.obs.Signals = l.obs.Signals[:0]
	for i := range arrived {
		if !arrived[i].stopped {
			l.obs.Signals = append(l.obs.Signals, arrived[i].sig)
		}
	}
	for i, p := range s.pools {
		desired, running, pending := p.gauge.Counts()
		l.obs.Pools[i] = failover.PoolObservation{Pool: p.name, Desired: desired, RunningCount: running, PendingCount: pending}
	}
	for i, n := range failover.Needs(&l.p, &l.state, &l.obs) {
		if n.Tasks {
			l.list(i)
		}
		l.obs.Pools[i].Scaling.Known = n.Scaling
	}
	after, d := failover.Step(&l.p, l.state, &l.obs)
	if s.run.Check {
		for _, v := range failover.Check(l.p, l.state, l.obs, after, d) {
			s.violation(v)
		}
	}
	if n := len(after.Failovers); n > 0 && (len(l.state.Failovers) == 0 || after.Failovers[n-1].After(l.state.Failovers[len(l.state.Failovers)-1])) {
		l.count++
	}
	l.state, l.look, l.acted = after, d.LookAgain, len(d.Actions) > 0
	if l.acted {
		s.carryOut(d.Actions, func(done []failover.Action) { l.state = failover.Acted(l.state, done) })
		s.chose(&d)
	}
	if !l.look.IsZero() {
		s.passAt(l.look.Sub(s.start))
	}
}

// list shows the law the tasks of a pool: those whose age matters, and how many others run. The order matters to nobody but who stops
// stuck tasks, ten in a pass.
func (l *law) list(i int) {
	p, o := l.s.pools[i], &l.obs.Pools[i]
	o.Listed, o.Tasks = true, p.tasks
	closed := i >= len(l.state.Pools) || l.state.Pools[i].B.Mode == failover.Closed
	if closed && !l.p.StopStuck && !l.s.run.thorough {
		o.Tasks, o.Steady = p.unsteady(l.obs.At.Add(-l.steady))
	}
}

// idle: nothing was done, the services' counts are what they were, no evidence can expire, no breaker is at work and no budget runs.
// Whatever else depends on time alone has asked for a pass of its own (Decision.LookAgain).
func (l *law) idle() bool {
	if l.acted || len(l.state.Window) > 0 || l.p.OnDemandBudgetUSDMonthly > 0 || l.p.Nudge != failover.NudgeNone {
		return false
	}
	for i := range l.state.Pools {
		if l.state.Pools[i].B.Mode != failover.Closed || l.state.Pools[i].Failing != nil {
			return false
		}
	}
	for i, p := range l.s.pools {
		seen := &l.obs.Pools[i]
		if desired, running, pending := p.gauge.Counts(); desired != seen.Desired || running != seen.RunningCount || pending != seen.PendingCount {
			return false
		}
	}
	return true
}

func (l *law) failovers() int { return l.count }
