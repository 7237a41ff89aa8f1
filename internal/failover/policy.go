package failover

import (
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover/breaker"
)

// OnBudget is what happens when the month's on-demand budget is used up.
type OnBudget string

// What a used-up budget does.
const (
	// HoldBudget adds nothing; what runs stays, and the overrun is forecast and told.
	HoldBudget OnBudget = "hold"
	// ReleaseBudget gives cover back, a quarter a minute.
	ReleaseBudget OnBudget = "release"
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
	// Demand fixes the number of wanted tasks; 0 means that the owner's desired count is the demand.
	Demand int `json:"demand,omitempty"`
	// Owner names the pool whose desired count is the demand; empty means the first pool.
	Owner string `json:"owner,omitempty"`

	// Readiness and its limits (estimate.go, learn.go).
	ReadyAfter time.Duration `json:"ready_after"`
	ReadyLimit time.Duration `json:"ready_limit"`
	StartLimit time.Duration `json:"start_limit"`

	// Cover (cascade.go) and what is kept warm ahead of a loss (foresight.go).
	Overstart    float64 `json:"overstart"`
	Extra        int     `json:"extra"`
	ForesightUSD float64 `json:"foresight_usd"`

	// Pools of one tier (tier.go).
	TierShareMax float64 `json:"tier_share_max"`

	// Switch is the full fail-over of the preset `switch`; no other preset uses it.
	Switch breaker.Params `json:"switch"`
	// ParkScaling suspends auto scaling while a breaker holds the owner's count down.
	ParkScaling bool `json:"park_scaling"`

	// Money (permit.go). 0 means no limit.
	OnDemandMax              int      `json:"on_demand_max"`
	OnDemandBudgetUSDMonthly float64  `json:"on_demand_budget_usd_monthly"`
	OnBudget                 OnBudget `json:"on_budget"`

	// The services.
	SyncTaskDefinition bool          `json:"sync_task_definition"`
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
		Preset:       name,
		ReadyLimit:   5 * time.Minute,
		StartLimit:   3 * time.Minute,
		Overstart:    0.35,
		TierShareMax: 0.6,
		Switch:       breaker.Default(),
		ParkScaling:  true,
		OnBudget:     HoldBudget,
		StaleFor:     30 * time.Second,
	}
	switch name {
	case PresetFill:
	case PresetObserve:
		p.Observe = true
	case PresetSwitch:
		p.Switch.On = true
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
	return max(0, p.pool(p.Owner))
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

// covered reports whether pool i is a Spot pool with an on-demand pool that can stand in for it.
func (p *Policy) covered(i int) bool {
	return p.Pools[i].Capacity == Spot && slices.ContainsFunc(p.Pools, func(pool Pool) bool { return pool.Capacity == OnDemand })
}

// bound is the most that pool i may be asked for.
func (p *Policy) bound(i int) int {
	if most := p.Pools[i].Max; most > 0 {
		return min(most, ServiceTasksMax)
	}
	return ServiceTasksMax
}

// floor is the least that pool i is asked for: its minimum while anything is wanted at all.
func (p *Policy) floor(i, demand int) int {
	if demand == 0 {
		return 0
	}
	return min(p.Pools[i].Min, p.bound(i))
}

// SteadyAfter is how long a task must have been in service for nothing to depend on when it started, as long as no task of its pool
// stops for the application's reasons and its breaker is closed.
func (p *Policy) SteadyAfter() time.Duration {
	return max(healthWindow, p.ReadyAfter, survive) + time.Minute
}
