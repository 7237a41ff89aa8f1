package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// newForesight is the product's law with a forecast. The forecast knows nothing but the past of its own run, so every hour it is judged
// on is one that it has not seen.
func newForesight(s *sim, usd float64) controller {
	p, _ := failover.Preset(failover.PresetFill)
	p.ForesightUSD = usd
	return newLaw(s, p)
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
	hour := s.clock().Hour()
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
