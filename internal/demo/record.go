package demo

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// violationsMax bounds the broken invariants that are kept: one is already a defect.
const violationsMax = 100

// record counts what the daemon did.
type record struct {
	policy     failover.Policy
	mode       string
	breaker    string
	passes     int
	decisions  int
	covers     int
	failovers  int
	violations []Violation
	began      time.Time
	asks       []Ask
}

// asksMax bounds the asks that are kept.
const asksMax = 10_000

// asked keeps the counts that on-demand was asked for.
func (r *record) asked(p *control.Report) {
	for _, a := range p.Decision.Actions {
		if set, ok := a.(failover.SetDesiredCount); ok && r.capacity(set.Pool) == failover.OnDemand && len(r.asks) < asksMax {
			r.asks = append(r.asks, Ask{At: p.Decision.At.Sub(r.began), From: set.From, To: set.Count, InService: p.Decision.InService.High})
		}
	}
}

func (r *record) violate(at time.Time, v promise.Violation) {
	if len(r.violations) < violationsMax {
		r.violations = append(r.violations, Violation{At: at, Rule: v.Rule, Text: v.Text})
	}
}

// take counts a pass; ok is true when its decision changed something worth a line.
func (r *record) take(p *control.Report) (d Decision, ok bool) {
	r.passes++
	mode, breaker := modeOf(p.After.Mode), r.breakerOf(&p.After)
	turned := r.breaker != "" && breaker != r.breaker
	if before := r.breakerOf(&p.Before); before != "open" && breaker == "open" {
		r.failovers++
	}
	r.mode, r.breaker = mode, breaker
	acts := p.Decision.Actions
	if p.Result == control.Unchanged && len(p.Decision.Withheld) > 0 {
		return d, false // it only observes, and has said so before
	}
	if len(acts) == 0 {
		acts = p.Decision.Withheld
	}
	if len(acts) == 0 && !turned {
		return d, false
	}
	r.decisions++
	r.asked(p)
	if r.raisesCover(p.Decision.Actions) {
		r.covers++
	}
	c := wording.CountsOf(&p.Decision)
	d = Decision{Type: "decision", At: p.Decision.At, Reason: string(p.Decision.Reason), Mode: mode, Breaker: breaker,
		Demand: c.Demand, InService: c.InService, Spot: c.Spot, OnDemand: c.OnDemand, Warming: c.Warming, Placed: c.Placed, Leaving: c.Leaving,
		Working: c.Working, Missing: c.Missing, Actions: []string{}}
	for _, a := range acts {
		d.Actions = append(d.Actions, wording.Action(a))
	}
	d.Text = wording.Decision(&p.Decision, r.policy.Observe || p.After.Pause != nil)
	return d, true
}

// raisesCover reports whether an action asks for more on-demand.
func (r *record) raisesCover(acts []failover.Action) bool {
	for _, a := range acts {
		if set, ok := a.(failover.SetDesiredCount); ok && set.Count > set.From && r.capacity(set.Pool) == failover.OnDemand {
			return true
		}
	}
	return false
}

func (r *record) capacity(pool string) failover.Capacity {
	for _, p := range r.policy.Pools {
		if p.Name == pool {
			return p.Capacity
		}
	}
	return ""
}

// breakerOf returns the worst breaker of the Spot pools.
func (r *record) breakerOf(s *failover.State) string {
	worst := failover.Closed
	for _, p := range r.policy.Pools {
		switch m := s.Pool(p.Name).B.Mode; {
		case m == failover.Open, m == failover.HalfOpen && worst == failover.Closed:
			worst = m
		}
	}
	return worst.String()
}

func modeOf(m failover.Mode) string {
	if m == failover.ModeUnknown {
		return "unknown"
	}
	return string(m)
}
