package failover

import (
	"slices"
	"time"
)

// Decision is the outcome of one pass: what to do, why, on what evidence, and what would change it.
type Decision struct {
	At       time.Time `json:"at"`
	Workload string    `json:"workload"`
	// Reason is the most important one; Findings holds every other thing that shaped the decision.
	Reason   Reason    `json:"reason"`
	Findings []Finding `json:"findings,omitempty"`
	// Actions are in the order in which they must be carried out. When one fails, of those after it only the ones that raise a
	// count may be tried in this pass.
	Actions []Action `json:"-"`
	// Withheld are the actions that were not taken because the policy only observes or an operator paused.
	Withheld []Action `json:"-"`

	Mode   Mode `json:"mode"`
	Demand int  `json:"demand"`
	// InService counts the tasks in service, Missing the demand less what serves: in service, and leaving tasks that still work.
	InService Range `json:"in_service"`
	Missing   Range `json:"missing"`
	// Need is what on-demand must hold in all.
	Need  int            `json:"need"`
	Pools []PoolDecision `json:"pools"`
	// Health is the article's score, 0 to 100; never above the share of what was asked of Spot that is in service.
	Health int `json:"health"`

	// Next lists the conditions on which Backstop would decide differently, the nearest first.
	Next []Condition `json:"next,omitempty"`
	// LookAgain is when a pass would decide differently at the latest if nothing else happens; zero: only
	// the regular tick.
	LookAgain time.Time `json:"look_again,omitzero"`
	Notices   []Notice  `json:"notices,omitempty"`
}

// PoolDecision is what was seen of one pool and what it is asked for.
type PoolDecision struct {
	Pool     string      `json:"pool"`
	Capacity Capacity    `json:"capacity"`
	Breaker  BreakerMode `json:"breaker"`
	// Sight says how the pool is known; empty when it was read.
	Sight Sight `json:"sight,omitempty"`
	// Desired is the service's desired count, InForce the count it is asked for where ours does not show yet.
	Desired int `json:"desired"`
	InForce int `json:"in_force"`
	// What was seen of its tasks, in the words of docs/design.md.
	InService Range `json:"in_service"`
	Running   int   `json:"running"`
	Warming   int   `json:"warming,omitempty"`
	Placed    int   `json:"placed,omitempty"`
	Late      int   `json:"late,omitempty"`
	Unhealthy int   `json:"unhealthy,omitempty"`
	Unplaced  int   `json:"unplaced,omitempty"`
	Leaving   int   `json:"leaving,omitempty"`
	Working   int   `json:"working,omitempty"`
	Live      int   `json:"live"`
	// What of it is missing.
	Coming  int `json:"coming,omitempty"`
	Excused int `json:"excused,omitempty"`
	Owed    int `json:"owed,omitempty"`
	// Need is what an on-demand pool must hold, Surplus what is started on top, Warm what is kept ahead of a loss.
	Need    int `json:"need,omitempty"`
	Surplus int `json:"surplus,omitempty"`
	Warm    int `json:"warm,omitempty"`
	// Raise is what the pool must be asked for now, Release what it may come down to, Ask the outcome.
	Raise   int    `json:"raise"`
	Release int    `json:"release"`
	Ask     int    `json:"ask"`
	Reason  Reason `json:"reason"`
	// ReadyBy is when what is warming or starting is due by what was learned; zero when that is not known.
	ReadyBy time.Time `json:"ready_by,omitzero"`
	// LeavingBy is when the first of the leaving tasks that still work is stopped; zero when that is not known.
	LeavingBy time.Time `json:"leaving_by,omitzero"`
	// CapacityFailures and Interruptions count the distinct evidence in the trip window.
	CapacityFailures int `json:"capacity_failures"`
	Interruptions    int `json:"interruptions"`
}

// Finding is one more thing that shaped a decision: a reason, the pool it concerns, how many tasks or events
// it counts and against what limit, and until when it holds. Deciding costs no formatting: the text is written in by whoever records the
// decision (package wording).
type Finding struct {
	Reason Reason    `json:"reason"`
	Pool   string    `json:"pool,omitempty"`
	Count  int       `json:"count,omitempty"`
	Limit  int       `json:"limit,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Detail string    `json:"detail,omitempty"`
	Text   string    `json:"text,omitempty"`
}

// Condition is one on which Backstop would decide differently, and what it would do then.
type Condition struct {
	At   time.Time `json:"at,omitzero"`
	If   string    `json:"if"`
	Then string    `json:"then"`
}

// Severity of a notice.
type Severity string

// Severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Notice is something a person should be told. Key groups repeats of the same thing.
type Notice struct {
	Reason   Reason   `json:"reason"`
	Severity Severity `json:"severity"`
	Key      string   `json:"key"`
	Text     string   `json:"text"`
	// Do is what a person should do; empty: nothing. Command is what does it, or shows more.
	Do      string `json:"do,omitempty"`
	Command string `json:"command,omitempty"`
}

// Blind reports whether a pool could not be read and is not counted as lost: counts of it are from before.
func (d *Decision) Blind() bool {
	return slices.ContainsFunc(d.Pools, func(p PoolDecision) bool { return p.Sight == Told })
}

// Unread reports whether a pool could not be read, counted as lost or not.
func (d *Decision) Unread() bool {
	return slices.ContainsFunc(d.Pools, func(p PoolDecision) bool { return p.Sight != Fresh })
}

// Acts reports whether the decision changes anything.
func (d *Decision) Acts() bool { return len(d.Actions) > 0 }

// Shortfall is how many tasks are missing at most.
func (d *Decision) Shortfall() int { return d.Missing.High }
