package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// newestDeployment is what the SDK sees of the latest service deployment of a service of the cluster prod.
func newestDeployment(t *testing.T, c clients, name string) types.ServiceDeployment {
	t.Helper()
	list := must[*ecs.ListServiceDeploymentsOutput](t)(c.ecs.ListServiceDeployments(t.Context(), &ecs.ListServiceDeploymentsInput{Cluster: new("prod"), Service: &name}))
	out := must[*ecs.DescribeServiceDeploymentsOutput](t)(c.ecs.DescribeServiceDeployments(t.Context(),
		&ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*list.ServiceDeployments[0].ServiceDeploymentArn}}))
	return out.ServiceDeployments[0]
}

// toStage moves time until the latest service deployment is at a stage.
func toStage(t *testing.T, s *sandbox.Sandbox, c clients, name string, stage types.ServiceDeploymentLifecycleStage) types.ServiceDeployment {
	t.Helper()
	for range 1000 {
		d := newestDeployment(t, c, name)
		if d.LifecycleStage == stage {
			return d
		}
		s.AdvanceTo(s.Now().Add(2 * time.Second))
	}
	t.Fatalf("the stage %s does not come", stage)
	return types.ServiceDeployment{}
}

// weightsOf are the weights of a listener rule by target group.
func weightsOf(t *testing.T, c clients, rule string) map[string]int32 {
	t.Helper()
	rules := must[*elasticloadbalancingv2.DescribeRulesOutput](t)(c.elb.DescribeRules(t.Context(), &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{rule}}))
	weights := map[string]int32{}
	for _, g := range rules.Rules[0].Actions[0].ForwardConfig.TargetGroups {
		weights[*g.TargetGroupArn] = *g.Weight
	}
	return weights
}

func force(t *testing.T, c clients, name string) types.Service {
	t.Helper()
	return *must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: &name, ForceNewDeployment: true})).Service
}

func TestBlueGreenTwinsOverTheWire(t *testing.T) {
	s := manual(t)
	c := connect(s)
	steered(t, s, "POST", "twins", `{"cluster": "prod", "name": "api", "count": 6, "strategy": "BLUE_GREEN", "bake_minutes": 30}`)
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	if d := newestDeployment(t, c, "api-spot"); d.Status != types.ServiceDeploymentStatusSuccessful {
		t.Fatalf("first deployment %s", d.Status)
	}
	before := service(t, c, "api-spot")
	if got := force(t, c, "api-spot"); got.CurrentServiceDeployment == nil || len(got.CurrentServiceRevisions) != 2 {
		t.Errorf("current deployment %v, revisions %+v", got.CurrentServiceDeployment, got.CurrentServiceRevisions)
	}
	d := toStage(t, s, c, "api-spot", types.ServiceDeploymentLifecycleStageBakeTime)
	if d.DeploymentConfiguration.Strategy != types.DeploymentStrategyBlueGreen || *d.DeploymentConfiguration.BakeTimeInMinutes != 30 {
		t.Errorf("configuration %+v", d.DeploymentConfiguration)
	}
	green, blue := d.TargetServiceRevision, d.SourceServiceRevisions[0]
	if *green.RequestedProductionTrafficWeight != 100 || *blue.RequestedProductionTrafficWeight != 0 || green.RunningTaskCount != 6 || blue.RunningTaskCount != 6 {
		t.Errorf("in the bake: green %+v, blue %+v", green, blue)
	}
	revisions := must[*ecs.DescribeServiceRevisionsOutput](t)(c.ecs.DescribeServiceRevisions(t.Context(),
		&ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*green.Arn, *blue.Arn, *blue.Arn + "1"}}))
	if len(revisions.ServiceRevisions) != 2 || len(revisions.Failures) != 1 {
		t.Fatalf("revisions %+v, failures %+v", revisions.ServiceRevisions, revisions.Failures)
	}
	for i, color := range []string{"/api-green/", "/api-blue/"} {
		if lb := revisions.ServiceRevisions[i].ResolvedConfiguration.LoadBalancers[0]; !strings.Contains(*lb.TargetGroupArn, color) || lb.ProductionListenerRule == nil {
			t.Errorf("revision %d is behind %+v, want %s", i, lb, color)
		}
	}
	production := before.LoadBalancers[0].AdvancedConfiguration
	if weights := weightsOf(t, c, *production.ProductionListenerRule); weights[*production.AlternateTargetGroupArn] != 100 || weights[*before.LoadBalancers[0].TargetGroupArn] != 0 {
		t.Errorf("weights of the listener in the bake: %v", weights)
	}
	if now := service(t, c, "api-spot"); *now.LoadBalancers[0].TargetGroupArn != *before.LoadBalancers[0].TargetGroupArn {
		t.Errorf("the service names another target group: %s", *now.LoadBalancers[0].TargetGroupArn)
	}
	if now := service(t, c, "api-spot"); now.RunningCount != 12 || now.DesiredCount != 6 || len(now.LoadBalancers) != len(before.LoadBalancers) {
		t.Errorf("service %d of %d, behind %d", now.RunningCount, now.DesiredCount, len(now.LoadBalancers))
	}
	if v := stateOf(s, "api-spot"); v.InService != 6 || len(v.Revisions) != 2 || v.Revisions[0].Share != 1 || v.Revisions[1].Share != 0 || v.Revisions[1].Running != 6 {
		t.Errorf("state in the bake: %+v", v)
	}
	other := steered(t, s, "POST", "interrupt", `{"cluster": "prod", "service": "api-spot", "revision": "other"}`)
	if n := len(other["interrupted"].([]any)); n != 6 {
		t.Errorf("%d tasks without traffic interrupted, want 6", n)
	}
	if v := stateOf(s, "api-spot"); v.Working != 6 {
		t.Errorf("%d tasks serve after that, want the 6 of green", v.Working)
	}
	hit := steered(t, s, "POST", "interrupt", `{"cluster": "prod", "service": "api-spot", "revision": "production", "count": 2}`)
	green = newestDeployment(t, c, "api-spot").TargetServiceRevision
	if n := len(hit["interrupted"].([]any)); n != 2 {
		t.Errorf("%d tasks of %s interrupted, want 2", n, *green.Arn)
	}
	must[*ecs.StopServiceDeploymentOutput](t)(c.ecs.StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: d.ServiceDeploymentArn}))
	s.AdvanceTo(s.Now().Add(20 * time.Minute))
	d = newestDeployment(t, c, "api-spot")
	if d.Status != types.ServiceDeploymentStatusRollbackSuccessful || *d.Rollback.ServiceRevisionArn != *blue.Arn || *d.SourceServiceRevisions[0].RequestedProductionTrafficWeight != 100 {
		t.Errorf("rolled back: %s, %+v", d.Status, d.Rollback)
	}
	_, err := c.ecs.StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: d.ServiceDeploymentArn})
	wantError[*types.ConflictException](t, err, "ConflictException")
	_, err = c.ecs.StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: blue.Arn})
	wantError[*types.ServiceDeploymentNotFoundException](t, err, "ServiceDeploymentNotFoundException")
}

func TestAPauseHookIsToldAndContinuedOverTheWire(t *testing.T) {
	s := manual(t)
	c := connect(s)
	steered(t, s, "POST", "twins", `{"cluster": "prod", "name": "api", "count": 2, "strategy": "CANARY"}`)
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api-spot"),
		DeploymentConfiguration: &types.DeploymentConfiguration{
			CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(25), CanaryBakeTimeInMinutes: aws.Int32(2)},
			LifecycleHooks: []types.DeploymentLifecycleHook{{TargetType: types.DeploymentLifecycleHookTargetTypePause,
				LifecycleStages:      []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePostScaleUp},
				TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{TimeoutInMinutes: aws.Int32(20160)}}}}}))
	got := service(t, c, "api-spot").DeploymentConfiguration
	if got.Strategy != types.DeploymentStrategyCanary || *got.CanaryConfiguration.CanaryPercent != 25 || len(got.LifecycleHooks) != 1 ||
		*got.LifecycleHooks[0].TimeoutConfiguration.TimeoutInMinutes != 20160 || *got.MaximumPercent != 200 {
		t.Errorf("configuration %+v", got)
	}
	force(t, c, "api-spot")
	takeEvents(t, s, c)
	d := toStage(t, s, c, "api-spot", types.ServiceDeploymentLifecycleStagePostScaleUp)
	if len(d.LifecycleHookDetails) != 1 || d.LifecycleHookDetails[0].Status != types.DeploymentLifecycleHookStatusAwaitingAction {
		t.Fatalf("hooks %+v", d.LifecycleHookDetails)
	}
	hook := *d.LifecycleHookDetails[0].HookId
	told := slices.IndexFunc(takeEvents(t, s, c), func(e event) bool {
		return e.DetailType == "ECS Hook State Change" && e.Detail["eventName"] == "HOOK_AWAITING_ACTION" && e.Detail["hookId"] == hook && e.Detail["hookType"] == "PAUSE" &&
			e.Detail["lifecycleStage"] == "POST_SCALE_UP" && e.Detail["serviceDeploymentArn"] == *d.ServiceDeploymentArn && e.Resources[0] == *d.ServiceDeploymentArn
	})
	if told < 0 {
		t.Error("the pause is not told")
	}
	_, err := c.ecs.ContinueServiceDeployment(t.Context(), &ecs.ContinueServiceDeploymentInput{HookId: new("ecs-pause-x"), ServiceDeploymentArn: d.ServiceDeploymentArn})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	must[*ecs.ContinueServiceDeploymentOutput](t)(c.ecs.ContinueServiceDeployment(t.Context(), &ecs.ContinueServiceDeploymentInput{HookId: &hook, ServiceDeploymentArn: d.ServiceDeploymentArn}))
	d = toStage(t, s, c, "api-spot", types.ServiceDeploymentLifecycleStageProductionTrafficShift)
	if *d.TargetServiceRevision.RequestedProductionTrafficWeight != 25 || *d.SourceServiceRevisions[0].RequestedProductionTrafficWeight != 75 {
		t.Errorf("canary: %v and %v %%", *d.TargetServiceRevision.RequestedProductionTrafficWeight, *d.SourceServiceRevisions[0].RequestedProductionTrafficWeight)
	}
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	if d := newestDeployment(t, c, "api-spot"); d.Status != types.ServiceDeploymentStatusSuccessful || *d.TargetServiceRevision.RequestedProductionTrafficWeight != 100 {
		t.Errorf("in the end %s", d.Status)
	}
}

func TestServiceDeploymentsAreListedInPagesTheNewestFirst(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	for range 4 {
		s.AdvanceTo(s.Now().Add(10 * time.Minute))
		force(t, c, "api")
	}
	in := &ecs.ListServiceDeploymentsInput{Cluster: new("prod"), Service: new("api"), MaxResults: aws.Int32(2)}
	var created []time.Time
	for range 3 {
		out := must[*ecs.ListServiceDeploymentsOutput](t)(c.ecs.ListServiceDeployments(t.Context(), in))
		for _, d := range out.ServiceDeployments {
			created = append(created, *d.CreatedAt)
		}
		in.NextToken = out.NextToken
	}
	if len(created) != 5 || in.NextToken != nil || !slices.IsSortedFunc(created, func(a, b time.Time) int { return b.Compare(a) }) {
		t.Errorf("listed %v", created)
	}
	open := must[*ecs.ListServiceDeploymentsOutput](t)(c.ecs.ListServiceDeployments(t.Context(), &ecs.ListServiceDeploymentsInput{Cluster: new("prod"), Service: new("api"),
		Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress}}))
	if len(open.ServiceDeployments) != 1 {
		t.Errorf("%d open deployments, want the last one", len(open.ServiceDeployments))
	}
	_, err := c.ecs.ListServiceDeployments(t.Context(), &ecs.ListServiceDeploymentsInput{Cluster: new("prod"), Service: new("nowhere")})
	wantError[*types.ServiceNotFoundException](t, err, "ServiceNotFoundException")
}

func TestEarlySuccessOverTheWire(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 4)
	criteria := &types.DeploymentEarlySuccessCriteria{Enable: true, HealthyPercent: aws.Int32(50), SourceServiceRevisionCleanup: types.ServiceRevisionCleanupDeferred}
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"),
		DeploymentConfiguration: &types.DeploymentConfiguration{EarlySuccessCriteria: criteria}}))
	if b := service(t, c, "api").DeploymentConfiguration.DeploymentCircuitBreaker; !b.Enable || !b.Rollback || b.ThresholdConfiguration != nil {
		t.Errorf("the circuit breaker does not stay as it was: %+v", b)
	}
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"),
		DeploymentConfiguration: &types.DeploymentConfiguration{DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, ResetOnHealthyTask: new(false),
			ThresholdConfiguration: &types.ThresholdConfiguration{Type: types.ThresholdTypeCount, Value: 7}}}}))
	if b := newestDeployment(t, c, "api"); b.DeploymentCircuitBreaker.Threshold != 7 || *b.DeploymentConfiguration.DeploymentCircuitBreaker.ResetOnHealthyTask {
		t.Errorf("circuit breaker %+v", b.DeploymentCircuitBreaker)
	}
	if got := service(t, c, "api").DeploymentConfiguration; got.EarlySuccessCriteria == nil || *got.EarlySuccessCriteria.HealthyPercent != 50 || *got.MinimumHealthyPercent != 50 {
		t.Errorf("configuration %+v", got)
	}
	criteria.HealthyPercent = nil
	_, err := c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DeploymentConfiguration: &types.DeploymentConfiguration{EarlySuccessCriteria: criteria}})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	_, err = c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: "SIDEWAYS"}})
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	if status, answer := steer(t, s, "POST", "twins", `{"cluster": "prod", "name": "x", "strategy": "SIDEWAYS"}`); status != 400 || !strings.Contains(answer["error"].(string), "BLUE_GREEN") {
		t.Errorf("twins with a strategy that is none: %d %v", status, answer)
	}
}

func TestAServiceThatShiftsTrafficIsMadeThroughTheSDK(t *testing.T) {
	s := manual(t)
	c := connect(s)
	steered(t, s, "POST", "twins", `{"cluster": "prod", "name": "api", "count": 1, "strategy": "LINEAR"}`) // for its target groups
	lb := service(t, c, "api-spot").LoadBalancers[0]
	create := &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("web"), TaskDefinition: new("api"), DesiredCount: aws.Int32(2),
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: 1}}, NetworkConfiguration: in("subnet-a"),
		LoadBalancers:           []types.LoadBalancer{{TargetGroupArn: lb.TargetGroupArn, ContainerName: new("api"), ContainerPort: aws.Int32(80)}},
		DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, BakeTimeInMinutes: aws.Int32(5)}}
	_, err := c.ecs.CreateService(t.Context(), create)
	wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	create.LoadBalancers[0].AdvancedConfiguration = lb.AdvancedConfiguration
	made := must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(t.Context(), create)).Service
	if got := made.DeploymentConfiguration; got.Strategy != types.DeploymentStrategyBlueGreen || *got.BakeTimeInMinutes != 5 ||
		*made.LoadBalancers[0].AdvancedConfiguration.AlternateTargetGroupArn != *lb.AdvancedConfiguration.AlternateTargetGroupArn {
		t.Errorf("made %+v behind %+v", got, made.LoadBalancers[0].AdvancedConfiguration)
	}
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	if d := newestDeployment(t, c, "web"); d.Status != types.ServiceDeploymentStatusSuccessful || len(d.SourceServiceRevisions) != 0 || d.TargetServiceRevision.RunningTaskCount != 2 {
		t.Errorf("first deployment %s: %+v", d.Status, d.TargetServiceRevision)
	}
}
