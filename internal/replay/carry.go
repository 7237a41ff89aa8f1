package replay

import (
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// ask is a rival's wish for a pool's desired count.
func (s *sim) ask(pool, count int) {
	if s.pools[pool].desired != count {
		s.asked = append(s.asked, ask{pool, count})
	}
}

// askSpot spreads a count over the Spot pools of the first tier in equal parts; ECS does the rest by zone.
func (s *sim) askSpot(n int) {
	k := 0
	for _, p := range s.pools {
		if p.capacity == failover.Spot && p.tier == 0 {
			k++
		}
	}
	for i, p := range s.pools {
		if p.capacity == failover.Spot && p.tier == 0 {
			part := n / k
			n, k = n-part, k-1
			s.ask(i, part)
		}
	}
}

// carryOut sends the law's actions on their way; committed is called when they have been carried out.
func (s *sim) carryOut(actions []failover.Action, committed func([]failover.Action)) {
	a := act{done: func() { committed(actions) }}
	for _, x := range actions {
		switch x := x.(type) {
		case failover.SetDesiredCount:
			a.asks = append(a.asks, ask{s.byRef[x.Pool], x.Count})
		case failover.HoldDemand:
			a.hold = append(a.hold, x)
		case failover.StopTask:
			a.stop = append(a.stop, x)
		}
	}
	s.send(a)
}

func (s *sim) send(a act) {
	a.at = s.now + s.c.Act.draw(s.rng)
	s.busyUntil = max(s.busyUntil, a.at)
	s.acts = append(s.acts, a) // one at a time: no pass runs before the last one's calls are out
}

// carry makes the calls that are due.
func (s *sim) carry() {
	for len(s.acts) > 0 && s.acts[0].at <= s.now {
		a := s.acts[0]
		s.acts = s.acts[:copy(s.acts, s.acts[1:])]
		for _, x := range a.asks {
			s.setDesired(x.pool, x.count)
			s.result.Updates++
		}
		for _, x := range a.hold {
			s.pools[s.byRef[x.Pool]].held = x.Demand
		}
		for _, x := range a.stop {
			ref := s.pools[s.byRef[x.Pool]].ref
			_, _ = s.world.StopTask(ref.Region, ref.Cluster, x.Task, "late") // it may be gone by now
		}
		if a.done != nil {
			a.done()
		}
	}
}

func (s *sim) setDesired(pool, count int) {
	p := s.pools[pool]
	raised := count > p.desired && p.capacity == failover.OnDemand
	p.desired = count
	if raised {
		s.m.raised()
	}
	if err := s.world.SetDesired(p.ref, count); err != nil {
		s.result.Violations = append(s.result.Violations, fmt.Sprintf("set %s to %d: %v", p.name, count, err))
	}
}
