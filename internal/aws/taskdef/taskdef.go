// Package taskdef reads the size and the architecture of a service's tasks, for prices. It is not on the way of
// any decision.
package taskdef

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

// Task returns the size of the tasks that a service runs.
func Task(ctx context.Context, cfg aws.Config, ref control.ServiceRef) (config.Task, error) {
	client := ecs.NewFromConfig(role.At(cfg, ref.Region, ref.RoleARN, role.Session))
	services, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &ref.Cluster, Services: []string{ref.Service}})
	if err != nil {
		return config.Task{}, failure.Wrap("ecs:DescribeServices", "describe service "+ref.String(), err)
	}
	if len(services.Services) == 0 {
		return config.Task{}, fmt.Errorf("describe service %s: it is not there", ref)
	}
	out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: services.Services[0].TaskDefinition})
	if err != nil {
		return config.Task{}, failure.Wrap("ecs:DescribeTaskDefinition", "describe the task definition of "+ref.String(), err)
	}
	return Of(out.TaskDefinition)
}

// Of returns the size that a task definition gives its tasks.
func Of(d *types.TaskDefinition) (config.Task, error) {
	t := config.Task{Arch: string(types.CPUArchitectureX8664)}
	var err1, err2 error
	t.CPU, err1 = strconv.Atoi(aws.ToString(d.Cpu))
	t.Memory, err2 = strconv.Atoi(aws.ToString(d.Memory))
	if err1 != nil || err2 != nil {
		return config.Task{}, fmt.Errorf("read task definition %s: its size is %q and %q", aws.ToString(d.TaskDefinitionArn), aws.ToString(d.Cpu), aws.ToString(d.Memory))
	}
	if d.RuntimePlatform != nil && d.RuntimePlatform.CpuArchitecture != "" {
		t.Arch = string(d.RuntimePlatform.CpuArchitecture)
	}
	return t, nil
}
