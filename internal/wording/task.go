package wording

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Why a task is not in service.
const (
	TaskOutOfTraffic = "it runs, and its service is in no target group that has listener weight: nothing reaches it"
	TaskUnhealthy    = "it was in service, and its health check fails now"
)

// TaskLeaving says that a task goes, when, and whether it still works.
func TaskLeaving(t *failover.Task, now time.Time) string {
	text := "it is stopping"
	if t.Works {
		text = "it is under notice and still works"
	}
	if !t.EndsAt.IsZero() {
		text += fmt.Sprintf("; ECS stops it at %s at the latest (%s)", Clock(t.EndsAt), strings.TrimSuffix(Ago(now, t.EndsAt), " ago"))
	}
	return text
}

// TaskStarting says how far the start of a task has come.
func TaskStarting(t *failover.Task, now time.Time) string {
	since := Span(now.Sub(t.CreatedAt))
	if t.Phase == failover.Placed {
		return fmt.Sprintf("it is starting for %s: ECS has placed it, and it is not RUNNING yet", since)
	}
	return fmt.Sprintf("it is PROVISIONING for %s: nothing shows yet that ECS has capacity for it", since)
}

// TaskNoTraffic says that the revision of a task carries no production traffic.
func TaskNoTraffic(revision string) string {
	return fmt.Sprintf("it runs, and its revision (%s) carries no production traffic", revision)
}

// TaskWarming says that a task has not passed its health checks yet.
func TaskWarming(d time.Duration) string {
	return fmt.Sprintf("it is RUNNING for %s and no health check has passed yet", Span(d))
}

// TaskUnread says that the readiness of a task is not known.
func TaskUnread(why string) string {
	if why == "" {
		return "it runs; its health was not read"
	}
	return fmt.Sprintf("it runs; its health cannot be read (%s)", why)
}

// TaskReadyAfter says that a task without health checks has not run for long enough.
func TaskReadyAfter(d, readyAfter time.Duration) string {
	return fmt.Sprintf("it is RUNNING for %s; without health checks it counts after ready_after (%s)", Span(d), Span(readyAfter))
}

// TaskServes says why a task counts as in service.
func TaskServes(checked bool, d time.Duration) string {
	if checked {
		return fmt.Sprintf("it is RUNNING for %s, and its health checks pass", Span(d))
	}
	return fmt.Sprintf("it is RUNNING for %s; it has no health checks", Span(d))
}

// TaskStopped says why ECS stopped a task.
func TaskStopped(s *failover.Signal) string {
	text := "it stopped at " + Clock(s.At)
	if s.StopCode != "" {
		text += " (" + s.StopCode + ")"
	}
	if s.StopReason != "" {
		text += ": " + s.StopReason
	}
	return text
}
