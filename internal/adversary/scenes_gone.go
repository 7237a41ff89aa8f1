package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// goneScenes are the cases of services that are gone, cannot be read, or are guarded without a state.
func goneScenes() []Scene {
	return []Scene{
		{Case: "L16", Name: "the Spot service is deleted", play: func(s *stage) {
			s.remove()
			s.untilGone()
			s.until(90*time.Second, func() bool { return s.cover() >= s.want })
			if n := s.cover(); n < s.want {
				s.breach("losses_are_covered", "90 s after the service was gone on-demand is asked for %d of %d", n, s.want)
			}
			s.whole(6 * time.Minute)
			s.told(time.Minute, failover.ReasonServiceGone)
			s.atMost(s.bound(s.want))
			s.wait(22 * time.Hour)
			s.whole(time.Minute)
			s.gone(4 * time.Hour)
		}, back: -1},
		{Case: "L16b", Name: "the Spot service is deleted, and that is confirmed", play: func(s *stage) {
			s.remove()
			s.untilGone()
			s.until(2*time.Minute, func() bool { return s.cover() >= s.want })
			s.order(failover.IntentConfirm)
			s.wait(30 * time.Hour)
			s.whole(time.Minute)
		}, back: -1},
		{Case: "L16c", Name: "a service is missing from one answer", play: func(s *stage) {
			s.on(func(w *ecsim.World) { s.r.blink = true })
			s.fresh()
			s.wait(2 * time.Minute)
			s.atMost(0)
		}},
		{Case: "L16d", Name: "the service is gone and there is no state", play: func(s *stage) {
			s.remove()
			s.r.loseState()
			s.fresh()
			s.wait(30 * time.Minute)
			s.atMost(0)
		}, back: -1},
		{Case: "L17", Name: "nothing can be read, and events tell of losses", prepare: func(p *Plan) { p.Demand = 10 }, play: func(s *stage) {
			s.refuse(true)
			s.wait(time.Minute)
			s.fresh()
			s.spot(6)
			s.covered(coverSoon)
			s.wait(2 * time.Minute)
			s.atMost(s.bound(4))
			s.refuse(false)
			s.whole(6 * time.Minute)
			s.spot(-1)
		}},
		{Case: "L17b", Name: "nothing can be read, and late warnings of the last look arrive", prepare: func(p *Plan) { p.Demand = 10 }, play: func(s *stage) {
			s.spot(7)
			s.whole(5 * time.Minute)
			s.wait(2 * time.Minute)
			before := s.cover()
			s.refuse(true)
			s.wait(70 * time.Second)
			s.redrive(10)
			s.fresh()
			s.wait(4 * time.Minute)
			if s.seen.cover > before {
				s.breach("only_losses_are_covered", "warnings that the last look knew raised on-demand from %d to %d", before, s.seen.cover)
			}
			s.refuse(false)
			s.spot(-1)
		}},
		{Case: "L17c", Name: "nothing can be read, and somebody has raised the cover", prepare: func(p *Plan) { p.Demand = 10 }, play: func(s *stage) {
			n := 9
			s.on(func(w *ecsim.World) { _ = w.SetDesired(s.pool(1), n) })
			s.wait(2 * time.Second)
			s.refuse(true)
			s.wait(20 * time.Second)
			s.spot(7)
			s.wait(90 * time.Second)
			if got := s.asked(1); got < n && s.in(0)+got < s.want {
				s.breach("losses_are_covered", "an absolute count lowered what was %d to %d", n, got)
			}
			s.refuse(false)
			s.spot(-1)
		}},
		{Case: "L31", Name: "a switch has tripped, and its state is lost", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.Demand = 40
		}, play: func(s *stage) {
			s.spot(24)
			s.until(15*time.Minute, func() bool { return s.asked(0) < 10 })
			s.wait(10 * time.Second)
			s.r.loseState()
			s.fresh()
			s.wait(10 * time.Minute)
			s.r.watch.mu.Lock()
			demand := s.r.watch.latest.State.Demand
			s.r.watch.mu.Unlock()
			if demand != s.want {
				s.breach("demand_is_kept", "the demand is %d after the state was lost, %d are wanted", demand, s.want)
			}
			s.keeps(24)
			s.spot(-1)
		}, back: -1},
	}
}

// remove deletes the owner's service.
func (s *stage) remove() {
	s.on(func(w *ecsim.World) {
		_, _ = w.DeleteService(s.pool(0), true)
		delete(s.r.targets, s.pool(0))
		delete(s.r.held, s.pool(0))
	})
}

// untilGone waits until the deleted service has stopped its tasks.
func (s *stage) untilGone() {
	s.until(10*time.Minute, func() (gone bool) {
		s.on(func(w *ecsim.World) {
			g, ok := w.Glance(s.pool(0))
			gone = !ok || g.Status == "INACTIVE"
		})
		return gone
	})
}

// refuse makes every look at counts and tasks be throttled; calls that change something work.
func (s *stage) refuse(on bool) {
	s.on(func(*ecsim.World) { s.r.throttled = on })
}
