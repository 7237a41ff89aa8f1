package wording

import (
	"fmt"
	"time"
)

// Retried is a task of no service that stopped, as it is spoken of: Task is its ID, Why what ECS said.
type Retried struct {
	Task, Family, Cluster, Why string
	// Attempt counts the starts of its work, Allowed is how often it may be started again; 0: not known.
	Attempt, Allowed int
}

func (r *Retried) head() string {
	text := fmt.Sprintf("task %s (%s in cluster %s) was lost", r.Task, r.Family, r.Cluster)
	if r.Why != "" {
		text += " (" + r.Why + ")"
	}
	return text
}

// RetryStarted says that a task was started again; as is the new one's ID, empty where it is not known.
func RetryStarted(r *Retried, as string) string {
	if as == "" {
		as = "another task"
	}
	return fmt.Sprintf("%s and started again on demand as %s: start %d of at most %d", r.head(), as, r.Attempt, r.Allowed+1)
}

// RetryUsedUp says that a task's work was started as often as its tag allows.
func RetryUsedUp(r *Retried) string {
	return fmt.Sprintf("%s and is not started again: its work was started %s, and its tag allows no more", r.head(), Count(r.Attempt, "time"))
}

// RetryLeft says that a task cannot be started again, and why.
func RetryLeft(r *Retried, why string) string { return r.head() + " and is not started again: " + why }

// RetryWaits says that a task could not be started again yet, and until when it is tried.
func RetryWaits(r *Retried, why string, until time.Time) string {
	return fmt.Sprintf("%s and could not be started again yet: %s; it is tried until %s UTC", r.head(), why, Clock(until))
}

// RetryEnded says that a task which took another's place has ended.
func RetryEnded(took, of string, ran time.Duration) string {
	return fmt.Sprintf("task %s, started in place of %s, has ended after %s", took, of, Span(ran))
}
