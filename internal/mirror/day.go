package mirror

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/trace"
)

// Change is a capacity that a trace sets.
type Change struct {
	Pool  string // trace.Spot or trace.OnDemand
	Zone  string // empty: all of the region
	Tasks int    // trace.NoLimit: as many as are asked for
}

// Due returns what a trace sets after one moment of it and up to another, in order; before its start: a negative time. What stays the same is not set again.
func Due(t *trace.Trace, after, until time.Duration) []Change {
	var out []Change
	width := len(t.Columns)
	for row, at := range t.At {
		if at <= after || at > until {
			continue
		}
		for i, c := range t.Columns {
			value := t.Values[row*width+i]
			if c.Pool == trace.Demand || row > 0 && t.Values[(row-1)*width+i] == value {
				continue
			}
			out = append(out, Change{c.Pool, c.Zone, value})
		}
	}
	return out
}

// Playable refuses a trace with pools that a region of one sandbox does not have.
func Playable(t *trace.Trace) error {
	for _, c := range t.Columns {
		if c.Pool != trace.Spot && c.Pool != trace.OnDemand && c.Pool != trace.Demand {
			return fmt.Errorf("trace %s: column %s: a sandbox has the pools %s and %s", t.Name, c.Name(), trace.Spot, trace.OnDemand)
		}
	}
	return nil
}
