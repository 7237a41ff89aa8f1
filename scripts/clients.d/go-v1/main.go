// Command go-v1 is a program on the AWS SDK for Go, version 1: as ../python/main.py.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/ecs"
	"github.com/aws/aws-sdk-go/service/sqs"
	"github.com/aws/aws-sdk-go/service/sts"
)

// client is what the program talks to, and the name of what it makes there.
type client struct {
	ecs  *ecs.ECS
	name string
}

func main() {
	if err := run(os.Getenv("NAME")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string) error {
	s, err := session.NewSession()
	if err != nil {
		return err
	}
	who, err := sts.New(s).GetCallerIdentity(&sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	fmt.Println("account", *who.Account)
	c := client{ecs.New(s), name}
	for _, part := range []func() error{c.cluster, c.definitions, c.service, c.tasks, c.refusals, func() error { return message(sqs.New(s), name) }, c.end} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (c client) status() error {
	out, err := c.ecs.DescribeClusters(&ecs.DescribeClustersInput{Clusters: []*string{&c.name}})
	if err != nil {
		return err
	}
	fmt.Println("cluster", *out.Clusters[0].Status)
	return nil
}

func (c client) cluster() error {
	if _, err := c.ecs.CreateCluster(&ecs.CreateClusterInput{ClusterName: &c.name, CapacityProviders: aws.StringSlice([]string{"FARGATE", "FARGATE_SPOT"})}); err != nil {
		return err
	}
	return c.status()
}

func (c client) register(family, image, cpu string, command ...string) error {
	_, err := c.ecs.RegisterTaskDefinition(&ecs.RegisterTaskDefinitionInput{Family: aws.String(c.name + family), Cpu: &cpu, Memory: aws.String("512"),
		NetworkMode: aws.String("awsvpc"), RequiresCompatibilities: aws.StringSlice([]string{"FARGATE"}),
		ContainerDefinitions: []*ecs.ContainerDefinition{{Name: aws.String("app"), Image: &image, Essential: aws.Bool(true), Command: aws.StringSlice(command)}}})
	return err
}

func (c client) definitions() error {
	if err := c.register("-app", "app:1", "256"); err != nil {
		return err
	}
	if err := c.register("-app", "app:1", "256", "sh", "-c", "sleep 900; exit 7"); err != nil {
		return err
	}
	found, pages := 0, 0
	err := c.ecs.ListTaskDefinitionsPages(&ecs.ListTaskDefinitionsInput{FamilyPrefix: aws.String(c.name + "-app"), MaxResults: aws.Int64(1)},
		func(page *ecs.ListTaskDefinitionsOutput, _ bool) bool {
			if n := len(page.TaskDefinitionArns); n > 0 {
				found, pages = found+n, pages+1
			}
			return true
		})
	fmt.Printf("task definitions %d in %d pages\n", found, pages)
	return err
}

var (
	network = &ecs.NetworkConfiguration{AwsvpcConfiguration: &ecs.AwsVpcConfiguration{Subnets: aws.StringSlice([]string{"subnet-a", "subnet-b"})}}
	spot    = []*ecs.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: aws.Int64(1)}}
)

func (c client) web() *ecs.DescribeServicesInput {
	return &ecs.DescribeServicesInput{Cluster: &c.name, Services: aws.StringSlice([]string{"web"})}
}

func (c client) service() error {
	if _, err := c.ecs.CreateService(&ecs.CreateServiceInput{Cluster: &c.name, ServiceName: aws.String("web"), TaskDefinition: aws.String(c.name + "-app:1"),
		DesiredCount: aws.Int64(2), CapacityProviderStrategy: spot, NetworkConfiguration: network}); err != nil {
		return err
	}
	if err := c.ecs.WaitUntilServicesStable(c.web()); err != nil {
		return err
	}
	out, err := c.ecs.DescribeServices(c.web())
	if err != nil {
		return err
	}
	fmt.Printf("service stable: %d of %d tasks run, %d deployment\n", *out.Services[0].RunningCount, *out.Services[0].DesiredCount, len(out.Services[0].Deployments))
	return nil
}

// start runs a task, and returns what its waiters ask for.
func (c client) start(definition string) (*ecs.DescribeTasksInput, error) {
	out, err := c.ecs.RunTask(&ecs.RunTaskInput{Cluster: &c.name, TaskDefinition: aws.String(c.name + definition), CapacityProviderStrategy: spot, NetworkConfiguration: network})
	if err != nil {
		return nil, err
	}
	return &ecs.DescribeTasksInput{Cluster: &c.name, Tasks: []*string{out.Tasks[0].TaskArn}}, nil
}

// after waits, and returns the task as it is then.
func (c client) after(wait func(*ecs.DescribeTasksInput) error, job *ecs.DescribeTasksInput) (*ecs.Task, error) {
	if err := wait(job); err != nil {
		return nil, err
	}
	out, err := c.ecs.DescribeTasks(job)
	if err != nil {
		return nil, err
	}
	return out.Tasks[0], nil
}

func (c client) tasks() error {
	job, err := c.start("-app:2")
	if err != nil {
		return err
	}
	t, err := c.after(c.ecs.WaitUntilTasksRunning, job)
	if err != nil {
		return err
	}
	fmt.Println("task", *t.LastStatus, "on", *t.CapacityProviderName)
	if t, err = c.after(c.ecs.WaitUntilTasksStopped, job); err != nil {
		return err
	}
	fmt.Printf("task %s: %s, exit code %d\n", *t.LastStatus, *t.StopCode, *t.Containers[0].ExitCode)
	if err := c.register("-broken", "app:does-not-exist", "256"); err != nil {
		return err
	}
	if job, err = c.start("-broken"); err != nil {
		return err
	}
	if t, err = c.after(c.ecs.WaitUntilTasksStopped, job); err != nil {
		return err
	}
	reason, _, _ := strings.Cut(*t.StoppedReason, ":")
	fmt.Printf("task of a missing image %s: %s, %s\n", *t.LastStatus, *t.StopCode, reason)
	return nil
}

func (c client) refusals() error {
	in := c.web()
	in.Cluster = aws.String(c.name + "-nowhere")
	_, noCluster := c.ecs.DescribeServices(in)
	_, noService := c.ecs.UpdateService(&ecs.UpdateServiceInput{Cluster: &c.name, Service: aws.String("nowhere"), DesiredCount: aws.Int64(1)})
	for _, err := range []error{noCluster, noService, c.register("-large", "app:1", "300")} {
		var refused awserr.Error
		if !errors.As(err, &refused) {
			return fmt.Errorf("not refused: %w", err)
		}
		fmt.Printf("%s: %s\n", refused.Code(), refused.Message())
	}
	return nil
}

func message(c *sqs.SQS, name string) error {
	queue, err := c.CreateQueue(&sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return err
	}
	if _, err := c.SendMessage(&sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("hello <b> & c")}); err != nil {
		return err
	}
	out, err := c.ReceiveMessage(&sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: aws.Int64(5)})
	if err != nil {
		return err
	}
	fmt.Println("message", *out.Messages[0].Body)
	_, err = c.DeleteMessage(&sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: out.Messages[0].ReceiptHandle})
	return err
}

func (c client) end() error {
	if _, err := c.ecs.DeleteService(&ecs.DeleteServiceInput{Cluster: &c.name, Service: aws.String("web"), Force: aws.Bool(true)}); err != nil {
		return err
	}
	if err := c.ecs.WaitUntilServicesInactive(c.web()); err != nil {
		return err
	}
	out, err := c.ecs.DescribeServices(c.web())
	if err != nil {
		return err
	}
	fmt.Println("service", *out.Services[0].Status)
	if _, err := c.ecs.DeleteCluster(&ecs.DeleteClusterInput{Cluster: &c.name}); err != nil {
		return err
	}
	return c.status()
}
