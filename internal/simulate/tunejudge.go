package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// judge plays the proposal, what it started from, and the proposal without each of its changes where nothing was searched.
// A change that buys nothing there is left out, unless the target is missed without it where it was searched for: what is proposed
// must show in the figures beside it.
func (t *tuner) judge(ctx context.Context, best trial) (*Tuned, error) {
	out, searched := &t.out, len(best)
	got, err := t.weigh(ctx, best)
	for err == nil && t.keeps(best) { // beyond the target the changes are not proposed: they show what the floor needs
		var less trial
		if less, err = t.lessOf(ctx, best); err != nil || less == nil {
			break
		}
		best = less
		got, err = t.weigh(ctx, best)
	}
	if err != nil {
		return nil, err
	}
	before, after := report.Mean(got[0]), report.Mean(got[1])
	out.Before, out.After = measured(before), measured(after)
	out.Tried, out.Runs = len(t.known), t.done
	out.Target, out.TargetGiven = t.target, t.given
	found := t.known[best.key()]
	if !t.keeps(best) { // then the search missed it: nothing that keeps to it is given up for less
		out.Floor = bound(found)
	}
	out.Reached = t.keeps(best) && after.ShortPer1000 <= t.target
	out.Frontier = t.frontier()
	t.verdict(best, searched, difference(got[1], got[0]))
	if out.Keep {
		best = trial{}
	}
	out.Zones = string(t.zonesOf(best))
	out.YAML = t.yaml(best)
	return out, nil
}

// keeps says whether a trial that was measured keeps to the target, its standard error included.
func (t *tuner) keeps(tr trial) bool { return bound(t.known[tr.key()]) <= t.target }

// lessOf is a trial without the first of its changes that buys nothing and that the target does not need; nil: there is none.
func (t *tuner) lessOf(ctx context.Context, best trial) (trial, error) {
	for _, c := range t.out.Changes {
		if c.buys() {
			continue
		}
		next := best.with(c.Field, "")
		if err := t.measure(ctx, []trial{next}); err != nil {
			return nil, err
		}
		if t.keeps(next) {
			return next, nil
		}
	}
	return nil, nil
}

// weigh plays the present policy, a proposal, and the proposal without each of its changes, in this order, and says what each
// change buys.
func (t *tuner) weigh(ctx context.Context, best trial) ([][]replay.Result, error) {
	fields := slices.DeleteFunc(leverNames(), func(f string) bool { _, ok := best[f]; return !ok })
	trials := []trial{{}, best}
	for _, f := range fields {
		trials = append(trials, best.with(f, ""))
	}
	got, err := t.play(ctx, t.held, trials)
	if err != nil {
		return nil, err
	}
	t.out.Changes = []Change{}
	for i, f := range fields {
		c := difference(got[1], got[2+i])
		c.Field, c.From, c.To = f, t.value(f, trial{}), t.value(f, best)
		t.out.Changes = append(t.out.Changes, c)
	}
	return got, nil
}

// buys says whether a change saves cost or shortfall by more than chance would.
func (c Change) buys() bool { return c.Cost+c.CostCI < 0 || c.Short+c.ShortCI < 0 }

func leverNames() []string {
	var out []string
	for _, l := range levers() {
		out = append(out, l.field)
	}
	return out
}

// verdict says in words whether the proposal holds up. searched is how many changes the search had found, and whole the
// proposal against what it started from.
func (t *tuner) verdict(best trial, searched int, whole Change) {
	out := &t.out
	saves := whole.Cost < 0
	switch {
	case out.Floor > 0:
		out.Keep = true
		out.Verdict = fmt.Sprintf("%.4g task-minutes per 1,000 task-hours are out of reach of the %d policies tried: the floor is %.3g (mean and standard error), at %+.1f %% of cost. "+
			"A lost task is missing for its replacement's start-up; faster starts, or tasks that use the two-minute warning, lower that floor.", t.target, out.Tried, out.Floor, 100*whole.Cost)
	case len(best) == 0:
		out.Keep = true
		out.Verdict = t.nothingBetter(searched)
		if t.given && !out.Reached {
			out.Verdict += fmt.Sprintf(", but on what was held out it leaves %.3g short, above the target", out.After.Short)
		}
	case t.given && !out.Reached:
		out.Verdict = fmt.Sprintf("the proposal kept to the target where it was searched for, but not on what was held out (%.3g): name a lower target, or more seeds", out.After.Short)
	case t.given:
		out.Verdict = "the cheapest policy tried that keeps to the target, on what was held out too"
	case saves && out.After.Short <= max(t.target, out.Before.Short+whole.ShortCI):
		out.Verdict = fmt.Sprintf("cheaper, and what is short keeps to the %.3g, on what was held out too", max(t.target, out.Before.Short+whole.ShortCI))
	case !saves && out.After.Short < out.Before.Short-whole.ShortCI:
		out.Verdict = "less short than now, on what was held out too"
	default:
		out.Keep = true
		out.Verdict = "what was found does not hold up on what was held out: keep the present policy"
	}
}

// nothingBetter says why the present policy stays, in accord with the frontier beside it: that may hold a policy that is
// cheaper by less than a change is worth.
func (t *tuner) nothingBetter(searched int) string {
	if searched > 0 {
		return "what was found buys nothing on what was held out: keep the present policy"
	}
	present := t.known[trial{}.key()]
	cheapest, name := present.CostRatio, ""
	for _, key := range slices.Sorted(maps.Keys(t.known)) {
		if r := t.known[key]; bound(r) <= t.target && r.CostRatio < cheapest {
			cheapest, name = r.CostRatio, key
		}
	}
	if name == "" {
		return fmt.Sprintf("keep the present policy: of %d tried, none that keeps to this, its standard error included, is cheaper", len(t.known))
	}
	return fmt.Sprintf("keep the present policy: of %d tried, none that keeps to this, its standard error included, is cheaper by %g %%, from which on a change is worth it (%s: %.2g %%)",
		len(t.known), 100*gainMin, name, 100*(1-cheapest/present.CostRatio))
}

// frontier lists what was tried and beaten by nothing else.
func (t *tuner) frontier() []Point {
	keys := slices.Sorted(maps.Keys(t.known))
	rows := make([]report.Row, len(keys))
	for i, k := range keys {
		rows[i] = t.known[k]
	}
	out := []Point{}
	for _, i := range report.Frontier(rows) {
		out = append(out, Point{Policy: keys[i], CostRatio: rows[i].CostRatio, Short: rows[i].ShortPer1000, ShortCI: rows[i].Interval["shortfall_per_1000_hours"]})
	}
	return out
}

func measured(r report.Row) Measure {
	return Measure{CostUSD: r.CostUSD, CostRatio: r.CostRatio, OverOracle: r.OverOracle, Short: r.ShortPer1000, ShortCI: r.Interval["shortfall_per_1000_hours"],
		ShortEach: r.ShortEach, WorkingMin: r.WorkingMin, PerLost: r.PerLost}
}

// difference compares two policies run by run: the same trace and seed.
func difference(a, b []replay.Result) Change {
	pairs := make([]replay.Result, len(a))
	for i := range a {
		pairs[i].ShortPer1000 = a[i].ShortPer1000 - b[i].ShortPer1000
		if b[i].CostUSD > 0 {
			pairs[i].CostRatio = a[i].CostUSD/b[i].CostUSD - 1
		}
	}
	m := report.Mean(pairs)
	return Change{Cost: m.CostRatio, CostCI: m.Interval["cost_ratio"], Short: m.ShortPer1000, ShortCI: m.Interval["shortfall_per_1000_hours"]}
}

// yaml is the proposal as it stands in a workload of the configuration.
func (t *tuner) yaml(tr trial) string {
	var b strings.Builder
	if t.zonesOf(tr) == replay.PerZone && t.zoned() {
		b.WriteString("    # A Spot service per zone (one subnet each), together in one tier; the number of tasks is then given here.\n")
		fmt.Fprintf(&b, "    demand: %d\n    pools:\n", t.search0.o.Tasks)
		for _, src := range t.search0.sources {
			one, err := src.of(t.search0.o.Seed)
			if err != nil || len(one.Pools()) == 0 {
				continue
			}
			for _, zone := range one.Zones(one.Pools()[0]) {
				fmt.Fprintf(&b, "      - {name: spot-%s, cluster: CLUSTER, service: SERVICE-%s, capacity: FARGATE_SPOT, tier: spot}\n", zone, zone)
			}
			break
		}
		b.WriteString("      - {name: standard, cluster: CLUSTER, service: SERVICE-standard, capacity: FARGATE}\n")
	}
	fmt.Fprintf(&b, "    policy:\n      preset: %s\n", t.preset)
	v, err := t.variant(tr)
	if err != nil {
		return b.String()
	}
	plain, _ := failover.Preset(t.preset)
	for _, f := range tunable.Fields() {
		if now := f.Get(v.policy.Law); now != f.Get(&plain) {
			fmt.Fprintf(&b, "      %s: %s\n", f.Key, now)
		}
	}
	return b.String()
}
