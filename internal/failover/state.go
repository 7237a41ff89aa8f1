package failover

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover/breaker"
)

// StateVersion is the schema version of [State] as it is stored. A program refuses a state of a newer version
// ([DecodeState]): it would erase what it does not know.
const StateVersion = 2

// ErrNewerState is returned for a state that a newer version of the program has written.
var ErrNewerState = errors.New("a newer backstop wrote the state; upgrade this one")

// Mode is what a workload is running on, derived from its breakers and its cover.
type Mode string

// Modes. The zero value is ModeUnknown: a workload that was never observed.
const (
	ModeUnknown  Mode = ""
	ModeSpot     Mode = "spot"
	ModeMixed    Mode = "mixed"
	ModeOnDemand Mode = "on_demand"
)

// Breaker is one pool's circuit breaker; see package breaker.
type Breaker = breaker.State

// BreakerMode is the state of one pool's breaker.
type BreakerMode = breaker.Mode

// Breaker modes.
const (
	Closed   = breaker.Closed
	Open     = breaker.Open
	HalfOpen = breaker.HalfOpen
)

// State is what is kept of one workload between passes. It has no time to live.
type State struct {
	Version  int    `json:"version"`
	Workload string `json:"workload"`
	// Generation is the number of the last commit; the caller writes it, conditional on the one before.
	Generation uint64 `json:"generation"`
	Decided
	// Seen is what was merely seen: it is written with the next commit, and is worth none of its own.
	Seen Seen `json:"seen,omitzero"`
}

// Decided is the part of the state that a decision depends on, or is. A change of it is worth a commit.
type Decided struct {
	Mode Mode `json:"mode,omitempty"`
	// ModeSince is when Mode last changed.
	ModeSince time.Time `json:"mode_since,omitzero"`
	// Demand is the wanted number of tasks as last known, and DemandLog its recent changes, oldest first.
	Demand    int            `json:"demand"`
	DemandSet bool           `json:"demand_set,omitempty"`
	DemandLog []DemandChange `json:"demand_log,omitempty"`
	// DemandWanted is the demand an operator set by command for a workload whose demand has no owner; 0: none.
	DemandWanted int `json:"demand_wanted,omitempty"`
	// Gap is set while on-demand stands in for Spot, or has to.
	Gap *Gap `json:"gap,omitempty"`
	// Pools holds what is kept per pool, in the policy's order, found by name.
	Pools []PoolState `json:"pools,omitempty"`
	// Window is the evidence that still counts, oldest first, at most EvidenceMax entries.
	Window []Evidence `json:"window,omitempty"`
	// Pin and Pause are the operator's intents.
	Pin   *Pin   `json:"pin,omitempty"`
	Pause *Pause `json:"pause,omitempty"`
	// Silence keeps notices back, AckedAt is when a person last said that what is wrong is known. Neither decides anything.
	Silence *Pause    `json:"silence,omitempty"`
	AckedAt time.Time `json:"acked_at,omitzero"`
	// ConfirmedAt is when an operator last confirmed what a critical notice asked to be confirmed.
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	// Failovers are the times of the failovers of the last 24 hours, oldest first.
	Failovers []time.Time `json:"failovers,omitempty"`
	// MissingSince is since when tasks have been missing; zero when none are.
	MissingSince time.Time `json:"missing_since,omitzero"`
	// WorkingRevision is the task definition of the owner that last had tasks in service.
	WorkingRevision string `json:"working_revision,omitempty"`
	// DriftSince is since when an on-demand pool would start another task definition than WorkingRevision.
	DriftSince time.Time `json:"drift_since,omitzero"`
	// BlindSince is since when a pool could not be read; zero when the last look was good.
	BlindSince time.Time `json:"blind_since,omitzero"`
	// Told are the keys of the notices of the last pass, sorted: what is in it was told, and is not told again while it lasts.
	Told []string `json:"told,omitempty"`
	// SpendMonth is the month ("2006-01", UTC) that Seen.Spend counts.
	SpendMonth string `json:"spend_month,omitempty"`
}

// Seen is what was seen and learned at the looks.
type Seen struct {
	// At is the time of the last look that was decided on.
	At time.Time `json:"at,omitzero"`
	// SpendUSD is the on-demand use of the month, estimated from the tasks that were seen running.
	SpendUSD float64 `json:"spend_usd,omitempty"`
	// Forecast is what the workload has learned of its own Spot losses.
	Forecast *Forecast `json:"forecast,omitempty"`
	// Pools are in the order of the policy's.
	Pools []PoolSeen `json:"pools,omitempty"`
}

// Gap is a time in which Spot does not hold the demand.
type Gap struct {
	Since time.Time `json:"since"`
	// Demand is what was wanted when it began.
	Demand int `json:"demand"`
	// Kept is what cover is kept for: the demand, or what it was before it fell.
	Kept int `json:"kept"`
	// RoseAt is when the demand first rose above Demand.
	RoseAt time.Time `json:"rose_at,omitzero"`
	// FellAt is when the demand fell below Kept; zero when it has not. Echo marks a fall to what Spot runs, or less.
	FellAt time.Time `json:"fell_at,omitzero"`
	Echo   bool      `json:"echo,omitempty"`
}

// DemandChange is one change of demand.
type DemandChange struct {
	At   time.Time `json:"at"`
	From int       `json:"from"`
	To   int       `json:"to"`
}

// PoolState is what is decided of one pool.
type PoolState struct {
	Name  string  `json:"name"`
	Asked *Asked  `json:"asked,omitempty"`
	B     Breaker `json:"breaker,omitzero"`
	// RefusedSince is since when every call that would raise the pool has failed; zero when the last one did not.
	RefusedSince time.Time `json:"refused_since,omitzero"`
	// UnplacedSince is since when the pool has had fewer tasks than it was asked for.
	UnplacedSince time.Time `json:"unplaced_since,omitzero"`
	// ReleasedAt is when the pool was last lowered.
	ReleasedAt time.Time `json:"released_at,omitzero"`
	// StoppedAt is when a late task of the pool was last stopped.
	StoppedAt time.Time `json:"stopped_at,omitzero"`
	// Stops is how many late tasks of the pool were stopped since it was last whole.
	Stops int `json:"stops,omitempty"`
	// Failing is set while the tasks of an on-demand pool fail for the application's reasons.
	Failing *Failing `json:"failing,omitempty"`
	// Parked holds the scalable target's own values while they are parked, until an observation shows
	// that they are back.
	Parked *Scaling `json:"parked,omitempty"`
	// FailedAt is the last failure to place a task here.
	FailedAt time.Time `json:"failed_at,omitzero"`
	// UnreachedSince is since when AWS has given no answer about the pool; zero when it did, if only a refusal.
	UnreachedSince time.Time `json:"unreached_since,omitzero"`
	// WrittenOff is set when this has lasted for write_off_after: the pool counts as lost until it is read.
	WrittenOff bool `json:"written_off,omitempty"`
	// ParkedAt is when Parked last changed.
	ParkedAt time.Time `json:"parked_at,omitzero"`
	// ElsewhereSince is since when another installation has held the service's count.
	ElsewhereSince time.Time `json:"elsewhere_since,omitzero"`
	// GoneSince is when AWS first said that the service is not there; LostAt when that was acted on.
	GoneSince time.Time `json:"gone_since,omitzero"`
	LostAt    time.Time `json:"lost_at,omitzero"`
	// HealthErrSince is since when the health of its tasks has been denied.
	HealthErrSince time.Time `json:"health_err_since,omitzero"`
	// Warm is how many of its tasks are kept warm ahead of a loss.
	Warm int `json:"warm,omitempty"`
}

// PoolSeen is what was seen of one pool at the last good look, and what was learned of it.
type PoolSeen struct {
	Name string `json:"name"`
	// At is the last good look; zero if there was none.
	At time.Time `json:"at,omitzero"`
	// Desired, InService and Coming are what that look found; of a range its High end, as losses that are told come off that.
	Desired   int `json:"desired,omitempty"`
	InService int `json:"in_service,omitempty"`
	Coming    int `json:"coming,omitempty"`
	// Held is the tag backstop:demand that the last look found.
	Held int `json:"held,omitempty"`
	// WholeAt is the last look at which nothing of the pool was missing.
	WholeAt time.Time `json:"whole_at,omitzero"`
	// ShortAt is the last look at which more than a tenth of the pool was missing.
	ShortAt time.Time `json:"short_at,omitzero"`
	// ServedTo: every task that started by then has been in service, but those in NotYet.
	ServedTo time.Time `json:"served_to,omitzero"`
	NotYet   []Waiting `json:"not_yet,omitempty"`
	// Start is the time from a task's creation to RUNNING, Warm from RUNNING to in service, both outside gaps; Serve is
	// the whole of it, gaps included.
	Start Spread `json:"start,omitzero"`
	Warm  Spread `json:"warm,omitzero"`
	Serve Spread `json:"serve,omitzero"`
	// WarnedSeconds is a moving mean of how long interrupted tasks worked on after the warning; 0 when none was seen.
	WarnedSeconds float64 `json:"warned_seconds,omitempty"`
	// Reclaims is the pool's recent interruptions, decayed, and ReclaimsAt when.
	Reclaims   float64   `json:"reclaims,omitempty"`
	ReclaimsAt time.Time `json:"reclaims_at,omitzero"`
}

// Waiting is a task that is RUNNING and was never seen in service.
type Waiting struct {
	ID        string    `json:"id"`
	StartedAt time.Time `json:"started_at"`
}

// Failing marks an on-demand pool whose tasks fail for the application's reasons: it is held at one task.
type Failing struct {
	Since time.Time `json:"since"`
	// TaskDefinition is the one that fails: another is tried at once.
	TaskDefinition string `json:"task_definition,omitempty"`
	// Failures were seen when it was set.
	Failures int `json:"failures,omitempty"`
}

// Evidence is one fact that still counts: a signal reduced to what deciding needs.
type Evidence struct {
	Kind SignalKind `json:"kind"`
	Pool string     `json:"pool"`
	At   time.Time  `json:"at"`
	ID   string     `json:"id"`
	// CreatedAt and StartedAt are the task's; StartedAt is zero if it never ran.
	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	// Revision is the deployment that started the task, where the event says so.
	Revision string `json:"revision,omitempty"`
	// Served is set for a task that had been in service before it was stopped for its health.
	Served bool `json:"served,omitempty"`
}

// Pin is an operator's override of the mode.
type Pin struct {
	Mode  Mode      `json:"mode"`
	By    string    `json:"by,omitempty"`
	Note  string    `json:"note,omitempty"`
	Since time.Time `json:"since"`
	// Until is when it ends; zero: until unpin.
	Until time.Time `json:"until,omitzero"`
}

// Pause is an operator's order to change nothing.
type Pause struct {
	By    string    `json:"by,omitempty"`
	Note  string    `json:"note,omitempty"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`
}

// Pool returns what is kept of the named pool; the zero value when nothing is.
func (s *State) Pool(name string) PoolState {
	for i := range s.Pools {
		if s.Pools[i].Name == name {
			return s.Pools[i]
		}
	}
	return PoolState{Name: name}
}

// PoolSeen returns what was seen of the named pool; the zero value when nothing was.
func (s *State) PoolSeen(name string) PoolSeen {
	for i := range s.Seen.Pools {
		if s.Seen.Pools[i].Name == name {
			return s.Seen.Pools[i]
		}
	}
	return PoolSeen{Name: name}
}

// DecodeState reads a stored state. The error is [ErrNewerState] for one of a newer version.
func DecodeState(data []byte) (State, error) {
	var s State
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return s, fmt.Errorf("decode state: %w", err)
	}
	if head.Version > StateVersion {
		return s, fmt.Errorf("decode state of version %d: %w", head.Version, ErrNewerState)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("decode state: %w", err)
	}
	return s, nil
}

// SameState reports whether b differs from a in nothing that is worth a commit.
func SameState(a, b State) bool {
	x, y := a.Decided, b.Decided
	if a.Workload != b.Workload || len(x.Window) != len(y.Window) {
		return false
	}
	for i := range x.Window { // hundreds of entries: to write them out would be most of a pass
		if x.Window[i] != y.Window[i] && x.Window[i].inUTC() != y.Window[i].inUTC() {
			return false
		}
	}
	x.Window, y.Window = nil, nil
	return reflect.DeepEqual(&x, &y) || sameJSON(&x, &y) // what was read back says the same in other values: times of another zone
}
