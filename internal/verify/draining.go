package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	drainTasks = 2
	// drainFor bounds the experiment, againWithin is how long a target that was taken out is watched.
	drainFor    = 15 * time.Minute
	againWithin = 90 * time.Second
	// delayMost is the longest deregistration delay of the group for which the experiment is carried out.
	delayMost = 2 * time.Minute
	// servedPort is where the tasks of this experiment answer.
	servedPort = 8080
	delayKey   = "deregistration_delay.timeout_seconds"
)

// draining is experiment 7: what ECS does with the targets of a task, in a target group of the user's.
func (l *lab) draining(ctx context.Context, deadline time.Time) error {
	if l.o.TargetGroup == "" {
		return &skippedError{"no target group was named (--target-group)"}
	}
	delay, err := l.delay(ctx)
	if err != nil {
		return err
	}
	if delay > delayMost {
		return &skippedError{fmt.Sprintf("the group's deregistration delay is %s, more than %s", delay, delayMost)}
	}
	if err := l.create(ctx, serviceBalanced, spot, drainTasks); err != nil {
		return err
	}
	tasks, err := l.settled(ctx, serviceBalanced, drainTasks, deadline)
	if err != nil {
		return err
	}
	if err := l.until(ctx, deadline, func() (bool, error) {
		states, err := l.targets(ctx)
		return states[address(&tasks[0])] == elb.TargetHealthStateEnumHealthy && states[address(&tasks[1])] == elb.TargetHealthStateEnumHealthy, err
	}); errors.Is(err, errLate) {
		return &skippedError{fmt.Sprintf("its tasks did not become healthy: the load balancer must reach port %d of them", servedPort)}
	} else if err != nil {
		return err
	}
	if err := l.takenOut(ctx, address(&tasks[0])); err != nil {
		return err
	}
	return l.orderly(ctx, aws.ToString(tasks[1].TaskArn), delay, deadline)
}

// delay is the deregistration delay of the target group.
func (l *lab) delay(ctx context.Context) (time.Duration, error) {
	out, err := l.elb.DescribeTargetGroupAttributes(ctx, &elasticloadbalancingv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &l.o.TargetGroup})
	if err != nil {
		return 0, l.wrap("elasticloadbalancing:DescribeTargetGroupAttributes", "read the target group", err)
	}
	i := slices.IndexFunc(out.Attributes, func(a elb.TargetGroupAttribute) bool { return aws.ToString(a.Key) == delayKey })
	if i < 0 {
		return 0, &skippedError{"the target group says no deregistration delay"}
	}
	seconds, err := strconv.Atoi(aws.ToString(out.Attributes[i].Value))
	if err != nil {
		return 0, fmt.Errorf("read the target group: its deregistration delay is %q", aws.ToString(out.Attributes[i].Value))
	}
	return time.Duration(seconds) * time.Second, nil
}

// targets are the states of the group's targets by their address.
func (l *lab) targets(ctx context.Context) (map[string]elb.TargetHealthStateEnum, error) {
	out, err := l.elb.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &l.o.TargetGroup})
	if err != nil {
		return nil, l.wrap("elasticloadbalancing:DescribeTargetHealth", "read the targets", err)
	}
	states := map[string]elb.TargetHealthStateEnum{}
	for _, d := range out.TargetHealthDescriptions {
		states[aws.ToString(d.Target.Id)] = d.TargetHealth.State
	}
	return states, nil
}

// address is the private address of a task.
func address(t *types.Task) string {
	for i := range t.Attachments {
		for _, d := range t.Attachments[i].Details {
			if aws.ToString(d.Name) == "privateIPv4Address" {
				return aws.ToString(d.Value)
			}
		}
	}
	return ""
}

// takenOut takes a target of a task of the run out of the group, and looks whether ECS registers it again.
func (l *lab) takenOut(ctx context.Context, ip string) error {
	if _, err := l.elb.DeregisterTargets(ctx, &elasticloadbalancingv2.DeregisterTargetsInput{TargetGroupArn: &l.o.TargetGroup, Targets: []elb.TargetDescription{{Id: &ip, Port: aws.Int32(servedPort)}}}); err != nil {
		return l.wrap("elasticloadbalancing:DeregisterTargets", "take a target out", err)
	}
	from, again := l.now(), 0.0
	err := l.until(ctx, from.Add(againWithin), func() (bool, error) {
		states, err := l.targets(ctx)
		if s, there := states[ip]; err == nil && there && s != elb.TargetHealthStateEnumDraining && s != elb.TargetHealthStateEnumUnused {
			again = l.now().Sub(from).Seconds()
		}
		return again > 0, err
	})
	if err != nil && !errors.Is(err, errLate) {
		return err
	}
	if again > 0 {
		l.seen.Set("A58", "share of targets taken out by others that ECS registers again", 1, 1)
		l.seen.Set("A58", "time until then", again, 1)
		return nil
	}
	l.seen.Set("A58", "share of targets taken out by others that ECS registers again", 0, 1)
	return nil
}

// orderly stops a task, and looks how long its containers ran on: SIGTERM waits until its target has drained.
func (l *lab) orderly(ctx context.Context, task string, delay time.Duration, deadline time.Time) error {
	if _, err := l.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(l.name()), Task: &task, Reason: aws.String("backstop verify-aws")}); err != nil {
		return l.wrap("ecs:StopTask", "stop a task of "+serviceBalanced, err)
	}
	return l.until(ctx, deadline, func() (bool, error) {
		out, err := l.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(l.name()), Tasks: []string{task}})
		if err != nil || len(out.Tasks) == 0 {
			return false, l.wrap("ecs:DescribeTasks", "describe a stopped task", err)
		}
		t := &out.Tasks[0]
		if t.StoppingAt == nil || t.ExecutionStoppedAt == nil {
			return false, nil
		}
		ran := t.ExecutionStoppedAt.Sub(*t.StoppingAt)
		l.seen.Set("A53", "stop to the containers' exit, beyond the deregistration delay", (ran - delay).Seconds(), 1)
		l.seen.Set("A53", "time that SIGTERM waits", max(0, ran-exitsIn).Seconds(), 1)
		return true, nil
	})
}

// exitsIn is how long an orderly stop of these tasks takes without a target: they end at SIGTERM.
const exitsIn = 4 * time.Second
