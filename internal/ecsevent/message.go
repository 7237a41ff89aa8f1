package ecsevent

import (
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// rebalancingTexts mark a placement failure that is availability-zone rebalancing's. The common sentence
// "... or in a different availability zone" is no such mark.
var rebalancingTexts = []string{"rebalanc", "to place a task in az", "launch a task in az", "to place a task in availability zone"}

// message is one kind of line in a service's event list: the parts of it that must all be there, in lower
// case, and what it stands for.
type message struct {
	all  []string
	kind failover.SignalKind
}

// messages are the lines that are known, the more specific first.
var messages = []message{
	{[]string{"is unable to consistently start tasks"}, failover.SignalStartImpaired},
	{[]string{"failed to launch a task", "unable to assume"}, failover.SignalConfiguration},
	{[]string{"operations are being throttled"}, failover.SignalThrottled},
	{[]string{"has reached a steady state"}, failover.SignalSteadyState},
	{[]string{"deployment completed"}, failover.SignalDeploymentCompleted},
	{[]string{"deployment failed"}, failover.SignalDeploymentFailed},
	{[]string{"could not launch", "tasks for deployment"}, failover.SignalProgress},
	{[]string{"has started"}, failover.SignalProgress},
	{[]string{"has stopped"}, failover.SignalProgress},
	{[]string{"has begun draining"}, failover.SignalProgress},
	{[]string{"registered"}, failover.SignalProgress},
	{[]string{"was unable to launch"}, failover.SignalProgress},
}

// ClassifyServiceMessage says what one line of a service's event list (DescribeServices, events[]) stands
// for. ok is false for a line that is not known.
//
// This list is where a quota can be told from a shortage: the EventBridge event of both is the same.
func ClassifyServiceMessage(line string) (kind failover.SignalKind, ok bool) {
	low := strings.ToLower(line)
	place := strings.Contains(low, "unable to place a task")
	cause := causeOf(low)
	if place {
		cause = placementCause(low)
	}
	switch {
	case cause != failover.SignalQuota && names(low, rebalancingTexts):
		return failover.SignalProgress, true
	case cause != "":
		return cause, true
	case place && strings.Contains(low, "no container instance"):
		// A service on container instances: no pool of ours.
		return failover.SignalConfiguration, true
	case place: // for a reason that is not known yet
		return failover.SignalPlacementFailure, true
	}
	for _, m := range messages {
		if contains(low, m.all) {
			return m.kind, true
		}
	}
	return "", false
}
