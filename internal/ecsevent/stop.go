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

// ran says whether the task ever ran. A warning may come without startedAt, as in AWS's own example.
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

// AWS's texts, in lower case. Of several forms of one text the part that they share is matched.
const (
	textInterrupted = "your spot task was interrupted"
	textNoCapacity  = "capacity is unavailable"
	// The article that this product grew from matched these two. No event of AWS's carries them as a
	// stoppedReason, but the tools that imitate the article do.
	textArticleInterrupted = "spotinterruption"
	textArticleNoCapacity  = "resourcesnotavailable"
)

// Classify says what the stop of a task means. A task that stopped for a reason that is not known is
// [failover.SignalProgress]: it is worth a look and evidence of nothing.
//
// What a person does comes first, as the reason of a StopTask call is free text. Then Spot's interruption
// (by code, or by text on FARGATE_SPOT as before 2022), the want of capacity, quotas, the network, and only
// then what the remaining codes say.
func Classify(s Stop) failover.SignalKind {
	reason := strings.ToLower(strings.TrimSpace(s.Reason))
	switch {
	case is(s.Code, codeUser):
		return failover.SignalOperatorStop
	case is(s.Code, codeSpotInterruption), is(s.Code, codeTerminationNotice), interruptedByText(s.Capacity, reason):
		// "when there is no Fargate Spot capacity or when Fargate takes back Spot capacity": the same code.
		if s.ran() {
			return failover.SignalInterruption
		}
		return failover.SignalCapacityStop
	case strings.HasPrefix(reason, textArticleNoCapacity):
		return failover.SignalCapacityStop
	case strings.Contains(reason, textNoCapacity) && !s.ran():
		return failover.SignalCapacityStop
	case names(reason, quotaTexts):
		return failover.SignalQuota
	case names(reason, applicationTexts):
		return failover.SignalApplicationStop
	case names(reason, configurationTexts):
		return failover.SignalConfiguration
	case is(s.Code, codeStart), is(s.Code, codeContainerExited):
		return failover.SignalApplicationStop
	case is(s.Code, codeScheduler), is(s.Code, codeHealth), names(reason, schedulerTexts):
		return failover.SignalScaleIn
	case s.Code == "" && strings.HasPrefix(reason, "task stopped by user"):
		return failover.SignalOperatorStop
	case s.Code == "" && s.Exited:
		return failover.SignalApplicationStop
	}
	return failover.SignalProgress
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

// quotaTexts name a vCPU or task quota. A quota is not a shortage, and on-demand has one of its own.
var quotaTexts = []string{
	"reached the limit on the number of vcpus",
	"reached the limit on the number of tasks",
	"cpu configuration is above your limit",
	"memory configuration is above your limit",
}

// configurationTexts name trouble that on-demand would meet too: the network, an unusable role.
var configurationTexts = []string{
	"timeout waiting for network interface provisioning",
	"unexpected ec2 error while attempting to",
	"network interface",
	"insufficientfreeaddresses",
	"free addresses in subnet",
	"unable to assume the role",
	"unable to assume role",
}

// applicationTexts name what the task did itself, or what its definition asked for and cannot have. They are
// looked for before configurationTexts, as a ResourceInitializationError may mention the network.
var applicationTexts = []string{
	"cannotpull",
	"cannotstart",
	"cannotcreate",
	"cannotinspect",
	"resourceinitializationerror",
	"essential container in task exited",
	"task failed elb health checks",
	"task failed container health checks",
	"failed container health checks",
	"outofmemory",
}

// schedulerTexts name what the service scheduler or AWS's maintenance does in the ordinary course of things.
var schedulerTexts = []string{
	"scaling activity initiated by",
	"performing maintenance on the underlying infrastructure",
	"rebalancing",
}

func is(value, want string) bool { return strings.EqualFold(value, want) }

// names says whether a text in lower case contains one of the parts.
func names(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
