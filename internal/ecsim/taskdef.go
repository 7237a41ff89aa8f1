package ecsim

import "time"

// FailMode says how tasks of a task definition or a service fail. None of these is a Spot shortage.
type FailMode uint8

// The ways to fail, in the order of a task's life.
const (
	FailNone        FailMode = iota
	FailImagePull            // CannotPullContainerError while PENDING
	FailSecrets              // ResourceInitializationError while PENDING
	FailNetwork              // no network interface while PROVISIONING
	FailExit                 // the essential container exits soon after RUNNING
	FailHealthCheck          // RUNNING, then stopped because load balancer health checks fail
)

// The size of a task definition that names none.
const (
	DefaultCPU    = 256 // units
	DefaultMemory = 512 // MiB
)

// TaskDefinitionInput is a RegisterTaskDefinition call, as far as the model cares.
type TaskDefinitionInput struct {
	Family       string
	CPU, Memory  int           // CPU units and MiB; 0: DefaultCPU and DefaultMemory
	Arch         string        // X86_64 (default) or ARM64
	StopTimeout  time.Duration // 0: the default of Config; at most 120 s
	OnSIGTERM    Behaviour
	Broken       FailMode
	WarmUp       WarmUp          // zero: Config's; a negative P50: none
	HealthCheck  *ContainerCheck // nil: none
	NeverHealthy bool            // its tasks run and never answer
	Program      Program
	Container    string // name of the essential container; default "app"
	Image        string
	Tags         []Tag
	Raw          []byte // opaque to the model, given back by DescribeTaskDefinition
}

// Program is what the essential container of a task does: it ends by itself so long after RUNNING, with an exit code. The zero value runs until it is
// stopped.
type Program struct {
	Runs   time.Duration
	Exit   int
	Prints []Print
}

// Print is a line that a program writes, so long after RUNNING.
type Print struct {
	After time.Duration
	Text  string
}

// TaskDefinition is one registered revision.
type TaskDefinition struct {
	ARN          string
	Family       string
	Revision     int
	Status       string // ACTIVE or INACTIVE
	CPU, Memory  int
	Arch         string
	StopTimeout  time.Duration
	OnSIGTERM    Behaviour
	Broken       FailMode
	WarmUp       WarmUp
	HealthCheck  *ContainerCheck
	NeverHealthy bool
	Program      Program
	Container    string
	Image        string
	CreatedAt    time.Time
	Tags         []Tag
	Raw          []byte
}
