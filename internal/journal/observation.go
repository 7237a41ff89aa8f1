package journal

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// tasksMax is how many listed tasks an entry keeps per pool. A task is about 150 bytes of JSON and an
	// entry should stay well below DynamoDB's 400 KB item; the counts are kept whatever their number.
	tasksMax = 50
	// signalsMax is how many signals an entry keeps: about 300 bytes each.
	signalsMax = 100
	// errTextMax bounds the error text of a pool that could not be read, in bytes.
	errTextMax = 500
)

// Observation is what a decision was taken from, small enough to be kept.
type Observation struct {
	At      time.Time                  `json:"at"`
	Pools   []failover.PoolObservation `json:"pools"`
	Signals []failover.Signal          `json:"signals,omitempty"`
	// TasksLeftOut and SignalsLeftOut count what was seen but is not kept.
	TasksLeftOut   int `json:"tasks_left_out,omitempty"`
	SignalsLeftOut int `json:"signals_left_out,omitempty"`
}

// Compact returns an observation as the journal keeps it: of a pool with more than 50 listed tasks no task
// is kept, of more than 100 signals the first 100 are. The observation is not changed.
func Compact(o failover.Observation) *Observation {
	c := &Observation{At: o.At, Pools: make([]failover.PoolObservation, len(o.Pools)), Signals: o.Signals}
	copy(c.Pools, o.Pools)
	for i := range c.Pools {
		p := &c.Pools[i]
		if len(p.Tasks) > tasksMax {
			c.TasksLeftOut += len(p.Tasks)
			p.Tasks = nil
		}
		if len(p.ErrText) > errTextMax {
			p.ErrText = p.ErrText[:errTextMax] + "..."
		}
	}
	if n := len(o.Signals); n > signalsMax {
		c.Signals, c.SignalsLeftOut = o.Signals[:signalsMax], n-signalsMax
	}
	return c
}

// Complete says whether everything that was seen was kept, so that the decision can be taken again from it.
func (o *Observation) Complete() bool { return o.TasksLeftOut == 0 && o.SignalsLeftOut == 0 }

// Full returns the observation as it can be decided on again.
func (o *Observation) Full() failover.Observation {
	return failover.Observation{At: o.At, Pools: o.Pools, Signals: o.Signals}
}
