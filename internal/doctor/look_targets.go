package doctor

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// groupsOf are the target groups that the tasks of a service are registered in, or will be by its deployments.
func groupsOf(p *poolFacts) []string {
	var out []string
	if p.service == nil {
		return nil
	}
	for i := range p.service.LoadBalancers {
		b := &p.service.LoadBalancers[i]
		all := []string{aws.ToString(b.TargetGroupArn)}
		if b.AdvancedConfiguration != nil {
			all = append(all, aws.ToString(b.AdvancedConfiguration.AlternateTargetGroupArn))
		}
		for _, arn := range all {
			if arn != "" && !slices.Contains(out, arn) {
				out = append(out, arn)
			}
		}
	}
	return out
}

// balancers reads the deregistration delays of the service's target groups, and the load balancers that use them.
func (l *looker) balancers(ctx context.Context, s Subject, at place, cfg aws.Config, p *poolFacts) {
	p.delays, p.balancers = map[string]time.Duration{}, map[string][]string{}
	for _, arn := range groupsOf(p) {
		l.call(ctx, s, at, callBalancer, "describe target group "+lastPart(arn), func(ctx context.Context) error {
			delay, err := deregistrationDelay(ctx, cfg, arn)
			if err == nil {
				p.delays[arn] = delay
			}
			return err
		})
		l.call(ctx, regionOf(at), at, callGroups, "describe the load balancers of target group "+lastPart(arn), func(ctx context.Context) (err error) {
			p.balancers[arn], err = loadBalancers(ctx, cfg, arn)
			return err
		})
	}
}

func regionOf(p place) Subject {
	return Subject{Kind: KindRegion, Region: p.region, RoleARN: p.role}
}

// loadBalancers returns the ARNs of the load balancers that use a target group.
func loadBalancers(ctx context.Context, cfg aws.Config, group string) ([]string, error) {
	var out struct {
		ARNs []string `xml:"DescribeTargetGroupsResult>TargetGroups>member>LoadBalancerArns>member"`
	}
	err := query(ctx, cfg, "elasticloadbalancing", url.Values{"Action": {"DescribeTargetGroups"}, "Version": {versionELB}, "TargetGroupArns.member.1": {group}}, &out)
	return out.ARNs, err
}

// limits reads Elastic Load Balancing's limits in each place where a pool has a target group.
func (l *looker) limits(ctx context.Context) {
	for _, p := range l.f.pools {
		at := place{p.ref.Region, p.ref.RoleARN}
		if len(groupsOf(p)) == 0 || l.f.limits[at] != nil {
			continue
		}
		l.f.limits[at] = map[string]float64{}
		l.call(ctx, regionOf(at), at, callLimits, "read the limits of Elastic Load Balancing in "+at.region, func(ctx context.Context) error {
			return accountLimits(ctx, l.config(at), l.f.limits[at])
		})
	}
}

// accountLimits adds the account's limits by their names to a map.
func accountLimits(ctx context.Context, cfg aws.Config, into map[string]float64) error {
	form := url.Values{"Action": {"DescribeAccountLimits"}, "Version": {versionELB}}
	for {
		var out struct {
			Limits []struct{ Name, Max string } `xml:"DescribeAccountLimitsResult>Limits>member"`
			Next   string                       `xml:"DescribeAccountLimitsResult>NextMarker"`
		}
		if err := query(ctx, cfg, "elasticloadbalancing", form, &out); err != nil {
			return err
		}
		for _, limit := range out.Limits {
			if n, err := strconv.ParseFloat(limit.Max, 64); err == nil {
				into[limit.Name] = n
			}
		}
		if out.Next == "" {
			return nil
		}
		form.Set("Marker", out.Next)
	}
}
