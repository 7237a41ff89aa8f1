package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
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
}

func (r *record) violate(at time.Time, v failover.Violation) {
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
	if r.raisesCover(p.Decision.Actions) {
		r.covers++
	}
	d = Decision{Type: "decision", At: p.Decision.At, Reason: string(p.Decision.Reason), Mode: mode, Breaker: breaker,
		Demand: p.Decision.Demand, Short: p.Decision.Shortfall, Actions: []string{}}
	for _, v := range p.Decision.Pools {
		if v.Capacity == failover.Spot {
			d.Spot += v.Running
		} else {
			d.OnDemand += v.Running
		}
	}
	for _, a := range acts {
		d.Actions = append(d.Actions, journal.Text(a))
	}
	d.Text = Words(p.Decision, r.policy.Observe || p.After.Pause != nil)
	return d, true
}

// raisesCover says whether an action asks for more on-demand.
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

// Words says a decision in a line: what was done and why.
func Words(d failover.Decision, withheld bool) string {
	acts := d.Actions
	if withheld || len(acts) == 0 {
		acts = d.Withheld
	}
	var parts []string
	for _, a := range acts {
		parts = append(parts, actionWords(a))
	}
	why := reasonWords(d)
	if len(parts) == 0 {
		return why
	}
	text := strings.Join(parts, ", ") + ": " + why
	if withheld {
		text = "would " + text
	}
	return text
}

func actionWords(a failover.Action) string {
	set, ok := a.(failover.SetDesiredCount)
	switch {
	case !ok:
		return journal.Text(a)
	case set.Count > set.From:
		return fmt.Sprintf("raise %s %d to %d", set.Pool, set.From, set.Count)
	case set.Count < set.From:
		return fmt.Sprintf("lower %s %d to %d", set.Pool, set.From, set.Count)
	}
	return fmt.Sprintf("ask %s for %d again", set.Pool, set.Count)
}

// reasonWords says why in the words of the finding that belongs to the reason, or else of the closed set.
func reasonWords(d failover.Decision) string {
	for _, f := range d.Findings {
		if f.Reason == d.Reason {
			return f.Text()
		}
	}
	switch d.Reason {
	case failover.ReasonSpotShort:
		return fmt.Sprintf("Spot is short, %d of %d run", d.Running, d.Demand)
	case failover.ReasonInterruption:
		return fmt.Sprintf("AWS takes Spot tasks back, %d of %d stay", d.Running, d.Demand)
	case failover.ReasonSpotReturned:
		return fmt.Sprintf("Spot runs again, %d of %d", d.Running, d.Demand)
	case failover.ReasonSurplus:
		return fmt.Sprintf("enough runs, %d of %d", d.Running, d.Demand)
	}
	for _, doc := range failover.Reasons() {
		if doc.Reason == d.Reason {
			return strings.TrimSuffix(lowerFirst(doc.Text), ".")
		}
	}
	return string(d.Reason)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
