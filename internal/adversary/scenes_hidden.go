package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// hiddenScenes are the cases of losses that hide behind something else.
func hiddenScenes() []Scene {
	return []Scene{
		{Case: "L11", Name: "a release that cannot start is rolled out, and AWS takes old tasks", play: func(s *stage) {
			s.roll(false, ecsim.FailExit)
			s.wait(100 * time.Second)
			s.told(5*time.Minute, failover.ReasonReleaseFailing)
			s.spot(8)
			s.covered(coverSoon)
			s.whole(8 * time.Minute)
			s.wait(20 * time.Minute)
			s.whole(time.Minute)
			s.roll(false, ecsim.FailNone)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L11b", Name: "AWS takes tasks while a crashing release is rolled out for long", play: func(s *stage) {
			s.roll(false, ecsim.FailImagePull)
			s.wait(400 * time.Second)
			s.spot(12)
			s.covered(coverSoon)
			s.whole(8 * time.Minute)
			s.roll(false, ecsim.FailNone)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L12", Name: "both twins run a broken release, and Spot has no room", prepare: func(p *Plan) { p.Demand = 40 }, play: func(s *stage) {
			s.roll(true, ecsim.FailImagePull)
			s.wait(5 * time.Minute)
			before := s.started()
			s.spot(16)
			s.wait(20 * time.Minute)
			s.told(time.Minute, failover.ReasonCoverFailing)
			s.untold(failover.ReasonOnDemandShort)
			if n := s.started() - before; n > 24+34+12 {
				s.breach("cover_is_bounded", "%d on-demand tasks of a release that is broken were started in 20 minutes", n)
			}
			s.roll(true, ecsim.FailNone)
			s.covered(4 * time.Minute)
			s.spot(-1)
		}, back: 3 * time.Hour},
		{Case: "L13", Name: "one task crashes for hours, then Spot has no room, silently", play: func(s *stage) {
			for range 8 {
				s.crash(0, 1)
				s.wait(4 * time.Minute)
			}
			s.trouble(EventLost, 1)
			s.full()
			s.crash(0, 1)
			s.wait(10 * time.Second)
			s.silently(6)
			s.wait(5 * time.Minute)
			s.covered(time.Minute)
			s.whole(8 * time.Minute)
			s.trouble(EventLost, 0)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L14", Name: "a rollout fails with the service at its full count", play: func(s *stage) {
			s.fresh()
			s.roll(false, ecsim.FailImagePull)
			s.told(6*time.Minute, failover.ReasonReleaseFailing)
			s.wait(30 * time.Minute)
			s.atMost(0)
			s.roll(false, ecsim.FailNone)
		}, back: 2 * time.Hour},
		{Case: "L15", Name: "the twin is on a bad release, the owner on a good one", play: func(s *stage) {
			s.on(func(w *ecsim.World) { _ = w.SetBroken(s.pool(1), ecsim.FailExit) })
			before := s.started()
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.wait(30 * time.Minute)
			s.told(time.Minute, failover.ReasonCoverFailing)
			s.atMost(s.bound(20))
			if n := s.started() - before; n > 60 {
				s.breach("cover_is_bounded", "%d on-demand tasks that fail were started in half an hour", n)
			}
			s.on(func(w *ecsim.World) { _ = w.SetBroken(s.pool(1), ecsim.FailNone) })
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L18", Name: "events are lost for hours, and the state with them", play: func(s *stage) {
			s.trouble(EventLost, 1)
			s.wait(time.Hour)
			s.spot(12)
			s.wait(10 * time.Second)
			s.r.loseState()
			s.wait(5 * time.Minute)
			s.covered(time.Minute)
			s.whole(5 * time.Minute)
			s.refuse(true)
			s.spot(6)
			s.wait(6 * time.Minute) // nothing tells of this loss any more when it can be seen
			s.r.loseState()
			s.refuse(false)
			before := s.commits()
			s.until(4*time.Minute, func() bool { return s.commits() > before })
			s.covered(coverSoon)
			s.trouble(EventLost, 0)
			s.spot(-1)
		}},
		{Case: "M1", Name: "Spot grants, takes back and grants again", play: func(s *stage) {
			s.learns()
			s.on(func(w *ecsim.World) {
				w.SetStartUp(ecsim.FargateSpot, ecsim.StartUp{P50: 80 * time.Second, P95: 82 * time.Second, P99: 85 * time.Second})
			})
			s.trouble(EventLost, 1) // a look a minute sees tasks that are placed, and others each time
			for i := range 10 {
				s.spot(0) // and it can be had again at once
				s.spot(-1)
				s.wait(45 * time.Second) // those in their place are placed, and not yet RUNNING
				if i >= 4 {
					s.covered(coverSoon)
				}
			}
			s.trouble(EventLost, 0)
			s.whole(2 * time.Minute)
			s.on(func(w *ecsim.World) { w.SetStartUp(ecsim.FargateSpot, ecsim.StartUp{}) })
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "M10", Name: "a dead letter is redriven after a day, during a deployment", play: func(s *stage) {
			s.learns()
			s.wait(24 * time.Hour)
			s.fresh()
			s.roll(false, ecsim.FailNone)
			s.wait(30 * time.Second)
			s.redrive(6)
			s.wait(10 * time.Minute)
			s.refuse(true) // and once more while nothing can be read
			s.wait(40 * time.Second)
			s.redrive(6)
			s.wait(5 * time.Minute)
			s.refuse(false)
			s.wait(5 * time.Minute)
			s.atMost(0)
		}},
		{Case: "M13", Name: "a mass retirement in the hour of a loss", play: func(s *stage) {
			s.spot(16)
			s.wait(30 * time.Second)
			s.full()
			s.on(func(w *ecsim.World) {
				w.KillTasks(s.pool(0), 5, ecsim.StopInfrastructure, "The underlying infrastructure has been retired.")
			})
			s.spot(11)
			s.covered(3 * time.Minute)
			s.whole(8 * time.Minute)
			s.spot(-1)
		}, back: 2 * time.Hour},
	}
}

// commits is how many states were committed so far.
func (s *stage) commits() int {
	s.r.watch.mu.Lock()
	defer s.r.watch.mu.Unlock()
	return s.r.watch.checked[commits]
}

// crash makes n tasks of a pool exit for the application's reasons.
func (s *stage) crash(i, n int) {
	s.on(func(w *ecsim.World) {
		w.KillTasks(s.pool(i), n, ecsim.StopContainerExited, "Essential container in task exited")
	})
}

// full lets Spot hold what it holds and no more.
func (s *stage) full() {
	s.on(func(w *ecsim.World) {
		key := ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}
		_, held := w.Supply(key)
		w.SetSupply(key, held)
	})
}

// silently takes n tasks of the application's own stopping whose places cannot be had again.
func (s *stage) silently(n int) {
	s.on(func(w *ecsim.World) {
		key := ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}
		_, held := w.Supply(key)
		w.SetSupply(key, held-n)
	})
}

// redrive puts n messages of the first warnings into the queue again, as old as they are.
func (s *stage) redrive(n int) {
	r := s.r
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.catchUp()
	for k := uint64(0); k < r.mail.posted && n > 0; k++ {
		sig, ok := r.mail.signals[k]
		if ok && sig.Kind == failover.SignalInterruption {
			r.enqueue(&letter{body: bodyOf(k), sentAt: sig.At, visible: w.Now(), signal: sig, ok: true})
			n--
		}
	}
	r.announce()
	r.poke()
}
