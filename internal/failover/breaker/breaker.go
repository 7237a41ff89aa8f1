package breaker

import (
	"math"
	"slices"
	"time"
)

// Mode is the state of one pool's breaker.
type Mode string

// Modes. The zero value is closed: an unknown pool is trusted and watched.
const (
	Closed   Mode = ""
	Open     Mode = "open"
	HalfOpen Mode = "half_open"
)

// String returns "closed", "open" or "half_open".
func (m Mode) String() string {
	if m == Closed {
		return "closed"
	}
	return string(m)
}

// Kind names what happened, or what is waited for. The strings are those of failover.Reason.
type Kind string

// Kinds.
const (
	TripCapacity      Kind = "trip_capacity_failures"
	TripInterruptions Kind = "trip_interruptions"
	TripLate          Kind = "trip_late"
	RampFailed        Kind = "ramp_failed"
	Pinned            Kind = "pinned"
	FailedOver        Kind = "failed_over"
	HoldOff           Kind = "hold_off"
	Proving           Kind = "proving"
	Ramping           Kind = "ramping"
	Restored          Kind = "restored"
	Limit             Kind = "failover_limit"
)

// Params are the numbers of the fail-over; tunable.Fields gives their units, ranges and reasons.
type Params struct {
	// On is set by the preset `switch`. Without it a breaker opens by an operator's order or pin only.
	On bool `json:"on"`

	Window           time.Duration `json:"trip_window"`
	CapacityFailures int           `json:"trip_capacity_failures"`
	Interruptions    int           `json:"trip_interruptions"`
	Late             int           `json:"trip_late"`
	Share            float64       `json:"trip_share"`
	Probe            float64       `json:"probe"`
	StableFor        time.Duration `json:"stable_for"`
	MinSamples       int           `json:"min_samples"`
	ErrorShare       float64       `json:"error_share"`
	HoldOff          time.Duration `json:"hold_off"`
	HoldOffMax       time.Duration `json:"hold_off_max"`
	RampDwell        time.Duration `json:"ramp_dwell"`
	PerDay           int           `json:"failovers_max_per_day"`
}

// Default returns the article's numbers, with the breaker off.
func Default() Params {
	return Params{
		Window: 5 * time.Minute, CapacityFailures: 3, Interruptions: 5, Late: 1, Share: 0.01, Probe: 0.05,
		StableFor: 10 * time.Minute, MinSamples: 10, ErrorShare: 0.05,
		HoldOff: 5 * time.Minute, HoldOffMax: 30 * time.Minute, RampDwell: 2 * time.Minute, PerDay: 6,
	}
}

const (
	// Survive is how long a task must have been in service to count as a success: a pool that is still short takes tasks
	// back within the first minute.
	Survive = time.Minute
	// closedMin is the least time a breaker stays closed: evidence from before the return must not count against it.
	closedMin = time.Minute
	// openMin is the least time it stays open: a start takes up to two minutes, and nothing can be known sooner.
	openMin = 2 * time.Minute
	// reopenMemory is how long a breaker must have stayed closed before a new trip starts its hold-off from the beginning.
	reopenMemory = time.Hour
	// backOff is how long ECS may wait between two tries of a service whose tasks failed to start (service throttle logic: 27
	// minutes); a change of the count does not end it (A19).
	backOff = 28 * time.Minute
	// jitter is how much a hold-off may be longer: it keeps a thousand workloads from returning in the same second.
	jitter = 0.1
)

// rampShares are the steps of a return, as shares of what is wanted of the pool.
var rampShares = [...]float64{0.25, 0.5, 1}

// State is one pool's breaker between passes.
type State struct {
	Mode  Mode      `json:"mode,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// TrippedAt is when it last left closed (or fell back from half-open).
	TrippedAt time.Time `json:"tripped_at,omitzero"`
	Why       Kind      `json:"why,omitempty"`
	// Reopened counts the consecutive falls back; it doubles the hold-off.
	Reopened int `json:"reopened,omitempty"`
	// NotBefore is when the pool may be tried again at the earliest; zero means it may.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Step is the ramp's step while half-open; StepAt when it began.
	Step   int       `json:"step,omitempty"`
	StepAt time.Time `json:"step_at,omitzero"`
	// Manual is set when an operator opened it; Until is when that ends (zero: until restore).
	Manual bool      `json:"manual,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	By     string    `json:"by,omitempty"`
	Note   string    `json:"note,omitempty"`
}

// Facts are what one pass knows of the pool.
type Facts struct {
	Now time.Time
	// Seed spreads the hold-offs of many workloads.
	Seed uint64
	// Demand is what is wanted of the workload, Bound the most that the pool would be asked for without its breaker.
	Demand, Bound int
	// Owed is how many tasks of the pool are missing, not replaced and not excused.
	Owed int
	// CapacityFailures and Interruptions were seen within the window and since the last change; Late tasks are past their
	// limit, or not placed for as long.
	CapacityFailures, Interruptions, Late int
	// Excused: the pool's tasks fail for the application's reasons. Deploying: a deployment is in progress; it may last for days,
	// so it is no reason to hold a pool back, but what fails meanwhile does not count against the pool.
	Excused, Deploying bool
	// InForce is the count the pool is asked for, Pending that ECS has not taken it yet.
	InForce int
	Pending bool
	// InService counts its tasks in service; Fresh of them started after the trip and have survived; Unplaced do not exist.
	InService, Fresh, Unplaced int
	// Errors were seen since the trip and within stable_for, StepErrors since the step began.
	Errors, StepErrors int
	// StartLimit is how long a start may take, Launch how long ECS takes to launch what it is asked for.
	StartLimit, Launch time.Duration
	// Failovers are those of the last 24 hours.
	Failovers []time.Time
	// Pinned keeps the workload on on-demand.
	Pinned bool
}

// Note is one thing that a breaker did or waits for.
type Note struct {
	Kind         Kind
	Count, Limit int
	Until        time.Time
	// Leads marks a change of mode or step.
	Leads bool
}

// ProbeOf is how many tasks an open pool keeps being asked for: the probe's share of the demand, at least one, and never
// more than the pool may have. An operator's order leaves none.
func ProbeOf(p Params, manual bool, demand, bound int) int {
	if manual || demand == 0 {
		return 0
	}
	return min(max(1, int(math.Round(p.Probe*float64(demand)))), demand, bound)
}

// Ask returns the most that the pool may be asked for, and whether there is such a limit.
func Ask(p Params, s State, f Facts) (most int, limited bool) {
	switch {
	case s.Mode == Open:
		return probe(p, s, f), true
	case s.Mode == HalfOpen:
		return min(rampAsk(p, s, f), f.Bound), true
	}
	return 0, false
}

func probe(p Params, s State, f Facts) int {
	return ProbeOf(p, s.Manual || f.Pinned, f.Demand, f.Bound)
}

func rampAsk(p Params, s State, f Facts) int {
	step := min(max(s.Step, 0), len(rampShares)-1)
	return max(ProbeOf(p, false, f.Demand, f.Bound), int(math.Ceil(rampShares[step]*float64(f.Demand))))
}

// Next returns the breaker after this pass, and what is to be said of it.
func Next(p Params, s State, f Facts) (State, []Note) {
	switch {
	case f.Pinned && s.Mode != Open:
		return open(p, s, f, Pinned, 0)
	case s.Mode == Open:
		return prove(p, s, f)
	case s.Mode == HalfOpen:
		return ramp(p, s, f)
	case !p.On:
		return s, nil
	}
	if why, n := trips(p, s, f); why != "" {
		return open(p, s, f, why, n)
	}
	return s, nil
}

// trips says why a closed breaker must open; empty when it must not. Without tasks that are owed nothing is a reason to
// leave Spot: what failed was replaced, or is the application's or a deployment's.
func trips(p Params, s State, f Facts) (Kind, int) {
	need := max(1, int(math.Ceil(p.Share*float64(f.Demand))))
	if f.Excused || f.Deploying || f.Demand == 0 || f.Owed < need || f.Now.Sub(s.Since) < closedMin {
		return "", 0
	}
	enough := func(n, limit int) bool { return limit > 0 && n >= max(limit, need) }
	switch {
	case enough(f.CapacityFailures, p.CapacityFailures):
		return TripCapacity, f.CapacityFailures
	case enough(f.Interruptions, p.Interruptions):
		return TripInterruptions, f.Interruptions
	case enough(f.Late, p.Late):
		return TripLate, f.Late
	}
	return "", 0
}

func open(p Params, s State, f Facts, why Kind, n int) (State, []Note) {
	reopened := 0
	if s.Mode == HalfOpen || (!s.TrippedAt.IsZero() && f.Now.Sub(s.Since) < reopenMemory) {
		reopened = s.Reopened + 1
	}
	next := State{Mode: Open, Since: f.Now, TrippedAt: f.Now, Why: why, Reopened: reopened, NotBefore: f.Now.Add(holdOff(p, f.Seed, reopened))}
	return next, []Note{{Kind: why, Count: n, Leads: true}}
}

// holdOff doubles with every fall back, up to its maximum, and is spread by the seed.
func holdOff(p Params, seed uint64, reopened int) time.Duration {
	d := p.HoldOff
	for range min(reopened, 16) {
		d = min(2*d, p.HoldOffMax)
	}
	u := float64(mix(seed^uint64(reopened))>>11) / (1 << 53)
	return d + time.Duration(jitter*u*float64(d))
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// prove watches an open breaker: the pool must have been held off, have shown enough tasks, and nearly all of them well.
func prove(p Params, s State, f Facts) (State, []Note) {
	if s.Manual || f.Pinned {
		if s.Manual && !s.Until.IsZero() && !f.Now.Before(s.Until) {
			return Return(p, s, f.Now), []Note{{Kind: Restored, Leads: true}}
		}
		return s, []Note{{Kind: FailedOver, Until: s.Until}}
	}
	if s.Why == Pinned || !p.On { // the pin is gone, or the preset has changed: nothing holds the pool down any more
		return Return(p, s, f.Now), []Note{{Kind: Restored, Leads: true}}
	}
	if n := len(f.Failovers); p.PerDay > 0 && n >= p.PerDay {
		return s, []Note{{Kind: Limit, Count: n, Limit: p.PerDay, Until: f.Failovers[n-p.PerDay].Add(24 * time.Hour)}}
	}
	earliest := slices.MaxFunc([]time.Time{s.NotBefore, s.Since.Add(openMin), s.TrippedAt.Add(p.StableFor)}, time.Time.Compare)
	if f.Now.Before(earliest) {
		return s, []Note{{Kind: HoldOff, Until: earliest}}
	}
	if f.Bound == 0 { // nothing is wanted of it, so nothing can be proven
		return State{Since: f.Now, TrippedAt: s.TrippedAt, Reopened: s.Reopened}, []Note{{Kind: Restored, Leads: true}}
	}
	if !stable(p, s, f) || f.Excused {
		return s, []Note{{Kind: Proving, Count: min(proof(p, s, f), samples(p, s, f)), Limit: samples(p, s, f)}}
	}
	s.Mode, s.Since, s.Step, s.StepAt = HalfOpen, f.Now, 0, f.Now
	return s, []Note{{Kind: Ramping, Count: rampAsk(p, s, f), Limit: f.Demand, Leads: true}}
}

// Return takes an open breaker back at once: closed where no preset uses it, half-open at the first step otherwise.
func Return(p Params, s State, now time.Time) State {
	if !p.On {
		return State{Since: now, TrippedAt: s.TrippedAt}
	}
	return State{Mode: HalfOpen, Since: now, TrippedAt: s.TrippedAt, Why: s.Why, StepAt: now, Reopened: s.Reopened, By: s.By, Note: s.Note}
}

// samples is how many tasks must have shown themselves: never more than the probe can show.
func samples(p Params, s State, f Facts) int { return max(1, min(p.MinSamples, probe(p, s, f))) }

// proof is how many tasks speak for the pool: those that came after the trip and, where it could not be taken down and asks
// for no fresh ones, the older ones that have survived for the whole window.
func proof(p Params, s State, f Facts) int {
	if f.InService > probe(p, s, f) || f.InService == f.InForce {
		return f.InService
	}
	return f.Fresh
}

func stable(p Params, s State, f Facts) bool {
	good := proof(p, s, f)
	seen := good + f.Errors
	return seen >= samples(p, s, f) && f.Late == 0 && float64(f.Errors) <= p.ErrorShare*float64(seen)
}

// ramp moves a half-open breaker up a step that has survived, or back when it has not.
func ramp(p Params, s State, f Facts) (State, []Note) {
	if !p.On || f.Bound == 0 { // the preset has changed, or nothing is wanted of the pool: there is nothing to return to
		return State{Since: f.Now, TrippedAt: s.TrippedAt, Reopened: s.Reopened}, []Note{{Kind: Restored, Leads: true}}
	}
	ask := min(rampAsk(p, s, f), f.Bound, max(f.InForce, 0))
	if f.Pending || f.InForce < min(rampAsk(p, s, f), f.Bound) {
		s.StepAt = f.Now // what is not asked of ECS yet cannot be late
	}
	tolerated := int(p.ErrorShare * float64(ask))
	lateAt := s.StepAt.Add(f.StartLimit + p.RampDwell + f.Launch)
	if f.StepErrors == 0 && f.Unplaced > 0 {
		lateAt = lateAt.Add(backOff) // nothing says that there is no room: ECS may not have tried
	}
	short := f.InService < ask-tolerated || (f.InService < ask && f.Unplaced > 0)
	late := short && !f.Now.Before(lateAt)
	if !f.Excused && !f.Deploying && (f.StepErrors > tolerated || late) {
		return open(p, s, f, RampFailed, f.StepErrors)
	}
	done := s.StepAt.Add(p.RampDwell)
	if f.Now.Before(done) || short || f.Excused {
		until := done
		if short {
			until = lateAt
		}
		return s, []Note{{Kind: Ramping, Count: ask, Limit: f.Demand, Until: until}}
	}
	if s.Step+1 < len(rampShares) {
		s.Step, s.StepAt = s.Step+1, f.Now
		return s, []Note{{Kind: Ramping, Count: rampAsk(p, s, f), Limit: f.Demand, Leads: true}}
	}
	return State{Since: f.Now, TrippedAt: s.TrippedAt, Reopened: s.Reopened}, []Note{{Kind: Restored, Count: f.InService, Leads: true}}
}
