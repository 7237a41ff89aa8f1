package replay

import "slices"

// Result is what one policy did on one trace. The JSON names are a contract (docs/json.md); fields are added, never renamed.
// Shortage, availability and gaps are of what truly served: a warned task that works on counts, one that warms up does not.
type Result struct {
	Policy string `json:"policy"`
	Seed   uint64 `json:"seed"`

	CostUSD     float64 `json:"cost_usd"`
	CostRatio   float64 `json:"cost_ratio"`           // to running the whole demand on on-demand
	OverOracle  float64 `json:"cost_over_oracle"`     // cost / oracle's cost - 1; 0 when the oracle was not computed
	OracleUSD   float64 `json:"oracle_usd,omitempty"` //
	OnDemandUSD float64 `json:"all_on_demand_usd"`    //
	DemandHours float64 `json:"demand_task_hours"`    // integral of the demand
	SpotHours   float64 `json:"spot_task_hours"`      // billed
	CoverHours  float64 `json:"on_demand_task_hours"` // billed
	SpotShare   float64 `json:"spot_share"`           // of the billed task-hours

	ShortMinutes float64 `json:"shortfall_task_minutes"`   // integral of max(0, demand - what serves)
	ShortRatio   float64 `json:"shortfall_ratio"`          // to the integral of the demand
	ShortPer1000 float64 `json:"shortfall_per_1000_hours"` // task-minutes short per 1,000 task-hours of demand

	Availability   float64 `json:"availability"`        // share of time with all of the demand served
	Availability90 float64 `json:"availability_90"`     //
	Availability50 float64 `json:"availability_50"`     //
	WorkingMin     float64 `json:"working_share_min"`   // least share of the demand that was ever served
	LongestGap     float64 `json:"longest_gap_seconds"` // longest time with less than the demand served

	// What our own stops opened of the shortage: task-minutes per 1,000 task-hours, and the least share of the demand that would have
	// been in service had nothing but our own stops taken any.
	ReturnPer1000 float64 `json:"return_shortfall_per_1000_hours"`
	ReturnMin     float64 `json:"return_share_min"`

	Failovers   int     `json:"failovers"`       // times that Spot was given up as a whole
	Lost        int     `json:"lost_tasks"`      // RUNNING tasks that were interrupted
	LostServing int     `json:"lost_in_service"` // of them, those that were in service
	TaskStarts  int     `json:"task_starts"`     // tasks created
	PerLost     float64 `json:"starts_per_lost_task"`
	ShortEach   float64 `json:"shortfall_seconds_per_lost_task"` // per task that was lost in service
	Updates     int     `json:"service_updates"`
	Passes      int     `json:"passes"`

	// Of the raises in losses of 10 % or more: the greatest number of on-demand tasks asked for against what Spot lacked then.
	PeakRatio   float64 `json:"peak_asked_per_missing"`
	PeakAsked   int     `json:"peak_asked"`
	PeakMissing int     `json:"peak_missing"`
	AskedMost   int     `json:"on_demand_asked_max"` // the most ever asked for

	Recoveries  []float64 `json:"-"` // seconds from the first warning to full strength, of losses of 10 % or more
	RecoveryP50 float64   `json:"recovery_p50_seconds"`
	RecoveryP95 float64   `json:"recovery_p95_seconds"`
	RecoveryP99 float64   `json:"recovery_p99_seconds"`
	Incidents   int       `json:"incidents"` // losses of 10 % or more

	// The same of tasks that ran, ready or not, for comparison with figures of RUNNING tasks.
	RunningShort        float64 `json:"running_shortfall_per_1000_hours"`
	RunningShortEach    float64 `json:"running_shortfall_seconds_per_lost_task"`
	RunningAvailability float64 `json:"running_availability"`
	RunningMin          float64 `json:"running_share_min"`
	RunningLongestGap   float64 `json:"running_longest_gap_seconds"`

	RunningRecoveries  []float64 `json:"-"`
	RunningRecoveryP50 float64   `json:"running_recovery_p50_seconds"`
	RunningRecoveryP95 float64   `json:"running_recovery_p95_seconds"`
	RunningRecoveryP99 float64   `json:"running_recovery_p99_seconds"`

	Violations []string `json:"violations,omitempty"` // invariants broken, at most ten; only when asked to check
	Events     int      `json:"events"`               // events of the model
	Wall       float64  `json:"wall_seconds"`         // of the run, set by the caller

	Timeline *Timeline `json:"-"`
}

// Percentile returns the q-quantile (0..1) of values by linear interpolation, 0 for none. It sorts values.
func Percentile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	x := q * float64(len(values)-1)
	i := int(x)
	if i+1 >= len(values) {
		return values[len(values)-1]
	}
	return values[i] + (x-float64(i))*(values[i+1]-values[i])
}
