package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	sqtypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func register(min, max *int32, suspended *aas.SuspendedState) *applicationautoscaling.RegisterScalableTargetInput {
	return &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: aas.ServiceNamespaceEcs, ResourceId: new("service/prod/api"),
		ScalableDimension: aas.ScalableDimensionECSServiceDesiredCount, MinCapacity: min, MaxCapacity: max, SuspendedState: suspended}
}

func TestRegisteringAScalableTargetPushesTheDesiredCountIntoItsBounds(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 0)
	ctx := t.Context()
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, register(aws.Int32(20), aws.Int32(50), nil)))
	if n := service(t, c, "api").DesiredCount; n != 20 {
		t.Errorf("want the desired count raised to the minimum of 20, got %d", n)
	}
	var ref = ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api"}
	s.World(func(w *ecsim.World) { _, _ = w.UpdateService(ref, ecsim.UpdateServiceInput{Desired: new(0)}) })
	// The trap: suspending scaling, without a word of bounds, wakes the service up.
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, register(nil, nil, &aas.SuspendedState{DynamicScalingInSuspended: new(true)})))
	if n := service(t, c, "api").DesiredCount; n != 20 {
		t.Errorf("suspending at 0 with a minimum of 20: want 20, got %d", n)
	}
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, register(aws.Int32(0), aws.Int32(0), &aas.SuspendedState{ScheduledScalingSuspended: new(true)})))
	out := must[*applicationautoscaling.DescribeScalableTargetsOutput](t)(c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aas.ServiceNamespaceEcs}))
	if len(out.ScalableTargets) != 1 {
		t.Fatalf("targets: %+v", out)
	}
	got := out.ScalableTargets[0]
	if *got.MinCapacity != 0 || *got.MaxCapacity != 0 || !*got.SuspendedState.DynamicScalingInSuspended || !*got.SuspendedState.ScheduledScalingSuspended ||
		*got.SuspendedState.DynamicScalingOutSuspended || !got.CreationTime.Equal(start) {
		t.Errorf("target: %+v %+v", got, got.SuspendedState)
	}
	if n := service(t, c, "api").DesiredCount; n != 0 {
		t.Errorf("parked: want 0, got %d", n)
	}
}

func TestScalingPoliciesGoWithTheirTarget(t *testing.T) {
	c := connect(manual(t))
	prod(t, c, 1)
	ctx := t.Context()
	policy := &applicationautoscaling.PutScalingPolicyInput{PolicyName: new("cpu"), ServiceNamespace: aas.ServiceNamespaceEcs, ResourceId: new("service/prod/api"),
		ScalableDimension: aas.ScalableDimensionECSServiceDesiredCount, PolicyType: aas.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aas.TargetTrackingScalingPolicyConfiguration{TargetValue: new(50.0),
			PredefinedMetricSpecification: &aas.PredefinedMetricSpecification{PredefinedMetricType: aas.MetricTypeECSServiceAverageCPUUtilization}}}
	_, err := c.scaling.PutScalingPolicy(ctx, policy)
	wantError[*aas.ObjectNotFoundException](t, err, "ObjectNotFoundException")
	_, err = c.scaling.RegisterScalableTarget(ctx, register(nil, nil, nil))
	wantError[*aas.ValidationException](t, err, "ValidationException")
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, register(aws.Int32(1), aws.Int32(5), nil)))
	must[*applicationautoscaling.PutScalingPolicyOutput](t)(c.scaling.PutScalingPolicy(ctx, policy))
	policies := func() []aas.ScalingPolicy {
		return must[*applicationautoscaling.DescribeScalingPoliciesOutput](t)(c.scaling.DescribeScalingPolicies(ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: aas.ServiceNamespaceEcs})).ScalingPolicies
	}
	if p := policies(); len(p) != 1 || *p[0].TargetTrackingScalingPolicyConfiguration.TargetValue != 50 {
		t.Errorf("policies: %+v", p)
	}
	must[*applicationautoscaling.DeregisterScalableTargetOutput](t)(c.scaling.DeregisterScalableTarget(ctx, &applicationautoscaling.DeregisterScalableTargetInput{
		ServiceNamespace: aas.ServiceNamespaceEcs, ResourceId: new("service/prod/api"), ScalableDimension: aas.ScalableDimensionECSServiceDesiredCount}))
	if p := policies(); len(p) != 0 {
		t.Errorf("policies outlive their target: %+v", p)
	}
}

func TestPublishedNoticesAreKept(t *testing.T) {
	s := manual(t)
	c := connect(s)
	ctx := t.Context()
	_, err := c.sns.Publish(ctx, &sns.PublishInput{TopicArn: new("arn:aws:sns:us-east-1:123456789012:ops"), Message: new("hello")})
	wantError[*snstypes.NotFoundException](t, err, "NotFound")
	topic := must[*sns.CreateTopicOutput](t)(c.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: new("ops")}))
	s.AdvanceTo(start.Add(time.Minute))
	out := must[*sns.PublishOutput](t)(c.sns.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Subject: new("S & T"), Message: new("a <b> \"c\"\nd"),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{"workload": {DataType: new("String"), StringValue: new("api")}}}))
	kept := s.Notices()
	if len(kept) != 1 || kept[0].Message != "a <b> \"c\"\nd" || kept[0].Subject != "S & T" || kept[0].Attributes["workload"] != "api" ||
		!kept[0].At.Equal(start.Add(time.Minute)) || kept[0].ID != *out.MessageId {
		t.Errorf("notices: %+v", kept)
	}
	topics := must[*sns.ListTopicsOutput](t)(c.sns.ListTopics(ctx, &sns.ListTopicsInput{}))
	if len(topics.Topics) != 1 || *topics.Topics[0].TopicArn != *topic.TopicArn {
		t.Errorf("topics: %+v", topics.Topics)
	}
	_, err = c.sns.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String(strings.Repeat("x", 256<<10+1))})
	wantError[*snstypes.InvalidParameterException](t, err, "InvalidParameter")
	_, err = c.sns.ListPlatformApplications(ctx, &sns.ListPlatformApplicationsInput{})
	wantCode(t, err, "InvalidAction")
	if !strings.Contains(err.Error(), "ListPlatformApplications") {
		t.Errorf("the error does not name the operation: %v", err)
	}
}

func TestQuotasAndIdentity(t *testing.T) {
	s := manual(t)
	c := connect(s)
	ctx := t.Context()
	s.World(func(w *ecsim.World) { w.SetQuota("us-east-1", ecsim.Fargate, 640) })
	q := must[*servicequotas.GetServiceQuotaOutput](t)(c.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: new("fargate"), QuotaCode: new("L-3032A538")})).Quota
	if *q.Value != 640 || *q.QuotaName != "Fargate On-Demand vCPU resource count" || q.UsageMetric.MetricDimensions["Class"] != "Standard/OnDemand" || !q.Adjustable {
		t.Errorf("quota: %+v", q)
	}
	all := must[*servicequotas.ListServiceQuotasOutput](t)(c.quotas.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: new("fargate")})).Quotas
	got := map[string]float64{}
	for _, q := range all {
		got[*q.QuotaCode] = *q.Value
	}
	if len(got) != 6 || got["L-36FBB829"] == 0 || got["L-6BAD92DD"] != 100 || got["L-551A4E9D"] != 20 || got["L-F6E37E82"] != 100 || got["L-FAA52651"] != 20 {
		t.Errorf("quotas: %v", got)
	}
	_, err := c.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: new("fargate"), QuotaCode: new("L-0")})
	wantError[*sqtypes.NoSuchResourceException](t, err, "NoSuchResourceException")
	if !strings.Contains(err.Error(), "L-0") {
		t.Errorf("the message is lost: %v", err)
	}
	who := must[*sts.GetCallerIdentityOutput](t)(c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))
	if *who.Account != "123456789012" || *who.Arn != "arn:aws:iam::123456789012:user/sandbox" {
		t.Errorf("identity: %+v", who)
	}
	_, err = c.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	wantCode(t, err, "InvalidAction")
}

func TestTheImplicitRuleIsShownAndOthersAreKept(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	must[*eventbridge.PutRuleOutput](t)(c.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: new("mine"), EventPattern: new(`{"source":["aws.ecs"]}`)}))
	must[*eventbridge.PutTargetsOutput](t)(c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("mine"), Targets: []ebtypes.Target{{Id: new("q"), Arn: new("arn:aws:sqs:us-east-1:123456789012:x")}}}))
	rules := must[*eventbridge.ListRulesOutput](t)(c.events.ListRules(ctx, &eventbridge.ListRulesInput{})).Rules
	if len(rules) != 2 || *rules[0].Name != "backstop-events" || *rules[1].Name != "mine" {
		t.Errorf("rules: %+v", rules)
	}
	for name, want := range map[string]string{"backstop-events": "arn:aws:sqs:us-east-1:123456789012:backstop-events", "mine": "arn:aws:sqs:us-east-1:123456789012:x"} {
		targets := must[*eventbridge.ListTargetsByRuleOutput](t)(c.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &name})).Targets
		if len(targets) != 1 || *targets[0].Arn != want {
			t.Errorf("targets of %s: %+v", name, targets)
		}
	}
	_, err := c.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: new("nowhere")})
	wantError[*ebtypes.ResourceNotFoundException](t, err, "ResourceNotFoundException")
	_, err = c.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: new("mine")})
	wantCode(t, err, "ValidationException")
	must[*eventbridge.RemoveTargetsOutput](t)(c.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: new("mine"), Ids: []string{"q"}}))
	must[*eventbridge.DeleteRuleOutput](t)(c.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: new("mine")}))
}

// TestAServiceKeepsWhatTheModelHasNoUseFor: Service Connect, volumes and the deployment controller are shown again, and what CodeDeploy deploys is deployed by nobody else.
func TestAServiceKeepsWhatTheModelHasNoUseFor(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	ctx := t.Context()
	like := service(t, c, "api")
	must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(ctx, &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: new("shop"), TaskDefinition: like.TaskDefinition, NetworkConfiguration: like.NetworkConfiguration,
		DeploymentController:        &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy},
		ServiceConnectConfiguration: &types.ServiceConnectConfiguration{Enabled: true, Namespace: new("internal")},
		VolumeConfigurations:        []types.ServiceVolumeConfiguration{{Name: new("data"), ManagedEBSVolume: &types.ServiceManagedEBSVolumeConfiguration{RoleArn: new("role"), SizeInGiB: new(int32(20))}}}}))
	s.AdvanceTo(s.Now().Add(time.Minute))
	shop := service(t, c, "shop")
	revision := must[*ecs.DescribeServiceRevisionsOutput](t)(c.ecs.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*shop.CurrentServiceRevisions[0].Arn}})).ServiceRevisions[0]
	if shop.DeploymentController.Type != types.DeploymentControllerTypeCodeDeploy || *revision.ServiceConnectConfiguration.Namespace != "internal" || *revision.VolumeConfigurations[0].ManagedEBSVolume.SizeInGiB != 20 ||
		shop.Deployments[0].ServiceConnectConfiguration == nil || like.Deployments[0].ServiceConnectConfiguration != nil || like.DeploymentController.Type != types.DeploymentControllerTypeEcs {
		t.Errorf("service %+v, revision %+v", shop, revision)
	}
	for _, in := range []*ecs.UpdateServiceInput{{ForceNewDeployment: true}, {TaskDefinition: like.TaskDefinition}, {CapacityProviderStrategy: []types.CapacityProviderStrategyItem{}}} {
		in.Cluster, in.Service = new("prod"), new("shop")
		_, err := c.ecs.UpdateService(ctx, in)
		wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
		if !strings.Contains(err.Error(), "on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.") {
			t.Error(err)
		}
	}
	must[*ecs.UpdateServiceOutput](t)(c.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("shop"), DesiredCount: new(int32(3))}))
}
