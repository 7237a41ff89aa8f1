package sandbox

import (
	"encoding/json"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

type deploymentJSON struct {
	ID                       string          `json:"id"`
	Status                   string          `json:"status"`
	TaskDefinition           string          `json:"taskDefinition"`
	DesiredCount             int             `json:"desiredCount"`
	PendingCount             int             `json:"pendingCount"`
	RunningCount             int             `json:"runningCount"`
	FailedTasks              int             `json:"failedTasks"`
	CreatedAt                float64         `json:"createdAt,omitempty"`
	UpdatedAt                float64         `json:"updatedAt,omitempty"`
	CapacityProviderStrategy []strategyJSON  `json:"capacityProviderStrategy,omitempty"`
	LaunchType               string          `json:"launchType,omitempty"`
	PlatformVersion          string          `json:"platformVersion"`
	PlatformFamily           string          `json:"platformFamily"`
	NetworkConfiguration     json.RawMessage `json:"networkConfiguration,omitempty"`
	RolloutState             string          `json:"rolloutState,omitempty"`
	RolloutStateReason       string          `json:"rolloutStateReason,omitempty"`

	ServiceConnectConfiguration json.RawMessage `json:"serviceConnectConfiguration,omitempty"`
	VolumeConfigurations        json.RawMessage `json:"volumeConfigurations,omitempty"`
}

type serviceEventJSON struct {
	ID        string  `json:"id"`
	CreatedAt float64 `json:"createdAt"`
	Message   string  `json:"message"`
}

type controllerJSON struct {
	Type string `json:"type"`
}

type serviceJSON struct {
	ServiceArn                    string                      `json:"serviceArn"`
	ServiceName                   string                      `json:"serviceName"`
	ClusterArn                    string                      `json:"clusterArn"`
	LoadBalancers                 json.RawMessage             `json:"loadBalancers"`
	ServiceRegistries             json.RawMessage             `json:"serviceRegistries"`
	Status                        string                      `json:"status"`
	DesiredCount                  int                         `json:"desiredCount"`
	RunningCount                  int                         `json:"runningCount"`
	PendingCount                  int                         `json:"pendingCount"`
	LaunchType                    string                      `json:"launchType,omitempty"`
	CapacityProviderStrategy      []strategyJSON              `json:"capacityProviderStrategy,omitempty"`
	PlatformVersion               string                      `json:"platformVersion"`
	PlatformFamily                string                      `json:"platformFamily"`
	TaskDefinition                string                      `json:"taskDefinition"`
	DeploymentConfiguration       deploymentConfigurationJSON `json:"deploymentConfiguration"`
	Deployments                   []deploymentJSON            `json:"deployments"`
	CurrentServiceDeployment      string                      `json:"currentServiceDeployment,omitempty"`
	CurrentServiceRevisions       []currentRevisionJSON       `json:"currentServiceRevisions"`
	RoleArn                       string                      `json:"roleArn"`
	Events                        []serviceEventJSON          `json:"events"`
	CreatedAt                     float64                     `json:"createdAt,omitempty"`
	PlacementConstraints          []empty                     `json:"placementConstraints"`
	PlacementStrategy             []empty                     `json:"placementStrategy"`
	NetworkConfiguration          json.RawMessage             `json:"networkConfiguration,omitempty"`
	HealthCheckGracePeriodSeconds *int                        `json:"healthCheckGracePeriodSeconds,omitempty"`
	SchedulingStrategy            string                      `json:"schedulingStrategy"`
	DeploymentController          controllerJSON              `json:"deploymentController"`
	CreatedBy                     string                      `json:"createdBy"`
	EnableECSManagedTags          bool                        `json:"enableECSManagedTags"`
	PropagateTags                 string                      `json:"propagateTags"`
	EnableExecuteCommand          bool                        `json:"enableExecuteCommand"`
	AvailabilityZoneRebalancing   string                      `json:"availabilityZoneRebalancing"`
	Tags                          []tagJSON                   `json:"tags,omitempty"`
}

var emptyList = json.RawMessage("[]")

func orEmptyList(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return emptyList
	}
	return raw
}

func orDefault(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

// serviceJSON is a service as DescribeServices shows it.
func (s *Sandbox) serviceJSON(m *ecsim.Service, tags bool) serviceJSON {
	x := s.balancers(m, s.extrasOf(m))
	out := serviceJSON{ServiceArn: m.ARN, ServiceName: m.Ref.Service, ClusterArn: s.world.ClusterARN(m.Ref.Region, m.Ref.Cluster),
		LoadBalancers: orEmptyList(x.LoadBalancers), ServiceRegistries: orEmptyList(x.ServiceRegistries), Status: m.Status,
		DesiredCount: m.Desired, RunningCount: m.Running, PendingCount: m.Pending, CapacityProviderStrategy: fromStrategy(m.Strategy),
		PlatformVersion: orDefault(x.PlatformVersion, "LATEST"), PlatformFamily: "Linux", TaskDefinition: m.TaskDefinition,
		DeploymentConfiguration: fromConfig(fromBreaker(m.CircuitBreaker, m.Rollback, m.Breaker), m.MinimumHealthyPercent, m.MaximumPercent, &m.Rollout),
		Deployments:             make([]deploymentJSON, len(m.Deployments)), RoleArn: "arn:aws:iam::" + s.account() + ":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
		Events: make([]serviceEventJSON, len(m.Events)), CreatedAt: epoch(m.CreatedAt), PlacementConstraints: []empty{}, PlacementStrategy: []empty{},
		NetworkConfiguration: x.NetworkConfiguration, HealthCheckGracePeriodSeconds: x.HealthCheckGracePeriodSeconds, SchedulingStrategy: "REPLICA",
		DeploymentController: controllerJSON{orDefault(x.controller, "ECS")}, CreatedBy: "arn:aws:iam::" + s.account() + ":user/sandbox",
		EnableECSManagedTags: x.EnableECSManagedTags != nil && *x.EnableECSManagedTags, PropagateTags: orDefault(x.PropagateTags, "NONE"),
		EnableExecuteCommand: x.EnableExecuteCommand != nil && *x.EnableExecuteCommand, AvailabilityZoneRebalancing: "DISABLED"}
	if len(m.Strategy) == 0 {
		out.LaunchType = ecsim.Fargate
	}
	out.CurrentServiceDeployment, out.CurrentServiceRevisions = m.CurrentDeployment, make([]currentRevisionJSON, len(m.CurrentRevisions))
	for i, r := range m.CurrentRevisions {
		out.CurrentServiceRevisions[i] = currentRevisionJSON{r.ARN, r.Pending, r.Requested, r.Running}
	}
	if m.Rebalancing {
		out.AvailabilityZoneRebalancing = "ENABLED"
	}
	if tags {
		out.Tags = fromTags(m.Tags)
	}
	for i := range m.Deployments {
		d := &m.Deployments[i]
		out.Deployments[i] = deploymentJSON{ID: d.ID, Status: d.Status, TaskDefinition: d.TaskDefinition, DesiredCount: d.Desired, PendingCount: d.Pending,
			RunningCount: d.Running, FailedTasks: d.Failed, CreatedAt: epoch(d.CreatedAt), UpdatedAt: epoch(d.UpdatedAt),
			CapacityProviderStrategy: fromStrategy(d.Strategy), PlatformVersion: "1.4.0", PlatformFamily: "Linux",
			NetworkConfiguration: x.NetworkConfiguration, RolloutState: d.Rollout, RolloutStateReason: d.RolloutReason,
			ServiceConnectConfiguration: x.ServiceConnectConfiguration, VolumeConfigurations: x.VolumeConfigurations}
		if len(d.Strategy) == 0 {
			out.Deployments[i].LaunchType = ecsim.Fargate
		}
	}
	for i, e := range m.Events {
		out.Events[i] = serviceEventJSON{e.ID, epoch(e.At), e.Message}
	}
	return out
}
