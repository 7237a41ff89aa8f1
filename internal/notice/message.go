package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Status says where in a trouble's life a message is.
type Status string

// Statuses.
const (
	// Event: something happened; it is told once.
	Event Status = "event"
	// Opened: a trouble began. Worse: it became more severe. Still: it lasts. Resolved: it is over.
	Opened   Status = "opened"
	Worse    Status = "worse"
	Still    Status = "still"
	Resolved Status = "resolved"
)

// Message is what a receiver is told: everything that a person needs to know without opening anything else.
// Its JSON is the body of webhooks, whose form has a version.
type Message struct {
	Version int `json:"version"`
	// ID is the same in every attempt, so that receivers can drop repetitions.
	ID       string            `json:"id"`
	Kind     Kind              `json:"kind"`
	Status   Status            `json:"status"`
	Severity failover.Severity `json:"severity"`
	Workload string            `json:"workload"`
	// Key names the trouble: its messages from opened to resolved have the same.
	Key string    `json:"key"`
	At  time.Time `json:"at"`
	// Since is when a trouble began.
	Since time.Time `json:"since,omitzero"`
	Title string    `json:"title"`
	// What happened, one sentence each; more than one when several things are told together.
	What []string `json:"what"`
	// Why is the meaning of the reason, Cost what it costs as far as that is known.
	Why  string `json:"why,omitempty"`
	Cost string `json:"cost,omitempty"`
	// Next is what Backstop will do, and on what condition.
	Next []string `json:"next,omitempty"`
	// Do is what a person should do; empty: nothing.
	Do     string `json:"do,omitempty"`
	Mode   string `json:"mode,omitempty"`
	Demand int    `json:"demand"`
	// InService and Missing are ranges where not everything could be read.
	InService failover.Range `json:"in_service"`
	Missing   failover.Range `json:"missing"`
}

const (
	// messageVersion is the version of the JSON form.
	messageVersion = 2
	// whatMax bounds the sentences of one message, textMax their length in bytes.
	whatMax = 10
	textMax = 1000
	// nextMax is how many conditions are told.
	nextMax = 2
	// subjectMax is the longest subject that SNS takes.
	subjectMax = 100
)

// Subject is one line of at most 100 ASCII characters.
func (m *Message) Subject() string {
	s := fmt.Sprintf("[%s] %s: %s", strings.ToUpper(string(m.Severity)), m.Workload, m.Title)
	switch m.Status {
	case Still:
		s = fmt.Sprintf("[%s] %s, for %s: %s", strings.ToUpper(string(m.Severity)), m.Workload, wording.Span(m.At.Sub(m.Since)), m.Title)
	case Resolved:
		s = fmt.Sprintf("[over] %s: %s", m.Workload, m.Title)
	}
	out := []byte(s)
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '?'
		}
	}
	return string(out[:min(len(out), subjectMax)])
}

// Text is the message for people, without any markup.
func (m *Message) Text() string {
	var b strings.Builder
	for _, what := range m.What {
		b.WriteString(what + "\n")
	}
	line := func(head, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", head, text)
		}
	}
	if m.Status == Resolved {
		line("Lasted", wording.Span(m.At.Sub(m.Since)))
	}
	line("Why", m.Why)
	line("Costs", m.Cost)
	for _, next := range m.Next {
		line("Next", next)
	}
	do := m.Do
	if do == "" {
		do = "nothing; this is for your information"
	}
	line("You", do)
	switch m.Kind {
	case Test, Digest:
		return b.String()
	case StartedAgain, NotStartedAgain:
		line("More", "backstop history")
		return b.String()
	}
	line("Now", fmt.Sprintf("%s of %d tasks in service, mode %s, at %s UTC", m.InService, m.Demand, orUnknown(m.Mode), m.At.UTC().Format("2006-01-02 15:04:05")))
	line("More", "backstop explain "+m.Workload)
	return b.String()
}

func orUnknown(mode string) string {
	if mode == "" {
		return "unknown"
	}
	return mode
}

// TestMessage is what `backstop notify test` sends. It says that it is a test, and of nothing that has happened.
func TestMessage(at time.Time) Message {
	d := Test.declared()
	return Message{Version: messageVersion, ID: idOf("", Test, Event, "test", at), Kind: Test, Status: Event, Severity: d.Severity, Workload: "test", Key: "test", At: at,
		Title: d.Title, What: []string{"this is a test of Backstop's notices: nothing has happened"}, Do: d.Do}
}

// idOf names a message by what it is about.
func idOf(workload string, kind Kind, status Status, key string, at time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", workload, kind, status, key, at.Unix()))
	return "ntc_" + hex.EncodeToString(sum[:12])
}

// say adds a sentence, unless it is there. What there is no room for is counted.
func (m *Message) say(what string) {
	switch what = clip(what); {
	case slices.Contains(m.What, what):
	case len(m.What) < whatMax:
		m.What = append(m.What, what)
	default:
		n := 0
		_, _ = fmt.Sscanf(m.What[whatMax-1], moreForm, &n) // 0: the last one is a sentence
		m.What[whatMax-1] = fmt.Sprintf(moreForm, max(n, 1)+1)
	}
}

// moreForm stands for sentences that there is no room for.
const moreForm = "and %d more like these"

func clip(s string) string {
	if len(s) > textMax {
		return strings.ToValidUTF8(s[:textMax], "") + "..."
	}
	return s
}

// rank orders severities.
func rank(s failover.Severity) int {
	switch s {
	case failover.Critical:
		return 2
	case failover.Warning:
		return 1
	}
	return 0
}
