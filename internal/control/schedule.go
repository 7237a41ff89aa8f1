package control

import "time"

// Why says for what a workload is passed again though nothing has happened to it.
type Why string

// Reasons to pass again.
const (
	NotAgain Why = ""
	// ForTurn: its change of a service has not had its turn.
	ForTurn Why = "turn"
	// ForRace: another program passes it, or was first.
	ForRace Why = "race"
	// ForTrouble: the pass failed, or could not read what may be readable soon.
	ForTrouble Why = "trouble"
)

// Next is when a workload is passed again after a report, by AWS's clock and from the pass's end on.
type Next struct {
	// Why it is repeated, and in how long.
	Why   Why
	Retry time.Duration
	// Look is in how long the decision itself wishes for another look; 0: it does not.
	Look time.Duration
}

// NextOf says when a workload is passed again after a report. attempts counts the passes in a row before it that were repeated for trouble.
// The daemon does what it says; the function as far as an invocation is worth its length.
func NextOf(r *Report, attempts int) (n Next) {
	switch {
	case r.Result == Waiting:
		n.Why = ForTurn
	case r.Result == Stale: // whoever was first is alive and well: the signals need only get into the state
		n.Why, n.Retry = ForRace, backoff(1)
	case r.Result == Held:
		n.Why, n.Retry = ForRace, backoff(attempts+1)
	case r.Failed() || r.Partial:
		n.Why, n.Retry = ForTrouble, backoff(attempts+1)
	}
	if !r.Result.Settled() {
		return n
	}
	// A region that does not answer takes nothing from what is read: a moment to come is kept while retries back off.
	if at := r.Decision.LookAgain; at.After(r.Observation.At) || !at.IsZero() && n.Why == NotAgain {
		n.Look = max(at.Sub(r.Observation.At), lookSoonest)
	}
	return n
}

// Failed reports whether the pass did not do what it should have done.
func (r *Report) Failed() bool {
	return r.Result != Unchanged && r.Result != Committed && r.Result != Waiting
}

// backoff returns the wait after the n-th failure in a row: retryFirst, doubling up to retryMax.
func backoff(n int) time.Duration {
	d := retryFirst
	for ; n > 1 && d < retryMax; n-- {
		d *= 2
	}
	return min(d, retryMax)
}
