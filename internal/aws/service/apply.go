package service

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// stopReason is what people see on a task that is stopped because it never came into service.
const stopReason = "stopped by backstop: not in service within twice its limit"

// resource is the scalable target's resource ID of a service.
func resource(ref control.ServiceRef) *string {
	id := "service/" + ecsevent.ClusterName(ref.Cluster) + "/" + ecsevent.ServiceName(ref.Service)
	return &id
}

// Scaling reads the service's scalable target.
func (s *Services) Scaling(ctx context.Context, ref control.ServiceRef) (failover.Scaling, error) {
	c := s.clients.get(ref.Region, ref.RoleARN)
	out, err := call(ctx, c.limits, c.limits.scaling, control.Worth{Urgency: control.Short}, func(ctx context.Context) (*applicationautoscaling.DescribeScalableTargetsOutput, error) {
		return c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
			ResourceIds: []string{*resource(ref)}})
	})
	if err != nil {
		return failover.Scaling{}, failure.Wrap("application-autoscaling:DescribeScalableTargets", "describe scalable target of "+ref.String(), err)
	}
	if len(out.ScalableTargets) == 0 {
		return failover.Scaling{Known: true}, nil
	}
	t := &out.ScalableTargets[0]
	sc := failover.Scaling{Known: true, Present: true, Min: int(aws.ToInt32(t.MinCapacity)), Max: int(aws.ToInt32(t.MaxCapacity))}
	if p := t.SuspendedState; p != nil {
		sc.SuspendedIn = aws.ToBool(p.DynamicScalingInSuspended)
		sc.SuspendedOut = aws.ToBool(p.DynamicScalingOutSuspended)
		sc.SuspendedScheduled = aws.ToBool(p.ScheduledScalingSuspended)
	}
	return sc, nil
}

// Turn waits for the right to change a service: ECS allows five changes a second. Other actions do not wait for each other.
func (s *Services) Turn(ctx context.Context, ref control.ServiceRef, action failover.Action) (giveBack func(), err error) {
	switch action.(type) {
	case failover.SetDesiredCount, failover.SyncTaskDefinition:
		b := s.clients.get(ref.Region, ref.RoleARN).limits.serviceModify
		if err := b.take(ctx, worthOf(action)); err != nil {
			return nil, failure.Wrap("ecs:UpdateService", "update service "+ref.String(), err)
		}
		return b.back, nil
	}
	return func() {}, nil
}

// Apply carries out one action, whose turn it is. Every action is absolute, so that a call which AWS carried out but did not
// answer may be made again.
func (s *Services) Apply(ctx context.Context, ref control.ServiceRef, action failover.Action) error {
	c := s.clients.get(ref.Region, ref.RoleARN)
	switch a := action.(type) {
	case failover.SetDesiredCount:
		return c.update(ctx, ref, worthOf(action), &ecs.UpdateServiceInput{DesiredCount: aws.Int32(int32(a.Count))})
	case failover.SyncTaskDefinition:
		return c.update(ctx, ref, worthOf(action), &ecs.UpdateServiceInput{TaskDefinition: &a.TaskDefinition})
	case failover.ParkScaling:
		// The bounds go with the suspension: registering alone would push the count up to the old minimum.
		return c.register(ctx, ref, failover.Scaling{Max: a.Max, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: a.SuspendedScheduled})
	case failover.RestoreScaling:
		return c.register(ctx, ref, a.Scaling)
	case failover.StopTask:
		_, err := call(ctx, c.limits, c.limits.clusterModify, control.Worth{Urgency: control.Short}, func(ctx context.Context) (*ecs.StopTaskOutput, error) {
			return c.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: &ref.Cluster, Task: &a.Task, Reason: aws.String(stopReason)})
		})
		return failure.Wrap("ecs:StopTask", "stop task "+a.Task+" of "+ref.String(), err)
	case failover.HoldDemand:
		return s.hold(ctx, c, ref, a.Demand)
	case failover.DrainTask:
		return s.drain(ctx, c, ref, a.Task)
	}
	return fmt.Errorf("apply to %s: action %T is not known", ref, action)
}

// worthOf says what goes first when changes of services wait: the raise that most tasks depend on, then what gives most back.
func worthOf(action failover.Action) control.Worth {
	a, ok := action.(failover.SetDesiredCount)
	switch {
	case !ok:
		return control.Worth{Urgency: control.Quiet}
	case a.Count > a.From:
		return control.Worth{Urgency: control.Warned, Tasks: a.Count - a.From}
	}
	return control.Worth{Urgency: control.Releasing, Tasks: a.From - a.Count}
}

func (c *client) update(ctx context.Context, ref control.ServiceRef, worth control.Worth, in *ecs.UpdateServiceInput) error {
	in.Cluster, in.Service = &ref.Cluster, &ref.Service
	_, err := paid(ctx, c.limits, c.limits.serviceModify, worth, func(ctx context.Context) (*ecs.UpdateServiceOutput, error) {
		return c.ecs.UpdateService(ctx, in)
	})
	return failure.Wrap("ecs:UpdateService", "update service "+ref.String(), err)
}

func (c *client) register(ctx context.Context, ref control.ServiceRef, sc failover.Scaling) error {
	_, err := call(ctx, c.limits, c.limits.scaling, control.Worth{Urgency: control.Short}, func(ctx context.Context) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
		return c.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
			ResourceId: resource(ref), MinCapacity: aws.Int32(int32(sc.Min)), MaxCapacity: aws.Int32(int32(sc.Max)),
			SuspendedState: &aastypes.SuspendedState{DynamicScalingInSuspended: &sc.SuspendedIn,
				DynamicScalingOutSuspended: &sc.SuspendedOut, ScheduledScalingSuspended: &sc.SuspendedScheduled}})
	})
	return failure.Wrap("application-autoscaling:RegisterScalableTarget", "register scalable target of "+ref.String(), err)
}
