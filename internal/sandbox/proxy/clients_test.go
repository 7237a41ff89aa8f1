package proxy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// fast is a speed at which waiters see tasks of some minutes start and end within two seconds.
const fast = 600

// TestAProgramOnBoto3SeesWhatEveryClientSees is the part of scripts/clients that needs nothing but boto3.
func TestAProgramOnBoto3SeesWhatEveryClientSees(t *testing.T) {
	t.Parallel()
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import boto3").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("no python3 with boto3 here (Debian: apt-get install python3-boto3)")
	}
	const programs = "../../../scripts/clients.d/"
	want, err := os.ReadFile(programs + "expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := served(t, fast)
	dir := t.TempDir()
	bundle := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(bundle, s.ca, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, programs+"python/main.py")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "NAME=boto3", "DELAY=0.2", "HTTPS_PROXY=" + s.endpoint, "AWS_CA_BUNDLE=" + bundle, "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=sandbox", "AWS_SECRET_ACCESS_KEY=sandbox", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + dir + "/config", "AWS_SHARED_CREDENTIALS_FILE=" + dir + "/credentials"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s%s", python, err, out.String(), errs.String())
	}
	if out.String() != string(want) {
		t.Errorf("printed:\n%s\nwant:\n%s", out.String(), want)
	}
}

// TestThePageHasTheVersionsOfTheClients that are pinned.
func TestThePageHasTheVersionsOfTheClients(t *testing.T) {
	page, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, pin := range map[string]*regexp.Regexp{"go-v1/go.mod": regexp.MustCompile(`aws-sdk-go v([\d.]+)`), "node/package.json": regexp.MustCompile(`"@?aws-sdk(?:/client-ecs)?": "([\d.]+)"`)} {
		text, err := os.ReadFile("../../../scripts/clients.d/" + file)
		if err != nil {
			t.Fatal(err)
		}
		pins := pin.FindAllSubmatch(text, -1)
		if len(pins) == 0 {
			t.Errorf("%s pins nothing", file)
		}
		for _, p := range pins {
			if !bytes.Contains(page, append([]byte("| "), p[1]...)) {
				t.Errorf("docs/sandbox.md does not have %s of %s", p[1], file)
			}
		}
	}
}

// TestTheWaitersOfTheSDKForGo are those that deployment tools wait with.
func TestTheWaitersOfTheSDKForGo(t *testing.T) {
	t.Parallel()
	s := served(t, fast)
	c := ecs.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: s.client, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	ctx, name := t.Context(), aws.String("tools")
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: name, CapacityProviders: []string{"FARGATE_SPOT"}}))
	do(c.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: name, Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions:    []types.ContainerDefinition{{Name: name, Image: name, Essential: aws.Bool(true), Command: []string{"sleep", "300"}}}}))
	network := &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}}
	spot := []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 1}}
	job, err := c.RunTask(ctx, &ecs.RunTaskInput{Cluster: name, TaskDefinition: name, CapacityProviderStrategy: spot, NetworkConfiguration: network})
	do(job, err)
	const most, least = 20 * time.Second, 50 * time.Millisecond
	tasks := &ecs.DescribeTasksInput{Cluster: name, Tasks: []string{*job.Tasks[0].TaskArn}}
	do(nil, ecs.NewTasksRunningWaiter(c, func(o *ecs.TasksRunningWaiterOptions) { o.MinDelay, o.MaxDelay = least, least }).Wait(ctx, tasks, most))
	do(nil, ecs.NewTasksStoppedWaiter(c, func(o *ecs.TasksStoppedWaiterOptions) { o.MinDelay, o.MaxDelay = least, least }).Wait(ctx, tasks, most))

	do(c.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: name, Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, ContainerDefinitions: []types.ContainerDefinition{{Name: name, Image: name, Essential: aws.Bool(true)}}}))
	do(c.CreateService(ctx, &ecs.CreateServiceInput{Cluster: name, ServiceName: name, TaskDefinition: name, DesiredCount: aws.Int32(2), CapacityProviderStrategy: spot, NetworkConfiguration: network}))
	services := &ecs.DescribeServicesInput{Cluster: name, Services: []string{*name}}
	do(nil, ecs.NewServicesStableWaiter(c, func(o *ecs.ServicesStableWaiterOptions) { o.MinDelay, o.MaxDelay = least, least }).Wait(ctx, services, most))
	do(c.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: name, Service: name, Force: aws.Bool(true)}))
	do(nil, ecs.NewServicesInactiveWaiter(c, func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay, o.MaxDelay = least, least }).Wait(ctx, services, most))
	got, err := c.DescribeTasks(ctx, tasks)
	if err != nil || len(got.Tasks) != 1 || !strings.HasPrefix(*got.Tasks[0].StoppedReason, "Essential container") {
		t.Errorf("the task that ended: %v %+v", err, got)
	}
}
