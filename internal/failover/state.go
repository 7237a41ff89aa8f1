package failover

import "time"

// StateVersion is the schema version of [State] as it is stored. Fields are added, never renamed.
const StateVersion = 1

// Mode is what a workload is running on, derived from its breakers and its cover.
type Mode string

// Modes. The zero value is ModeUnknown: a workload that was never observed.
const (
	ModeUnknown  Mode = ""
	ModeSpot     Mode = "spot"
	ModeMixed    Mode = "mixed"
	ModeOnDemand Mode = "on_demand"
)

// BreakerMode is the state of one pool's breaker.
type BreakerMode string

// Breaker modes. The zero value is closed: an unknown pool is trusted and watched.
const (
	Closed   BreakerMode = ""
	Open     BreakerMode = "open"
	HalfOpen BreakerMode = "half_open"
)

// String returns "closed", "open" or "half_open".
func (m BreakerMode) String() string {
	if m == Closed {
		return "closed"
	}
	return string(m)
}

// State is what is kept of one workload between passes. It has no time to live.
type State struct {
	Version  int    `json:"version"`
	Workload string `json:"workload"`
	// Generation is the number of the last commit; the caller writes it, conditional on the one before.
	Generation uint64 `json:"generation"`
	// At is the time of the last observation that was decided on.
	At   time.Time `json:"at,omitzero"`
	Mode Mode      `json:"mode,omitempty"`
	// ModeSince is when Mode last changed.
	ModeSince time.Time `json:"mode_since,omitzero"`
	// Demand is the wanted number of tasks as last known, and DemandLog its recent changes (bounded by
	// age: start_limit), oldest first.
	Demand    int            `json:"demand"`
	DemandSet bool           `json:"demand_set,omitempty"`
	DemandLog []DemandChange `json:"demand_log,omitempty"`
	// Owner is the pool whose desired count was the demand at the last pass; empty for a demand that has none.
	Owner string `json:"owner,omitempty"`
	// Pools holds what is kept per pool, found by name.
	Pools []PoolState `json:"pools,omitempty"`
	// Window is the evidence that still counts, oldest first, at most EvidenceMax entries.
	Window []Evidence `json:"window,omitempty"`
	// Pin, Pause and Hold are the operator's intents.
	Pin   *Pin   `json:"pin,omitempty"`
	Pause *Pause `json:"pause,omitempty"`
	// Failovers are the times of the failovers of the last 24 hours, oldest first.
	Failovers []time.Time `json:"failovers,omitempty"`
	// ShortSince is when running fell below demand and has been since; zero when it is not.
	ShortSince time.Time `json:"short_since,omitzero"`
	// Spend is the on-demand use of the current calendar month (UTC).
	Spend Spend `json:"spend,omitzero"`
	// DemandWanted is the demand an operator set by command for a workload whose demand has no owner; 0: none.
	DemandWanted int `json:"demand_wanted,omitempty"`
	// DriftSince is when the pools' task definitions began to differ and have since.
	DriftSince time.Time `json:"drift_since,omitzero"`
	// Forecast is what the workload has learned of its own Spot losses.
	Forecast *Forecast `json:"forecast,omitempty"`
	// BlindSince is when observations began to fail and have since; zero when the last one was good.
	BlindSince time.Time `json:"blind_since,omitzero"`
}

// DemandChange is one change of demand.
type DemandChange struct {
	At   time.Time `json:"at"`
	From int       `json:"from"`
	To   int       `json:"to"`
}

// Asked is the last desired count that was decided for a pool, kept so that our own write, not yet visible,
// is not taken for somebody else's.
type Asked struct {
	Count int       `json:"count"`
	At    time.Time `json:"at"`
	// Done says that the call that asks for Count was answered with success.
	Done bool `json:"done,omitempty"`
	// Seen says that an observation has shown Count since.
	Seen bool `json:"seen,omitempty"`
	// Old are the counts that a stale read may still show, with the moment they were superseded.
	Old []OldCount `json:"old,omitempty"`
}

// OldCount is a desired count that was superseded by ours at At.
type OldCount struct {
	Count int       `json:"count"`
	At    time.Time `json:"at"`
}

// PoolState is what is kept of one pool.
type PoolState struct {
	Name  string  `json:"name"`
	Asked *Asked  `json:"asked,omitempty"`
	B     Breaker `json:"breaker,omitzero"`
	// RefusedSince is since when every call that would raise the pool has failed; zero when the last one did not.
	RefusedSince time.Time `json:"refused_since,omitzero"`
	// UnplacedSince is when the pool began to have fewer tasks than asked and has had since.
	UnplacedSince time.Time `json:"unplaced_since,omitzero"`
	// NudgedAt is the last forced attempt.
	NudgedAt time.Time `json:"nudged_at,omitzero"`
	// ReleasedAt is the last time the pool was lowered.
	ReleasedAt time.Time `json:"released_at,omitzero"`
	// Failing is set while the pool's own tasks fail for reasons of the application.
	Failing *Failing `json:"failing,omitempty"`
	// Parked holds the scalable target's own values while they are parked, until an observation shows
	// that they are back.
	Parked *Scaling `json:"parked,omitempty"`
	// Reclaims is the pool's recent interruptions, decayed over reclaim_memory, and ReclaimsAt when.
	Reclaims   float64   `json:"reclaims,omitempty"`
	ReclaimsAt time.Time `json:"reclaims_at,omitzero"`
	// LifeSeconds is a moving mean of how long interrupted tasks had lived; 0 when none was seen.
	LifeSeconds float64 `json:"life_seconds,omitempty"`
	// Warm is how many of its tasks the forecast said are worth keeping warm at the last pass.
	Warm int `json:"warm,omitempty"`
	// Need is how many tasks the pool had to cover at the last pass.
	Need int `json:"need,omitempty"`
	// FailedAt is the last failure to launch a task here.
	FailedAt time.Time `json:"failed_at,omitzero"`
	// Present is how many tasks ran or were starting at the last good look, at most as many as were asked for then, less
	// those that events have said to be interrupted since; nil if there was no such look. What it points to never changes.
	Present *int `json:"present,omitempty"`
	// UnreachedSince is since when AWS has given no answer about the pool; zero when it did, if only a refusal.
	UnreachedSince time.Time `json:"unreached_since,omitzero"`
	// WrittenOff says that this has lasted for write_off_after: the pool counts as lost until it is read.
	WrittenOff bool `json:"written_off,omitempty"`
}

// Failing marks a pool whose tasks fail for reasons of the application.
type Failing struct {
	Since          time.Time `json:"since"`
	LastAt         time.Time `json:"last_at"`
	TaskDefinition string    `json:"task_definition,omitempty"`
	// Running is how many tasks ran when it was set.
	Running int    `json:"running"`
	Text    string `json:"text,omitempty"`
}

// Breaker is one pool's circuit breaker.
type Breaker struct {
	Mode  BreakerMode `json:"mode,omitempty"`
	Since time.Time   `json:"since,omitzero"`
	// TrippedAt is when it last left closed (or fell back from half-open).
	TrippedAt time.Time `json:"tripped_at,omitzero"`
	Why       Reason    `json:"why,omitempty"`
	// Reopened counts the consecutive falls back; it doubles the hold-off.
	Reopened int `json:"reopened,omitempty"`
	// NotBefore is when the pool may be tried again at the earliest; zero means it may.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Step is the ramp's step while half-open; StepAt when it began.
	Step   int       `json:"step,omitempty"`
	StepAt time.Time `json:"step_at,omitzero"`
	// StableSince is when the proof began to hold and has since.
	StableSince time.Time `json:"stable_since,omitzero"`
	// Manual says that an operator opened it; Until is when that ends (zero: until restore).
	Manual bool      `json:"manual,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	By     string    `json:"by,omitempty"`
	Note   string    `json:"note,omitempty"`
}

// Evidence is one fact that still counts: a signal reduced to what deciding needs.
type Evidence struct {
	Kind      SignalKind `json:"kind"`
	Pool      string     `json:"pool"`
	At        time.Time  `json:"at"`
	ID        string     `json:"id"`
	Zone      string     `json:"zone,omitempty"`
	StartedAt time.Time  `json:"started_at,omitzero"`
}

// Spend is the on-demand use of one calendar month, estimated from observed running tasks.
type Spend struct {
	// Month is "2006-01" in UTC.
	Month       string  `json:"month,omitempty"`
	TaskSeconds float64 `json:"task_seconds,omitempty"`
	USD         float64 `json:"usd,omitempty"`
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
