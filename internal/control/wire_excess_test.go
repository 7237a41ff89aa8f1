package control_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestSlowStartsOverTheWire plays the cases of on-demand starts that outlast the limits, or hang.
func TestSlowStartsOverTheWire(t *testing.T) {
	slow := func(d, whole time.Duration) func(s *scene) {
		return func(s *scene) {
			s.box.World(func(e *ecsim.World) {
				e.SetStartUp(ecsim.Fargate, ecsim.StartUp{P50: d, P95: d * 11 / 10, P99: d * 12 / 10})
			})
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.told(d+time.Minute, failover.ReasonLate)
			s.whole(whole)
			s.wait(5 * time.Minute)
			s.bounded(s.want)
			s.untouched()
			s.fresh()
			s.box.World(func(e *ecsim.World) { e.SetStartUp(ecsim.Fargate, ecsim.StartUp{}) })
			s.spot(-1)
			s.gone(30 * time.Minute)
			s.keeps(s.want)
		}
	}
	hung := func(n int) func(s *scene) {
		return func(s *scene) {
			s.box.World(func(e *ecsim.World) { e.SetHungStarts(ecsim.Fargate, 0.3) })
			s.fresh()
			s.spot(0)
			s.covered(coverSoon)
			s.whole(25 * time.Minute)
			s.wait(10 * time.Minute)
			s.atMost(max(2*n, n+4))
			s.untouched()
		}
	}
	playOverTheWire(t, []wireCase{
		{id: "L20", title: "starts take 4 minutes", play: slow(4*time.Minute, 8*time.Minute)},
		{id: "L20", title: "starts take 7 minutes", only: []string{"plain", "group"}, play: slow(7*time.Minute, 12*time.Minute)},
		{id: "L20", title: "starts take 10 minutes", only: []string{"plain", "group"}, play: slow(10*time.Minute, 18*time.Minute)},
		{id: "L20", title: "starts of one task hang", count: 1, only: []string{"plain", "group"}, play: hung(1)},
		{id: "L20", title: "starts of two tasks hang", count: 2, only: []string{"plain", "group"}, play: hung(2)},
		{id: "L20", title: "a part of the starts hangs", only: []string{"plain", "group"}, play: hung(20)},
	})
}
