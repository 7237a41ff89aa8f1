package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// healthScenes are the cases of tasks that run and never serve, and of readiness that cannot be read.
func healthScenes() []Scene {
	return []Scene{
		{Case: "L4", Name: "the only standby never becomes ready", prepare: func(p *Plan) { p.warm(30 * time.Second) }, play: func(s *stage) {
			s.deaf(ecsim.Fargate, true)
			s.spot(8)
			s.fresh()
			s.covered(coverSoon)
			s.told(20*time.Minute, failover.ReasonCoverNotReady, failover.ReasonCoverFailing) // ECS may stop them first
			s.wait(30 * time.Minute)
			s.atMost(s.bound(12))
			s.untouched()
			s.spot(-1)
			s.gone(25 * time.Minute)
		}},
		{Case: "M4", Name: "the first on-demand pool never becomes ready, the second does", prepare: func(p *Plan) {
			p.warm(30 * time.Second)
			p.Ground.Grace = 2 * time.Hour // ECS does not stop them
			p.spare()
		}, play: func(s *stage) {
			s.deafTasks(1)
			s.spot(0)
			s.covered(coverSoon)
			s.whole(13 * time.Minute)
			s.wait(5 * time.Minute)
			if n := s.asked(1); n > 1 {
				s.breach("nothing_outlives_its_need", "a pool whose tasks never serve is still asked for %d", n)
			}
			s.spot(-1)
			s.gone(30 * time.Minute)
		}, back: 2 * time.Hour},
		{Case: "M4b", Name: "the first on-demand pool has no room, the second has", prepare: func(p *Plan) { p.spare() }, play: func(s *stage) {
			s.on(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.Fargate}, 0) })
			s.spot(0)
			s.covered(coverSoon)
			s.whole(5 * time.Minute)
			s.spot(-1)
			s.gone(30 * time.Minute)
		}, back: 2 * time.Hour},
		{Case: "L9", Name: "readiness is throttled in the middle of a return", prepare: func(p *Plan) { p.warm(60 * time.Second) }, play: func(s *stage) {
			s.spot(0)
			s.whole(9 * time.Minute)
			s.wait(4 * time.Minute)
			s.fresh()
			s.unreadable(failover.ErrThrottled)
			s.spot(-1)
			before := s.cover()
			s.wait(12 * time.Minute)
			if n := s.cover(); n < before {
				s.breach("nothing_lowered_before_it_serves", "on-demand went from %d to %d with no readiness read", before, n)
			}
			s.keeps(s.want)
			s.told(time.Minute, failover.ReasonHealthUnread)
			s.unreadable(failover.ErrNone)
			s.gone(15 * time.Minute)
		}},
		{Case: "L9b", Name: "readiness is denied for good", prepare: func(p *Plan) { p.warm(60 * time.Second) }, play: func(s *stage) {
			s.spot(0)
			s.whole(9 * time.Minute)
			s.unreadable(failover.ErrDenied)
			s.spot(-1)
			s.fresh()
			s.wait(14 * time.Minute)
			s.keeps(s.want)
			s.gone(25 * time.Minute)
			s.unreadable(failover.ErrNone)
		}},
		{Case: "L9c", Name: "readiness cannot be read in a quiet hour", prepare: func(p *Plan) { p.warm(30 * time.Second) }, play: func(s *stage) {
			s.fresh()
			s.unreadable(failover.ErrThrottled)
			s.wait(20 * time.Minute)
			s.atMost(0)
			s.unreadable(failover.ErrNone)
		}},
		{Case: "G4", Name: "counts cannot be read after readiness could not", prepare: func(p *Plan) { p.warm(30 * time.Second) }, play: func(s *stage) {
			s.unreadable(failover.ErrThrottled)
			s.spot(16)
			s.wait(30 * time.Second)
			s.trouble(Throttled, 0.3)
			s.r.mu.Lock()
			s.r.plan.Shares[Throttled] = 0.3
			s.r.mu.Unlock()
			s.wait(6 * time.Minute)
			s.atMost(s.bound(4))
			s.trouble(Throttled, 0)
			s.unreadable(failover.ErrNone)
			s.spot(-1)
		}},
		{Case: "L10", Name: "the database is down in a quiet hour", prepare: func(p *Plan) { p.warm(20 * time.Second) }, play: func(s *stage) {
			s.fresh()
			s.unwell(0, 100)
			s.wait(3 * time.Minute)
			s.atMost(0)
			s.told(5*time.Minute, failover.ReasonApplicationFailing)
		}, back: 2 * time.Hour},
		{Case: "M2", Name: "the replacements of Spot run and never become ready", prepare: func(p *Plan) {
			p.warm(10 * time.Second)
			p.World.StartUp = ecsim.StartUp{P50: 35 * time.Second, P95: 40 * time.Second, P99: 45 * time.Second}
		}, play: func(s *stage) {
			for range 5 { // a replacement is known to come into service within the warning
				s.learns()
			}
			s.deaf(ecsim.FargateSpot, true)
			s.fresh()
			s.trouble(EventLost, 1) // the first look sees tasks that are placed
			s.interrupt(8, true)
			s.wait(9 * time.Minute)
			s.covered(2 * time.Minute)
			s.whole(8 * time.Minute)
			s.trouble(EventLost, 0)
			s.deaf(ecsim.FargateSpot, false)
		}, back: -1},
		{Case: "M17", Name: "cover that never served, and Spot serves again", prepare: func(p *Plan) { p.warm(30 * time.Second) }, play: func(s *stage) {
			s.deaf(ecsim.Fargate, true)
			s.spot(12)
			s.wait(12 * time.Minute)
			s.spot(-1)
			s.gone(20 * time.Minute)
		}},
		{Case: "M14", Name: "survivors of a loss run hot and fail their health checks", prepare: func(p *Plan) { p.warm(20 * time.Second) }, play: func(s *stage) {
			s.spot(14)
			s.covered(coverSoon)
			s.wait(20 * time.Second)
			s.unwell(0, 5)
			s.spot(9)
			s.wait(2 * time.Minute)
			s.covered(90 * time.Second)
			s.whole(8 * time.Minute)
			s.spot(-1)
		}, back: 2 * time.Hour},
	}
}

// deaf makes tasks of a capacity provider that start from now on run and never answer, or ends that.
func (s *stage) deaf(provider string, on bool) {
	s.on(func(w *ecsim.World) {
		u := s.r.plan.Ground.WarmUp
		if on {
			u = ecsim.WarmUp{P50: never}
		}
		w.SetWarmUp(provider, u)
	})
}

// deafTasks gives the service of pool i a task definition whose tasks never answer.
func (s *stage) deafTasks(i int) {
	s.on(func(w *ecsim.World) {
		region := s.r.refs[i].Region
		d, err := w.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: workloadName, Container: "app", Image: "app:1", NeverHealthy: true})
		if err == nil {
			_, _ = w.UpdateService(s.pool(i), ecsim.UpdateServiceInput{TaskDefinition: d.ARN})
		}
	})
	s.wait(3 * time.Minute)
}

// unwell makes the application of up to n tasks of a pool stop answering.
func (s *stage) unwell(i, n int) {
	s.on(func(w *ecsim.World) {
		s.r.unwellAt = w.Now()
		w.SetAnswering(s.pool(i), n, false)
	})
}

// unreadable makes reads of readiness fail.
func (s *stage) unreadable(kind failover.ErrorKind) {
	s.on(func(*ecsim.World) { s.r.healthErr = kind })
}
