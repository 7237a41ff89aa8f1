package control_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestOrdersOverTheWire plays the cases of orders, of changed configurations and of first contact.
func TestOrdersOverTheWire(t *testing.T) {
	var cases []wireCase
	for _, n := range []int{1, 2, 4, 8, 12} {
		c := wireCase{id: "L28", title: fmt.Sprintf("an order moves a service of %d", n), count: n, play: func(s *scene) {
			s.fresh()
			s.order(failover.Intent{Kind: failover.IntentFailover})
			if !s.until(25*time.Minute, func() bool { return s.asked(0) == 0 && s.in(1) == n }) {
				s.t.Errorf("Spot is asked for %d and on-demand for %d of %d; %s", s.asked(0), s.asked(1), n, s.why())
			}
			s.keeps(n)
			s.bounded(n)
			s.order(failover.Intent{Kind: failover.IntentRestore})
			s.until(time.Minute, func() bool { return s.asked(0) == n })
			s.gone(30 * time.Minute)
			s.keeps(n)
			if d := s.asked(0); d != n {
				s.t.Errorf("the owner is asked for %d after the order, want %d", d, n)
			}
		}}
		if n == 1 || n > 4 {
			c.only = []string{"plain", "group"}
		}
		cases = append(cases, c)
	}
	evacuated := func(s *scene) {
		s.t.Helper()
		s.take(10)
		if !s.until(35*time.Minute, func() bool { return s.asked(0) <= 1 && s.in(1) >= 19 }) {
			s.t.Fatalf("Spot is asked for %d and on-demand for %d; %s", s.asked(0), s.asked(1), s.why())
		}
	}
	cases = append(cases,
		wireCase{id: "L27", title: "an evacuated switch becomes fill", preset: failover.PresetSwitch, only: []string{"plain", "group"}, play: func(s *scene) {
			evacuated(s)
			s.fresh()
			s.spot(-1)
			s.restart(presetOf(failover.PresetFill))
			s.gone(15 * time.Minute)
			s.keeps(s.want)
			if n := s.asked(0); n != s.want {
				s.t.Errorf("the owner is asked for %d, want %d", n, s.want)
			}
		}},
		wireCase{id: "L27", title: "an evacuated switch observes", preset: failover.PresetSwitch, only: []string{"plain", "group"}, play: func(s *scene) {
			evacuated(s)
			spot, standard := s.asked(0), s.asked(1)
			s.restart(presetOf(failover.PresetObserve))
			s.hush()
			s.wait(20 * time.Minute)
			if s.asked(0) != spot || s.asked(1) != standard {
				s.t.Errorf("the counts are %d and %d, were %d and %d: observing changes nothing", s.asked(0), s.asked(1), spot, standard)
			}
			if d := s.report().Decision; d.Demand != s.want || len(d.Withheld) == 0 {
				s.t.Errorf("the demand is %d, %d changes are withheld, want 20 and some; %s", d.Demand, len(d.Withheld), s.why())
			}
			s.told(0, failover.ReasonObserving)
		}},
		wireCase{id: "L30", title: "first contact with a standby that has tasks of its own", count: 5, preset: failover.PresetObserve, only: []string{"plain", "group"},
			before: func(s *scene) {
				s.box.World(func(e *ecsim.World) { _ = e.SetDesired(twins[1], 20) })
				sleep(s.t, 5*time.Minute)
			}, play: func(s *scene) {
				s.fresh()
				s.wait(20 * time.Minute)
				s.keeps(25)
				if s.asked(0) != 5 || s.asked(1) != 20 {
					s.t.Errorf("the counts are %d and %d, want 5 and 20", s.asked(0), s.asked(1))
				}
				if n := s.calls("ecs:UpdateService"); n != 0 {
					s.t.Errorf("%d UpdateService calls of a workload that is observed", n)
				}
				s.planned(failover.SetDesiredCount{Pool: "standard", From: 20, Count: 0})
			}})
	playOverTheWire(t, cases)
}

// planned holds that a change is among those that are withheld.
func (s *scene) planned(want failover.SetDesiredCount) {
	s.t.Helper()
	r := s.report()
	for _, a := range r.Decision.Withheld {
		if set, ok := a.(failover.SetDesiredCount); ok && set.Pool == want.Pool && set.From == want.From && set.Count == want.Count {
			return
		}
	}
	s.t.Errorf("withheld are %+v, want %+v among them", r.Decision.Withheld, want)
}
