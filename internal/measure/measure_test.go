package measure_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/measure"
)

// entries is a journal in memory.
type entries []journal.Entry

func (es entries) Journal(_ context.Context, q journal.Query) ([]journal.Entry, error) {
	var out []journal.Entry
	for i := len(es) - 1; i >= 0 && len(out) < q.Max(); i-- {
		if q.Matches(es[i]) {
			out = append(out, es[i])
		}
	}
	return out, nil
}

var prices = map[string]measure.Prices{"api": {Spot: 0.3, OnDemand: 1, Pools: map[string]cost.PoolPrice{
	"spot": {Capacity: failover.Spot, TaskHour: 0.3}, "standard": {Capacity: failover.OnDemand, TaskHour: 1}}}}

func decision(at time.Time, spot, standard int) *failover.Decision {
	return &failover.Decision{At: at, Workload: "api", Reason: failover.ReasonSteady, Mode: failover.ModeSpot, Demand: 10, InService: failover.Exactly(spot + standard),
		Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Running: spot, Live: spot, InService: failover.Exactly(spot)}, {Pool: "standard", Capacity: failover.OnDemand, Running: standard, Live: standard, InService: failover.Exactly(standard)}}}
}

func TestADaysSavingsAreTheSameAfterARestart(t *testing.T) {
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	journaled := entries{
		{Workload: "api", Kind: journal.KindDecision, At: midnight.Add(-time.Hour), Decision: decision(midnight.Add(-time.Hour), 10, 0)},
		{Workload: "api", Kind: journal.KindDecision, At: midnight.Add(2 * time.Hour), Decision: decision(midnight.Add(2*time.Hour), 5, 5)},
	}
	now := midnight.Add(4 * time.Hour)
	// Two hours of 10 Spot tasks save 7 an hour, two of 5 save 3.5.
	const want = 2*7 + 2*3.5
	facts := func(m *measure.Meter, at time.Time) measure.Facts {
		f, ok := m.Of(t.Context(), &control.Report{Workload: "api", Result: control.Unchanged, Decision: *decision(at, 5, 5)})
		if !ok {
			t.Fatal("a settled pass has no facts")
		}
		return f
	}
	if f := facts(measure.New(journaled, measure.NewTariffs(prices)), now); !f.Priced || math.Abs(f.Savings-want) > 1e-9 {
		t.Errorf("after a restart the day has saved %v, want %v", f.Savings, want)
	}
	lived := measure.New(nil, measure.NewTariffs(prices))
	facts(lived, now)
	if f := facts(lived, now.Add(30*time.Minute)); math.Abs(f.Savings-3.5/2) > 1e-9 {
		t.Errorf("half an hour of 5 Spot tasks saved %v, want 1.75", f.Savings)
	}
	if f := facts(lived, now.Add(20*time.Hour+30*time.Minute)); f.Savings > 3.5 {
		t.Errorf("a silence of 20 hours counts as %v saved, and it is another day", f.Savings)
	}
}

// away is a journal that cannot be read at first.
type away struct {
	entries
	reads int
}

func (j *away) Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	if j.reads++; j.reads == 1 {
		return nil, context.DeadlineExceeded
	}
	return j.entries.Journal(ctx, q)
}

func TestADayThatCouldNotBeReadIsReadLater(t *testing.T) {
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	j := &away{entries: entries{{Workload: "api", Kind: journal.KindDecision, At: midnight, Decision: decision(midnight, 10, 0)}}}
	m := measure.New(j, measure.NewTariffs(prices))
	for _, step := range []struct {
		after time.Duration
		want  float64
	}{{0, 0}, {time.Minute, 7.0 / 60}, {6 * time.Minute, 2*7 + 7*6.0/60}, {12 * time.Minute, 2*7 + 7*12.0/60}} {
		f, ok := m.Of(t.Context(), &control.Report{Workload: "api", Result: control.Unchanged, Decision: *decision(midnight.Add(2*time.Hour+step.after), 10, 0)})
		if !ok || math.Abs(f.Savings-step.want) > 1e-9 {
			t.Errorf("%s after the start the day has saved %v, want %v", step.after, f.Savings, step.want)
		}
	}
	if j.reads != 3 {
		t.Errorf("the journal was read %d times; once in vain, and then the day and what was before it", j.reads)
	}
}

func TestAPassThatDecidedNothingHasNoFacts(t *testing.T) {
	m := measure.New(nil, nil)
	for _, r := range []control.Report{{Result: control.StoreFailed}, {Result: control.Stale, Decision: *decision(time.Now(), 1, 1)}, {Result: control.Held}} {
		if _, ok := m.Of(t.Context(), &r); ok {
			t.Errorf("a pass that ended as %s has facts", r.Result)
		}
	}
}

func TestFailoversAreCountedWhenTheyAreCommitted(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	r := control.Report{Workload: "api", Result: control.Committed, Decision: *decision(at, 1, 1)}
	r.Before.Failovers = []time.Time{at.Add(-25 * time.Hour), at.Add(-time.Hour)}
	r.After.Failovers = []time.Time{at.Add(-time.Hour), at}
	m := measure.New(nil, nil)
	if f, _ := m.Of(t.Context(), &r); f.Begun != 1 {
		t.Errorf("%d failovers began, want the one that the state did not have", f.Begun)
	}
	r.Before, r.Result = r.After, control.Unchanged
	if f, _ := m.Of(t.Context(), &r); f.Begun != 0 {
		t.Errorf("%d failovers began in a pass without any", f.Begun)
	}
}
