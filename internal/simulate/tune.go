package simulate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/trace"
)

const (
	// tuneSeeds and heldOutSeeds are how many seeds the search and the verdict play.
	tuneSeeds, heldOutSeeds = 3, 6
	// heldOutFrom is the first seed of the verdict, counted from the first one of the search: far beyond any that a search plays.
	heldOutFrom = 10_000
	// searchShare of a trace that is the same for every seed is for the search; what follows is for the verdict, if both parts are
	// as long as partMin.
	searchShare = 0.6
	partMin     = 24 * time.Hour
	// shortTolerated is what the default policy is held to, in task-minutes per 1,000 task-hours: a search without a target may
	// leave so much short, or what the policy it starts from does.
	shortTolerated = 0.05
	// gainMin is the least saving, as a share of the cost, for which a field is changed, and shortGainMin the least share of the
	// shortfall where the target is out of reach.
	gainMin, shortGainMin = 0.0002, 0.02
)

// TuneOptions are what a search for a policy is asked for. Of Options.Policies the first counts: the preset to start from.
type TuneOptions struct {
	Options
	// Target is how many task-minutes per 1,000 task-hours may be short; negative: as many as now, or 0.05.
	Target float64
	// HeldOut is how many seeds the verdict plays; 0: six.
	HeldOut int
}

// Measure is what a policy did where the verdict was taken. The JSON names are a contract (docs/json.md).
type Measure struct {
	CostUSD    float64 `json:"cost_usd"`
	CostRatio  float64 `json:"cost_ratio"`
	OverOracle float64 `json:"cost_over_oracle"`
	Short      float64 `json:"shortfall_per_1000_hours"`
	ShortCI    float64 `json:"shortfall_ci95"`
	ShortEach  float64 `json:"shortfall_seconds_per_lost_task"`
	WorkingMin float64 `json:"working_share_min"`
	PerLost    float64 `json:"starts_per_lost_task"`
}

// Change is one field that the proposal changes, and what that buys: the proposal against the proposal without this change.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
	// Cost is a share of the cost, Short task-minutes per 1,000 task-hours; more is above 0.
	Cost    float64 `json:"cost_change"`
	CostCI  float64 `json:"cost_change_ci95"`
	Short   float64 `json:"shortfall_change"`
	ShortCI float64 `json:"shortfall_change_ci95"`
}

// Point is a policy that no other one tried beat in both cost and shortfall, where it was searched for.
type Point struct {
	Policy    string  `json:"policy"` // its differences from the present one; empty: none
	CostRatio float64 `json:"cost_ratio"`
	Short     float64 `json:"shortfall_per_1000_hours"`
	ShortCI   float64 `json:"shortfall_ci95"`
}

// Tuned is the answer of [Tune].
type Tuned struct {
	Traces      []string `json:"traces"`
	Preset      string   `json:"preset"`
	World       string   `json:"world"`
	Tasks       int      `json:"tasks"`
	Target      float64  `json:"shortfall_target"`
	TargetGiven bool     `json:"shortfall_target_given"`
	Searched    string   `json:"searched_on"`
	HeldOut     string   `json:"held_out"`
	Tried       int      `json:"policies_tried"`
	Runs        int      `json:"runs"`
	// Reached: what was found keeps to the target where it was searched for and where it was held out.
	Reached bool `json:"target_reached"`
	// Floor is the least shortfall that the search found, its standard error included, where that is above the target.
	Floor   float64  `json:"floor_shortfall_per_1000_hours,omitempty"`
	Keep    bool     `json:"keep"` // nothing better than the present policy was found, or it did not hold up
	Verdict string   `json:"verdict"`
	Before  Measure  `json:"before"`
	After   Measure  `json:"after"`
	Changes []Change `json:"changes"`
	// Frontier is what else could be had for how much, the cheapest first.
	Frontier []Point  `json:"frontier"`
	Zones    string   `json:"zones"`
	YAML     string   `json:"yaml"`
	Notes    []string `json:"notes,omitempty"`
}

// Tune searches for a policy that keeps to a shortfall at the lowest cost, one field after the other over a few dozen policies, and
// judges it where it was not searched for: on other seeds, and on the last part of traces that are the same for every seed. tell is as
// for [Run]. The result does not depend on the number of workers.
func Tune(ctx context.Context, o TuneOptions, tell func(Progress)) (*Tuned, error) {
	t, err := newTuner(ctx, o, tell)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, optionError(err)
	}
	best, err := t.search(ctx)
	if err != nil {
		return nil, err
	}
	return t.judge(ctx, best)
}

// tuner is a search under way.
type tuner struct {
	search0, held *plan
	preset        string
	law           failover.Policy
	zones         replay.Zones // as asked for
	target        float64
	given         bool
	known         map[string]report.Row // by key of the trial
	tell          func(Progress)
	begun         time.Time
	done, planned int
	out           Tuned
}

func newTuner(ctx context.Context, o TuneOptions, tell func(Progress)) (*tuner, error) {
	if o.Seeds == 0 {
		o.Seeds = tuneSeeds
	}
	if o.HeldOut == 0 {
		o.HeldOut = heldOutSeeds
	}
	if len(o.Policies) == 0 {
		o.Policies = []string{failover.PresetFill}
	}
	o.Sweep, o.Record = nil, false
	switch {
	case len(o.Policies) != 1:
		return nil, fmt.Errorf("%d policies: a search starts from one", len(o.Policies))
	case o.HeldOut < 2 || o.HeldOut > SeedsMax:
		return nil, fmt.Errorf("%d held-out seeds: must be 2 to %d", o.HeldOut, SeedsMax)
	case math.IsNaN(o.Target) || math.IsInf(o.Target, 0):
		return nil, fmt.Errorf("shortfall target %v: must be a number of task-minutes", o.Target)
	}
	p, err := o.plan(ctx)
	if err != nil {
		return nil, err
	}
	if !own(p.variants[0].policy) {
		return nil, fmt.Errorf("policy %s has no fields to tune: name one of %s", o.Policies[0], strings.Join(failover.PresetNames(), ", "))
	}
	t := &tuner{search0: p, preset: o.Policies[0], law: *p.variants[0].policy.Law, zones: p.zones, target: o.Target, given: o.Target >= 0,
		known: map[string]report.Row{}, tell: tell, begun: time.Now()}
	t.law.Pools = nil
	held := *p
	held.o.Seed += heldOutFrom
	held.o.Seeds = o.HeldOut
	held.sources = nil
	t.held = &held
	t.split()
	t.out.Preset, t.out.World, t.out.Tasks = t.preset, string(p.world.Stop), p.o.Tasks
	for i := range p.sources {
		t.out.Traces = append(t.out.Traces, p.sources[i].name)
		if w := p.sources[i].whole; w != nil {
			t.out.Notes = append(t.out.Notes, w.Notes...)
		}
	}
	return t, nil
}

// split sets apart what the verdict is taken on.
func (t *tuner) split() {
	p := t.search0
	p.sources = slices.Clone(p.sources)
	parts, whole := 0, 0
	for i, src := range p.sources {
		if w := src.whole; w == nil {
			t.held.sources = append(t.held.sources, src)
		} else if at := time.Duration(searchShare * float64(w.Duration)); w.Duration-at >= partMin {
			parts++
			p.sources[i], p.sources[i].whole = fixed(between(w, 0, at)), w
			t.held.sources = append(t.held.sources, fixed(between(w, at, w.Duration)))
		} else {
			whole++
			t.held.sources = append(t.held.sources, src)
		}
	}
	t.out.Searched = seedWords(p.o.Seeds)
	t.out.HeldOut = fmt.Sprintf("%d other seeds", t.held.o.Seeds)
	switch {
	case parts == len(p.sources):
		t.out.Searched += fmt.Sprintf(", the first %.0f %% of each trace", 100*searchShare)
		t.out.HeldOut += fmt.Sprintf(", the last %.0f %% of each trace", 100-100*searchShare)
	case parts > 0:
		t.out.Searched += fmt.Sprintf(", the first %.0f %% of traces from files", 100*searchShare)
		t.out.HeldOut += fmt.Sprintf(", the last %.0f %% of traces from files", 100-100*searchShare)
	}
	if whole > 0 {
		t.out.HeldOut += " (a trace from a file shorter than 60 h is played whole in both: other start-ups and victims, the same capacity)"
	}
}

func seedWords(n int) string {
	if n == 1 {
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", n)
}

// between is the part of a trace from a moment to another one.
func between(t *trace.Trace, from, to time.Duration) *trace.Trace {
	out := &trace.Trace{Name: t.Name, Notes: t.Notes, Columns: t.Columns, Duration: to - from}
	n := len(t.Columns)
	for r := t.Row(from); r < len(t.At) && t.At[r] < to; r++ {
		out.At = append(out.At, max(0, t.At[r]-from))
		out.Values = append(out.Values, t.Values[r*n:(r+1)*n]...)
	}
	return out
}

// variant is what a trial stands for.
func (t *tuner) variant(tr trial) (variant, error) {
	var set []string
	for _, l := range levers() {
		if v, ok := tr[l.field]; ok && l.field != zonesLever {
			set = append(set, l.field+"="+v)
		}
	}
	v, err := t.search0.own(t.preset, t.law, set)
	v.zones = t.zones
	if z, ok := tr[zonesLever]; ok {
		v.zones = replay.Zones(z)
	}
	return v, err
}

// play measures trials on a plan: a list of results each, by source and seed.
func (t *tuner) play(ctx context.Context, p *plan, trials []trial) ([][]replay.Result, error) {
	cells := len(p.sources) * p.o.Seeds
	out := make([][]replay.Result, len(trials))
	variants := make([]variant, len(trials))
	for i, tr := range trials {
		v, err := t.variant(tr)
		if err != nil {
			return nil, err
		}
		variants[i], out[i] = v, make([]replay.Result, cells)
	}
	n := len(trials) * cells
	err := each(ctx, p.o.Workers, n, t.told(), func(k int) error {
		i, cell := k/cells, k%cells
		r, err := p.play(ctx, &variants[i], cell/p.o.Seeds, cell%p.o.Seeds, false)
		out[i][cell] = r
		return err
	})
	t.done += n
	return out, err
}

// told reports the progress of one batch as part of the whole, of which the rest is an estimate.
func (t *tuner) told() func(Progress) {
	if t.tell == nil {
		return nil
	}
	before := t.done
	return func(p Progress) {
		done := before + p.Done
		all := max(t.planned, before+p.Runs)
		elapsed := time.Since(t.begun)
		t.tell(Progress{Done: done, Runs: all, Elapsed: elapsed, Left: elapsed / time.Duration(done) * time.Duration(all-done)})
	}
}
