package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedules "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

const (
	// onceFormat is that of one-time schedules, in UTC.
	onceFormat = "at(2006-01-02T15:04:05)"
	// proofAfter is when the schedule that proves the switch is due, proofLimit how long its effect is waited for: EventBridge Scheduler
	// acts within a minute.
	proofAfter = 30 * time.Second
	proofLimit = 4 * time.Minute
)

// last is one call that the dead man's switch makes: a universal target of EventBridge Scheduler and its input.
type last struct {
	after  time.Duration // from SwitchAfter on
	target string
	input  map[string]any
}

// lasts are the calls that leave nothing of a run, in their order. They name what may never have been made: those are refused by AWS.
// The cluster cannot go before its tasks have stopped, so that call comes twice.
func (p place) lasts() []last {
	name := p.name()
	var out []last
	for _, s := range services {
		service := map[string]any{"Cluster": name, "Service": s}
		out = append(out, last{0, "ecs:updateService", with(service, "DesiredCount", 0)}, last{2 * time.Minute, "ecs:deleteService", with(service, "Force", true)})
	}
	return append(out,
		last{0, "applicationautoscaling:deregisterScalableTarget", map[string]any{"ServiceNamespace": "ecs", "ResourceId": p.scalableTarget(), "ScalableDimension": scaledDimension}},
		last{2 * time.Minute, "ecs:deregisterTaskDefinition", map[string]any{"TaskDefinition": name + ":1"}},
		last{2 * time.Minute, "ecs:deregisterTaskDefinition", map[string]any{"TaskDefinition": name + ":2"}},
		last{2 * time.Minute, "ecs:deregisterTaskDefinition", map[string]any{"TaskDefinition": name + ":3"}},
		last{2 * time.Minute, "ecs:deregisterTaskDefinition", map[string]any{"TaskDefinition": name + ":4"}},
		last{2 * time.Minute, "ecs:deregisterTaskDefinition", map[string]any{"TaskDefinition": name + ":5"}},
		last{2 * time.Minute, "eventbridge:removeTargets", map[string]any{"Rule": name, "Ids": []string{targetID}}},
		last{4 * time.Minute, "eventbridge:deleteRule", map[string]any{"Name": name}},
		last{4 * time.Minute, "sqs:deleteQueue", map[string]any{"QueueUrl": p.queueURL()}},
		last{15 * time.Minute, "ecs:deleteCluster", map[string]any{"Cluster": name}},
		last{30 * time.Minute, "ecs:deleteCluster", map[string]any{"Cluster": name}})
}

func with(m map[string]any, key string, value any) map[string]any {
	out := maps.Clone(m)
	out[key] = value
	return out
}

// arm sets the dead man's switch, before anything else is made.
func (l *lab) arm(ctx context.Context) error {
	for i, step := range l.lasts() {
		if err := l.schedule(ctx, fmt.Sprintf("%s-%02d", l.name(), i+1), l.switchAt.Add(step.after), step.target, step.input); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) schedule(ctx context.Context, name string, at time.Time, target string, input map[string]any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("encode the input of %s: %w", target, err)
	}
	_, err = l.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{Name: &name, ScheduleExpression: aws.String(at.UTC().Format(onceFormat)),
		ScheduleExpressionTimezone: aws.String("UTC"), ActionAfterCompletion: schedules.ActionAfterCompletionDelete,
		Description:        aws.String("Dead man's switch of backstop verify-aws " + l.id),
		FlexibleTimeWindow: &schedules.FlexibleTimeWindow{Mode: schedules.FlexibleTimeWindowModeOff},
		Target:             &schedules.Target{Arn: aws.String("arn:" + l.partition + ":scheduler:::aws-sdk:" + target), RoleArn: &l.o.SwitchRole, Input: aws.String(string(body))}})
	return l.wrap("scheduler:CreateSchedule", "set the dead man's switch", err)
}

// errNoSwitch ends a run whose switch has no effect.
var errNoSwitch = errors.New("the dead man's switch does not act: its role may not call ecs:DeleteService for services with the tag " + TagKey + ", or EventBridge Scheduler may not assume it; nothing was started (backstop verify-aws plan prints the role's policies)")

// prove lets the switch delete a service without tasks, by the same role and call as it would delete the others. No task is started before.
func (l *lab) prove(ctx context.Context) error {
	if err := l.create(ctx, serviceProof, spot, 0); err != nil {
		return err
	}
	at := l.now().Add(proofAfter)
	if err := l.schedule(ctx, l.name()+"-00", at, "ecs:deleteService", map[string]any{"Cluster": l.name(), "Service": serviceProof, "Force": true}); err != nil {
		return err
	}
	deadline := at.Add(proofLimit)
	for l.now().Before(deadline) {
		if err := l.wait(ctx, pollEvery); err != nil {
			return err
		}
		out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{serviceProof}})
		if err != nil {
			return l.wrap("ecs:DescribeServices", "describe "+serviceProof, err)
		}
		if len(out.Services) == 0 || aws.ToString(out.Services[0].Status) != "ACTIVE" {
			return nil
		}
	}
	return errNoSwitch
}

var spot, onDemand = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 1}}, []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1}}
