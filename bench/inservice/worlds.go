package main

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/replay"
)

// goal is what a policy is held to with a warm-up, for the built-in months and the traces from files: cost over the oracle in percent,
// mean and worst, task-minutes short per 1,000 task-hours, and seconds short per task lost in service.
type goal struct {
	cost, worst, short [2]float64
	each               float64
}

// The goals by median warm-up, where the warning is used and where it is not.
var (
	goalsUsed = map[time.Duration]goal{
		0:                 {[2]float64{.3, 2}, [2]float64{.6, 3.3}, [2]float64{.05, .05}, .1},
		20 * time.Second:  {[2]float64{.3, 2.5}, [2]float64{.6, 3.7}, [2]float64{.4, 3}, 1},
		30 * time.Second:  {[2]float64{.3, 2.1}, [2]float64{.6, 3.9}, [2]float64{2, 18}, 4},
		60 * time.Second:  {[2]float64{.3, 2.1}, [2]float64{.6, 4.3}, [2]float64{12, 125}, 27},
		120 * time.Second: {[2]float64{.3, 2.9}, [2]float64{.6, 5.3}, [2]float64{36, 355}, 84},
	}
	goalsUnused = map[time.Duration]goal{
		0:                 {[2]float64{.1, 1}, [2]float64{.2, 2.5}, [2]float64{42, 430}, 90},
		20 * time.Second:  {[2]float64{.1, 1.5}, [2]float64{.2, 3}, [2]float64{50, 490}, 110},
		30 * time.Second:  {[2]float64{.1, 1}, [2]float64{.2, 3.1}, [2]float64{55, 560}, 119},
		60 * time.Second:  {[2]float64{.1, 1}, [2]float64{.2, 3.6}, [2]float64{66, 690}, 148},
		120 * time.Second: {[2]float64{.1, 2}, [2]float64{.2, 4.6}, [2]float64{88, 880}, 205},
	}
)

// sums are the figures of one set of runs.
type sums struct {
	n                                        float64
	cost, worst, short, each, ret, low, ours float64
	missed                                   int // broken promises
}

func sum(results []replay.Result) sums {
	s := sums{n: float64(len(results)), worst: -1, low: 1}
	for i := range results {
		r := &results[i]
		s.cost += 100 * r.OverOracle / s.n
		s.worst = max(s.worst, 100*r.OverOracle)
		s.short += r.ShortPer1000 / s.n
		s.each += r.ShortEach / s.n
		s.ret += r.ReturnPer1000 / s.n
		s.low = min(s.low, r.ReturnMin)
		s.ours += r.ReturnMin / s.n
		s.missed += len(r.Violations)
	}
	return s
}

// worlds prints a line per world, warm-up and set.
func (b *bench) worlds() error {
	fmt.Println("cost over the oracle in %: mean (worst); short: task-minutes out of service per 1,000 task-hours; s/lost: seconds short per task lost in service;")
	fmt.Println("return: the part of short by stops of the policy's own, and the least share in service if nothing but those counted: mean (worst). [goal], ! where it is missed")
	for _, stop := range b.stops {
		for _, warm := range b.warmMedian {
			for k, set := range []string{"months", "files"} {
				runs := b.runs(k, replay.World{Stop: stop, WarmUp: warmUp(warm)})
				if len(runs) == 0 {
					continue
				}
				results, err := each(runs)
				if err != nil {
					return err
				}
				line(stop, warm, set, k, sum(results))
				if b.o.verbose {
					for i := range results {
						r := &results[i]
						fmt.Printf("    %-28s %+6.2f%%  short %8.3f  s/lost %6.1f  return %7.3f low %5.1f%%  lost %d  starts/lost %.2f  asked %.2fx\n", runs[i].Trace.Name, 100*r.OverOracle,
							r.ShortPer1000, r.ShortEach, r.ReturnPer1000, 100*r.ReturnMin, r.LostServing, r.PerLost, r.PeakRatio)
					}
				}
			}
		}
	}
	fmt.Println()
	return nil
}

// runs are those of a set in a world.
func (b *bench) runs(set int, w replay.World) []replay.Run {
	traces := b.months
	if set == 1 {
		traces = b.files
	}
	var out []replay.Run
	for i, t := range traces {
		r := replay.Run{Trace: t, Policy: b.policy, Tasks: b.o.tasks, World: w, Seed: 1, Check: b.o.check}
		if set == 0 {
			r.Seed = b.seedOf[i]
		}
		out = append(out, r)
	}
	return out
}

func line(stop replay.Stop, warm time.Duration, set string, k int, s sums) {
	goals, low, ret := goalsUsed, 1.0, 0.005
	if stop != replay.UsesWarning {
		goals, low, ret = goalsUnused, .95, .3
	}
	fmt.Printf("%-15s %4s %-6s", stop, warm, set)
	if g, ok := goals[warm]; ok {
		fmt.Printf("  cost %+.2f (%+.2f) [%g (%g)]%s  short %.3f [%g]%s  s/lost %.1f [%g]%s", s.cost, s.worst, g.cost[k], g.worst[k], mark(s.cost <= g.cost[k] && s.worst <= g.worst[k]),
			s.short, g.short[k], mark(s.short <= g.short[k]), s.each, g.each, mark(s.each <= g.each))
	} else {
		fmt.Printf("  cost %+.2f (%+.2f)  short %.3f  s/lost %.1f", s.cost, s.worst, s.short, s.each)
	}
	fmt.Printf("  return %.3f [%g] low %.1f %% (%.1f) [%.0f]%s", s.ret, ret, 100*s.ours, 100*s.low, 100*low, mark(s.ret <= ret && s.low >= low-1e-9))
	if s.missed > 0 {
		fmt.Printf("  %d broken promises", s.missed)
	}
	fmt.Println()
}

// mark shows a goal that is missed.
func mark(kept bool) string {
	if kept {
		return " "
	}
	return "!"
}
