package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	ecsSpace = aas.ServiceNamespaceEcs
	desired  = aas.ScalableDimensionECSServiceDesiredCount
)

// scaled makes twins of n tasks whose owner scales between 1 and 400 by a policy.
func scaled(t *testing.T, s *sandbox.Sandbox, n int, target *aas.TargetTrackingScalingPolicyConfiguration) clients {
	t.Helper()
	if err := s.SetupTwins("prod", "api", n); err != nil {
		t.Fatal(err)
	}
	c := connect(s)
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: ecsSpace, ScalableDimension: desired, ResourceId: new("service/prod/api-spot"), MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(400)}))
	must[*applicationautoscaling.PutScalingPolicyOutput](t)(c.scaling.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: new("policy"), ServiceNamespace: ecsSpace, ScalableDimension: desired, ResourceId: new("service/prod/api-spot"),
		PolicyType: aas.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: target}))
	return c
}

func byCPU() *aas.TargetTrackingScalingPolicyConfiguration {
	return &aas.TargetTrackingScalingPolicyConfiguration{TargetValue: new(50.0),
		PredefinedMetricSpecification: &aas.PredefinedMetricSpecification{PredefinedMetricType: aas.MetricTypeECSServiceAverageCPUUtilization}}
}

func TestAPolicyScalesByTheLoadThatTwinsShare(t *testing.T) {
	s := manual(t)
	c := scaled(t, s, 20, byCPU())
	if a := steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api-spot", "requests_per_second": 1000, "per_task": 100}`); len(a["services"].([]any)) != 2 {
		t.Errorf("shared by %v", a["services"])
	}
	s.AdvanceTo(s.Now().Add(20 * time.Minute))
	if n := stateOf(s, "api-spot").Desired; n != 20 {
		t.Fatalf("at its target: %d", n)
	}
	steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api-spot", "requests_per_second": 1500, "per_task": 100}`)
	s.AdvanceTo(s.Now().Add(4 * time.Minute))
	if n := stateOf(s, "api-spot").Desired; n != 30 {
		t.Errorf("half as much again: %d", n)
	}
	out := must[*applicationautoscaling.DescribeScalingActivitiesOutput](t)(c.scaling.DescribeScalingActivities(t.Context(),
		&applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: ecsSpace, ResourceId: new("service/prod/api-spot")}))
	if len(out.ScalingActivities) != 1 || *out.ScalingActivities[0].Description != "Setting desired count to 30." {
		t.Errorf("activities: %+v", out.ScalingActivities)
	}
	for _, call := range takeEvents(t, s, c) {
		if call.DetailType == "AWS API Call via CloudTrail" {
			return
		}
	}
	t.Error("CloudTrail has no record of the scaler's call")
}

// L35 over the wire, with the scaler that starts from the desired count: a policy over both twins scales where that of the owner is blind.
func TestAPolicyOverBothTwinsScalesWhileTheOwnerRunsNothing(t *testing.T) {
	stat := func(name string) aas.TargetTrackingMetricDataQuery {
		return aas.TargetTrackingMetricDataQuery{Id: new(name), ReturnData: new(false), MetricStat: &aas.TargetTrackingMetricStat{Stat: new("Average"),
			Metric: &aas.TargetTrackingMetric{Namespace: new("AWS/ECS"), MetricName: new("CPUUtilization"), Dimensions: []aas.TargetTrackingMetricDimension{
				{Name: new("ClusterName"), Value: new("prod")}, {Name: new("ServiceName"), Value: new("api-" + name)}}}}}
	}
	both := &aas.TargetTrackingScalingPolicyConfiguration{TargetValue: new(50.0), CustomizedMetricSpecification: &aas.CustomizedMetricSpecification{
		Metrics: []aas.TargetTrackingMetricDataQuery{stat("spot"), stat("standard"), {Id: new("both"), Expression: new("AVG(METRICS())"), ReturnData: new(true)}}}}
	for name, policy := range map[string]*aas.TargetTrackingScalingPolicyConfiguration{"owner": byCPU(), "both": both} {
		s := manual(t)
		steered(t, s, "POST", "model", `{"A76": true}`)
		scaled(t, s, 20, policy)
		steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api-spot", "requests_per_second": 1000, "per_task": 100}`)
		steered(t, s, "POST", "capacity", `{"tasks": 0}`)
		s.World(func(w *ecsim.World) {
			_ = w.SetDesired(ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api-standard"}, 20)
		})
		s.AdvanceTo(s.Now().Add(10 * time.Minute))
		steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api-spot", "requests_per_second": 2000, "per_task": 100}`)
		s.AdvanceTo(s.Now().Add(time.Hour))
		if n := stateOf(s, "api-spot").Desired; (n >= 40) != (name == "both") || name == "owner" && n != 20 {
			t.Errorf("policy over %s: %d tasks wanted after an hour of twice the load", name, n)
		}
	}
}

func TestWorkersScaleByTheirBacklog(t *testing.T) {
	s := manual(t)
	scaled(t, s, 4, &aas.TargetTrackingScalingPolicyConfiguration{TargetValue: new(100.0), ScaleOutCooldown: aws.Int32(60),
		CustomizedMetricSpecification: &aas.CustomizedMetricSpecification{Namespace: new("Workers"), MetricName: new("BacklogPerTask"), Statistic: aas.MetricStatisticAverage}})
	steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api-spot", "requests_per_second": 20, "per_task": 5, "queue": "jobs", "backlog": 1200}`)
	s.AdvanceTo(s.Now().Add(4 * time.Minute))
	if l := s.State().Loads; len(l) != 1 || l[0].Queue != "jobs" || l[0].Backlog != 1200 { // four tasks do what comes in
		t.Errorf("loads: %+v", l)
	}
	if n := stateOf(s, "api-spot").Desired; n != 12 {
		t.Errorf("1,200 messages at 100 a task: want 12, got %d", n)
	}
	steered(t, s, "POST", "metric", `{"name": "Workers/BacklogPerTask", "value": 1000}`)
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	if n := stateOf(s, "api-spot").Desired; n < 100 {
		t.Errorf("a metric set by hand: %d", n)
	}
}

func TestScheduledActionsOverTheWire(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 4)
	ctx := t.Context()
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, register(aws.Int32(1), aws.Int32(50), nil)))
	put := &applicationautoscaling.PutScheduledActionInput{ServiceNamespace: ecsSpace, ScalableDimension: desired, ResourceId: new("service/prod/api"),
		ScheduledActionName: new("noon"), Schedule: new("cron(0 12 * * ? *)"), ScalableTargetAction: &aas.ScalableTargetAction{MinCapacity: aws.Int32(9)}}
	must[*applicationautoscaling.PutScheduledActionOutput](t)(c.scaling.PutScheduledAction(ctx, put))
	put.Schedule = new("cron(0 12)")
	_, err := c.scaling.PutScheduledAction(ctx, put)
	wantError[*aas.ValidationException](t, err, "ValidationException")
	shown := must[*applicationautoscaling.DescribeScheduledActionsOutput](t)(c.scaling.DescribeScheduledActions(ctx, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: ecsSpace})).ScheduledActions
	if len(shown) != 1 || *shown[0].Schedule != "cron(0 12 * * ? *)" || *shown[0].ScalableTargetAction.MinCapacity != 9 {
		t.Fatalf("shown: %+v", shown)
	}
	s.AdvanceTo(start.Add(3*time.Hour - time.Second))
	if n := service(t, c, "api").DesiredCount; n != 4 {
		t.Errorf("before noon: %d", n)
	}
	s.AdvanceTo(start.Add(3 * time.Hour))
	if n := service(t, c, "api").DesiredCount; n != 9 {
		t.Errorf("at noon: %d", n)
	}
	target := must[*applicationautoscaling.DescribeScalableTargetsOutput](t)(c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: ecsSpace})).ScalableTargets[0]
	if *target.MinCapacity != 9 || *target.MaxCapacity != 50 {
		t.Errorf("bounds: %d to %d", *target.MinCapacity, *target.MaxCapacity)
	}
	remove := &applicationautoscaling.DeleteScheduledActionInput{ServiceNamespace: ecsSpace, ScalableDimension: desired, ResourceId: new("service/prod/api"), ScheduledActionName: new("noon")}
	must[*applicationautoscaling.DeleteScheduledActionOutput](t)(c.scaling.DeleteScheduledAction(ctx, remove))
	_, err = c.scaling.DeleteScheduledAction(ctx, remove)
	wantError[*aas.ObjectNotFoundException](t, err, "ObjectNotFoundException")
}

func TestAStepPolicyActsOnItsAlarm(t *testing.T) {
	s := manual(t)
	c := scaled(t, s, 10, byCPU())
	must[*applicationautoscaling.PutScalingPolicyOutput](t)(c.scaling.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: new("steps"), ServiceNamespace: ecsSpace, ScalableDimension: desired, ResourceId: new("service/prod/api-spot"), PolicyType: aas.PolicyTypeStepScaling,
		StepScalingPolicyConfiguration: &aas.StepScalingPolicyConfiguration{AdjustmentType: aas.AdjustmentTypeChangeInCapacity,
			StepAdjustments: []aas.StepAdjustment{{MetricIntervalLowerBound: new(0.0), ScalingAdjustment: aws.Int32(7)}}}}))
	steered(t, s, "POST", "alarm", `{"cluster": "prod", "service": "api-spot", "policy": "steps", "metric": "jobs", "threshold": 5}`)
	s.AdvanceTo(s.Now().Add(10 * time.Minute))
	if n := stateOf(s, "api-spot").Desired; n != 10 {
		t.Fatalf("the metric has no data: %d", n)
	}
	steered(t, s, "POST", "metric", `{"name": "jobs", "value": 6}`)
	s.AdvanceTo(s.Now().Add(2 * time.Minute))
	if n := stateOf(s, "api-spot").Desired; n != 17 {
		t.Errorf("in alarm: %d", n)
	}
}

func TestScalingRefusesWhatAWSRefuses(t *testing.T) {
	c := connect(manual(t))
	prod(t, c, 1)
	ctx := t.Context()
	must[*applicationautoscaling.RegisterScalableTargetOutput](t)(c.scaling.RegisterScalableTarget(ctx, register(aws.Int32(1), aws.Int32(5), nil)))
	policy := func(change func(*applicationautoscaling.PutScalingPolicyInput)) error {
		in := &applicationautoscaling.PutScalingPolicyInput{PolicyName: new("cpu"), ServiceNamespace: ecsSpace, ResourceId: new("service/prod/api"),
			ScalableDimension: desired, PolicyType: aas.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: byCPU()}
		change(in)
		_, err := c.scaling.PutScalingPolicy(ctx, in)
		return err
	}
	if err := policy(func(*applicationautoscaling.PutScalingPolicyInput) {}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*applicationautoscaling.PutScalingPolicyInput){
		"dimension": func(in *applicationautoscaling.PutScalingPolicyInput) {
			in.ScalableDimension = aas.ScalableDimensionDynamoDBTableReadCapacityUnits
		},
		"namespace": func(in *applicationautoscaling.PutScalingPolicyInput) { in.ServiceNamespace = aas.ServiceNamespaceEc2 },
		"resource":  func(in *applicationautoscaling.PutScalingPolicyInput) { in.ResourceId = new("prod/api") },
		"no metric": func(in *applicationautoscaling.PutScalingPolicyInput) {
			in.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification = nil
		},
		"no target": func(in *applicationautoscaling.PutScalingPolicyInput) {
			in.TargetTrackingScalingPolicyConfiguration.TargetValue = new(0.0)
		},
		"other metric": func(in *applicationautoscaling.PutScalingPolicyInput) {
			in.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType = aas.MetricTypeRDSReaderAverageCPUUtilization
		},
		"no label": func(in *applicationautoscaling.PutScalingPolicyInput) {
			in.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType = aas.MetricTypeALBRequestCountPerTarget
		},
		"type": func(in *applicationautoscaling.PutScalingPolicyInput) {
			in.PolicyType = aas.PolicyTypePredictiveScaling
		},
	} {
		err := policy(change)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantError[*aas.ValidationException](t, err, "ValidationException")
	}
	_, err := c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: "ecsservices"})
	wantError[*aas.ValidationException](t, err, "ValidationException")
}

func TestServicesOfOneTargetGroupShareTheLoad(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 4)
	api := service(t, c, "api")
	for name, balancers := range map[string][]types.LoadBalancer{"cover": api.LoadBalancers, "other": nil} {
		must[*ecs.CreateServiceOutput](t)(c.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: new("prod"), ServiceName: &name, TaskDefinition: new("api"),
			DesiredCount: aws.Int32(0), NetworkConfiguration: api.NetworkConfiguration, LoadBalancers: balancers}))
	}
	a := steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api", "requests_per_second": 10, "per_task": 5}`)
	if got := fmt.Sprint(a["services"]); got != "[api cover]" {
		t.Errorf("shared by %s", got)
	}
	if a := steered(t, s, "POST", "load", `{"cluster": "prod", "service": "api", "with": [], "requests_per_second": 10, "per_task": 5}`); len(a["services"].([]any)) != 1 {
		t.Errorf("alone, and shared by %v", a["services"])
	}
	for _, bad := range []string{`{}`, `{"cluster": "prod", "service": "api", "requests_per_second": -1, "per_task": 1}`,
		`{"cluster": "prod", "service": "api", "requests_per_second": 1}`, `{"cluster": "prod", "service": "api", "backlog": 5}`} {
		if status, _ := steer(t, s, "POST", "load", bad); status != 400 {
			t.Errorf("load %s: %d", bad, status)
		}
	}
}
