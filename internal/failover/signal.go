package failover

import "time"

// SignalKind is what one event, or one stopped task found by listing, says.
type SignalKind string

// Signal kinds. Which AWS event becomes which kind is the business of package ecsevent.
const (
	// SignalInterruption: AWS takes a Spot task back (the two-minute warning, or the stop).
	SignalInterruption SignalKind = "interruption"
	// SignalInfrastructure: AWS stopped a task for reasons of its own (infrastructure health, retirement, maintenance), or
	// for a reason that is not known.
	SignalInfrastructure SignalKind = "infrastructure_stop"
	// SignalPlacementFailure: the service scheduler could not place a task on this pool's provider.
	SignalPlacementFailure SignalKind = "placement_failure"
	// SignalCapacityStop: a task that was created but never started for want of capacity.
	SignalCapacityStop SignalKind = "capacity_stop"
	// SignalQuota: a placement failure whose service event names a quota.
	SignalQuota SignalKind = "quota_reached"
	// SignalRunning: a task is RUNNING and meant to stay so.
	SignalRunning SignalKind = "task_running"
	// SignalApplicationStop: a task stopped for a reason of its own (exit, image, secrets).
	SignalApplicationStop SignalKind = "application_stop"
	// SignalUnhealthyStop: ECS stopped a task because its health checks failed.
	SignalUnhealthyStop SignalKind = "unhealthy_stop"
	// SignalStartImpaired: ECS says that the service's tasks start and stop repeatedly.
	SignalStartImpaired SignalKind = "start_impaired"
	// SignalConfiguration: subnets full, ENI trouble, a role that cannot be assumed: on-demand would fail too.
	SignalConfiguration SignalKind = "configuration_failure"
	// SignalScaleIn: stopped by the scheduler for a scale-in, a deployment or rebalancing.
	SignalScaleIn SignalKind = "scheduler_stop"
	// SignalOperatorStop: stopped by a StopTask call.
	SignalOperatorStop SignalKind = "operator_stop"
	// SignalDeploymentStarted, -Completed and -Failed: an ECS deployment's own life.
	SignalDeploymentStarted   SignalKind = "deployment_started"
	SignalDeploymentCompleted SignalKind = "deployment_completed"
	SignalDeploymentFailed    SignalKind = "deployment_failed"
	// SignalSteadyState: ECS says the service is at its desired count. It also comes at 0 of 0.
	SignalSteadyState SignalKind = "steady_state"
	// SignalThrottled: ECS throttles its own operations for this service.
	SignalThrottled SignalKind = "operation_throttled"
	// SignalProgress: any other change in a known task's life (PENDING, DEPROVISIONING, ...): it only wakes a pass.
	SignalProgress SignalKind = "progress"
)

// Signal is one event, parsed, as evidence. It only adds evidence and wakes a pass early.
type Signal struct {
	// ID is the EventBridge event's id; for a signal read off a listed task, the task's ID.
	ID   string     `json:"id"`
	Kind SignalKind `json:"kind"`
	At   time.Time  `json:"at"`
	// Account, Region, Cluster and Service say where it happened: the ID of the account, empty when it is not known, and
	// names (not ARNs).
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Service string `json:"service,omitempty"`
	// Pool is filled by the caller from Region, Cluster and Service. A signal with no pool is ignored.
	Pool string `json:"pool,omitempty"`
	// Capacity is the provider the event names, empty if it names none.
	Capacity Capacity `json:"capacity,omitempty"`
	// Task is the task's ID; Version its detail.version (0 when the event has none).
	Task    string `json:"task,omitempty"`
	Version int64  `json:"version,omitempty"`
	Zone    string `json:"zone,omitempty"`
	// CreatedAt is when the task was created; zero when the event does not say.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// StartedAt is when the task became RUNNING; zero if it never did.
	StartedAt time.Time `json:"started_at,omitzero"`
	// ExitedAt is when the task's containers had stopped; zero while they run.
	ExitedAt time.Time `json:"exited_at,omitzero"`
	// StopCode and StopReason are AWS's own words, kept for people.
	StopCode   string `json:"stop_code,omitempty"`
	StopReason string `json:"stop_reason,omitempty"`
	// Deployment is the ECS deployment's id, where the event has one; of a task, the deployment that started it.
	Deployment string `json:"deployment,omitempty"`
}
