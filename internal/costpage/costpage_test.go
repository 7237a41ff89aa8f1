package costpage

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
)

var at = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func TestThePageHoldsEveryFigureAndNeedsNoNetwork(t *testing.T) {
	var b strings.Builder
	day := cost.Day{Date: "2026-11-01", SpotTaskHours: 480, DemandTaskHours: 12, PaidUSD: 38.5, AllOnDemandUSD: 111.86, SavedUSD: 73.36}
	l := cost.Ledger{Workload: "api<b>", From: at.Add(-24 * time.Hour), To: at, Days: []cost.Day{day}, Total: day, OnDemandShare: 0.0244,
		Episodes: []cost.Episode{{From: at.Add(-2 * time.Hour), To: at, Open: true, Reason: "interruption", CoverMax: 6, OnDemandHours: 12, ExtraUSD: 1.9, OverlapUSD: 0.2}}}
	err := HTML(&b, Page{At: at, Prices: "list prices of 2026-09-29", Workloads: []Workload{{Ledger: l, PerDay: new(73.36), PerMonth: new(2233.8)}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"$38.50", "$111.86", "$73.36", "65.6 %", "$2,233.80", "2.4 %", "2h0m0s so far", "interruption", "$0.20", "list prices of 2026-09-29", "api&lt;b&gt;"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"http:", "https:", "<script", "@import"} {
		if strings.Contains(b.String(), never) {
			t.Errorf("the page has %q", never)
		}
	}
}

func TestTheChartIsWellFormedAndBounded(t *testing.T) {
	var days []cost.Day
	for i := range 1000 {
		days = append(days, cost.Day{Date: at.AddDate(0, 0, i).Format(time.DateOnly), PaidUSD: float64(i % 7), AllOnDemandUSD: 10})
	}
	svg := string(chart(days))
	if n := strings.Count(svg, `class="paid"`); n != daysMax {
		t.Errorf("%d columns", n)
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if chart(nil) != "" || chart([]cost.Day{{}}) != "" {
		t.Error("nothing was drawn as something")
	}
}

func TestDollarsAreGroupedByThousands(t *testing.T) {
	for x, want := range map[float64]string{0: "$0.00", 999.999: "$1,000.00", 999.5: "$999.50", 1234567.8: "$1,234,567.80", -41863.68: "-$41,863.68"} {
		if got := usd(x); got != want {
			t.Errorf("%g is %s, want %s", x, got, want)
		}
	}
}

func TestNothingRecordedIsSaid(t *testing.T) {
	var b strings.Builder
	if err := HTML(&b, Page{At: at, Workloads: []Workload{{Ledger: cost.Ledger{Workload: "api"}}}}); err != nil || !strings.Contains(b.String(), "Nothing is recorded") {
		t.Errorf("%v: %s", err, b.String())
	}
}
