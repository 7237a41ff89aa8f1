package measure_test

import (
	"math"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/measure"
)

func TestADayAddsUpWhatItsDecisionsSaw(t *testing.T) {
	day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	at := func(h float64, spot, standard int, missing failover.Range, signals ...failover.Signal) journal.Entry {
		when := day.Add(time.Duration(h * float64(time.Hour)))
		d := decision(when, spot, standard)
		d.Demand, d.Missing = 10, missing
		return journal.Entry{Workload: "api", At: when, Kind: journal.KindDecision, Decision: d, Observation: &journal.Observation{At: when, Signals: signals}}
	}
	taken := func(h float64, task string) failover.Signal {
		return failover.Signal{Kind: failover.SignalInterruption, Pool: "spot", Task: task, ID: "event-" + task, At: day.Add(time.Duration(h * float64(time.Hour)))}
	}
	blind := at(20, 0, 0, failover.Range{Low: 0, High: 10})
	blind.Decision.Pools[0].Sight = failover.Told
	j := entries{ // one of the day before holds at its beginning, with an event of its own
		at(-2, 10, 0, failover.Exactly(0), taken(-2, "t0")),
		at(6, 6, 0, failover.Exactly(4), taken(6, "t1"), taken(6, "t2")),
		at(6.5, 6, 4, failover.Exactly(0), taken(6, "t2")),
		at(8, 10, 0, failover.Exactly(0)),
		blind,
		at(30, 0, 0, failover.Exactly(10)),
	}
	prices := measure.Prices{Pools: map[string]cost.PoolPrice{"spot": {Capacity: failover.Spot, TaskHour: 1}, "standard": {Capacity: failover.OnDemand, TaskHour: 3}}, Spot: 1, OnDemand: 3}
	d, err := measure.DayOf(t.Context(), j, "api", prices, true, day, day.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if d.Interruptions != 2 || d.MissingMinutes != 120 || d.ShortFor != 30*time.Minute || d.CoveredFor != 90*time.Minute || d.UnknownFor != 4*time.Hour {
		t.Errorf("the day is %+v", d)
	}
	if d.OnDemandHours != 6 || math.Abs(d.SavedUSD-(d.SpotHours*2)) > 1e-9 || d.SpotHours < 100 {
		t.Errorf("its hours and money are %+v", d)
	}
	none, err := measure.DayOf(t.Context(), entries{}, "api", measure.Prices{}, false, day, day.Add(24*time.Hour))
	if err != nil || none.UnknownFor != 24*time.Hour || none.SpotHours != 0 {
		t.Errorf("a day without a journal is %+v, %v", none, err)
	}
}
