package wording

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Action says an action: "raise standard from 0 to 12".
func Action(a failover.Action) string {
	switch a := a.(type) {
	case failover.SetDesiredCount:
		switch {
		case a.Count > a.From:
			return fmt.Sprintf("raise %s from %d to %d", a.Pool, a.From, a.Count)
		case a.Count < a.From:
			return fmt.Sprintf("lower %s from %d to %d", a.Pool, a.From, a.Count)
		}
		return fmt.Sprintf("ask %s for %d again", a.Pool, a.Count)
	case failover.ParkScaling:
		return fmt.Sprintf("suspend auto scaling of %s (0 to %s)", a.Pool, Count(a.Max, "task"))
	case failover.RestoreScaling:
		return fmt.Sprintf("restore auto scaling of %s (%d to %s)", a.Pool, a.Scaling.Min, Count(a.Scaling.Max, "task"))
	case failover.SyncTaskDefinition:
		return fmt.Sprintf("deploy task definition %s to %s", a.TaskDefinition, a.Pool)
	case failover.StopTask:
		return fmt.Sprintf("stop task %s of %s", a.Task, a.Pool)
	case failover.HoldDemand:
		if a.Demand == 0 {
			return fmt.Sprintf("remove the tag backstop:demand from %s", a.Pool)
		}
		return fmt.Sprintf("tag %s with the demand of %d", a.Pool, a.Demand)
	case failover.DrainTask:
		return fmt.Sprintf("take task %s of %s out of its target groups", a.Task, a.Pool)
	}
	return ""
}

// Actions says each action.
func Actions(acts []failover.Action) []string {
	out := make([]string, 0, len(acts))
	for _, a := range acts {
		out = append(out, Action(a))
	}
	return out
}

// Outcome says what became of an action.
func Outcome(o *journal.Outcome) string {
	switch text := Action(o.Action); {
	case o.Skipped:
		return text + ": not tried"
	case o.Done():
		return fmt.Sprintf("%s: done in %d ms", text, o.Took.Milliseconds())
	default:
		return text + ": failed: " + o.Text
	}
}

// Failures says what became of the actions that were not done; empty when all were.
func Failures(outs []journal.Outcome) string {
	var parts []string
	for i := range outs {
		if o := &outs[i]; !o.Done() {
			parts = append(parts, Outcome(o))
		}
	}
	return strings.Join(parts, "; ")
}
