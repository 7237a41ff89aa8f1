package demo

import (
	"context"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// Rival guards the workload in the product's place: another solution, or nothing (the zero value). Scenario, lock step and judge are the same.
type Rival struct {
	// Queue names the queue whose messages go to Take.
	Queue string
	// Prepare is called once when the workload runs and nothing is measured yet. It may move the world. May be nil.
	Prepare func(context.Context, *sandbox.Sandbox) error
	// Take gets the bodies of what arrived, in order; virtual time stands still until it returns.
	Take func(context.Context, []string) error
	// Close ends what Prepare started; it is called whatever became of that. May be nil.
	Close func()
}

// Figures are what a play cost and left short, beyond its summary.
type Figures struct {
	// OnDemandTaskMinutes were paid on on-demand, whichever service ran them.
	OnDemandTaskMinutes float64
	// NoneSeconds is how long nothing served although something was wanted.
	NoneSeconds float64
	// Serving is how many tasks serve at the end, OnDemand how many on-demand tasks hold capacity then.
	Serving, OnDemand int
	// LastOnDemand is when on-demand was last paid for, since the beginning; 0: never.
	LastOnDemand time.Duration
}

// Figures returns them after [Demo.Play].
func (d *Demo) Figures() Figures {
	m := d.driver.meter
	f := Figures{OnDemandTaskMinutes: round((m.last.onDemandUse.VCPUSeconds - m.first.onDemandUse.VCPUSeconds) * 1024 / taskCPU / 60), NoneSeconds: m.none.Seconds(),
		Serving: m.last.spot + m.last.onDemand + m.last.working, LastOnDemand: m.paid}
	d.box.World(func(w *ecsim.World) {
		_, f.OnDemand = w.Supply(ecsim.SupplyKey{Region: Region, Provider: ecsim.Fargate})
	})
	return f
}

// Sandbox is the world that is played in.
func (d *Demo) Sandbox() *sandbox.Sandbox { return d.box }
