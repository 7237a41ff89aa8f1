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
	{[]string{"is unhealthy in", "target-group"}, failover.SignalApplicationStop},
	{[]string{"failed elb health checks"}, failover.SignalApplicationStop},
	{[]string{"failed container health checks"}, failover.SignalApplicationStop},
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
	switch {
	case names(low, quotaTexts):
		return failover.SignalQuota, true
	case names(low, rebalancingTexts):
		return failover.SignalProgress, true
	case strings.Contains(low, textNoCapacity):
		return failover.SignalPlacementFailure, true
	case names(low, configurationTexts):
		return failover.SignalConfiguration, true
	case strings.Contains(low, "unable to place a task") && strings.Contains(low, "no container instance"):
		// A service on container instances: no pool of ours.
		return failover.SignalConfiguration, true
	case strings.Contains(low, "unable to place a task"):
		// "Internal error" and reasons not known yet: the scheduler could not place it.
		return failover.SignalPlacementFailure, true
	}
	for _, m := range messages {
		if contains(low, m.all) {
			return m.kind, true
		}
	}
	return "", false
}

func contains(text string, all []string) bool {
	for _, part := range all {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
