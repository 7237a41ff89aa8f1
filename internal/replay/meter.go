package replay

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// meter integrates what held between two events: nothing changes in between, so the sums are exact.
type meter struct {
	s    *sim
	last time.Duration

	demand, working, healthy, spot int

	total, demanded, short, full, most, half float64 // seconds, task-seconds
	least                                    float64
	gapFrom                                  time.Duration
	inGap                                    bool
	longest                                  time.Duration

	// An incident begins with a warning while everything runs and ends when everything runs again without the warned tasks.
	inIncident bool
	from       time.Duration
	depth      int

	usage [2]ecsim.Usage // at the beginning
	lost  int
}

var providers = [2]string{ecsim.Fargate, ecsim.FargateSpot}

// largeLoss is the share of the demand from which a loss counts among the recoveries.
const largeLoss = 0.1

// begin starts the measurement at 0.
func (m *meter) begin() {
	m.last, m.least = 0, 1
	for i, name := range providers {
		m.usage[i] = m.s.world.Usage(name)
	}
	m.lost = m.s.lost()
	m.inIncident, m.inGap = false, false
	m.s.result.Updates, m.s.result.Passes, m.s.result.Events = 0, 0, 0
	m.change()
}

// until adds the time up to t.
func (m *meter) until(t time.Duration) {
	if m.s.now < 0 || t <= m.last {
		return
	}
	dt := (t - m.last).Seconds()
	m.last = t
	m.total += dt
	m.demanded += dt * float64(m.demand)
	if missing := m.demand - m.working; missing > 0 {
		m.short += dt * float64(missing)
		m.least = min(m.least, float64(m.working)/float64(m.demand))
	} else {
		m.full += dt
	}
	if 10*m.working >= 9*m.demand {
		m.most += dt
	}
	if 2*m.working >= m.demand {
		m.half += dt
	}
}

// change reads the counters after something has happened.
func (m *meter) change() {
	s := m.s
	m.demand = s.demand
	m.working, m.healthy, m.spot = 0, 0, 0
	for _, p := range s.pools {
		p.working = p.gauge.AtWork()
		serving := p.gauge.Working()
		if s.run.World.Stop == Drained {
			serving = p.gauge.InService()
		}
		m.working += serving
		m.healthy += p.healthy
		if p.capacity == failover.Spot {
			m.spot += serving
		}
	}
	if s.now < 0 {
		return
	}
	switch short := m.working < m.demand; {
	case short && !m.inGap:
		m.inGap, m.gapFrom = true, s.now
	case !short && m.inGap:
		m.inGap = false
		m.longest = max(m.longest, s.now-m.gapFrom)
	}
	if m.inIncident {
		m.depth = max(m.depth, m.demand-m.healthy)
		if m.healthy >= m.demand {
			m.inIncident = false
			if float64(m.depth) >= largeLoss*float64(m.demand) {
				s.result.Recoveries = append(s.result.Recoveries, (s.now - m.from).Seconds())
			}
		}
	}
	m.record()
}

// warned opens an incident at a warning.
func (m *meter) warned() {
	if !m.inIncident && m.s.now >= 0 {
		m.inIncident, m.from, m.depth = true, m.s.now, 0
	}
}

func (s *sim) lost() int {
	n := 0
	for _, p := range s.pools {
		n += p.lost
	}
	return n
}

// finish turns the sums into the result.
func (s *sim) finish() Result {
	m, r := &s.m, &s.result
	r.Policy, r.Seed = s.run.Policy.Name, s.run.Seed
	if m.inGap {
		m.longest = max(m.longest, s.now-m.gapFrom)
	}
	var billed [2]float64
	for i, name := range providers {
		u := s.world.Usage(name)
		billed[i] = (u.TaskSeconds - m.usage[i].TaskSeconds) / 3600
		r.TaskStarts += u.Created - m.usage[i].Created
	}
	r.CoverHours, r.SpotHours = billed[0], billed[1]
	r.CostUSD = billed[0]*s.run.Prices.OnDemand + billed[1]*s.run.Prices.Spot
	r.DemandHours = m.demanded / 3600
	r.OnDemandUSD = r.DemandHours * s.run.Prices.OnDemand
	r.CostRatio = ratio(r.CostUSD, r.OnDemandUSD)
	r.SpotShare = ratio(billed[1], billed[0]+billed[1])
	r.ShortMinutes = m.short / 60
	r.ShortRatio = ratio(m.short, m.demanded)
	r.ShortPer1000 = 1000 * ratio(r.ShortMinutes, r.DemandHours)
	r.Availability, r.Availability90, r.Availability50 = ratio(m.full, m.total), ratio(m.most, m.total), ratio(m.half, m.total)
	r.WorkingMin = m.least
	r.LongestGap = m.longest.Seconds()
	r.Failovers = s.ctl.failovers()
	r.Lost = s.lost() - m.lost
	r.PerLost = ratio(float64(r.TaskStarts), float64(r.Lost))
	r.ShortEach = ratio(m.short, float64(r.Lost))
	r.Incidents = len(r.Recoveries)
	r.RecoveryP50, r.RecoveryP95, r.RecoveryP99 = Percentile(r.Recoveries, 0.5), Percentile(r.Recoveries, 0.95), Percentile(r.Recoveries, 0.99)
	return *r
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// record appends what holds now to the timeline.
func (m *meter) record() {
	tl := m.s.result.Timeline
	if tl == nil {
		return
	}
	now := Moment{At: m.s.now, Demand: m.demand, Capacity: m.s.capacity(), Spot: m.spot, OnDemand: m.working - m.spot}
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
func (s *sim) capacity() int { return spotCapacity(s.run.Trace, s.row) }

// spotCapacity adds up the Spot pools of a row: a pool holds no more than its zones, where all of them are limited, and than its own limit.
func spotCapacity(t *trace.Trace, row int) int {
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
	if len(tl.Choices) >= choicesMax {
		tl.Dropped++
		return
	}
	var words []string
	for _, a := range d.Actions {
		switch a := a.(type) {
		case failover.SetDesiredCount:
			words = append(words, fmt.Sprintf("%s %d -> %d", a.Pool, a.From, a.Count))
		case failover.StopTask:
			words = append(words, "stop a late task of "+a.Pool)
		}
	}
	text := strings.Join(words, ", ")
	for _, doc := range failover.Reasons() {
		if doc.Reason == d.Reason {
			text += ": " + doc.Text
		}
	}
	tl.Choices = append(tl.Choices, Choice{At: s.now, Reason: string(d.Reason), Text: text})
}
