package failover

import "time"

// Capacity names the capacity provider a pool's service runs on.
type Capacity string

// The two Fargate capacity providers.
const (
	Spot     Capacity = "FARGATE_SPOT"
	OnDemand Capacity = "FARGATE"
)

// Pool is one ECS service on one capacity provider in one region, as the operator declared it.
// The order of [Policy.Pools] is the order of preference.
type Pool struct {
	Name     string   `json:"name"`
	Capacity Capacity `json:"capacity"`
	// Tier groups pools of equal preference: pools of one tier share what is missing instead of
	// queueing for it. Tiers are numbered from 0 and never decrease along Policy.Pools.
	Tier int `json:"tier"`
	// Min and Max bound what the pool may be asked for, in tasks. Max 0 means no bound.
	Min int `json:"min,omitempty"`
	Max int `json:"max,omitempty"`
	// TaskHourUSD is the price of one task for one hour in US dollars; 0 when it is not known. It is
	// used for the on-demand budget and in explanations, never to choose between pools.
	TaskHourUSD float64 `json:"task_hour_usd,omitempty"`
}

// TaskPhase says where a task is in its life, as far as deciding needs to know.
type TaskPhase string

// Task phases. A task whose desired status is STOPPED is Leaving whatever it still does.
const (
	// Starting is any status before RUNNING with desired status RUNNING.
	Starting TaskPhase = "starting"
	// Running is status RUNNING with desired status RUNNING.
	Running TaskPhase = "running"
	// Leaving is desired status STOPPED: under interruption notice, scaled in, or stopping.
	Leaving TaskPhase = "leaving"
)

// Task is one task of a pool as it was listed.
type Task struct {
	// ID is the task's ARN or its last part; the same task always has the same ID.
	ID    string    `json:"id"`
	Phase TaskPhase `json:"phase"`
	// Zone is the availability zone, empty when unknown.
	Zone      string    `json:"zone,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// StartedAt is when the task became RUNNING; zero before that.
	StartedAt time.Time `json:"started_at,omitzero"`
	// Protected says that the task has scale-in protection.
	Protected bool `json:"protected,omitempty"`
}

// ErrorKind classifies why a pool could not be read or changed.
type ErrorKind string

// Error kinds. They are the adapters' classification of AWS error codes.
const (
	ErrNone      ErrorKind = ""
	ErrThrottled ErrorKind = "throttled"
	ErrDenied    ErrorKind = "denied"
	ErrNotFound  ErrorKind = "not_found"
	ErrConflict  ErrorKind = "conflict"
	ErrCapacity  ErrorKind = "capacity"
	ErrTimeout   ErrorKind = "timeout"
	ErrInvalid   ErrorKind = "invalid"
	ErrUnknown   ErrorKind = "unknown"
)

// Scaling is what Application Auto Scaling holds for a pool's service.
type Scaling struct {
	// Known is false when it was not looked at in this pass.
	Known bool `json:"known"`
	// Present says that a scalable target exists.
	Present bool `json:"present,omitempty"`
	Min     int  `json:"min,omitempty"`
	Max     int  `json:"max,omitempty"`
	// SuspendedIn, SuspendedOut and SuspendedScheduled mirror the target's SuspendedState.
	SuspendedIn        bool `json:"suspended_in,omitempty"`
	SuspendedOut       bool `json:"suspended_out,omitempty"`
	SuspendedScheduled bool `json:"suspended_scheduled,omitempty"`
}

// PoolObservation is one look at one pool. It may be stale (ECS reads are eventually consistent) and is
// never trusted to be complete.
type PoolObservation struct {
	Pool string `json:"pool"`
	// Err is set when the pool could not be read; every other field is then meaningless.
	Err ErrorKind `json:"err,omitempty"`
	// ErrText is the adapter's error text, for people.
	ErrText string `json:"err_text,omitempty"`
	// Answered says of a pool that could not be read that AWS answered all the same: its counts were read, its tasks were not.
	Answered bool `json:"answered,omitempty"`

	// Desired, RunningCount and PendingCount are the service's own counts. RunningCount may still
	// contain tasks that are under interruption notice.
	Desired      int `json:"desired"`
	RunningCount int `json:"running_count"`
	PendingCount int `json:"pending_count"`

	// Listed says that Tasks was filled. Tasks then holds every task whose desired status is RUNNING.
	Listed bool   `json:"listed,omitempty"`
	Tasks  []Task `json:"tasks,omitempty"`
	// Steady counts tasks that were left out of Tasks because all that matters of them is that they run:
	// RUNNING for [Policy.SteadyAfter] or longer, under no notice, in a pool whose breaker is closed.
	// Callers that take millions of decisions save the visit; others leave it at 0.
	Steady int `json:"steady,omitempty"`

	// TaskDefinition is the primary deployment's task definition ARN.
	TaskDefinition string `json:"task_definition,omitempty"`
	// Deploying says that a deployment is in progress (PRIMARY rolloutState IN_PROGRESS with another
	// deployment still ACTIVE, or a blue/green one); DeployingSince is when it was created.
	Deploying      bool      `json:"deploying,omitempty"`
	DeployingSince time.Time `json:"deploying_since,omitzero"`
	// DeployFailed says that the primary deployment's rolloutState is FAILED.
	DeployFailed bool `json:"deploy_failed,omitempty"`

	Scaling Scaling `json:"scaling,omitzero"`
}

// Observation is one look at a whole workload: the pools in the order of [Policy.Pools], and the
// signals that arrived since the last pass.
type Observation struct {
	// At is the time of the look, by the clock that stamps the tasks (AWS's).
	At      time.Time         `json:"at"`
	Pools   []PoolObservation `json:"pools"`
	Signals []Signal          `json:"signals,omitempty"`
}
