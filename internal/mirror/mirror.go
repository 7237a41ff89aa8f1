// Package mirror makes services in a sandbox that have the shape of live ones: their names and counts, the size of their tasks, what they run on, how they
// deploy, their target groups and the bounds of their scaling. It only reads where they live, and takes no environment variables, secrets, commands, roles or tags.
package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// groupsDescribed is how many target groups one DescribeTargetGroups takes.
const groupsDescribed = 20

// Shape is what was read of a region.
type Shape struct {
	Services []discover.Service
	// Groups are the target groups that the services name, by ARN.
	Groups map[string]elbtypes.TargetGroup
	// Unread says what could not be read; it is left out.
	Unread []string
}

// Read reads the services on Fargate of a region: of one cluster, or of all if it is empty. It changes nothing.
func Read(ctx context.Context, cfg aws.Config, cluster string) (*Shape, error) {
	found, err := discover.Find(ctx, cfg, cluster)
	if err != nil {
		return nil, err
	}
	out := &Shape{Services: found.Services, Groups: map[string]elbtypes.TargetGroup{}, Unread: found.Unread}
	var arns []string
	for i := range out.Services {
		for _, b := range out.Services[i].Live.Service.LoadBalancers {
			if arn := aws.ToString(b.TargetGroupArn); arn != "" && !slices.Contains(arns, arn) {
				arns = append(arns, arn)
			}
		}
	}
	client := elb.NewFromConfig(cfg)
	for batch := range slices.Chunk(arns, groupsDescribed) {
		page, err := client.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: batch})
		if err != nil {
			out.Unread = append(out.Unread, failure.Wrap("elasticloadbalancing:DescribeTargetGroups", "describe target groups", err).Error())
			break
		}
		for _, g := range page.TargetGroups {
			out.Groups[aws.ToString(g.TargetGroupArn)] = g
		}
	}
	return out, ctx.Err()
}

// SpotTasks is how many tasks the services want on Spot; those that mix count as wanted there.
func (sh *Shape) SpotTasks() int {
	n := 0
	for i := range sh.Services {
		if sh.Services[i].Capacity != failover.OnDemand {
			n += sh.Services[i].Desired
		}
	}
	return n
}

// Made is what was made of a shape.
type Made struct {
	// Services are CLUSTER/NAME, in order.
	Services []string
	// Differs says where a service is not as it is live, a sentence each.
	Differs []string
}

// Build makes the services of a shape where cfg leads: to a sandbox. pause is called after each service, to let the sandbox's request limits recover.
func (sh *Shape) Build(ctx context.Context, cfg aws.Config, pause func()) (*Made, error) {
	b := newBuilder(sh, cfg)
	for i := range sh.Services {
		s := &sh.Services[i]
		if err := b.service(ctx, s); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			b.differs(s, "is left out: "+oneLine(err))
			continue
		}
		b.made.Services = append(b.made.Services, s.Cluster+"/"+s.Name)
		pause()
	}
	if len(sh.Services) > 0 && len(b.made.Services) == 0 {
		return nil, fmt.Errorf("mirror services: none could be made: %s", b.made.Differs[0])
	}
	return &b.made, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
