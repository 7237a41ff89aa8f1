package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// sets are the built-in months and the traces from files.
var sets = []string{"months", "files"}

// orders prints what ECS's choice of the tasks that a scale-in stops makes of the policy.
func (b *bench) orders() error {
	fmt.Println("which tasks a scale-in stops, warm-up 30 s: cost over the oracle in %: mean (worst); short; s/lost; return and the least share in service, mean (worst)")
	for _, o := range []struct {
		name string
		pick ecsim.ScaleInPick
	}{{"serving first", ecsim.PickServingFirst}, {"random", ecsim.PickRandom}, {"starting first", ecsim.PickStartingFirst}} {
		for _, stop := range b.stops {
			for k, set := range sets {
				results, err := each(b.runs(k, replay.World{Stop: stop, WarmUp: warmUp(30 * time.Second), ScaleIn: o.pick}))
				if err != nil {
					return err
				}
				if len(results) > 0 {
					fmt.Printf("%-15s", o.name)
					line(stop, 30*time.Second, set, k, sum(results))
				}
			}
		}
	}
	fmt.Println()
	return nil
}

// ahead are the policies that keep tasks warm ahead of a loss.
func ahead() ([]replay.Policy, error) {
	var out []replay.Policy
	for _, set := range []string{"", "extra=25", "foresight_usd=1", "foresight_usd=10"} {
		p, err := policyOf(options{policy: failover.PresetFill, set: set})
		if err != nil {
			return nil, err
		}
		if set != "" {
			p.Name = set
		}
		out = append(out, p)
	}
	return out, nil
}

// foresight prints what keeping tasks warm ahead of a loss costs and avoids.
func (b *bench) foresight() error {
	policies, err := ahead()
	if err != nil {
		return err
	}
	fmt.Println("tasks kept warm ahead of a loss: cost over the oracle in %, mean; short, mean; what a task-minute avoided costs against fill, in $")
	for _, stop := range b.stops {
		for _, warm := range b.warmMedian {
			for k, set := range sets {
				runs := b.runs(k, replay.World{Stop: stop, WarmUp: warmUp(warm)})
				if len(runs) == 0 {
					continue
				}
				if err := b.against(fmt.Sprintf("%-15s %4s %-6s", stop, warm, set), runs, policies); err != nil {
					return err
				}
			}
		}
	}
	fmt.Println()
	return nil
}

// against plays policies on the same runs and compares each with the first.
func (b *bench) against(what string, runs []replay.Run, policies []replay.Policy) error {
	var usd, minutes float64 // of the first policy
	for i, p := range policies {
		for k := range runs {
			runs[k].Policy = p
		}
		results, err := each(runs)
		if err != nil {
			return err
		}
		cost, short := 0.0, 0.0
		for k := range results {
			cost, short = cost+results[k].CostUSD, short+results[k].ShortMinutes
		}
		s, price := sum(results), ""
		switch {
		case i == 0:
			usd, minutes = cost, short
		case minutes-short > 0.01*minutes && minutes-short > 1:
			price = fmt.Sprintf("  $%.2f a task-minute", (cost-usd)/(minutes-short))
		case cost != usd:
			price = "  avoids nothing to speak of"
		}
		fmt.Printf("%s %-17s cost %+.2f  short %.3f%s\n", what, p.Name, s.cost, s.short, price)
	}
	return nil
}

// calm is a month in which Spot takes one to four tasks two or three times a day and has room for their replacements at once.
func calm(tasks, days int, seed uint64) (*trace.Trace, error) {
	const perDay = 2.5
	r := rand.New(rand.NewPCG(seed, 0xca13))
	var out strings.Builder
	out.WriteString("seconds,spot\n0,inf\n")
	end := float64(days) * 86400
	for at := r.ExpFloat64() * 86400 / perDay; at < end-3600; at += 600 + r.ExpFloat64()*86400/perDay {
		fmt.Fprintf(&out, "%.0f,%d\n%.0f,inf\n", at, tasks-1-r.IntN(4), at+1)
	}
	fmt.Fprintf(&out, "%.0f,inf\n", end)
	return trace.Parse(strings.NewReader(out.String()), "calm month")
}

// extra prints what single standing tasks are worth in a calm month.
func (b *bench) extra() error {
	fmt.Printf("extra in a calm month of single reclaims (1 to 4 tasks, 2.5 a day), %d seeds: cost over the oracle in %%; s/lost; part of the shortage of extra=0 that is gone\n", b.o.seeds)
	for _, stop := range b.stops {
		for _, warm := range b.warmMedian {
			before := 0.0
			for _, n := range []int{0, 1, 2, 4} {
				p, err := policyOf(options{policy: failover.PresetFill, set: fmt.Sprintf("extra=%d", n)})
				if err != nil {
					return err
				}
				var runs []replay.Run
				for seed := range uint64(b.o.seeds) {
					t, err := calm(b.o.tasks, b.o.days, seed+1)
					if err != nil {
						return err
					}
					runs = append(runs, replay.Run{Trace: t, Policy: p, Tasks: b.o.tasks, World: replay.World{Stop: stop, WarmUp: warmUp(warm)}, Seed: seed + 1, Check: b.o.check})
				}
				results, err := each(runs)
				if err != nil {
					return err
				}
				s := sum(results)
				if n == 0 {
					before = s.short
				}
				gone := 0.0
				if before > 0 {
					gone = 100 * (1 - s.short/before)
				}
				fmt.Printf("%-15s %4s  extra %d  cost %+.2f  short %.3f  s/lost %.1f  gone %.0f %%\n", stop, warm, n, s.cost, s.short, s.each, gone)
			}
		}
	}
	fmt.Println()
	return nil
}
