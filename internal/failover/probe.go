package failover

import "fmt"

// ProbeOf is how many tasks a pool keeps being asked for while it is not trusted: the policy's probe, but never more than
// are wanted, nor than the pool may have. Without it the pool could not show that it has recovered.
func ProbeOf(p *Policy, pool *Pool, demand int) int {
	n := min(max(1, p.Probe), demand)
	if pool.Max > 0 {
		n = min(n, pool.Max)
	}
	return n
}

// Stays is what an order that takes a workload off Spot leaves there. The zero value means that it leaves nothing, or that
// the order is none of that kind.
type Stays struct {
	// Tasks are the probes' of the pools that are not trusted after it, of Demand.
	Tasks, Demand int
	// Pool is the one that the order is about, where another Spot pool takes the rest; empty where on-demand does.
	Pool string

	probe, pools int
}

// StaysOnSpot says what an order leaves on Spot; after is the state that [Apply] made of it.
func StaysOnSpot(p Policy, after State, in Intent) Stays {
	pin := in.Kind == IntentPin && in.Mode == ModeOnDemand
	if in.Kind != IntentFailover && !pin || after.Pin != nil && after.Pin.Mode == ModeSpot || after.Demand == 0 {
		return Stays{}
	}
	s := Stays{Demand: after.Demand, probe: max(1, p.Probe)}
	preferred, ordered := pass{p: &p}, 0
	for i := range p.Pools {
		pool := &p.Pools[i]
		switch {
		case !preferred.hasBreaker(i):
			continue
		case !pin && after.Pool(pool.Name).B.Mode != Open:
			s.Pool = in.Pool
			continue
		case pool.Name == in.Pool:
			ordered = ProbeOf(&p, pool, s.Demand)
		}
		s.pools++
		s.Tasks += ProbeOf(&p, pool, s.Demand)
	}
	if s.Pool != "" {
		s.Tasks = ordered
	}
	s.Tasks = min(s.Tasks, s.Demand)
	return s
}

// Text says it in a line; empty when nothing stays.
func (s Stays) Text() string {
	switch {
	case s.Tasks == 0:
		return ""
	case s.Pool != "":
		return fmt.Sprintf("pool %s keeps its probe of %d", s.Pool, s.Tasks)
	case s.Tasks < s.Demand:
		return fmt.Sprintf("its probe stays on Spot: %d of %d tasks", s.Tasks, s.Demand)
	case s.Demand == 1:
		return "its probe of 1 task stays on Spot, and that is all of it: on-demand comes beside it"
	}
	text := fmt.Sprintf("its probe of %d stays on Spot, and that is all %d of its tasks: on-demand comes beside them, and none leaves Spot", s.probe, s.Demand)
	if below := (s.Demand + s.pools - 1) / s.pools; below > 1 { // of each pool
		text += fmt.Sprintf(" unless probe is less than %d in the policy", below)
	}
	return text
}
