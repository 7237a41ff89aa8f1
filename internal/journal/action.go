package journal

import (
	"encoding/json"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Actions is a list of actions that can be written as JSON: each becomes an object with a "type" beside
// the action's own fields.
type Actions []failover.Action

// The tags of the actions as they are stored. They are part of the journal's format.
const (
	typeSetDesiredCount    = "set_desired_count"
	typeParkScaling        = "park_scaling"
	typeRestoreScaling     = "restore_scaling"
	typeSyncTaskDefinition = "sync_task_definition"
	typeStopTask           = "stop_task"
	typeHoldDemand         = "hold_demand"
	typeDrainTask          = "drain_task"
)

// Type returns the tag of an action: set_desired_count, park_scaling, restore_scaling,
// sync_task_definition, stop_task, hold_demand or drain_task; "" for nil.
func Type(a failover.Action) string {
	switch a.(type) {
	case failover.SetDesiredCount:
		return typeSetDesiredCount
	case failover.ParkScaling:
		return typeParkScaling
	case failover.RestoreScaling:
		return typeRestoreScaling
	case failover.SyncTaskDefinition:
		return typeSyncTaskDefinition
	case failover.StopTask:
		return typeStopTask
	case failover.HoldDemand:
		return typeHoldDemand
	case failover.DrainTask:
		return typeDrainTask
	}
	return ""
}

// Pool returns the name of the pool an action changes; "" for nil.
func Pool(a failover.Action) string {
	if a == nil {
		return ""
	}
	return failover.ActionPool(a)
}

// MarshalAction writes one action with its tag; nil becomes null.
func MarshalAction(a failover.Action) ([]byte, error) {
	switch a := a.(type) {
	case nil:
		return []byte("null"), nil
	case failover.SetDesiredCount:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.SetDesiredCount
		}{typeSetDesiredCount, a})
	case failover.ParkScaling:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.ParkScaling
		}{typeParkScaling, a})
	case failover.RestoreScaling:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.RestoreScaling
		}{typeRestoreScaling, a})
	case failover.SyncTaskDefinition:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.SyncTaskDefinition
		}{typeSyncTaskDefinition, a})
	case failover.StopTask:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.StopTask
		}{typeStopTask, a})
	case failover.HoldDemand:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.HoldDemand
		}{typeHoldDemand, a})
	case failover.DrainTask:
		return json.Marshal(struct {
			Type string `json:"type"`
			failover.DrainTask
		}{typeDrainTask, a})
	}
	return nil, fmt.Errorf("write action: type %T is not known to the journal", a)
}

// UnmarshalAction reads what MarshalAction writes.
func UnmarshalAction(b []byte) (failover.Action, error) {
	var tag *struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &tag); err != nil {
		return nil, fmt.Errorf("read action: %w", err)
	}
	if tag == nil {
		return nil, nil
	}
	switch tag.Type {
	case typeSetDesiredCount:
		return decode[failover.SetDesiredCount](b)
	case typeParkScaling:
		return decode[failover.ParkScaling](b)
	case typeRestoreScaling:
		return decode[failover.RestoreScaling](b)
	case typeSyncTaskDefinition:
		return decode[failover.SyncTaskDefinition](b)
	case typeStopTask:
		return decode[failover.StopTask](b)
	case typeHoldDemand:
		return decode[failover.HoldDemand](b)
	case typeDrainTask:
		return decode[failover.DrainTask](b)
	}
	return nil, fmt.Errorf("read action: type %q is not known", tag.Type)
}

func decode[A failover.Action](b []byte) (failover.Action, error) {
	var a A
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("read action: %w", err)
	}
	return a, nil
}

// MarshalJSON writes every action with its tag.
func (as Actions) MarshalJSON() ([]byte, error) {
	raw := make([]json.RawMessage, len(as))
	for i, a := range as {
		b, err := MarshalAction(a)
		if err != nil {
			return nil, err
		}
		raw[i] = b
	}
	return json.Marshal(raw)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (as *Actions) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return fmt.Errorf("read actions: %w", err)
	}
	*as = nil
	for _, r := range raw {
		a, err := UnmarshalAction(r)
		if err != nil {
			return err
		}
		*as = append(*as, a)
	}
	return nil
}
