package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestAnARNOfAnotherClusterOrAccountIsRefused, whatever call names it.
func TestAnARNOfAnotherClusterOrAccountIsRefused(t *testing.T) {
	const (
		clusters = "Invalid identifier: Identifier is for cluster prod. Your cluster is jobs"
		accounts = "Invalid identifier: Identifier is for 210987654321. Your accountId is 123456789012"
	)
	c := connect(manual(t))
	prod(t, c, 1)
	ctx := t.Context()
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: new("jobs")}))
	task := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), NetworkConfiguration: in("subnet-a")})).Tasks[0].TaskArn
	service := new("arn:aws:ecs:us-east-1:123456789012:service/prod/api")
	for name, call := range map[string]func(cluster, task, service string) error{
		"DescribeTasks": func(cluster, task, _ string) error {
			_, err := c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: []string{task}})
			return err
		},
		"GetTaskProtection": func(cluster, task, _ string) error {
			_, err := c.ecs.GetTaskProtection(ctx, &ecs.GetTaskProtectionInput{Cluster: &cluster, Tasks: []string{task}})
			return err
		},
		"DescribeServices": func(cluster, _, service string) error {
			_, err := c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}})
			return err
		},
		"UpdateService": func(cluster, _, service string) error {
			_, err := c.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &cluster, Service: &service, DesiredCount: aws.Int32(1)})
			return err
		},
		"ListTasks": func(cluster, _, service string) error {
			_, err := c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &cluster, ServiceName: &service})
			return err
		},
		"StopTask": func(cluster, task, _ string) error {
			_, err := c.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: &cluster, Task: &task})
			return err
		},
	} {
		other := func(arn *string) string { return strings.Replace(*arn, "123456789012", "210987654321", 1) }
		wantRefused(t, call("jobs", *task, *service), "InvalidParameterException", clusters)
		wantRefused(t, call("prod", other(task), other(service)), "InvalidParameterException", accounts)
		wantRefused(t, call("arn:aws:ecs:us-east-1:210987654321:cluster/prod", *task, *service), "InvalidParameterException", accounts)
		if err := call("arn:aws:ecs:us-east-1:123456789012:cluster/prod", *task, *service); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.ecs.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: new("arn:aws:ecs:us-east-1:210987654321:service/prod/api")})
	wantRefused(t, err, "InvalidParameterException", accounts)
	_, err = c.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("arn:aws:ecs:us-east-1:210987654321:task-definition/api:1"), NetworkConfiguration: in("subnet-a")})
	wantRefused(t, err, "InvalidParameterException", accounts)
}

// TestRunTaskRefusesWhatECSDoesNotTake of a task of no service.
func TestRunTaskRefusesWhatECSDoesNotTake(t *testing.T) {
	c := connect(manual(t))
	prod(t, c, 1)
	run := func(change func(*ecs.RunTaskInput)) error {
		call := &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), NetworkConfiguration: in("subnet-a")}
		change(call)
		_, err := c.ecs.RunTask(t.Context(), call)
		return err
	}
	override := func(name string) func(*ecs.RunTaskInput) {
		return func(in *ecs.RunTaskInput) {
			in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: new("web")}, {Name: &name}}}
		}
	}
	wantRefused(t, run(override("worker")), "InvalidParameterException", "Override for container named worker is not a container in the TaskDefinition.")
	wantRefused(t, run(func(in *ecs.RunTaskInput) { in.Group = new("service:api") }), "InvalidParameterException", "Invalid namespace for group.")
	for _, by := range []string{"a.b", "a b", "a:b", strings.Repeat("a", 129)} {
		wantRefused(t, run(func(in *ecs.RunTaskInput) { in.StartedBy = &by }), "InvalidParameterException", "startedBy must be at most 128 letters, digits, hyphens, forward slashes and underscores")
	}
	for _, change := range []func(*ecs.RunTaskInput){override("web"), func(in *ecs.RunTaskInput) { in.Group = new("family:other") },
		func(in *ecs.RunTaskInput) { in.StartedBy = new("backstop/a-b_C/" + strings.Repeat("9", 113)) }} {
		if err := run(change); err != nil {
			t.Error(err)
		}
	}
}
