package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// prod makes the cluster prod with a Spot service api of n tasks, through the SDK.
func prod(t *testing.T, c clients, n int32) {
	t.Helper()
	ctx := t.Context()
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: new("prod")}))
	must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: new("api"), Cpu: new("1 vCPU"), Memory: new("2048"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: new("web"), Image: new("nginx:1"), StopTimeout: aws.Int32(120), Essential: new(true)}},
		Tags:                 []types.Tag{{Key: new("team"), Value: new("core")}}}))
	must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(ctx, &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("api"), TaskDefinition: new("api:1"),
		DesiredCount: aws.Int32(n), CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: 1}},
		NetworkConfiguration: in("subnet-a", "subnet-b"),
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: new("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/1"), ContainerName: new("web"), ContainerPort: aws.Int32(80)}},
		DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(150), MinimumHealthyPercent: aws.Int32(50),
			DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}},
		HealthCheckGracePeriodSeconds: aws.Int32(15), EnableExecuteCommand: true, PropagateTags: types.PropagateTagsService,
		Tags: []types.Tag{{Key: new("stage"), Value: new("prod")}}}))
}

func service(t *testing.T, c clients, name string) types.Service {
	t.Helper()
	out := must[*ecs.DescribeServicesOutput](t)(c.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: new("prod"), Services: []string{name}, Include: []types.ServiceField{"TAGS"}}))
	if len(out.Services) != 1 {
		t.Fatalf("describe %s: %+v", name, out.Failures)
	}
	return out.Services[0]
}

func TestAServiceCreatedThroughTheSDKIsDescribedAsItWasMade(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 4)
	s.AdvanceTo(start.Add(10 * time.Minute))
	got := service(t, c, "api")
	check := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: want %v, got %v", what, want, got)
		}
	}
	check("arn", *got.ServiceArn, "arn:aws:ecs:us-east-1:123456789012:service/prod/api")
	check("status", *got.Status, "ACTIVE")
	check("counts", []int32{got.DesiredCount, got.RunningCount, got.PendingCount}, []int32{4, 4, 0})
	check("task definition", *got.TaskDefinition, "arn:aws:ecs:us-east-1:123456789012:task-definition/api:1")
	check("strategy", *got.CapacityProviderStrategy[0].CapacityProvider, "FARGATE_SPOT")
	check("launch type", got.LaunchType, "")
	check("percentages", []int32{*got.DeploymentConfiguration.MaximumPercent, *got.DeploymentConfiguration.MinimumHealthyPercent}, []int32{150, 50})
	check("circuit breaker", *got.DeploymentConfiguration.DeploymentCircuitBreaker, types.DeploymentCircuitBreaker{Enable: true, Rollback: true})
	check("subnets", got.NetworkConfiguration.AwsvpcConfiguration.Subnets, []string{"subnet-a", "subnet-b"})
	check("target group", *got.LoadBalancers[0].TargetGroupArn, "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/1")
	check("grace", *got.HealthCheckGracePeriodSeconds, 15)
	check("execute command", got.EnableExecuteCommand, true)
	check("tags", *got.Tags[0].Key, "stage")
	check("created at", got.CreatedAt.UTC(), start)
	check("deployments", len(got.Deployments), 1)
	check("rollout", got.Deployments[0].RolloutState, types.DeploymentRolloutStateCompleted)
	if len(got.Events) == 0 || !strings.HasPrefix(*got.Events[0].Message, "(service api)") {
		t.Errorf("service events: %+v", got.Events)
	}
	definition := must[*ecs.DescribeTaskDefinitionOutput](t)(c.ecs.DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: new("api"), Include: []types.TaskDefinitionField{"TAGS"}}))
	check("cpu", *definition.TaskDefinition.Cpu, "1024")
	check("container", *definition.TaskDefinition.ContainerDefinitions[0].StopTimeout, 120)
	check("definition's tags", *definition.Tags[0].Value, "core")
	check("revision", definition.TaskDefinition.Revision, 1)
}

func TestUpdateServiceScalesAndKeepsWhatItDoesNotName(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 2)
	s.AdvanceTo(start.Add(10 * time.Minute))
	out := must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("arn:aws:ecs:us-east-1:123456789012:cluster/prod"),
		Service: new("arn:aws:ecs:us-east-1:123456789012:service/prod/api"), DesiredCount: aws.Int32(5)}))
	if out.Service.DesiredCount != 5 || len(out.Service.Deployments) != 1 {
		t.Errorf("update: desired %d, %d deployments", out.Service.DesiredCount, len(out.Service.Deployments))
	}
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"),
		DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(200)}, EnableExecuteCommand: new(false)}))
	s.AdvanceTo(start.Add(20 * time.Minute))
	got := service(t, c, "api")
	if got.RunningCount != 5 || !got.DeploymentConfiguration.DeploymentCircuitBreaker.Enable || *got.DeploymentConfiguration.MinimumHealthyPercent != 50 ||
		*got.DeploymentConfiguration.MaximumPercent != 200 || got.EnableExecuteCommand || *got.HealthCheckGracePeriodSeconds != 15 {
		t.Errorf("after the updates: running %d, %+v, execute command %v", got.RunningCount, got.DeploymentConfiguration, got.EnableExecuteCommand)
	}
	_, err := c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"),
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE"), Weight: 1}}})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	if !strings.Contains(err.Error(), "force a new deployment") {
		t.Errorf("a strategy change without force is refused for another reason: %v", err)
	}
}

func TestTasksAreListedInPagesAndDescribed(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 130)
	s.AdvanceTo(start.Add(10 * time.Minute))
	pages := ecs.NewListTasksPaginator(c.ecs, &ecs.ListTasksInput{Cluster: new("prod"), ServiceName: new("api")})
	seen, sizes := map[string]bool{}, []int{}
	for pages.HasMorePages() {
		p := must[*ecs.ListTasksOutput](t)(pages.NextPage(t.Context()))
		sizes = append(sizes, len(p.TaskArns))
		for _, arn := range p.TaskArns {
			seen[arn] = true
		}
	}
	if fmt.Sprint(sizes) != "[100 30]" || len(seen) != 130 {
		t.Errorf("want pages of 100 and 30 with 130 tasks, got %v with %d", sizes, len(seen))
	}
	var arns []string
	for arn := range seen {
		arns = append(arns, arn)
	}
	out := must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: append(arns[:99:99], "0123456789abcdef0123456789abcdef")}))
	if len(out.Tasks) != 99 || len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" {
		t.Fatalf("describe: %d tasks, failures %+v", len(out.Tasks), out.Failures)
	}
	zones := map[string]int{}
	for _, task := range out.Tasks {
		zones[*task.AvailabilityZone]++
		if *task.LastStatus != "RUNNING" || *task.DesiredStatus != "RUNNING" || *task.CapacityProviderName != "FARGATE_SPOT" || task.LaunchType != types.LaunchTypeFargate ||
			*task.Group != "service:api" || !strings.HasPrefix(*task.StartedBy, "ecs-svc/") || *task.Containers[0].Name != "web" || *task.Cpu != "1024" || task.Version == 0 ||
			*task.Containers[0].Image != "nginx:1" || *task.Attachments[0].Status != "ATTACHED" || task.StartedAt.Before(*task.CreatedAt) || task.StoppedAt != nil {
			t.Fatalf("task: %+v", task)
		}
	}
	if len(zones) != 2 || zones["us-east-1a"] == 0 || zones["us-east-1b"] == 0 {
		t.Errorf("want tasks in the zones of subnet-a and subnet-b, got %v", zones)
	}
	_, err := c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: append(arns[:100:100], "x")})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	_, err = c.ecs.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: new("prod"), NextToken: new("made up")})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	pending := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: new("prod"), DesiredStatus: types.DesiredStatusPending}))
	if len(pending.TaskArns) != 0 {
		t.Errorf("desired status PENDING lists nothing on ECS, got %d", len(pending.TaskArns))
	}
}

func TestAnInterruptedTaskShowsItsStopCode(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 3)
	s.AdvanceTo(start.Add(10 * time.Minute))
	var hit []string
	s.World(func(w *ecsim.World) {
		hit = w.Interrupt(ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api"}, 1, "", false)
	})
	if len(hit) != 1 {
		t.Fatalf("interrupted: %v", hit)
	}
	s.AdvanceTo(start.Add(15 * time.Minute))
	stopped := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: new("prod"), DesiredStatus: types.DesiredStatusStopped}))
	if len(stopped.TaskArns) != 1 {
		t.Fatalf("stopped tasks: %v", stopped.TaskArns)
	}
	out := must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: stopped.TaskArns}))
	task := out.Tasks[0]
	if task.StopCode != types.TaskStopCodeSpotInterruption || *task.StoppedReason != "Your Spot Task was interrupted." || task.StoppedAt == nil || task.Containers[0].ExitCode == nil {
		t.Errorf("stopped task: %+v", task)
	}
}

func TestRunTaskStopTaskAndProtection(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	s.AdvanceTo(start.Add(10 * time.Minute))
	ctx := t.Context()
	run := &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), Count: aws.Int32(2), StartedBy: new("test"), NetworkConfiguration: in("subnet-a"),
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: 1}}}
	ran := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, run))
	if len(ran.Tasks) != 2 || len(ran.Failures) != 0 || *ran.Tasks[0].Group != "family:api" {
		t.Fatalf("run: %+v", ran)
	}
	stopped := must[*ecs.StopTaskOutput](t)(c.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: new("prod"), Task: ran.Tasks[0].TaskArn, Reason: new("enough")}))
	if *stopped.Task.DesiredStatus != "STOPPED" || *stopped.Task.StoppedReason != "enough" || stopped.Task.StopCode != types.TaskStopCodeUserInitiated {
		t.Errorf("stopped: %+v", stopped.Task)
	}
	s.World(func(w *ecsim.World) {
		key := ecsim.SupplyKey{Region: "us-east-1", Provider: ecsim.FargateSpot}
		_, held := w.Supply(key)
		w.SetSupply(key, held)
	})
	run.ClientToken = nil // the SDK has put one in
	none := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(ctx, run))
	if len(none.Tasks) != 0 || len(none.Failures) == 0 || !strings.HasPrefix(*none.Failures[0].Reason, "Capacity is unavailable at this time") {
		t.Errorf("run without capacity: want HTTP 200 with failures, got %+v", none)
	}
	arns := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: new("prod"), ServiceName: new("api")})).TaskArns
	protect := must[*ecs.UpdateTaskProtectionOutput](t)(c.ecs.UpdateTaskProtection(ctx, &ecs.UpdateTaskProtectionInput{Cluster: new("prod"), Tasks: arns[:1], ProtectionEnabled: true, ExpiresInMinutes: aws.Int32(60)}))
	if len(protect.ProtectedTasks) != 1 || !protect.ProtectedTasks[0].ProtectionEnabled || !protect.ProtectedTasks[0].ExpirationDate.Equal(s.Now().Add(time.Hour)) {
		t.Errorf("protection: %+v %+v", protect.ProtectedTasks, protect.Failures)
	}
	got := must[*ecs.GetTaskProtectionOutput](t)(c.ecs.GetTaskProtection(ctx, &ecs.GetTaskProtectionInput{Cluster: new("prod"), Tasks: arns[:1]}))
	if len(got.ProtectedTasks) != 1 || !got.ProtectedTasks[0].ProtectionEnabled {
		t.Errorf("protection read back: %+v", got)
	}
	_, err := c.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), Count: aws.Int32(11), NetworkConfiguration: in("subnet-a")})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
}

func TestClustersListsTagsAndProviders(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	ctx := t.Context()
	clusters := must[*ecs.DescribeClustersOutput](t)(c.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"prod", "nowhere"}}))
	if len(clusters.Clusters) != 1 || clusters.Clusters[0].ActiveServicesCount != 1 || *clusters.Failures[0].Reason != "MISSING" {
		t.Errorf("clusters: %+v", clusters)
	}
	providers := must[*ecs.DescribeCapacityProvidersOutput](t)(c.ecs.DescribeCapacityProviders(ctx, &ecs.DescribeCapacityProvidersInput{}))
	if len(providers.CapacityProviders) != 2 || *providers.CapacityProviders[1].Name != "FARGATE_SPOT" {
		t.Errorf("providers: %+v", providers)
	}
	arn := new("arn:aws:ecs:us-east-1:123456789012:service/prod/api")
	must[*ecs.TagResourceOutput](t)(c.ecs.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: new("a"), Value: new("b")}}}))
	must[*ecs.UntagResourceOutput](t)(c.ecs.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"stage"}}))
	tags := must[*ecs.ListTagsForResourceOutput](t)(c.ecs.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: arn}))
	if len(tags.Tags) != 1 || *tags.Tags[0].Key != "a" {
		t.Errorf("tags: %+v", tags.Tags)
	}
	if l := must[*ecs.ListServicesOutput](t)(c.ecs.ListServices(ctx, &ecs.ListServicesInput{Cluster: new("prod")})); len(l.ServiceArns) != 1 {
		t.Errorf("services: %v", l.ServiceArns)
	}
	if l := must[*ecs.ListTaskDefinitionsOutput](t)(c.ecs.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{FamilyPrefix: new("api")})); len(l.TaskDefinitionArns) != 1 {
		t.Errorf("task definitions: %v", l.TaskDefinitionArns)
	}
	_, err := c.ecs.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: new("prod")})
	wantError[*types.ClusterContainsServicesException](t, err, "ClusterContainsServicesException")
	must[*ecs.DeleteServiceOutput](t)(c.ecs.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: new("prod"), Service: new("api"), Force: new(true)}))
	s.AdvanceTo(start.Add(time.Hour))
	gone := must[*ecs.DeleteClusterOutput](t)(c.ecs.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: new("prod")}))
	if *gone.Cluster.Status != "INACTIVE" {
		t.Errorf("deleted cluster: %s", *gone.Cluster.Status)
	}
	if l := must[*ecs.ListClustersOutput](t)(c.ecs.ListClusters(ctx, &ecs.ListClustersInput{})); len(l.ClusterArns) != 0 {
		t.Errorf("clusters after delete: %v", l.ClusterArns)
	}
	_, err = c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: new("prod")})
	wantError[*types.ClusterNotFoundException](t, err, "ClusterNotFoundException")
}

func TestECSErrorsArriveTyped(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	ctx := t.Context()
	_, err := c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: new("nowhere"), Services: []string{"x"}})
	wantError[*types.ClusterNotFoundException](t, err, "ClusterNotFoundException")
	_, err = c.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("nowhere"), DesiredCount: aws.Int32(1)})
	wantError[*types.ServiceNotFoundException](t, err, "ServiceNotFoundException")
	_, err = c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: new("nowhere:1")})
	wantError[*types.ClientException](t, err, "ClientException")
	_, err = c.ecs.CreateService(ctx, &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("x"), TaskDefinition: new("api"), LaunchType: types.LaunchTypeFargate,
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE"), Weight: 1}}})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	_, err = c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: new("prod"), Services: strings.Split("abcdefghijk", "")})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	_, err = c.ecs.ListAttributes(ctx, &ecs.ListAttributesInput{TargetType: types.TargetTypeContainerInstance})
	wantCode(t, err, "UnknownOperationException")
	if !strings.Contains(err.Error(), "ListAttributes") {
		t.Errorf("the error does not name the operation: %v", err)
	}
	missing := must[*ecs.DescribeServicesOutput](t)(c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: new("prod"), Services: []string{"api", "nowhere"}}))
	if len(missing.Services) != 1 || len(missing.Failures) != 1 || *missing.Failures[0].Reason != "MISSING" {
		t.Errorf("a missing service among others: %+v", missing.Failures)
	}
	if n := s.Calls().Counts["ecs:DescribeServices"]; n != 3 {
		t.Errorf("calls counted: want 3 DescribeServices, got %d", n)
	}
	if n := s.Calls().Errors["ecs:UpdateService ServiceNotFoundException"]; n != 1 {
		t.Errorf("errors counted: %v", s.Calls().Errors)
	}
}

func TestTheTokenBucketsOfECSThrottle(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	update := func() error {
		_, err := c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DesiredCount: aws.Int32(1)})
		return err
	}
	s.AdvanceTo(start.Add(time.Hour))
	passed := 0
	var err error
	for err = update(); err == nil && passed < 1000; err = update() {
		passed++
	}
	wantCode(t, err, "ThrottlingException")
	if passed != 50 {
		t.Errorf("burst: want 50 calls, got %d", passed)
	}
	s.AdvanceTo(s.Now().Add(time.Second))
	if err := update(); err != nil {
		t.Errorf("after a second of refill: %v", err)
	}
	free := connect(manual(t, func(o *sandbox.Options) { o.NoThrottle = true }))
	prod(t, free, 1)
	for range 100 {
		if _, err := free.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DesiredCount: aws.Int32(1)}); err != nil {
			t.Fatalf("with throttling off: %v", err)
		}
	}
}

// TestWhatCommonClientsAskOfTaskDefinitionsAndTheAccount: families by status, deletion after deregistration alone, no shell in a container that does not run.
func TestWhatCommonClientsAskOfTaskDefinitionsAndTheAccount(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	s.AdvanceTo(start.Add(10 * time.Minute))
	ctx := t.Context()
	families := func(status types.TaskDefinitionFamilyStatus) string {
		return fmt.Sprint(must[*ecs.ListTaskDefinitionFamiliesOutput](t)(c.ecs.ListTaskDefinitionFamilies(ctx, &ecs.ListTaskDefinitionFamiliesInput{Status: status})).Families)
	}
	if got := families(""); got != "[api]" {
		t.Errorf("families: %s", got)
	}
	deleted := func() *ecs.DeleteTaskDefinitionsOutput {
		return must[*ecs.DeleteTaskDefinitionsOutput](t)(c.ecs.DeleteTaskDefinitions(ctx, &ecs.DeleteTaskDefinitionsInput{TaskDefinitions: []string{"api:1", "nope:1"}}))
	}
	if got := deleted(); len(got.TaskDefinitions) != 0 || len(got.Failures) != 2 {
		t.Errorf("an active revision was deleted: %+v", got)
	}
	must[*ecs.DeregisterTaskDefinitionOutput](t)(c.ecs.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: new("api:1")}))
	if got := deleted(); len(got.TaskDefinitions) != 1 || got.TaskDefinitions[0].Status != types.TaskDefinitionStatusDeleteInProgress || len(got.Failures) != 1 {
		t.Errorf("deleted: %+v", got)
	}
	if got := families("ACTIVE") + families("INACTIVE") + families("ALL"); got != "[][api][api]" {
		t.Errorf("families by status: %s", got)
	}
	arns := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: new("prod")})).TaskArns
	_, err := c.ecs.ExecuteCommand(ctx, &ecs.ExecuteCommandInput{Cluster: new("prod"), Task: &arns[0], Command: new("sh"), Interactive: true})
	wantError[*types.TargetNotConnectedException](t, err, "TargetNotConnectedException")
	if got := must[*ecs.UpdateClusterOutput](t)(c.ecs.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: new("prod")})); *got.Cluster.ClusterName != "prod" {
		t.Errorf("cluster: %+v", got.Cluster)
	}
}
