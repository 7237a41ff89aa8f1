package ecsevent

import (
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// AWS's texts, in lower case. Of several forms of one text the part that they share is matched.
const (
	textInterrupted   = "your spot task was interrupted"
	textNoCapacity    = "capacity is unavailable"
	textInternalError = "internal error"
	// The article that this product grew from matched these two. No event of AWS's carries them as a
	// stoppedReason, but the tools that imitate the article do.
	textArticleInterrupted = "spotinterruption"
	textArticleNoCapacity  = "resourcesnotavailable"
)

// quotaTexts name a vCPU or task quota. A quota is not a shortage, and on-demand has one of its own.
var quotaTexts = []string{
	"reached the limit on the number of vcpus",
	"reached the limit on the number of tasks",
	"cpu configuration is above your limit",
	"memory configuration is above your limit",
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
	"outofmemory",
}

// unhealthyTexts name health checks that a task failed.
var unhealthyTexts = []string{
	"failed elb health checks",
	"failed container health checks",
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

// infrastructureTexts name what AWS does to the machine below a task.
var infrastructureTexts = []string{
	"performing maintenance on the underlying infrastructure",
	"task retirement",
	"scheduled for retirement",
}

// schedulerTexts name what the service scheduler does in the ordinary course of things.
var schedulerTexts = []string{
	"scaling activity initiated by",
	"rebalancing",
}

// Texts returns the parts of AWS's texts, in lower case, by which [Classify] knows a cause: lasting are those that another pool does not change (a quota, the
// application, its definition, the network), infrastructure what AWS does to the machine below a task, scheduler what the service scheduler does. A state
// machine, which cannot call Classify, looks for them.
func Texts() (lasting, infrastructure, scheduler []string) {
	return slices.Concat(quotaTexts, applicationTexts, unhealthyTexts, configurationTexts), slices.Clone(infrastructureTexts), slices.Clone(schedulerTexts)
}

// causeOf says what a text of AWS's, in lower case, gives as the cause that a task does not start or stay. It is the one list for
// stops, events and lines of the event list. The specific comes before the general: a text that names an image or a secret is no shortage,
// whatever sentence it stands in. It returns "" for a text that names no cause.
func causeOf(low string) failover.SignalKind {
	switch {
	case names(low, quotaTexts):
		return failover.SignalQuota
	case names(low, applicationTexts):
		return failover.SignalApplicationStop
	case names(low, unhealthyTexts), contains(low, []string{"is unhealthy in", "target-group"}):
		return failover.SignalUnhealthyStop
	case names(low, configurationTexts):
		return failover.SignalConfiguration
	case strings.Contains(low, textNoCapacity), strings.HasPrefix(low, textArticleNoCapacity):
		return failover.SignalPlacementFailure
	}
	return ""
}

// placementCause is causeOf of the reason of a failed placement. AWS gives "Internal error" for a subnet in an Availability Zone
// that Fargate does not support.
func placementCause(low string) failover.SignalKind {
	if kind := causeOf(low); kind != "" {
		return kind
	}
	if strings.Contains(low, textInternalError) {
		return failover.SignalConfiguration
	}
	return ""
}

// names reports whether a text in lower case contains one of the parts.
func names(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// contains reports whether a text in lower case contains all of the parts.
func contains(text string, all []string) bool {
	for _, part := range all {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
