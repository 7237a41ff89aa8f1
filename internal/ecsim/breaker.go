package ecsim

import "math"

// Kinds of the threshold of a deployment circuit breaker.
const (
	BoundedPercent   = "BOUNDED_PERCENT"   // of the desired count, at least 3 and at most 200 failures
	UnboundedPercent = "UNBOUNDED_PERCENT" // of the desired count, at least 1 failure
	FailureCount     = "COUNT"
)

// BreakerLimit says when a deployment circuit breaker trips. The zero value is ECS's default: 50 % of the desired count, bounded, and a
// healthy task sets the count of failures to 0.
type BreakerLimit struct {
	Kind         string // BOUNDED_PERCENT, UNBOUNDED_PERCENT or COUNT; empty: the default
	Value        int    // percent or failures, at least 1
	KeepFailures bool   // a healthy task does not set the count of failures to 0 (resetOnHealthyTask false)
}

const standardBreakerPercent = 50

func (l BreakerLimit) check() error {
	switch l.Kind {
	case "":
		return nil
	case BoundedPercent, UnboundedPercent, FailureCount:
		if l.Value < 1 {
			return invalid("The value of the circuit breaker's threshold must be at least 1.")
		}
		return nil
	}
	return invalid("The type of the circuit breaker's threshold must be BOUNDED_PERCENT, UNBOUNDED_PERCENT or COUNT.")
}

// failures returns how many failures trip the breaker of a service with a desired count.
func (l BreakerLimit) failures(desired int) int {
	percent := l.Value
	switch l.Kind {
	case FailureCount:
		return l.Value
	case "":
		percent = standardBreakerPercent
	}
	n := int(math.Ceil(float64(desired) * float64(percent) / 100))
	if l.Kind == UnboundedPercent {
		return max(1, n)
	}
	return min(breakerMax, max(breakerMin, n))
}
