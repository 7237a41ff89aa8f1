package sandbox

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// serviceExtras are the parameters of a service that the model has no use for; they are given back as they came.
type serviceExtras struct {
	NetworkConfiguration          json.RawMessage `json:"networkConfiguration,omitempty"`
	LoadBalancers                 json.RawMessage `json:"loadBalancers,omitempty"`
	ServiceRegistries             json.RawMessage `json:"serviceRegistries,omitempty"`
	PlatformVersion               string          `json:"platformVersion,omitempty"`
	HealthCheckGracePeriodSeconds *int            `json:"healthCheckGracePeriodSeconds,omitempty"`
	EnableExecuteCommand          *bool           `json:"enableExecuteCommand,omitempty"`
	EnableECSManagedTags          *bool           `json:"enableECSManagedTags,omitempty"`
	PropagateTags                 string          `json:"propagateTags,omitempty"`
	ServiceConnectConfiguration   json.RawMessage `json:"serviceConnectConfiguration,omitempty"`
	VolumeConfigurations          json.RawMessage `json:"volumeConfigurations,omitempty"`

	controller string // ECS if empty
}

// codeDeploy is the other deployment controller that the sandbox knows: ECS lets nobody deploy such a service but CodeDeploy, which the sandbox has not.
const codeDeploy = "CODE_DEPLOY"

// checkDeployer refuses what only CodeDeploy may change of a service, in AWS's words.
func (x *serviceExtras) checkDeployer(in *serviceInput) error {
	what := ""
	switch {
	case x == nil || x.controller != codeDeploy:
		return nil
	case in.TaskDefinition != "":
		what = "Unable to update task definition"
	case named(in.NetworkConfiguration):
		what = "Unable to update network parameters"
	case in.ForceNewDeployment:
		what = "Cannot force a new deployment"
	case in.CapacityProviderStrategy != nil:
		what = "Unable to update capacity provider strategy"
	default:
		return nil
	}
	return ecsInvalid("%s on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.", what)
}

// named says whether a call brought a member: null is as good as none.
func named(member json.RawMessage) bool { return len(member) > 0 && string(member) != "null" }

// merge takes over what an UpdateService call names.
func (x *serviceExtras) merge(in serviceExtras) {
	for _, f := range []struct{ to, from *json.RawMessage }{{&x.NetworkConfiguration, &in.NetworkConfiguration},
		{&x.LoadBalancers, &in.LoadBalancers}, {&x.ServiceRegistries, &in.ServiceRegistries},
		{&x.ServiceConnectConfiguration, &in.ServiceConnectConfiguration}, {&x.VolumeConfigurations, &in.VolumeConfigurations}} {
		if named(*f.from) {
			*f.to = *f.from
		}
	}
	if in.PlatformVersion != "" {
		x.PlatformVersion = in.PlatformVersion
	}
	if in.HealthCheckGracePeriodSeconds != nil {
		x.HealthCheckGracePeriodSeconds = in.HealthCheckGracePeriodSeconds
	}
	if in.EnableExecuteCommand != nil {
		x.EnableExecuteCommand = in.EnableExecuteCommand
	}
	if in.EnableECSManagedTags != nil {
		x.EnableECSManagedTags = in.EnableECSManagedTags
	}
	if in.PropagateTags != "" {
		x.PropagateTags = in.PropagateTags
	}
}

// redeploys reports whether a change of what the model does not keep starts a deployment all the same: tasks get it when they start.
func (x *serviceExtras) redeploys(in *serviceExtras) bool {
	network := named(in.NetworkConfiguration) && !bytes.Equal(in.NetworkConfiguration, x.NetworkConfiguration)
	return network || in.PlatformVersion != "" && in.PlatformVersion != orDefault(x.PlatformVersion, "LATEST")
}

type strategyJSON struct {
	CapacityProvider string `json:"capacityProvider"`
	Weight           int    `json:"weight"`
	Base             int    `json:"base"`
}

func toStrategy(in []strategyJSON) []ecsim.StrategyItem {
	var items []ecsim.StrategyItem
	for _, i := range in {
		items = append(items, ecsim.StrategyItem{Provider: i.CapacityProvider, Base: i.Base, Weight: i.Weight})
	}
	return items
}

func fromStrategy(in []ecsim.StrategyItem) []strategyJSON {
	if len(in) == 0 {
		return nil
	}
	items := make([]strategyJSON, len(in))
	for i, item := range in {
		items[i] = strategyJSON{item.Provider, item.Weight, item.Base}
	}
	return items
}

// serviceInput is a CreateService or UpdateService call.
type serviceInput struct {
	Cluster                  string                       `json:"cluster"`
	ServiceName              string                       `json:"serviceName"` // CreateService
	Service                  string                       `json:"service"`     // UpdateService, DeleteService
	TaskDefinition           string                       `json:"taskDefinition"`
	DesiredCount             *int                         `json:"desiredCount"`
	LaunchType               string                       `json:"launchType"`
	CapacityProviderStrategy []strategyJSON               `json:"capacityProviderStrategy"`
	DeploymentConfiguration  *deploymentConfigurationJSON `json:"deploymentConfiguration"`
	DeploymentController     *struct {
		Type string `json:"type"`
	} `json:"deploymentController"`
	SchedulingStrategy          string    `json:"schedulingStrategy"`
	ForceNewDeployment          bool      `json:"forceNewDeployment"`
	AvailabilityZoneRebalancing string    `json:"availabilityZoneRebalancing"`
	Tags                        []tagJSON `json:"tags"`
	Force                       bool      `json:"force"`       // DeleteService
	ClientToken                 string    `json:"clientToken"` // CreateService
	serviceExtras
}

type serviceOutput struct {
	Service serviceJSON `json:"service"`
}

// check refuses what the model has no idea of.
func (in *serviceInput) check() error {
	switch {
	case in.LaunchType != "" && len(in.CapacityProviderStrategy) > 0:
		return ecsInvalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	case in.LaunchType != "" && in.LaunchType != ecsim.Fargate:
		return ecsInvalid("The sandbox knows the launch type FARGATE only (got %s)", clip(in.LaunchType))
	case in.DeploymentController != nil && in.DeploymentController.Type != "ECS" && in.DeploymentController.Type != codeDeploy && in.DeploymentController.Type != "":
		return ecsInvalid("The sandbox knows the deployment controllers ECS and CODE_DEPLOY only (got %s)", clip(in.DeploymentController.Type))
	case in.SchedulingStrategy != "" && in.SchedulingStrategy != "REPLICA":
		return ecsInvalid("The sandbox knows the scheduling strategy REPLICA only (got %s)", clip(in.SchedulingStrategy))
	}
	return nil
}

func (s *Sandbox) createService(c *call, in *serviceInput) (*serviceOutput, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := s.checkTasks(c, in.TaskDefinition, in.NetworkConfiguration); err != nil {
		return nil, err
	}
	return once(s, c, in.ClientToken, createTokenMax, func() (*serviceOutput, error) { return s.makeService(c, cluster, in) })
}

func (s *Sandbox) makeService(c *call, cluster string, in *serviceInput) (*serviceOutput, error) {
	strategy, err := s.strategyIn(c.region, cluster, in.LaunchType, in.CapacityProviderStrategy)
	if err != nil {
		return nil, err
	}
	balanced, err := s.balancedBy(c.region, in.LoadBalancers)
	if err != nil {
		return nil, err
	}
	if in.DesiredCount == nil {
		in.DesiredCount = new(int)
	}
	deployment, err := in.DeploymentConfiguration.model(&ecsim.Service{})
	if err != nil {
		return nil, err
	}
	rebalancing, err := s.rebalancingOf(in)
	if err != nil {
		return nil, err
	}
	traffic, err := trafficOf(in.LoadBalancers)
	if err != nil {
		return nil, err
	}
	made, err := s.world.CreateService(c.region, ecsim.CreateServiceInput{Cluster: cluster, Name: in.ServiceName, TaskDefinition: in.TaskDefinition,
		Desired: *in.DesiredCount, Strategy: toStrategy(strategy), Zones: zonesOf(c.region, in.NetworkConfiguration),
		Deployment: deployment, Traffic: traffic, LoadBalanced: named(in.LoadBalancers) && string(in.LoadBalancers) != "[]",
		TargetGroups: balanced.TargetGroups, ContainerPort: balanced.ContainerPort, HealthGrace: in.grace(),
		Rebalancing: rebalancing, Tags: toTags(in.Tags)})
	if err != nil {
		return nil, err
	}
	extras := in.serviceExtras
	if in.DeploymentController != nil {
		extras.controller = in.DeploymentController.Type
	}
	s.extras[made.Ref] = &extras
	return &serviceOutput{s.serviceJSON(&made, true)}, nil
}

// rebalancingSince is when availability zone rebalancing became the default of new services.
var rebalancingSince = time.Date(2025, 9, 5, 0, 0, 0, 0, time.UTC)

// rebalancingOf says whether a new service rebalances its zones: unless it says otherwise, where its maximumPercent has room for it.
func (s *Sandbox) rebalancingOf(in *serviceInput) (bool, error) {
	noRoom := in.DeploymentConfiguration != nil && in.DeploymentConfiguration.MaximumPercent != nil && *in.DeploymentConfiguration.MaximumPercent <= 100
	switch in.AvailabilityZoneRebalancing {
	case "":
		return !noRoom && !s.world.Now().Before(rebalancingSince), nil
	case "DISABLED":
		return false, nil
	case "ENABLED":
		if noRoom {
			return false, ecsInvalid("Availability Zone Rebalancing does not support a maximumPercent of 100 or less.")
		}
		return true, nil
	}
	return false, ecsInvalid("availabilityZoneRebalancing must be ENABLED or DISABLED (got %s)", clip(in.AvailabilityZoneRebalancing))
}

func (s *Sandbox) serviceRef(c *call, cluster, service string) (ecsim.Ref, error) {
	cluster, err := s.cluster(c, cluster)
	if err != nil {
		return ecsim.Ref{}, err
	}
	name, err := s.nameIn(c, cluster, service)
	if err != nil {
		return ecsim.Ref{}, err
	}
	if name == "" {
		return ecsim.Ref{}, ecsInvalid("Service can not be blank.")
	}
	return ecsim.Ref{Region: c.region, Cluster: cluster, Service: name}, nil
}

func (s *Sandbox) updateService(c *call, in *serviceInput) (*serviceOutput, error) {
	ref, err := s.serviceRef(c, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := s.extras[ref].checkDeployer(in); err != nil {
		return nil, err
	}
	if err := s.checkUpdate(c, ref, in); err != nil {
		return nil, err
	}
	if len(in.CapacityProviderStrategy) > 0 {
		if _, err := s.strategyIn(ref.Region, ref.Cluster, in.LaunchType, in.CapacityProviderStrategy); err != nil {
			return nil, err
		}
	}
	change := ecsim.UpdateServiceInput{Desired: in.DesiredCount, TaskDefinition: in.TaskDefinition, Strategy: toStrategy(in.CapacityProviderStrategy),
		SetStrategy: in.CapacityProviderStrategy != nil, ForceNewDeployment: in.ForceNewDeployment, Zones: zonesOf(c.region, in.NetworkConfiguration)}
	if x := s.extras[ref]; x != nil && x.redeploys(&in.serviceExtras) {
		change.ForceNewDeployment = true
	}
	if d := in.DeploymentConfiguration; d != nil {
		now, _, err := s.world.DescribeServices(ref.Region, ref.Cluster, []string{ref.Service})
		if err != nil {
			return nil, err
		}
		config, err := d.model(&append(now, ecsim.Service{})[0]) // the model refuses a service that is not there
		if err != nil {
			return nil, err
		}
		change.Deployment = &config
	}
	if named(in.LoadBalancers) {
		traffic, err := trafficOf(in.LoadBalancers)
		if err != nil {
			return nil, err
		}
		change.Traffic = &traffic
	}
	if in.AvailabilityZoneRebalancing != "" {
		change.Rebalancing = new(in.AvailabilityZoneRebalancing == "ENABLED")
	}
	if named(in.LoadBalancers) {
		balanced, err := s.balancedBy(c.region, in.LoadBalancers)
		if err != nil {
			return nil, err
		}
		change.TargetGroups, change.ContainerPort = balanced.TargetGroups, balanced.ContainerPort
	}
	if in.HealthCheckGracePeriodSeconds != nil {
		change.HealthGrace = new(in.grace())
	}
	changed, err := s.world.UpdateService(ref, change)
	if err != nil {
		return nil, err
	}
	extras := s.extrasOf(&changed)
	extras.merge(in.serviceExtras)
	s.extras[ref] = extras
	return &serviceOutput{s.serviceJSON(&changed, true)}, nil
}

// extrasOf returns what the model does not keep of a service. One that was made in the model has a network at least, as
// every service on Fargate does.
func (s *Sandbox) extrasOf(m *ecsim.Service) *serviceExtras {
	if x := s.extras[m.Ref]; x != nil {
		return x
	}
	return &serviceExtras{NetworkConfiguration: networkIn(m.Zones)}
}

func (s *Sandbox) deleteService(c *call, in *serviceInput) (*serviceOutput, error) {
	ref, err := s.serviceRef(c, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	gone, err := s.world.DeleteService(ref, in.Force)
	if err != nil {
		return nil, err
	}
	return &serviceOutput{s.serviceJSON(&gone, true)}, nil
}

type describeServicesInput struct {
	Cluster  string   `json:"cluster"`
	Services []string `json:"services"`
	Include  []string `json:"include"`
}

type describeServicesOutput struct {
	Services []serviceJSON `json:"services"`
	Failures []failureJSON `json:"failures"`
}

func (s *Sandbox) describeServices(c *call, in *describeServicesInput) (*describeServicesOutput, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	names, err := s.namesIn(c, cluster, in.Services)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, ecsInvalid("Services cannot be empty.")
	}
	if len(names) > describeServicesMax {
		return nil, ecsInvalid("Services cannot have more than %d elements.", describeServicesMax)
	}
	found, failures, err := s.world.DescribeServices(c.region, cluster, names)
	if err != nil {
		return nil, err
	}
	out := &describeServicesOutput{Services: make([]serviceJSON, len(found)), Failures: fromFailures(failures)}
	for i := range found {
		out.Services[i] = s.serviceJSON(&found[i], includesTags(in.Include))
	}
	return out, nil
}

func includesTags(include []string) bool {
	for _, i := range include {
		if i == "TAGS" {
			return true
		}
	}
	return false
}

type listServicesOutput struct {
	ServiceArns []string `json:"serviceArns"`
	NextToken   string   `json:"nextToken,omitempty"`
}

func (s *Sandbox) listServices(c *call, in *listInput) (*listServicesOutput, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	arns, err := s.world.ListServices(c.region, cluster)
	if err != nil {
		return nil, err
	}
	arns, next, err := in.pageOf(arns, servicesPageDefault)
	if err != nil {
		return nil, err
	}
	return &listServicesOutput{arns, next}, nil
}
