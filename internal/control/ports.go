package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// ServiceRef names one ECS service and the account it is reached through.
type ServiceRef struct {
	Region, Cluster, Service string
	// RoleARN is the role to assume; empty: the process's own credentials.
	RoleARN string
}

// String returns region/cluster/service.
func (r ServiceRef) String() string { return r.Region + "/" + r.Cluster + "/" + r.Service }

// Workload is what is guarded: a policy and the services its pools stand for.
type Workload struct {
	Name   string
	Policy failover.Policy
	// Refs are in the order of Policy.Pools.
	Refs []ServiceRef
}

// Services reads and changes ECS services.
type Services interface {
	// Describe looks at services. The observations are in the order of refs, with Pool left empty; what
	// could not be read has its Err set. at is AWS's clock, zero if nothing answered. What is read is not older than the call.
	Describe(ctx context.Context, refs []ServiceRef, worth Worth) (at time.Time, obs []failover.PoolObservation)
	// List reads the tasks of a service whose desired status is RUNNING, and what else is wanted of them. The service was described
	// before. Health that cannot be read is no error of the call: the listing says so.
	List(ctx context.Context, ref ServiceRef, want Want) (Listing, error)
	// Scaling reads the service's scalable target; Known is true in a good answer.
	Scaling(ctx context.Context, ref ServiceRef) (failover.Scaling, error)
	// Turn waits for the right to carry out an action, where the account's budget is short of it: the raise that most tasks depend on
	// goes first. Whoever gets it applies the action, or gives it back.
	Turn(ctx context.Context, ref ServiceRef, action failover.Action) (giveBack func(), err error)
	// Apply carries out one action on the service, whose turn it is. Actions are absolute; doing one twice is harmless.
	Apply(ctx context.Context, ref ServiceRef, action failover.Action) error
}

// Want says what of a service's tasks is read beside those that are meant to run.
type Want struct {
	// Stopped: also those that are leaving, and recently stopped ones as signals.
	Stopped bool
	// Health: also which are ready.
	Health bool
	// Worth says what goes first where reads have to wait.
	Worth Worth
	// IfSpare: where calls are short nothing is read, and the error is [ErrShort].
	IfSpare bool
}

// Listing is what was read of a service's tasks. Its fields are those of [failover.PoolObservation].
type Listing struct {
	Tasks   []failover.Task
	Signals []failover.Signal
	// HealthBased is set for a service whose readiness target groups or container health checks tell.
	HealthBased bool
	// HealthErr and HealthErrText say why health was wanted and could not be read.
	HealthErr     failover.ErrorKind
	HealthErrText string
	OutOfTraffic  bool
	Revisions     []failover.Revision
	HookSince     time.Time
}

// Lease says who may act on a workload, and until when. The zero value is nobody.
type Lease struct {
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Held says whether the lease keeps others than owner from committing at a moment.
func (l Lease) Held(owner string, now time.Time) bool {
	return l.Owner != "" && l.Owner != owner && now.Before(l.Until)
}

// Record is what is stored of one workload.
type Record struct {
	State failover.State `json:"state"`
	Lease Lease          `json:"lease,omitzero"`
}

// Store keeps records and the journal.
type Store interface {
	// Load returns the records of the named workloads; those never committed are absent.
	Load(ctx context.Context, workloads []string) (map[string]Record, error)
	// Commit writes next and entries together, or nothing. It returns [ErrStale] unless the stored
	// generation is next.State.Generation-1 (for generation 1: nothing is stored), and a
	// [*LeaseHeldError] while an owner other than by holds a lease at now.
	Commit(ctx context.Context, by string, next Record, now time.Time, entries []journal.Entry) error
	// Append writes entries that belong to no commit.
	Append(ctx context.Context, entries []journal.Entry) error
	// Journal returns entries, the newest first.
	Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error)
	Close() error
}

// Peeker is what a [Store] may also be: one that says cheaply which workloads were committed by somebody
// else, so that an operator's command is acted on at once and not at the next tick.
type Peeker interface {
	// Generations returns the stored generation of every workload.
	Generations(ctx context.Context) (map[string]uint64, error)
}

// Message is one message of the queue.
type Message struct {
	// ID is the same in every delivery of the message.
	ID      string
	Body    []byte
	Receipt string
	// SentAt is when it was put into the queue; zero if unknown. Received counts its deliveries.
	SentAt   time.Time
	Received int
}

// Queue gives messages, each at least once. What is not acknowledged comes again and in the end goes to
// the dead-letter queue.
type Queue interface {
	// Receive waits up to wait for the first message, and returns none or up to [BatchMax].
	Receive(ctx context.Context, wait time.Duration) ([]Message, error)
	Ack(ctx context.Context, msgs []Message) error
}

// ErrShort says that calls are too short for what could wait.
var ErrShort = errors.New("calls are too short for what can wait")

// ErrStale says that somebody else committed first. It is a normal outcome: what was decided is dropped.
var ErrStale = errors.New("another pass committed first")

// LeaseHeldError says that somebody else may still be acting. It is a normal outcome.
type LeaseHeldError struct {
	Owner string
	Until time.Time
}

// Error names the holder.
func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("lease is held by %s until %s", e.Owner, e.Until.UTC().Format(time.RFC3339))
}

// KindedError is an error of an adapter that says what kind of trouble it is and what a person can do.
type KindedError interface {
	error
	Kind() failover.ErrorKind
	Hint() string
}

// Report is what happened to one workload in one pass, for logs, metrics, notices and pages.
type Report struct {
	Workload string
	// Before is the state that was loaded, After what was decided to keep, both with the generation that was
	// loaded. Generation is the stored one when the pass ended.
	Before, After failover.State
	Generation    uint64
	Observation   failover.Observation
	Decision      failover.Decision
	Outcomes      []journal.Outcome
	// Result says how the pass ended; Err is set where that needs explaining.
	Result Result
	Err    error
	// Partial is set when something could not be read that may be readable soon.
	Partial bool
	// Started is when the pass of this workload began by the loop's clock, Took how long it took.
	Started time.Time
	Took    time.Duration
	// Steps are what the pass went through, in their order.
	Steps []Step
}

// Result says how a pass of one workload ended.
type Result string

// Results.
const (
	// Unchanged: nothing to keep and nothing to do; no commit was made.
	Unchanged Result = "unchanged"
	// Committed: the state was committed and every action, if any, was carried out.
	Committed Result = "committed"
	// ActionFailed: the state was committed, an action failed; a later pass tries again.
	ActionFailed Result = "action_failed"
	// Unrecorded: the state was committed and every action carried out, but the outcome could not be
	// recorded and the lease not given back; it runs out by itself.
	Unrecorded Result = "outcome_unrecorded"
	// Stale: somebody else committed first.
	Stale Result = "stale"
	// Held: somebody else holds the lease.
	Held Result = "lease_held"
	// StoreFailed: the store could not be read or written; nothing was done.
	StoreFailed Result = "store_failed"
	// Waiting: the account's budget of changes went to workloads that more depends on; nothing was done, and the workload is looked at again.
	Waiting Result = "waiting"
	// Abandoned: the time was up before the decision was committed; nothing was done.
	Abandoned Result = "abandoned"
)

// Settled says whether the signals that led to the pass are dealt with and may be acknowledged.
func (r Result) Settled() bool {
	return r == Unchanged || r == Committed || r == ActionFailed || r == Unrecorded
}
