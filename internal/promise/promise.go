// Package promise holds every step against what the product promises.
package promise

import "github.com/backstop-ecs/backstop/internal/failover"

// Violation is one broken promise.
type Violation struct {
	// Rule is the promise's name, as in docs/guarantees.md.
	Rule string
	Text string
}

func (v Violation) String() string { return v.Rule + ": " + v.Text }

// Check holds one step against what the product promises, whatever the policy and the world.
func Check(p *failover.Policy, before *failover.State, o *failover.Observation, after *failover.State, d *failover.Decision) []Violation {
	return nil
}
