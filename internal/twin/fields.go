package twin

// Treatment is what becomes of a field of a service in its twin.
type Treatment string

const (
	// Copied fields have the same value in the twin, and are compared afterwards.
	Copied Treatment = "copied"
	// Compared fields cannot be set; they follow from what is copied, and must agree.
	Compared Treatment = "compared"
	// Set fields differ on purpose.
	Set Treatment = "set"
	// Refused fields make a twin impossible where a service uses them (refuse.go).
	Refused Treatment = "refused"
	// Irrelevant fields say nothing about what a task of the service is or how it is reached.
	Irrelevant Treatment = "irrelevant"
)

// Field is the decision about one field.
type Field struct {
	Name      string
	Treatment Treatment
	Why       string
}

// vital are the fields, by AWS's names, in which cover must be as its service: what differs in them serves nothing, or something else.
var vital = []string{"loadBalancers", "networkConfiguration", "platformFamily", "platformVersion", "serviceConnectConfiguration", "taskDefinition", "volumeConfigurations"}

// serviceFields decides about types.Service.
var serviceFields = []Field{
	{"AvailabilityZoneRebalancing", Set, "DISABLED: a rebalanced standby starts and stops tasks that are cover"},
	{"CapacityProviderStrategy", Set, "FARGATE alone: this is what a twin differs in"},
	{"ClusterArn", Copied, "the twin runs in the same cluster"},
	{"CreatedAt", Irrelevant, "a time"},
	{"CreatedBy", Irrelevant, "who made the service, not what it is"},
	{"CurrentServiceDeployment", Irrelevant, "names the deployment that is in progress"},
	{"CurrentServiceRevisions", Irrelevant, "names the revisions; what they say is decided about in their own table"},
	{"DeploymentConfiguration", Copied, "percentages, circuit breaker, alarms, early success; of the strategy nothing"},
	{"DeploymentController", Refused, "with CODE_DEPLOY or EXTERNAL another tool decides which tasks run, and ECS refuses to change the service"},
	{"Deployments", Irrelevant, "decided about in a table of their own"},
	{"DesiredCount", Set, "0: a standby runs nothing until there is something to cover"},
	{"EnableECSManagedTags", Copied, "cost reports find the tasks by these tags"},
	{"EnableExecuteCommand", Copied, "people look into the tasks of both services"},
	{"Events", Irrelevant, "what happened, not what the service is"},
	{"HealthCheckGracePeriodSeconds", Copied, "slow starters must not be stopped on one side only"},
	{"LaunchType", Set, "none: the capacity provider strategy takes its place"},
	{"LoadBalancers", Copied, "cover that is in no target group gets no traffic; where deployments shift traffic between two groups, the twin is in both"},
	{"NetworkConfiguration", Copied, "subnets and security groups decide what a task reaches"},
	{"PendingCount", Irrelevant, "a count of tasks"},
	{"PlacementConstraints", Irrelevant, "Fargate takes none"},
	{"PlacementStrategy", Irrelevant, "Fargate takes none"},
	{"PlatformFamily", Compared, "follows from the task definition"},
	{"PlatformVersion", Copied, "features of the platform differ by version"},
	{"PropagateTags", Copied, "cost reports and policies find the tasks by their tags"},
	{"ResourceManagementType", Refused, "ECS manages the target groups and listeners of an Express service, and lets no second service in"},
	{"RoleArn", Irrelevant, "with the network mode awsvpc it is always ECS's service-linked role"},
	{"RunningCount", Irrelevant, "a count of tasks"},
	{"SchedulingStrategy", Refused, "DAEMON has no desired count"},
	{"ServiceArn", Irrelevant, "an identity"},
	{"ServiceName", Set, "two services of a cluster cannot share a name"},
	{"ServiceRegistries", Refused, "AWS does not document whether two services may share a Cloud Map service: clients may not find the cover"},
	{"Status", Irrelevant, "only ACTIVE services are looked at"},
	{"Tags", Copied, "but for those that AWS (aws:) and Backstop (backstop:) keep themselves"},
	{"TaskDefinition", Copied, "the same revision, so that everything in it is the same"},
	{"TaskSets", Refused, "they belong to CODE_DEPLOY or EXTERNAL"},
}

// revisionFields decides about types.ServiceRevision, which shows what DescribeServices does not.
var revisionFields = []Field{
	{"CapacityProviderStrategy", Set, "as in the service"},
	{"ClusterArn", Irrelevant, "a service is in one cluster, which is copied"},
	{"ContainerImages", Irrelevant, "the digests that ECS resolved; the twin resolves the same task definition by itself"},
	{"CreatedAt", Irrelevant, "a time"},
	{"EcsManagedResources", Refused, "resources of an Express service or of a gateway belong to one service"},
	{"FargateEphemeralStorage", Irrelevant, "the encryption key is the cluster's"},
	{"GatewayConnectors", Refused, "a gateway gives each service a host name of its own: clients do not find the cover"},
	{"GuardDutyEnabled", Irrelevant, "the account's setting, for both services"},
	{"LaunchType", Set, "as in the service"},
	{"LoadBalancers", Irrelevant, "the service's are copied, with both groups where deployments shift traffic"},
	{"Monitoring", Copied, "metrics of the same resolution"},
	{"NetworkConfiguration", Irrelevant, "the service's is copied, of which this is a record"},
	{"Overrides", Irrelevant, "ECS makes them from the task definition"},
	{"PlatformFamily", Irrelevant, "the service's is compared"},
	{"PlatformVersion", Irrelevant, "the version that ECS resolved; the service's is copied"},
	{"ResolvedConfiguration", Irrelevant, "which target group carries traffic now, not what the service is"},
	{"ServiceArn", Irrelevant, "an identity"},
	{"ServiceConnectConfiguration", Copied, "a client of Service Connect; one that offers a name is refused"},
	{"ServiceRegistries", Irrelevant, "the service's are refused"},
	{"ServiceRevisionArn", Irrelevant, "an identity"},
	{"TaskDefinition", Irrelevant, "the service's is copied: without a deployment in progress it is this one"},
	{"VolumeConfigurations", Copied, "each task gets a volume of its own"},
	{"VpcLatticeConfigurations", Refused, "Backstop cannot read the health of VPC Lattice targets, and so not when cover is in service"},
}

// deploymentFields decides about types.Deployment.
var deploymentFields = []Field{
	{"CapacityProviderStrategy", Set, "as in the service"},
	{"CreatedAt", Irrelevant, "a time"},
	{"DesiredCount", Irrelevant, "a count of tasks"},
	{"FailedTasks", Irrelevant, "a count of tasks"},
	{"FargateEphemeralStorage", Irrelevant, "the encryption key is the cluster's"},
	{"Id", Irrelevant, "an identity"},
	{"LaunchType", Set, "as in the service"},
	{"NetworkConfiguration", Irrelevant, "the service's is copied"},
	{"PendingCount", Irrelevant, "a count of tasks"},
	{"PlatformFamily", Irrelevant, "the service's is compared"},
	{"PlatformVersion", Irrelevant, "the version that ECS resolved; the service's is copied"},
	{"RolloutState", Irrelevant, "how far the deployment is"},
	{"RolloutStateReason", Irrelevant, "how far the deployment is"},
	{"RunningCount", Irrelevant, "a count of tasks"},
	{"ServiceConnectConfiguration", Irrelevant, "the service revision's is copied"},
	{"ServiceConnectResources", Irrelevant, "Cloud Map names that ECS made from the configuration"},
	{"Status", Irrelevant, "which of the deployments it is"},
	{"TaskDefinition", Irrelevant, "the service's is copied"},
	{"UpdatedAt", Irrelevant, "a time"},
	{"VolumeConfigurations", Irrelevant, "the service revision's are copied"},
	{"VpcLatticeConfigurations", Irrelevant, "the service revision's are decided about"},
}

// configurationFields decides about types.DeploymentConfiguration, which is copied whole where nothing in it is refused.
var configurationFields = []Field{
	{"Alarms", Copied, "a deployment of the twin is watched by the same alarms"},
	{"BakeTimeInMinutes", Copied, "how long ECS watches the alarms after a rolling deployment"},
	{"CanaryConfiguration", Irrelevant, "the twin's deployments shift no traffic"},
	{"DeploymentCircuitBreaker", Copied, "a broken release is given up on both sides"},
	{"EarlySuccessCriteria", Copied, "when a deployment counts as done"},
	{"LifecycleHooks", Set, "none: the twin is given what has passed them on the service, and would run them a second time"},
	{"LinearConfiguration", Irrelevant, "the twin's deployments shift no traffic"},
	{"MaximumPercent", Copied, "how much a deployment adds"},
	{"MinimumHealthyPercent", Copied, "how much a deployment takes"},
	{"Strategy", Set, "ROLLING: the twin is in every group that may have the traffic, and moves it nowhere"},
}

// createFields decides about ecs.CreateServiceInput: where its value comes from.
var createFields = []Field{
	{"AvailabilityZoneRebalancing", Set, "DISABLED"},
	{"CapacityProviderStrategy", Set, "FARGATE, weight 1"},
	{"ClientToken", Irrelevant, "ECS refuses a second service of the name"},
	{"Cluster", Copied, "of the service (ClusterArn)"},
	{"DeploymentConfiguration", Copied, "of the service"},
	{"DeploymentController", Irrelevant, "ECS is the default, and others are refused"},
	{"DesiredCount", Set, "0"},
	{"EnableECSManagedTags", Copied, "of the service"},
	{"EnableExecuteCommand", Copied, "of the service"},
	{"GatewayConnectors", Refused, "of the service revision"},
	{"HealthCheckGracePeriodSeconds", Copied, "of the service"},
	{"LaunchType", Irrelevant, "excludes a capacity provider strategy"},
	{"LoadBalancers", Copied, "of the service"},
	{"Monitoring", Copied, "of the service revision"},
	{"NetworkConfiguration", Copied, "of the service"},
	{"PlacementConstraints", Irrelevant, "Fargate takes none"},
	{"PlacementStrategy", Irrelevant, "Fargate takes none"},
	{"PlatformVersion", Copied, "of the service"},
	{"PropagateTags", Copied, "of the service"},
	{"Role", Irrelevant, "the service-linked role is the default"},
	{"SchedulingStrategy", Irrelevant, "REPLICA is the default, and DAEMON is refused"},
	{"ServiceConnectConfiguration", Copied, "of the service revision"},
	{"ServiceName", Set, "the twin's own"},
	{"ServiceRegistries", Refused, "of the service"},
	{"Tags", Copied, "of the service"},
	{"TaskDefinition", Copied, "of the service"},
	{"VolumeConfigurations", Copied, "of the service revision"},
	{"VpcLatticeConfigurations", Refused, "of the service revision"},
}
