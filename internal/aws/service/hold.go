package service

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
)

// urgent is what a change that has begun needs: it waits behind warned tasks only.
var urgent = control.Worth{Urgency: control.Short}

// factsFor returns what is known of a service, which is read if no look of this process has.
func (s *Services) factsFor(ctx context.Context, ref control.ServiceRef) (facts, error) {
	if f, ok := s.known.of(ref); ok {
		return f, nil
	}
	_, obs := s.Describe(ctx, []control.ServiceRef{ref}, urgent)
	if f, ok := s.known.of(ref); ok {
		return f, nil
	}
	return facts{}, fmt.Errorf("read %s before it is changed: %s", ref, obs[0].ErrText)
}

// hold writes the tag that holds the demand; 0 removes it.
func (s *Services) hold(ctx context.Context, c *client, ref control.ServiceRef, demand int) error {
	f, err := s.factsFor(ctx, ref)
	if err != nil {
		return err
	}
	if demand == 0 {
		_, err = call(ctx, c.limits, c.limits.clusterModify, urgent, func(ctx context.Context) (*ecs.UntagResourceOutput, error) {
			return c.ecs.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: &f.arn, TagKeys: []string{tagDemand}})
		})
		return failure.Wrap("ecs:UntagResource", "hold the demand of "+ref.String(), err)
	}
	_, err = call(ctx, c.limits, c.limits.clusterModify, urgent, func(ctx context.Context) (*ecs.TagResourceOutput, error) {
		return c.ecs.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: &f.arn,
			Tags: []types.Tag{{Key: aws.String(tagDemand), Value: aws.String(s.holding(demand))}}})
	})
	return failure.Wrap("ecs:TagResource", "hold the demand of "+ref.String(), err)
}

// drain takes a task out of each target group of its service that has listener weight. One that is no target there is left as it is.
func (s *Services) drain(ctx context.Context, c *client, ref control.ServiceRef, id string) error {
	f, err := s.factsFor(ctx, ref)
	if err != nil || len(f.entries) == 0 {
		return err
	}
	object := "drain task " + id + " of " + ref.String()
	ip, err := c.addressOf(ctx, ref, id)
	if err != nil || ip == "" {
		return failure.Wrap("ecs:DescribeTasks", object, err)
	}
	groups, err := c.balancers.read(ctx, c.now(), &f, s.known.carriesTests, urgent, c.balancers.agesFor(&f, urgent, false, false))
	if err != nil {
		return err
	}
	for i := range groups.entries {
		e := &groups.entries[i]
		for k, group := range e.groups() {
			if e.weights[k] == 0 || len(groups.targets[group][ip]) == 0 {
				continue
			}
			var out []elbtypes.TargetDescription
			for _, t := range groups.targets[group][ip] {
				out = append(out, elbtypes.TargetDescription{Id: &ip, Port: aws.Int32(t.port)})
			}
			_, err := call(ctx, c.limits, c.limits.balancing, urgent, func(ctx context.Context) (*elb.DeregisterTargetsOutput, error) {
				return c.balancers.elb.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: aws.String(group), Targets: out})
			})
			if err != nil {
				return failure.Wrap("elasticloadbalancing:DeregisterTargets", object, err)
			}
		}
	}
	return nil
}

// addressOf reads a task's private address; "" for a task that is gone.
func (c *client) addressOf(ctx context.Context, ref control.ServiceRef, id string) (string, error) {
	out, err := call(ctx, c.limits, c.limits.clusterRead, urgent, func(ctx context.Context) (*ecs.DescribeTasksOutput, error) {
		return c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &ref.Cluster, Tasks: []string{id}})
	})
	if err != nil || len(out.Tasks) == 0 {
		return "", err
	}
	return address(&out.Tasks[0]), nil
}
