package tunable

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func twoPools() []failover.Pool {
	return []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
}

func TestFieldsListEveryTunableOfThePolicyInItsOrder(t *testing.T) {
	var p failover.Policy
	want, addresses := tunables(reflect.ValueOf(&p).Elem())
	for i, f := range Fields() {
		if i >= len(want) || f.Key != want[i] {
			t.Fatalf("field %d is %s, the struct has %v there", i, f.Key, want[min(i, len(want)-1):])
		}
		if reflect.ValueOf(f.at(&p)).Pointer() != addresses[i] {
			t.Errorf("%s reads another field of the struct", f.Key)
		}
		if f.Doc == "" || f.Why == "" || f.Group == "" || f.Kind == "" {
			t.Errorf("%s lacks its doc, reason, group or kind: %+v", f.Key, f)
		}
		if (f.Kind == KindInt || f.Kind == KindShare || f.Kind == KindUSD) && f.Unit == "" {
			t.Errorf("%s is a number without a unit", f.Key)
		}
	}
	if len(Fields()) != len(want) {
		t.Errorf("%d fields, the struct has %d", len(Fields()), len(want))
	}
}

// tunables lists the keys and addresses of a policy's numbers, those of the breaker in their place; what a preset alone sets is none.
func tunables(v reflect.Value) (keys []string, addresses []uintptr) {
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch {
		case key == "preset" || key == "pools" || key == "on":
		case key == "switch":
			k, a := tunables(v.Field(i))
			keys, addresses = append(keys, k...), append(addresses, a...)
		default:
			keys, addresses = append(keys, key), append(addresses, v.Field(i).Addr().Pointer())
		}
	}
	return keys, addresses
}

func TestEveryPresetSurvivesBeingWrittenAndReadBack(t *testing.T) {
	for _, name := range failover.PresetNames() {
		from, ok := failover.Preset(name)
		if !ok {
			t.Fatalf("no preset %s", name)
		}
		to := failover.Policy{Preset: name}
		to.Switch.On = from.Switch.On
		for _, f := range Fields() {
			if err := f.Set(&to, f.Get(&from)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !reflect.DeepEqual(from, to) {
			t.Errorf("%s\n wrote %+v\n  read %+v", name, from, to)
		}
		from.Pools = twoPools()
		if problems := Validate(from); len(problems) > 0 {
			t.Errorf("%s is not valid: %v", name, problems)
		}
	}
}

func TestSetRefusesWhatIsOutOfRangeOrWrittenWrongly(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"ready_after", "10", `set ready_after: must carry its unit, as in "10s" (got "10")`},
		{"ready_after", "ten minutes", `set ready_after: must be a duration such as "90s", "10m" or "1h30m" (got "ten minutes")`},
		{"ready_after", "-1s", `set ready_after: must be between 0s and 1h (got "-1s")`},
		{"hold_off", "25h", `set hold_off: must be between 0s and 24h (got "25h")`},
		{"start_limit", "0", `set start_limit: must be between 30s and 1h (got "0")`},
		{"min_samples", "0", `set min_samples: must be between 1 and 5000 (got "0")`},
		{"extra", "1.5", `set extra: must be a whole number (got "1.5")`},
		{"extra", "99999999999999999999", `set extra: must be a whole number (got "99999999999999999999")`},
		{"overstart", "NaN", `set overstart: must be a number (got "NaN")`},
		{"overstart", "1.01", `set overstart: must be between 0 and 1 (got "1.01")`},
		{"overstart", "+Inf", `set overstart: must be between 0 and 1 (got "+Inf")`},
		{"on_demand_budget_usd_monthly", "$5", `set on_demand_budget_usd_monthly: must be a number (got "$5")`},
		{"observe", "yes", `set observe: must be true or false (got "yes")`},
		{"on_budget", "stop", `set on_budget: must be hold or release (got "stop")`},
	} {
		f, ok := FieldByKey(c.key)
		if !ok {
			t.Fatalf("no field %s", c.key)
		}
		p, _ := failover.Preset(failover.PresetFill)
		before := p
		if err := f.Set(&p, c.value); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
		if !reflect.DeepEqual(p, before) {
			t.Errorf("%s=%s: refused, and changed", c.key, c.value)
		}
	}
	if _, ok := FieldByKey("pools"); ok {
		t.Error("pools is no tunable")
	}
}

func TestSetTakesTheBoundsThemselves(t *testing.T) {
	for _, f := range Fields() {
		low, high := f.bounds()
		switch f.Kind {
		case KindDuration, KindInt, KindShare, KindUSD:
			for _, v := range []string{low, high} {
				if err := f.Set(&failover.Policy{}, v); err != nil {
					t.Error(err)
				}
			}
			if !strings.Contains(f.Range(), low+" to "+high) {
				t.Errorf("%s: range %q", f.Key, f.Range())
			}
		default:
			if f.Range() == "" {
				t.Errorf("%s has no range", f.Key)
			}
		}
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Second: "1m30s", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 100 * time.Millisecond: "100ms"} {
		if got := writeDuration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestValidateReportsEverythingThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		situation string
		edit      func(*failover.Policy)
		want      []string
	}{
		{"nothing wrong", func(*failover.Policy) {}, nil},
		{"no pools", func(p *failover.Policy) { p.Pools = nil }, []string{"pools: must be between 1 and 20 pools (got 0)"}},
		{"several fields at once", func(p *failover.Policy) { p.Switch.MinSamples, p.ReadyAfter, p.Overstart = 0, -time.Second, math.NaN() }, []string{
			"ready_after: must be between 0s and 1h (got -1s)", "overstart: must be a number (got NaN)", "min_samples: must be between 1 and 5000 (got 0)"}},
		{"two pools of one name", func(p *failover.Policy) { p.Pools[1].Name = "spot" }, []string{`pools[1].name: must differ from that of pools[0] (got "spot")`}},
		{"a pool without a name", func(p *failover.Policy) { p.Pools[0].Name = "" }, []string{`pools[0].name: must not be empty (got "")`}},
		{"an unknown provider", func(p *failover.Policy) { p.Pools[1].Capacity = "SPOT" }, []string{
			`pools[1].capacity: must be FARGATE_SPOT or FARGATE (got "SPOT")`,
			"warning pools[1].capacity: should be FARGATE for the last pool: nothing covers a Spot shortage otherwise (got SPOT)"}},
		{"bounds of a pool", func(p *failover.Policy) {
			p.Pools[0].Min, p.Pools[0].Max, p.Pools[1].Min, p.Pools[1].Max = 5, 3, -1, 5001
		}, []string{
			"pools[0].min: must be at most max, which is 3 (got 5)", "pools[1].min: must be between 0 and 5000 (got -1)", "pools[1].max: must be between 0 and 5000 (got 5001)",
			"warning pools[0].max: keeps the desired count of the pool that owns the demand below it: auto scaling would take that count for the demand. Use demand, or another owner (got 3)"}},
		{"a tier of Spot and on-demand", func(p *failover.Policy) { p.Pools[1].Tier = 0; p.Demand = 5 }, []string{
			"pools[1].tier: must not be that of a pool of other capacity: Spot is shared among Spot pools, and on-demand covers (got 0)"}},
		{"a price that is none", func(p *failover.Policy) { p.Pools[1].TaskHourUSD = math.Inf(1) }, []string{"pools[1].task_hour_usd: must be a number of at least 0 (got +Inf)"}},
		{"an owner that is no pool", func(p *failover.Policy) { p.Owner = "sport" }, []string{`owner: must be the name of a pool (got "sport")`}},
		{"owner and demand", func(p *failover.Policy) { p.Owner, p.Demand = "spot", 5 }, []string{`owner: must be absent when demand is a number (got "spot")`}},
		{"hold-off", func(p *failover.Policy) { p.Switch.HoldOff = time.Hour }, []string{"hold_off: must be at most hold_off_max, which is 30m (got 1h)"}},
		{"tiers that decrease", func(p *failover.Policy) { p.Pools[0].Tier, p.Pools[1].Tier = 1, 0 }, []string{
			"pools[0].tier: must be 0 for the first pool (got 1)", "pools[1].tier: must not be lower than that of the pool before (got 0)"}},
		{"a tier that cannot hold everything", func(p *failover.Policy) {
			p.Pools = append([]failover.Pool{{Name: "arm", Capacity: failover.Spot}}, p.Pools...)
			p.TierShareMax, p.Demand = 0.4, 10
		}, []string{"tier_share_max: must be at least 0.5 for a tier of 2 pools, or they cannot hold all of it (got 0.4)"}},
		{"a shared first tier without a demand", func(p *failover.Policy) {
			p.Pools = append([]failover.Pool{{Name: "arm", Capacity: failover.Spot}}, p.Pools...)
		}, []string{"pools[1].tier: must not be that of arm, whose desired count is the demand: give equal pools a demand of their own (got 0)"}},
		{"a tier of two Spot pools with an owner", func(p *failover.Policy) {
			p.Pools = append([]failover.Pool{{Name: "arm", Capacity: failover.Spot}}, p.Pools...)
			p.Owner = "spot"
		}, []string{"pools[0].tier: must not be that of spot, whose desired count is the demand: give equal pools a demand of their own (got 0)"}},
		{"an owner on demand", func(p *failover.Policy) { p.Owner = "standard" }, []string{
			`owner: must be a FARGATE_SPOT pool: its desired count is the demand, and on-demand stands in for it (got "standard")`}},
		{"a way to drain that is none", func(p *failover.Policy) { p.Pools[0].Drain, p.Pools[0].DrainBefore = "early", time.Hour }, []string{
			`pools[0].drain: must be off or late (got "early")`, "pools[0].drain_before: must be between 0s and 2m (got 1h)"}},
		{"Spot alone", func(p *failover.Policy) { p.Pools = p.Pools[:1] }, []string{
			"warning pools[0].capacity: should be FARGATE for the last pool: nothing covers a Spot shortage otherwise (got FARGATE_SPOT)"}},
		{"on-demand alone", func(p *failover.Policy) { p.Pools = []failover.Pool{{Name: "standard", Capacity: failover.OnDemand}} }, []string{
			`owner: must be a FARGATE_SPOT pool: its desired count is the demand, and on-demand stands in for it (got "standard")`,
			"warning pools: should have a FARGATE_SPOT pool: there is nothing to save otherwise (got 1)"}},
		{"Spot after on-demand", func(p *failover.Policy) {
			p.Pools = append(twoPools(), failover.Pool{Name: "late", Capacity: failover.Spot, Tier: 2}, failover.Pool{Name: "last", Capacity: failover.OnDemand, Tier: 3})
		}, []string{
			"warning pools[2].capacity: comes after an on-demand pool without a max and will get next to nothing (got FARGATE_SPOT)"}},
		{"what init writes", func(p *failover.Policy) { p.Observe, p.SyncTaskDefinition = true, true }, nil},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p, _ := failover.Preset(failover.PresetFill)
			p.Pools = twoPools()
			c.edit(&p)
			var got []string
			for _, b := range Validate(p) {
				s := b.String()
				if b.Warning {
					s = "warning " + s
				}
				got = append(got, s)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
