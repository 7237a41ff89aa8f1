package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// servingScenes are the cases of capacity that does not serve: returns, evacuations and deployments.
func servingScenes() []Scene {
	return []Scene{
		{Case: "L1", Name: "Spot comes back with a warm-up", prepare: func(p *Plan) { p.warm(60 * time.Second) }, play: func(s *stage) {
			s.spot(0)
			s.covered(coverSoon)
			s.whole(8 * time.Minute)
			s.wait(5 * time.Minute)
			s.fresh()
			s.spot(-1)
			s.wait(15 * time.Minute)
			s.keeps(s.want)
			s.gone(10 * time.Minute)
		}},
		{Case: "L1b", Name: "Spot comes back, ready by time", prepare: func(p *Plan) {
			p.Ground.Readiness, p.Ground.WarmUp = ByTime, ecsim.WarmUp{P50: 100 * time.Second}
			p.Policy.ReadyAfter = 2 * time.Minute
		}, play: func(s *stage) {
			s.spot(5)
			s.covered(coverSoon)
			s.whole(8 * time.Minute)
			s.wait(4 * time.Minute)
			s.fresh()
			s.spot(-1)
			s.wait(15 * time.Minute)
			s.keeps(s.want)
			s.gone(5 * time.Minute)
		}},
		{Case: "L2", Name: "a switch evacuates with a warm-up", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.warm(90 * time.Second)
			p.Demand = 40
		}, play: func(s *stage) {
			s.interrupt(8, false)
			s.wait(30 * time.Second)
			s.fresh()
			s.wait(20 * time.Minute)
			s.keeps(32)
			s.spot(-1)
		}, back: 3 * time.Hour},
		{Case: "L3", Name: "cover that has run for no time", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.warm(2 * time.Minute)
			p.Policy.Overstart = 1
		}, play: func(s *stage) {
			s.interrupt(8, false)
			s.wait(30 * time.Second)
			s.fresh()
			s.wait(25 * time.Minute)
			s.keeps(12)
			s.spot(-1)
		}, back: 3 * time.Hour},
		{Case: "L5", Name: "blue is lost while green bakes", prepare: shifting(ecsim.BlueGreen, 30*time.Minute, false), play: func(s *stage) {
			s.roll(false, ecsim.FailNone)
			s.wait(7 * time.Minute) // green is up, blue carries the traffic or has just lost it
			s.interruptProduction(15)
			s.covered(coverSoon)
			s.whole(10 * time.Minute)
			s.spot(-1)
			s.wait(time.Hour)
		}, back: 2 * time.Hour},
		{Case: "L6", Name: "blue is lost while a hook holds green", prepare: shifting(ecsim.BlueGreen, 5*time.Minute, true), play: func(s *stage) {
			s.roll(false, ecsim.FailNone)
			s.wait(12 * time.Minute)
			s.told(5*time.Minute, failover.ReasonHook)
			s.interruptProduction(20)
			s.covered(coverSoon)
			s.whole(12 * time.Minute)
			s.spot(-1)
		}, back: -1},
		{Case: "L7", Name: "an early success", prepare: func(p *Plan) {
			p.warm(20 * time.Second)
			p.Ground.Minimum, p.Ground.Maximum, p.Ground.Early = 50, 200, true
			p.World.StartUp = ecsim.StartUp{P50: 60 * time.Second, P95: 240 * time.Second, P99: 280 * time.Second}
			p.Policy.StartLimit = 6 * time.Minute
		}, play: func(s *stage) {
			s.fresh()
			s.roll(false, ecsim.FailNone)
			s.wait(20 * time.Minute)
			s.atMost(2)
		}},
		{Case: "L8", Name: "old tasks are lost in a rolling deployment", prepare: func(p *Plan) {
			p.warm(2 * time.Minute)
			p.Ground.Minimum, p.Ground.Maximum = 100, 200
		}, play: func(s *stage) {
			s.roll(false, ecsim.FailNone)
			s.wait(150 * time.Second) // the new ones run and are not ready
			s.interruptOld(12)
			s.covered(coverSoon)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "M12", Name: "a canary loses one revision", prepare: func(p *Plan) {
			shifting(ecsim.Canary, 40*time.Minute, false)(p)
			p.Demand = 20
		}, play: func(s *stage) {
			s.roll(false, ecsim.FailNone)
			s.wait(8 * time.Minute)
			s.fresh()
			s.interruptOld(20)
			s.wait(coverSoon)
			if n := s.cover(); n < 10 || n > s.bound(12) {
				s.breach("losses_are_covered", "on-demand is asked for %d after one of two revisions that carry half of the traffic each was lost", n)
			}
			s.spot(-1)
			s.wait(time.Hour)
		}, back: 2 * time.Hour},
		{Case: "M3", Name: "the standby is in the group without weight", prepare: func(p *Plan) {
			shifting(ecsim.BlueGreen, time.Minute, false)(p)
			p.Ground.Astray = true
		}, play: func(s *stage) {
			s.roll(false, ecsim.FailNone)
			s.wait(25 * time.Minute) // green has the traffic now
			s.interrupt(10, false)
			s.told(10*time.Minute, failover.ReasonNoTraffic)
			s.fresh()
			s.wait(10 * time.Minute)
			s.untouched()
			s.spot(-1)
		}, back: -1},
		{Case: "M5", Name: "a deployment stops half and Spot has no room", prepare: func(p *Plan) {
			p.Ground.Minimum, p.Ground.Maximum = 50, 100
		}, play: func(s *stage) {
			s.spot(20)
			s.roll(false, ecsim.FailNone)
			s.until(time.Minute, func() bool { return s.in(0) < s.want })
			s.spot(10)
			s.covered(3 * time.Minute)
			s.whole(8 * time.Minute)
			s.spot(-1)
		}, back: 3 * time.Hour},
	}
}

// releaseScenes are the cases of a release in an outage.
func releaseScenes() []Scene {
	return []Scene{
		{Case: "M6", Name: "a release in a total outage of Spot", prepare: func(p *Plan) {
			p.Ground.Minimum, p.Ground.Maximum, p.Ground.CircuitBreaker = 100, 200, true
		}, play: func(s *stage) {
			s.spot(14)
			s.whole(8 * time.Minute)
			s.wait(4 * time.Minute)
			s.roll(false, ecsim.FailNone)
			s.wait(10 * time.Second)
			s.spot(0)
			s.covered(coverSoon)
			s.whole(8 * time.Minute)
			s.fresh()
			s.told(5*time.Minute, failover.ReasonReleaseWaits)
			s.wait(40 * time.Minute)
			s.keeps(s.want)
			s.spot(-1)
		}, back: 3 * time.Hour},
	}
}

// shifting prepares a workload whose deployments shift traffic.
func shifting(strategy string, bake time.Duration, hook bool) func(*Plan) {
	return func(p *Plan) {
		p.warm(20 * time.Second)
		p.Ground.Strategy, p.Ground.Bake, p.Ground.Hook = strategy, bake, hook
	}
}

// interruptProduction takes up to n tasks of the revisions back that carry traffic, for good.
func (s *stage) interruptProduction(n int) (taken int) {
	s.on(func(w *ecsim.World) {
		_, held := w.Supply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot})
		w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, held)
		taken = len(w.InterruptRevision(s.pool(0), n, "", true, true))
	})
	return taken
}

// interruptOld takes up to n tasks of the oldest revision back, for good. In a rolling deployment the old ones serve, and the new ones
// run and do not.
func (s *stage) interruptOld(n int) {
	s.on(func(w *ecsim.World) {
		w.Configure(func(c *ecsim.Config) { c.Strike.Pick = ecsim.StrikeOldest })
		_, held := w.Supply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot})
		w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, held-n)
	})
}
