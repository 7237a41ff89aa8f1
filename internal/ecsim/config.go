package ecsim

import "time"

// Config says which world to build. The zero value is a complete, calm world; New fills every zero field with its default. A
// negative duration or share means "none" where zero means "the default". The notes "A1" and so on are entries of docs/aws-assumptions.md.
type Config struct {
	Seed    uint64    // seeds every random stream
	Start   time.Time // virtual time at the beginning; default 2026-11-02T00:00:00Z
	Account string    // twelve digits; default 123456789012

	StartUp         StartUp            // time from creation to RUNNING (A1)
	ProviderStartUp map[string]StartUp // the same for one capacity provider, by name; a zero field falls back to StartUp
	StopTimeout     time.Duration      // of task definitions that do not set one; default 30 s (A6)
	OnSIGTERM       Behaviour          // of task definitions that do not set one; default UseWarning (A7)
	ObeyTime        time.Duration      // from SIGTERM to exit of a task that obeys; default 1 s (A7)
	DrainTime       time.Duration      // from the containers' exit to STOPPED; default 20 s (A8)

	WarningTime        time.Duration // longest life after an interruption warning; default 120 s (A5)
	UnwarnedShare      float64       // share of interruptions that stop the task with no warning; default 0 (A9)
	WarningForm        WarningForm   // which stopCode the warning carries; default SpotInterruption (A10)
	WarnedNotCounted   bool          // runningCount leaves warned tasks out at once; default false: counted until they exit (A11)
	ReplaceDelay       time.Duration // from a lost task to the scheduler's next look; default 5 s (A12)
	SchedulerDelay     time.Duration // from a call that changes a service to the scheduler's look; default 1 s (A13)
	HealthyAfter       time.Duration // a task without health check counts healthy after this long RUNNING; default 40 s (A14)
	DeploymentSettle   time.Duration // no deployment completes younger than this; default 88 s (A15)
	CompletionLag      time.Duration // from the last healthy task to COMPLETED; default 25 s (A15)
	SteadyRepeat       time.Duration // SERVICE_STEADY_STATE repeats after this long; default 6 h (A16)
	PlacementRetry     Backoff       // after a placement failure; default 60 s, constant (A17)
	FailingRetry       Backoff       // for tasks that stop before RUNNING; default 60 s, doubling, at most 27 min (A18)
	FailuresAllowed    int           // rounds of failing tasks before FailingRetry applies; default 3 (A18)
	ImpairedAfter      int           // rounds of failing tasks before SERVICE_TASK_START_IMPAIRED; default 3 (A37)
	DesiredResets      bool          // a change of the desired count resets both back-offs; default false (A19)
	PlacementSilence   time.Duration // no second SERVICE_TASK_PLACEMENT_FAILURE event of one service within this; default 46 min (A20)
	ShortageNotCounted bool          // placement failures do not feed the deployment circuit breaker; default false: they do (A21)
	ScaleIn            ScaleInPick   // which tasks a scale-in stops; default those that serve, the longest running first (A22)
	SourceNotReplaced  bool          // lost tasks of the older revision of a rolling deployment are not replaced; default false: they are (A61)
	DeferredCleanup    time.Duration // from an early success to the end of the older tasks; default 5 min (A63)
	BlueNotReplaced    bool          // lost tasks of a revision that has lost its traffic are not replaced; default false: they are (A64)
	StageTime          time.Duration // a shift of test or production traffic takes this long; default 10 s (A65)
	StageLimit         time.Duration // a second revision that is not up after this long is rolled back; default 24 h (A65)

	HungShare    float64       // share of launches without capacity that hang in PENDING instead of failing; default 0 (A23)
	HungMean     time.Duration // mean time such a launch hangs; default 8.3 min
	HungMax      time.Duration // longest time such a launch hangs; default 23 min
	HungBacksOff bool          // hung launches count as failing tasks for FailingRetry; default false (A23)

	ServiceLaunches int           // launches a minute and service; default 500 (A24)
	LaunchSpacing   time.Duration // least time between two launches of a service; default 0 (A24)
	LaunchRate      Rate          // launches per region and provider; default burst 100, 20 a second (A25)
	OnDemandVCPU    float64       // Fargate On-Demand vCPU quota per region; default 100,000 (A26)
	SpotVCPU        float64       // Fargate Spot vCPU quota per region; default 100,000 (A26)

	WarmUp             WarmUp             // from RUNNING until the application answers; default none (A47)
	UnhealthyShare     float64            // share 0..1 of tasks whose application never answers; default 0 (A47)
	HungStartShare     float64            // share 0..1 of launches with capacity that never get to RUNNING; default 0 (A48)
	NLBRegistration    time.Duration      // before a Network Load Balancer looks at a new target; default 90 s (A51)
	DeregistrationWait time.Duration      // longest that an orderly stop waits, before SIGTERM, for targets to drain; default 1 h (A53)
	SpotDeregistration SpotDeregistration // what ECS does with the targets of an interrupted task; default nothing (A54)
	RegistersAgain     time.Duration      // ECS registers a target that others took out again after this long; default 0: never (A58)
	ExitKeepsTargets   bool               // the targets of a task whose containers exit of themselves stay until it is STOPPED; default false (A59)
	PutBackServes      bool               // a target that ECS took out at an interruption serves again when registered; default false (A55)

	Delivery    Delivery      // how events travel (A27)
	ReadLag     time.Duration // greatest age of what reads show after a write; default 0: reads are fresh (A28)
	StopLag     time.Duration // greatest time for which reads show a task as it was before StopTask; default 0 (A45)
	KeepStopped time.Duration // how long stopped tasks stay visible; default 1 h (A29)
	Throttle    bool          // Allow enforces the API token buckets; default false: Allow always says yes (A30)
	LeaveOut    EventSet      // events not to produce at all, for speed

	StartShares      StartShares     // how a start-up is divided (A4)
	MinimumBilled    time.Duration   // least billed time of a task; default 60 s (A31)
	EarlyStop        time.Duration   // from the interruption of a task before RUNNING to its stop; default 0: at once (A32)
	Strike           Strike          // which tasks an interruption strikes; default random ones, protected or not (A33)
	ShareMoves       bool            // a provider without capacity hands its share of a strategy to the others; default false (A35)
	StrategyUnforced bool            // a new strategy needs no force, makes no deployment and holds for new tasks; default false (A38)
	RunTaskRefuses   bool            // RunTask that places nothing is an error, not an answer with failures; default false (A42)
	Protection       ProtectionRange // of scale-in protection (A43)
	FailAfter        FailTimes       // of broken tasks (A46)

	Rebalance     Rebalance     // of availability zones, for services that have it switched on (A70, A71)
	KeepInactive  time.Duration // how long DescribeServices shows a deleted service as INACTIVE, then MISSING; default 1 h (A72)
	NewServiceLag time.Duration // how long DescribeServices says MISSING of a new service; default 0 (A73)
}

// StartUp is the distribution of the time from a task's creation to RUNNING: a shifted lognormal through three percentiles. With
// P95 and P99 zero and P50 set, or all three equal, every start takes P50. The zero value is 90 s / 120 s / 138 s (A1).
type StartUp struct {
	P50, P95, P99 time.Duration
	CommonShare   float64       // share 0..1 of the variance that launches of one minute and provider have in common (A2)
	SlowShare     float64       // share 0..1 of starts that take SlowExtra longer (A3)
	SlowExtra     time.Duration // default 5 min
}

// SpotDeregistration says whether and when ECS deregisters the targets of an interrupted task. The zero value leaves them registered
// until the task is STOPPED.
type SpotDeregistration struct {
	AtWarning  bool
	After      time.Duration // from the warning
	HoldsGrace bool          // SIGTERM waits until they have drained, at most until the end of WarningTime
}

// Backoff is a retry delay that starts at First and is multiplied by Factor (at least 1) up to Max.
type Backoff struct {
	First, Max time.Duration
	Factor     float64
}

// Rate is a token bucket: Burst tokens at most, PerSecond refilled.
type Rate struct {
	Burst, PerSecond float64
}

// Delivery says how events travel from ECS to whoever drains them. The zero value delivers each event once, at once and in order.
type Delivery struct {
	P50, P95, P99  time.Duration // delay, as in StartUp; all zero: none
	DuplicateShare float64       // share of events delivered twice, the second up to DuplicateBy later
	DuplicateBy    time.Duration // default 60 s
	ReorderShare   float64       // share of events held back by up to ReorderBy, so that later ones pass them
	ReorderBy      time.Duration // default 30 s
	LostShare      float64       // share of events never delivered (AWS promises at least once: 0 on AWS)
}

// Behaviour is what a task's process does when it gets SIGTERM.
type Behaviour uint8

// What processes do on SIGTERM.
const (
	BehaviourDefault Behaviour = iota // the default of Config
	UseWarning                        // goes on working until SIGKILL, that is for the whole stop timeout
	ObeySIGTERM                       // stops working at once and exits within ObeyTime
)

// WarningForm is the shape of the interruption warning.
type WarningForm uint8

// The forms that warnings have had.
const (
	WarningSpotInterruption  WarningForm = iota // stopCode SpotInterruption (today's documentation)
	WarningTerminationNotice                    // stopCode TerminationNotice (documentation until 2023)
	WarningNoStopCode                           // no stopCode at all (field reports of 2021)
)

// ScaleInPick says which tasks a scale-in stops; AWS promises nothing (A22). Protected tasks are never picked.
type ScaleInPick uint8

// The orders in which a scale-in may take tasks.
const (
	PickServingFirst  ScaleInPick = iota // tasks that serve, longest running first; then RUNNING ones that do not; starting ones last
	PickRandom                           // any
	PickStartingFirst                    // starting tasks first, then RUNNING ones that do not serve, then the youngest
	PickRunningFirst                     // RUNNING tasks, longest running first, whether they serve or not; starting ones last
)

// EventSet is a set of kinds of events.
type EventSet uint16

// The kinds of events, and two sets of them that rules commonly leave out.
const (
	CreatedEvents     EventSet = 1 << iota // PROVISIONING: the first of a task
	PreparingEvents                        // PENDING, ACTIVATING
	RunningEvents                          // RUNNING
	WarningEvents                          // desired status STOPPED while the task still runs
	AbruptEvents                           // desired status STOPPED of a task that never ran, or whose containers are gone already
	WindingDownEvents                      // DEACTIVATING, STOPPING and DEPROVISIONING that follow one of those two
	StoppedEvents                          // STOPPED
	ServiceEvents                          // ECS Service Action
	DeploymentEvents                       // ECS Deployment State Change, ECS Hook State Change
	APICallEvents                          // AWS API Call via CloudTrail
	AllEvents         EventSet = 1<<iota - 1

	StartingEvents = CreatedEvents | PreparingEvents
	StoppingEvents = AbruptEvents | WindingDownEvents
)
