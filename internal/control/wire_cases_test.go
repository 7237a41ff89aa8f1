package control_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestServingOverTheWire plays the cases of capacity that does not serve, and of readiness that cannot be read.
func TestServingOverTheWire(t *testing.T) {
	playOverTheWire(t, []wireCase{
		{id: "L1", title: "Spot comes back", raced: true, play: func(s *scene) {
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.whole(4 * time.Minute)
			s.bounded(s.want)
			s.wait(3 * time.Minute)
			s.fresh()
			s.spot(-1)
			s.wait(5 * time.Minute)
			s.gone(25 * time.Minute)
			s.keeps(s.want)
			s.untouched()
			s.unread()
		}},
		{id: "L2", title: "a switch evacuates 5 of 40", preset: failover.PresetSwitch, count: 40, play: func(s *scene) { s.evacuates(5) }},
		{id: "L2", title: "a switch evacuates 8 of 40", preset: failover.PresetSwitch, count: 40, play: func(s *scene) { s.evacuates(8) }},
		{id: "L9", title: "readiness is throttled in a return", only: []string{"group"}, play: func(s *scene) {
			s.spot(0)
			s.whole(4 * time.Minute)
			s.wait(4 * time.Minute)
			s.fault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "elasticloadbalancing:*"})
			s.fresh()
			s.spot(-1)
			s.wait(15 * time.Minute)
			if n := s.asked(1); n < s.want {
				s.t.Errorf("on-demand is asked for %d while readiness cannot be read, want %d", n, s.want)
			}
			s.told(0, failover.ReasonHealthUnread)
			s.box.ClearFaults(0)
			s.gone(10 * time.Minute)
			s.keeps(s.want)
			s.untouched()
		}},
		{id: "L9", title: "a loss while readiness is throttled", only: []string{"group"}, play: func(s *scene) {
			s.fault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "elasticloadbalancing:*"})
			s.wait(6 * time.Minute)
			s.fresh()
			s.take(6)
			s.covered(coverSoon)
			s.bounded(6)
			s.whole(4 * time.Minute)
			s.untouched()
			s.box.ClearFaults(0)
			s.spot(-1)
			s.gone(15 * time.Minute)
		}},
	})
}

// evacuates takes n tasks of a switch: it trips, and gives up no Spot task before another is in service in its place.
func (s *scene) evacuates(n int) {
	s.t.Helper()
	s.take(n)
	s.told(time.Minute, failover.ReasonTripInterruptions)
	s.fresh()
	if !s.until(35*time.Minute, func() bool { return s.asked(0) <= s.want/20 && s.in(1) >= s.want-s.want/20 }) {
		s.t.Errorf("Spot is asked for %d and on-demand for %d; %s", s.asked(0), s.asked(1), s.why())
	}
	s.keeps(s.want - n)
	s.bounded(s.want)
	s.unread()
}

// unread holds that readiness that may not be read is said, and that it is not where it may.
func (s *scene) unread() {
	s.t.Helper()
	if s.v.denied {
		s.told(time.Minute, failover.ReasonHealthUnread)
		return
	}
	s.untold(failover.ReasonHealthUnread)
}

// TestHiddenLossesOverTheWire plays the cases of losses that hide behind something else.
func TestHiddenLossesOverTheWire(t *testing.T) {
	broken := func(after time.Duration, mode ecsim.FailMode) func(s *scene) {
		return func(s *scene) {
			s.roll(mode, 0)
			s.wait(after)
			s.told(4*time.Minute, failover.ReasonReleaseFailing)
			s.fresh()
			s.take(12)
			s.covered(coverSoon)
			s.whole(6 * time.Minute)
			s.bounded(12)
			s.fresh()
			s.wait(10 * time.Minute)
			s.keeps(s.want)
			s.untouched()
			s.roll(ecsim.FailNone, 0)
			s.spot(-1)
			s.gone(40 * time.Minute)
		}
	}
	playOverTheWire(t, []wireCase{
		{id: "L11", title: "old tasks are taken 100 s into a broken release", play: broken(100*time.Second, ecsim.FailImagePull)},
		{id: "L11", title: "old tasks are taken 400 s into a crashing release", only: []string{"plain", "group"}, play: broken(400*time.Second, ecsim.FailExit)},
		{id: "L12", title: "both twins run a broken release", play: func(s *scene) {
			s.roll(ecsim.FailImagePull, 0, 1)
			s.wait(3 * time.Minute)
			before := s.started()
			s.hush()
			s.fresh()
			s.spot(8)
			s.wait(15 * time.Minute)
			s.told(0, failover.ReasonCoverFailing, failover.ReasonReleaseFailing)
			s.bounded(s.want)
			if n := s.started() - before; n > 20+7+15 { // what is asked for at once, and one try after the other
				s.t.Errorf("%d on-demand tasks of a broken release were started in 15 minutes; %s", n, s.why())
			}
			s.roll(ecsim.FailNone, 0, 1)
			s.whole(8 * time.Minute)
			s.spot(-1)
			s.gone(40 * time.Minute)
			s.untold(failover.ReasonOnDemandShort)
			s.untouched()
		}, awaited: map[string]string{"denied": "a failing standby is not lowered to one while readiness is unread, and the stops of a release that was rolled back excuse what Spot cannot place"}},
	})
}
