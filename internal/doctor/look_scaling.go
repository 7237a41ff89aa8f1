package doctor

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
)

// scaling reads the scalable target of a service, and what moves it.
func (l *looker) scaling(ctx context.Context, s Subject, at place, cfg aws.Config, p *poolFacts) {
	client, id := applicationautoscaling.NewFromConfig(cfg), resourceID(p.ref)
	l.call(ctx, s, at, callScaling, "describe the scalable target of "+p.ref.String(), func(ctx context.Context) error {
		out, err := client.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceIds: []string{id}})
		if err == nil && len(out.ScalableTargets) > 0 {
			p.target = &out.ScalableTargets[0]
		}
		return err
	})
	if p.target == nil {
		return
	}
	l.call(ctx, s, at, callPolicies, "describe the scaling policies of "+p.ref.String(), func(ctx context.Context) error {
		pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(client, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: &id})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			p.policies = append(p.policies, out.ScalingPolicies...)
		}
		return nil
	})
	l.call(ctx, s, at, callSchedules, "describe the scheduled actions of "+p.ref.String(), func(ctx context.Context) error {
		pages := applicationautoscaling.NewDescribeScheduledActionsPaginator(client, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: &id})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			p.actions = append(p.actions, out.ScheduledActions...)
		}
		return nil
	})
}
