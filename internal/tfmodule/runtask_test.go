package tfmodule

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/asl"
	"github.com/backstop-ecs/backstop/internal/aws/policyeval"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

// TestTheModuleMakesTheMachineThatTheCommandPrints, of the same wishes (terraform/tests/fixture).
func TestTheModuleMakesTheMachineThatTheCommandPrints(t *testing.T) {
	printed, err := asl.Machine(&runtask.Request{Rules: runtask.Rules{Count: 1, Pools: 2, StartWithin: 3 * time.Minute, Retries: 2}, GiveUp: 30 * time.Minute,
		Pools: []runtask.Pool{{Capacity: "FARGATE_SPOT", Subnets: []string{"subnet-b"}}, {Capacity: "FARGATE"}},
		Input: ecs.RunTaskInput{Cluster: aws.String("jobs"), TaskDefinition: aws.String("report"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-1"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(printed, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(readFile(t, testdata+"/run_task_machine.json"), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the module makes\n%s\nthe command prints\n%s", indented(t, got), indented(t, want))
	}
}

// TestTheMachinesRoleMayRunItsTaskAlone asks its rendered policy.
func TestTheMachinesRoleMayRunItsTaskAlone(t *testing.T) {
	policy := evaluated(t, "run_task_policy.json")
	const account = "arn:aws:ecs:us-east-1:123456789012:"
	jobs, other := map[string][]string{"ecs:cluster": {account + "cluster/jobs"}}, map[string][]string{"ecs:cluster": {account + "cluster/other"}}
	by := func(action string) map[string][]string { return map[string][]string{"ecs:CreateAction": {action}} }
	to := func(service string) map[string][]string { return map[string][]string{"iam:PassedToService": {service}} }
	for _, c := range []struct {
		action, resource string
		context          map[string][]string
		want             policyeval.Decision
	}{
		{"ecs:RunTask", account + "task-definition/report:7", jobs, policyeval.Allowed},
		{"ecs:RunTask", account + "task-definition/report:7", other, policyeval.ImplicitDeny},
		{"ecs:RunTask", account + "task-definition/report-x:7", jobs, policyeval.ImplicitDeny},
		{"ecs:TagResource", account + "task/jobs/1", by("RunTask"), policyeval.Allowed},
		{"ecs:TagResource", account + "task/jobs/1", by("CreateService"), policyeval.ImplicitDeny},
		{"ecs:DescribeTasks", account + "task/jobs/1", jobs, policyeval.Allowed},
		{"ecs:StopTask", account + "task/jobs/1", jobs, policyeval.Allowed},
		{"ecs:StopTask", account + "task/other/1", other, policyeval.ImplicitDeny},
		{"ecs:DescribeTaskDefinition", "*", nil, policyeval.Allowed},
		{"iam:PassRole", "arn:aws:iam::123456789012:role/report", to("ecs-tasks.amazonaws.com"), policyeval.Allowed},
		{"iam:PassRole", "arn:aws:iam::123456789012:role/report", to("lambda.amazonaws.com"), policyeval.ImplicitDeny},
		{"iam:PassRole", "arn:aws:iam::123456789012:role/admin", to("ecs-tasks.amazonaws.com"), policyeval.ImplicitDeny},
		{"ecs:UpdateService", account + "service/jobs/api", jobs, policyeval.ImplicitDeny},
		{"ecs:ExecuteCommand", account + "task/jobs/1", jobs, policyeval.ImplicitDeny},
	} {
		if got := policyeval.Evaluate(policyeval.Request{Action: c.action, Resource: c.resource, Context: c.context}, policy); got.Decision != c.want {
			t.Errorf("%s on %s with %v: %s, want %s", c.action, c.resource, c.context, got.Decision, c.want)
		}
	}
	called := map[string]bool{"ecs:TagResource": true, "iam:PassRole": true} // asked of who calls RunTask
	var machine struct {
		States map[string]struct{ Resource string }
	}
	if err := json.Unmarshal(readFile(t, testdata+"/run_task_machine.json"), &machine); err != nil {
		t.Fatal(err)
	}
	for _, s := range machine.States {
		if s.Resource != "" {
			called[action(s.Resource)] = true
		}
	}
	for _, s := range policy.Statements {
		for _, a := range s.Actions {
			if !called[a] {
				t.Errorf("the role may %s, which the machine does not call", a)
			}
			delete(called, a)
		}
	}
	if len(called) > 0 {
		t.Errorf("the role may not %v", called)
	}
}

// action is the IAM action of arn:aws:states:::aws-sdk:ecs:runTask.
func action(resource string) string {
	const sdk = "arn:aws:states:::aws-sdk:ecs:"
	name := resource[len(sdk):]
	return "ecs:" + string(name[0]-'a'+'A') + name[1:]
}
