package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// countScenes are the cases of whose count it is.
func countScenes() []Scene {
	return []Scene{
		{Case: "L34", Name: "auto scaling is parked", prepare: func(p *Plan) {
			p.preset(failover.PresetSwitch)
			p.Drive, p.Scaling = ByLoad, true
		}, play: func(s *stage) {
			s.spot(0)
			s.until(15*time.Minute, func() bool { return s.asked(0) < s.want/2 })
			s.told(10*time.Minute, failover.ReasonScalingParked)
			s.whole(8 * time.Minute)
			s.schedule(12) // a bound that the demand fits in
			s.fresh()
			s.wait(15 * time.Minute)
			s.keeps(s.want)
			s.schedule(30)
			s.wait(3 * time.Minute)
			s.want = 30
			s.covered(90 * time.Second)
			s.whole(8 * time.Minute)
			s.spot(-1)
		}, back: 4 * time.Hour},
		{Case: "L36", Name: "the demand is multiplied in a gap", play: func(s *stage) {
			s.spot(4)
			s.covered(coverSoon)
			s.wait(30 * time.Second)
			s.fresh()
			s.desire(300)
			s.wait(50 * time.Second)
			s.atMost(s.bound(20*2 - 4))
			s.told(time.Minute, failover.ReasonRiseBounded)
			s.desire(20)
			s.spot(-1)
		}, back: -1},
		{Case: "L39", Name: "the demand rises in a gap, as survivors run hot", play: func(s *stage) {
			s.spot(14)
			s.covered(coverSoon)
			s.wait(40 * time.Second)
			s.full()
			s.desire(28)
			s.covered(70 * time.Second) // no event tells of it
			s.whole(8 * time.Minute)
			s.desire(20)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L37", Name: "the demand falls to what Spot runs", play: func(s *stage) {
			s.spot(6)
			s.whole(8 * time.Minute)
			s.wait(2 * time.Minute)
			s.hush()
			s.fresh()
			s.desire(5)
			s.want = 20
			s.wait(25 * time.Minute)
			s.keeps(s.want - 1)
			s.told(time.Minute, failover.ReasonEcho)
			s.want = 5
			s.order(failover.IntentConfirm)
			s.gone(15 * time.Minute)
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L38", Name: "a typo in a shortage", play: func(s *stage) {
			s.spot(4)
			s.whole(8 * time.Minute)
			s.wait(2 * time.Minute)
			s.fresh()
			s.desire(10)
			s.wait(270 * time.Second)
			s.keeps(19)
			s.told(time.Minute, failover.ReasonFallHeld)
			s.wait(80 * time.Second)
			if n := s.serving(); n < 14 {
				s.breach("nothing_lowered_before_it_serves", "%d are left a minute after a fall was followed, a quarter a minute is right", n)
			}
			s.until(8*time.Minute, func() bool { return s.cover() <= 6 })
			if n := s.cover(); n > 6 {
				s.breach("nothing_outlives_its_need", "on-demand is asked for %d after the demand fell to 10, Spot has 4", n)
			}
			s.spot(-1)
		}, back: 2 * time.Hour},
		{Case: "L35", Name: "fill, all of Spot gone, and nobody touches the owner", prepare: func(p *Plan) { p.Drive, p.Scaling = ByLoad, true }, play: func(s *stage) {
			s.spot(0)
			s.covered(coverSoon)
			s.whole(8 * time.Minute)
			s.load(1.5)
			s.wait(20 * time.Minute)
			if n := s.asked(0); n < 25 {
				s.breach("demand_is_kept", "the demand is %d with half as much load again, over both twins it follows", n)
			}
			s.want = s.asked(0)
			s.covered(90 * time.Second)
			s.whole(8 * time.Minute)
			s.load(1)
			s.spot(-1)
			s.wait(time.Hour)
		}, back: 3 * time.Hour},
		{Case: "M18", Name: "a fall in a gap, and a deployment the next day", prepare: func(p *Plan) {
			p.Ground.Minimum, p.Ground.Maximum = 50, 100
			p.warm(20 * time.Second)
		}, play: func(s *stage) {
			s.spot(14)
			s.whole(8 * time.Minute)
			s.desire(14)
			s.wait(10 * time.Second)
			s.order(failover.IntentConfirm)
			s.gone(30 * time.Minute)
			s.spot(-1)
			s.wait(26 * time.Hour)
			s.fresh()
			s.roll(false, ecsim.FailNone)
			s.wait(15 * time.Minute)
			s.atMost(0)
		}, back: 2 * time.Hour},
		{Case: "L34b", Name: "a scheduled action is due in a gap", prepare: func(p *Plan) { p.Drive, p.Scaling = ByLoad, true }, play: func(s *stage) {
			s.spot(10)
			s.covered(coverSoon)
			s.wait(3 * time.Minute)
			s.schedule(30)
			s.wait(3 * time.Minute)
			s.want = s.asked(0)
			s.fresh()
			s.covered(90 * time.Second)
			s.untouched()
			s.spot(-1)
		}, back: 3 * time.Hour},
	}
}

// schedule lets a scheduled action set the least number of tasks in a minute.
func (s *stage) schedule(low int) {
	s.on(func(w *ecsim.World) {
		at := w.Now().Add(time.Minute).UTC().Format("2006-01-02T15:04:05")
		_ = s.r.forces.s.PutAction(w.Now(), s.pool(0), scaler.Action{Name: "more", Schedule: "at(" + at + ")", Min: &low})
	})
}

// load multiplies the load that drives the demand.
func (s *stage) load(factor float64) {
	s.on(func(w *ecsim.World) {
		s.r.forces.factor = factor
		s.r.forces.load(willing{w, s.r})
	})
}
