package failover

import "time"

// IntentKind is what an operator asks for.
type IntentKind string

// Intents. A command changes the state; the next pass acts on it, so that a person's failover is decided,
// recorded and fenced like any other.
const (
	IntentFailover IntentKind = "failover"
	IntentRestore  IntentKind = "restore"
	IntentPin      IntentKind = "pin"
	IntentUnpin    IntentKind = "unpin"
	IntentPause    IntentKind = "pause"
	IntentResume   IntentKind = "resume"
	IntentDemand   IntentKind = "demand"
	// IntentConfirm confirms what a critical notice asks to be confirmed: a fall of the demand, a deleted service.
	IntentConfirm IntentKind = "confirm"
	// IntentSilence keeps notices of the workload back until its end, IntentUnsilence ends that. IntentAck says that a person knows
	// of the troubles of now: they are not told again while they last, unless they become worse.
	IntentSilence   IntentKind = "silence"
	IntentUnsilence IntentKind = "unsilence"
	IntentAck       IntentKind = "ack"
)

// Intent is an operator's change of what is wanted.
type Intent struct {
	Kind IntentKind `json:"kind"`
	// Mode is the mode to pin: spot or on_demand.
	Mode Mode   `json:"mode,omitempty"`
	By   string `json:"by,omitempty"`
	Note string `json:"note,omitempty"`
	// At is when it was asked; Until when it ends by itself (zero: when it is taken back).
	At    time.Time `json:"at"`
	Until time.Time `json:"until,omitzero"`
	// Pool limits a failover or restore to one preferred pool; empty: all of them.
	Pool string `json:"pool,omitempty"`
	// Demand is the number of tasks wanted (IntentDemand).
	Demand int `json:"demand,omitempty"`
}
