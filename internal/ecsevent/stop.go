package ecsevent

import (
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Stop is why a task stopped or is about to, in AWS's own words.
type Stop struct {
	// Code is stopCode. It is an open set, and was absent from Spot's events for years.
	Code string
	// Reason is stoppedReason: AWS's text, or the caller's when somebody called StopTask.
	Reason string
	// Capacity is the capacity provider's name; empty when the task names none.
	Capacity failover.Capacity
	// StartedAt is when the task became RUNNING; zero if it never did.
	StartedAt time.Time
	// LastStatus is the task's last status. RUNNING with a stop is the two-minute warning.
	LastStatus string
	// Exited says that a container of the task has an exit code, so that the task ran whatever StartedAt says.
	Exited bool
}

// ran reports whether the task ever ran. A warning may come without startedAt, as in AWS's own example.
func (s *Stop) ran() bool {
	return !s.StartedAt.IsZero() || s.Exited ||
		strings.EqualFold(s.LastStatus, "RUNNING") || strings.EqualFold(s.LastStatus, "DEACTIVATING")
}

// Stop codes of the ECS API (TaskStopCode).
const (
	codeSpotInterruption  = "SpotInterruption"
	codeTerminationNotice = "TerminationNotice"
	codeUser              = "UserInitiated"
	codeScheduler         = "ServiceSchedulerInitiated"
	codeHealth            = "InfrastructureHealth"
	codeStart             = "TaskFailedToStart"
	codeContainerExited   = "EssentialContainerExited"
)

// DrillReason is the reason that a drill gives to StopTask. The stop of a Spot task with it counts as an interruption: ECS keeps the
// caller's reason as stoppedReason (ECS API reference, StopTask).
const DrillReason = "backstop drill: a rehearsed Spot interruption"

// Classify says what the stop of a task means. One that is said to have a cause which is not known is
// [failover.SignalInfrastructure]: the task is lost, and nothing excuses it. One of which nothing is said is
// [failover.SignalProgress]: it is worth a look and evidence of nothing.
//
// What a person does comes first, as the reason of a StopTask call is free text, but for a drill. Then Spot's interruption
// (by code, or by text on FARGATE_SPOT as before 2022), the causes that the text names, and only then what the
// remaining codes say.
func Classify(s Stop) failover.SignalKind {
	reason := strings.ToLower(strings.TrimSpace(s.Reason))
	cause := causeOf(reason)
	switch {
	case is(s.Code, codeUser) && strings.EqualFold(reason, DrillReason) && is(string(s.Capacity), string(failover.Spot)) && s.ran():
		return failover.SignalInterruption
	case is(s.Code, codeUser):
		return failover.SignalOperatorStop
	case is(s.Code, codeTerminationNotice) && is(string(s.Capacity), string(failover.OnDemand)):
		return failover.SignalInfrastructure
	case is(s.Code, codeSpotInterruption), is(s.Code, codeTerminationNotice), interruptedByText(s.Capacity, reason):
		// "when there is no Fargate Spot capacity or when Fargate takes back Spot capacity": the same code.
		if s.ran() {
			return failover.SignalInterruption
		}
		return failover.SignalCapacityStop
	case cause == failover.SignalPlacementFailure && (!s.ran() || strings.HasPrefix(reason, textArticleNoCapacity)):
		return failover.SignalCapacityStop
	case cause != "" && cause != failover.SignalPlacementFailure:
		return cause
	case names(reason, infrastructureTexts), is(s.Code, codeHealth):
		return failover.SignalInfrastructure
	case is(s.Code, codeStart), is(s.Code, codeContainerExited):
		return failover.SignalApplicationStop
	case is(s.Code, codeScheduler), names(reason, schedulerTexts):
		return failover.SignalScaleIn
	case s.Code == "" && strings.HasPrefix(reason, "task stopped by user"):
		return failover.SignalOperatorStop
	case s.Code == "" && s.Exited:
		return failover.SignalApplicationStop
	case s.Code == "" && reason == "":
		return failover.SignalProgress
	}
	return failover.SignalInfrastructure
}

func interruptedByText(c failover.Capacity, reason string) bool {
	switch {
	case strings.HasPrefix(reason, textInterrupted):
		return is(string(c), string(failover.Spot))
	case strings.HasPrefix(reason, textArticleInterrupted):
		return !is(string(c), string(failover.OnDemand))
	}
	return false
}

func is(value, want string) bool { return strings.EqualFold(value, want) }
