package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// meter measures a run: what served, what ran, whose doing a shortage was and how much was asked for.
type meter struct {
	s    *sim
	last time.Duration

	demand, serving, running, spot int

	total, demanded float64 // seconds, task-seconds
	service, runs   integral
	books           books
	moves           []move
	peak            peak
	// Of large losses: until the demand is in service again, and until it is RUNNING, both without the warned tasks.
	served, ran incidents

	usage [2]ecsim.Usage // at the beginning
	lost  losses
}

// losses count interrupted tasks: those that were RUNNING, and of them those that were in service.
type losses struct{ running, serving int }

var providers = [2]string{ecsim.Fargate, ecsim.FargateSpot}

// largeLoss is the share of the demand from which a loss counts among the recoveries.
const largeLoss = 0.1

func newMeter(s *sim) meter {
	return meter{s: s, books: newBooks(len(s.pools)), moves: make([]move, len(s.pools))}
}

// begin starts the measurement at 0.
func (m *meter) begin() {
	m.last = 0
	m.service, m.runs = integral{least: 1}, integral{least: 1}
	for i, name := range providers {
		m.usage[i] = m.s.world.Usage(name)
	}
	m.lost = m.s.lost()
	m.served, m.ran, m.peak = incidents{}, incidents{}, peak{}
	m.books.oursSeconds, m.books.least = 0, 1
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
	m.service.add(dt, m.demand, m.serving)
	m.runs.add(dt, m.demand, m.running)
	m.books.add(dt)
}

// change reads the counters after something has happened.
func (m *meter) change() {
	s := m.s
	m.demand = s.demand
	m.serving, m.running, m.spot = 0, 0, 0
	healthy, ready := 0, 0
	drained := s.run.World.Stop == Drained
	for i, p := range s.pools {
		p.working = p.gauge.AtWork()
		inService := p.gauge.InService()
		working, whileIn := p.gauge.Leaves()
		mv := move{spot: p.capacity == failover.Spot, serving: p.gauge.Working(), left: working}
		if drained { // who leaves serves no more
			mv.serving, mv.left = inService, whileIn
		}
		m.moves[i] = mv
		m.serving += mv.serving
		m.running += p.working
		healthy += p.healthy
		ready += inService
		if mv.spot {
			m.spot += mv.serving
		}
	}
	m.books.turn(m.demand, m.moves)
	if s.now < 0 {
		return
	}
	m.service.turn(s.now, m.serving < m.demand)
	m.runs.turn(s.now, m.running < m.demand)
	m.served.turn(s.now, m.demand, ready)
	m.ran.turn(s.now, m.demand, healthy)
	m.record()
}

// warned opens an incident at a warning.
func (m *meter) warned() {
	if m.s.now >= 0 {
		m.served.warned(m.s.now)
		m.ran.warned(m.s.now)
	}
}

// raised notes a raise of on-demand.
func (m *meter) raised() {
	if m.s.now >= 0 {
		asked, missing := m.s.asks()
		m.peak.raised(m.s.demand, asked, missing)
	}
}

func (s *sim) lost() (n losses) {
	for _, p := range s.pools {
		n.running += p.lost
		_, inService := p.gauge.Leaves()
		n.serving += inService.Interrupted
	}
	return n
}

// finish turns the sums into the result.
func (s *sim) finish() Result {
	m, r := &s.m, &s.result
	r.Policy, r.Seed = s.run.Policy.Name, s.run.Seed
	m.service.end(s.now)
	m.runs.end(s.now)
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
	r.ShortMinutes = m.service.short / 60
	r.ShortRatio = ratio(m.service.short, m.demanded)
	r.ShortPer1000 = m.service.per1000(m.demanded)
	r.Availability, r.Availability90, r.Availability50 = ratio(m.service.full, m.total), ratio(m.service.most, m.total), ratio(m.service.half, m.total)
	r.WorkingMin, r.LongestGap = m.service.least, m.service.longest.Seconds()
	r.ReturnPer1000 = 1000 * ratio(m.books.oursSeconds/60, r.DemandHours)
	r.ReturnMin = m.books.least
	r.Failovers = s.ctl.failovers()
	lost := s.lost()
	r.Lost, r.LostServing = lost.running-m.lost.running, lost.serving-m.lost.serving
	r.PerLost = ratio(float64(r.TaskStarts), float64(r.Lost))
	r.ShortEach = ratio(m.service.short, float64(r.LostServing))
	r.PeakRatio, r.PeakAsked, r.PeakMissing, r.AskedMost = m.peak.ratio, m.peak.asked, m.peak.missing, m.peak.most
	r.Recoveries, r.Incidents = m.served.took, len(m.served.took)
	r.RecoveryP50, r.RecoveryP95, r.RecoveryP99 = Percentile(r.Recoveries, 0.5), Percentile(r.Recoveries, 0.95), Percentile(r.Recoveries, 0.99)
	s.ranFigures()
	return *r
}

// ranFigures are the figures of tasks that ran, ready or not.
func (s *sim) ranFigures() {
	m, r := &s.m, &s.result
	r.RunningShort = m.runs.per1000(m.demanded)
	r.RunningShortEach = ratio(m.runs.short, float64(r.Lost))
	r.RunningAvailability, r.RunningMin, r.RunningLongestGap = ratio(m.runs.full, m.total), m.runs.least, m.runs.longest.Seconds()
	r.RunningRecoveries = m.ran.took
	r.RunningRecoveryP50, r.RunningRecoveryP95, r.RunningRecoveryP99 = Percentile(m.ran.took, 0.5), Percentile(m.ran.took, 0.95), Percentile(m.ran.took, 0.99)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
