package replay

import (
	"math"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// static asks for a fixed share of on-demand and never reacts.
func static(share float64) func(*sim) controller {
	return func(s *sim) controller { return &fixed{s: s, share: share} }
}

type fixed struct {
	s     *sim
	share float64
}

func (f *fixed) pass([]notice) {
	cover := int(math.Ceil(f.share * float64(f.s.demand)))
	f.s.askSpot(f.s.demand - cover)
	f.s.ask(f.s.cover(), cover)
}
func (f *fixed) idle() bool     { return true }
func (f *fixed) failovers() int { return 0 }

// spotHedge is SkyServe's rule: Spot is asked for the target and the extra, on-demand for what of that is not ready, at most the target.
type spotHedge struct {
	s      *sim
	extra  float64
	warned bool
}

func (h *spotHedge) pass([]notice) {
	s := h.s
	want := s.demand + int(math.Ceil(h.extra*float64(s.demand)))
	s.askSpot(want)
	ready := 0
	for _, p := range s.pools {
		switch {
		case p.capacity != failover.Spot:
		case h.warned:
			ready += p.healthy
		default:
			ready += p.working // a replica is ready until its probe fails
		}
	}
	s.ask(s.cover(), max(0, min(s.demand, want-ready)))
}
func (h *spotHedge) idle() bool     { return false }
func (h *spotHedge) failovers() int { return 0 }

// duplicate is the rule of fargate-spot-fallback: a placement failure starts a whole second service, which goes when the first is steady.
type duplicate struct {
	s     *sim
	on    bool
	count int
}

func (d *duplicate) pass(arrived []notice) {
	s := d.s
	s.askSpot(s.demand)
	for i := range arrived {
		if s.pools[arrived[i].pool].capacity != failover.Spot {
			continue
		}
		switch arrived[i].sig.Kind {
		case failover.SignalPlacementFailure:
			if !d.on {
				d.count++
			}
			d.on = true
		case failover.SignalSteadyState:
			d.on = false
		}
	}
	if d.on {
		s.ask(s.cover(), s.demand)
	} else {
		s.ask(s.cover(), 0)
	}
}
func (d *duplicate) idle() bool     { return true }
func (d *duplicate) failovers() int { return d.count }

// gap22 is the rule of the Go and Terraform example that scales on-demand by delta + 1.2 delta with delta = gap + 1 at a placement
// failure. As published it never comes back; here it does when Spot is whole again.
type gap22 struct {
	s   *sim
	ask int
}

func (g *gap22) pass(arrived []notice) {
	s := g.s
	s.askSpot(s.demand)
	running := 0
	for _, p := range s.pools {
		if p.capacity == failover.Spot {
			running += p.healthy
		}
	}
	gap := max(0, s.demand-running)
	for i := range arrived {
		if arrived[i].sig.Kind == failover.SignalPlacementFailure && s.pools[arrived[i].pool].capacity == failover.Spot {
			delta := gap + 1
			g.ask = delta + int(math.Ceil(1.2*float64(delta)))
		}
	}
	if gap == 0 {
		g.ask = 0
	}
	s.ask(s.cover(), g.ask)
}
func (g *gap22) idle() bool     { return g.ask == 0 }
func (g *gap22) failovers() int { return 0 }

// The article's numbers.
const (
	articleWindow    = 5 * time.Minute
	articleCapacity  = 3
	articleStops     = 5
	articlePending   = 3 * time.Minute
	articleWait      = 10 * time.Minute
	articleStable    = 10 * time.Minute
	articleProbe     = 10
	articleSamples   = 10
	articleSuccess   = 0.8
	articleErrorRate = 0.05
)

// article is the article's full switch: on-demand up, Spot to nothing when half of it runs. As published it cannot come back, because
// nothing ever runs on Spot again that could succeed; here the Spot service is kept at a probe of ten tasks, and the article's own rule
// for recovery (ten samples, 80 % success, at most 5 % errors, over ten minutes) is applied to them. Coming back, Spot goes up first
// and on-demand goes when all of Spot runs; after ten minutes without that, Spot goes back to its probe.
type article struct {
	s      *sim
	mode   articleMode
	since  time.Duration
	errors []time.Duration // capacity failures and stops share one counter, as published
	count  int
}

type articleMode uint8

const (
	onSpot articleMode = iota
	switching
	onStandard
	returning
)

func newArticle(s *sim) controller { return &article{s: s} }

func (a *article) pass(arrived []notice) {
	s := a.s
	threshold := 0
	for i := range arrived {
		n := &arrived[i]
		if s.pools[n.pool].capacity != failover.Spot {
			continue
		}
		switch {
		case n.sig.Kind == failover.SignalPlacementFailure, n.sig.Kind == failover.SignalCapacityStop && n.stopped:
			threshold = articleCapacity
		case n.sig.Kind == failover.SignalInterruption && n.stopped:
			if threshold == 0 {
				threshold = articleStops
			}
		default:
			continue
		}
		a.errors = append(a.errors, s.now)
	}
	for len(a.errors) > 0 && s.now-a.errors[0] > articleStable {
		a.errors = a.errors[1:]
	}
	switch a.mode {
	case onSpot:
		s.askSpot(s.demand)
		s.ask(s.cover(), 0)
		if (threshold > 0 && a.recent(articleWindow) >= threshold) || a.stuck() {
			a.count++
			a.enter(switching)
			s.ask(s.cover(), s.demand)
		}
	case switching:
		s.ask(s.cover(), s.demand)
		if 2*s.pools[s.cover()].healthy >= s.demand {
			s.askSpot(articleProbe)
			a.enter(onStandard)
		}
	case onStandard:
		s.ask(s.cover(), s.demand)
		s.askSpot(min(articleProbe, s.demand))
		if s.now-a.since >= articleStable && a.stable() {
			a.enter(returning)
			s.askSpot(s.demand)
		}
	case returning:
		s.askSpot(s.demand)
		switch {
		case a.spot() >= s.demand:
			s.ask(s.cover(), 0)
			a.errors = nil
			a.enter(onSpot)
		case s.now-a.since >= articleWait:
			s.askSpot(min(articleProbe, s.demand))
			a.enter(onStandard)
		}
	}
}

func (a *article) enter(m articleMode) { a.mode, a.since = m, a.s.now }

func (a *article) recent(window time.Duration) int {
	n := 0
	for _, at := range a.errors {
		if a.s.now-at <= window {
			n++
		}
	}
	return n
}

func (a *article) spot() int {
	n := 0
	for _, p := range a.s.pools {
		if p.capacity == failover.Spot {
			n += p.healthy
		}
	}
	return n
}

func (a *article) stuck() bool {
	for _, p := range a.s.pools {
		if p.capacity == failover.Spot {
			if _, old := p.pending(a.s.clock(), articlePending); old > 0 {
				return true
			}
		}
	}
	return false
}

// stable applies the article's rule to the probe: what runs is a success, what failed in ten minutes an error.
func (a *article) stable() bool {
	good, bad := a.spot(), a.recent(articleStable)
	samples := good + bad
	need := min(articleSamples, a.s.demand)
	return samples >= need && float64(good) >= articleSuccess*float64(max(samples, need)) && float64(bad) <= articleErrorRate*float64(samples)
}

// idle: on Spot nothing happens without an event, but for the scan for tasks that hang.
func (a *article) idle() bool {
	if a.mode != onSpot {
		return false
	}
	for _, p := range a.s.pools {
		if p.capacity == failover.Spot && p.healthy < len(p.tasks) {
			return false
		}
	}
	return true
}
func (a *article) failovers() int { return a.count }
