package verify

import (
	"encoding/json"
	"fmt"
)

// Policies are what the operator gives before a run: IAM policies in JSON, with ACCOUNT where the account's ID belongs, SWITCH_ROLE where the name
// of the switch's role does, EXECUTION_ROLE where that of experiment 5's does, and TARGET_GROUP where that of experiment 7 does, as NAME/ID.
type Policies struct {
	Operator string `json:"operator"` // of the person who runs verify-aws
	Switch   string `json:"switch"`   // of the role by which EventBridge Scheduler acts
	Trust    string `json:"trust"`    // of that role
}

type statement map[string]any

// tagged is the condition that what is changed, or with what "RequestTag" is made, has the tag.
func tagged(what string) map[string]any {
	return map[string]any{"Null": map[string]string{"aws:" + what + "/" + TagKey: "false"}}
}

func allow(actions []string, resource any, condition map[string]any) statement {
	s := statement{"Effect": "Allow", "Action": actions, "Resource": resource}
	if condition != nil {
		s["Condition"] = condition
	}
	return s
}

// PoliciesOf returns the policies of runs in a region.
func PoliciesOf(region string) Policies {
	named := func(service, kind string) string {
		return fmt.Sprintf("arn:aws:%s:%s:ACCOUNT:%s%s*", service, region, kind, namePrefix)
	}
	scheduler := map[string]string{"Service": "scheduler.amazonaws.com"}
	return Policies{
		Operator: document(
			allow([]string{"ecs:CreateCluster", "ecs:CreateService", "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:TagResource"}, "*", tagged("RequestTag")),
			allow([]string{"ecs:UpdateService", "ecs:DeleteService", "ecs:StopTask", "ecs:DeleteCluster"}, "*", tagged("ResourceTag")),
			allow([]string{"ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks", "ecs:ListServices", "ecs:ListTaskDefinitions", "ecs:ListTasks",
				"ecs:DeregisterTaskDefinition", "scheduler:ListSchedules", "servicequotas:GetServiceQuota", "sts:GetCallerIdentity"}, "*", nil),
			allow([]string{"sqs:CreateQueue", "sqs:DeleteMessage", "sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:ReceiveMessage", "sqs:TagQueue"}, named("sqs", ""), nil),
			allow([]string{"events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource", "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource"}, named("events", "rule/"), nil),
			allow([]string{"scheduler:CreateSchedule", "scheduler:DeleteSchedule"}, named("scheduler", "schedule/default/"), nil),
			allow([]string{"application-autoscaling:RegisterScalableTarget", "application-autoscaling:TagResource"}, "*", tagged("RequestTag")),
			allow([]string{"application-autoscaling:RegisterScalableTarget", "application-autoscaling:DeregisterScalableTarget"}, "*", tagged("ResourceTag")),
			allow([]string{"elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetHealth"}, "*", nil),
			allow([]string{"elasticloadbalancing:DeregisterTargets"}, fmt.Sprintf("arn:aws:elasticloadbalancing:%s:ACCOUNT:targetgroup/TARGET_GROUP", region), nil),
			allow([]string{"iam:PassRole"}, "arn:aws:iam::ACCOUNT:role/EXECUTION_ROLE", map[string]any{"StringEquals": map[string]string{"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
			allow([]string{"iam:PassRole"}, "arn:aws:iam::ACCOUNT:role/SWITCH_ROLE", map[string]any{"StringEquals": map[string]string{"iam:PassedToService": "scheduler.amazonaws.com"}})),
		Switch: document(
			allow([]string{"ecs:UpdateService", "ecs:DeleteService", "ecs:DeleteCluster"}, "*", tagged("ResourceTag")),
			allow([]string{"ecs:DeregisterTaskDefinition"}, "*", nil),
			allow([]string{"application-autoscaling:DeregisterScalableTarget"}, "*", tagged("ResourceTag")),
			allow([]string{"sqs:DeleteQueue"}, named("sqs", ""), nil),
			allow([]string{"events:RemoveTargets", "events:DeleteRule"}, named("events", "rule/"), nil)),
		Trust: document(statement{"Effect": "Allow", "Principal": scheduler, "Action": "sts:AssumeRole", "Condition": map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": "ACCOUNT"}}}),
	}
}

func document(statements ...statement) string {
	raw, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements}, "", "  ")
	if err != nil {
		panic(err) // strings always encode
	}
	return string(raw)
}
