package simulate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// Progress is how far a simulation has come.
type Progress struct {
	Done, Runs int
	Elapsed    time.Duration
	Left       time.Duration // estimated; 0 while it is not known
}

// Run plans and runs a simulation, a section per trace. tell, if not nil, is called after every run, from several goroutines but one
// at a time. Results do not depend on the number of workers. An error of the options comes back as an [OptionError].
func Run(ctx context.Context, o Options, tell func(Progress)) ([]report.Section, error) {
	p, err := o.plan(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, optionError(err)
	}
	if o.Planned != nil {
		if err := o.Planned(); err != nil {
			return nil, err
		}
	}
	seeds := p.o.Seeds
	results := make([]replay.Result, len(p.sources)*seeds*len(p.variants))
	cells := len(p.sources) * seeds // a job is one trace of one seed under one policy; its oracle is computed with it
	err = each(ctx, p.o.Workers, len(results), tell, func(k int) error {
		cell, v := k%cells, k/cells
		r, err := p.one(ctx, cell/seeds, cell%seeds, v)
		results[(cell*len(p.variants))+v] = r
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.sections(results)
}

// each calls do for 0..n-1 from several goroutines, every core if workers is 0, until one fails, and tells of every call that is done.
// Calls of do for different numbers must not touch the same memory.
func each(ctx context.Context, workers, n int, tell func(Progress), do func(int) error) error {
	begun := time.Now()
	var (
		next   atomic.Int64
		mu     sync.Mutex // guards made and failed
		made   int
		failed error
		group  sync.WaitGroup
	)
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	for range min(workers, n) {
		group.Go(func() {
			for {
				k := int(next.Add(1)) - 1
				if k >= n || ctx.Err() != nil {
					return
				}
				err := do(k)
				mu.Lock()
				made++
				if err != nil {
					failed = errors.Join(failed, err)
					next.Store(int64(n))
				}
				if tell != nil {
					elapsed := time.Since(begun)
					tell(Progress{Done: made, Runs: n, Elapsed: elapsed, Left: elapsed / time.Duration(made) * time.Duration(n-made)})
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if failed != nil {
		return failed
	}
	return ctx.Err()
}

// GCPercent is what a process that only simulates does well to set (runtime/debug): a run keeps some megabytes, and to collect
// them as soon as they have doubled takes a fifth of its time.
const GCPercent = 400

// OptionError is an error of what was asked for, not of the simulation.
type OptionError struct {
	// Field is what is wrong: trace, events or policy; empty where the text begins with it.
	Field string
	err   error
}

// fieldError is an error of one field of the options.
type fieldError struct {
	field string
	error
}

func (e fieldError) Unwrap() error { return e.error }

// optionError makes what the caller gets of an error of the plan.
func optionError(err error) error {
	out := &OptionError{err: err}
	if of, ok := errors.AsType[fieldError](err); ok {
		out.Field = of.field
	}
	return out
}

func (e *OptionError) Error() string { return e.err.Error() }
func (e *OptionError) Unwrap() error { return e.err }

// one runs one policy on one trace of one seed.
func (p *plan) one(ctx context.Context, source, seed, v int) (replay.Result, error) {
	return p.play(ctx, &p.variants[v], source, seed, p.o.Record && seed == 0 && !p.swept(v))
}

// play runs a contestant on one trace of one seed, and works out the oracle with it.
func (p *plan) play(ctx context.Context, v *variant, source, seed int, record bool) (replay.Result, error) {
	t, err := p.sources[source].of(p.o.Seed + uint64(seed))
	if err != nil {
		return replay.Result{}, err
	}
	run := replay.Run{
		Trace: t, Policy: v.policy, Tasks: p.o.Tasks, Zones: v.zones, World: p.world, Prices: p.prices, Seed: p.o.Seed + uint64(seed),
		Check: p.o.Check, Record: record, Stop: func() bool { return ctx.Err() != nil },
	}
	begun := time.Now()
	oracle := replay.Oracle(run)
	r := oracle
	if !v.oracle {
		begun = time.Now()
		r, err = replay.Simulate(run)
		if errors.Is(err, replay.ErrStopped) {
			return r, ctx.Err()
		}
		if err != nil {
			return r, err
		}
		r.OracleUSD = oracle.CostUSD
		if oracle.CostUSD > 0 {
			r.OverOracle = r.CostUSD/oracle.CostUSD - 1
		}
	}
	r.Wall = time.Since(begun).Seconds()
	return r, nil
}

func (p *plan) swept(v int) bool { return p.sweep != nil && v >= p.sweep.first }

func (p *plan) sections(results []replay.Result) ([]report.Section, error) {
	var out []report.Section
	for i, src := range p.sources {
		t, err := src.of(p.o.Seed)
		if err != nil {
			return nil, err
		}
		s := report.Section{Trace: src.name, About: p.setting(t)}
		for v, variant := range p.variants {
			var of []replay.Result
			for seed := range p.o.Seeds {
				of = append(of, results[(i*p.o.Seeds+seed)*len(p.variants)+v])
			}
			if tl := of[0].Timeline; tl != nil {
				s.Timeline = append(s.Timeline, report.Chart{Policy: variant.policy.Name, Timeline: tl, Days: s.About.Days})
			}
			row := report.Mean(of)
			row.Doc, row.Fields = variant.policy.Doc, variant.fields
			s.Rows = append(s.Rows, row)
		}
		if p.sweep != nil {
			s.Sweep = p.sweep.table()
		}
		out = append(out, s)
	}
	return out, nil
}

func (p *plan) setting(t *trace.Trace) report.Setting {
	tasks := p.o.Tasks
	if t.Demanded() {
		tasks = t.DemandMax()
	}
	zones := string(p.zones)
	for _, pool := range t.Pools() {
		if len(t.Zones(pool)) > 1 {
			zones = fmt.Sprintf("%s (%d)", p.zones, len(t.Zones(pool)))
		}
	}
	return report.Setting{
		Days: t.Duration.Hours() / 24, Tasks: tasks, World: string(p.world.Stop), Zones: zones, Region: p.o.Region, PricesOf: p.pricesOf,
		OnDemandUSD: p.prices.OnDemand, SpotUSD: p.prices.Spot, StartUp: p.o.StartUp, WarmUp: p.o.WarmUp, Seeds: p.o.Seeds, Notes: t.Notes, Command: p.o.Command,
	}
}
