package dashboard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// mark is one remark on the time axis.
type mark struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // decision, order, notice, failure, deployment, scaling
	// Level is info, warning or critical.
	Level  string `json:"level"`
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text"`
}

// lost is one interruption.
type lost struct {
	at   time.Time
	zone string
	pool string
}

// timeline is what is kept in memory of one workload's journal: without what no chart shows. It is read once and then
// added to.
type timeline struct {
	used time.Time // guarded by timelines.mu
	mu   sync.Mutex
	chronicle
}

// keep bounds what a timeline holds: for how long, and how many decisions. What was read is not read again within fresh.
type keep struct {
	length time.Duration
	steps  int
	fresh  time.Duration
}

// chronicle is the data of a [timeline].
type chronicle struct {
	keep keep
	// from and to bound what was read; beyond a limit from moves up.
	from, to time.Time
	// steps are the decisions, oldest first, reduced to counts. The first may be older than from: it holds at from.
	steps []journal.Entry
	marks []mark
	lost  []lost
	tasks map[string]bool // of lost
	seen  map[string]bool // IDs of the entries younger than to-lateFor
	// releases are the primary deployments last seen, by pool.
	releases map[string]string
	// dropped counts interruptions that the journal knows only by number.
	dropped int
}

// read makes the timeline cover [from, now] as far as the journal goes.
func (t *chronicle) read(ctx context.Context, source Source, workload string, from, now time.Time) error {
	if t.to.IsZero() || from.Before(t.from) {
		// Anew: a longer time than before was asked for, which happens once or twice.
		*t = chronicle{keep: t.keep, from: from, to: from, tasks: make(map[string]bool), seen: make(map[string]bool), releases: make(map[string]string)}
		before, err := source.History(ctx, journal.Query{Workload: workload, To: from, Kinds: []journal.Kind{journal.KindDecision}, Limit: 1})
		if err != nil {
			return err
		}
		for i := range before {
			t.step(&before[i])
			t.deployments(&before[i])
		}
	}
	if age := now.Sub(t.to); age >= 0 && age < t.keep.fresh {
		return nil
	}
	fresh, err := t.fetch(ctx, source, workload, newest(t.from, t.to.Add(-lateFor)))
	if err != nil {
		return err
	}
	recent := make(map[string]bool)
	for i := range fresh {
		e := &fresh[i]
		if !t.seen[e.ID] {
			t.add(e)
		}
		if !e.At.Before(now.Add(-lateFor)) {
			recent[e.ID] = true
		}
	}
	t.to = newest(t.to, now)
	t.seen = recent
	t.trim(now)
	return nil
}

// fetch reads the entries since a moment, oldest first, page by page and at most as many as are kept, without what
// takes room.
func (t *chronicle) fetch(ctx context.Context, source Source, workload string, since time.Time) ([]journal.Entry, error) {
	var out []journal.Entry
	ids := make(map[string]bool)
	for to := (time.Time{}); len(out) < t.keep.steps+marksMax; {
		page, err := source.History(ctx, journal.Query{Workload: workload, From: since, To: to, Limit: pageEntries})
		if err != nil {
			return nil, fmt.Errorf("read history of %s: %w", workload, err)
		}
		added := 0
		for i := range page {
			if !ids[page[i].ID] {
				ids[page[i].ID] = true
				out = append(out, slim(page[i]))
				added++
			}
		}
		if len(page) < pageEntries || added == 0 {
			break
		}
		to = page[len(page)-1].At.Add(time.Microsecond) // others may have the same time
	}
	slices.SortFunc(out, func(a, b journal.Entry) int { return journal.Newer(b, a) })
	return out, nil
}

// slim returns the entry without the tasks that were listed, which are most of its size.
func slim(e journal.Entry) journal.Entry {
	if e.Observation == nil {
		return e
	}
	o := journal.Observation{At: e.Observation.At, SignalsLeftOut: e.Observation.SignalsLeftOut}
	for i := range e.Observation.Pools {
		if p := &e.Observation.Pools[i]; p.Err == failover.ErrNone {
			o.Pools = append(o.Pools, failover.PoolObservation{Pool: p.Pool, Current: p.Current, TaskDefinition: p.TaskDefinition})
		}
	}
	for i := range e.Observation.Signals {
		if e.Observation.Signals[i].Kind == failover.SignalInterruption {
			o.Signals = append(o.Signals, e.Observation.Signals[i])
		}
	}
	e.Observation = &o
	return e
}

// add takes one entry in.
func (t *chronicle) add(e *journal.Entry) {
	switch {
	case e.Decision != nil:
		t.decision(e)
	case e.Intent != nil:
		t.marks = append(t.marks, mark{ID: e.ID, At: e.At, Kind: "order", Level: "info", Text: wording.UpperFirst(wording.Order(e.Intent))})
	case e.Notice != nil:
		if e.Notice.Severity == failover.Info {
			return
		}
		t.marks = append(t.marks, mark{ID: e.ID, At: e.At, Kind: "notice", Level: string(e.Notice.Severity), Reason: string(e.Notice.Reason), Text: wording.UpperFirst(e.Notice.Text)})
	case len(e.Outcomes) > 0:
		if text := wording.UpperFirst(wording.Failures(e.Outcomes)); text != "" {
			t.marks = append(t.marks, mark{ID: e.ID, At: e.At, Kind: "failure", Level: "warning", Text: text})
		}
	}
}

func (t *chronicle) decision(e *journal.Entry) {
	d := e.Decision
	var before failover.Reason
	if n := len(t.steps); n > 0 {
		last := t.steps[n-1].Decision
		before = last.Reason
		if d.Demand != last.Demand && len(d.Pools) > 0 && !d.At.Before(last.At) {
			t.marks = append(t.marks, mark{ID: e.ID + "-scaling", At: d.At, Kind: "scaling", Level: "info", Text: wording.UpperFirst(wording.Rescaled(last.Demand, d.Demand))})
		}
	}
	t.deployments(e)
	if len(d.Actions)+len(d.Withheld) > 0 || d.Reason != before {
		level := "info"
		if d.Missing.High > 0 {
			level = "warning"
		}
		t.marks = append(t.marks, mark{ID: e.ID, At: d.At, Kind: "decision", Level: level, Reason: string(d.Reason), Text: wording.UpperFirst(wording.Entry(e))})
	}
	t.step(e)
	if e.Observation == nil {
		return
	}
	t.dropped += e.Observation.SignalsLeftOut
	for i := range e.Observation.Signals {
		s := &e.Observation.Signals[i]
		if s.Kind != failover.SignalInterruption {
			continue
		}
		if s.Task != "" && t.tasks[s.Task] {
			continue // the warning and the stop are one interruption
		}
		if len(t.lost) >= lostMax {
			t.dropped++
			continue
		}
		if s.Task != "" {
			t.tasks[s.Task] = true
		}
		t.lost = append(t.lost, lost{at: s.At, zone: s.Zone, pool: s.Pool})
	}
}

// deployments marks the pools whose primary deployment is another than at the look before.
func (t *chronicle) deployments(e *journal.Entry) {
	if e.Observation == nil {
		return
	}
	for i := range e.Observation.Pools {
		p := &e.Observation.Pools[i]
		if p.Err != failover.ErrNone || p.Current == "" {
			continue
		}
		if was := t.releases[p.Pool]; was != "" && was != p.Current {
			_, revision, _ := strings.Cut(p.TaskDefinition, "task-definition/")
			t.marks = append(t.marks, mark{ID: e.ID + "-" + p.Pool, At: e.At, Kind: "deployment", Level: "info", Text: wording.UpperFirst(wording.Deployed(p.Pool, revision))})
		}
		t.releases[p.Pool] = p.Current
	}
}

// step keeps the counts of a decision.
func (t *chronicle) step(e *journal.Entry) {
	d := e.Decision
	if d == nil || len(d.Pools) == 0 {
		return
	}
	if n := len(t.steps); n > 0 && d.At.Before(t.steps[n-1].Decision.At) {
		return // written late; what came after it holds
	}
	t.steps = append(t.steps, journal.Entry{ID: e.ID, Workload: e.Workload, At: e.At, Kind: e.Kind, Decision: &failover.Decision{At: d.At,
		Workload: d.Workload, Reason: d.Reason, Mode: d.Mode, Demand: d.Demand, InService: d.InService, Missing: d.Missing, Pools: d.Pools,
		Health: d.Health}})
}

// trim drops what is beyond the limits or too old to be shown, the oldest first. The step that holds at the first
// moment that can be shown stays.
func (t *chronicle) trim(now time.Time) {
	old := now.Add(-t.keep.length)
	over := max(0, len(t.steps)-t.keep.steps)
	for over+1 < len(t.steps) && t.steps[over+1].Decision.At.Before(old) {
		over++
	}
	t.steps = slices.Delete(t.steps, 0, over)
	if n := slices.IndexFunc(t.lost, func(l lost) bool { return !l.at.Before(old) }); n > 0 {
		t.lost = slices.Delete(t.lost, 0, n)
	}
	if over := len(t.marks) - marksMax; over > 0 {
		t.marks = slices.Delete(t.marks, 0, over)
	}
}

// timelines are the histories in memory.
type timelines struct {
	source Source
	keep   keep
	most   int // workloads; the one that was not looked at for longest goes
	mu     sync.Mutex
	all    map[string]*timeline
}

// view calls use with the workload's timeline, read up to now and back to from; no one else uses it meanwhile.
func (ts *timelines) view(ctx context.Context, workload string, from, now time.Time, use func(*chronicle) error) error {
	t := ts.find(workload)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.read(ctx, ts.source, workload, from, now); err != nil {
		return err
	}
	return use(&t.chronicle)
}

func (ts *timelines) find(workload string) *timeline {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.all == nil {
		ts.all = make(map[string]*timeline)
	}
	t := ts.all[workload]
	if t == nil {
		if len(ts.all) >= ts.most {
			oldest := ""
			for name, other := range ts.all {
				if oldest == "" || other.used.Before(ts.all[oldest].used) {
					oldest = name
				}
			}
			delete(ts.all, oldest)
		}
		t = &timeline{chronicle: chronicle{keep: ts.keep}}
		ts.all[workload] = t
	}
	t.used = time.Now()
	return t
}
