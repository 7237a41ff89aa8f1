package failover

import "time"

// OnTrip says what an open breaker does with the tasks that still run in its pool.
type OnTrip string

// What an open breaker does.
const (
	// Keep holds what still runs in the pool and asks for no more than a probe on top.
	Keep OnTrip = "keep"
	// Evacuate brings up the cover first and then takes the pool down to its probe.
	Evacuate OnTrip = "evacuate"
)

// Nudge says how ECS is made to try a pool again that it may have backed off from.
type Nudge string

// Ways to force an attempt.
const (
	NudgeNone Nudge = "none"
	// NudgeDesiredCount moves the desired count up by one and back. Whether it resets ECS's back-off is
	// unknown (docs/aws-assumptions.md).
	NudgeDesiredCount Nudge = "desired_count"
)

// Policy is what the operator wants of one workload. A preset is only a set of values ([Preset]); every
// number has its unit, range, default and reason in [Fields].
type Policy struct {
	// Preset is the name the values started from; it decides nothing.
	Preset string `json:"preset"`
	// Observe: decide and record, act on nothing.
	Observe bool `json:"observe"`

	// Pools in order of preference, at least one.
	Pools []Pool `json:"pools"`
	// Demand fixes the number of wanted tasks; 0 means that the owner's desired count says it.
	Demand int `json:"demand,omitempty"`
	// Owner names the pool whose desired count is the demand; empty means the first pool.
	Owner string `json:"owner,omitempty"`

	// The cascade (cascade.go).
	StartLimit   time.Duration `json:"start_limit"`
	FillAfter    time.Duration `json:"fill_after"`
	Settle       time.Duration `json:"settle"`
	SettleMax    time.Duration `json:"settle_max"`
	ReleaseEvery time.Duration `json:"release_every"`
	Overstart    float64       `json:"overstart"`
	OverstartMin int           `json:"overstart_min"`
	Extra        int           `json:"extra"`
	RetryEvery   time.Duration `json:"retry_every"`
	Nudge        Nudge         `json:"nudge"`
	StopStuck    bool          `json:"stop_stuck"`

	// The forecast (forecast.go). ForesightUSD of 0 turns it off.
	ForesightUSD float64       `json:"foresight_usd"`
	ForesightGap time.Duration `json:"foresight_gap"`

	// Pools of one tier (tier.go).
	TierShareMax     float64       `json:"tier_share_max"`
	SkipAfterFailure time.Duration `json:"skip_after_failure"`
	ReclaimMemory    time.Duration `json:"reclaim_memory"`

	// The breaker (breaker.go). A count of 0 turns that trip off.
	TripWindow           time.Duration `json:"trip_window"`
	TripCapacityFailures int           `json:"trip_capacity_failures"`
	TripInterruptions    int           `json:"trip_interruptions"`
	TripStuck            int           `json:"trip_stuck"`
	TripChurn            int           `json:"trip_churn"`
	TripShare            float64       `json:"trip_share"`
	ChurnAge             time.Duration `json:"churn_age"`
	OnTrip               OnTrip        `json:"on_trip"`
	ReadyShare           float64       `json:"ready_share"`
	Probe                int           `json:"probe"`
	OpenMin              time.Duration `json:"open_min"`
	HoldOff              time.Duration `json:"hold_off"`
	HoldOffMax           time.Duration `json:"hold_off_max"`
	Jitter               float64       `json:"jitter"`
	JitterSeed           uint64        `json:"jitter_seed"`
	StableFor            time.Duration `json:"stable_for"`
	MinSamples           int           `json:"min_samples"`
	SuccessShare         float64       `json:"success_share"`
	ErrorShare           float64       `json:"error_share"`
	Survive              time.Duration `json:"survive"`
	RampDwell            time.Duration `json:"ramp_dwell"`
	ClosedMin            time.Duration `json:"closed_min"`
	FailoversMaxPerDay   int           `json:"failovers_max_per_day"`

	// Vetoes (veto.go).
	AppFailures    int           `json:"app_failures"`
	AppFailureHold time.Duration `json:"app_failure_hold"`
	DeployHoldMax  time.Duration `json:"deploy_hold_max"`

	// Money (money.go). 0 means no limit.
	OnDemandMax              int     `json:"on_demand_max"`
	OnDemandBudgetUSDMonthly float64 `json:"on_demand_budget_usd_monthly"`

	// Twins and scaling.
	SyncTaskDefinition bool          `json:"sync_task_definition"`
	ParkScaling        bool          `json:"park_scaling"`
	StaleFor           time.Duration `json:"stale_for"`
	WriteOffAfter      time.Duration `json:"write_off_after"`
}

// Preset names.
const (
	PresetFill    = "fill"
	PresetSwitch  = "switch"
	PresetObserve = "observe"
)

// PresetNames lists the presets, the default first.
func PresetNames() []string { return []string{PresetFill, PresetSwitch, PresetObserve} }

// Preset returns the named preset's values with no pools, and whether there is such a preset.
func Preset(name string) (Policy, bool) {
	p := Policy{
		Preset:       PresetFill,
		StartLimit:   3 * time.Minute,
		SettleMax:    5 * time.Minute,
		ReleaseEvery: 5 * time.Second,
		Overstart:    0.35,
		OverstartMin: 1,
		RetryEvery:   5 * time.Minute,
		Nudge:        NudgeNone,
		ForesightGap: 90 * time.Second,

		TierShareMax:     0.6,
		SkipAfterFailure: 5 * time.Minute,
		ReclaimMemory:    6 * time.Hour,

		TripWindow:         15 * time.Minute,
		TripChurn:          10,
		TripShare:          0.25,
		ChurnAge:           150 * time.Second,
		OnTrip:             Keep,
		ReadyShare:         0.5,
		Probe:              10,
		OpenMin:            2 * time.Minute,
		HoldOff:            5 * time.Minute,
		HoldOffMax:         30 * time.Minute,
		Jitter:             0.1,
		StableFor:          10 * time.Minute,
		MinSamples:         10,
		SuccessShare:       0.8,
		ErrorShare:         0.05,
		Survive:            60 * time.Second,
		RampDwell:          2 * time.Minute,
		ClosedMin:          time.Minute,
		FailoversMaxPerDay: 6,

		AppFailures:    3,
		AppFailureHold: 30 * time.Minute,
		DeployHoldMax:  time.Hour,

		ParkScaling: true,
		StaleFor:    30 * time.Second,
	}
	switch name {
	case PresetFill:
	case PresetObserve:
		p.Preset, p.Observe = PresetObserve, true
	case PresetSwitch:
		p.Preset = PresetSwitch
		p.TripWindow = 5 * time.Minute
		p.TripCapacityFailures = 3
		p.TripInterruptions = 5
		p.TripStuck = 1
		p.TripChurn = 0
		p.TripShare = 0.01
		p.OnTrip = Evacuate
	default:
		return Policy{}, false
	}
	return p, true
}

// owner returns the index of the pool that owns the demand, or -1 when the demand is a fixed number.
func (p *Policy) owner() int {
	if p.Demand > 0 {
		return -1
	}
	for i := range p.Pools {
		if p.Pools[i].Name == p.Owner {
			return i
		}
	}
	return 0
}

// pool returns the index of the named pool, or -1.
func (p *Policy) pool(name string) int {
	for i := range p.Pools {
		if p.Pools[i].Name == name {
			return i
		}
	}
	return -1
}
