package discover_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

type account struct {
	t   *testing.T
	box *sandbox.Sandbox
	cfg aws.Config
}

func newAccount(t *testing.T) *account {
	box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, ReadLag: -1}, NoThrottle: true})
	return &account{t, box, aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: box}}
}

// service makes a service in a cluster, which is made with it.
func (a *account) service(cluster, name, family string, desired int, providers ...string) {
	a.t.Helper()
	client := ecs.NewFromConfig(a.cfg)
	in := &ecs.CreateServiceInput{Cluster: &cluster, ServiceName: &name, TaskDefinition: &family, DesiredCount: aws.Int32(int32(desired)), EnableExecuteCommand: true,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-1"}, AssignPublicIp: types.AssignPublicIpEnabled}},
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: aws.String("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1"), ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}}}
	for _, p := range providers {
		in.CapacityProviderStrategy = append(in.CapacityProviderStrategy, types.CapacityProviderStrategyItem{CapacityProvider: &p, Weight: 1})
	}
	if len(providers) == 0 {
		in.LaunchType = types.LaunchTypeFargate
	}
	_, err1 := client.CreateCluster(a.t.Context(), &ecs.CreateClusterInput{ClusterName: &cluster})
	_, err2 := client.RegisterTaskDefinition(a.t.Context(), &ecs.RegisterTaskDefinitionInput{Family: &family, Cpu: aws.String("512"), Memory: aws.String("1024"),
		NetworkMode: types.NetworkModeAwsvpc, RuntimePlatform: &types.RuntimePlatform{CpuArchitecture: types.CPUArchitectureArm64},
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("x:1")}}})
	_, err3 := client.CreateService(a.t.Context(), in)
	if err1 != nil || err2 != nil || err3 != nil {
		a.t.Fatal(err1, err2, err3)
	}
}

func (a *account) find(cluster string) (*discover.Found, discover.Proposal) {
	a.t.Helper()
	a.box.AdvanceTo(a.box.Now().Add(time.Minute))
	found, err := discover.Find(a.t.Context(), a.cfg, cluster)
	if err != nil {
		a.t.Fatal(err)
	}
	return found, discover.Propose(found.Services)
}

func TestServicesArePairedByNameAndFamily(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "api-spot", "api", 4, "FARGATE_SPOT")
	a.service("prod", "api-standard", "api", 0, "FARGATE")
	a.service("prod", "web", "web", 2, "FARGATE_SPOT")        // no suffix at all
	a.service("prod", "web-ondemand", "web", 0)               // by launch type
	a.service("prod", "jobs-spot", "jobs", 3, "FARGATE_SPOT") // another name, the same family
	a.service("prod", "reserve", "jobs", 0, "FARGATE")
	a.service("prod", "lonely-spot", "lonely", 1, "FARGATE_SPOT")
	a.service("prod", "both", "both", 1, "FARGATE_SPOT", "FARGATE")
	a.service("prod", "plain", "plain", 1, "FARGATE")
	a.service("stage", "api-spot", "api", 1, "FARGATE_SPOT")
	a.service("stage", "api-standard", "api", 0, "FARGATE")
	_, p := a.find("")
	var got []string
	for _, pair := range p.Pairs {
		got = append(got, fmt.Sprintf("%s=%s/%s+%s", pair.Name, pair.Spot.Cluster, pair.Spot.Name, pair.OnDemand.Name))
	}
	want := "prod-api=prod/api-spot+api-standard jobs=prod/jobs-spot+reserve web=prod/web+web-ondemand stage-api=stage/api-spot+api-standard"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if len(p.Alone) != 1 || p.Alone[0].Name != "lonely-spot" || len(p.Mixed) != 1 || p.Mixed[0].Name != "both" {
		t.Errorf("alone %v, mixed %v", p.Alone, p.Mixed)
	}
}

func TestAnOnDemandServiceOfAnotherNameThatRunsIsNoTwin(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "api-spot", "app", 4, "FARGATE_SPOT")
	a.service("prod", "worker", "app", 2, "FARGATE") // the same image, its own work
	if _, p := a.find("prod"); len(p.Pairs) != 0 || len(p.Alone) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestAServiceWithTasksOfItsOwnIsNoStandby(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "web", "web", 20, "FARGATE")
	a.service("prod", "web-spot", "web", 5, "FARGATE_SPOT")
	a.service("prod", "api-spot", "api", 4, "FARGATE_SPOT")
	a.service("prod", "api-standard", "api", 0, "FARGATE")
	found, p := a.find("prod")
	if len(p.Pairs) != 1 || p.Pairs[0].Spot.Name != "api-spot" || len(p.Busy) != 1 || p.Busy[0].OnDemand.Name != "web" {
		t.Fatalf("pairs %+v, busy %+v", p.Pairs, p.Busy)
	}
	text := string(discover.YAML(found, p))
	if !strings.Contains(text, "web would be the twin of web-spot") || !strings.Contains(text, "runs 20 tasks of its own") {
		t.Errorf("the file does not say why web-spot is not guarded:\n%s", text)
	}
}

func TestWhatIsWrittenIsWhatIsRead(t *testing.T) {
	a := newAccount(t)
	for _, name := range []string{"api", "no", "1st", "a_b", "null"} {
		a.service("prod", name+"-spot", "fam-"+name, 4, "FARGATE_SPOT")
		a.service("prod", name+"-standard", "fam-"+name, 0, "FARGATE")
	}
	a.service("prod", "lonely-spot", "lonely", 1, "FARGATE_SPOT")
	if _, err := applicationautoscaling.NewFromConfig(a.cfg).RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs",
		ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/prod/api-spot"), MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(9)}); err != nil {
		t.Fatal(err)
	}
	found, p := a.find("prod")
	text := discover.YAML(found, p)
	file, err := config.Parse(text, "backstop.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(file.Warnings) > 0 || len(file.Workloads) != 5 {
		t.Errorf("%d workloads, warnings %v", len(file.Workloads), file.Warnings)
	}
	for _, w := range file.Workloads {
		if w.Task != (config.Task{CPU: 512, Memory: 1024, Arch: "ARM64"}) || w.Pools[0].Service != w.Name+"-spot" || w.Pools[1].Service != w.Name+"-standard" ||
			w.Policy.Pools[0].Capacity != failover.Spot || w.Policy.Pools[1].Capacity != failover.OnDemand || w.Pools[0].Cluster != "prod" || w.Pools[0].Region != "us-east-1" {
			t.Errorf("%+v", w)
		}
	}
	if !strings.HasSuffix(file.Events.SQS, "/backstop-events") {
		t.Errorf("queue %q", file.Events.SQS)
	}
	for _, want := range []string{"scaled automatically between 2 and 9", "init --twin lonely-spot --cluster prod", "desired count of the first pool's service: 4 now"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
	if discover.YAML(found, discover.Proposal{}) != nil {
		t.Error("a file about nothing")
	}
}

func TestTheTwinHasEverythingButTheCapacity(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "api-spot", "api", 4, "FARGATE_SPOT")
	found, p := a.find("prod")
	s := &p.Alone[0]
	command, err := s.Command(found.Region, discover.TwinName(s.Name))
	if err != nil {
		t.Fatal(err)
	}
	made := &ecs.CreateServiceInput{}
	text := strings.TrimSuffix(strings.TrimPrefix(command, "aws ecs create-service --region us-east-1 --cli-input-json '"), "'")
	if err := json.Unmarshal([]byte(text), made); err != nil { // Go's decoder does not mind the case of the first letter
		t.Fatalf("%v\n%s", err, command)
	}
	c := made.NetworkConfiguration.AwsvpcConfiguration
	if *made.ServiceName != "api-standard" || !strings.HasSuffix(*made.TaskDefinition, "/api:1") || *made.DesiredCount != 0 || *made.CapacityProviderStrategy[0].CapacityProvider != "FARGATE" ||
		strings.Join(c.Subnets, " ") != "subnet-a subnet-b" || c.SecurityGroups[0] != "sg-1" || c.AssignPublicIp != types.AssignPublicIpEnabled || *made.LoadBalancers[0].ContainerPort != 80 || !made.EnableExecuteCommand {
		t.Errorf("the command is not the service:\n%s", command)
	}
	if _, err := ecs.NewFromConfig(a.cfg).CreateService(t.Context(), made); err != nil {
		t.Errorf("what is printed cannot be made: %v", err)
	}
	hcl, err := s.Terraform("api-standard")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`resource "aws_ecs_service" "api_standard"`, `capacity_provider = "FARGATE"`, `subnets          = ["subnet-a", "subnet-b"]`, "assign_public_ip = true",
		"ignore_changes = [desired_count]", "container_port   = 80", `task_definition                    = "api:1"`} {
		if !strings.Contains(hcl, want) {
			t.Errorf("the resource lacks %s:\n%s", want, hcl)
		}
	}
	if s.Refusal() != "" {
		t.Error(s.Refusal())
	}
}

func TestTheModuleGuardsPairsAndMakesMissingTwins(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "api-spot", "api", 4, "FARGATE_SPOT")
	a.service("prod", "api-standard", "api", 0, "FARGATE")
	a.service("prod", "lonely-spot", "lonely", 1, "FARGATE_SPOT")
	a.service("prod", "plain", "plain", 1, "FARGATE")
	hcl, err := discover.Module(a.find("prod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`module "backstop"`, "observe = true", `{ name = "standard", cluster = "prod", service = "api-standard", capacity = "FARGATE" }`,
		`task = { cpu = 512, memory = 1024, arch = "ARM64" }`, `resource "aws_ecs_service" "lonely_standard"`, "service = aws_ecs_service.lonely_standard.name"} {
		if !strings.Contains(hcl, want) {
			t.Errorf("the Terraform lacks %s:\n%s", want, hcl)
		}
	}
	if strings.Contains(hcl, "plain") || strings.Count(hcl, "{") != strings.Count(hcl, "}") {
		t.Errorf("it is about too much, or not closed:\n%s", hcl)
	}
	if found, _ := a.find("prod"); nothing(discover.Module(found, discover.Proposal{})) {
		t.Error("a module about nothing")
	}
}

func nothing(text string, err error) bool { return text != "" || err != nil }

func TestAServiceOnDemandMayGetATwinAndATwinMayNot(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "plain", "plain", 1, "FARGATE")
	a.service("prod", "api-standard", "api", 0, "FARGATE")
	found, _ := a.find("prod")
	for _, s := range found.Services {
		refused := s.Refusal() != ""
		if refused != (s.Name == "api-standard") {
			t.Errorf("%s: refused %t: %s", s.Name, refused, s.Refusal())
		}
		if !refused && !strings.Contains(strings.Join(s.Notes(), " "), "plain runs on demand") {
			t.Errorf("%s: notes %v", s.Name, s.Notes())
		}
	}
}

func TestErrorsOfAWSAreSaid(t *testing.T) {
	a := newAccount(t)
	a.service("prod", "api-spot", "api", 4, "FARGATE_SPOT")
	if _, err := discover.Find(t.Context(), a.cfg, "gone"); err == nil || !strings.Contains(err.Error(), "cluster gone") {
		t.Errorf("a cluster that is not there: %v", err)
	}
	if _, err := a.box.AddFault(sandbox.Fault{Kind: "denied", Operation: "ecs:ListServices"}); err != nil {
		t.Fatal(err)
	}
	if _, err := discover.Find(t.Context(), a.cfg, ""); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("%v", err)
	}
}
