package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

type scalingPolicy struct {
	PolicyARN                                string
	PolicyName                               string
	ServiceNamespace                         string
	ResourceId                               string
	ScalableDimension                        string
	PolicyType                               string
	TargetTrackingScalingPolicyConfiguration json.RawMessage `json:",omitempty"`
	StepScalingPolicyConfiguration           json.RawMessage `json:",omitempty"`
	PredictiveScalingPolicyConfiguration     json.RawMessage `json:",omitempty"`
	CreationTime                             float64
	Alarms                                   []alarmRef

	alarm *stepAlarm // of a step scaling policy
}

type scalingInput struct {
	ServiceNamespace, ResourceId, ScalableDimension string
	PolicyName, PolicyType                          string
	TargetTrackingScalingPolicyConfiguration        json.RawMessage
	StepScalingPolicyConfiguration                  json.RawMessage
	PredictiveScalingPolicyConfiguration            json.RawMessage
}

// Types of policies.
const (
	policyTracking   = "TargetTrackingScaling"
	policySteps      = "StepScaling"
	policyPredictive = "PredictiveScaling" // kept, and forecasts nothing
)

func (s *Sandbox) putScalingPolicy(c *call, in *scalingInput) (map[string]any, error) {
	t, err := s.scalableTargetOf(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if in.PolicyName == "" {
		return nil, missingMember("policyName")
	}
	in.PolicyType = orDefault(in.PolicyType, policySteps)
	model, err := in.model(t.ref)
	if err != nil {
		return nil, err
	}
	p := &scalingPolicy{PolicyName: in.PolicyName, ServiceNamespace: in.ServiceNamespace, ResourceId: in.ResourceId, ScalableDimension: scalingDimension,
		PolicyType: in.PolicyType, TargetTrackingScalingPolicyConfiguration: in.TargetTrackingScalingPolicyConfiguration,
		StepScalingPolicyConfiguration: in.StepScalingPolicyConfiguration, PredictiveScalingPolicyConfiguration: in.PredictiveScalingPolicyConfiguration,
		CreationTime: epoch(c.now), Alarms: []alarmRef{},
		PolicyARN: "arn:aws:autoscaling:" + c.region + ":" + s.account() + ":scalingPolicy:" + s.newID() + ":resource/ecs/" + in.ResourceId + ":policyName/" + in.PolicyName}
	if i := slices.IndexFunc(t.policies, func(old *scalingPolicy) bool { return old.PolicyName == p.PolicyName }); i >= 0 {
		p.PolicyARN, p.CreationTime = t.policies[i].PolicyARN, t.policies[i].CreationTime // its alarm goes, as the scaler's does
		t.policies[i] = p
	} else if len(t.policies) >= policiesMax {
		return nil, refuse("LimitExceededException", "A scalable target has at most %d policies here", policiesMax)
	} else {
		t.policies = append(t.policies, p)
	}
	if err := s.scaler.PutPolicy(s.world.Now(), t.ref, model); err != nil {
		return nil, err
	}
	return map[string]any{"PolicyARN": p.PolicyARN, "Alarms": []alarmRef{}}, nil
}

func (s *Sandbox) deleteScalingPolicy(c *call, in *scalingInput) (empty, error) {
	t, err := s.scalableTargetOf(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return empty{}, err
	}
	before := len(t.policies)
	t.policies = slices.DeleteFunc(t.policies, func(p *scalingPolicy) bool { return p.PolicyName == in.PolicyName })
	if len(t.policies) == before {
		return empty{}, refuse("ObjectNotFoundException", "No scaling policy found with the name %s", clip(in.PolicyName))
	}
	s.scaler.DeletePolicy(t.ref, in.PolicyName)
	return empty{}, nil
}

func (s *Sandbox) describeScalingPolicies(c *call, in *describeTargetsInput) (map[string]any, error) {
	ids, next, err := s.resources(c, in)
	if err != nil {
		return nil, err
	}
	policies := []*scalingPolicy{}
	for _, id := range ids {
		for _, p := range s.targets[targetKey{c.region, id}].policies {
			if len(in.PolicyNames) == 0 || slices.Contains(in.PolicyNames, p.PolicyName) {
				policies = append(policies, p)
			}
		}
	}
	return paged(map[string]any{"ScalingPolicies": policies}, next), nil
}

// paged adds the token of a list's next page, if there is one.
func paged(out map[string]any, next string) map[string]any {
	if next != "" {
		out["NextToken"] = next
	}
	return out
}

// model is the policy as the scaler has it.
func (in *scalingInput) model(ref ecsim.Ref) (scaler.Policy, error) {
	p := scaler.Policy{Name: in.PolicyName}
	var err error
	switch in.PolicyType {
	case policyTracking:
		p.Tracking, err = readTracking(in.TargetTrackingScalingPolicyConfiguration, ref)
	case policySteps:
		p.Steps, err = readSteps(in.StepScalingPolicyConfiguration)
	case policyPredictive:
		if !named(in.PredictiveScalingPolicyConfiguration) {
			err = scalingInvalid("PredictiveScalingPolicyConfiguration is required for the policy type %s", policyPredictive)
		}
	default:
		err = scalingInvalid("The sandbox knows the policy types %s, %s and %s (got %s)", policyTracking, policySteps, policyPredictive, clip(in.PolicyType))
	}
	return p, err
}

type metricJSON struct {
	MetricName string
	Namespace  string
	Dimensions []struct{ Name, Value string }
}

type trackingJSON struct {
	TargetValue                   *float64
	ScaleOutCooldown              *int
	ScaleInCooldown               *int
	DisableScaleIn                bool
	PredefinedMetricSpecification *struct {
		PredefinedMetricType string
		ResourceLabel        string
	}
	CustomizedMetricSpecification *struct {
		metricJSON
		Metrics []struct {
			Id         string
			Expression string
			MetricStat *struct{ Metric metricJSON }
		}
	}
}

func readTracking(raw json.RawMessage, ref ecsim.Ref) (*scaler.Tracking, error) {
	var in trackingJSON
	if !named(raw) {
		return nil, scalingInvalid("TargetTrackingScalingPolicyConfiguration is required for the policy type %s", policyTracking)
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, refuse("SerializationException", "%s", serializationMessage(err))
	}
	if in.TargetValue == nil || *in.TargetValue <= 0 {
		return nil, scalingInvalid("TargetValue must be greater than 0")
	}
	if (in.PredefinedMetricSpecification == nil) == (in.CustomizedMetricSpecification == nil) {
		return nil, scalingInvalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be given")
	}
	out := &scaler.Tracking{Value: *in.TargetValue, DisableScaleIn: in.DisableScaleIn, OutCooldown: cooldown(in.ScaleOutCooldown), InCooldown: cooldown(in.ScaleInCooldown)}
	if p := in.PredefinedMetricSpecification; p != nil {
		switch p.PredefinedMetricType {
		case "ECSServiceAverageCPUUtilization":
			out.Metric = scaler.Metric{Kind: scaler.CPU, Name: p.PredefinedMetricType}
		case "ECSServiceAverageMemoryUtilization":
			out.Metric = scaler.Metric{Kind: scaler.Named, Name: p.PredefinedMetricType}
		case "ALBRequestCountPerTarget":
			if p.ResourceLabel == "" {
				return nil, scalingInvalid("ResourceLabel is required for the metric type ALBRequestCountPerTarget")
			}
			out.Metric = scaler.Metric{Kind: scaler.RequestsPerTarget, Name: p.PredefinedMetricType}
		default:
			return nil, scalingInvalid("The metric type %s is not supported for ecs", clip(p.PredefinedMetricType))
		}
		return out, nil
	}
	custom := in.CustomizedMetricSpecification
	metrics := []metricJSON{custom.metricJSON}
	for _, m := range custom.Metrics {
		if m.MetricStat != nil {
			metrics = append(metrics, m.MetricStat.Metric)
		}
	}
	out.Metric = customMetric(metrics, ref)
	return out, nil
}

// customMetric finds out what a metric of a policy's own, or its expression, is about. Expressions are not evaluated: CPU of ECS services is
// the mean over the running tasks of those that the dimensions name, and anything else the backlog per running task of them.
func customMetric(metrics []metricJSON, ref ecsim.Ref) scaler.Metric {
	out := scaler.Metric{Kind: scaler.BacklogPerTask}
	for _, m := range metrics {
		if m.MetricName != "" && out.Name == "" {
			out.Name = m.Namespace + "/" + m.MetricName
		}
		if m.Namespace == "AWS/ECS" && m.MetricName == "CPUUtilization" {
			out.Kind = scaler.CPU
		}
		service := ecsim.Ref{Region: ref.Region, Cluster: ref.Cluster}
		for _, d := range m.Dimensions {
			switch d.Name {
			case "ClusterName":
				service.Cluster = d.Value
			case "ServiceName":
				service.Service = d.Value
			}
		}
		if service.Service != "" && !slices.Contains(out.Services, service) {
			out.Services = append(out.Services, service)
		}
	}
	return out
}

type stepsJSON struct {
	AdjustmentType         string
	MinAdjustmentMagnitude int
	Cooldown               *int
	StepAdjustments        []struct {
		MetricIntervalLowerBound *float64
		MetricIntervalUpperBound *float64
		ScalingAdjustment        int
	}
}

// readSteps reads a step scaling policy. It acts once it has an alarm (POST /_sandbox/alarm).
func readSteps(raw json.RawMessage) (*scaler.Steps, error) {
	var in stepsJSON
	if !named(raw) {
		return nil, scalingInvalid("StepScalingPolicyConfiguration is required for the policy type %s", policySteps)
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, refuse("SerializationException", "%s", serializationMessage(err))
	}
	adjustment, ok := map[string]scaler.Adjustment{"ChangeInCapacity": scaler.ChangeInCapacity, "PercentChangeInCapacity": scaler.PercentChange,
		"ExactCapacity": scaler.ExactCapacity}[in.AdjustmentType]
	if !ok || len(in.StepAdjustments) == 0 {
		return nil, scalingInvalid("AdjustmentType must be ChangeInCapacity, PercentChangeInCapacity or ExactCapacity, and there must be StepAdjustments")
	}
	out := &scaler.Steps{Adjustment: adjustment, MinMagnitude: max(0, in.MinAdjustmentMagnitude), Cooldown: cooldown(in.Cooldown)}
	for _, step := range in.StepAdjustments {
		out.Steps = append(out.Steps, scaler.Step{Lower: step.MetricIntervalLowerBound, Upper: step.MetricIntervalUpperBound, By: step.ScalingAdjustment})
	}
	return out, nil
}

// cooldown reads seconds: left out is the default, and 0 none.
func cooldown(given *int) time.Duration {
	switch {
	case given == nil:
		return 0
	case *given <= 0:
		return -1
	}
	return time.Duration(*given) * time.Second
}

// activity is one line of DescribeScalingActivities.
func (s *Sandbox) activity(resource string, a scaler.Activity) scalingActivity {
	return scalingActivity{ActivityId: fmt.Sprintf("%08x-0000-4000-8000-%012x", s.opts.World.Seed&0xffffffff, a.At.UnixMilli()&0xffffffffffff),
		ServiceNamespace: scalingNamespace, ResourceId: resource, ScalableDimension: scalingDimension,
		Description: fmt.Sprintf("Setting desired count to %d.", a.To), Cause: a.Cause, StartTime: epoch(a.At), EndTime: epoch(a.At), StatusCode: "Successful",
		StatusMessage: fmt.Sprintf("Successfully set desired count to %d. Change successfully fulfilled by ecs.", a.To)}
}
