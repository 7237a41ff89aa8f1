package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// The forecast's numbers.
const (
	hoursOfWeek = 7 * 24
	// shrinkHours is how many hours at the mean rate an hour of the week is given before it has a history of its own: four weeks of it.
	shrinkHours = 4
	// incidentGap: losses closer together than this are one incident; the warnings of one sweep come within seconds.
	incidentGap = 2 * time.Minute
	// burstFor is how long after an incident another one is more likely than by the hour.
	burstFor = 15 * time.Minute
	// shrinkIncidents is how many incidents without a successor a burst's chance is given before there is a history.
	shrinkIncidents = 5
	sizesMax        = 64 // remembered sizes of incidents
)

// foresight is the product's law with cover that is warm before it is needed: the on-demand pool's minimum is as many tasks as a
// forecast says are worth their price. The forecast knows nothing but the past of its own run, so every hour it is judged on is
// one that it has not seen.
type foresight struct {
	*law
	usdPerMinute float64 // what a task-minute short is worth

	hours     [hoursOfWeek]hourOfWeek
	seen      float64 // hours in all
	incidents int
	followed  int // incidents that came within burstFor of the one before
	sizes     []int
	last      time.Duration // the last loss; only if incidents > 0
	began     time.Duration // of the last incident
	to        time.Duration // the history reaches to here
}

type hourOfWeek struct{ seen, incidents float64 }

func newForesight(s *sim, usdPerMinute float64) controller {
	p, _ := failover.Preset(failover.PresetFill)
	l, _ := newLaw(s, p).(*law)
	return &foresight{law: l, usdPerMinute: usdPerMinute, to: s.now}
}

func (f *foresight) pass(arrived []notice) {
	f.learn(arrived)
	f.p.Pools[f.s.cover()].Min = f.warm()
	f.law.pass(arrived)
}

func (f *foresight) idle() bool {
	return f.law.idle() && f.warm() == f.p.Pools[f.s.cover()].Min
}

func hourAt(t time.Duration) int {
	h := int(t/time.Hour) % hoursOfWeek
	return (h + hoursOfWeek) % hoursOfWeek
}

// learn adds the time since the last pass, and the losses that arrived.
func (f *foresight) learn(arrived []notice) {
	for f.to < f.s.now {
		next := min(f.s.now, f.to.Truncate(time.Hour)+time.Hour)
		if next <= f.to {
			next = f.s.now
		}
		h := (next - f.to).Hours()
		f.hours[hourAt(f.to)].seen += h
		f.seen += h
		f.to = next
	}
	for i := range arrived {
		n := &arrived[i]
		if n.stopped || n.sig.Kind != failover.SignalInterruption || f.s.pools[n.pool].capacity != failover.Spot {
			continue
		}
		if f.incidents > 0 && f.s.now-f.last < incidentGap {
			f.sizes[len(f.sizes)-1]++
			f.last = f.s.now
			continue
		}
		if f.incidents > 0 && f.s.now-f.began < burstFor {
			f.followed++
		}
		f.incidents++
		f.hours[hourAt(f.s.now)].incidents++
		if len(f.sizes) == sizesMax {
			f.sizes = f.sizes[:copy(f.sizes, f.sizes[1:])]
		}
		f.sizes = append(f.sizes, 1)
		f.last, f.began = f.s.now, f.s.now
	}
}

// rate is how many incidents an hour are to be expected now.
func (f *foresight) rate() float64 {
	if f.incidents == 0 || f.seen <= 0 {
		return 0
	}
	mean := float64(f.incidents) / f.seen
	h := &f.hours[hourAt(f.s.now)]
	rate := (h.incidents + shrinkHours*mean) / (h.seen + shrinkHours)
	if f.s.now-f.began < burstFor {
		chance := (float64(f.followed) + shrinkIncidents*mean*burstFor.Hours()) / (float64(f.incidents) + shrinkIncidents)
		rate = max(rate, chance/burstFor.Hours())
	}
	return rate
}

// warm is how many on-demand tasks are worth keeping: one more as long as the shortfall that it is expected to avoid in an hour is
// worth more than the hour. Where tasks work through the warning a start-up is over before the loss is felt, and none is.
func (f *foresight) warm() int {
	short := f.s.run.World.StartUp.P50
	if f.s.run.World.Stop == UsesWarning {
		short -= stopTimeout
	}
	worth := f.rate() * max(0, short.Minutes()) * f.usdPerMinute
	if worth <= f.s.run.Prices.OnDemand {
		return 0
	}
	// The share of incidents of at least k tasks falls with k: stop where one more does not pay.
	need := f.s.run.Prices.OnDemand / worth * float64(len(f.sizes))
	k := 0
	for k < f.s.demand {
		atLeast := 0
		for _, size := range f.sizes {
			if size > k {
				atLeast++
			}
		}
		if float64(atLeast) < need || atLeast == 0 {
			break
		}
		k++
	}
	return k
}

// The article's rule for its next step.
const (
	peakFrom, peakTo = 9, 12 // hours, local
	peakHealth       = 70
	peakWindow       = 5 * time.Minute
)

// articlePeak is the article with its next step: it also switches when it is a peak hour and the health score is below 70.
type articlePeak struct {
	*article
	started []time.Duration // tasks that became RUNNING on Spot
}

func newArticlePeak(s *sim) controller { return &articlePeak{article: &article{s: s}} }

func (a *articlePeak) pass(arrived []notice) {
	s := a.s
	for i := range arrived {
		if n := &arrived[i]; n.sig.Kind == failover.SignalRunning && s.pools[n.pool].capacity == failover.Spot {
			a.started = append(a.started, s.now)
		}
	}
	for len(a.started) > 0 && s.now-a.started[0] > peakWindow {
		a.started = a.started[1:]
	}
	a.article.pass(arrived)
	hour := hourAt(s.now) % 24
	if a.mode == onSpot && hour >= peakFrom && hour < peakTo && a.health() < peakHealth {
		a.count++
		a.enter(switching)
		s.ask(s.cover(), s.demand)
	}
}

// health is 100 less 10 for an error and 5 for a pending task, plus 2 for a start, of five minutes.
func (a *articlePeak) health() int {
	score := 100 - 10*a.recent(peakWindow) + 2*len(a.started)
	for _, p := range a.s.pools {
		if p.capacity == failover.Spot {
			score -= 5 * (len(p.tasks) - p.healthy)
		}
	}
	return max(0, min(100, score))
}
