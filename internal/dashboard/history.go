package dashboard

import (
	"slices"
	"time"
)

// history is what a workload's chart shows. The columns have one length: what held from each moment on.
type history struct {
	Workload string    `json:"workload"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Now      time.Time `json:"now"`
	// Begins is the oldest moment that is known; what is before it is not drawn.
	Begins time.Time `json:"begins,omitzero"`
	// Times are in seconds since 1970.
	Times    []float64 `json:"times"`
	Demand   []int     `json:"demand"`
	Spot     []int     `json:"spot"`
	OnDemand []int     `json:"on_demand"`
	// Thinned says that there were more steps than points: of each stretch its worst moment and its last are kept.
	Thinned bool   `json:"thinned,omitempty"`
	Marks   []mark `json:"marks"`
	// MarksLeftOut counts the older remarks of the range that are not in Marks.
	MarksLeftOut int `json:"marks_left_out"`
	// Short sums up the range: task-minutes that were missing, and the share of the time without any.
	ShortTaskMinutes float64 `json:"shortfall_task_minutes"`
	FullShare        float64 `json:"full_share"`
}

// point is one step reduced to what a chart shows.
type point struct {
	at                     time.Time
	demand, spot, onDemand int
}

func (p *point) missing() int { return max(0, p.demand-p.spot-p.onDemand) }

// history returns what held between two moments.
func (t *chronicle) history(workload string, from, to, now time.Time) history {
	h := history{Workload: workload, From: from, To: to, Now: now, Marks: []mark{}, Times: []float64{}, Demand: []int{}, Spot: []int{}, OnDemand: []int{}}
	points := t.points(from, to)
	if len(t.steps) > 0 {
		h.Begins = t.steps[0].Decision.At
	}
	h.sum(points, earlier(to, now))
	points, h.Thinned = thin(points, from, to)
	if end := earlier(to, now); len(points) > 0 && end.After(points[len(points)-1].at) {
		last := points[len(points)-1]
		last.at = end
		points = append(points, last)
	}
	for i := range points {
		p := &points[i]
		h.Times = append(h.Times, float64(p.at.UnixMilli())/1000)
		h.Demand = append(h.Demand, p.demand)
		h.Spot = append(h.Spot, p.spot)
		h.OnDemand = append(h.OnDemand, p.onDemand)
	}
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

// points returns the changes between two moments, with what held at from moved to from.
func (t *chronicle) points(from, to time.Time) []point {
	var out []point
	for i := range t.steps {
		d := t.steps[i].Decision
		if d.At.After(to) {
			break
		}
		p := point{at: d.At, demand: d.Demand}
		for k := range d.Pools {
			if isSpot(&d.Pools[k]) {
				p.spot += d.Pools[k].Running
			} else {
				p.onDemand += d.Pools[k].Running
			}
		}
		if !d.At.After(from) {
			p.at = from
			out = append(out[:0], p)
			continue
		}
		if n := len(out); n > 0 && p.demand == out[n-1].demand && p.spot == out[n-1].spot && p.onDemand == out[n-1].onDemand {
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
		total += s
		if m := points[i].missing(); m > 0 {
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

// thin keeps at most pointsMax points: of each stretch of time the one with most missing and the last one, so that a
// shortage of seconds is still seen among weeks.
func thin(points []point, from, to time.Time) ([]point, bool) {
	if len(points) <= pointsMax {
		return points, false
	}
	stretch := to.Sub(from) / (pointsMax / 2)
	out := make([]point, 0, pointsMax)
	for i := 0; i < len(points); {
		n := points[i].at.Sub(from) / stretch
		worst, k := i, i
		for ; k < len(points) && points[k].at.Sub(from)/stretch == n; k++ {
			if points[k].missing() > points[worst].missing() {
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
