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
	const call = "application-autoscaling:DescribeScalableTargets"
	object := "describe scalable target of " + ref.String()
	c := s.clients.get(ref.Region, ref.RoleARN)
	if err := take(ctx, c.limits.scaling); err != nil {
		return failover.Scaling{}, failure.Wrap(call, object, err)
	}
	out, err := c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceIds: []string{*resource(ref)}})
	if err != nil {
		return failover.Scaling{}, failure.Wrap(call, object, err)
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

// Apply carries out one action. Every action is absolute, so that a call which AWS carried out but did not
// answer may be made again.
func (s *Services) Apply(ctx context.Context, ref control.ServiceRef, action failover.Action) error {
	c := s.clients.get(ref.Region, ref.RoleARN)
	switch a := action.(type) {
	case failover.SetDesiredCount:
		return c.update(ctx, ref, &ecs.UpdateServiceInput{DesiredCount: aws.Int32(int32(a.Count))})
	case failover.SyncTaskDefinition:
		return c.update(ctx, ref, &ecs.UpdateServiceInput{TaskDefinition: &a.TaskDefinition})
	case failover.ParkScaling:
		// The bounds go with the suspension: registering alone would push the count up to the old minimum.
		return c.register(ctx, ref, failover.Scaling{Max: a.Max, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: a.SuspendedScheduled})
	case failover.RestoreScaling:
		return c.register(ctx, ref, a.Scaling)
	case failover.StopTask:
		if err := take(ctx, c.limits.clusterModify); err != nil {
			return failure.Wrap("ecs:StopTask", "stop task of "+ref.String(), err)
		}
		_, err := c.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: &ref.Cluster, Task: &a.Task, Reason: aws.String(stopReason)})
		return failure.Wrap("ecs:StopTask", "stop task "+a.Task+" of "+ref.String(), err)
	case failover.HoldDemand:
		return s.hold(ctx, c, ref, a.Demand)
	case failover.DrainTask:
		return s.drain(ctx, c, ref, a.Task)
	}
	return fmt.Errorf("apply to %s: action %T is not known", ref, action)
}

func (c *client) update(ctx context.Context, ref control.ServiceRef, in *ecs.UpdateServiceInput) error {
	in.Cluster, in.Service = &ref.Cluster, &ref.Service
	err := take(ctx, c.limits.serviceModify)
	if err == nil {
		_, err = c.ecs.UpdateService(ctx, in)
	}
	return failure.Wrap("ecs:UpdateService", "update service "+ref.String(), err)
}

func (c *client) register(ctx context.Context, ref control.ServiceRef, sc failover.Scaling) error {
	err := take(ctx, c.limits.scaling)
	if err == nil {
		_, err = c.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
			ResourceId: resource(ref), MinCapacity: aws.Int32(int32(sc.Min)), MaxCapacity: aws.Int32(int32(sc.Max)),
			SuspendedState: &aastypes.SuspendedState{DynamicScalingInSuspended: &sc.SuspendedIn,
				DynamicScalingOutSuspended: &sc.SuspendedOut, ScheduledScalingSuspended: &sc.SuspendedScheduled}})
	}
	return failure.Wrap("application-autoscaling:RegisterScalableTarget", "register scalable target of "+ref.String(), err)
}
