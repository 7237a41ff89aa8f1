package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/trace"
)

const (
	// tail is how long a play goes on after its trace, with all capacity there, so that it can be seen whether
	// everything returns to Spot.
	tail = 45 * time.Minute
	// ReplayMax is the longest part of a trace that a play takes: a quarter of a year takes an hour in lock step.
	ReplayMax = 92 * 24 * time.Hour
)

// Replay makes a scenario of a capacity trace: at most the first length of it, or
// all of it with a length of 0. Columns are the pool spot or its zones, on_demand, and demand.
func Replay(t *trace.Trace, length time.Duration) (Scenario, error) {
	if length <= 0 || length > t.Duration {
		length = t.Duration
	}
	if length <= 0 {
		return Scenario{}, fmt.Errorf("play trace %s: it has one row and so no end; give it a final row", t.Name)
	}
	if length > ReplayMax {
		return Scenario{}, fmt.Errorf("play trace %s: it lasts %s, a play at most %s; cut it with --duration", t.Name, length, ReplayMax)
	}
	s := Scenario{Name: t.Name, About: "the capacity trace " + t.Name, Length: length + tail, Zones: t.Zones(trace.Spot)}
	for _, c := range t.Columns {
		if known := []string{trace.Spot, trace.OnDemand, trace.Demand}; !slices.Contains(known, c.Pool) || (c.Pool != trace.Spot && c.Zone != "") {
			return Scenario{}, fmt.Errorf("play trace %s: the demo has no pool for column %q; it knows spot, spot/ZONE, on_demand and demand", t.Name, c.Name())
		}
	}
	for row, begin := range t.At {
		if begin >= length {
			break
		}
		for i, c := range t.Columns {
			v := t.Value(row, i)
			if row > 0 && v == t.Value(row-1, i) {
				continue
			}
			if row == 0 && v == trace.NoLimit {
				continue
			}
			s.Steps = append(s.Steps, rowStep(begin, c, v))
		}
	}
	lift := func(g *Stage) error {
		g.Spot(unlimited)
		g.OnDemand(unlimited)
		for _, z := range s.Zones {
			g.Zone(z, unlimited)
		}
		return nil
	}
	s.Steps = append(s.Steps, at(length, "the trace ends; all capacity is there", lift))
	return s, nil
}

func rowStep(when time.Duration, c trace.Column, v int) Step {
	amount := fmt.Sprintf("holds %d tasks", v)
	if v == trace.NoLimit {
		amount = "holds everything"
	}
	switch {
	case c.Pool == trace.Demand:
		return at(when, fmt.Sprintf("demand is %d", v), wanted(v))
	case c.Pool == trace.OnDemand:
		return at(when, "on-demand "+amount, onDemandHolds(v))
	case c.Zone != "":
		return at(when, "Spot in "+c.Zone+" "+amount, zoneHolds(c.Zone, v))
	}
	return at(when, "Spot "+amount, spotHolds(v))
}
