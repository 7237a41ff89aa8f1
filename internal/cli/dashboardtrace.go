package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/input"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/simulate"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// simulated plays a trace and returns the run as the pages show it.
func simulated(ctx context.Context, o dashboardOptions) (*dashboard.Recording, error) {
	t, err := traceNamed(ctx, o)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &exitError{ExitUsage, err}
	}
	law, err := replay.Law(o.policy)
	if err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	r, err := replay.Simulate(replay.Run{Trace: t, Policy: law, Tasks: o.tasks, Seed: o.seed, Record: true, Stop: func() bool { return ctx.Err() != nil }})
	if err != nil {
		return nil, err
	}
	if r.Timeline == nil {
		return nil, errors.New("the run left no timeline")
	}
	policy := *law.Law
	policy.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "on-demand", Capacity: failover.OnDemand, Tier: 1}}
	prices := replay.ArticlePrices()
	w := dashboard.Workload{Name: t.Name, Policy: policy, Services: []string{"simulated, all Spot pools together", "simulated"}, Prices: dashboard.Prices{
		Pools:            map[string]cost.PoolPrice{"spot": {Capacity: failover.Spot, TaskHour: prices.Spot}, "on-demand": {Capacity: failover.OnDemand, TaskHour: prices.OnDemand}},
		OnDemandTaskHour: prices.OnDemand, Date: "January 2026 (the simulator's)"}}
	return dashboard.NewRecording([]dashboard.Workload{w}, entriesOf(w.Name, r.Timeline), replay.Epoch.Add(t.Duration)), nil
}

func traceNamed(ctx context.Context, o dashboardOptions) (*trace.Trace, error) {
	if slices.ContainsFunc(trace.Builtins(), func(b trace.Builtin) bool { return b.Name == o.trace }) {
		return trace.Generate(o.trace, trace.Shape{Tasks: o.tasks, Seed: o.seed})
	}
	t, err := simulate.ReadTrace(ctx, o.trace)
	if input.NotOpened(err) {
		return nil, fmt.Errorf("--trace: %w; `backstop simulate --list` names the built-in ones", err)
	}
	return t, err
}

// entriesOf makes journal entries of a run: one for each moment that matters, with the reason of the decision at that
// moment where the run has kept it.
func entriesOf(workload string, tl *replay.Timeline) []journal.Entry {
	moments := steadied(tl.Moments)
	out := make([]journal.Entry, 0, len(moments))
	reason, next := failover.ReasonSteady, 0
	for i, m := range moments {
		for next < len(tl.Choices) && tl.Choices[next].At <= m.At {
			reason = failover.Reason(tl.Choices[next].Reason)
			next++
		}
		switch known := next < len(tl.Choices) || tl.Dropped == 0; { // beyond what it keeps, the counts speak
		case m.OnDemand == 0 && m.Spot >= m.Demand:
			reason = failover.ReasonSteady
		case !known && short(m) > 0:
			reason = failover.ReasonSpotShort
		case !known:
			reason = failover.ReasonCovering
		}
		at := replay.Epoch.Add(m.At)
		d := &failover.Decision{At: at, Workload: workload, Reason: reason, Mode: modeAt(m), Demand: m.Demand, InService: failover.Exactly(m.Spot + m.OnDemand),
			Missing: failover.Exactly(short(m)), Health: 100 * min(m.Spot, m.Demand) / max(1, m.Demand),
			Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, InService: failover.Exactly(m.Spot), Running: m.Spot, Live: m.Spot, Ask: m.Demand, Reason: reason},
				{Pool: "on-demand", Capacity: failover.OnDemand, InService: failover.Exactly(m.OnDemand), Running: m.OnDemand, Live: m.OnDemand, Ask: m.OnDemand, Reason: reason}}}
		out = append(out, journal.Entry{Version: journal.Version, ID: journal.NewID(at, uint32(i)), Workload: workload, At: at, Kind: journal.KindDecision, Decision: d})
	}
	return out
}

func short(m replay.Moment) int { return max(0, m.Demand-m.Spot-m.OnDemand) }

// steadied leaves out moments that no chart of a month shows: changes by a few tasks within a minute while nothing
// is missing. What is missing stays exact.
func steadied(all []replay.Moment) []replay.Moment {
	var out []replay.Moment
	var held *replay.Moment // left out so far, and may yet turn out to last
	for i := range all {
		m := all[i]
		if held != nil && m.At-out[len(out)-1].At >= time.Minute {
			out = append(out, *held)
		}
		if n := len(out); n > 0 {
			last := out[n-1]
			moved := max(m.Spot-last.Spot, last.Spot-m.Spot) + max(m.OnDemand-last.OnDemand, last.OnDemand-m.OnDemand)
			if m.Demand == last.Demand && short(m) == 0 && short(last) == 0 && m.At-last.At < time.Minute && moved <= max(1, m.Demand/20) {
				held = &all[i]
				continue
			}
		}
		out, held = append(out, m), nil
	}
	if held != nil {
		out = append(out, *held)
	}
	return out
}

func modeAt(m replay.Moment) failover.Mode {
	switch {
	case m.OnDemand == 0:
		return failover.ModeSpot
	case m.Spot == 0:
		return failover.ModeOnDemand
	}
	return failover.ModeMixed
}
