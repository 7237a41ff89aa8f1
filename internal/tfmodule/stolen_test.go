package tfmodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/awstest"
	"github.com/backstop-ecs/backstop/internal/aws/policyeval"
)

const (
	guarded = "arn:aws:ecs:us-east-1:123456789012:service/prod/api-spot"
	another = "arn:aws:ecs:us-east-1:123456789012:service/prod/payments"
	cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/prod"
)

func evaluated(t *testing.T, name string) policyeval.Policy {
	t.Helper()
	p, err := policyeval.Parse(readFile(t, testdata+"/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// updating is ecs:UpdateService with the parameters of in, as AWS sees it.
func updating(t *testing.T, resource string, in *ecs.UpdateServiceInput) policyeval.Request {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var sent awstest.UpdateService
	if err := json.Unmarshal(text, &sent); err != nil {
		t.Fatal(err)
	}
	keys := sent.Keys()
	keys["ecs:cluster"] = []string{cluster}
	return policyeval.Request{Action: "ecs:UpdateService", Resource: resource, Context: keys}
}

// attempt is what somebody tries who has the function's role. Its words are those of docs/iam.md.
type attempt struct {
	what    string
	request policyeval.Request
	// counts: with the policy that only sets counts; syncs: with sync_task_definition as well, and everything else switched on.
	counts, syncs bool
}

func attempts(t *testing.T) []attempt {
	t.Helper()
	yes := true
	of := func(action, resource string, context map[string][]string) policyeval.Request {
		return policyeval.Request{Action: action, Resource: resource, Context: context}
	}
	one := int32(1)
	in, jobs := map[string][]string{"ecs:cluster": {cluster}}, map[string][]string{"ecs:cluster": {"arn:aws:ecs:us-east-1:123456789012:cluster/jobs"}}
	network := &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}, AssignPublicIp: types.AssignPublicIpEnabled}}
	return []attempt{
		{"set the desired count of a guarded service, also to 0 or to thousands", updating(t, guarded, &ecs.UpdateServiceInput{DesiredCount: &one}), true, true},
		{"set the desired count of another service", updating(t, another, &ecs.UpdateServiceInput{DesiredCount: &one}), false, false},
		{"start another task definition in a guarded service", updating(t, guarded, &ecs.UpdateServiceInput{TaskDefinition: new("x:1")}), false, true},
		{"open a shell by enabling ECS Exec", updating(t, guarded, &ecs.UpdateServiceInput{EnableExecuteCommand: &yes}), false, false},
		{"run commands in a task (`ecs:ExecuteCommand`)", of("ecs:ExecuteCommand", "arn:aws:ecs:us-east-1:123456789012:task/prod/1", in), false, false},
		{"change the network: subnets, security groups, a public address", updating(t, guarded, &ecs.UpdateServiceInput{NetworkConfiguration: network}), false, false},
		{"change the capacity provider strategy", updating(t, guarded, &ecs.UpdateServiceInput{CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE")}}}), false, false},
		{"change Service Connect", updating(t, guarded, &ecs.UpdateServiceInput{ServiceConnectConfiguration: &types.ServiceConnectConfiguration{Enabled: true, Namespace: new("arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1")}}), false, false},
		{"change VPC Lattice target groups", updating(t, guarded, &ecs.UpdateServiceInput{VpcLatticeConfigurations: []types.VpcLatticeConfiguration{}}), false, false},
		{"attach volumes", updating(t, guarded, &ecs.UpdateServiceInput{VolumeConfigurations: []types.ServiceVolumeConfiguration{}}), false, false},
		{"change which tags tasks get", updating(t, guarded, &ecs.UpdateServiceInput{PropagateTags: types.PropagateTagsService, EnableECSManagedTags: &yes}), false, false},
		{"force a new deployment of the same revision", updating(t, guarded, &ecs.UpdateServiceInput{ForceNewDeployment: true}), true, true},
		{"change the load balancers, the deployment configuration or the health check grace period", updating(t, guarded, &ecs.UpdateServiceInput{HealthCheckGracePeriodSeconds: &one, LoadBalancers: []types.LoadBalancer{}}), true, true},
		{"make, delete or run anything else", of("ecs:RunTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/api:1", in), false, false},
		{"start tasks of a family that `tasks` names, in its cluster, with any command and environment", of("ecs:RunTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/report:1", jobs), false, true},
		{"start such tasks in another cluster", of("ecs:RunTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/report:1", in), false, false},
		{"tag a task that runs", of("ecs:TagResource", "arn:aws:ecs:us-east-1:123456789012:task/jobs/1", nil), false, false},
		{"register a task definition of its own", of("ecs:RegisterTaskDefinition", "*", nil), false, false},
		{"stop any task of a guarded cluster", of("ecs:StopTask", "arn:aws:ecs:us-east-1:123456789012:task/prod/1", in), true, true},
		{"stop a task of another cluster", of("ecs:StopTask", "arn:aws:ecs:us-east-1:123456789012:task/other/1", map[string][]string{"ecs:cluster": {"arn:aws:ecs:us-east-1:123456789012:cluster/other"}}), false, false},
		{"set the tag `backstop:demand` of a guarded service", of("ecs:TagResource", guarded, map[string][]string{"aws:TagKeys": {"backstop:demand"}}), true, true},
		{"set any other tag", of("ecs:TagResource", guarded, map[string][]string{"aws:TagKeys": {"backstop:demand", "team"}}), false, false},
		{"take targets out of a named target group", of("elasticloadbalancing:DeregisterTargets", "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/0123456789abcdef", nil), false, true},
		{"take targets out of any other", of("elasticloadbalancing:DeregisterTargets", "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/payments/0123456789abcdef", nil), false, false},
		{"change the bounds of a named scalable target", park("0ec51111222233334444555566667777", "ecs"), false, true},
		{"change the bounds of any other", park("0ec5", "ecs"), false, false},
		{"pass a named task role to ECS", pass("role/api", "ecs-tasks.amazonaws.com"), false, true},
		{"pass any other role, or to another service", pass("role/api", "lambda.amazonaws.com"), false, false},
		{"assume a pool's role in another account", of("sts:AssumeRole", "arn:aws:iam::210987654321:role/backstop-pool", nil), false, true},
		{"assume any other role", of("sts:AssumeRole", "arn:aws:iam::210987654321:role/admin", nil), false, false},
		{"read or write Backstop's own table, and so lie to it", of("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/backstop", nil), true, true},
		{"read any other parameter or secret", of("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/payments/key", nil), false, false},
		{"read every task definition of the account, with its environment variables", of("ecs:DescribeTaskDefinition", "*", nil), true, true},
	}
}

func park(id, namespace string) policyeval.Request {
	return policyeval.Request{Action: "application-autoscaling:RegisterScalableTarget", Resource: "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/" + id,
		Context: map[string][]string{"application-autoscaling:service-namespace": {namespace}, "application-autoscaling:scalable-dimension": {"ecs:service:DesiredCount"}}}
}

func pass(role, to string) policyeval.Request {
	return policyeval.Request{Action: "iam:PassRole", Resource: "arn:aws:iam::123456789012:" + role, Context: map[string][]string{"iam:PassedToService": {to}}}
}

// withoutFeatures is the acting policy as it is when nothing is switched on.
func withoutFeatures(p policyeval.Policy) policyeval.Policy {
	return policyeval.Policy{Statements: slices.DeleteFunc(slices.Clone(p.Statements), func(s policyeval.Statement) bool {
		return slices.Contains([]string{"SyncTaskDefinition", "PassTaskRoles", "ParkScaling", "DrainTargets", "AssumePoolRoles", "TagPoolSessions", "ReadStoppedTasks", "StartTasksAgain",
			"TagStartedTasks", "PassRolesOfTasks"}, s.SID)
	})}
}

// TestAStolenRoleCanDoWhatThePageSays asks the rendered policies about each attempt, and docs/iam.md what it says of it.
func TestAStolenRoleCanDoWhatThePageSays(t *testing.T) {
	everything := evaluated(t, "policy.json")
	counts, observing, page := withoutFeatures(everything), evaluated(t, "policy_observe.json"), string(readFile(t, "../../docs/iam.md"))
	said := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (.+) \| (yes|\*\*yes\*\*|no) \| (yes|\*\*yes\*\*|no) \|$`).FindAllStringSubmatch(page, -1) {
		said[m[1]] = strings.ReplaceAll(m[2]+" "+m[3], "*", "")
	}
	word := map[bool]string{true: "yes", false: "no"}
	for _, a := range attempts(t) {
		for _, c := range []struct {
			policy policyeval.Policy
			want   bool
		}{{counts, a.counts}, {everything, a.syncs}} {
			if got := policyeval.Evaluate(a.request, c.policy); (got.Decision == policyeval.Allowed) != c.want {
				t.Errorf("%s: %s, want %t (keys %v)", a.what, got.Decision, c.want, a.request.Context)
			}
		}
		reads := strings.HasPrefix(a.what, "read ")
		if got := policyeval.Evaluate(a.request, observing); got.Decision == policyeval.Allowed && !reads {
			t.Errorf("%s: the role of an observing function may", a.what)
		}
		want := word[a.counts] + " " + word[a.syncs]
		if said[a.what] != want {
			t.Errorf("docs/iam.md says %q of %q, want %q", said[a.what], a.what, want)
		}
		delete(said, a.what)
	}
	if len(said) > 0 {
		t.Errorf("docs/iam.md says of a stolen role what nothing tests: %v", slices.Sorted(maps.Keys(said)))
	}
}

// TestEveryParameterOfUpdateServiceIsDecidedAbout: a new one of the SDK is either refused by a key or is listed as one that has none.
func TestEveryParameterOfUpdateServiceIsDecidedAbout(t *testing.T) {
	keys := map[string]string{
		"TaskDefinition": "task-definition", "EnableExecuteCommand": "enable-execute-command", "EnableECSManagedTags": "enable-ecs-managed-tags", "PropagateTags": "propagate-tags",
		"CapacityProviderStrategy": "capacity-provider", "NetworkConfiguration": "subnet", "ServiceConnectConfiguration": "enable-service-connect",
		"VolumeConfigurations": "enable-ebs-volumes", "VpcLatticeConfigurations": "enable-vpc-lattice",
	}
	page := string(readFile(t, "../../docs/iam.md"))
	for _, name := range fieldsOf(ecs.UpdateServiceInput{}) {
		parameter := strings.ToLower(name[:1]) + name[1:]
		switch key := keys[name]; {
		case name == "Cluster" || name == "Service" || name == "DesiredCount":
		case key != "":
			for _, s := range evaluated(t, "policy.json").Statements {
				if s.SID == "SetDesiredCount" && !slices.ContainsFunc(s.Conditions, func(c policyeval.Condition) bool {
					return c.Operator() == "Null" && c.Key == "ecs:"+key && c.Values[0] == "true"
				}) {
					t.Errorf("%s: ecs:%s may be in a request of the function", parameter, key)
				}
			}
		case !strings.Contains(page, fmt.Sprintf("`%s`", parameter)):
			t.Errorf("ecs:UpdateService has the parameter %s: if the Service Authorization Reference has a condition key for it, add that to terraform/iam_services.tf; else list it in docs/iam.md, \"What has no key\"", parameter)
		}
	}
}

// fieldsOf are the exported fields of a struct.
func fieldsOf(v any) []string {
	var out []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if f.IsExported() {
			out = append(out, f.Name)
		}
	}
	return out
}
