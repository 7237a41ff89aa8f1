package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"golang.org/x/sync/singleflight"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
)

const (
	// routesFor is how long the listeners' rules are taken to stay: people change them, and deployments that shift traffic,
	// for which routesShifting holds.
	routesFor      = 3 * time.Minute
	routesShifting = 5 * time.Second
	// routesScarce and homesFor hold where calls are short, and in the quiet: which load balancers a group has hardly ever changes.
	routesScarce = 15 * time.Minute
	homesFor     = time.Hour
	// healthFor makes one call do for the twins of a workload, which are looked at side by side; where calls are short a task that
	// became ready is found later: within healthScarce at most, in which each of 160 groups is read, sooner where there are fewer.
	// healthQuiet does in the quiet: what came too late for a look is there for the next one, even if that finds no call to spare for a tick or
	// two. healthKept holds for who has just lost tasks, or has waited in vain: what is to be started depends on those that are gone, quiet looks
	// read the others every five minutes, and a task that was not there yet does not count.
	healthFor    = time.Second
	healthScarce = 20 * time.Second
	healthQuiet  = 4 * time.Minute
	healthKept   = 6 * time.Minute
	// patience is how long a look waits for its target groups, warnedPatience where tasks have just been lost: the others of a pass need not wait
	// for them. readFor bounds the reading, which goes on for later looks: with nothing kept it is four calls and more a group.
	patience       = 3 * time.Second
	warnedPatience = time.Second
	readFor        = 2 * time.Minute
	// balancersMax bounds the load balancers of a target group, and the pages of their listeners and rules.
	balancersMax = 10
)

// route says that a listener or a rule sends a target group traffic.
type route struct {
	rule, listener, group string
	weight                float64
}

// target is one registered target of a group.
type target struct {
	port  int32
	state elbtypes.TargetHealthStateEnum
}

// balancers reads target groups and what sends them traffic. It keeps what it read for a while.
type balancers struct {
	elb     *elb.Client
	limits  *limits
	reads   singleflight.Group
	homes   memos[[]string]            // the load balancers of a group
	routes  memos[[]route]             // of a load balancer
	targets memos[map[string][]target] // of a group, by private address
}

// balance makes one call of Elastic Load Balancing, with the token that was granted, if one was.
func balance[T any](ctx context.Context, b *balancers, worth control.Worth, granted *bool, ask func(context.Context) (T, error)) (T, error) {
	how := call[T]
	if *granted {
		how, *granted = paid[T], false
	}
	return how(ctx, b.limits, b.limits.balancing, worth, ask)
}

// spare takes a token if there are more than enough of them for what is worth so much.
func (b *balancers) spare(worth control.Worth) func() bool {
	return func() bool { return b.limits.balancing.spare(worth) }
}

// idle takes a token if there is one that nothing waits for; in the quiet only if there are more than enough.
func (b *balancers) idle(worth control.Worth) func() bool {
	if worth.Urgency == control.Quiet {
		return b.spare(worth)
	}
	return b.limits.balancing.idle
}

// homesOf lists the load balancers that use a target group.
func (b *balancers) homesOf(ctx context.Context, now time.Time, age age, group string, worth control.Worth) ([]string, error) {
	return b.homes.of(group).get(ctx, now, age, b.spare(worth), func(granted bool) ([]string, error) {
		out, err := balance(ctx, b, worth, &granted, func(ctx context.Context) (*elb.DescribeTargetGroupsOutput, error) {
			return b.elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{group}})
		})
		if err != nil {
			return nil, failure.Wrap("elasticloadbalancing:DescribeTargetGroups", "describe target group "+groupName(group), err)
		}
		if len(out.TargetGroups) == 0 {
			return nil, nil
		}
		return out.TargetGroups[0].LoadBalancerArns, nil
	})
}

// routesOf lists what sends traffic to the groups behind a load balancer: the default actions of its listeners, and their rules.
func (b *balancers) routesOf(ctx context.Context, now time.Time, age age, balancer string, worth control.Worth) ([]route, error) {
	return b.routes.of(balancer).get(ctx, now, age, b.spare(worth), func(granted bool) ([]route, error) {
		var out []route
		var marker *string
		for range balancersMax {
			page, err := balance(ctx, b, worth, &granted, func(ctx context.Context) (*elb.DescribeListenersOutput, error) {
				return b.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &balancer, Marker: marker})
			})
			if err != nil {
				return nil, failure.Wrap("elasticloadbalancing:DescribeListeners", "describe the listeners of "+balancer, err)
			}
			for i := range page.Listeners {
				l := &page.Listeners[i]
				found, err := b.listener(ctx, balancer, l, worth, &granted)
				if err != nil {
					return nil, err
				}
				out = append(out, found...)
			}
			if marker = page.NextMarker; aws.ToString(marker) == "" {
				break
			}
		}
		return out, nil
	})
}

// listener lists what one listener sends where. Only those of Application Load Balancers have rules; their default action is one.
func (b *balancers) listener(ctx context.Context, balancer string, l *elbtypes.Listener, worth control.Worth, granted *bool) ([]route, error) {
	arn := aws.ToString(l.ListenerArn)
	if !strings.Contains(balancer, "loadbalancer/app/") {
		return routesOf(arn, arn, l.DefaultActions), nil
	}
	var out []route
	var marker *string
	for range balancersMax {
		page, err := balance(ctx, b, worth, granted, func(ctx context.Context) (*elb.DescribeRulesOutput, error) {
			return b.elb.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: &arn, Marker: marker})
		})
		if err != nil {
			return nil, failure.Wrap("elasticloadbalancing:DescribeRules", "describe the rules of "+arn, err)
		}
		for i := range page.Rules {
			out = append(out, routesOf(aws.ToString(page.Rules[i].RuleArn), arn, page.Rules[i].Actions)...)
		}
		if marker = page.NextMarker; aws.ToString(marker) == "" {
			break
		}
	}
	return out, nil
}

// routesOf reads the forwards among a rule's or a listener's actions.
func routesOf(rule, listener string, actions []elbtypes.Action) []route {
	var out []route
	for i := range actions {
		a := &actions[i]
		if a.Type != elbtypes.ActionTypeEnumForward {
			continue
		}
		if a.ForwardConfig == nil || len(a.ForwardConfig.TargetGroups) == 0 {
			out = append(out, route{rule, listener, aws.ToString(a.TargetGroupArn), 1})
			continue
		}
		for _, g := range a.ForwardConfig.TargetGroups {
			weight := 1.0
			if g.Weight != nil {
				weight = float64(*g.Weight)
			}
			if len(a.ForwardConfig.TargetGroups) == 1 {
				weight = 1 // a single group gets everything, whatever its weight
			}
			out = append(out, route{rule, listener, aws.ToString(g.TargetGroupArn), weight})
		}
	}
	return out
}

// targetsOf reads the targets of a group with their health.
func (b *balancers) targetsOf(ctx context.Context, now time.Time, age age, group string, worth control.Worth) (map[string][]target, error) {
	return b.targets.of(group).get(ctx, now, age, b.idle(worth), func(granted bool) (map[string][]target, error) {
		out, err := balance(ctx, b, worth, &granted, func(ctx context.Context) (*elb.DescribeTargetHealthOutput, error) {
			return b.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group})
		})
		if err != nil {
			return nil, failure.Wrap("elasticloadbalancing:DescribeTargetHealth", "describe the health of the targets of "+groupName(group), err)
		}
		found := make(map[string][]target, len(out.TargetHealthDescriptions))
		for i := range out.TargetHealthDescriptions {
			d := &out.TargetHealthDescriptions[i]
			if d.Target == nil || d.TargetHealth == nil {
				continue
			}
			ip := aws.ToString(d.Target.Id)
			found[ip] = append(found[ip], target{aws.ToInt32(d.Target.Port), d.TargetHealth.State})
		}
		return found, nil
	})
}

// groupName is the readable part of a target group's ARN.
func groupName(arn string) string {
	_, name, ok := strings.Cut(arn, ":targetgroup/")
	if !ok {
		return arn
	}
	return name
}

// reading is what was read of a service's target groups.
type reading struct {
	entries []served
	targets map[string]map[string][]target // by group and address
}

// served is one entry with the weights that its groups have now.
type served struct {
	entry
	weights []float64 // of entry.groups
}

// traffic reports whether one of the entry's groups has listener weight.
func (s *served) traffic() bool { return slices.Max(s.weights) > 0 }

// share is the share of production traffic that a group of the entry gets, 0 to 1.
func (s *served) share(group string) float64 {
	sum, own := 0.0, 0.0
	for i, g := range s.groups() {
		sum += s.weights[i]
		if g == group {
			own = s.weights[i]
		}
	}
	if sum == 0 {
		return 0
	}
	return own / sum
}

// ages are how old what is kept may be.
type ages struct{ homes, routes, health age }

// agesFor is how old may be what a look takes of what was kept. idle marks one that could wait; kept one that asks for nothing.
func (b *balancers) agesFor(f *facts, worth control.Worth, idle, kept bool) ages {
	turn := b.limits.balancing.turn(b.targets.len())
	out := ages{homes: age{fresh: homesFor}, routes: age{fresh: routesFor, stale: routesScarce},
		health: age{fresh: healthFor, stale: min(max(2*healthFor, turn), healthScarce)}}
	if worth.Urgency == control.Quiet {
		out.routes.fresh, out.health.stale = routesScarce, 0
	}
	switch {
	case !f.rolling && f.deploying:
		out.homes, out.routes = age{fresh: routesShifting}, age{fresh: routesShifting}
	case idle:
		out.health = age{fresh: healthQuiet}
	case worth.Urgency == control.Warned || kept:
		out.health.stale = healthKept
	}
	out.homes.kept, out.routes.kept, out.health.kept = kept, kept, kept
	return out
}

// inTime is [balancers.read] for a look, which has other things to do than to wait for its turn: where that takes too long it is told what was
// read before, if that is young enough. The reading goes on for the next look.
func (b *balancers) inTime(ctx context.Context, l *look, tests func(rule string) bool) (reading, error) {
	long := context.WithoutCancel(ctx)
	name, f, now, worth := l.ref.String(), l.f, l.now, l.worth
	ages := b.agesFor(&f, worth, l.idle, false)
	done := b.reads.DoChan(fmt.Sprint(name, f.deploying), func() (any, error) {
		ctx, cancel := context.WithTimeout(long, readFor)
		defer cancel()
		return b.read(ctx, now, &f, tests, worth, ages)
	})
	most := patience
	if worth.Urgency == control.Warned {
		most = warnedPatience
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	select {
	case out := <-done:
		if out.Err != nil {
			return reading{}, out.Err
		}
		return out.Val.(reading), nil
	case <-ctx.Done():
	}
	out, err := b.read(ctx, now, &f, tests, worth, b.agesFor(&f, worth, l.idle, true))
	return out, failure.Wrap("elasticloadbalancing:DescribeTargetHealth", "read the target groups of "+name, err)
}

// read reads which groups of a service have listener weight, and the health of those groups' targets.
func (b *balancers) read(ctx context.Context, now time.Time, f *facts, tests func(rule string) bool, worth control.Worth, ages ages) (reading, error) {
	r := reading{targets: make(map[string]map[string][]target)}
	for _, e := range f.entries {
		s := served{entry: e}
		for _, group := range e.groups() {
			weight, err := b.weight(ctx, now, ages, &e, group, tests, worth)
			if err != nil {
				return reading{}, err
			}
			s.weights = append(s.weights, weight)
			if r.targets[group] != nil || weight == 0 && (f.rolling || !f.deploying) {
				continue
			}
			if r.targets[group], err = b.targetsOf(ctx, now, ages.health, group, worth); err != nil {
				return reading{}, err
			}
		}
		r.entries = append(r.entries, s)
	}
	return r, nil
}

// weight is the greatest weight that production traffic has for a group: by the service's own production rule where it names one,
// else by any rule that is not known to carry test traffic.
func (b *balancers) weight(ctx context.Context, now time.Time, ages ages, e *entry, group string, tests func(string) bool, worth control.Worth) (float64, error) {
	homes, err := b.homesOf(ctx, now, ages.homes, group, worth)
	if err != nil {
		return 0, err
	}
	most := 0.0
	for _, home := range homes[:min(len(homes), balancersMax)] {
		routes, err := b.routesOf(ctx, now, ages.routes, home, worth)
		if err != nil {
			return 0, err
		}
		for i := range routes {
			switch r := &routes[i]; {
			case r.group != group:
			case e.production != "" && r.rule != e.production && r.listener != e.production:
			case e.production == "" && (tests(r.rule) || tests(r.listener)):
			default:
				most = max(most, r.weight)
			}
		}
	}
	return most, nil
}

// outOfTraffic reports whether no listener sends the service anything.
func (r *reading) outOfTraffic() bool {
	return !slices.ContainsFunc(r.entries, func(s served) bool { return s.traffic() })
}

// healthy reports whether the address is a healthy target in each entry that has traffic, in a group that has listener weight.
func (r *reading) healthy(address string) bool {
	some := false
	for i := range r.entries {
		s := &r.entries[i]
		if !s.traffic() {
			continue
		}
		some = true
		ok := false
		for k, group := range s.groups() {
			ok = ok || s.weights[k] > 0 && healthyIn(r.targets[group][address], s.port)
		}
		if !ok {
			return false
		}
	}
	return some
}

// home is the group of the entry that the address is registered in; "" for none.
func (r *reading) home(s *served, address string) string {
	for _, group := range s.groups() {
		if len(r.targets[group][address]) > 0 {
			return group
		}
	}
	return ""
}

// healthyIn reports whether the target of an address is healthy: the one with the service's port, or all where none has it.
func healthyIn(targets []target, port int32) bool {
	all := len(targets) > 0
	for _, t := range targets {
		if t.port == port {
			return t.state == elbtypes.TargetHealthStateEnumHealthy
		}
		all = all && t.state == elbtypes.TargetHealthStateEnumHealthy
	}
	return all
}
