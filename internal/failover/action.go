package failover

// Action is a change to make to a pool. Every action is absolute: doing it twice is harmless. The unexported method
// seals the set; the types in this file are all there are.
type Action interface{ pool() string }

// ActionPool returns the name of the pool an action is about.
func ActionPool(a Action) string { return a.pool() }

// SetDesiredCount sets the desired count of a pool's service.
type SetDesiredCount struct {
	Pool  string `json:"pool"`
	Count int    `json:"count"`
	// From is the count that was observed, for people and for the journal.
	From int `json:"from"`
}

// HoldDemand writes the workload's demand as the tag backstop:demand on a pool's service before its count is taken below
// the demand, so that a lost state or a second installation can tell what is wanted. Demand 0 removes the tag.
type HoldDemand struct {
	Pool   string `json:"pool"`
	Demand int    `json:"demand"`
}

// ParkScaling suspends the policies of a pool's scalable target and sets its bounds to [0, Max] in the same call, so that
// Application Auto Scaling does not lift the service again. Its scheduled actions go on: what they make of the bounds is read, kept
// and put back. The target is never deregistered.
type ParkScaling struct {
	Pool string `json:"pool"`
	Max  int    `json:"max"`
	// SuspendedScheduled is as it is: whoever suspended scheduled scaling did so for reasons of their own.
	SuspendedScheduled bool `json:"suspended_scheduled,omitempty"`
}

// RestoreScaling puts a scalable target's original bounds and suspensions back.
type RestoreScaling struct {
	Pool    string  `json:"pool"`
	Scaling Scaling `json:"scaling"`
}

// SyncTaskDefinition makes a pool's service run the given task definition.
type SyncTaskDefinition struct {
	Pool           string `json:"pool"`
	TaskDefinition string `json:"task_definition"`
}

// StopTask stops one task that never came into service, so that ECS tries another.
type StopTask struct {
	Pool string `json:"pool"`
	Task string `json:"task"`
}

// DrainTask takes one warned task out of its target groups.
type DrainTask struct {
	Pool string `json:"pool"`
	Task string `json:"task"`
}

func (a SetDesiredCount) pool() string    { return a.Pool }
func (a HoldDemand) pool() string         { return a.Pool }
func (a ParkScaling) pool() string        { return a.Pool }
func (a RestoreScaling) pool() string     { return a.Pool }
func (a SyncTaskDefinition) pool() string { return a.Pool }
func (a StopTask) pool() string           { return a.Pool }
func (a DrainTask) pool() string          { return a.Pool }
