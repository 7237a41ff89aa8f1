package twin

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

var tables = []struct {
	name   string
	of     any
	fields []Field
}{
	{"service", types.Service{}, serviceFields},
	{"service revision", types.ServiceRevision{}, revisionFields},
	{"deployment", types.Deployment{}, deploymentFields},
	{"deployment configuration", types.DeploymentConfiguration{}, configurationFields},
	{"create-service", ecs.CreateServiceInput{}, createFields},
	{"task definition", types.TaskDefinition{}, definitionFields},
	{"target group", elbtypes.TargetGroup{}, groupFields},
}

// TestEveryFieldOfTheSDKIsDecidedAbout is the census: a field that AWS adds, renames or takes away fails here until a person has decided
// what a twin does with it.
func TestEveryFieldOfTheSDKIsDecidedAbout(t *testing.T) {
	for _, table := range tables {
		decided := map[string]bool{}
		for _, f := range table.fields {
			if decided[f.Name] || f.Why == "" || !slices.Contains([]Treatment{Copied, Compared, Set, Refused, Irrelevant}, f.Treatment) {
				t.Errorf("%s: %s is there twice, or has no treatment and reason", table.name, f.Name)
			}
			decided[f.Name] = true
		}
		of := reflect.TypeOf(table.of)
		for i := range of.NumField() {
			name := of.Field(i).Name
			if of.Field(i).IsExported() && !decided[name] {
				t.Errorf("%s: AWS's SDK has the field %s, and nothing says what a twin does with it", table.name, name)
			}
			delete(decided, name)
		}
		for name := range decided {
			t.Errorf("%s: AWS's SDK has no field %s", table.name, name)
		}
	}
}

// TestTheTablesAgree holds the tables to each other: what is copied has a place in create-service, what has a place there comes from
// somewhere, and what is refused is looked for.
func TestTheTablesAgree(t *testing.T) {
	create := reflect.TypeOf(ecs.CreateServiceInput{})
	copied := map[string]bool{"Cluster": true}
	for _, table := range tables[:2] {
		for _, f := range table.fields {
			if f.Treatment != Copied || f.Name == "ClusterArn" {
				continue
			}
			copied[f.Name] = true
			from, _ := reflect.TypeOf(table.of).FieldByName(f.Name)
			to, ok := create.FieldByName(f.Name)
			if !ok || to.Type != from.Type {
				t.Errorf("%s of the %s is copied, and create-service does not take it", f.Name, table.name)
			}
		}
	}
	for _, f := range createFields {
		if (f.Treatment == Copied) != copied[f.Name] {
			t.Errorf("create-service: %s is %s, copied from a service: %t", f.Name, f.Treatment, copied[f.Name])
		}
	}
	looked := map[string]bool{}
	for _, r := range refusals {
		looked[r.field] = true
	}
	for _, table := range tables[:4] {
		for _, f := range table.fields {
			if f.Treatment == Refused && !looked[f.Name] {
				t.Errorf("%s of the %s is refused, and nothing looks whether a service uses it", f.Name, table.name)
			}
		}
	}
}

// web is a service with everything that a twin can have.
func web() Live {
	return Live{&types.Service{
		ServiceName: aws.String("web"), ClusterArn: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/prod"), DesiredCount: 12, RunningCount: 12,
		TaskDefinition: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/web:7"), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-1"}}},
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: aws.String("tg-1"), ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}},
		DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(150), Strategy: types.DeploymentStrategyRolling,
			DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true}, Alarms: &types.DeploymentAlarms{Enable: true, AlarmNames: []string{"5xx"}}},
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeEcs}, SchedulingStrategy: types.SchedulingStrategyReplica,
		EnableECSManagedTags: true, EnableExecuteCommand: true, HealthCheckGracePeriodSeconds: aws.Int32(30), PlatformFamily: aws.String("Linux"), PlatformVersion: aws.String("LATEST"),
		PropagateTags: types.PropagateTagsTaskDefinition, AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingEnabled,
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a & b")}, {Key: aws.String("aws:cloudformation:stack-name"), Value: aws.String("x")}, {Key: aws.String("backstop:demand"), Value: aws.String("x")}},
	}, &types.ServiceRevision{
		ServiceConnectConfiguration: &types.ServiceConnectConfiguration{Enabled: true, Namespace: aws.String("internal")},
		VolumeConfigurations:        []types.ServiceVolumeConfiguration{{Name: aws.String("data"), ManagedEBSVolume: &types.ServiceManagedEBSVolumeConfiguration{RoleArn: aws.String("role"), SizeInGiB: aws.Int32(20)}}},
		Monitoring:                  &types.MonitoringConfiguration{MetricConfigurations: []types.MetricConfiguration{{}}},
	}}
}

func TestATwinIsTheServiceOnDemandWithNoTask(t *testing.T) {
	if r := Refusals(web()); len(r) > 0 {
		t.Fatal(r)
	}
	wire, err := Wire(Of(web(), "web-standard"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"serviceName": `"web-standard"`, "cluster": `"arn:aws:ecs:us-east-1:123456789012:cluster/prod"`, "desiredCount": `0`, "availabilityZoneRebalancing": `"DISABLED"`,
		"capacityProviderStrategy":    `[{"capacityProvider":"FARGATE","weight":1}]`,
		"taskDefinition":              `"arn:aws:ecs:us-east-1:123456789012:task-definition/web:7"`,
		"networkConfiguration":        `{"awsvpcConfiguration":{"subnets":["subnet-a","subnet-b"],"securityGroups":["sg-1"]}}`,
		"loadBalancers":               `[{"targetGroupArn":"tg-1","containerName":"app","containerPort":80}]`,
		"serviceConnectConfiguration": `{"enabled":true,"namespace":"internal"}`,
		"volumeConfigurations":        `[{"name":"data","managedEBSVolume":{"sizeInGiB":20,"roleArn":"role"}}]`,
		"deploymentConfiguration":     `{"deploymentCircuitBreaker":{"enable":true,"rollback":false},"maximumPercent":150,"alarms":{"alarmNames":["5xx"],"enable":true,"rollback":false},"strategy":"ROLLING"}`,
		"tags":                        `[{"key":"team","value":"a & b"}]`, "propagateTags": `"TASK_DEFINITION"`, "enableECSManagedTags": `true`, "enableExecuteCommand": `true`,
		"healthCheckGracePeriodSeconds": `30`, "platformVersion": `"LATEST"`, "monitoring": ``,
	} {
		if got, ok := wire[key]; !ok || want != "" && !sameJSON(t, string(got), want) {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
		delete(wire, key)
	}
	for key, v := range wire {
		t.Errorf("%s: %s is too much", key, v)
	}
}

// TestTheTwinOfABlueGreenServiceIsInBothGroups: its own deployments are rolling, and it is the same service in everything else.
func TestTheTwinOfABlueGreenServiceIsInBothGroups(t *testing.T) {
	own := web()
	own.Service.LoadBalancers[0].AdvancedConfiguration = &types.AdvancedConfiguration{AlternateTargetGroupArn: aws.String("tg-2"), ProductionListenerRule: aws.String("rule"), RoleArn: aws.String("role")}
	c := own.Service.DeploymentConfiguration
	c.Strategy, c.BakeTimeInMinutes, c.CanaryConfiguration = types.DeploymentStrategyCanary, aws.Int32(30), &types.CanaryConfiguration{}
	c.LifecycleHooks = []types.DeploymentLifecycleHook{{HookTargetArn: aws.String("hook")}}
	if r := Refusals(own); len(r) > 0 {
		t.Fatal(r)
	}
	in := Of(own, "web-standard")
	if d := in.DeploymentConfiguration; d.Strategy != types.DeploymentStrategyRolling || d.BakeTimeInMinutes != nil || d.CanaryConfiguration != nil || d.LifecycleHooks != nil || d.Alarms == nil || *d.MaximumPercent != 150 {
		t.Errorf("its deployments: %+v", d)
	}
	if b := in.LoadBalancers; len(b) != 2 || *b[0].TargetGroupArn != "tg-1" || *b[1].TargetGroupArn != "tg-2" || b[0].AdvancedConfiguration != nil || b[1].AdvancedConfiguration != nil || *b[1].ContainerPort != 80 {
		t.Errorf("its groups: %+v", b)
	}
	other := web()
	other.Service.LoadBalancers = []types.LoadBalancer{in.LoadBalancers[1], in.LoadBalancers[0]}
	if d, err := Differences(own, other); len(d) > 0 || err != nil {
		t.Errorf("%v, %v", d, err)
	}
	other.Service.LoadBalancers = other.Service.LoadBalancers[:1]
	if d, err := Differences(own, other); len(d) != 1 || d[0].Field != "loadBalancers" || err != nil {
		t.Errorf("a twin in one group: %v, %v", d, err)
	}
}

func TestServicesThatCanHaveNoTwinAreRefusedWithTheReason(t *testing.T) {
	for what, plant := range map[string]func(l *Live){
		"deployments by CODE_DEPLOY": func(l *Live) { l.Service.DeploymentController.Type = types.DeploymentControllerTypeCodeDeploy },
		"deployments by EXTERNAL":    func(l *Live) { l.Service.DeploymentController.Type = types.DeploymentControllerTypeExternal },
		"task sets":                  func(l *Live) { l.Service.TaskSets = []types.TaskSet{{}} },
		"Express service":            func(l *Live) { l.Service.ResourceManagementType = types.ResourceManagementTypeEcs },
		"scheduling strategy DAEMON": func(l *Live) { l.Service.SchedulingStrategy = types.SchedulingStrategyDaemon },
		"Cloud Map":                  func(l *Live) { l.Service.ServiceRegistries = []types.ServiceRegistry{{}} },
		"offers a name by Service Connect": func(l *Live) {
			l.Revision.ServiceConnectConfiguration.Services = []types.ServiceConnectService{{PortName: aws.String("http")}}
		},
		"VPC Lattice":                func(l *Live) { l.Revision.VpcLatticeConfigurations = []types.VpcLatticeConfiguration{{}} },
		"gateway connector":          func(l *Live) { l.Revision.GatewayConnectors = []types.GatewayConnector{{}} },
		"resources that ECS manages": func(l *Live) { l.Revision.EcsManagedResources = &types.ECSManagedResources{} },
	} {
		l := web()
		plant(&l)
		r := Refusals(l)
		if len(r) != 1 || !strings.HasPrefix(r[0].What, what+": ") || r[0].Fix == "" {
			t.Errorf("%s: %+v", what, r)
		}
	}
	var client Live // what DescribeServices shows alone
	client.Service = &types.Service{Deployments: []types.Deployment{{ServiceConnectConfiguration: &types.ServiceConnectConfiguration{Enabled: true, Services: []types.ServiceConnectService{{}}}}}}
	if r := Refusals(client); len(r) != 1 {
		t.Errorf("a server of Service Connect whose revision is not known: %v", r)
	}
}

func TestATwinDiffersInWhatIsCopiedAndComparedAlone(t *testing.T) {
	other := func(change func(l *Live)) Live {
		l := web() // as ECS shows the twin: its own identity and counts, lists in another order
		l.Service.ServiceName, l.Service.DesiredCount, l.Service.RunningCount, l.Service.LaunchType = aws.String("web-standard"), 0, 0, ""
		l.Service.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1}}
		l.Service.AvailabilityZoneRebalancing, l.Service.PlatformVersion = types.AvailabilityZoneRebalancingDisabled, aws.String("1.4.0")
		l.Service.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-b", "subnet-a"}
		l.Service.Tags = l.Service.Tags[:1]
		if change != nil {
			change(&l)
		}
		return l
	}
	for want, change := range map[string]func(l *Live){
		"":              nil,
		"loadBalancers": func(l *Live) { l.Service.LoadBalancers = nil },
		"networkConfiguration.awsvpcConfiguration.securityGroups": func(l *Live) { l.Service.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-2"} },
		"taskDefinition":                func(l *Live) { l.Service.TaskDefinition = aws.String("web:8") },
		"platformFamily":                func(l *Live) { l.Service.PlatformFamily = aws.String("WINDOWS_SERVER_2022_CORE") },
		"platformVersion":               func(l *Live) { l.Service.PlatformVersion = aws.String("1.3.0") },
		"enableExecuteCommand":          func(l *Live) { l.Service.EnableExecuteCommand = false },
		"healthCheckGracePeriodSeconds": func(l *Live) { l.Service.HealthCheckGracePeriodSeconds = nil },
		"serviceConnectConfiguration":   func(l *Live) { l.Revision.ServiceConnectConfiguration = nil },
		"volumeConfigurations":          func(l *Live) { l.Revision.VolumeConfigurations = nil },
		"tags":                          func(l *Live) { l.Service.Tags[0].Value = aws.String("b") },
	} {
		d, err := Differences(web(), other(change))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(d); want == "" && len(d) > 0 || want != "" && (len(d) != 1 || d[0].Field != want || d[0].Service == d[0].Twin || d[0].Why() == "") {
			t.Errorf("%q: %s", want, got)
		}
	}
}

// TestATwinIsAlignedInWhatDiffers makes the change and looks that nothing but what it cannot change is left.
func TestATwinIsAlignedInWhatDiffers(t *testing.T) {
	twin := web()
	twin.Service.TaskDefinition, twin.Service.EnableExecuteCommand, twin.Service.PlatformVersion, twin.Service.HealthCheckGracePeriodSeconds = aws.String("web:8"), false, aws.String("1.3.0"), nil
	twin.Service.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups, twin.Service.Tags = []string{"sg-2"}, nil
	twin.Revision.VolumeConfigurations = nil
	d, err := Differences(web(), twin)
	if err != nil {
		t.Fatal(err)
	}
	in, left := Align(web(), "prod", "web-standard", d)
	if fmt.Sprint(left) != "[tags]" {
		t.Errorf("left: %v", left)
	}
	wire, err := WireUpdate(in)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"cluster": `"prod"`, "service": `"web-standard"`, "taskDefinition": `"arn:aws:ecs:us-east-1:123456789012:task-definition/web:7"`, "enableExecuteCommand": "true",
		"platformVersion": `"LATEST"`, "healthCheckGracePeriodSeconds": "30", "networkConfiguration": `{"awsvpcConfiguration":{"subnets":["subnet-a","subnet-b"],"securityGroups":["sg-1"]}}`,
		"volumeConfigurations": `[{"name":"data","managedEBSVolume":{"sizeInGiB":20,"roleArn":"role"}}]`} {
		if !sameJSON(t, string(wire[key]), want) {
			t.Errorf("%s: %s, want %s", key, wire[key], want)
		}
		delete(wire, key)
	}
	if len(wire) > 0 {
		t.Errorf("changed as well: %v", wire)
	}
	bare := web()
	bare.Service.LoadBalancers, bare.Service.HealthCheckGracePeriodSeconds, bare.Service.PlatformVersion = nil, nil, nil
	in, _ = Align(bare, "prod", "web-standard", []Difference{{Field: "loadBalancers"}, {Field: "healthCheckGracePeriodSeconds"}, {Field: "platformVersion"}})
	if in.LoadBalancers == nil || aws.ToInt32(in.HealthCheckGracePeriodSeconds) != 0 || in.HealthCheckGracePeriodSeconds == nil || aws.ToString(in.PlatformVersion) != "LATEST" {
		t.Errorf("what the service lacks stays on the twin: %+v", in)
	}
}

func TestTwinsHaveOneFormWhateverTheirReleaseAndCounts(t *testing.T) {
	form := func(change func(s *types.Service)) map[string]string {
		l := web()
		change(l.Service)
		f, err := Form(l.Service)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	own := form(func(*types.Service) {})
	if len(own) != 4 || own["networkConfiguration"] == "" {
		t.Fatalf("%v", own)
	}
	if same := form(func(s *types.Service) {
		s.TaskDefinition, s.DesiredCount, s.Tags, s.EnableExecuteCommand, s.PlatformVersion = aws.String("web:8"), 0, nil, false, aws.String("1.4.0")
		s.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-b", "subnet-a"}
	}); !reflect.DeepEqual(own, same) {
		t.Errorf("%v, want %v", same, own)
	}
	if other := form(func(s *types.Service) { s.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = nil }); other["networkConfiguration"] == own["networkConfiguration"] || other["loadBalancers"] != own["loadBalancers"] {
		t.Errorf("%v", other)
	}
}

// TestTheDecisionsAreDocumented holds docs/adopt.md to the tables.
func TestTheDecisionsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/adopt.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables[:4] {
		for _, f := range table.fields {
			if f.Treatment == Irrelevant || f.Treatment == Set && (table.name == "service revision" || table.name == "deployment") {
				continue
			}
			name := strings.ToLower(f.Name[:1]) + f.Name[1:]
			if row := fmt.Sprintf("| `%s` of the %s | %s | %s |", name, table.name, f.Treatment, f.Why); !strings.Contains(string(page), row) {
				t.Errorf("docs/adopt.md lacks\n%s", row)
			}
		}
	}
}

// inModule are the attributes by which terraform/modules/twin copies a field, or refuses what has it; empty: Terraform's AWS provider has no form for it.
var inModule = map[string]string{"ClusterArn": "cluster", "DeploymentConfiguration": "deployment_maximum_percent", "EnableECSManagedTags": "enable_ecs_managed_tags",
	"EnableExecuteCommand": "enable_execute_command", "HealthCheckGracePeriodSeconds": "health_check_grace_period_seconds", "LoadBalancers": "load_balancer",
	"NetworkConfiguration": "network_configuration", "PlatformVersion": "platform_version", "PropagateTags": "propagate_tags", "Tags": "tags", "TaskDefinition": "task_definition",
	"ServiceConnectConfiguration": "service_connect_configuration", "VolumeConfigurations": "volume_configuration", "Monitoring": "",
	"Alarms": "alarms", "DeploymentCircuitBreaker": "deployment_circuit_breaker", "EarlySuccessCriteria": "", "BakeTimeInMinutes": "",
	"MaximumPercent": "deployment_maximum_percent", "MinimumHealthyPercent": "deployment_minimum_healthy_percent"}

// TestTheTerraformModuleCopiesTheSame holds terraform/modules/twin to the tables.
func TestTheTerraformModuleCopiesTheSame(t *testing.T) {
	var module string
	for _, name := range []string{"main.tf", "variables.tf"} {
		text, err := os.ReadFile("../../terraform/modules/twin/" + name)
		if err != nil {
			t.Fatal(err)
		}
		module += string(text)
	}
	for _, table := range [][]Field{serviceFields, revisionFields, configurationFields} {
		for _, f := range table {
			if f.Treatment != Copied {
				continue
			}
			attribute, known := inModule[f.Name]
			if !known || !strings.Contains(module, attribute) {
				t.Errorf("%s is copied, and the module terraform/modules/twin neither copies nor refuses it", f.Name)
			}
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}
