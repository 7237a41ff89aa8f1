package dashboard

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/browsertest"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/costpage"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// seePapers looks at the pages that commands write: axe finds nothing on them, in light and in dark.
func seePapers(t *testing.T, chromium context.Context) {
	mux := http.NewServeMux()
	serve := func(path string, write func(io.Writer) error) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			if err := write(w); err != nil {
				t.Error(err)
			}
		})
	}
	serve("/cost", func(w io.Writer) error { return costpage.HTML(w, costPaper()) })
	serve("/report", func(w io.Writer) error { return report.HTML(w, reportPaper(), "backstop simulate --trace morning") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b := browsertest.Open(t, chromium, server.URL)
	for _, path := range []string{"/cost", "/report"} {
		b.Visit(path)
		b.Sees("a picture", `document.querySelector('svg path')`)
		b.Everywhere("dashboard-"+path[1:], path, pageReady)
		b.Expected() // the browser asks for an icon that a file does not have
	}
}

func costPaper() costpage.Page {
	l := cost.Ledger{Workload: "api", From: noon.AddDate(0, 0, -30), To: noon, OnDemandShare: 0.024}
	for i := range 30 {
		d := cost.Day{Date: noon.AddDate(0, 0, i-30).Format(time.DateOnly), SpotTaskHours: 480, DemandTaskHours: float64(i % 9), PaidUSD: 38 + float64(i%9), AllOnDemandUSD: 111.86, SavedUSD: 73.86 - float64(i%9)}
		l.Days = append(l.Days, d)
		l.Total.PaidUSD += d.PaidUSD
		l.Total.AllOnDemandUSD += d.AllOnDemandUSD
		l.Total.SavedUSD += d.SavedUSD
	}
	l.Episodes = []cost.Episode{{From: noon.Add(-2 * time.Hour), To: noon, Open: true, Reason: "interruption", CoverMax: 6, OnDemandHours: 12, ExtraUSD: 1.9, OverlapUSD: 0.2}}
	return costpage.Page{At: noon, Prices: "list prices of 2026-09-29", Workloads: []costpage.Workload{{Ledger: l}}}
}

func reportPaper() []report.Section {
	row := func(policy string, cost, short float64) report.Row {
		return report.Mean([]replay.Result{{Policy: policy, CostUSD: 1000 * cost, CostRatio: cost, ShortPer1000: short, ShortMinutes: short, Availability: 1, Availability90: 1, WorkingMin: 1, OracleUSD: 400,
			OverOracle: cost/0.4 - 1, Lost: 10, LostServing: 10, TaskStarts: 25}})
	}
	moments := []replay.Moment{{Demand: 10, Capacity: trace.NoLimit, Spot: 10}, {At: time.Hour, Demand: 10, Capacity: 4, Spot: 4, OnDemand: 3}, {At: 2 * time.Hour, Demand: 10, Capacity: trace.NoLimit, Spot: 10, OnDemand: 6},
		{At: 3 * time.Hour, Demand: 10, Capacity: trace.NoLimit, Spot: 10}}
	return []report.Section{{Trace: "morning", About: report.Setting{Days: 1, Tasks: 10, World: "uses-warning", Zones: "pooled", Seeds: 1},
		Rows:     []report.Row{row("fill", 0.45, 0.01), row("article", 0.5, 20), row("hedge", 0.55, 0), row("oracle", 0.4, 0)},
		Timeline: []report.Chart{{Policy: "fill", Days: 1, Timeline: &replay.Timeline{Moments: moments, Choices: []replay.Choice{{At: time.Hour, Reason: "interruption", Text: "raise standard from 0 to 9"}}}}},
		Sweep:    &report.Sweep{Policy: "fill", Fields: []string{"overstart", "extra"}, Values: [][]string{{"0", "1"}, {"0"}}, Cells: [][]int{{0}, {1}}}}}
}
