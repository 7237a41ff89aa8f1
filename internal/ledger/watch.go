package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Bounds of what a watch remembers.
const (
	tasksMax    = 4096
	servicesMax = 4096
	begunMax    = 16 // deployments in progress of one service
	idsMax      = 4096
	// evidenceMax bounds what is kept of the events behind one finding, in bytes.
	evidenceMax = 8 << 10
	// settleFor is how long a placement may take to be told of: a task that was placed is heard of when it runs, or gives up.
	settleFor = 30 * time.Minute
)

// Watch holds events and looks against the ledger, and notes the first contradiction of each row. Events may come twice, late, in any order, or not
// at all: what may follow from that contradicts nothing. It is not safe for concurrent use.
type Watch struct {
	Seen     Seen
	tasks    map[string]*taskSeen
	services map[string]*serviceSeen
	ids      map[string]bool
}

// taskSeen is the newest event of a task.
type taskSeen struct {
	Event
	warned, judged bool // a warning was seen; whether it was warned is judged
}

// serviceSeen is what is remembered of a service.
type serviceSeen struct {
	failure    *Event // the last placement failure
	doubts     []doubt
	begun      map[string]*Event // deployments
	short      bool              // the last look missed tasks
	placed     time.Time         // when the youngest known task was made
	deployedAt time.Time         // when a deployment last began or ended
}

// doubt is a second placement failure that is judged once a placement between the two would have been heard of.
type doubt struct{ first, second *Event }

func (w *Watch) init() {
	if w.tasks == nil {
		w.tasks, w.services, w.ids = map[string]*taskSeen{}, map[string]*serviceSeen{}, map[string]bool{}
	}
	if w.Seen.Tallies == nil {
		w.Seen.Tallies = map[string]Tally{}
	}
}

func (w *Watch) service(name string) *serviceSeen {
	s := w.services[name]
	if s == nil {
		if len(w.services) >= servicesMax {
			clear(w.services)
		}
		s = &serviceSeen{begun: map[string]*Event{}}
		w.services[name] = s
	}
	return s
}

// Event takes an event.
func (w *Watch) Event(e Event) {
	w.init()
	if e.ID != "" {
		if w.ids[e.ID] {
			return
		}
		if len(w.ids) >= idsMax {
			clear(w.ids)
		}
		w.ids[e.ID] = true
	}
	s := w.service(e.Service)
	w.settle(s, e.At)
	if e.Task.ID != "" {
		w.task(s, &e)
	} else {
		w.action(s, &e)
	}
}

// task takes an event of a task.
func (w *Watch) task(s *serviceSeen, e *Event) {
	t := &e.Task
	s.place(t.Created)
	known := w.tasks[t.ID]
	if known == nil {
		if len(w.tasks) >= tasksMax {
			clear(w.tasks)
		}
		known = &taskSeen{}
		w.tasks[t.ID] = known
	}
	spot := strings.EqualFold(t.Provider, string(failover.Spot))
	if spot && t.Last == "RUNNING" && t.Desired == "STOPPED" && interrupted(t) && !known.warned {
		known.warned, known.judged = true, true
		w.saw("A9", 0, e)
		w.saw("A10", form(t), e)
	}
	follows := known.Task.Version > 0 && t.Version == known.Task.Version+1
	if spot && follows && !known.judged && known.Task.Last == "RUNNING" && known.Task.Desired == "RUNNING" && past(t.Last) && t.Code == codeSpot && !t.Started.IsZero() {
		known.judged = true
		w.saw("A9", 1, e, brief(&known.Event))
	}
	if t.Last == "STOPPED" && known.Task.Last != "STOPPED" {
		w.stopped(e, spot)
	}
	if t.Version >= known.Task.Version {
		known.Event = *e
		known.Raw = nil // of each task would be a lot
	}
}

// brief is what is kept of a task's event as evidence where the event itself was not kept.
func brief(e *Event) *Event {
	out := *e
	raw, err := json.Marshal(map[string]any{"version": e.Task.Version, "lastStatus": e.Task.Last, "desiredStatus": e.Task.Desired, "time": e.At.UTC().Format(time.RFC3339)})
	if err == nil {
		out.Raw = raw
	}
	return &out
}

// place notes that a task was made.
func (s *serviceSeen) place(at time.Time) {
	if at.After(s.placed) {
		s.placed = at
	}
	s.doubts = slices.DeleteFunc(s.doubts, func(d doubt) bool { return !at.Before(d.first.At) && at.Before(d.second.At) })
}

// stopped takes the last event of a task.
func (w *Watch) stopped(e *Event, spot bool) {
	t := &e.Task
	ran := !t.Started.IsZero()
	if ran && !t.Exited.IsZero() && !t.Stopped.IsZero() {
		w.saw("A8", t.Stopped.Sub(t.Exited).Seconds(), e)
	}
	if spot && !ran && t.Code == codeSpot && !t.Stopping.IsZero() && !t.Exited.IsZero() {
		w.saw("A32", t.Exited.Sub(t.Stopping).Seconds(), e)
	}
	if !ran && t.Code != codeSpot && strings.Contains(strings.ToLower(t.Reason), "capacity is unavailable") {
		w.saw("A23", 1, e)
	}
}

// action takes an event of a service or a deployment.
func (w *Watch) action(s *serviceSeen, e *Event) {
	switch e.Name {
	case placementFailure:
		w.unplaced(s, e)
	case deploymentBegun:
		s.deployedAt = e.At
		if strings.Contains(e.Reason, "rolling back") { // to a deployment that is old
			return
		}
		if len(s.begun) >= begunMax { // of those that another one took the place of, ECS says no end
			clear(s.begun)
		}
		s.begun[e.Deployment] = e
	case deploymentDone:
		s.deployedAt = e.At
		if begun := s.begun[e.Deployment]; begun != nil {
			w.saw("A15", e.At.Sub(begun.At).Seconds(), e, begun)
			delete(s.begun, e.Deployment)
		}
	case deploymentFailed:
		s.deployedAt = e.At
		delete(s.begun, e.Deployment)
	}
}

// unplaced takes a placement failure of a service.
func (w *Watch) unplaced(s *serviceSeen, e *Event) {
	if strings.EqualFold(e.Provider, string(failover.Spot)) || strings.EqualFold(e.Provider, string(failover.OnDemand)) {
		other := 1.0
		if e.Reason == "RESOURCE:FARGATE" {
			other = 0
		}
		w.saw("A26", other, e)
	}
	last := s.failure
	if last == nil || e.At.After(last.At) {
		s.failure = e
	}
	// A service that misses nothing fails to place a task for availability zone rebalancing, to which no silence belongs.
	if last != nil && e.At.After(last.At) && s.short && s.placed.Before(last.At) && s.deployedAt.Before(last.At) && len(s.doubts) < begunMax {
		s.doubts = append(s.doubts, doubt{last, e})
	}
}

// settle judges what can be judged by now.
func (w *Watch) settle(s *serviceSeen, now time.Time) {
	for len(s.doubts) > 0 && now.Sub(s.doubts[0].second.At) > settleFor {
		d := s.doubts[0]
		s.doubts = s.doubts[1:]
		w.saw("A20", d.second.At.Sub(d.first.At).Seconds(), d.second, d.first)
	}
}

// Look takes what a look at a service read.
func (w *Watch) Look(service string, o *failover.PoolObservation, at time.Time) {
	if o.Err != failover.ErrNone {
		return
	}
	w.init()
	s := w.service(service)
	w.settle(s, at)
	s.short = o.RunningCount+o.PendingCount < o.Desired
	for i := range o.Tasks {
		s.place(o.Tasks[i].CreatedAt)
	}
	if !o.Listed || o.Steady > 0 {
		return
	}
	running, warned := 0, 0
	for i := range o.Tasks {
		t := &o.Tasks[i]
		known := w.tasks[t.ID]
		switch {
		case t.Phase == failover.Running:
			running++
		case t.Phase == failover.Leaving && known != nil && known.warned && known.Task.Last == "RUNNING":
			warned++
		case t.Phase == failover.Leaving:
			return // what it still counts as is not known
		}
	}
	switch {
	case warned == 0:
	case o.RunningCount == running+warned:
		w.saw("A11", 0, &Event{Service: service, At: at})
	case o.RunningCount == running:
		w.saw("A11", 1, &Event{Service: service, At: at, Raw: lookRaw(o)})
	}
}

// lookRaw is the counts of a look as evidence.
func lookRaw(o *failover.PoolObservation) json.RawMessage {
	raw, err := json.Marshal(map[string]int{"desiredCount": o.Desired, "runningCount": o.RunningCount, "pendingCount": o.PendingCount, "tasks": len(o.Tasks)})
	if err != nil {
		return nil
	}
	return raw
}

// saw notes one observation of the row's watched measure. The events are what shows it, the newest first.
func (w *Watch) saw(row string, value float64, events ...*Event) {
	e, m := watched(row)
	key := row + "/" + m.Name
	t := w.Seen.Tallies[key]
	t.N++
	if m.verdict(value) == Contradicted {
		t.Off++
		t.Sum += value
	}
	w.Seen.Tallies[key] = t
	if m.verdict(value) != Contradicted || t.Off < m.Watch.Least || float64(t.Off) <= m.Watch.Share*float64(t.N) ||
		slices.ContainsFunc(w.Seen.Findings, func(f Finding) bool { return f.Row == e.Row }) {
		return
	}
	observed := fmt.Sprintf("%s (%d of %d)", m.text(t.Sum/float64(t.Off)), t.Off, t.N)
	f := Finding{Row: row, Measure: m.Name, Predicted: m.predicted(), Observed: observed, Since: events[0].At, Service: events[0].Service}
	fakes, size := NewFakes(), 0
	for _, shows := range events {
		if raw := fakes.JSON(shows.Raw); raw != nil && size+len(raw) <= evidenceMax {
			f.Evidence = append(f.Evidence, raw)
			size += len(raw)
		}
	}
	w.Seen.Findings = append(w.Seen.Findings, f)
}

// watched returns a row and its measure that events judge.
func watched(row string) (*Expectation, *Measure) {
	all := Expectations()
	for i := range all {
		for k := range all[i].Measures {
			if m := &all[i].Measures[k]; all[i].Row == row && m.Watch != nil {
				return &all[i], m
			}
		}
	}
	panic("no expectation of " + row) // a constant of this package
}

const codeSpot = "SpotInterruption"

// interrupted reports whether a task that still runs is under an interruption warning, in any form that is known.
func interrupted(t *Task) bool {
	return t.Code == codeSpot || t.Code == "TerminationNotice" || strings.HasPrefix(strings.ToLower(t.Reason), "your spot task was interrupted")
}

// form is that of a warning.
func form(t *Task) float64 {
	switch {
	case t.Code == "TerminationNotice":
		return 1
	case t.Code == "":
		return 2
	case t.Reason != "Your Spot Task was interrupted.":
		return 3
	}
	return 0
}

// past reports whether a status comes after RUNNING.
func past(last string) bool {
	switch last {
	case "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED":
		return true
	}
	return false
}
