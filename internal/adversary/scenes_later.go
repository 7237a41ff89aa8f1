package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// laterScenes are the cases of what comes after a loss: more of it, cover that fails, limits that were learned.
func laterScenes() []Scene {
	return []Scene{
		{Case: "M7", Name: "one task is warned, and its cover hangs", prepare: func(p *Plan) {
			p.Demand = 1
			p.Ground.Minimum, p.Ground.Maximum = 100, 150
		}, play: func(s *stage) {
			s.hang(ecsim.Fargate, 1)
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.wait(5 * time.Minute)
			s.hang(ecsim.Fargate, 0)
			s.whole(12 * time.Minute)
			s.atMost(s.bound(1))
			s.spot(-1)
		}},
		{Case: "M7b", Name: "one task is warned, and its replacement on Spot hangs", prepare: func(p *Plan) {
			p.Demand = 2
			p.Ground.Minimum, p.Ground.Maximum = 100, 150
		}, play: func(s *stage) {
			s.learns()
			s.hang(ecsim.FargateSpot, 1)
			s.fresh()
			s.interrupt(1, true)
			s.wait(190 * time.Second) // the limit of a start
			s.covered(coverSoon)
			s.whole(6 * time.Minute)
			s.atMost(s.bound(1))
			s.hang(ecsim.FargateSpot, 0)
			s.spot(-1)
		}, back: 3 * time.Hour},
		{Case: "M7c", Name: "one task is warned, and its first cover hangs", prepare: func(p *Plan) {
			p.Demand = 1
			p.Ground.Minimum, p.Ground.Maximum = 100, 150
		}, play: func(s *stage) {
			s.hang(ecsim.Fargate, 1)
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.wait(90 * time.Second)
			s.hang(ecsim.Fargate, 0)
			s.whole(4 * time.Minute) // one more is asked for at the limit of a start, not at twice that
			s.atMost(s.bound(1))
			s.spot(-1)
		}},
		{Case: "M8", Name: "more is lost on the second day of a gap", prepare: func(p *Plan) { p.Demand = 100 }, play: func(s *stage) {
			s.spot(80)
			s.whole(8 * time.Minute)
			s.wait(26 * time.Hour)
			s.spot(30)
			s.wait(coverSoon)
			if n := s.cover(); n <= 70 {
				s.breach("losses_are_covered", "on-demand is asked for %d after 50 more were lost, 70 are needed and no surplus was started", n)
			}
			s.whole(8 * time.Minute)
			s.wait(5 * time.Minute)
			if n := s.cover(); n > 71 {
				s.breach("nothing_outlives_its_need", "the surplus stays: on-demand is asked for %d, 70 are needed", n)
			}
			s.spot(-1)
		}},
		{Case: "M16", Name: "cover dies", play: func(s *stage) {
			s.spot(0)
			s.whole(8 * time.Minute)
			s.wait(5 * time.Minute)
			s.fresh()
			s.on(func(w *ecsim.World) {
				w.KillTasks(s.pool(1), 5, ecsim.StopInfrastructure, "The underlying infrastructure has been retired.")
			})
			s.wait(8 * time.Minute)
			s.atMost(20 + 9)
			s.whole(time.Minute)
			s.spot(-1)
		}},
		{Case: "M19", Name: "one incident with slow starts, then normal ones", prepare: func(p *Plan) {
			p.World.StartUp = ecsim.StartUp{P50: 60 * time.Second, P95: 70 * time.Second, P99: 80 * time.Second}
		}, play: func(s *stage) {
			for range 4 { // what is normal is learned outside of gaps
				s.learns()
			}
			s.slow(ecsim.FargateSpot, 10*time.Minute)
			s.slow(ecsim.Fargate, 10*time.Minute)
			s.spot(0)
			s.wait(20 * time.Minute)
			s.spot(-1)
			s.gone(45 * time.Minute)
			s.slow(ecsim.FargateSpot, 0)
			s.slow(ecsim.Fargate, 0)
			s.wait(3 * time.Hour)
			s.hush()
			s.interrupt(4, true)
			s.wait(20 * time.Minute)
			s.untold(failover.ReasonSlowStarts)
		}},
		{Case: "M20", Name: "observe through a gap, then fill", prepare: func(p *Plan) { p.Policy.Observe, p.World.OnSIGTERM = true, ecsim.ObeySIGTERM }, play: func(s *stage) {
			s.spot(8)
			s.fresh()
			s.wait(26 * time.Hour)
			s.atMost(0)
			s.policy(func(p *failover.Policy) { p.Observe = false })
			s.until(4*time.Minute, func() bool { return s.cover() > 12 })
			if n := s.cover(); n <= 12 {
				s.breach("losses_are_covered", "on-demand is asked for %d at once after it was only watched, 12 are needed and a surplus", n)
			}
			s.atMost(s.bound(12))
			s.whole(8 * time.Minute)
			s.spot(-1)
		}},
		{Case: "M11", Name: "a loss is made up for by Spot itself", play: func(s *stage) {
			s.interrupt(6, true)
			s.whole(8 * time.Minute)
			s.gone(12 * time.Minute)
		}},
		{Case: "G1", Name: "a standby on Spot after an order", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.Policy.Pools = []failover.Pool{p.Policy.Pools[0], {Name: "far", Capacity: failover.Spot, Tier: 1}, {Name: "standard", Capacity: failover.OnDemand, Tier: 2, TaskHourUSD: 0.05}}
			p.Regions = []string{homeRegion, farRegion, homeRegion}
		}, play: func(s *stage) {
			s.order(failover.IntentFailover)
			s.wait(15 * time.Minute)
			s.order(failover.IntentRestore)
			s.wait(40 * time.Minute)
			s.hush()
			s.wait(10 * time.Minute)
			s.untold(failover.ReasonRamping)
		}, back: 2 * time.Hour},
	}
}

// lastScenes are cases of orders and of draining.
func lastScenes() []Scene {
	return []Scene{
		{Case: "D1", Name: "a pause in a loss", play: func(s *stage) {
			s.order(failover.IntentPause)
			s.fresh()
			s.spot(10)
			s.wait(5 * time.Minute)
			s.atMost(0)
			s.order(failover.IntentResume)
			s.covered(2 * time.Minute)
			s.spot(-1)
		}},
		{Case: "D2", Name: "a restore while Spot is short", prepare: func(p *Plan) { p.preset(failover.PresetSwitch) }, play: func(s *stage) {
			s.order(failover.IntentFailover)
			s.wait(12 * time.Minute)
			s.spot(5)
			s.fresh()
			s.order(failover.IntentRestore)
			s.wait(25 * time.Minute)
			s.keeps(s.want)
			s.spot(-1)
		}, back: 4 * time.Hour},
		{Case: "D3", Name: "warned tasks are drained late", prepare: func(p *Plan) {
			p.warm(20 * time.Second)
			for i := range p.Policy.Pools {
				p.Policy.Pools[i].Drain, p.Policy.Pools[i].DrainBefore = failover.DrainLate, 25*time.Second
			}
		}, play: func(s *stage) {
			s.spot(8)
			s.wait(60 * time.Second)
			working := 0
			s.on(func(w *ecsim.World) { working = w.Working(s.pool(0)) })
			if working < s.want-1 {
				s.breach("capacity_is_back", "a minute after the warning %d of %d warned tasks work on: they were drained with nothing in their place", working, s.want)
			}
			s.whole(8 * time.Minute)
			s.spot(-1)
		}},
		{Case: "D4", Name: "warm tasks ahead of a loss", prepare: func(p *Plan) { p.Policy.Extra = 2 }, play: func(s *stage) {
			if n := s.in(1); n < 2 {
				s.breach("losses_are_covered", "%d on-demand tasks are kept warm, 2 are ordered", n)
			}
			s.fresh()
			s.spot(18)
			s.wait(5 * time.Minute)
			s.keeps(s.want)
			s.spot(-1)
		}},
	}
}
