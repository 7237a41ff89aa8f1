package sdkwatch

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// enumeration are the values of one that a decision here depends on, and where they are known.
type enumeration struct {
	name  string
	has   []string
	known []string
	where string // what has to be looked at when AWS adds one
}

func values[T ~string](of []T) []string {
	out := make([]string, 0, len(of))
	for _, v := range of {
		out = append(out, string(v))
	}
	return out
}

var enumerations = []enumeration{
	{"ecs TaskStopCode", values(types.TaskStopCode("").Values()),
		[]string{"TaskFailedToStart", "EssentialContainerExited", "UserInitiated", "ServiceSchedulerInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"},
		"whether such a stop is owed or excused: internal/ecsevent/stop.go, and the simulator"},
	{"ecs DeploymentStrategy", values(types.DeploymentStrategy("").Values()), []string{"ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"},
		"which revision carries traffic meanwhile: internal/aws/service, internal/ecsim, and whether it can have a twin"},
	{"ecs DeploymentControllerType", values(types.DeploymentControllerType("").Values()), []string{"ECS", "CODE_DEPLOY", "EXTERNAL"}, "who may change the service: internal/twin/refuse.go"},
	{"ecs LaunchType", values(types.LaunchType("").Values()), []string{"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"}, "what can be a pool: internal/discover"},
	{"ecs CapacityProviderType", values(types.CapacityProviderType("").Values()), []string{"EC2_AUTOSCALING", "MANAGED_INSTANCES", "FARGATE", "FARGATE_SPOT"}, "what can be a pool: internal/failover (Capacity)"},
	{"ecs CapacityOptionType", values(types.CapacityOptionType("").Values()), []string{"ON_DEMAND", "SPOT", "RESERVED"}, "what Managed Instances could be as a pool: docs/comparison.md"},
	{"ecs ServiceDeploymentStatus", values(types.ServiceDeploymentStatus("").Values()),
		[]string{"PENDING", "SUCCESSFUL", "STOPPED", "STOP_REQUESTED", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"},
		"whether a deployment is in progress: internal/aws/service, internal/ecsim"},
	{"ecs ServiceDeploymentLifecycleStage", values(types.ServiceDeploymentLifecycleStage("").Values()),
		[]string{"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"},
		"where traffic is: internal/ecsim"},
	{"ecs DeploymentLifecycleHookStatus", values(types.DeploymentLifecycleHookStatus("").Values()), []string{"AWAITING_ACTION", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT"},
		"whether a deployment waits for a person: internal/aws/service/ready.go"},
	{"ecs DeploymentLifecycleHookTargetType", values(types.DeploymentLifecycleHookTargetType("").Values()), []string{"AWS_LAMBDA", "PAUSE"}, "what a deployment may wait for: internal/ecsim"},
	{"ecs ServiceRevisionCleanup", values(types.ServiceRevisionCleanup("").Values()), []string{"BLOCKING", "DEFERRED"}, "whether old tasks outlive a deployment: internal/ecsim"},
	{"ecs ThresholdType", values(types.ThresholdType("").Values()), []string{"COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"}, "when a circuit breaker trips in a shortage: internal/doctor"},
	{"ecs DeploymentRolloutState", values(types.DeploymentRolloutState("").Values()), []string{"COMPLETED", "FAILED", "IN_PROGRESS"}, "whether a deployment is in progress: internal/aws/service"},
	{"ecs AvailabilityZoneRebalancing", values(types.AvailabilityZoneRebalancing("").Values()), []string{"ENABLED", "DISABLED"}, "what a twin has: internal/twin"},
	{"ecs HealthStatus", values(types.HealthStatus("").Values()), []string{"HEALTHY", "UNHEALTHY", "UNKNOWN"}, "whether a task is in service: internal/aws/service/ready.go"},
	{"ecs SchedulingStrategy", values(types.SchedulingStrategy("").Values()), []string{"REPLICA", "DAEMON"}, "what can have a twin: internal/twin/refuse.go"},
	{"ecs CPUArchitecture", values(types.CPUArchitecture("").Values()), []string{"X86_64", "ARM64"}, "prices: internal/cost"},
	{"ecs ResourceManagementType", values(types.ResourceManagementType("").Values()), []string{"CUSTOMER", "ECS"}, "whether the service is AWS's to change (Express Mode): internal/twin/refuse.go"},
	{"elasticloadbalancingv2 TargetHealthStateEnum", values(elb.TargetHealthStateEnum("").Values()),
		[]string{"initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"}, "whether a task is in service: internal/aws/service/balancer.go"},
	{"elasticloadbalancingv2 TargetTypeEnum", values(elb.TargetTypeEnum("").Values()), []string{"instance", "ip", "lambda", "alb"}, "how a task is found in a group: internal/aws/service/balancer.go"},
	{"elasticloadbalancingv2 ActionTypeEnum", values(elb.ActionTypeEnum("").Values()),
		[]string{"forward", "authenticate-oidc", "authenticate-cognito", "redirect", "fixed-response", "jwt-validation"}, "which groups a rule sends to: internal/aws/service/balancer.go"},
}

// TestEveryValueOfAWSIsKnown fails when AWS adds a strategy, a stop code, a state, or takes one away.
func TestEveryValueOfAWSIsKnown(t *testing.T) {
	for _, e := range enumerations {
		for _, v := range e.has {
			if !slices.Contains(e.known, v) {
				t.Errorf("%s has the value %s, which nothing here knows\n  Look at %s; then add it to internal/sdkwatch/enum_test.go.", e.name, v, e.where)
			}
		}
		for _, v := range e.known {
			if !slices.Contains(e.has, v) {
				t.Errorf("%s has no value %s any more\n  Look at %s.", e.name, v, e.where)
			}
		}
		if e.where == "" || len(e.has) == 0 {
			t.Errorf("%s: nothing is said of it", e.name)
		}
	}
	if fmt.Sprint(values([]types.LaunchType{"A"})) != "[A]" {
		t.Error("values are not read")
	}
}
