package control_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestGoneOverTheWire plays the cases of services and clusters that do not exist any more.
func TestGoneOverTheWire(t *testing.T) {
	confirmed := func(when func(s *scene) (at time.Time)) func(s *scene) {
		return func(s *scene) {
			s.fresh()
			s.delete(0)
			at := when(s)
			s.order(failover.Intent{Kind: failover.IntentConfirm, At: at})
			s.skip(25 * time.Hour)
			if n := s.in(1); n < s.want {
				s.t.Errorf("%d are in service a day after the deletion was confirmed, want %d; %s", n, s.want, s.why())
			}
		}
	}
	lost := func(s *scene) time.Time {
		s.lostToDeletion()
		return time.Time{}
	}
	playOverTheWire(t, []wireCase{
		{id: "L16", title: "the cluster is not found", only: []string{"plain", "group"}, play: func(s *scene) {
			s.fresh()
			id := s.fault(sandbox.Fault{Kind: sandbox.FaultNoCluster})
			s.told(2*time.Minute, failover.ReasonServiceGone)
			if !s.critical(failover.ReasonServiceGone) {
				s.t.Errorf("no critical notice of a cluster that is not there; %s", s.why())
			}
			s.wait(10 * time.Minute)
			if d := s.report().Decision; d.Demand != s.want {
				s.t.Errorf("the demand is %d, want %d; %s", d.Demand, s.want, s.why())
			}
			s.box.ClearFaults(id) // it was a slip in the credentials: nothing had happened
			s.wait(3 * time.Minute)
			s.gone(10 * time.Minute)
			s.bounded(s.want)
			s.keeps(s.want)
			s.untouched()
		}},
		{id: "L16", title: "the Spot service is deleted and confirmed", tick: longTick, play: confirmed(lost)},
		{id: "L16", title: "the deletion is confirmed at the first notice", tick: longTick, only: []string{"plain"}, play: confirmed(func(s *scene) time.Time {
			s.told(time.Minute, failover.ReasonServiceGone)
			return time.Time{}
		}), awaited: map[string]string{"plain": "a confirmation counts only from when the service was gone for good"}},
		{id: "L16", title: "an operator whose clock is behind confirms", tick: longTick, only: []string{"plain"}, play: confirmed(func(s *scene) time.Time {
			s.lostToDeletion()
			return s.box.Now().Add(-10 * time.Minute)
		}), awaited: map[string]string{"plain": "a confirmation is held against AWS's clock by the operator's"}},
		{id: "L16", title: "the Spot service is deleted and nobody confirms", tick: longTick, only: []string{"plain"}, play: func(s *scene) {
			s.fresh()
			s.delete(0)
			s.lostToDeletion()
			s.skip(23 * time.Hour)
			s.whole(0)
			s.skip(90 * time.Minute)
			s.gone(time.Minute)
		}},
		{id: "L16", title: "one MISSING is no deletion", play: func(s *scene) {
			s.fresh()
			s.fault(sandbox.Fault{Kind: sandbox.FaultMissing, Service: "api-spot", Count: 1})
			s.wait(5 * time.Minute)
			s.atMost(0)
			s.untold(failover.ReasonServiceGone)
			s.untouched()
		}},
	})
}

// longTick is the tick of cases that last for days.
const longTick = 5 * time.Minute

// lostToDeletion waits until a deleted service is gone, and holds that it is covered in full, and said.
func (s *scene) lostToDeletion() {
	s.t.Helper()
	if !s.until(5*time.Minute, func() bool { return s.status(0) == "INACTIVE" }) {
		s.t.Fatalf("the deleted service is %s", s.status(0))
	}
	if !s.until(time.Minute, func() bool { return s.asked(1) >= s.want }) {
		s.t.Errorf("on-demand is asked for %d, want %d; %s", s.asked(1), s.want, s.why())
	}
	lost := func() bool {
		r := s.report()
		return r.Decision.Pools[0].Sight == failover.Gone && s.critical(failover.ReasonServiceGone)
	}
	if !s.until(longTick+time.Minute, lost) {
		s.t.Errorf("the service does not count as gone, or no critical notice says so; %s", s.why())
	}
	if !s.until(3*time.Minute, func() bool { return s.in(1) >= s.want }) {
		s.t.Errorf("%d are in service, want %d; %s", s.in(1), s.want, s.why())
	}
	s.bounded(s.want)
}

// delete deletes a service by force, as a person does.
func (s *scene) delete(pool int) {
	s.t.Helper()
	s.box.World(func(e *ecsim.World) {
		if _, err := e.DeleteService(twins[pool], true); err != nil {
			s.t.Fatal(err)
		}
	})
}

// skip lets a long time pass, and looks every minute.
func (s *scene) skip(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.look()
		sleep(s.t, time.Minute)
	}
	s.look()
}

// TestUnreadOverTheWire plays the cases of counts that cannot be read.
func TestUnreadOverTheWire(t *testing.T) {
	blind := func(kind sandbox.FaultKind) func(s *scene) {
		return func(s *scene) {
			s.fault(sandbox.Fault{Kind: kind, Operation: "ecs:DescribeServices"})
			s.fresh()
			s.take(4)
			s.covered(coverSoon)
			s.wait(100 * time.Second) // the warned ones stop: they are lost once
			s.bounded(4)
			s.told(0, failover.ReasonBlind)
			s.whole(2 * time.Minute)
			s.fresh()
			s.take(3)
			s.covered(coverSoon)
			s.whole(4 * time.Minute)
			if n := s.asked(1); n < 7 || n > 14 {
				s.t.Errorf("on-demand is asked for %d after 4 and 3 of 10 were lost, want 7 to 14", n)
			}
			s.keeps(6 - 3 + 4)
			s.box.ClearFaults(0)
			if s.v.denied {
				s.fault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "elasticloadbalancing:*"})
			}
			s.spot(-1)
			s.gone(40 * time.Minute)
			s.keeps(6 - 3 + 4)
			s.untouched()
		}
	}
	playOverTheWire(t, []wireCase{
		{id: "L17", title: "DescribeServices is throttled", count: 10, play: blind(sandbox.FaultThrottle)},
		{id: "L17", title: "the warnings of losses that were seen come late", count: 10, play: func(s *scene) {
			s.box.SetDelivery(sandbox.Trouble{LateShare: 1, LateSeconds: 90})
			s.fresh()
			s.take(4)
			s.covered(70 * time.Second) // by the tick
			s.fault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:DescribeServices"})
			s.wait(4 * time.Minute)
			s.bounded(4)
			s.keeps(6)
			s.whole(0)
			s.untouched()
		}},
		{id: "L17", title: "DescribeServices is denied", count: 10, only: []string{"plain", "group"}, play: blind(sandbox.FaultDenied)},
	})
}
