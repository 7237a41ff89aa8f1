// Command inservice prints what a policy costs over the oracle and leaves out of service, with the goal beside each figure: on the
// built-in months and on every trace of a directory, in three worlds and with several warm-ups; what a total loss takes to full strength;
// how much on-demand is asked for where starts are slow or hang; and, when asked for by -parts, what the order of a scale-in's stops changes
// (orders) and what tasks kept warm ahead of a loss cost and avoid (foresight, extra).
//
//	go run ./bench/inservice -traces ~/traces -seeds 2
//
// Without -traces and $BACKSTOP_TRACES only the built-in months are played. Two seeds take some minutes on two cores.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// options are the command's flags.
type options struct {
	traces, policy, parts, set string
	worlds, warmUps            string
	seeds, tasks, days         int
	check, verbose             bool
}

func main() {
	var o options
	flag.StringVar(&o.traces, "traces", os.Getenv("BACKSTOP_TRACES"), "directory of trace files, capacities for -tasks tasks")
	flag.StringVar(&o.policy, "policy", failover.PresetFill, "policy to play")
	flag.StringVar(&o.set, "set", "", "field=value,... of the policy")
	flag.StringVar(&o.parts, "parts", "worlds,loss,bounded", "tables to print: worlds, loss, bounded, orders, foresight, extra")
	flag.StringVar(&o.worlds, "worlds", "W1,W2,WD", "worlds of the first table")
	flag.StringVar(&o.warmUps, "warm-ups", "0s,20s,30s,60s,120s", "medians of the warm-up; its P99 is 1.6 times that")
	flag.IntVar(&o.seeds, "seeds", 2, "seeds of a built-in month; a file is played once")
	flag.IntVar(&o.tasks, "tasks", 200, "tasks wanted")
	flag.IntVar(&o.days, "days", 30, "length of a built-in month")
	flag.BoolVar(&o.check, "check", false, "hold every pass against what is promised, and count what is broken")
	flag.BoolVar(&o.verbose, "v", false, "print a line for every run of the first table")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "inservice:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	b, err := newBench(o)
	if err != nil {
		return err
	}
	for _, part := range strings.Split(o.parts, ",") {
		print, ok := map[string]func() error{"worlds": b.worlds, "loss": b.loss, "bounded": b.bounded, "orders": b.orders, "foresight": b.foresight, "extra": b.extra}[part]
		if !ok {
			return fmt.Errorf("unknown part %q", part)
		}
		if err := print(); err != nil {
			return err
		}
	}
	return nil
}

// bench is what is played.
type bench struct {
	o          options
	policy     replay.Policy
	months     []*trace.Trace // one a seed
	seedOf     []uint64
	files      []*trace.Trace
	stops      []replay.Stop
	warmMedian []time.Duration
}

func newBench(o options) (*bench, error) {
	b := &bench{o: o}
	var err error
	if b.policy, err = policyOf(o); err != nil {
		return nil, err
	}
	for _, name := range trace.Synthetic() {
		for seed := range uint64(o.seeds) {
			t, err := trace.Generate(name, trace.Shape{Tasks: o.tasks, Days: o.days, Seed: seed + 1})
			if err != nil {
				return nil, err
			}
			b.months, b.seedOf = append(b.months, t), append(b.seedOf, seed+1)
		}
	}
	if b.files, err = readTraces(o.traces); err != nil {
		return nil, err
	}
	for _, name := range strings.Split(o.worlds, ",") {
		stop, err := replay.ParseStop(name)
		if err != nil {
			return nil, err
		}
		b.stops = append(b.stops, stop)
	}
	for _, text := range strings.Split(o.warmUps, ",") {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, err
		}
		b.warmMedian = append(b.warmMedian, d)
	}
	return b, nil
}

// policyOf returns the policy that the flags name.
func policyOf(o options) (replay.Policy, error) {
	p, err := replay.ByName(o.policy)
	if err != nil || o.set == "" {
		return p, err
	}
	law, ok := failover.Preset(o.policy)
	if !ok {
		return p, fmt.Errorf("%s has no fields to set", o.policy)
	}
	for _, s := range strings.Split(o.set, ",") {
		key, value, _ := strings.Cut(s, "=")
		f, ok := tunable.FieldByKey(key)
		if !ok {
			return p, fmt.Errorf("no policy field %q", key)
		}
		if err := f.Set(&law, value); err != nil {
			return p, err
		}
	}
	return replay.LawOf(o.policy, law), nil
}

func readTraces(dir string) ([]*trace.Trace, error) {
	if dir == "" {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []*trace.Trace
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		t, err := trace.Parse(f, strings.TrimSuffix(filepath.Base(name), ".csv"))
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// warmUp is the warm-up of a median.
func warmUp(p50 time.Duration) ecsim.WarmUp {
	return ecsim.WarmUp{P50: p50, P99: p50 * 16 / 10}
}

// each plays runs on every core, with the oracle's cost of each.
func each(runs []replay.Run) ([]replay.Result, error) {
	out := make([]replay.Result, len(runs))
	errs := make([]error, len(runs))
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				oracle := replay.Oracle(runs[i])
				out[i], errs[i] = replay.Simulate(runs[i])
				out[i].OverOracle = out[i].CostUSD/oracle.CostUSD - 1
			}
		})
	}
	for i := range runs {
		next <- i
	}
	close(next)
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
