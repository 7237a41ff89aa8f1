package demo

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// UpdateKind says what an [Update] tells.
type UpdateKind int

// Kinds of update.
const (
	// Tick: a virtual minute has passed.
	Tick UpdateKind = iota
	// WorldChanged: the scenario did something; Text says what.
	WorldChanged
	// Decided: the daemon decided something that changes something; Decision is set.
	Decided
)

// Update is what a play tells while it goes on.
type Update struct {
	Kind     UpdateKind
	At       time.Time
	Text     string
	Decision *Decision
	Frame    Frame
}

// Frame is the world and the daemon at one moment.
type Frame struct {
	At time.Time
	// Demand is what is wanted; Spot and OnDemand are the tasks in service, Working those under notice that still serve.
	Demand, Spot, OnDemand, Working int
	// Arriving tasks exist and are not in service yet.
	Arriving int
	// Unknown is set where the counts could not be read; there is nothing to draw then.
	Unknown          bool
	Mode, Breaker    string
	ShortTaskMinutes float64
	CostUSD          float64
	// OnDemandOnlyUSD is what the same demand would have cost on on-demand alone.
	OnDemandOnlyUSD float64
}

// Missing is the demand less what serves.
func (f *Frame) Missing() int { return max(0, f.Demand-f.Spot-f.OnDemand-f.Working) }

// atWork is how many tasks serve.
func (f *Frame) atWork() int { return f.Spot + f.OnDemand + f.Working }

// Decision is one decision that changed something, as `demo --output json` prints it.
type Decision struct {
	Type    string    `json:"type"` // "decision"
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Text    string    `json:"text"`
	Mode    string    `json:"mode"`
	Breaker string    `json:"breaker"`
	Demand  int       `json:"demand"`
	// What the daemon saw, in the words of docs/design.md. A range that is no single number is not known better.
	InService failover.Range `json:"in_service"`
	Spot      failover.Range `json:"spot_in_service"`
	OnDemand  failover.Range `json:"on_demand_in_service"`
	Warming   int            `json:"warming"`
	Placed    int            `json:"placed"`
	Leaving   int            `json:"leaving"`
	Working   int            `json:"working"`
	Missing   failover.Range `json:"missing"`
	Actions   []string       `json:"actions"`
}

// Summary is the outcome of a play, as `demo --output json` prints it last.
type Summary struct {
	Type             string  `json:"type"` // "summary"
	Scenario         string  `json:"scenario"`
	Policy           string  `json:"policy"`
	Seed             uint64  `json:"seed"`
	Tasks            int     `json:"tasks"`
	VirtualSeconds   float64 `json:"virtual_seconds"`
	WallSeconds      float64 `json:"wall_seconds"`
	DemandHeld       float64 `json:"demand_held_percent"`
	Availability     float64 `json:"availability"`
	ShortTaskMinutes float64 `json:"shortfall_task_minutes"`
	// ScaleOut is the part of ShortTaskMinutes that was missing because demand had just risen.
	ScaleOut      float64 `json:"scale_out_task_minutes"`
	LongestGap    float64 `json:"longest_gap_seconds"`
	CostUSD       float64 `json:"cost_usd"`
	CostRatio     float64 `json:"cost_ratio"`
	Failovers     int     `json:"failovers"`
	Covers        int     `json:"covers"`
	TaskStarts    int     `json:"task_starts"`
	Interruptions int     `json:"interruptions"`
	Decisions     int     `json:"decisions"`
	Passes        int     `json:"passes"`
	BackOnSpot    bool    `json:"back_on_spot"`
	// Promises are what is promised of the scenario with the policy fill, and whether this play kept it.
	Promises   []Promised  `json:"promises"`
	Violations []Violation `json:"violations"`
	Simulated  bool        `json:"simulated"` // always true
	// Unfinished says that the play was stopped before its end.
	Unfinished bool `json:"unfinished,omitempty"`
}

// Violation is one broken invariant and when it was.
type Violation struct {
	At   time.Time `json:"at"`
	Rule string    `json:"rule"`
	Text string    `json:"text"`
}
