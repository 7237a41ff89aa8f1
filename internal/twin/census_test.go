package twin

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// definitionFields decides about types.TaskDefinition. Twins in one region run the same revision, so that all of it is the same; what is
// compared is compared where the twin is elsewhere or of another architecture, and revisions cannot be the same.
var definitionFields = []Field{
	{"Compatibilities", Irrelevant, "what ECS found by validating the rest"},
	{"ContainerDefinitions", Compared, "the images, by their names behind the registry; stopTimeout and health checks are read of each twin"},
	{"Cpu", Compared, "cover of another size is another capacity"},
	{"DeleteRequestedAt", Irrelevant, "a time; ECS starts tasks of a definition until it is deleted"},
	{"DeregisteredAt", Irrelevant, "a time; services that have an inactive revision go on with it"},
	{"EnableFaultInjection", Copied, "by the revision: experiments reach the tasks of both"},
	{"EphemeralStorage", Copied, "by the revision: each task has a disk of its own"},
	{"ExecutionRoleArn", Copied, "by the revision: what pulls images and reads secrets"},
	{"Family", Irrelevant, "a name: twins elsewhere may have their own"},
	{"InferenceAccelerators", Irrelevant, "Fargate takes none, and the service is retired"},
	{"IpcMode", Irrelevant, "Fargate takes none"},
	{"Memory", Compared, "cover of another size is another capacity"},
	{"NetworkMode", Irrelevant, "on Fargate it is always awsvpc"},
	{"PidMode", Copied, "by the revision: what containers of a task see of each other"},
	{"PlacementConstraints", Irrelevant, "Fargate takes none"},
	{"ProxyConfiguration", Copied, "by the revision: App Mesh"},
	{"RegisteredAt", Irrelevant, "a time"},
	{"RegisteredBy", Irrelevant, "who registered it, not what it is"},
	{"RequiresAttributes", Irrelevant, "what container instances must offer; Fargate has none"},
	{"RequiresCompatibilities", Irrelevant, "ECS refuses a service on Fargate whose definition is not for it"},
	{"Revision", Copied, "the same number, where the twin is in the same region"},
	{"RuntimePlatform", Compared, "ARM64 and X86_64 need images for both; Fargate Spot runs Linux alone"},
	{"Status", Irrelevant, "an inactive revision that a service has goes on"},
	{"TaskDefinitionArn", Copied, "taskDefinition of the service"},
	{"TaskRoleArn", Copied, "by the revision: what the application may do"},
	{"TrustedExecutionConfiguration", Irrelevant, "for Managed Instances alone"},
	{"Volumes", Copied, "by the revision: EFS is shared, and volumes configured at launch are of the service revision"},
}

// groupFields decides about types.TargetGroup. Twins are in the same groups (loadBalancers of the service), so that nothing of a group can
// differ between them.
var groupFields = []Field{
	{"HealthCheckEnabled", Copied, "by the group: says when cover is in service, as for the service"},
	{"HealthCheckIntervalSeconds", Copied, "by the group: how long cover takes until it is in service"},
	{"HealthCheckPath", Copied, "by the group: what is asked of a task"},
	{"HealthCheckPort", Copied, "by the group: where it is asked"},
	{"HealthCheckProtocol", Copied, "by the group: how it is asked"},
	{"HealthCheckTimeoutSeconds", Copied, "by the group: how long an answer may take"},
	{"HealthyThresholdCount", Copied, "by the group: how long cover takes until it is in service"},
	{"IpAddressType", Copied, "by the group: the subnets are the same"},
	{"LoadBalancerArns", Irrelevant, "which balancers send traffic is read from listeners and rules at each look"},
	{"Matcher", Copied, "by the group: which answers are healthy"},
	{"Port", Copied, "by the group: a task registers with the port of its container"},
	{"Protocol", Copied, "by the group: how traffic comes"},
	{"ProtocolVersion", Copied, "by the group: HTTP/2 and gRPC"},
	{"TargetControlPort", Copied, "by the group: the target optimizer's agent is a container of the same revision"},
	{"TargetGroupArn", Copied, "targetGroupArn of the service's loadBalancers"},
	{"TargetGroupName", Irrelevant, "a name"},
	{"TargetType", Irrelevant, "with the network mode awsvpc it is always ip"},
	{"UnhealthyThresholdCount", Copied, "by the group: when a task stops to count"},
	{"VpcId", Irrelevant, "that of the subnets, which are the same"},
}

// groupAttributes decides about the attributes of a target group that the SDK documents.
var groupAttributes = []Field{
	{"deregistration_delay.timeout_seconds", Compared, "with the notice and with what cover costs: the doctor's deregistration-delay"},
	{"deregistration_delay.connection_termination.enabled", Irrelevant, "what becomes of connections that outlast the delay, on both sides alike"},
	{"lambda.multi_value_headers.enabled", Irrelevant, "for functions as targets"},
	{"load_balancing.algorithm.anomaly_mitigation", Copied, "by the group: which healthy targets get less"},
	{"load_balancing.algorithm.type", Copied, "by the group: how traffic is shared among targets of both"},
	{"load_balancing.cross_zone.enabled", Copied, "by the group: cover in the zones of the service gets the traffic of those"},
	{"preserve_client_ip.enabled", Copied, "by the group: security groups are the same"},
	{"send_tcp_reset.on_deregistration.enabled", Irrelevant, "how a client notices the end, on both sides alike"},
	{"send_tcp_reset.on_unhealthy.enabled", Irrelevant, "how a client notices the end, on both sides alike"},
	{"slow_start.duration_seconds", Copied, "by the group: cover that is in service is given its full share only later"},
	{"stickiness.app_cookie.cookie_name", Copied, "by the group: sessions go over to cover as to any target"},
	{"stickiness.app_cookie.duration_seconds", Copied, "by the group: as its name"},
	{"stickiness.enabled", Copied, "by the group: sessions of a task that is taken are lost with and without cover"},
	{"stickiness.lb_cookie.duration_seconds", Copied, "by the group: as stickiness.enabled"},
	{"stickiness.type", Copied, "by the group: as stickiness.enabled"},
	{"target_failover.on_deregistration", Irrelevant, "for Gateway Load Balancers, which ECS services have none of"},
	{"target_failover.on_unhealthy", Irrelevant, "for Gateway Load Balancers, which ECS services have none of"},
	{"target_group_health.dns_failover.minimum_healthy_targets.count", Copied, "by the group: targets of both count"},
	{"target_group_health.dns_failover.minimum_healthy_targets.percentage", Copied, "by the group: targets of both count"},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", Copied, "by the group: targets of both count"},
	{"target_health_state.unhealthy.connection_termination.enabled", Irrelevant, "what becomes of connections to an unhealthy target, on both sides alike"},
	{"target_health_state.unhealthy.draining_interval_seconds", Irrelevant, "what becomes of connections to an unhealthy target, on both sides alike"},
}

// TestEveryAttributeOfATargetGroupIsDecidedAbout reads the attributes off the SDK's documentation of them, as they have no type.
func TestEveryAttributeOfATargetGroupIsDecidedAbout(t *testing.T) {
	sdk, err := build.Import("github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(sdk.Dir, "types.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	doc := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok && s.Name.Name == "TargetGroupAttribute" {
			for _, f := range s.Type.(*ast.StructType).Fields.List {
				doc += f.Doc.Text()
			}
		}
		return true
	})
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\s*- ([a-z_]+(?:\.[a-z_0-9]+)+)`).FindAllStringSubmatch(doc, -1) {
		known[m[1]] = true
	}
	if len(known) < 20 {
		t.Fatalf("the SDK's documentation has another form: %v", known)
	}
	for _, f := range groupAttributes {
		if !known[f.Name] || f.Why == "" {
			t.Errorf("%s is not an attribute of AWS's SDK, is there twice, or has no reason", f.Name)
		}
		delete(known, f.Name)
	}
	for name := range known {
		t.Errorf("AWS's SDK has the attribute %s of target groups, and nothing says what it is for twins", name)
	}
}

// TestEachReasonIsOfItsOwnField: what says the same of everything was not thought about.
func TestEachReasonIsOfItsOwnField(t *testing.T) {
	count := map[string][]string{}
	for _, table := range append(tables, struct {
		name   string
		of     any
		fields []Field
	}{"target group attributes", nil, groupAttributes}) {
		for _, f := range table.fields {
			if f.Treatment == Irrelevant && !strings.HasPrefix(f.Why, "a ") && !strings.HasPrefix(f.Why, "an ") {
				count[table.name+": "+f.Why] = append(count[table.name+": "+f.Why], f.Name)
			}
		}
	}
	for why, names := range count {
		if len(names) > 3 {
			t.Errorf("%q is said of %v", why, names)
		}
	}
}
