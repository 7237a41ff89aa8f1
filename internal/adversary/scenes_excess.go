package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// excessScenes are the cases of too much and too long.
func excessScenes() []Scene {
	slow := func(d time.Duration) Scene {
		return Scene{Case: "L20", Name: "on-demand starts take " + d.String(), play: func(s *stage) {
			s.slow(ecsim.Fargate, d)
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.wait(time.Hour)
			s.atMost(s.bound(20))
			s.whole(25 * time.Minute)
			s.slow(ecsim.Fargate, 0)
			s.spot(-1)
			s.gone(15 * time.Minute)
		}}
	}
	return []Scene{slow(4 * time.Minute), slow(7 * time.Minute), slow(10 * time.Minute),
		{Case: "L20b", Name: "a part of on-demand starts hangs", play: func(s *stage) {
			s.hang(ecsim.Fargate, 0.3)
			s.fresh()
			s.spot(10)
			s.covered(coverSoon)
			s.wait(40 * time.Minute)
			s.atMost(s.bound(10))
			s.whole(20 * time.Minute)
			s.hang(ecsim.Fargate, 0)
			s.spot(-1)
		}},
		{Case: "L21", Name: "a switch whose Spot starts take 200 s", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.Demand = 6 // too few starts for their limit to be known
			p.World.StartUp = ecsim.StartUp{P50: 200 * time.Second, P95: 200 * time.Second, P99: 200 * time.Second}
		}, play: func(s *stage) {
			s.wait(30 * time.Minute)
			s.fresh()
			before := s.cost()
			for range 20 {
				s.interrupt(1, true)
				s.wait(time.Hour)
			}
			if n := s.cost() - before; n > 10*60 {
				s.breach("spend_is_bounded", "%.0f task-minutes of on-demand in 20 hours in which one task at a time started slowly", n)
			}
		}, back: 3 * time.Hour},
		{Case: "L24", Name: "interruptions with capacity left", prepare: func(p *Plan) {
			p.Demand = 100
			p.World.StopTimeout = 120 * time.Second
		}, play: func(s *stage) {
			s.learns()
			s.learns()
			before := s.cost()
			s.fresh()
			s.interrupt(30, true)
			s.wait(15 * time.Minute)
			if n := s.cost() - before; n > 40 {
				s.breach("spend_is_bounded", "%.0f task-minutes of on-demand for tasks that Spot replaced at once", n)
			}
		}},
		{Case: "L25", Name: "cover protects itself, and Spot returns", play: func(s *stage) {
			s.spot(0)
			s.whole(6 * time.Minute)
			s.wait(2 * time.Minute)
			s.on(func(w *ecsim.World) {
				s.r.protect(w, 1, 10, 3*time.Hour)
				s.r.protect(w, 1, 10, 3*time.Hour)
			})
			s.hush()
			s.spot(-1)
			s.gone(20 * time.Minute)
			s.told(10*time.Minute, failover.ReasonProtected)
			s.wait(3 * time.Hour)
		}},
		{Case: "L26", Name: "a deployment is slow for want of Spot, the demand is met", prepare: func(p *Plan) {
			p.Demand = 12
			p.Ground.Minimum, p.Ground.Maximum = 100, 200
		}, play: func(s *stage) {
			s.fresh()
			s.on(func(w *ecsim.World) {
				w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, 14)
			})
			before := s.cost()
			s.roll(false, ecsim.FailNone)
			s.wait(40 * time.Minute)
			s.atMost(6)
			if n := s.cost() - before; n > 6*40 {
				s.breach("spend_is_bounded", "%.0f task-minutes of on-demand while the demand was met", n)
			}
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L26b", Name: "a deployment stands still for want of Spot, and cover is left", prepare: func(p *Plan) {
			p.Demand = 12
			p.Ground.Minimum, p.Ground.Maximum = 100, 200
		}, play: func(s *stage) {
			s.spot(6)
			s.whole(8 * time.Minute)
			s.wait(2 * time.Minute)
			s.spot(12) // room for half of the new ones: no old one may go
			s.roll(false, ecsim.FailNone)
			s.gone(15 * time.Minute)
			s.keeps(6)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L28", Name: "an order to fail a small service over", prepare: func(p *Plan) { p.preset(failover.PresetSwitch); p.Demand = 2 }, play: func(s *stage) {
			s.order(failover.IntentFailover)
			s.wait(12 * time.Minute)
			if n := s.asked(0); n != 0 {
				s.breach("cover_is_bounded", "Spot is still asked for %d of %d tasks after it was given up", n, s.want)
			}
			s.whole(time.Minute)
			if n := s.cover(); n != s.want {
				s.breach("cover_is_bounded", "on-demand is asked for %d, %d are wanted", n, s.want)
			}
			s.order(failover.IntentRestore)
		}, back: 2 * time.Hour},
		{Case: "L28b", Name: "an order to fail a service of fill over", prepare: func(p *Plan) { p.Demand = 4 }, play: func(s *stage) {
			s.order(failover.IntentFailover)
			s.wait(12 * time.Minute)
			if n := s.asked(0); n != 0 {
				s.breach("cover_is_bounded", "Spot is still asked for %d of %d tasks after it was given up", n, s.want)
			}
			s.keeps(s.want)
			s.order(failover.IntentRestore)
		}, back: 2 * time.Hour},
		{Case: "L29", Name: "rebalancing moves a full service, with placement failures", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.Ground.Rebalance, p.Ground.Minimum, p.Ground.Maximum = true, 100, 200
		}, play: func(s *stage) {
			s.fresh()
			for range 4 {
				s.on(func(w *ecsim.World) { _ = w.RaisePlacementFailure(s.pool(0)) })
				s.wait(20 * time.Second)
			}
			s.crash(0, 1)
			s.wait(5 * time.Minute)
			s.untouched()
			s.atMost(2)
		}},
	}
}

// slow makes starts of a capacity provider take as long as said; 0: as long as usual.
func (s *stage) slow(provider string, d time.Duration) {
	s.on(func(w *ecsim.World) {
		w.SetStartUp(provider, ecsim.StartUp{P50: d, P95: d * 11 / 10, P99: d * 12 / 10})
	})
}

// hang makes a share of a capacity provider's starts never get to RUNNING.
func (s *stage) hang(provider string, share float64) {
	s.on(func(w *ecsim.World) { w.SetHungStarts(provider, share) })
}
