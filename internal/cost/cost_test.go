package cost

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.005 {
		t.Errorf("%s: %.4f, want %.2f", what, got, want)
	}
}

// TestTheArticlesCalculationDoneRight works out the article's own case. It printed $38,587, $16,086 and $1,930, a task-hour
// of $0.59 on demand that is $0.268, and $40 for 200,000 Lambda calls that cost $0.04.
func TestTheArticlesCalculationDoneRight(t *testing.T) {
	o, err := WhatIf(Case{Tasks: 200, Size: ArticleSize, Hours: 720, SpotShare: 0.95, OnDemand: ArticleOnDemand, Spot: ArticleSpot,
		ControlUSD: 32.04})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "a task-hour on demand", ArticleOnDemand.TaskHour(ArticleSize), 0.268)
	near(t, "a task-hour on Spot", ArticleSpot.TaskHour(ArticleSize), 0.11796)
	near(t, "all on demand", o.AllOnDemandUSD, 38592.00)
	near(t, "Spot", o.SpotUSD, 16136.93)
	near(t, "on demand", o.OnDemandUSD, 1929.60)
	near(t, "total", o.TotalUSD, 18098.57)
	near(t, "saved", o.SavedUSD, 20493.43)
	near(t, "share", o.SavedShare, 0.531)
}

func TestCasesThatMakeNoSenseAreRefused(t *testing.T) {
	for _, c := range []Case{{Tasks: -1}, {SpotShare: 1.1}, {SpotShare: math.NaN()}, {OnDemandDiscount: 1}, {Size: Size{VCPU: -1}}} {
		if _, err := WhatIf(c); err == nil {
			t.Errorf("%+v was calculated", c)
		}
	}
}

func TestTable(t *testing.T) {
	var table Table
	r, err := table.Rate(Key{Region: "ap-northeast-1", Capacity: failover.OnDemand})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Tokyo", r.TaskHour(ArticleSize), 0.29072)
	if _, err := table.Rate(Key{Region: "mars-north-1", Capacity: failover.Spot}); err == nil || !strings.Contains(err.Error(), "us-east-1") {
		t.Errorf("an unknown region: %v", err)
	}
	if _, err := table.Rate(Key{Region: "ap-south-1", Arch: ARM64, Capacity: failover.Spot}); err == nil {
		t.Error("an unknown ARM64 Spot price was given")
	}
	k := Key{Region: "ap-south-1", Arch: ARM64, Capacity: failover.Spot}
	own := table.With("2026-11-01", k, Rate{0.01, 0.001})
	if r, err := own.Rate(k); err != nil || r.VCPUHour != 0.01 {
		t.Errorf("%v %v", r, err)
	}
	if date, mine := own.Date(k); date != "2026-11-01" || !mine {
		t.Errorf("%s %v", date, mine)
	}
	if date, mine := own.Date(Key{Region: "us-east-1"}); date != TableDate || mine {
		t.Errorf("%s %v", date, mine)
	}
	for _, region := range Regions(X86) {
		od, err1 := table.Rate(Key{Region: region, Capacity: failover.OnDemand})
		spot, err2 := table.Rate(Key{Region: region, Capacity: failover.Spot})
		if err1 != nil || err2 != nil || spot.VCPUHour >= od.VCPUHour || spot.VCPUHour < od.VCPUHour/5 {
			t.Errorf("%s: %v %v %v %v", region, od, spot, err1, err2)
		}
	}
}

func decision(at time.Time, demand, spot, cover int) journal.Entry {
	return journal.Entry{Workload: "w", At: at, Decision: &failover.Decision{At: at, Demand: demand, Reason: failover.ReasonInterruption,
		Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Running: spot, Live: spot},
			{Pool: "standard", Capacity: failover.OnDemand, Running: cover, Live: cover, Ask: cover}}}}
}

func TestLedgerAddsUpDaysAndEpisodes(t *testing.T) {
	start := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	prices := map[string]PoolPrice{"spot": {failover.Spot, 0.1}, "standard": {failover.OnDemand, 0.3}}
	entries := []journal.Entry{
		decision(start, 100, 100, 0),
		decision(start.Add(time.Hour), 100, 60, 50), // ten more than wanted
		decision(start.Add(3*time.Hour), 100, 100, 0),
	}
	l, err := Add("w", entries, prices, 0.3, start.Add(4*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Days) != 2 || l.Days[0].Date != "2026-03-01" || l.Days[1].Date != "2026-03-02" {
		t.Fatalf("%+v", l.Days)
	}
	// Day one: an hour of 100 Spot tasks, an hour of 60 and 50.
	near(t, "paid on day one", l.Days[0].PaidUSD, 10+6+15)
	near(t, "on demand on day one", l.Days[0].AllOnDemandUSD, 30+30)
	near(t, "saved in all", l.Total.SavedUSD, 4*30-(10+6+15+6+15+10))
	near(t, "on-demand share", l.OnDemandShare, 100.0/420)
	if len(l.Episodes) != 1 || l.Episodes[0].CoverMax != 50 || l.Episodes[0].Open {
		t.Fatalf("%+v", l.Episodes)
	}
	near(t, "extra", l.Episodes[0].ExtraUSD, 40*2*0.2+10*2*0.3) // 40 stand in for Spot, 10 are too many
	near(t, "overlap", l.Episodes[0].OverlapUSD, 10*2*0.3)
	near(t, "any on demand", l.Levels[0], 0.5)
	if len(l.Levels) != 50 {
		t.Errorf("%d levels", len(l.Levels))
	}
	if _, err := Add("w", []journal.Entry{entries[1], entries[0]}, prices, 0.3, start.Add(4*time.Hour)); err == nil {
		t.Error("a journal out of order was added up")
	}
	if empty, err := Add("w", nil, prices, 0.3, start); err != nil || len(empty.Days) != 0 {
		t.Errorf("%+v %v", empty, err)
	}
}

func TestAdviceBreaksEvenWhereItSays(t *testing.T) {
	p := Plan{Name: "p", Discount: 0.2}
	if a := Advise(p, []float64{0.8, 0.5}, 720, 0.268); a.Tasks != 0 || !strings.Contains(a.Text, "does not pay") {
		t.Errorf("at the break-even: %+v", a)
	}
	a := Advise(p, []float64{1, 0.9, 0.5}, 720, 0.268)
	if a.Tasks != 2 {
		t.Fatalf("%+v", a)
	}
	near(t, "saves", a.SavesUSD, (0.2+0.1)*720*0.268)
	near(t, "an hour", a.HourlyUSD, 2*0.268*0.8)
}
