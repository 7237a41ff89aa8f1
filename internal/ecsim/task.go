package ecsim

import "time"

// Status is a task's lastStatus or desiredStatus, in ECS's words.
type Status string

// The life of a task, in order.
const (
	Provisioning   Status = "PROVISIONING"
	Pending        Status = "PENDING"
	Activating     Status = "ACTIVATING"
	Running        Status = "RUNNING"
	Deactivating   Status = "DEACTIVATING"
	Stopping       Status = "STOPPING"
	Deprovisioning Status = "DEPROVISIONING"
	Stopped        Status = "STOPPED"
)

// Stop codes (TaskStopCode of the ECS API).
const (
	StopFailedToStart      = "TaskFailedToStart"
	StopContainerExited    = "EssentialContainerExited"
	StopUser               = "UserInitiated"
	StopScheduler          = "ServiceSchedulerInitiated"
	StopSpot               = "SpotInterruption"
	StopTerminationNotice  = "TerminationNotice"
	StopInfrastructure     = "InfrastructureHealth"
	ReasonSpotInterruption = "Your Spot Task was interrupted."
	ReasonUser             = "Task stopped by user"
	ReasonNoCapacity       = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
)

// Task is a snapshot of one task. Times that have not come are zero.
type Task struct {
	ID                 string // 32 hexadecimal digits
	ARN                string
	Region             string
	Cluster            string // name
	Service            string // name; empty for a task of RunTask
	Group              string // service:NAME or family:FAMILY
	StartedBy          string // ecs-svc/... for a service's task
	TaskDefinition     string // ARN
	CPU, Memory        int    // CPU units (1024 = one vCPU) and MiB
	Arch               string // X86_64 or ARM64
	Provider           string // FARGATE or FARGATE_SPOT; empty when started by launch type
	Zone               string // empty until placed
	LastStatus         Status
	DesiredStatus      Status // RUNNING or STOPPED
	Version            int
	CreatedAt          time.Time
	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	StartedAt          time.Time
	StoppingAt         time.Time
	ExecutionStoppedAt time.Time
	StoppedAt          time.Time
	UpdatedAt          time.Time
	StopCode           string
	StoppedReason      string
	ExitCode           int    // of the essential container
	Exited             bool   // whether ExitCode is known
	ContainerReason    string // of the container, e.g. CannotPullContainerError
	Protected          bool
	ProtectedUntil     time.Time
	Address            uint32       // private IPv4 address, from PENDING on; 0: none (see PrivateIP)
	Health             HealthStatus // of the container health check; empty without one
	Tags               []Tag
	Said               string // as in RunTaskInput
}

// PrivateIP returns the task's private IPv4 address, or "" before it has one.
func (t *Task) PrivateIP() string {
	if t.Address == 0 {
		return ""
	}
	return formatIP(t.Address)
}

// ListTasksInput selects tasks of one cluster. Empty fields select all.
type ListTasksInput struct {
	Cluster       string
	Service       string
	Family        string
	StartedBy     string
	DesiredStatus Status // RUNNING (the default) also gives tasks not yet running; STOPPED those of the last hour; PENDING none
}

// RunTaskInput is a RunTask call. Count is 1..10.
type RunTaskInput struct {
	Cluster        string
	TaskDefinition string // family, family:revision or ARN
	Count          int
	Strategy       []StrategyItem // empty: on-demand by launch type
	Zones          []string       // from the subnets; empty: the region's a, b and c
	Group          string         // default family:FAMILY
	StartedBy      string
	Tags           []Tag
	Program        *Program // in place of the task definition's
	Said           string   // what else a task is shown with; the model only keeps it
}

// Failure is one entry of an answer's failures[], which comes with HTTP 200.
type Failure struct {
	ARN    string
	Reason string // MISSING, or a sentence
	Detail string
}

// Protection is a task's scale-in protection.
type Protection struct {
	TaskARN string
	Enabled bool
	Expires time.Time
}
