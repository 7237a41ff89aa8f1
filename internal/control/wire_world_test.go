package control_test

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// in is what is in service in a pool in truth, asked its desired count.
func (s *scene) in(pool int) (n int) {
	s.box.World(func(e *ecsim.World) { n = e.InService(twins[pool]) })
	return n
}

func (s *scene) status(pool int) (status string) {
	s.box.World(func(e *ecsim.World) {
		g, _ := e.Glance(twins[pool])
		status = g.Status
	})
	return status
}

func (s *scene) asked(pool int) (n int) {
	s.box.World(func(e *ecsim.World) {
		g, _ := e.Glance(twins[pool])
		n = g.TrueDesired
	})
	return n
}

// started is how many on-demand tasks were created so far.
func (s *scene) started() (n int) {
	s.box.World(func(e *ecsim.World) { n = e.Usage(ecsim.Fargate).Created })
	return n
}

// spot says how many tasks Spot can hold from now on; negative: any number. Those beyond it are taken back, the oldest first.
func (s *scene) spot(n int) { s.hold(n, ecsim.StrikeOldest) }

// take leaves Spot n fewer tasks than are in service there, and no room for more: what a deployment starts goes first.
func (s *scene) take(n int) { s.hold(s.in(0)-n, ecsim.StrikeYoungest) }

func (s *scene) hold(n int, pick ecsim.StrikePick) {
	s.box.World(func(e *ecsim.World) {
		e.Configure(func(c *ecsim.Config) { c.Strike.Pick = pick })
		e.SetSupply(spotSupply, n)
	})
}

// roll rolls a new release out on services of the twins; mode says how its tasks fail.
func (s *scene) roll(mode ecsim.FailMode, pools ...int) {
	s.t.Helper()
	s.box.World(func(e *ecsim.World) {
		d, err := e.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "api", WarmUp: ecsim.WarmUp{P50: s.v.warm}, Container: "api", Image: "api:next"})
		if err != nil {
			s.t.Fatal(err)
		}
		if err := e.SetTaskDefinitionBroken(region, d.ARN, mode); err != nil {
			s.t.Fatal(err)
		}
		for _, i := range pools {
			if _, err := e.UpdateService(twins[i], ecsim.UpdateServiceInput{TaskDefinition: d.ARN}); err != nil {
				s.t.Fatal(err)
			}
		}
	})
}

// order is an operator's command, of a process of its own.
func (s *scene) order(in failover.Intent) {
	s.t.Helper()
	store, done := s.open()
	defer done()
	in.By = "op"
	if in.At.IsZero() {
		in.At = s.box.Now() // which is ahead of the bubble's time, as AWS's clock may be of an operator's
	}
	if _, err := control.Intend(s.t.Context(), store, s.loop.Workloads[0], "cli", in, time.Now); err != nil {
		s.t.Fatal(err)
	}
}
