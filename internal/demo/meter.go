package demo

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Prices of a task, in US dollars per hour.
type Prices struct {
	OnDemandVCPU, OnDemandGB float64 // per vCPU-hour and GB-hour
	SpotVCPU, SpotGB         float64
}

// ExamplePrices are the ones of the article that the product grew from. Prices differ by region and time.
var ExamplePrices = Prices{OnDemandVCPU: 0.04656, OnDemandGB: 0.00511, SpotVCPU: 0.02049, SpotGB: 0.00225}

func (p Prices) onDemand(u ecsim.Usage) float64 {
	return (u.VCPUSeconds*p.OnDemandVCPU + u.GBSeconds*p.OnDemandGB) / 3600
}

func (p Prices) spot(u ecsim.Usage) float64 {
	return (u.VCPUSeconds*p.SpotVCPU + u.GBSeconds*p.SpotGB) / 3600
}

// taskHour is the on-demand price of one task for one hour.
func (p Prices) taskHour() float64 {
	return taskCPU/1024*p.OnDemandVCPU + taskMemory/1024*p.OnDemandGB
}

// startLimit is how long a normal start takes at most: the policy's default.
const startLimit = 3 * time.Minute

// meter integrates over virtual time what was wanted and what ran.
type meter struct {
	prices Prices
	began  time.Time
	first  sample
	now    time.Time
	last   sample

	wanted, short float64 // task-seconds
	// fresh is the part of short that was missing because demand had just risen: at most rise tasks, until
	// risen. No capacity anywhere starts at once.
	fresh        float64
	rise         int
	risen        time.Time
	full         time.Duration
	none         time.Duration // nothing served
	paid         time.Duration // since the beginning, when on-demand was last paid for
	gap, longest time.Duration
	gaps         []Gap
}

// gapsMax bounds the gaps that are kept.
const gapsMax = 10_000

// note adds a time in which tasks were missing to the gap that it belongs to.
func (m *meter) note(short int, long time.Duration) {
	if m.gap == 0 && len(m.gaps) < gapsMax {
		m.gaps = append(m.gaps, Gap{From: m.now.Sub(m.began)})
	}
	g := &m.gaps[len(m.gaps)-1]
	g.Long += long
	g.Most = max(g.Most, short)
	g.TaskSeconds += float64(short) * long.Seconds()
}

func newMeter(p Prices, now time.Time, v sample) *meter {
	return &meter{prices: p, began: now, first: v, now: now, last: v}
}

// step tells the meter that from its last moment until now the world was as last seen, and is v from now on.
func (m *meter) step(now time.Time, v sample) {
	d := now.Sub(m.now)
	if d > 0 {
		short := max(0, m.last.demand-m.last.spot-m.last.onDemand-m.last.working)
		m.wanted += float64(m.last.demand) * d.Seconds()
		m.short += float64(short) * d.Seconds()
		if short > 0 && short == m.last.demand {
			m.none += d
		}
		if v.onDemandUse.VCPUSeconds > m.last.onDemandUse.VCPUSeconds {
			m.paid = now.Sub(m.began)
		}
		if m.now.Before(m.risen) {
			m.fresh += float64(min(short, m.rise)) * d.Seconds()
		}
		if short == 0 {
			m.full += d
			m.gap = 0
		} else {
			m.note(short, d)
			m.gap += d
			m.longest = max(m.longest, m.gap)
		}
	}
	if more := v.demand - m.last.demand; more > 0 {
		m.rise, m.risen = more, now.Add(startLimit)
	}
	m.now, m.last = now, v
}

// cost returns what was used since the beginning at the prices, and what on-demand alone would have cost for
// the same demand.
func (m *meter) cost() (used, onDemandOnly float64) {
	used = m.prices.spot(m.last.spotUse) - m.prices.spot(m.first.spotUse) +
		m.prices.onDemand(m.last.onDemandUse) - m.prices.onDemand(m.first.onDemandUse)
	return used, m.wanted / 3600 * m.prices.taskHour()
}

func (m *meter) starts() int {
	return m.last.spotUse.Started - m.first.spotUse.Started + m.last.onDemandUse.Started - m.first.onDemandUse.Started
}
