package simulate

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// trial is a policy as its differences from the one that the search started from: value by field. The pseudo-field zones is no field
// of a policy but a layout of services.
type trial map[string]string

const (
	zonesLever     = "zones"
	extraLever     = "extra"
	foresightLever = "foresight_usd"
	// refineSteps bounds the halving between the greatest spare that is too little and the least that is enough.
	refineSteps = 3
)

// key names a trial; the same differences have the same key.
func (t trial) key() string {
	var parts []string
	for _, f := range slices.Sorted(maps.Keys(t)) {
		parts = append(parts, f+"="+t[f])
	}
	return strings.Join(parts, " ")
}

// with is the trial with one more difference; an empty value takes it back.
func (t trial) with(field, value string) trial {
	out := maps.Clone(t)
	if value == "" {
		delete(out, field)
	} else {
		out[field] = value
	}
	return out
}

// lever is a field that is worth varying, and the values that are tried.
type lever struct {
	field  string
	values []string
	shares []float64 // of the tasks, for a number of them
	again  bool      // tried once more after the others
}

// levers are in order of effect: how Spot is spread first, then what is held and what is started.
func levers() []lever {
	return []lever{
		{field: zonesLever, values: []string{string(replay.Pooled), string(replay.PerZone)}},
		{field: extraLever, shares: []float64{0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3}},
		{field: foresightLever, values: []string{"0", "0.25", "0.5", "1", "2"}},
		{field: "overstart", values: []string{"0", "0.1", "0.2", "0.35", "0.5", "1"}, again: true},
		{field: "tier_share_max", values: []string{"0.4", "0.6", "1"}},
	}
}

// values lists what is tried of a lever beside the present value.
func (t *tuner) values(l lever, now trial) []string {
	if l.field == zonesLever && !t.zoned() || l.field == foresightLever && t.search0.world.Gap() <= 0 || l.field == "tier_share_max" && (t.zonesOf(now) != replay.PerZone || !t.zoned()) {
		return nil
	}
	all := l.values
	for _, s := range l.shares {
		all = append(all, strconv.Itoa(int(math.Ceil(s*float64(t.search0.o.Tasks)))))
	}
	present := t.value(l.field, now)
	return slices.DeleteFunc(slices.Compact(slices.Clone(all)), func(v string) bool { return v == present })
}

// value is a field's value under a trial, as the field writes it.
func (t *tuner) value(field string, tr trial) string {
	if field == zonesLever {
		return string(t.zonesOf(tr))
	}
	f, _ := tunable.FieldByKey(field)
	law := t.law
	if v, ok := tr[field]; ok {
		_ = f.Set(&law, v) // a lever's values are in its range (a test sets them all)
	}
	return f.Get(&law)
}

func (t *tuner) zonesOf(tr trial) replay.Zones {
	if z, ok := tr[zonesLever]; ok {
		return replay.Zones(z)
	}
	return t.zones
}

// zoned says whether any trace has zones to choose from.
func (t *tuner) zoned() bool {
	for i := range t.search0.sources {
		tr, err := t.search0.sources[i].of(t.search0.o.Seed)
		if err != nil {
			return false
		}
		for _, pool := range tr.Pools() {
			if len(tr.Zones(pool)) > 1 {
				return true
			}
		}
	}
	return false
}

// search goes through the levers one after the other and keeps what is better, then takes back what turned out to buy nothing.
func (t *tuner) search(ctx context.Context) (trial, error) {
	for _, l := range levers() {
		t.planned += (len(l.values) + len(l.shares)) * len(t.search0.sources) * t.search0.o.Seeds
	}
	t.planned += 4 * len(t.held.sources) * t.held.o.Seeds
	now := trial{}
	if err := t.measure(ctx, []trial{now}); err != nil {
		return nil, err
	}
	if !t.given {
		t.target = max(shortTolerated, bound(t.known[now.key()]))
	}
	for round := range 2 {
		for _, l := range levers() {
			if round > 0 && !l.again {
				continue
			}
			var err error
			before := now
			if now, err = t.try(ctx, now, l.field, t.values(l, now)); err != nil {
				return nil, err
			}
			if _, spare := before[extraLever]; spare && l.field == foresightLever { // warm cover in the place of standing spare
				other, err := t.try(ctx, before.with(extraLever, ""), l.field, t.values(l, before))
				if err != nil {
					return nil, err
				}
				if t.better(other, now) {
					now = other
				}
			}
		}
	}
	now, err := t.refine(ctx, now)
	if err != nil {
		return nil, err
	}
	for _, field := range slices.Sorted(maps.Keys(now)) {
		without := now.with(field, "")
		if err := t.measure(ctx, []trial{without}); err != nil {
			return nil, err
		}
		if !t.better(now, without) {
			now = without
		}
	}
	return now, nil
}

// try measures some values of a field and returns the best trial, which may be the one that was given.
func (t *tuner) try(ctx context.Context, now trial, field string, values []string) (trial, error) {
	var trials []trial
	for _, v := range values {
		next := now.with(field, v)
		if t.value(field, trial{}) == v {
			next = now.with(field, "")
		}
		trials = append(trials, next)
	}
	if err := t.measure(ctx, trials); err != nil {
		return nil, err
	}
	best := now
	for _, tr := range trials {
		if t.better(tr, best) {
			best = tr
		}
	}
	return best, nil
}

// refine looks for less standing spare that still keeps to the target.
func (t *tuner) refine(ctx context.Context, now trial) (trial, error) {
	enough, err := strconv.Atoi(t.value(extraLever, now))
	if err != nil || bound(t.known[now.key()]) > t.target {
		return now, nil
	}
	low, _ := strconv.Atoi(t.value(extraLever, trial{}))
	for _, l := range levers() {
		if l.field != extraLever {
			continue
		}
		for _, s := range l.shares { // the step below was not enough, or it would have been taken
			if v := int(math.Ceil(s * float64(t.search0.o.Tasks))); v < enough {
				low = max(low, v)
			}
		}
	}
	for range refineSteps {
		middle := (low + enough) / 2
		if middle <= low || middle >= enough {
			break
		}
		next, err := t.try(ctx, now, extraLever, []string{strconv.Itoa(middle)})
		if err != nil {
			return nil, err
		}
		if next.key() != now.key() {
			now, enough = next, middle
		} else {
			low = middle
		}
	}
	return now, nil
}

// measure plays the trials that have not been played yet.
func (t *tuner) measure(ctx context.Context, trials []trial) error {
	var fresh []trial
	for _, tr := range trials {
		if _, ok := t.known[tr.key()]; !ok {
			fresh = append(fresh, tr)
		}
	}
	got, err := t.play(ctx, t.search0, fresh)
	if err != nil {
		return err
	}
	for i, tr := range fresh {
		t.known[tr.key()] = report.Mean(got[i])
	}
	return nil
}

// bound is the shortfall of a row with its standard error on top, so that luck of few seeds is not taken for merit.
func bound(r report.Row) float64 {
	se := 0.0
	if r.Seeds > 1 {
		se = r.Interval["shortfall_per_1000_hours"] / report.Quantile95(r.Seeds)
	}
	return r.ShortPer1000 + se
}

// better says whether a is to be preferred to b: one that keeps to the target, then the cheaper one; where neither keeps to it the one
// with less short.
func (t *tuner) better(a, b trial) bool {
	x, y := t.known[a.key()], t.known[b.key()]
	xs, ys := bound(x), bound(y)
	switch {
	case (xs <= t.target) != (ys <= t.target):
		return xs <= t.target
	case xs <= t.target:
		return x.CostRatio < y.CostRatio*(1-gainMin)
	default:
		return xs < ys*(1-shortGainMin)
	}
}
