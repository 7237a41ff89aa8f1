package failover

// Action is a change to make. Every action is absolute: doing it twice is harmless. The unexported method
// seals the set; the types in this file are all there are.
type Action interface{ action() }

// SetDesiredCount sets the desired count of a pool's service.
type SetDesiredCount struct {
	Pool  string `json:"pool"`
	Count int    `json:"count"`
	// From is the count that was observed, for people and for the journal.
	From int `json:"from"`
}

// ParkScaling suspends a pool's scalable target and sets its bounds to [0, Max] in the same call, so that
// Application Auto Scaling does not lift the service again. The target is never deregistered.
type ParkScaling struct {
	Pool string `json:"pool"`
	Max  int    `json:"max"`
}

// RestoreScaling puts a scalable target's original bounds and suspensions back.
type RestoreScaling struct {
	Pool    string  `json:"pool"`
	Scaling Scaling `json:"scaling"`
}

// SyncTaskDefinition makes a pool's service run the same task definition as the owner's.
type SyncTaskDefinition struct {
	Pool           string `json:"pool"`
	TaskDefinition string `json:"task_definition"`
}

// StopTask stops one task that never got started (stuck before RUNNING), so that ECS tries another.
type StopTask struct {
	Pool string `json:"pool"`
	Task string `json:"task"`
}

func (SetDesiredCount) action()    {}
func (ParkScaling) action()        {}
func (RestoreScaling) action()     {}
func (SyncTaskDefinition) action() {}
func (StopTask) action()           {}
