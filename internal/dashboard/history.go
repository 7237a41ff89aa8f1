package dashboard

import (
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// history is what a workload's chart shows. The columns have one length: what held from each moment on.
type history struct {
	Workload string    `json:"workload"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Now      time.Time `json:"now"`
	// Begins is the oldest moment that is known; what is before it is not drawn.
	Begins time.Time `json:"begins,omitzero"`
	columns
	// Thinned says that there were more steps than points: of each stretch its worst moment and its last are kept.
	Thinned bool   `json:"thinned,omitempty"`
	Marks   []mark `json:"marks"`
	// MarksLeftOut counts the older remarks of the range that are not in Marks.
	MarksLeftOut int `json:"marks_left_out"`
	// ShortTaskMinutes and FullShare sum up the part of the range that is known: what was missing, and the share of the time in which
	// nothing was. UnknownSeconds is the part that is not.
	ShortTaskMinutes float64 `json:"shortfall_task_minutes"`
	FullShare        float64 `json:"full_share"`
	UnknownSeconds   float64 `json:"unknown_seconds"`
}

// columns are what held from each moment on.
type columns struct {
	// Times are in seconds since 1970.
	Times  []float64 `json:"times"`
	Demand []int     `json:"demand"`
	// Spot and OnDemand are the tasks in service, Working those under notice that still work, Missing the demand less all of them. They
	// are null where a pool could not be read: a gap, not 0.
	Spot     []*int `json:"spot"`
	OnDemand []*int `json:"on_demand"`
	Working  []*int `json:"working"`
	Missing  []*int `json:"missing"`
}

// columnsOf returns the points as columns, up to end, at which the last point still holds.
func columnsOf(points []point, end time.Time) columns {
	c := columns{Times: []float64{}, Demand: []int{}, Spot: []*int{}, OnDemand: []*int{}, Working: []*int{}, Missing: []*int{}}
	if len(points) > 0 && end.After(points[len(points)-1].at) {
		last := points[len(points)-1]
		last.at = end
		points = append(points, last)
	}
	for _, p := range withEnds(points) {
		c.Times = append(c.Times, float64(p.at.UnixMilli())/1000)
		c.Demand = append(c.Demand, p.demand)
		c.Spot = append(c.Spot, p.held.column(p.held.spot))
		c.OnDemand = append(c.OnDemand, p.held.column(p.held.onDemand))
		c.Working = append(c.Working, p.held.column(p.held.working))
		c.Missing = append(c.Missing, p.held.column(p.held.missing))
	}
	return c
}

// point is one step reduced to what a chart shows.
type point struct {
	at     time.Time
	demand int
	held   held
}

// held is what a step knows of the tasks.
type held struct {
	known                            bool
	spot, onDemand, working, missing int
}

func heldOf(d *failover.Decision) held {
	c := wording.CountsOf(d)
	if !c.Known() || d.Blind() {
		return held{}
	}
	return held{true, c.Spot.Low, c.OnDemand.Low, c.Working, c.Missing.Low}
}

// history returns what held between two moments. After known nothing is known: a gap.
func (t *chronicle) history(workload string, from, to, now, known time.Time) history {
	h := history{Workload: workload, From: from, To: to, Now: now, Marks: []mark{}}
	points := t.known(from, to, now, known)
	if len(t.steps) > 0 {
		h.Begins = t.steps[0].Decision.At
	}
	h.sum(points, earlier(to, now))
	points, h.Thinned = thin(points, from, to, pointsMax)
	h.columns = columnsOf(points, earlier(to, now))
	for _, m := range t.marks {
		if !m.At.Before(from) && !m.At.After(to) {
			h.Marks = append(h.Marks, m)
		}
	}
	if over := len(h.Marks) - marksShown; over > 0 {
		h.Marks, h.MarksLeftOut = h.Marks[over:], over
	}
	slices.Reverse(h.Marks)
	return h
}

// known returns the points between two moments, with one at which what is known ends, where it ends before the present.
func (t *chronicle) known(from, to, now, known time.Time) []point {
	points := t.points(from, to)
	if n := len(points); n > 0 && known.Before(earlier(to, now)) && points[n-1].at.Before(known) {
		points = append(points, point{at: newest(known, from), demand: points[n-1].demand})
	}
	return points
}

// withEnds puts a point before each gap, so that what held until it is drawn up to there.
func withEnds(points []point) []point {
	out := make([]point, 0, len(points)+2)
	for i, p := range points {
		if i > 0 && !p.held.known && points[i-1].held.known {
			end := points[i-1]
			end.at = p.at.Add(-time.Millisecond)
			out = append(out, end)
		}
		out = append(out, p)
	}
	return out
}

// column returns a value for the chart; nil where it is not known.
func (v *held) column(n int) *int {
	if !v.known {
		return nil
	}
	return &n
}

// points returns the changes between two moments, with what held at from moved to from.
func (t *chronicle) points(from, to time.Time) []point {
	var out []point
	for i := range t.steps {
		d := t.steps[i].Decision
		if d.At.After(to) {
			break
		}
		p := point{at: d.At, demand: d.Demand, held: heldOf(d)}
		if !d.At.After(from) {
			p.at = from
			out = append(out[:0], p)
			continue
		}
		if n := len(out); n > 0 && p.demand == out[n-1].demand && p.held == out[n-1].held {
			continue // it still holds
		}
		out = append(out, p)
	}
	return out
}

// sum adds up what was missing.
func (h *history) sum(points []point, end time.Time) {
	full, total := 0.0, 0.0
	for i := range points {
		until := end
		if i+1 < len(points) {
			until = points[i+1].at
		}
		s := until.Sub(points[i].at).Seconds()
		if s <= 0 {
			continue
		}
		if !points[i].held.known {
			h.UnknownSeconds += s
			continue
		}
		total += s
		if m := points[i].held.missing; m > 0 {
			h.ShortTaskMinutes += float64(m) * s / 60
		} else {
			full += s
		}
	}
	h.FullShare = 1
	if total > 0 {
		h.FullShare = full / total
	}
}

// thin keeps at most so many points: of each stretch of time the one with most missing and the last one, so that a
// shortage of seconds is still seen among weeks.
func thin(points []point, from, to time.Time, most int) ([]point, bool) {
	if len(points) <= most {
		return points, false
	}
	stretch := to.Sub(from) / time.Duration(most/2)
	out := make([]point, 0, most)
	for i := 0; i < len(points); {
		n := points[i].at.Sub(from) / stretch
		worst, k := i, i
		for ; k < len(points) && points[k].at.Sub(from)/stretch == n; k++ {
			if points[k].held.missing > points[worst].held.missing {
				worst = k
			}
		}
		out = append(out, points[worst])
		if worst != k-1 {
			out = append(out, points[k-1])
		}
		i = k
	}
	return out, true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
