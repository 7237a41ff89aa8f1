package sandbox

import (
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/scaler"
)

// scheduledAction is an action as DescribeScheduledActions shows it.
type scheduledAction struct {
	ScheduledActionName  string
	ScheduledActionARN   string
	ServiceNamespace     string
	Schedule             string
	Timezone             string `json:",omitempty"`
	ResourceId           string
	ScalableDimension    string
	StartTime            float64 `json:",omitempty"`
	EndTime              float64 `json:",omitempty"`
	ScalableTargetAction actionBounds
	CreationTime         float64
}

type actionBounds struct {
	MinCapacity *int `json:",omitempty"`
	MaxCapacity *int `json:",omitempty"`
}

type scheduledActionInput struct {
	ServiceNamespace, ResourceId, ScalableDimension string
	ScheduledActionName, Schedule, Timezone         string
	StartTime, EndTime                              float64
	ScalableTargetAction                            *actionBounds
}

func (s *Sandbox) putScheduledAction(c *call, in *scheduledActionInput) (empty, error) {
	t, err := s.scalableTargetOf(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return empty{}, err
	}
	if in.ScheduledActionName == "" {
		return empty{}, missingMember("scheduledActionName")
	}
	a := &scheduledAction{ScheduledActionName: in.ScheduledActionName, ServiceNamespace: in.ServiceNamespace, ResourceId: in.ResourceId,
		ScalableDimension: scalingDimension, CreationTime: epoch(c.now),
		ScheduledActionARN: "arn:aws:autoscaling:" + c.region + ":" + s.account() + ":scheduledAction:" + s.newID() + ":resource/ecs/" + in.ResourceId +
			":scheduledActionName/" + in.ScheduledActionName}
	place := slices.IndexFunc(t.actions, func(old *scheduledAction) bool { return old.ScheduledActionName == in.ScheduledActionName })
	if place >= 0 {
		*a = *t.actions[place]
	} else if len(t.actions) >= actionsMax {
		return empty{}, refuse("LimitExceededException", "A scalable target has at most %d scheduled actions", actionsMax)
	}
	a.Schedule, a.Timezone = orDefault(in.Schedule, a.Schedule), orDefault(in.Timezone, a.Timezone)
	a.StartTime, a.EndTime = in.StartTime, in.EndTime // what a later call leaves out is gone, as on AWS
	if in.ScalableTargetAction != nil {
		a.ScalableTargetAction = *in.ScalableTargetAction
	}
	if err := a.check(); err != nil {
		return empty{}, err
	}
	model := scaler.Action{Name: a.ScheduledActionName, Schedule: a.Schedule, Start: fromEpoch(a.StartTime), End: fromEpoch(a.EndTime),
		Min: a.ScalableTargetAction.MinCapacity, Max: a.ScalableTargetAction.MaxCapacity}
	if err := s.scaler.PutAction(s.world.Now(), t.ref, model); err != nil {
		return empty{}, scalingInvalid("Invalid schedule expression: %s", err.Error())
	}
	if place >= 0 {
		t.actions[place] = a
	} else {
		t.actions = append(t.actions, a)
	}
	return empty{}, nil
}

func (a *scheduledAction) check() error {
	low, high := a.ScalableTargetAction.MinCapacity, a.ScalableTargetAction.MaxCapacity
	switch {
	case a.Schedule == "":
		return scalingInvalid("Schedule is required for a new scheduled action")
	case low == nil && high == nil:
		return scalingInvalid("ScalableTargetAction must name MinCapacity or MaxCapacity")
	case low != nil && *low < 0 || high != nil && *high < 0 || low != nil && high != nil && *high < *low:
		return scalingInvalid("Maximum capacity cannot be less than minimum capacity, and neither may be negative")
	case a.Timezone != "" && a.Timezone != "UTC" && a.Timezone != "Etc/UTC":
		return scalingInvalid("The sandbox knows the time zone UTC only (got %s)", clip(a.Timezone))
	}
	return nil
}

func (s *Sandbox) deleteScheduledAction(c *call, in *scheduledActionInput) (empty, error) {
	t, err := s.scalableTargetOf(c, in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return empty{}, err
	}
	before := len(t.actions)
	t.actions = slices.DeleteFunc(t.actions, func(a *scheduledAction) bool { return a.ScheduledActionName == in.ScheduledActionName })
	if len(t.actions) == before {
		return empty{}, refuse("ObjectNotFoundException", "No scheduled action found with the name %s", clip(in.ScheduledActionName))
	}
	s.scaler.DeleteAction(t.ref, in.ScheduledActionName)
	return empty{}, nil
}

func (s *Sandbox) describeScheduledActions(c *call, in *describeTargetsInput) (map[string]any, error) {
	ids, next, err := s.resources(c, in)
	if err != nil {
		return nil, err
	}
	actions := []*scheduledAction{}
	for _, id := range ids {
		for _, a := range s.targets[targetKey{c.region, id}].actions {
			if len(in.ScheduledActionNames) == 0 || slices.Contains(in.ScheduledActionNames, a.ScheduledActionName) {
				actions = append(actions, a)
			}
		}
	}
	return paged(map[string]any{"ScheduledActions": actions}, next), nil
}

func fromEpoch(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}
