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
	// Actions are in the order in which they must be carried out. When one fails the ones after it must
	// not be tried in this pass.
	Actions []Action `json:"-"`
	// Withheld are the actions that were not taken because the policy only observes or an operator paused.
	Withheld []Action `json:"-"`

	Mode      Mode           `json:"mode"`
	Demand    int            `json:"demand"`
	Running   int            `json:"running"`
	Shortfall int            `json:"shortfall"`
	Pools     []PoolDecision `json:"pools"`
	// Health is the article's score of the first pool, 0 to 100.
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
	Desired  int         `json:"desired"`
	Running  int         `json:"running"`
	Starting int         `json:"starting"`
	Stuck    int         `json:"stuck"`
	Growing  int         `json:"growing"`
	Seasoned int         `json:"seasoned"`
	// Raise is what the pool must be asked for now, Release what it may come down to, Ask the outcome.
	Raise   int    `json:"raise"`
	Release int    `json:"release"`
	Ask     int    `json:"ask"`
	Reason  Reason `json:"reason"`
	// Warm is how many tasks the forecast says are worth keeping warm here.
	Warm int `json:"warm,omitempty"`
	// Unread says that the pool could not be read: its counts are what was known of it before. Lost says that it is
	// written off besides ([Policy.WriteOffAfter]): its tasks count as lost.
	Unread bool `json:"unread,omitempty"`
	Lost   bool `json:"lost,omitempty"`
	// CapacityFailures, Interruptions and Churned count the distinct evidence in the trip window.
	CapacityFailures int `json:"capacity_failures"`
	Interruptions    int `json:"interruptions"`
	Churned          int `json:"churned"`
}

// Finding is one more thing that shaped a decision: a reason, the pool it concerns, how many tasks or events
// it counts and against what limit, and until when it holds. Its text is made when it is read
// ([Finding.Text]), so that deciding costs no formatting.
type Finding struct {
	Reason Reason    `json:"reason"`
	Pool   string    `json:"pool,omitempty"`
	Count  int       `json:"count,omitempty"`
	Limit  int       `json:"limit,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Detail string    `json:"detail,omitempty"`
}

// Condition says when, or on what, Backstop would decide differently, and what it would do then.
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
	// Do says what a person should do; empty: nothing.
	Do string `json:"do,omitempty"`
}

// Blind says that there is a pool that could not be read and is not written off: counts of it are from before.
func (d *Decision) Blind() bool {
	return d.Reason == ReasonBlind || slices.ContainsFunc(d.Pools, func(p PoolDecision) bool { return p.Unread && !p.Lost })
}

// Unread says that there is a pool that could not be read, written off or not.
func (d *Decision) Unread() bool {
	return d.Reason == ReasonBlind || slices.ContainsFunc(d.Pools, func(p PoolDecision) bool { return p.Unread })
}

// Sight says in words what the pool's counts are worth: empty if it was read.
func (p *PoolDecision) Sight() string {
	switch {
	case p.Lost:
		return "counted as lost"
	case p.Unread:
		return "not read"
	}
	return ""
}

// Acts says whether the decision changes anything.
func (d *Decision) Acts() bool { return len(d.Actions) > 0 }
