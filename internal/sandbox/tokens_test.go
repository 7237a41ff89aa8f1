package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestASecondCallWithTheSameTokenHasTheFirstOnesAnswer(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	ctx := t.Context()
	network := service(t, c, "api").NetworkConfiguration
	create := &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("web"), TaskDefinition: new("api"), DesiredCount: new(int32(2)),
		NetworkConfiguration: network, ClientToken: new("token-1")}
	first := must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(ctx, create))
	again := must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(ctx, create))
	if *first.Service.Deployments[0].Id != *again.Service.Deployments[0].Id {
		t.Error("the second call made another deployment")
	}
	create.DesiredCount = new(int32(3))
	_, err := c.ecs.CreateService(ctx, create)
	wantCode(t, err, "ConflictException")
	create.ClientToken = new(strings.Repeat("x", 37))
	_, err = c.ecs.CreateService(ctx, create)
	wantCode(t, err, "InvalidParameterException")
	create.ClientToken = nil
	_, err = c.ecs.CreateService(ctx, create)
	wantCode(t, err, "InvalidParameterException") // not idempotent

	run := &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), Count: new(int32(2)), NetworkConfiguration: network,
		LaunchType: ecstypes.LaunchTypeFargate, ClientToken: new("token-1")}
	one := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, run))
	two := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, run))
	if len(one.Tasks) != 2 || len(two.Tasks) != 2 || *one.Tasks[1].TaskArn != *two.Tasks[1].TaskArn {
		t.Errorf("tasks %d and %d", len(one.Tasks), len(two.Tasks))
	}
	run.Count = new(int32(1))
	_, err = c.ecs.RunTask(ctx, run)
	wantError[*ecstypes.ConflictException](t, err, "ConflictException")
	run.ClientToken = new("token-2")
	other := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, run))
	if *other.Tasks[0].TaskArn == *one.Tasks[0].TaskArn {
		t.Error("another token, the same task")
	}
}

// A retry after a lost answer must find the task that was started, not start a second.
func TestATokenSurvivesALostAnswer(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 0)
	ctx := t.Context()
	run := &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), NetworkConfiguration: service(t, c, "api").NetworkConfiguration,
		LaunchType: ecstypes.LaunchTypeFargate, ClientToken: new("once")}
	steered(t, s, "POST", "faults", `{"kind": "lost_answer", "operation": "ecs:RunTask", "count": 1}`)
	if _, err := c.ecs.RunTask(ctx, run); err == nil {
		t.Fatal("the answer was not lost")
	}
	must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, run))
	listed := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: new("prod")}))
	if len(listed.TaskArns) != 1 {
		t.Errorf("%d tasks", len(listed.TaskArns))
	}
}

func TestNewServicesRebalanceUnlessTheySayOtherwise(t *testing.T) {
	c := connect(manual(t))
	prod(t, c, 1)
	network := service(t, c, "api").NetworkConfiguration
	for name, v := range map[string]struct {
		asked ecstypes.AvailabilityZoneRebalancing
		most  *int32
		want  ecstypes.AvailabilityZoneRebalancing
	}{
		"silent":     {"", nil, ecstypes.AvailabilityZoneRebalancingEnabled},
		"no-room":    {"", new(int32(100)), ecstypes.AvailabilityZoneRebalancingDisabled},
		"disabled":   {ecstypes.AvailabilityZoneRebalancingDisabled, nil, ecstypes.AvailabilityZoneRebalancingDisabled},
		"enabled":    {ecstypes.AvailabilityZoneRebalancingEnabled, nil, ecstypes.AvailabilityZoneRebalancingEnabled},
		"impossible": {ecstypes.AvailabilityZoneRebalancingEnabled, new(int32(100)), ""},
	} {
		out, err := c.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new(name), TaskDefinition: new("api"),
			NetworkConfiguration: network, AvailabilityZoneRebalancing: v.asked,
			DeploymentConfiguration: &ecstypes.DeploymentConfiguration{MaximumPercent: v.most, MinimumHealthyPercent: new(int32(50))}})
		if v.want == "" {
			wantCode(t, err, "InvalidParameterException")
			continue
		}
		if err != nil || out.Service.AvailabilityZoneRebalancing != v.want {
			t.Errorf("%s: %v, want %s, got %+v", name, err, v.want, out)
		}
	}
}
