package adopt

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

// shifting makes a service whose deployments shift traffic between the target groups NAME-blue and NAME-green of a load balancer of its own.
func (a *account) shifting(name string, desired int32, strategy types.DeploymentStrategy, bake int32) {
	a.t.Helper()
	balancers := elb.NewFromConfig(a.cfg)
	ctx := a.t.Context()
	group := func(color string) string {
		out, err := balancers.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String(name + color), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-1"), TargetType: elbtypes.TargetTypeEnumIp})
		if err != nil {
			a.t.Fatal(err)
		}
		return *out.TargetGroups[0].TargetGroupArn
	}
	blue, green := group("-blue"), group("-green")
	forward := []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: []elbtypes.TargetGroupTuple{
		{TargetGroupArn: &blue, Weight: aws.Int32(1)}, {TargetGroupArn: &green, Weight: aws.Int32(0)}}}}}
	lb, err := balancers.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Subnets: []string{"subnet-a", "subnet-b"}})
	if err != nil {
		a.t.Fatal(err)
	}
	l, err := balancers.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(80), Protocol: elbtypes.ProtocolEnumHttp, DefaultActions: forward})
	if err != nil {
		a.t.Fatal(err)
	}
	rules, err := balancers.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: l.Listeners[0].ListenerArn})
	if err != nil {
		a.t.Fatal(err)
	}
	test, err := balancers.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: l.Listeners[0].ListenerArn, Priority: aws.Int32(1), Actions: forward,
		Conditions: []elbtypes.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/test/*"}}}})
	if err != nil {
		a.t.Fatal(err)
	}
	a.service(name, desired, 120, func(in *ecs.CreateServiceInput) {
		in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &blue, ContainerName: aws.String("app"), ContainerPort: aws.Int32(80), AdvancedConfiguration: &types.AdvancedConfiguration{
			AlternateTargetGroupArn: &green, ProductionListenerRule: rules.Rules[0].RuleArn, TestListenerRule: test.Rules[0].RuleArn, RoleArn: aws.String("arn:aws:iam::123456789012:role/ecs-balancers")}}}
		in.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: strategy, BakeTimeInMinutes: &bake}
		if strategy == types.DeploymentStrategyCanary {
			in.DeploymentConfiguration.CanaryConfiguration = &types.CanaryConfiguration{CanaryPercent: aws.Float64(20), CanaryBakeTimeInMinutes: aws.Int32(2)}
		}
		if strategy == types.DeploymentStrategyLinear {
			in.DeploymentConfiguration.LinearConfiguration = &types.LinearConfiguration{StepPercent: aws.Float64(25), StepBakeTimeInMinutes: aws.Int32(2)}
		}
		in.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
	})
}

// steer changes the sandbox.
func (a *account) steer(what, body string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, "http://sandbox.localhost/_sandbox/"+what, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := a.box.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		a.t.Fatal(what, answer, err)
	}
	_ = answer.Body.Close()
}

// adopt carries the plan of a service out, or undoes it.
func (a *account) adopt(name string, back bool) error { return a.adoptAs(name, "", back) }

// adoptAs gives the twin a name; empty: the usual one.
func (a *account) adoptAs(name, twinName string, back bool) error {
	a.t.Helper()
	found := a.find()
	for i := range found.Services {
		s := &found.Services[i]
		if s.Name != name {
			continue
		}
		twin, begun := TwinOf(found, s, twinName)
		if !begun && !back {
			if _, err := a.plan(name, twinName); err != nil {
				return err
			}
		}
		looks := 0
		return Application{AWS: a.cfg, Scale: 1e6, Service: s, Twin: twin, Say: func(string) {}, Wait: func(context.Context, float64) error {
			if looks++; looks > 2000 {
				return errors.New("it never ends")
			}
			a.pass(5 * time.Second)
			return nil
		}}.Run(a.t.Context(), back)
	}
	return errors.New("no service " + name)
}

// TestCoverServesABlueGreenServiceAfterEachDeployment adopts services whose deployments shift traffic, deploys three times, and takes all of
// Spot after each: what stands in the twin serves whichever group has the traffic.
func TestCoverServesABlueGreenServiceAfterEachDeployment(t *testing.T) {
	strategies := []types.DeploymentStrategy{types.DeploymentStrategyBlueGreen, types.DeploymentStrategyCanary, types.DeploymentStrategyLinear}
	if testing.Short() || racetest.Enabled {
		strategies = strategies[:1]
	}
	for _, strategy := range strategies {
		a := newAccount(t)
		a.shifting("shop", 4, strategy, 3)
		a.pass(15 * time.Minute)
		if got := a.inService()["shop"]; got != 4 {
			t.Fatalf("%s: %d of 4 in service before", strategy, got)
		}
		a.least["shop"] = 4
		if err := a.adopt("shop", false); err != nil {
			t.Fatal(err)
		}
		count := func(n int32) {
			if _, err := a.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("shop-standard"), DesiredCount: &n}); err != nil {
				t.Fatal(err)
			}
			a.pass(5 * time.Minute)
		}
		groups := map[string]bool{}
		for range 3 {
			if _, err := a.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("shop"), ForceNewDeployment: true}); err != nil {
				t.Fatal(err)
			}
			a.pass(20 * time.Minute)
			out, err := a.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"shop"}})
			if err != nil {
				t.Fatal(err)
			}
			revision, err := a.ecs.DescribeServiceRevisions(t.Context(), &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*out.Services[0].CurrentServiceRevisions[0].Arn}})
			if err != nil {
				t.Fatal(err)
			}
			groups[*revision.ServiceRevisions[0].ResolvedConfiguration.LoadBalancers[0].TargetGroupArn] = true
			count(4)
			a.room(0)
			a.steer("interrupt", `{"cluster": "prod", "service": "shop", "count": 4}`)
			a.pass(5 * time.Minute)
			if in := a.inService(); in["shop"] != 0 || in["shop-standard"] != 4 {
				t.Fatalf("%s: without Spot in service: %v", strategy, in)
			}
			a.room(100)
			a.pass(20 * time.Minute)
			count(0)
		}
		if len(groups) != 2 {
			t.Errorf("%s: the traffic was in %d groups", strategy, len(groups))
		}
		if err := a.adopt("shop", true); err != nil {
			t.Fatal(err)
		}
		if got := a.state(); got != "shop 4 strategy=launch-type held false" {
			t.Errorf("%s: undone: %s", strategy, got)
		}
	}
}
