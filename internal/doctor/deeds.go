package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// deed is one use of a permission by the guard: an action on a resource, with what conditions may ask for.
type deed struct {
	action, resource string
	context          map[string]string
}

// text names it for people.
func (d deed) text() string {
	if d.resource == "*" {
		return d.action
	}
	return d.action + " on " + d.resource
}

// sampleTask stands for a task, whose ID nobody knows before.
const sampleTask = "0123456789abcdef0123456789abcdef"

// deeds are what the guard's own role must be allowed for the workloads, as docs/iam.md has it: what pools with a role_arn need is that role's.
func (f *facts) deeds() []deed {
	var out []deed
	add := func(action, resource string, context ...string) {
		d := deed{action: action, resource: resource, context: map[string]string{}}
		for i := 0; i+1 < len(context); i += 2 {
			d.context[context[i]] = context[i+1]
		}
		if !slices.ContainsFunc(out, func(o deed) bool { return o.action == d.action && o.resource == d.resource }) {
			out = append(out, d)
		}
	}
	for i := range f.workloads {
		w := &f.workloads[i]
		for k, ref := range w.Refs {
			if ref.RoleARN != "" {
				add("sts:AssumeRole", ref.RoleARN)
				continue
			}
			arn := func(kind, rest string) string {
				return fmt.Sprintf("arn:%s:ecs:%s:%s:%s/%s/%s", f.partition(), ref.Region, f.account, kind, ref.Cluster, rest)
			}
			cluster := fmt.Sprintf("arn:%s:ecs:%s:%s:cluster/%s", f.partition(), ref.Region, f.account, ref.Cluster)
			service, task := arn("service", ref.Service), arn("task", sampleTask)
			add("ecs:DescribeServices", service, "ecs:cluster", cluster)
			add("ecs:ListTasks", "*", "ecs:cluster", cluster)
			add("ecs:DescribeTasks", task, "ecs:cluster", cluster)
			add("ecs:GetTaskProtection", task, "ecs:cluster", cluster)
			add("ecs:ListServiceDeployments", service, "ecs:cluster", cluster)
			add("ecs:DescribeServiceDeployments", arn("service-deployment", ref.Service+"/"+sampleTask[:22]), "ecs:cluster", cluster)
			for _, action := range []string{"ecs:DescribeTaskDefinition", "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules",
				"elasticloadbalancing:DescribeTargetHealth", "application-autoscaling:DescribeScalableTargets"} {
				add(action, "*")
			}
			if w.Policy.Observe {
				continue
			}
			add("ecs:UpdateService", service, "ecs:cluster", cluster)
			add("ecs:StopTask", task, "ecs:cluster", cluster)
			f.acts(subjectOf(w, k), &w.Policy, &w.Policy.Pools[k], service, add)
		}
	}
	for i := range f.alone { // which families are started, the configuration does not say
		at := f.homeOfAlone(&f.alone[i])
		task := fmt.Sprintf("arn:%s:ecs:%s:%s:task/%s/%s", f.partition(), at.region, at.account, f.alone[i].Cluster, sampleTask)
		add("ecs:DescribeTasks", task, "ecs:cluster", fmt.Sprintf("arn:%s:ecs:%s:%s:cluster/%s", f.partition(), at.region, at.account, f.alone[i].Cluster))
		add("ecs:TagResource", task, "ecs:CreateAction", "RunTask")
	}
	return append(out, f.own()...)
}

// acts adds what depends on the pool's policy.
func (f *facts) acts(s Subject, policy *failover.Policy, pool *failover.Pool, service string, add func(action, resource string, context ...string)) {
	for _, action := range []string{"ecs:TagResource", "ecs:UntagResource"} {
		add(action, service, "aws:TagKeys", "backstop:demand")
	}
	p := f.pools[s]
	if p == nil {
		return
	}
	if policy.ParkScaling && p.target != nil && aws.ToString(p.target.ScalableTargetARN) != "" {
		add("application-autoscaling:RegisterScalableTarget", aws.ToString(p.target.ScalableTargetARN), "application-autoscaling:service-namespace", "ecs",
			"application-autoscaling:scalable-dimension", "ecs:service:DesiredCount")
	}
	if pool.Drain == failover.DrainLate {
		for arn := range p.delays {
			add("elasticloadbalancing:DeregisterTargets", arn)
		}
	}
}

// own are the guard's own queue and table.
func (f *facts) own() (out []deed) {
	if arn := f.events.queueARN; arn != "" {
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage"} {
			out = append(out, deed{action: action, resource: arn})
		}
	}
	if f.table != "" {
		for _, action := range []string{"dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"} {
			out = append(out, deed{action: action, resource: fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", f.partition(), f.homeRegion, f.account, f.table)})
		}
	}
	return out
}

// partition is that of the caller's ARN.
func (f *facts) partition() string {
	if parts := strings.Split(f.identity, ":"); len(parts) > 1 && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}
