package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// contestant guards the workload of a scenario.
type contestant struct {
	name, title string
	policy      string // Backstop's, or
	open        func(work string) (rival *demo.Rival, said func() string)
}

// cell is what a contestant did in a scenario: means over the seeds.
type cell struct {
	short, none, onDemand, usd, calls float64
	back                              float64 // seconds from Spot's return until no on-demand was paid
	recovered                         int     // seeds in which all was served at the end, on Spot alone
	seeds                             int
	notes                             map[string]bool
}

func mean(ctx context.Context, o options, c contestant, w world, work string) (cell, error) {
	sum := cell{seeds: o.seeds, notes: map[string]bool{}}
	for seed := range o.seeds {
		one, err := play(ctx, o, c, w, uint64(seed)+1, work)
		if err != nil {
			return cell{}, err
		}
		n := float64(o.seeds)
		sum.short, sum.none, sum.onDemand, sum.usd, sum.calls = sum.short+one.short/n, sum.none+one.none/n, sum.onDemand+one.onDemand/n, sum.usd+one.usd/n, sum.calls+one.calls/n
		sum.back += one.back / n
		sum.recovered += one.recovered
		for note := range one.notes {
			sum.notes[note] = true
		}
	}
	return sum, nil
}

func play(ctx context.Context, o options, c contestant, w world, seed uint64, work string) (out cell, err error) {
	options := demo.Options{Scenario: w.Scenario, Policy: c.policy, Tasks: o.tasks, Seed: seed}
	said := func() string { return "" }
	if c.policy == "" {
		options.Rival, said = c.open(work)
	}
	d, err := demo.Open(ctx, options)
	if err != nil {
		return cell{}, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	before := calls(d.Sandbox())
	s, err := d.Play(ctx)
	if err != nil {
		return cell{}, err
	}
	if s.Unfinished {
		return cell{}, ctx.Err()
	}
	if len(s.Violations) > 0 {
		return cell{}, fmt.Errorf("a promise is broken: %+v", s.Violations[0])
	}
	f := d.Figures()
	out = cell{short: s.ShortTaskMinutes, none: f.NoneSeconds, onDemand: f.OnDemandTaskMinutes, usd: s.CostUSD, calls: float64(calls(d.Sandbox()) - before), notes: map[string]bool{}}
	if f.Serving >= o.tasks && f.OnDemand == 0 {
		out.recovered = 1
	}
	out.back = max(0, (f.LastOnDemand - w.spotBack).Seconds())
	if text := said(); text != "" {
		out.notes[text] = true
	}
	return out, nil
}

// calls counts the AWS calls so far, but for those to queues: EventBridge and Lambda poll those by themselves.
func calls(box *sandbox.Sandbox) int {
	n := 0
	for operation, count := range box.Calls().Counts {
		if !strings.HasPrefix(operation, "sqs:") {
			n += count
		}
	}
	return n
}
