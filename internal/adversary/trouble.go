package adversary

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
)

// Trouble is one kind of thing that goes wrong.
type Trouble int

// Troubles of calls: what a writer meets when it uses AWS, the store or the queue.
const (
	CrashBefore  Trouble = iota // the process dies before the call takes effect
	CrashAfter                  // it dies after the effect, and never learns of it
	Throttled                   // refused, no effect
	ServerFault                 // HTTP 500, no effect
	Denied                      // expired credentials or a missing right
	NoAnswer                    // no effect and no answer until the caller's deadline
	LostAnswer                  // takes effect; the connection dies without an answer
	LateEffect                  // cut off at the deadline; takes effect up to ActTimeout later
	LateFault                   // takes effect; answers HTTP 500
	Slow                        // takes seconds
	StoreRefuses                // the store is down
	StoreLies                   // it commits and says that it did not
	StoreSlow                   // it takes seconds, beyond its time-out too
	QueueRefuses                // receive or delete fails

	// Troubles of events.
	EventLost
	EventLate
	EventTwice
	EventPoison // a message that cannot be parsed

	// Troubles of the world.
	Interruption // some Spot tasks are reclaimed
	SpotShort    // Spot can hold less than is wanted, for a while
	OnDemandShort
	Unwarned // an interruption comes without a warning
	TaskDies // a task exits for reasons of its own
	Broken   // the release is broken for a while
	Hung     // launches without capacity hang in PENDING
	StaleReads

	// Troubles made by people and programs.
	CountChanged   // the owner's desired count is changed
	TwinChanged    // a backup's desired count is changed behind our back
	Deployment     // a new task definition, on all pools or on the owner's alone
	ScalingChanged // the scalable target's bounds are changed
	Recreated      // a service is deleted and made anew
	PolicyChanged  // the configuration is another after a restart
	Operator       // pause, pin, failover and their ends

	ClockSkew // a writer's clock is off, within what leases allow for
	ClockJump // a writer's clock jumps by minutes

	StateLost // the store is empty when the writers come up again

	RegionSilent // a region's API gives no answer for minutes to hours; what runs there runs on

	// Troubles of capacity that runs and does not serve, and of what people and programs do to it.
	SlowStarts   // starts take longer than any limit, for a while
	HungStarts   // starts with capacity never get to RUNNING
	Unwell       // the application of some tasks does not answer, for a while
	NeverReady   // tasks of a capacity that start now run and never serve
	HealthUnread // readiness cannot be read: throttled or denied
	Retired      // AWS retires tasks on either capacity
	Guarded      // tasks protect themselves from scale-in
	LoadMoved    // the load that drives auto scaling changes

	troubles // how many there are
)

var troubleNames = [troubles]string{"crash_before", "crash_after", "throttled", "server_fault", "denied", "no_answer", "lost_answer",
	"late_effect", "late_fault", "slow", "store_refuses", "store_lies", "store_slow", "queue_refuses", "event_lost", "event_late",
	"event_twice", "event_poison", "interruption", "spot_short", "on_demand_short", "unwarned", "task_dies", "broken_release", "hung_launch",
	"stale_reads", "count_changed", "twin_changed", "deployment", "scaling_changed", "recreated", "policy_changed", "operator",
	"clock_skew", "clock_jump", "state_lost", "region_silent", "slow_starts", "hung_starts", "unwell", "never_ready", "health_unread", "retired",
	"guarded", "load_moved"}

func (t Trouble) String() string { return troubleNames[t] }

// Counts says how often each trouble happened.
type Counts [troubles]int

// errDead is what a process that has crashed sees of everything it tries.
var errDead = errors.New("the process is dead")

var errStoreDown = errors.New("the store does not answer")

// awsError makes an error as the SDK would give it, classified as the adapters do.
func awsError(call, code string) error {
	return failure.Wrap(call, call, &smithy.GenericAPIError{Code: code, Message: "adversary"})
}

// hash is a draw that depends on nothing but its arguments, so that calls side by side cannot change each
// other's (SplitMix64, Steele, Lea, Flood 2014).
func hash(parts ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h ^= p
		h += 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// share turns a hash into a number within [0, 1).
func share(h uint64) float64 { return float64(h>>11) / (1 << 53) }
