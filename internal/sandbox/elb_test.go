package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// balancer is what a test made with the SDK's client.
type balancer struct {
	blue, green, loadBalancer, listener, rule string
}

// makeBalancer makes two target groups behind a listener: the default rule sends everything to blue, a second rule to both.
func makeBalancer(t *testing.T, c clients) balancer {
	t.Helper()
	group := func(name string) string {
		out := must[*elb.CreateTargetGroupOutput](t)(c.elb.CreateTargetGroup(t.Context(), &elb.CreateTargetGroupInput{Name: &name, Protocol: types.ProtocolEnumHttp,
			Port: aws.Int32(8080), VpcId: new("vpc-1"), TargetType: types.TargetTypeEnumIp, HealthCheckIntervalSeconds: aws.Int32(10), HealthyThresholdCount: aws.Int32(2),
			HealthCheckPath: new("/ready"), Matcher: &types.Matcher{HttpCode: new("200-299")}, Tags: []types.Tag{{Key: new("a"), Value: new("b")}}}))
		return *out.TargetGroups[0].TargetGroupArn
	}
	b := balancer{blue: group("blue"), green: group("green")}
	lb := must[*elb.CreateLoadBalancerOutput](t)(c.elb.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{Name: new("web"), Subnets: []string{"subnet-a", "subnet-b"}}))
	b.loadBalancer = *lb.LoadBalancers[0].LoadBalancerArn
	l := must[*elb.CreateListenerOutput](t)(c.elb.CreateListener(t.Context(), &elb.CreateListenerInput{LoadBalancerArn: &b.loadBalancer, Port: aws.Int32(80),
		Protocol: types.ProtocolEnumHttp, DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &b.blue}}}))
	b.listener = *l.Listeners[0].ListenerArn
	r := must[*elb.CreateRuleOutput](t)(c.elb.CreateRule(t.Context(), &elb.CreateRuleInput{ListenerArn: &b.listener, Priority: aws.Int32(10), Actions: b.weigh(100, 0),
		Conditions: []types.RuleCondition{{Field: new("path-pattern"), Values: []string{"/api/*"}}}}))
	b.rule = *r.Rules[0].RuleArn
	return b
}

func (b *balancer) weigh(blue, green int32) []types.Action {
	return []types.Action{{Type: types.ActionTypeEnumForward, ForwardConfig: &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{
		{TargetGroupArn: &b.blue, Weight: &blue}, {TargetGroupArn: &b.green, Weight: &green}}}}}
}

// states counts the targets of a group by state.
func states(t *testing.T, c clients, group string) map[types.TargetHealthStateEnum]int {
	t.Helper()
	out := must[*elb.DescribeTargetHealthOutput](t)(c.elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &group}))
	n := map[types.TargetHealthStateEnum]int{}
	for _, d := range out.TargetHealthDescriptions {
		n[d.TargetHealth.State]++
	}
	return n
}

// serveBehind makes the service api behind a target group.
func serveBehind(t *testing.T, c clients, group string, n int32) {
	t.Helper()
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: new("prod")}))
	must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: new("api"), Cpu: new("256"), Memory: new("512"),
		NetworkMode: ecstypes.NetworkModeAwsvpc, RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate},
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: new("web"), Image: new("web:1"), DockerLabels: map[string]string{"backstop.sandbox/warm-up-seconds": "30"},
			HealthCheck: &ecstypes.HealthCheck{Command: []string{"CMD", "true"}, Interval: aws.Int32(10), StartPeriod: aws.Int32(60)}}}}))
	must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("api"), TaskDefinition: new("api"),
		DesiredCount: &n, CapacityProviderStrategy: []ecstypes.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: 1}},
		NetworkConfiguration:          &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}},
		HealthCheckGracePeriodSeconds: aws.Int32(120),
		LoadBalancers:                 []ecstypes.LoadBalancer{{TargetGroupArn: &group, ContainerName: new("web"), ContainerPort: aws.Int32(9090)}}}))
}

func describeAll(t *testing.T, c clients) []ecstypes.Task {
	t.Helper()
	list := must[*ecs.ListTasksOutput](t)(c.ecs.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: new("prod"), ServiceName: new("api")}))
	return must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: list.TaskArns})).Tasks
}

func addressOf(task *ecstypes.Task) string {
	for _, d := range task.Attachments[0].Details {
		if *d.Name == "privateIPv4Address" {
			return *d.Value
		}
	}
	return ""
}

func TestTasksBecomeHealthyTargets(t *testing.T) {
	s := manual(t)
	c := connect(s)
	b := makeBalancer(t, c)
	serveBehind(t, c, b.blue, 3)
	s.AdvanceTo(start.Add(5 * time.Second))
	if task := describeAll(t, c)[0]; addressOf(&task) != "" || task.HealthStatus != ecstypes.HealthStatusUnknown {
		t.Errorf("in %s it has the address %q and the health %s", *task.LastStatus, addressOf(&task), task.HealthStatus)
	}
	s.AdvanceTo(start.Add(10 * time.Minute))
	health := must[*elb.DescribeTargetHealthOutput](t)(c.elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &b.blue}))
	addresses := map[string]bool{}
	for _, d := range health.TargetHealthDescriptions {
		if d.TargetHealth.State != types.TargetHealthStateEnumHealthy || *d.Target.Port != 9090 || d.TargetHealth.Reason != "" {
			t.Errorf("target %s:%d is %s", *d.Target.Id, *d.Target.Port, d.TargetHealth.State)
		}
		addresses[*d.Target.Id] = true
	}
	for _, task := range describeAll(t, c) {
		if !addresses[addressOf(&task)] || *task.Containers[0].NetworkInterfaces[0].PrivateIpv4Address != addressOf(&task) {
			t.Errorf("the task at %q is no target of %v", addressOf(&task), addresses)
		}
		if task.HealthStatus != ecstypes.HealthStatusHealthy || task.Containers[0].HealthStatus != ecstypes.HealthStatusHealthy {
			t.Errorf("its health is %s, its container's %s", task.HealthStatus, task.Containers[0].HealthStatus)
		}
	}
	inEvents := 0
	for _, e := range takeEvents(t, s, c) {
		if e.Detail["lastStatus"] != "RUNNING" {
			continue
		}
		if _, ok := e.Detail["healthStatus"]; ok {
			t.Error("an event tells of health")
		}
		for ip := range addresses {
			if strings.Contains(e.body, `{"name":"privateIPv4Address","value":"`+ip+`"}`) {
				inEvents++
			}
		}
	}
	if inEvents != 3 {
		t.Errorf("%d of 3 RUNNING events have the address of a target", inEvents)
	}
	if svc := service(t, c, "api"); len(svc.LoadBalancers) != 1 || *svc.LoadBalancers[0].TargetGroupArn != b.blue || *svc.HealthCheckGracePeriodSeconds != 120 {
		t.Errorf("the service shows %+v", svc.LoadBalancers)
	}
}

func TestTargetsAreTakenOutAndPutBack(t *testing.T) {
	s := manual(t)
	c := connect(s)
	b := makeBalancer(t, c)
	serveBehind(t, c, b.blue, 2)
	s.AdvanceTo(start.Add(10 * time.Minute))
	ip := addressOf(&describeAll(t, c)[0])
	must[*elb.ModifyTargetGroupAttributesOutput](t)(c.elb.ModifyTargetGroupAttributes(t.Context(), &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &b.blue,
		Attributes: []types.TargetGroupAttribute{{Key: new("deregistration_delay.timeout_seconds"), Value: new("25")}}}))
	attributes := must[*elb.DescribeTargetGroupAttributesOutput](t)(c.elb.DescribeTargetGroupAttributes(t.Context(), &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &b.blue}))
	seen := ""
	for _, a := range attributes.Attributes {
		if *a.Key == "deregistration_delay.timeout_seconds" {
			seen = *a.Value
		}
	}
	if seen != "25" {
		t.Errorf("the deregistration delay is %q, want 25", seen)
	}
	target := []types.TargetDescription{{Id: &ip}}
	must[*elb.DeregisterTargetsOutput](t)(c.elb.DeregisterTargets(t.Context(), &elb.DeregisterTargetsInput{TargetGroupArn: &b.blue, Targets: target}))
	if n := states(t, c, b.blue); n["draining"] != 1 || n["healthy"] != 1 {
		t.Errorf("after the deregistration: %v", n)
	}
	if got := s.State().Services[0]; got.InService != 1 || got.Running != 2 {
		t.Errorf("in service %d of %d running, want 1 of 2", got.InService, got.Running)
	}
	s.AdvanceTo(start.Add(10*time.Minute + 25*time.Second))
	if n := states(t, c, b.blue); n["draining"] != 0 || n["healthy"] != 1 {
		t.Errorf("after the delay: %v", n)
	}
	_, err := c.elb.DeregisterTargets(t.Context(), &elb.DeregisterTargetsInput{TargetGroupArn: &b.blue, Targets: target})
	wantError[*types.InvalidTargetException](t, err, "InvalidTarget")
	target[0].Port = aws.Int32(9090)
	must[*elb.RegisterTargetsOutput](t)(c.elb.RegisterTargets(t.Context(), &elb.RegisterTargetsInput{TargetGroupArn: &b.blue, Targets: target}))
	s.AdvanceTo(start.Add(11 * time.Minute))
	if got := s.State().Services[0]; got.InService != 2 {
		t.Errorf("in service %d after it was put back, want 2", got.InService)
	}
}

func TestRulesShowWhereTrafficGoes(t *testing.T) {
	s := manual(t)
	c := connect(s)
	b := makeBalancer(t, c)
	rules := must[*elb.DescribeRulesOutput](t)(c.elb.DescribeRules(t.Context(), &elb.DescribeRulesInput{ListenerArn: &b.listener})).Rules
	if len(rules) != 2 || *rules[0].RuleArn != b.rule || *rules[0].Priority != "10" || *rules[1].Priority != "default" || !*rules[1].IsDefault ||
		*rules[1].Actions[0].TargetGroupArn != b.blue || rules[0].Conditions[0].Values[0] != "/api/*" {
		t.Fatalf("rules: %+v", rules)
	}
	must[*elb.ModifyRuleOutput](t)(c.elb.ModifyRule(t.Context(), &elb.ModifyRuleInput{RuleArn: &b.rule, Actions: b.weigh(5, 95)}))
	must[*elb.ModifyListenerOutput](t)(c.elb.ModifyListener(t.Context(), &elb.ModifyListenerInput{ListenerArn: &b.listener, DefaultActions: b.weigh(0, 1)}))
	rules = must[*elb.DescribeRulesOutput](t)(c.elb.DescribeRules(t.Context(), &elb.DescribeRulesInput{ListenerArn: &b.listener})).Rules
	weights := ""
	for _, r := range rules {
		for _, g := range r.Actions[0].ForwardConfig.TargetGroups {
			weights += fmt.Sprint(*g.Weight, " ")
		}
	}
	if weights != "5 95 0 1 " {
		t.Errorf("weights %q, want those that were set, 0 included", weights)
	}
	groups := must[*elb.DescribeTargetGroupsOutput](t)(c.elb.DescribeTargetGroups(t.Context(), &elb.DescribeTargetGroupsInput{LoadBalancerArn: &b.loadBalancer, PageSize: aws.Int32(1)}))
	if len(groups.TargetGroups) != 1 || groups.NextMarker == nil {
		t.Fatalf("a page of one: %d groups, marker %v", len(groups.TargetGroups), groups.NextMarker)
	}
	g := groups.TargetGroups[0]
	if *g.TargetGroupArn != b.blue || *g.Port != 8080 || *g.HealthCheckPath != "/ready" || *g.Matcher.HttpCode != "200-299" || *g.HealthyThresholdCount != 2 || g.LoadBalancerArns[0] != b.loadBalancer {
		t.Errorf("group: %+v", g)
	}
	groups = must[*elb.DescribeTargetGroupsOutput](t)(c.elb.DescribeTargetGroups(t.Context(), &elb.DescribeTargetGroupsInput{Names: []string{"green"}}))
	if len(groups.TargetGroups) != 1 || *groups.TargetGroups[0].TargetGroupArn != b.green {
		t.Errorf("by name: %+v", groups.TargetGroups)
	}
	listeners := must[*elb.DescribeListenersOutput](t)(c.elb.DescribeListeners(t.Context(), &elb.DescribeListenersInput{LoadBalancerArn: &b.loadBalancer}))
	lbs := must[*elb.DescribeLoadBalancersOutput](t)(c.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{Names: []string{"web"}}))
	if len(listeners.Listeners) != 1 || *listeners.Listeners[0].Port != 80 || *lbs.LoadBalancers[0].LoadBalancerArn != b.loadBalancer || lbs.LoadBalancers[0].CreatedTime == nil {
		t.Errorf("listeners %+v, load balancers %+v", listeners.Listeners, lbs.LoadBalancers)
	}
}

func TestBalancingErrorsAreTyped(t *testing.T) {
	s := manual(t)
	c := connect(s)
	b := makeBalancer(t, c)
	none := new(strings.Replace(b.blue, "blue", "none", 1))
	_, err := c.elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: none})
	wantError[*types.TargetGroupNotFoundException](t, err, "TargetGroupNotFound")
	_, err = c.elb.DescribeRules(t.Context(), &elb.DescribeRulesInput{RuleArns: []string{"arn:none"}})
	wantError[*types.RuleNotFoundException](t, err, "RuleNotFound")
	_, err = c.elb.DescribeListeners(t.Context(), &elb.DescribeListenersInput{ListenerArns: []string{"arn:none"}})
	wantError[*types.ListenerNotFoundException](t, err, "ListenerNotFound")
	_, err = c.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{Names: []string{"none"}})
	wantError[*types.LoadBalancerNotFoundException](t, err, "LoadBalancerNotFound")
	_, err = c.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &b.blue})
	wantError[*types.ResourceInUseException](t, err, "ResourceInUse")
	_, err = c.elb.CreateTargetGroup(t.Context(), &elb.CreateTargetGroupInput{Name: new("i"), Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80)})
	wantCode(t, err, "ValidationError")
	if _, err := s.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "elasticloadbalancing:DescribeTargetHealth", Count: 1}); err != nil {
		t.Fatal(err)
	}
	_, err = c.elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &b.blue})
	wantCode(t, err, "Throttling")
	if _, err := s.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "elasticloadbalancing:*", Count: 1}); err != nil {
		t.Fatal(err)
	}
	_, err = c.elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &b.blue})
	wantCode(t, err, "AccessDenied")

	must[*elb.DeleteRuleOutput](t)(c.elb.DeleteRule(t.Context(), &elb.DeleteRuleInput{RuleArn: &b.rule}))
	must[*elb.DeleteTargetGroupOutput](t)(c.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &b.green}))
	must[*elb.DeleteListenerOutput](t)(c.elb.DeleteListener(t.Context(), &elb.DeleteListenerInput{ListenerArn: &b.listener}))
	must[*elb.DeleteLoadBalancerOutput](t)(c.elb.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &b.loadBalancer}))
	must[*elb.DeleteTargetGroupOutput](t)(c.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &b.blue}))
	left := must[*elb.DescribeTargetGroupsOutput](t)(c.elb.DescribeTargetGroups(t.Context(), &elb.DescribeTargetGroupsInput{}))
	if len(left.TargetGroups) != 0 {
		t.Errorf("left: %+v", left.TargetGroups)
	}
}
