package ecsevent

import (
	"cmp"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// actionDetail is what is read of a Service Action or a Deployment State Change.
type actionDetail struct {
	EventName    text      `json:"eventName"`
	ClusterARN   text      `json:"clusterArn"`
	Providers    texts     `json:"capacityProviderArns"`
	Reason       text      `json:"reason"`
	DeploymentID text      `json:"deploymentId"`
	CreatedAt    timestamp `json:"createdAt"`
	UpdatedAt    timestamp `json:"updatedAt"`
}

// actions are the event names that are known. The ones that are only progress wake a pass and prove nothing:
// CAPACITY_PROVIDER_STEADY_STATE, for one, is about a provider and says nothing about a service's tasks.
var actions = map[string]failover.SignalKind{
	"SERVICE_STEADY_STATE":                 failover.SignalSteadyState,
	"SERVICE_TASK_START_IMPAIRED":          failover.SignalStartImpaired,
	"SERVICE_TASK_CONFIGURATION_FAILURE":   failover.SignalConfiguration,
	"ECS_OPERATION_THROTTLED":              failover.SignalThrottled,
	"SERVICE_DEPLOYMENT_IN_PROGRESS":       failover.SignalDeploymentStarted,
	"SERVICE_DEPLOYMENT_COMPLETED":         failover.SignalDeploymentCompleted,
	"SERVICE_DEPLOYMENT_FAILED":            failover.SignalDeploymentFailed,
	"SERVICE_TASK_PLACEMENT_FAILURE":       failover.SignalPlacementFailure, // see placementFailure
	"SERVICE_DESIRED_COUNT_UPDATED":        failover.SignalProgress,
	"TASKS_STOPPED":                        failover.SignalProgress,
	"SERVICE_REBALANCING_STOPPED":          failover.SignalProgress,
	"CAPACITY_PROVIDER_STEADY_STATE":       failover.SignalProgress,
	"TASKSET_STEADY_STATE":                 failover.SignalProgress,
	"SERVICE_HEALTH_UNKNOWN":               failover.SignalProgress,
	"SERVICE_DISCOVERY_INSTANCE_UNHEALTHY": failover.SignalProgress,
	"VPC_LATTICE_TARGET_UNHEALTHY":         failover.SignalProgress,
}

func parseServiceAction(e *envelope) (failover.Signal, bool, error) { return parseAction(e) }

func parseDeployment(e *envelope) (failover.Signal, bool, error) {
	s, ok, err := parseAction(e)
	switch s.Kind {
	case failover.SignalDeploymentStarted, failover.SignalDeploymentCompleted, failover.SignalDeploymentFailed:
		return s, ok, err
	}
	return failover.Signal{}, false, err
}

func parseAction(e *envelope) (failover.Signal, bool, error) {
	var d actionDetail
	if err := e.detail(&d); err != nil {
		return failover.Signal{}, false, err
	}
	switch {
	case d.EventName == "":
		return failover.Signal{}, false, cut("eventName in its detail")
	case len(e.Resources) == 0:
		return failover.Signal{}, false, cut("resources, which name the service")
	}
	arn := e.resource("service")
	service := ServiceName(arn)
	kind, known := actions[string(d.EventName)]
	if service == "" || !known {
		return failover.Signal{}, false, nil
	}
	s := failover.Signal{
		ID:         string(e.ID),
		Kind:       kind,
		At:         firstTime(e.Time, d.UpdatedAt, d.CreatedAt),
		Service:    service,
		Capacity:   onlyProvider(d.Providers),
		StopReason: shorten(string(d.Reason)),
		Deployment: string(d.DeploymentID),
	}
	if kind == failover.SignalPlacementFailure {
		s.Kind = placementFailure(s.Capacity, string(d.Reason))
	}
	s.Region, s.Cluster = place(e, string(d.ClusterARN), arn)
	// Every event of EventBridge's has an id. One without still gets a stable one, so that its repeats are
	// seen as such.
	s.ID = cmp.Or(s.ID, strings.Join([]string{string(d.EventName), arn, s.Deployment, s.At.String()}, "@"))
	return s, true, nil
}

// placementFailure says what a SERVICE_TASK_PLACEMENT_FAILURE stands for. RESOURCE:FARGATE is all that is
// documented for Fargate, and may be capacity or a quota. The same event is raised by availability-zone
// rebalancing in a healthy service, and by services on container instances for reasons of those; such a one
// names no Fargate provider, or says so, and wakes a pass at most.
func placementFailure(c failover.Capacity, reason string) failover.SignalKind {
	low := strings.ToLower(reason)
	cause := placementCause(low)
	switch {
	case cause != failover.SignalQuota && names(low, rebalancingTexts):
		return failover.SignalProgress
	case cause != "":
		return cause
	case strings.HasPrefix(low, "resource:eni"):
		return failover.SignalConfiguration
	case low == "resource:fargate", c == failover.Spot, c == failover.OnDemand:
		return failover.SignalPlacementFailure
	}
	return failover.SignalProgress
}

// onlyProvider returns the one provider that an event names. An event of a service with a mixed strategy
// may name several, and then it does not say which of them was short.
func onlyProvider(arns []string) failover.Capacity {
	var only failover.Capacity
	for _, arn := range arns {
		c := providerName(lastPart(arn))
		if only != "" && only != c {
			return ""
		}
		only = c
	}
	return only
}
