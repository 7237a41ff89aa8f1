package simulate

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// ranBefore are the tasks that ran before the record began.
func ranBefore(facts []fact, begin time.Time) map[string]bool {
	running := map[string]bool{}
	met := map[string]bool{}
	for i := range facts {
		s := &facts[i]
		if s.task == "" || met[s.task] {
			continue
		}
		met[s.task] = true
		if s.kind != failover.SignalRunning && !s.started.IsZero() && s.started.Before(begin) {
			running[s.task] = true
		}
	}
	return running
}

// tail is how long a record that ends in a shortage is played on, as Spot was then: what the last loss asks for comes after it.
const tail = 5 * time.Minute

// rebuild turns the events, in order of time, into a trace.
func (rec *record) rebuild(name string, tasks int) *trace.Trace {
	facts := rec.facts
	begin, end := facts[0].at, facts[len(facts)-1].at
	running := ranBefore(facts, begin)
	most, held := len(running), len(running)
	type point struct {
		at      time.Time
		limited bool
		held    int
	}
	points := []point{{begin, false, held}}
	limited, before := false, 0
	for i := range facts {
		s := &facts[i]
		ran := running[s.task]
		switch s.kind {
		case failover.SignalRunning:
			running[s.task] = true
		case failover.SignalSteadyState:
			limited = false
		case failover.SignalInterruption, failover.SignalPlacementFailure, failover.SignalCapacityStop:
			if !limited {
				limited, before = true, held
			}
			delete(running, s.task)
		case failover.SignalScaleIn, failover.SignalOperatorStop, failover.SignalApplicationStop:
			if ran {
				before-- // fewer were wanted, or it failed by itself: Spot took nothing
			}
			delete(running, s.task)
		default:
			continue
		}
		held = len(running)
		most = max(most, held)
		if limited && held >= before && s.kind == failover.SignalRunning {
			limited = false
		}
		points = append(points, point{s.at, limited, held})
	}
	if limited {
		end = end.Add(tail)
	}
	unseen := max(0, tasks-most)
	t := &trace.Trace{Name: name, Columns: []trace.Column{{Pool: trace.Spot}}, Duration: end.Sub(begin)}
	var bound time.Duration
	for i, p := range points {
		at, v := p.at.Sub(begin), trace.NoLimit
		if p.limited {
			v = p.held + unseen
			next := end
			if i+1 < len(points) {
				next = points[i+1].at
			}
			bound += next.Sub(p.at)
		}
		if n := len(t.At); n > 0 && t.At[n-1] == at {
			t.Values[n-1] = v
		} else if n == 0 || t.Values[n-1] != v {
			t.At, t.Values = append(t.At, at), append(t.Values, v)
		}
	}
	t.Notes = []string{
		fmt.Sprintf("rebuilt from %s of %s, %s to %s", wording.Count(len(facts), "event"), rec.name, begin.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339)),
		fmt.Sprintf("a lower bound: for %s of %s Spot is taken to hold what ran, though it may have held more", bound.Round(time.Second), t.Duration.Round(time.Second)),
		fmt.Sprintf("%d of %d tasks were never seen in an event and are taken to have run all the time", unseen, tasks),
	}
	if limited {
		t.Notes = append(t.Notes, "it ends in a shortage, and is played "+wording.Span(tail)+" longer")
	}
	t.Notes = append(t.Notes, rec.leftOut()...)
	return t
}

// leftOut are the notes on what does not count.
func (rec *record) leftOut() (notes []string) {
	if n := len(rec.left); n > 0 {
		notes = append(notes, fmt.Sprintf("left out: %s that held no event (%s)", wording.Count(n, "item"), places(rec.left[:min(n, 3)])))
	}
	if rec.dropped > 0 {
		notes = append(notes, fmt.Sprintf("left out: %s of other Spot services", wording.Count(rec.dropped, "event")))
	}
	return notes
}
