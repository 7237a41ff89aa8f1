package sandbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

var scalingOperations = map[string]operation{
	"RegisterScalableTarget":    op((*Sandbox).registerScalableTarget),
	"DescribeScalableTargets":   op((*Sandbox).describeScalableTargets),
	"DeregisterScalableTarget":  op((*Sandbox).deregisterScalableTarget),
	"PutScalingPolicy":          op((*Sandbox).putScalingPolicy),
	"DescribeScalingPolicies":   op((*Sandbox).describeScalingPolicies),
	"DeleteScalingPolicy":       op((*Sandbox).deleteScalingPolicy),
	"PutScheduledAction":        op((*Sandbox).putScheduledAction),
	"DescribeScheduledActions":  op((*Sandbox).describeScheduledActions),
	"DeleteScheduledAction":     op((*Sandbox).deleteScheduledAction),
	"DescribeScalingActivities": op((*Sandbox).describeScalingActivities),
	"TagResource":               op(tagTarget),
	"UntagResource":             op(untagTarget),
	"ListTagsForResource":       op(listTagsOfTarget),
}

// Limits of Application Auto Scaling, as far as they matter here.
const (
	scalingPageMax   = 50
	policiesMax      = 50  // for each target
	actionsMax       = 200 // for each target
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

func (p suspendedState) model() scaler.Suspension {
	return scaler.Suspension{In: p.DynamicScalingInSuspended, Out: p.DynamicScalingOutSuspended, Scheduled: p.ScheduledScalingSuspended}
}

// scalableTarget is a target as DescribeScalableTargets shows it. The bounds that hold are the scaler's.
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
	tags     map[string]string
	policies []*scalingPolicy
	actions  []*scheduledAction
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
	Tags map[string]string // of a new target; TagResource is for one that is there
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
		CreationTime: epoch(c.now), ref: ref, tags: in.Tags}
	if err := checkScalingTags(in.Tags); err != nil {
		return nil, err
	}
	if old != nil {
		*t = *s.described(old)
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
	err = s.scaler.Register(s.world, scaler.Target{Ref: ref, Min: t.MinCapacity, Max: t.MaxCapacity, Suspended: t.SuspendedState.model()})
	if err != nil {
		return nil, err
	}
	return map[string]string{"ScalableTargetARN": t.ScalableTargetARN}, nil
}

// described is a target with the bounds that hold now: a scheduled action may have changed them.
func (s *Sandbox) described(t *scalableTarget) *scalableTarget {
	shown := *t
	if now, ok := s.scaler.Target(t.ref); ok {
		shown.MinCapacity, shown.MaxCapacity = now.Min, now.Max
	}
	return &shown
}

type describeTargetsInput struct {
	ServiceNamespace  string
	ResourceIds       []string
	ScalableDimension string
	MaxResults        int
	NextToken         string
	ResourceId        string // of all but DescribeScalableTargets
	PolicyNames       []string

	ScheduledActionNames []string
}

type targetsOutput struct {
	ScalableTargets []*scalableTarget
	NextToken       string `json:",omitempty"`
}

// resources returns the ids of the region's targets that are wanted, a page of them.
func (s *Sandbox) resources(c *call, in *describeTargetsInput) (ids []string, next string, err error) {
	if err := checkScalingNames(in.ServiceNamespace, in.ScalableDimension); err != nil {
		return nil, "", err
	}
	switch {
	case in.ServiceNamespace != scalingNamespace:
		return nil, "", nil
	case in.ScalableDimension != "" && in.ScalableDimension != scalingDimension:
		return nil, "", scalingInvalid("Unsupported service namespace, resource type or scalable dimension: ecs has %s", scalingDimension)
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
		out.ScalableTargets = append(out.ScalableTargets, s.described(s.targets[targetKey{c.region, id}]))
	}
	return out, nil
}

// scalableTargetOf finds the target that a call names.
func (s *Sandbox) scalableTargetOf(c *call, namespace, resource, dimension string) (*scalableTarget, error) {
	if _, err := scalingRef(c, namespace, resource, dimension); err != nil {
		return nil, err
	}
	t := s.targets[targetKey{c.region, resource}]
	if t == nil {
		return nil, refuse("ObjectNotFoundException", "No scalable target registered for service namespace: ecs, resource ID: %s, scalable dimension: %s", clip(resource), scalingDimension)
	}
	return t, nil
}

// deregisterScalableTarget deletes the target's policies and scheduled actions with it, as AWS does.
func (s *Sandbox) deregisterScalableTarget(c *call, in *scalingInput) (empty, error) {
	t, err := s.scalableTargetOf(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return empty{}, err
	}
	delete(s.targets, targetKey{c.region, in.ResourceId})
	s.scaler.Deregister(t.ref)
	return empty{}, nil
}

type scalingActivity struct {
	ActivityId        string
	ServiceNamespace  string
	ResourceId        string
	ScalableDimension string
	Description       string
	Cause             string
	StartTime         float64
	EndTime           float64
	StatusCode        string
	StatusMessage     string
}

func (s *Sandbox) describeScalingActivities(c *call, in *describeTargetsInput) (map[string]any, error) {
	ids, next, err := s.resources(c, in)
	if err != nil {
		return nil, err
	}
	activities := []scalingActivity{}
	for _, id := range ids {
		for _, a := range s.scaler.Activities(s.targets[targetKey{c.region, id}].ref) {
			activities = append(activities, s.activity(id, a))
		}
	}
	slices.SortStableFunc(activities, func(a, b scalingActivity) int { return cmp.Compare(b.StartTime, a.StartTime) })
	return paged(map[string]any{"ScalingActivities": activities}, next), nil
}

// epoch is a time as AWS's JSON has it: seconds with their fraction; 0 (left out) for no time.
func epoch(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
