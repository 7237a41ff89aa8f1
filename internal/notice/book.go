package notice

import (
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// toldMax bounds the remembered keys of moments, troublesMax and lettersMax what a book holds. A book of
	// full length is some 100 KB of JSON, a tenth of that when stored.
	toldMax     = 256
	troublesMax = 128
	lettersMax  = 64
	// goneFor is how long a trouble must be gone to be over: two passes.
	goneFor = 2 * time.Minute
	// newsFor is how old a moment may be to be told: what could not be told for three days is history.
	newsFor = 72 * time.Hour
)

// Book is what is kept of one workload's notices.
type Book struct {
	// Through is the moment up to which the journal was looked through.
	Through time.Time `json:"through,omitzero"`
	// Told are the keys of the moments that were put into letters lately.
	Told     []string  `json:"told,omitempty"`
	Troubles []Trouble `json:"troubles,omitempty"`
	Letters  []Letter  `json:"letters,omitempty"`
	// Failover is when a failover began that has not completed.
	Failover time.Time `json:"failover,omitzero"`
	// Sent is when a kind with a gap was last told.
	Sent map[Kind]time.Time `json:"sent,omitempty"`
	// Refused are the receivers that have refused a letter for good, by name.
	Refused map[string]Refusal `json:"refused,omitempty"`
}

// Refusal is what a receiver has answered that will not change by trying again.
type Refusal struct {
	Since time.Time `json:"since"`
	// Tried is when it last refused: it is tried again with what is told an hour later.
	Tried time.Time `json:"tried"`
	Text  string    `json:"text"`
}

// Trouble is one that lasts.
type Trouble struct {
	Key      string            `json:"key"`
	Kind     Kind              `json:"kind"`
	Reason   failover.Reason   `json:"reason,omitempty"`
	Severity failover.Severity `json:"severity"`
	Text     string            `json:"text"`
	Do       string            `json:"do,omitempty"`
	Since    time.Time         `json:"since"`
	// Gone is when it was first not found any more; Told when it was last told.
	Gone time.Time `json:"gone,omitzero"`
	Told time.Time `json:"told,omitzero"`
}

// Letter is a message on its way.
type Letter struct {
	Message Message `json:"message"`
	// NotBefore holds it back so that more can be told with it.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Try is when any process may try to send it, Tries how often that was done.
	Try   time.Time `json:"try,omitzero"`
	Tries int       `json:"tries,omitempty"`
	// Left are the receivers that have not got it yet; nil before the first try: all of them.
	Left []string `json:"left,omitempty"`
}

// Note takes down one pass and returns whether the book has changed. missed are notices of commits that were not
// told of, oldest first; cost says what the decision costs, "" if that is not known. Times are AWS's, as in the report.
func (b *Book) Note(r *control.Report, missed []journal.Entry, cost string) bool {
	w := writer{b: b, r: r, now: r.Decision.At, cost: cost}
	if w.now.IsZero() {
		w.now = r.Started
	}
	for i := range missed {
		if n := missed[i].Notice; n != nil && w.now.Sub(missed[i].At) < newsFor {
			w.moment(n, missed[i].At)
		}
	}
	switch r.Result {
	case control.StoreFailed:
		w.trouble(&failover.Notice{Key: r.Workload + "/state", Text: fmt.Sprint(r.Err)}, StateUnavailable)
		return w.changed
	case control.Stale, control.Held, control.Waiting, control.Abandoned:
		return w.changed // another pass has seen, or will see, the same
	}
	w.found = make(map[string]bool)
	for i := range r.Decision.Notices {
		n := &r.Decision.Notices[i]
		if kind := kindOf(n); kind.declared().Lasting {
			w.trouble(n, kind)
		} else {
			w.moment(n, w.now)
		}
	}
	w.blocked()
	if !w.blind() {
		w.progress()
		w.cover()
	}
	w.gone()
	return w.changed
}

// Due returns the next moment at which there is something to do without another pass; zero if there is none.
func (b *Book) Due() time.Time {
	var next time.Time
	for i := range b.Letters {
		at := b.Letters[i].Try
		if b.Letters[i].NotBefore.After(at) {
			at = b.Letters[i].NotBefore
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// writer puts one report into a book.
type writer struct {
	b       *Book
	r       *control.Report
	now     time.Time
	cost    string
	found   map[string]bool
	changed bool
}

func (w *writer) blind() bool { return w.r.Decision.Blind() }

// moment tells of something that happened, once.
func (w *writer) moment(n *failover.Notice, at time.Time) {
	kind := kindOf(n)
	if kind.declared().Lasting || slices.Contains(w.b.Told, n.Key) {
		return
	}
	w.changed = true
	if w.b.Told = append(w.b.Told, n.Key); len(w.b.Told) > toldMax {
		w.b.Told = slices.Delete(w.b.Told, 0, len(w.b.Told)-toldMax)
	}
	if kind == FailoverStarted && w.b.Failover.IsZero() {
		w.b.Failover = at
	}
	if kind == Restored {
		w.b.Failover = time.Time{}
	}
	severity := n.Severity
	if rank(severity) < rank(kind.declared().Severity) && kind != Restored {
		severity = kind.declared().Severity
	}
	w.send(kind, Event, severity, n, at, time.Time{})
}

// trouble notes one that lasts, and tells of it when it is time.
func (w *writer) trouble(n *failover.Notice, kind Kind) {
	d := kind.declared()
	severity := d.Severity
	if n.Severity != "" {
		severity = n.Severity
	}
	if w.found != nil {
		w.found[n.Key] = true
	}
	i := slices.IndexFunc(w.b.Troubles, func(t Trouble) bool { return t.Key == n.Key })
	if i < 0 {
		if len(w.b.Troubles) >= troublesMax {
			return
		}
		w.b.Troubles = append(w.b.Troubles, Trouble{Key: n.Key, Kind: kind, Severity: severity, Since: w.now})
		i, w.changed = len(w.b.Troubles)-1, true
	}
	t := &w.b.Troubles[i]
	t.Text, t.Do, t.Reason = clip(n.Text), wording.Remedy{Do: n.Do, Command: n.Command}.String(), n.Reason // the newest words; not worth a write of their own
	if !t.Gone.IsZero() {
		t.Gone, w.changed = time.Time{}, true
	}
	worse := rank(severity) > rank(t.Severity)
	t.Severity = severity
	status := Opened
	switch {
	case t.Told.IsZero() && w.now.Sub(t.Since) >= d.After:
	case !t.Told.IsZero() && worse:
		status = Worse
	case !t.Told.IsZero() && d.Repeat > 0 && w.now.Sub(t.Told) >= d.Repeat && w.r.After.AckedAt.Before(t.Since):
		status = Still
	default:
		return
	}
	if w.silent() {
		return // it is told afterwards, if it is still there
	}
	if kind == StillFailedOver {
		status = Still
	}
	t.Told, w.changed = w.now, true
	w.send(kind, status, severity, n, w.now, t.Since)
}

// blocked notes that a change could not be made.
func (w *writer) blocked() {
	if w.r.Result != control.ActionFailed {
		return
	}
	n := failover.Notice{Key: w.r.Workload + "/blocked", Text: "a change could not be made"}
	for i := range w.r.Outcomes {
		if o := &w.r.Outcomes[i]; o.Err != failover.ErrNone {
			n.Text, n.Do = fmt.Sprintf("could not %s: %s", wording.Action(o.Action), o.Text), o.Hint
			break
		}
	}
	w.trouble(&n, FailoverBlocked)
}

// progress tells that a failover is complete.
func (w *writer) progress() {
	d := &w.r.Decision
	if w.b.Failover.IsZero() || d.Mode != failover.ModeOnDemand || d.Shortfall() > 0 {
		return
	}
	n := failover.Notice{Reason: d.Reason, Key: fmt.Sprintf("%s/completed/%d", w.r.Workload, w.b.Failover.Unix()),
		Text: fmt.Sprintf("%s has %s of %d tasks in service on on-demand, %s after the failover began", w.r.Workload, d.InService, d.Demand,
			wording.Span(w.now.Sub(w.b.Failover)))}
	w.b.Failover = time.Time{}
	w.changed = true
	w.send(FailoverCompleted, Event, failover.Info, &n, w.now, time.Time{})
}

// cover notes that on-demand covers, which is told when it lasts.
func (w *writer) cover() {
	d := &w.r.Decision
	if d.Mode != failover.ModeOnDemand && d.Mode != failover.ModeMixed {
		return
	}
	n := failover.Notice{Reason: d.Reason, Key: w.r.Workload + "/cover",
		Text: fmt.Sprintf("%s has been on %s since %s", w.r.Workload, wording.Mode(d.Mode), wording.Clock(w.r.After.ModeSince))}
	w.trouble(&n, StillFailedOver)
}

// gone tells of troubles that this pass does not find any more. A blind pass finds nothing, which says nothing.
func (w *writer) gone() {
	kept := w.b.Troubles[:0]
	for _, t := range w.b.Troubles {
		switch blind := w.blind() && t.Kind != Blind; {
		case w.found[t.Key], blind:
		case t.Told.IsZero():
			w.changed = true
			continue
		case t.Gone.IsZero():
			t.Gone, w.changed = w.now, true
		case w.now.Sub(t.Gone) >= goneFor:
			w.changed = true
			if t.Kind != StillFailedOver { // "restored" has said so
				n := failover.Notice{Key: t.Key, Reason: t.Reason, Text: "over: " + t.Text}
				w.send(t.Kind, Resolved, failover.Info, &n, w.now, t.Since)
			}
			continue
		}
		kept = append(kept, t)
	}
	w.b.Troubles = kept
}

// silent reports whether a person wants to hear nothing of the workload for now.
func (w *writer) silent() bool {
	s := w.r.After.Silence
	return s != nil && w.now.Before(s.Until)
}

// send writes a letter, or adds to one of the same kind that no sender has tried yet.
func (w *writer) send(kind Kind, status Status, severity failover.Severity, n *failover.Notice, at, since time.Time) {
	if w.silent() {
		return // what happened is in the journal
	}
	d := kind.declared()
	r := w.r
	if status == Event {
		for i := range w.b.Letters {
			l := &w.b.Letters[i]
			if l.Message.Kind == kind && l.Message.Status == Event && l.Tries == 0 {
				l.Message.say(n.Text)
				if rank(severity) > rank(l.Message.Severity) {
					l.Message.Severity = severity
				}
				return
			}
		}
	}
	m := Message{Version: messageVersion, ID: idOf(r.Workload, kind, status, n.Key, at), Kind: kind, Status: status, Severity: severity,
		Workload: r.Workload, Key: n.Key, At: at, Since: since, Title: d.Title, Why: wording.Reason(n.Reason), Cost: w.cost,
		Do:   wording.Remedy{Do: n.Do, Command: n.Command}.String(),
		Mode: string(r.Decision.Mode), Demand: r.Decision.Demand, InService: r.Decision.InService, Missing: r.Decision.Missing}
	if m.Do == "" && status != Resolved {
		m.Do = d.Do
	}
	if status == Resolved {
		m.Why = ""
	}
	m.say(n.Text)
	for _, c := range r.Decision.Next[:min(len(r.Decision.Next), nextMax)] {
		m.Next = append(m.Next, clip(wording.Condition(&c)))
	}
	l := Letter{Message: m}
	if d.Gap > 0 && status == Event {
		if last := w.b.Sent[kind]; w.now.Sub(last) < d.Gap {
			l.NotBefore = last.Add(d.Gap)
		}
		if w.b.Sent == nil {
			w.b.Sent = make(map[Kind]time.Time)
		}
		w.b.Sent[kind] = w.now
		if !l.NotBefore.IsZero() {
			w.b.Sent[kind] = l.NotBefore
		}
	}
	w.b.Letters = append(w.b.Letters, l)
	if over := len(w.b.Letters) - lettersMax; over > 0 { // the least severe, and of those the oldest, gives way
		least := 0
		for i := range w.b.Letters {
			if rank(w.b.Letters[i].Message.Severity) < rank(w.b.Letters[least].Message.Severity) {
				least = i
			}
		}
		w.b.Letters = slices.Delete(w.b.Letters, least, least+1)
	}
}
