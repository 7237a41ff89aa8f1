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
	// Drain says whether a warned task is taken out of its target groups before it ends.
	Drain Drain `json:"drain,omitempty"`
	// DrainBefore is how long before its end a warned task is drained at the latest.
	DrainBefore time.Duration `json:"drain_before,omitempty"`
}

// Drain says what is done with the targets of warned tasks.
type Drain string

// Drain modes. The zero value is off.
const (
	DrainOff  Drain = ""
	DrainLate Drain = "late"
)

// TaskPhase is where a task is in its life, as far as deciding needs to know.
type TaskPhase string

// Task phases. A task whose desired status is STOPPED is Leaving whatever it still does.
const (
	// Provisioning: the task exists; nothing shows yet that capacity was granted.
	Provisioning TaskPhase = "provisioning"
	// Placed: PENDING, ACTIVATING, or a network interface is attached: capacity was granted.
	Placed TaskPhase = "placed"
	// Running is status RUNNING with desired status RUNNING.
	Running TaskPhase = "running"
	// Leaving is desired status STOPPED: under interruption notice, scaled in, or stopping.
	Leaving TaskPhase = "leaving"
)

// Health is what target groups and container health checks say of a task.
type Health string

// Health values. The zero value means that nothing was read.
const (
	HealthUnread   Health = ""
	HealthReady    Health = "ready"
	HealthNotReady Health = "not_ready"
)

// Task is one task of a pool as it was listed.
type Task struct {
	// ID is the task's ARN or its last part; the same task always has the same ID.
	ID    string    `json:"id"`
	Phase TaskPhase `json:"phase"`
	// Health counts in a pool with [PoolObservation.HealthBased] only.
	Health Health `json:"health,omitempty"`
	// Works is set for a Leaving task that still serves: its containers run, and its target, where it has one,
	// is registered and healthy.
	Works bool `json:"works,omitempty"`
	// EndsAt is when a Leaving task is killed at the latest; zero when unknown.
	EndsAt time.Time `json:"ends_at,omitzero"`
	// Revision names the deployment the task belongs to; empty when unknown.
	Revision  string    `json:"revision,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// StartedAt is when the task became RUNNING; zero before that.
	StartedAt time.Time `json:"started_at,omitzero"`
	// Protected reports whether the task has scale-in protection.
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
	ErrTimeout   ErrorKind = "timeout"
	ErrInvalid   ErrorKind = "invalid"
	ErrUnknown   ErrorKind = "unknown"
)

// Scaling is what Application Auto Scaling holds for a pool's service.
type Scaling struct {
	// Known is false when it was not looked at in this pass.
	Known bool `json:"known"`
	// Present reports whether a scalable target exists.
	Present bool `json:"present,omitempty"`
	Min     int  `json:"min,omitempty"`
	Max     int  `json:"max,omitempty"`
	// SuspendedIn, SuspendedOut and SuspendedScheduled mirror the target's SuspendedState.
	SuspendedIn        bool `json:"suspended_in,omitempty"`
	SuspendedOut       bool `json:"suspended_out,omitempty"`
	SuspendedScheduled bool `json:"suspended_scheduled,omitempty"`
}

// Revision is one revision of a service that has tasks, and the share of production traffic it carries.
type Revision struct {
	ID string `json:"id"`
	// Share of production traffic, 0 to 1. In a rolling deployment every revision has 1: all carry traffic.
	Share float64 `json:"share"`
	// Unread is set when the share could not be read.
	Unread bool `json:"unread,omitempty"`
	// Deploying marks the revision that a deployment in progress brings up.
	Deploying bool `json:"deploying,omitempty"`
}

// PoolObservation is one look at one pool. It may be stale (ECS reads are eventually consistent) and is
// never trusted to be complete.
type PoolObservation struct {
	Pool string `json:"pool"`
	// Err is set when the pool could not be read; every other field is then meaningless.
	Err ErrorKind `json:"err,omitempty"`
	// ErrText is the adapter's error text, for people.
	ErrText string `json:"err_text,omitempty"`
	// Answered is set for a pool that could not be read though AWS answered: its counts were read, its tasks were not.
	Answered bool `json:"answered,omitempty"`
	// Gone is set, beside Err not_found, when AWS says definitely that the service is not there: INACTIVE, MISSING or
	// ClusterNotFound.
	Gone string `json:"gone,omitempty"`

	// Draining is set for a service that is being deleted: its tasks run on for a while, and its count says nothing of what is wanted.
	Draining bool `json:"draining,omitempty"`

	// Desired, RunningCount and PendingCount are the service's own counts. RunningCount may still
	// contain tasks that are under interruption notice.
	Desired      int `json:"desired"`
	RunningCount int `json:"running_count"`
	PendingCount int `json:"pending_count"`

	// Listed is set when Tasks was filled. Tasks then holds every task whose desired status is RUNNING, and
	// those that are leaving as far as they were read.
	Listed bool   `json:"listed,omitempty"`
	Tasks  []Task `json:"tasks,omitempty"`
	// Steady counts tasks that were left out of Tasks because all that matters of them is that they are in service:
	// for [Policy.SteadyAfter] or longer. Callers that take millions of decisions save the visit; others leave it at 0.
	Steady int `json:"steady,omitempty"`

	// HealthBased reports whether target groups or container health checks say when a task of this pool is ready. Without
	// them a task is ready once it has been RUNNING for ready_after.
	HealthBased bool `json:"health_based,omitempty"`
	// HealthErr is set when health had to be read and could not be.
	HealthErr ErrorKind `json:"health_err,omitempty"`
	// OutOfTraffic is set for a load-balanced pool without a target group that has listener weight now.
	OutOfTraffic bool `json:"out_of_traffic,omitempty"`
	// Revisions lists the revisions that have tasks; empty when there is but one or it was not read.
	Revisions []Revision `json:"revisions,omitempty"`

	// Current is the primary deployment's id; empty when unknown.
	Current string `json:"current,omitempty"`
	// TaskDefinition is the primary deployment's task definition ARN.
	TaskDefinition string `json:"task_definition,omitempty"`
	// Deploying reports whether a deployment is in progress; DeployingSince is when it was created.
	Deploying      bool      `json:"deploying,omitempty"`
	DeployingSince time.Time `json:"deploying_since,omitzero"`
	// DeployFailed reports whether the primary deployment's rolloutState is FAILED.
	DeployFailed bool `json:"deploy_failed,omitempty"`
	// HookSince is since when a deployment has waited for a lifecycle hook; zero when it does not.
	HookSince time.Time `json:"hook_since,omitzero"`
	// MayTake is the share of the desired count, 0 to 1, that a deployment in progress may stop of its own accord:
	// 1 less minimumHealthyPercent.
	MayTake float64 `json:"may_take,omitempty"`
	// HeldDemand is the value of the service's tag backstop:demand: what was wanted when its count was taken down. 0: no tag.
	HeldDemand int `json:"held_demand,omitempty"`
	// Mixed names the capacity providers of a service whose strategy has several: its count says nothing of what runs where.
	Mixed string `json:"mixed,omitempty"`
	// Form is what the service is, in fields by AWS's names with a few characters each: twins have the same. Nil: not known. It is compared
	// before a decision, which is told the outcome.
	Form map[string]string `json:"-"`
	// Differs names, by AWS's names, in what the service is not as the first readable one of the workload in its region and account, so that cover there
	// would serve nothing or something else.
	Differs string `json:"differs,omitempty"`
	// Unexpected says what AWS did with the pool's service that contradicts docs/aws-assumptions.md, each with the row's number in front: "A10: ...".
	Unexpected []string `json:"unexpected,omitempty"`
	// HeldBy is the other installation that, by the same tag, holds the count down; empty: none does, or this one.
	HeldBy string `json:"held_by,omitempty"`

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
