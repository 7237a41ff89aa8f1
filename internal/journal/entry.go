package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Version is the schema version of [Entry] as it is written. A reader takes any version up to it.
const Version = 1

// Kind says what an entry records.
type Kind string

// Kinds of entry.
const (
	// KindDecision: a pass decided; Decision, Observation, Actions and Withheld are filled. It is written
	// in the commit that comes before the first action, so it is also the record of the intent to act.
	KindDecision Kind = "decision"
	// KindOutcome: what became of the actions of the decision entry named by Of.
	KindOutcome Kind = "outcome"
	// KindIntent: an operator changed what is wanted; Intent is filled.
	KindIntent Kind = "intent"
	// KindNotice: a person was told, or should have been; Notice is filled.
	KindNotice Kind = "notice"
)

// Kinds lists the kinds of entry.
func Kinds() []Kind { return []Kind{KindDecision, KindOutcome, KindIntent, KindNotice} }

// Entry is one line of the journal.
type Entry struct {
	Version int `json:"version"`
	// ID is unique among the entries of its workload. Entries are ordered by At, then by ID ([NewID]).
	ID       string `json:"id"`
	Workload string `json:"workload"`
	// At is when it happened, by AWS's clock where that was known.
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	// Generation is the commit that the entry was written with; 0 when it was written outside of one.
	Generation uint64 `json:"generation,omitempty"`
	// PolicyDigest names the policy that was decided with ([PolicyDigest]).
	PolicyDigest string `json:"policy_digest,omitempty"`

	// First marks the decision at a first look: nothing was known of the workload before.
	First       bool               `json:"first,omitempty"`
	Observation *Observation       `json:"observation,omitempty"`
	Decision    *failover.Decision `json:"decision,omitempty"`
	// Actions are the decision's, which its own JSON leaves out.
	Actions  Actions `json:"actions,omitempty"`
	Withheld Actions `json:"withheld,omitempty"`

	// Of is the ID of the decision whose outcomes these are.
	Of       string    `json:"of,omitempty"`
	Outcomes []Outcome `json:"outcomes,omitempty"`

	Intent *failover.Intent `json:"intent,omitempty"`
	Notice *failover.Notice `json:"notice,omitempty"`
}

// Outcome is what became of one action.
type Outcome struct {
	Action failover.Action `json:"-"`
	// Skipped says that it was not tried, because one before it failed or the time was up.
	Skipped bool `json:"skipped,omitempty"`
	// Err and Text are empty when it was carried out. Hint says what a person can do about the error.
	Err  failover.ErrorKind `json:"err,omitempty"`
	Text string             `json:"text,omitempty"`
	Hint string             `json:"hint,omitempty"`
	// Took is how long the call took, retries included.
	Took time.Duration `json:"-"`
}

// Done says whether the action was carried out.
func (o *Outcome) Done() bool { return !o.Skipped && o.Err == failover.ErrNone }

// outcomeJSON is the stored form of an [Outcome]: the action tagged, the duration in seconds.
type outcomeJSON struct {
	Action      json.RawMessage    `json:"action"`
	Skipped     bool               `json:"skipped,omitempty"`
	Err         failover.ErrorKind `json:"err,omitempty"`
	Text        string             `json:"text,omitempty"`
	Hint        string             `json:"hint,omitempty"`
	TookSeconds float64            `json:"took_seconds"`
}

// MarshalJSON writes the action with its tag and the duration in seconds.
func (o Outcome) MarshalJSON() ([]byte, error) {
	a, err := MarshalAction(o.Action)
	if err != nil {
		return nil, err
	}
	return json.Marshal(outcomeJSON{a, o.Skipped, o.Err, o.Text, o.Hint, o.Took.Seconds()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Outcome) UnmarshalJSON(b []byte) error {
	var w outcomeJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("read outcome: %w", err)
	}
	a, err := UnmarshalAction(w.Action)
	if err != nil {
		return err
	}
	took := time.Duration(w.TookSeconds * float64(time.Second)).Round(time.Microsecond)
	*o = Outcome{Action: a, Skipped: w.Skipped, Err: w.Err, Text: w.Text, Hint: w.Hint, Took: took}
	return nil
}

// Marshal writes an entry in its stored form. Version is set to [Version].
func Marshal(e Entry) ([]byte, error) {
	e.Version = Version
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write journal entry %s: %w", e.ID, err)
	}
	return b, nil
}

// Unmarshal reads a stored entry and puts the actions back into its decision. An entry of a later version
// is an error: what it means is not known here.
func Unmarshal(b []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(b, &e); err != nil {
		return Entry{}, fmt.Errorf("read journal entry: %w", err)
	}
	if e.Version < 1 || e.Version > Version {
		return Entry{}, fmt.Errorf("read journal entry %s: version %d is not between 1 and %d; a newer backstop wrote it", e.ID, e.Version, Version)
	}
	if e.Decision != nil {
		e.Decision.Actions, e.Decision.Withheld = e.Actions, e.Withheld
	}
	return e, nil
}

// NewID returns an entry's ID: its time in microseconds and entropy, in a form that sorts as text in the
// order of time. The entropy is the caller's, so that this package draws no random number; it need only
// tell apart the entries of one workload within one microsecond.
func NewID(at time.Time, entropy uint32) string {
	us := max(at.UnixMicro(), 0)
	return fmt.Sprintf("%014x-%08x", us, entropy)
}

// PolicyDigest names a policy by its content, in 12 hexadecimal digits.
func PolicyDigest(p failover.Policy) string {
	b, err := json.Marshal(p)
	if err != nil { // NaN or infinity, which no valid policy holds
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
