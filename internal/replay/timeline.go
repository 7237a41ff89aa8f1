package replay

import (
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Moment is one step of a timeline: what held from At on.
type Moment struct {
	At                               time.Duration
	Demand, Capacity, Spot, OnDemand int // Capacity is trace.NoLimit when nothing limits it
}

// Choice is one decision that changed something, in words.
type Choice struct {
	At     time.Duration
	Reason string // empty for a rival's
	Text   string
}

// Timeline is a run as it went, for a chart.
type Timeline struct {
	Moments []Moment
	Choices []Choice
	Dropped int // choices beyond choicesMax
}

// choicesMax bounds what a timeline keeps without Run.Every: a longer page is not read by anybody.
const choicesMax = 2000

// record appends what holds now to the timeline.
func (m *meter) record() {
	tl := m.s.result.Timeline
	if tl == nil {
		return
	}
	now := Moment{At: m.s.now, Demand: m.demand, Capacity: m.s.capacity(), Spot: m.spot, OnDemand: m.serving - m.spot}
	if n := len(tl.Moments); n > 0 && tl.Moments[n-1].At == now.At {
		tl.Moments[n-1] = now
		return
	} else if n > 0 {
		same := tl.Moments[n-1]
		same.At = now.At
		if same == now {
			return
		}
	}
	tl.Moments = append(tl.Moments, now)
}

// capacity is how many tasks Spot can hold now, over all pools.
func (s *sim) capacity() int { return SpotCapacity(s.run.Trace, s.row) }

// SpotCapacity adds up the Spot pools of a row: a pool holds no more than its zones, where all of them are limited, and than its own limit.
func SpotCapacity(t *trace.Trace, row int) int {
	sum := 0
	for _, name := range t.Pools() {
		zones, zoned, own := 0, false, trace.NoLimit
		for c, col := range t.Columns {
			v := t.Value(row, c)
			switch {
			case col.Pool != name:
			case col.Zone == "":
				own = v
			case v == trace.NoLimit:
				zones, zoned = trace.NoLimit, true
			default:
				if !zoned || zones != trace.NoLimit {
					zones += v
				}
				zoned = true
			}
		}
		if zoned && zones != trace.NoLimit && (own == trace.NoLimit || zones < own) {
			own = zones
		}
		if own == trace.NoLimit {
			return trace.NoLimit
		}
		sum += own
	}
	return sum
}

// chose records a decision in words.
func (s *sim) chose(d *failover.Decision) {
	tl := s.result.Timeline
	if tl == nil || s.now < 0 {
		return
	}
	if len(tl.Choices) >= choicesMax && !s.run.Every {
		tl.Dropped++
		return
	}
	text := wording.Decision(d, false)
	tl.Choices = append(tl.Choices, Choice{At: s.now, Reason: string(d.Reason), Text: text})
}

// choseAsks records what a rival asks for, in words.
func (s *sim) choseAsks() {
	if tl := s.result.Timeline; tl == nil || s.now < 0 || !s.run.Every {
		return
	}
	acts := make([]failover.Action, len(s.asked))
	for i, a := range s.asked {
		acts[i] = failover.SetDesiredCount{Pool: s.pools[a.pool].name, From: s.pools[a.pool].desired, Count: a.count}
	}
	s.result.Timeline.Choices = append(s.result.Timeline.Choices, Choice{At: s.now, Text: strings.Join(wording.Actions(acts), ", ")})
}
