package wording

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// decided is a decision on two pools.
func decided(spot, onDemand failover.PoolDecision, missing failover.Range) *failover.Decision {
	spot.Pool, spot.Capacity, onDemand.Pool, onDemand.Capacity = "spot", failover.Spot, "standard", failover.OnDemand
	d := &failover.Decision{At: noon, Demand: 20, Missing: missing, Pools: []failover.PoolDecision{spot, onDemand}}
	d.InService = failover.Range{Low: spot.InService.Low + onDemand.InService.Low, High: spot.InService.High + onDemand.InService.High}
	return d
}

func TestCountsInWords(t *testing.T) {
	for _, v := range []struct {
		name                       string
		d                          *failover.Decision
		missing, arriving, leaving string
		known                      bool
	}{
		{"all in service", decided(failover.PoolDecision{InService: failover.Exactly(20)}, failover.PoolDecision{}, failover.Range{}), "", "", "", true},
		{"warned tasks work on", decided(failover.PoolDecision{InService: failover.Exactly(12), Leaving: 8, Working: 8}, failover.PoolDecision{Placed: 9, ReadyBy: noon.Add(time.Minute)}, failover.Range{}),
			"", "9 placed, due 12:01:00Z", "8 leaving, still working", true},
		{"some are missing", decided(failover.PoolDecision{InService: failover.Exactly(12), Leaving: 8, Working: 3, ReadyBy: noon}, failover.PoolDecision{Warming: 2, Placed: 4, ReadyBy: noon.Add(30 * time.Second)}, failover.Exactly(5)),
			"5 of 20 missing; 2 warming, 4 placed, due 12:00:30Z", "2 warming, 4 placed, due 12:00:30Z", "8 leaving, 3 of them still work", true},
		{"a pool could not be read", decided(failover.PoolDecision{Sight: failover.Told, InService: failover.Range{Low: 0, High: 20}}, failover.PoolDecision{}, failover.Range{Low: 0, High: 20}),
			"0 to 20 of 20 may be missing", "", "", false},
	} {
		c := CountsOf(v.d)
		if got := c.MissingFor(noon, time.Time{}, ""); got != v.missing {
			t.Errorf("%s: missing is said as %q, want %q", v.name, got, v.missing)
		}
		if got := c.ArrivingText(); got != v.arriving {
			t.Errorf("%s: arriving is said as %q, want %q", v.name, got, v.arriving)
		}
		if got := c.LeavingText(); got != v.leaving {
			t.Errorf("%s: leaving is said as %q, want %q", v.name, got, v.leaving)
		}
		if c.Known() != v.known {
			t.Errorf("%s: known is %v", v.name, c.Known())
		}
	}
}

func TestDecisionsInWords(t *testing.T) {
	raise := failover.SetDesiredCount{Pool: "standard", From: 0, Count: 12}
	d := &failover.Decision{Demand: 20, InService: failover.Exactly(8), Reason: failover.ReasonSpotShort, Actions: []failover.Action{raise}}
	for _, v := range []struct {
		d        failover.Decision
		withheld bool
		want     string
	}{
		{*d, false, "raise standard from 0 to 12: Spot is short: 8 of 20 in service"},
		{failover.Decision{Demand: 20, InService: failover.Exactly(8), Reason: failover.ReasonSpotShort, Withheld: d.Actions}, true, "would raise standard from 0 to 12: Spot is short: 8 of 20 in service"},
		{failover.Decision{Reason: failover.ReasonSteady}, false, "the demand is in service on the preferred pools; nothing needs to change"},
		{failover.Decision{Reason: failover.ReasonPinned, Findings: []failover.Finding{{Reason: failover.ReasonPinned, Detail: "on_demand"}}}, false, "pinned to on-demand"},
		{failover.Decision{Reason: failover.ReasonServiceGone}, false, strings.TrimSuffix(Reason(failover.ReasonServiceGone), ".")},
	} {
		if got := Decision(&v.d, v.withheld); got != v.want {
			t.Errorf("got  %q\nwant %q", got, v.want)
		}
	}
}

func TestAnOutlookSaysWhatRunsAndWhatItCosts(t *testing.T) {
	p := failover.Policy{Pools: []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}}
	d := decided(failover.PoolDecision{Live: 4, Desired: 4, Ask: 4}, failover.PoolDecision{Ask: 5}, failover.Range{})
	d.Demand = 4
	prices := map[string]float64{"spot": 0.1, "standard": 0.25}
	o, ok := OutlookOf(&p, &failover.State{}, failover.Intent{Kind: failover.IntentFailover}, d, prices)
	if want := "tasks that run: now 4 at about $0.40 an hour, at most 9 at about $1.65 an hour on the way, then 4 at about $1.00 an hour"; !ok || o.Text() != want {
		t.Errorf("failover: %v %q, want %q", ok, o.Text(), want)
	}
	o, ok = OutlookOf(&p, &failover.State{}, failover.Intent{Kind: failover.IntentRestore}, d, prices)
	if !ok || o.Then != (Load{Tasks: 4, USD: 0.4}) {
		t.Errorf("restore: %+v", o)
	}
	o, _ = OutlookOf(&p, &failover.State{}, failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand}, d, nil)
	if o.Priced || strings.Contains(o.Text(), "$") || o.Then.Tasks != 4 {
		t.Errorf("without prices: %+v %q", o, o.Text())
	}
	if _, ok = OutlookOf(&p, &failover.State{}, failover.Intent{Kind: failover.IntentPause}, d, prices); ok {
		t.Error("a pause moves nothing")
	}
}

func TestDurationsHaveOneForm(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", -time.Second: "0s", 45 * time.Second: "45s", 30 * time.Minute: "30m", 90 * time.Second: "1m30s", 3 * time.Hour: "3h",
		140*time.Minute + 20*time.Second: "2h20m", 47 * time.Hour: "47h", 72 * time.Hour: "3d", 76 * time.Hour: "3d4h"} {
		if got := Span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := Count(1, "task") + ", " + Count(2, "task"); got != "1 task, 2 tasks" {
		t.Error(got)
	}
}

// TestASwitchNamesTheConditionThatIsNotMet: failures of a pool that misses nothing trip no breaker.
func TestASwitchNamesTheConditionThatIsNotMet(t *testing.T) {
	p, _ := failover.Preset(failover.PresetSwitch)
	p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	d := decided(failover.PoolDecision{Ask: 20, CapacityFailures: 4, Interruptions: 1}, failover.PoolDecision{}, failover.Exactly(0))
	d.Demand = 20
	var all []string
	for _, c := range Next(&p, &failover.State{}, d) {
		all = append(all, When(&c))
	}
	for _, want := range []string{"when 1 task of spot is missing without an excuse (now 0); it has the 3 capacity failures within 5m already (now 4)",
		"when spot has 5 interruptions within 5m (now 1) and 1 task missing without an excuse (now 0)"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not said; said is\n%s", want, strings.Join(all, "\n"))
		}
	}
}
