package wording

import (
	"fmt"
	"strings"
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

// RetryStarted says that a task was started again; as is the new one's ID.
func RetryStarted(r *Retried, as string) string {
	return fmt.Sprintf("%s and started again on demand as %s: start %d of at most %d", r.head(), as, r.Attempt, r.Allowed+1)
}

// RetryUsedUp says that a task's work was started as often as its tag allows.
func RetryUsedUp(r *Retried) string {
	return fmt.Sprintf("%s and is not started again: its work was started %s, and its tag allows no more", r.head(), Count(r.Attempt, "time"))
}

// RetryLeft says that a task cannot be started again, and why.
func RetryLeft(r *Retried, why string) string { return r.head() + " and is not started again: " + why }

// RetryUnsure says that a task may have been started again.
func RetryUnsure(r *Retried) string {
	return r.head() + " and may have been started again: a call for it was made before, with another configuration, and ECS does not tell what came of it"
}

// RetryLook is the command that shows whether a task took another's place.
func RetryLook(region, cluster, family string) string {
	return fmt.Sprintf("look for a task with the tag backstop:retry-of; start it by hand if there is none: aws ecs list-tasks --region %s --cluster %s --family %s", region, cluster, family)
}

// RetryForgotten says that tasks were lost which ECS does not know any more; ids are those of the first.
func RetryForgotten(cluster string, n int, ids []string) string {
	text := fmt.Sprintf("cluster %s lost %s whose events came too late: ECS knows a stopped task for an hour. Whether they were tagged is not known, and none is started again: %s",
		cluster, Count(n, "task"), strings.Join(ids, ", "))
	if n > len(ids) {
		text += fmt.Sprintf(" and %d more", n-len(ids))
	}
	return text
}

// RetryWaits says that a task could not be started again yet, and until when it is tried.
func RetryWaits(r *Retried, why string, until time.Time) string {
	return fmt.Sprintf("%s and could not be started again yet: %s; it is tried until %s UTC", r.head(), why, Clock(until))
}

// RetryEnded says that a task which took another's place has ended.
func RetryEnded(took, of string, ran time.Duration) string {
	return fmt.Sprintf("task %s, started in place of %s, has ended after %s", took, of, Span(ran))
}

// RetrySummary says what became of tasks of no service in the last 24 hours.
func RetrySummary(started, left, waiting int) string {
	text := fmt.Sprintf("tasks of no service, last 24 h: %d lost and started again", started)
	if left > 0 {
		text += fmt.Sprintf(", %d not", left)
	}
	if waiting > 0 {
		text += fmt.Sprintf(", %d waiting for room or a permission", waiting)
	}
	return text + " (`backstop history` has each)"
}

// RetryTook says that a task took another's place.
func RetryTook(of string, attempt, allowed int) string {
	return fmt.Sprintf("it was started by the guard in place of %s, which was lost: start %d of at most %d", of, attempt, allowed+1)
}

// RetryCase is a task of no service of which nothing is kept.
type RetryCase struct {
	// Alive: it has not ended; Lost: it ended by a loss.
	Alive, Lost bool
	// OfRun: `backstop run-task` started it; Tagged: it has the tag; Never: that is 0.
	OfRun, Tagged, Never bool
	// Wrong is what its tags do not say as they should, or ECS does not tell.
	Wrong string
	// UsedUp: its work was started as often as its tag allows, Attempt times.
	UsedUp  bool
	Attempt int
}

// RetryNot says whether and why a task of which nothing is kept is started again or not.
func RetryNot(c *RetryCase) string {
	head := "it is not started again: "
	if c.Alive {
		head = "it has not ended, and is not started again if it is lost: "
	}
	switch {
	case c.OfRun && c.Alive:
		return "it has not ended; `backstop run-task` started it, and starts it again with --retry-interrupted"
	case c.OfRun:
		return "it is not started again by the guard: `backstop run-task` started it, and starts it again with --retry-interrupted"
	case !c.Tagged:
		return head + "it has no tag backstop:retry"
	case c.Never:
		return head + "its tag backstop:retry is 0"
	case !c.Alive && !c.Lost:
		return head + "it was not lost: it ended by itself, could not start, or was stopped"
	case c.Wrong != "":
		return head + c.Wrong
	case c.UsedUp:
		return head + fmt.Sprintf("its work was started %s, and its tag allows no more", Count(c.Attempt, "time"))
	case c.Alive:
		return "it has not ended; if it is lost it is started again, as often as its tag allows"
	}
	return "it was lost, and the guard has not heard of it yet: its event is on its way, or did not come (`backstop doctor`)"
}
