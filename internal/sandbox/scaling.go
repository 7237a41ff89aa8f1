package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

var scalingOperations = map[string]operation{
	"RegisterScalableTarget":    op((*Sandbox).registerScalableTarget),
	"DescribeScalableTargets":   op((*Sandbox).describeScalableTargets),
	"DeregisterScalableTarget":  op((*Sandbox).deregisterScalableTarget),
	"PutScalingPolicy":          op((*Sandbox).putScalingPolicy),
	"DescribeScalingPolicies":   op((*Sandbox).describeScalingPolicies),
	"DeleteScalingPolicy":       op((*Sandbox).deleteScalingPolicy),
	"DescribeScheduledActions":  op((*Sandbox).describeScheduledActions),
	"DescribeScalingActivities": op((*Sandbox).describeScalingActivities),
}

// Limits of Application Auto Scaling, as far as they matter here.
const (
	scalingPageMax   = 50
	policiesMax      = 50 // for each target
	scalableTargets  = 5000
	scalingNamespace = "ecs"
	scalingDimension = "ecs:service:DesiredCount"
)

type targetKey struct{ region, resource string }

type suspendedState struct {
	DynamicScalingInSuspended  bool
	DynamicScalingOutSuspended bool
	ScheduledScalingSuspended  bool
}

type scalingPolicy struct {
	PolicyARN                                string
	PolicyName                               string
	ServiceNamespace                         string
	ResourceId                               string
	ScalableDimension                        string
	PolicyType                               string
	TargetTrackingScalingPolicyConfiguration json.RawMessage `json:",omitempty"`
	StepScalingPolicyConfiguration           json.RawMessage `json:",omitempty"`
	CreationTime                             float64
	Alarms                                   []empty
}

type scalableTarget struct {
	ServiceNamespace  string
	ResourceId        string
	ScalableDimension string
	MinCapacity       int
	MaxCapacity       int
	RoleARN           string
	CreationTime      float64
	SuspendedState    suspendedState
	ScalableTargetARN string

	ref      ecsim.Ref
	policies []*scalingPolicy
}

// registerTargetInput has pointers where absent and zero differ.
type registerTargetInput struct {
	ServiceNamespace  string
	ResourceId        string
	ScalableDimension string
	MinCapacity       *int
	MaxCapacity       *int
	SuspendedState    *struct {
		DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended *bool
	}
}

func scalingInvalid(format string, args ...any) *apiError {
	return refuse("ValidationException", format, args...)
}

// scalingRef reads service/CLUSTER/SERVICE of the one namespace and dimension that ECS services have.
func scalingRef(c *call, namespace, resource, dimension string) (ecsim.Ref, error) {
	if namespace != scalingNamespace || (dimension != "" && dimension != scalingDimension) {
		return ecsim.Ref{}, scalingInvalid("Unsupported service namespace, resource type or scalable dimension: the sandbox knows ecs and %s", scalingDimension)
	}
	parts := strings.Split(resource, "/")
	if len(parts) != 3 || parts[0] != "service" || parts[1] == "" || parts[2] == "" {
		return ecsim.Ref{}, scalingInvalid("Unsupported resource ID: %s", clip(resource))
	}
	return ecsim.Ref{Region: c.region, Cluster: parts[1], Service: parts[2]}, nil
}

// registerScalableTarget has AWS's trap: whatever the call is for, a current desired count outside the bounds
// (the new ones, or the old ones if the call names none) is moved inside.
func (s *Sandbox) registerScalableTarget(c *call, in *registerTargetInput) (map[string]string, error) {
	ref, err := scalingRef(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	key := targetKey{c.region, in.ResourceId}
	old := s.targets[key]
	if old == nil && (in.MinCapacity == nil || in.MaxCapacity == nil) {
		return nil, scalingInvalid("MinCapacity and MaxCapacity are required to register a new scalable target")
	}
	services, _, err := s.world.DescribeServices(ref.Region, ref.Cluster, []string{ref.Service})
	if err != nil || len(services) == 0 || services[0].Status != "ACTIVE" {
		return nil, scalingInvalid("ECS service doesn't exist: %s", clip(in.ResourceId))
	}
	t := &scalableTarget{ServiceNamespace: in.ServiceNamespace, ResourceId: in.ResourceId, ScalableDimension: scalingDimension,
		RoleARN:      "arn:aws:iam::" + s.account() + ":role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
		CreationTime: epoch(c.now), ref: ref}
	if old != nil {
		*t = *old
	} else if len(s.targets) >= scalableTargets {
		return nil, refuse("LimitExceededException", "The sandbox holds %d scalable targets, no more fit", scalableTargets)
	}
	if in.MinCapacity != nil {
		t.MinCapacity = *in.MinCapacity
	}
	if in.MaxCapacity != nil {
		t.MaxCapacity = *in.MaxCapacity
	}
	if t.MinCapacity < 0 || t.MaxCapacity < t.MinCapacity {
		return nil, scalingInvalid("Maximum capacity cannot be less than minimum capacity, and neither may be negative (min %d, max %d)", t.MinCapacity, t.MaxCapacity)
	}
	if p := in.SuspendedState; p != nil {
		set := func(to *bool, from *bool) {
			if from != nil {
				*to = *from
			}
		}
		set(&t.SuspendedState.DynamicScalingInSuspended, p.DynamicScalingInSuspended)
		set(&t.SuspendedState.DynamicScalingOutSuspended, p.DynamicScalingOutSuspended)
		set(&t.SuspendedState.ScheduledScalingSuspended, p.ScheduledScalingSuspended)
	}
	if t.ScalableTargetARN == "" {
		t.ScalableTargetARN = "arn:aws:application-autoscaling:" + c.region + ":" + s.account() + ":scalable-target/" + s.newID()
	}
	s.targets[key] = t
	desired, _, _ := s.world.Counts(ref)
	if inside := min(max(desired, t.MinCapacity), t.MaxCapacity); inside != desired {
		if _, err := s.world.UpdateService(ref, ecsim.UpdateServiceInput{Desired: &inside}); err != nil {
			return nil, err
		}
	}
	return map[string]string{"ScalableTargetARN": t.ScalableTargetARN}, nil
}

type describeTargetsInput struct {
	ServiceNamespace  string
	ResourceIds       []string
	ScalableDimension string
	MaxResults        int
	NextToken         string
	ResourceId        string // of DescribeScalingPolicies
	PolicyNames       []string
}

type targetsOutput struct {
	ScalableTargets []*scalableTarget
	NextToken       string `json:",omitempty"`
}

// resources returns the ids of the region's targets that are wanted, a page of them.
func (s *Sandbox) resources(c *call, in *describeTargetsInput) (ids []string, next string, err error) {
	if in.ServiceNamespace != scalingNamespace {
		if in.ServiceNamespace == "" {
			return nil, "", scalingInvalid("1 validation error detected: Value null at 'serviceNamespace' failed to satisfy constraint: Member must not be null")
		}
		return nil, "", nil
	}
	for key := range s.targets {
		if key.region == c.region && (len(in.ResourceIds) == 0 || slices.Contains(in.ResourceIds, key.resource)) &&
			(in.ResourceId == "" || in.ResourceId == key.resource) {
			ids = append(ids, key.resource)
		}
	}
	slices.Sort(ids)
	size := in.MaxResults
	if size <= 0 || size > scalingPageMax {
		size = scalingPageMax
	}
	ids, next, err = page(ids, size, in.NextToken)
	if err != nil {
		return nil, "", refuse("InvalidNextTokenException", "The next token is not valid")
	}
	return ids, next, nil
}

func (s *Sandbox) describeScalableTargets(c *call, in *describeTargetsInput) (*targetsOutput, error) {
	ids, next, err := s.resources(c, in)
	if err != nil {
		return nil, err
	}
	out := &targetsOutput{ScalableTargets: []*scalableTarget{}, NextToken: next}
	for _, id := range ids {
		out.ScalableTargets = append(out.ScalableTargets, s.targets[targetKey{c.region, id}])
	}
	return out, nil
}

type scalingInput struct {
	ServiceNamespace, ResourceId, ScalableDimension string
	PolicyName, PolicyType                          string
	TargetTrackingScalingPolicyConfiguration        json.RawMessage
	StepScalingPolicyConfiguration                  json.RawMessage
}

func (s *Sandbox) scalingTarget(c *call, in *scalingInput) (*scalableTarget, error) {
	if _, err := scalingRef(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension); err != nil {
		return nil, err
	}
	t := s.targets[targetKey{c.region, in.ResourceId}]
	if t == nil {
		return nil, refuse("ObjectNotFoundException", "No scalable target registered for service namespace: ecs, resource ID: %s, scalable dimension: %s", clip(in.ResourceId), scalingDimension)
	}
	return t, nil
}

// deregisterScalableTarget deletes the target's policies with it, as AWS does.
func (s *Sandbox) deregisterScalableTarget(c *call, in *scalingInput) (empty, error) {
	if _, err := s.scalingTarget(c, in); err != nil {
		return empty{}, err
	}
	delete(s.targets, targetKey{c.region, in.ResourceId})
	return empty{}, nil
}

func (s *Sandbox) putScalingPolicy(c *call, in *scalingInput) (map[string]any, error) {
	t, err := s.scalingTarget(c, in)
	if err != nil {
		return nil, err
	}
	if in.PolicyName == "" {
		return nil, scalingInvalid("1 validation error detected: Value null at 'policyName' failed to satisfy constraint: Member must not be null")
	}
	p := &scalingPolicy{PolicyName: in.PolicyName, ServiceNamespace: in.ServiceNamespace, ResourceId: in.ResourceId, ScalableDimension: scalingDimension,
		PolicyType: in.PolicyType, TargetTrackingScalingPolicyConfiguration: in.TargetTrackingScalingPolicyConfiguration,
		StepScalingPolicyConfiguration: in.StepScalingPolicyConfiguration, CreationTime: epoch(c.now), Alarms: []empty{},
		PolicyARN: "arn:aws:autoscaling:" + c.region + ":" + s.account() + ":scalingPolicy:" + s.newID() + ":resource/ecs/" + in.ResourceId + ":policyName/" + in.PolicyName}
	if p.PolicyType == "" {
		p.PolicyType = "StepScaling"
	}
	if i := slices.IndexFunc(t.policies, func(old *scalingPolicy) bool { return old.PolicyName == p.PolicyName }); i >= 0 {
		p.PolicyARN, p.CreationTime = t.policies[i].PolicyARN, t.policies[i].CreationTime
		t.policies[i] = p
	} else if len(t.policies) >= policiesMax {
		return nil, refuse("LimitExceededException", "A scalable target has at most %d policies here", policiesMax)
	} else {
		t.policies = append(t.policies, p)
	}
	return map[string]any{"PolicyARN": p.PolicyARN, "Alarms": []empty{}}, nil
}

func (s *Sandbox) deleteScalingPolicy(c *call, in *scalingInput) (empty, error) {
	t, err := s.scalingTarget(c, in)
	if err != nil {
		return empty{}, err
	}
	before := len(t.policies)
	t.policies = slices.DeleteFunc(t.policies, func(p *scalingPolicy) bool { return p.PolicyName == in.PolicyName })
	if len(t.policies) == before {
		return empty{}, refuse("ObjectNotFoundException", "No scaling policy found with the name %s", clip(in.PolicyName))
	}
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
	out := map[string]any{"ScalingPolicies": policies}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

func (s *Sandbox) describeScheduledActions(_ *call, _ *empty) (map[string]any, error) {
	return map[string]any{"ScheduledActions": []empty{}}, nil
}

func (s *Sandbox) describeScalingActivities(_ *call, _ *empty) (map[string]any, error) {
	return map[string]any{"ScalingActivities": []empty{}}, nil
}

// epoch is a time as AWS's JSON has it: seconds with their fraction; 0 (left out) for no time.
func epoch(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
