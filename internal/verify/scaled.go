package verify

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

const (
	scaledDimension = string(types.ScalableDimensionECSServiceDesiredCount)
	// liftedWithin is how long a registration may take to move the count.
	liftedWithin = 45 * time.Second
)

// scaled is experiment 8: whether registering a scalable target moves a count that is below its minimum, with scaling suspended; with bounds
// in the call, and without.
func (l *lab) scaled(ctx context.Context, _ time.Time) error {
	if err := l.create(ctx, serviceScaled, spot, 0); err != nil {
		return err
	}
	left, bounds := 0, []*int32{aws.Int32(1), aws.Int32(2)}
	for _, given := range [][]*int32{bounds, {nil, nil}} {
		if err := l.register(ctx, given[0], given[1]); err != nil {
			return err
		}
		lifted, err := l.lifted(ctx)
		if err != nil {
			return err
		}
		if !lifted {
			left++
		}
		if _, err := l.count(ctx, serviceScaled, 0); err != nil {
			return err
		}
		if err := l.wait(ctx, pollEvery); err != nil {
			return err
		}
	}
	l.seen.Set("A82", "share of registrations that leave a count of 0 below the minimum", float64(left)/2, 2)
	return l.unscale(ctx)
}

// register registers the scalable target, with its tags where it has bounds: it is made by that call, and keeps both.
func (l *lab) register(ctx context.Context, least, most *int32) error {
	var tags map[string]string
	if least != nil {
		tags = map[string]string{TagKey: l.id}
	}
	_, err := l.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(l.scalableTarget()), MinCapacity: least, MaxCapacity: most, Tags: tags,
		SuspendedState: &types.SuspendedState{DynamicScalingInSuspended: aws.Bool(true), DynamicScalingOutSuspended: aws.Bool(true), ScheduledScalingSuspended: aws.Bool(true)}})
	return l.wrap("application-autoscaling:RegisterScalableTarget", "register a scalable target of "+serviceScaled, err)
}

// lifted looks whether the desired count leaves 0.
func (l *lab) lifted(ctx context.Context) (bool, error) {
	for deadline := l.now().Add(liftedWithin); ; {
		out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{serviceScaled}})
		if err != nil || len(out.Services) == 0 {
			return false, l.wrap("ecs:DescribeServices", "describe "+serviceScaled, err)
		}
		if out.Services[0].DesiredCount > 0 {
			return true, nil
		}
		if !l.now().Before(deadline) {
			return false, nil
		}
		if err := l.wait(ctx, pollEvery); err != nil {
			return false, err
		}
	}
}

// unscale takes the scalable target away; one that is not there is no error.
func (l *lab) unscale(ctx context.Context) error {
	_, err := l.scaling.DeregisterScalableTarget(ctx, &applicationautoscaling.DeregisterScalableTargetInput{ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(l.scalableTarget())})
	if absent(err) {
		return nil
	}
	return l.wrap("application-autoscaling:DeregisterScalableTarget", "deregister the scalable target of "+serviceScaled, err)
}
