package report

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/replay"
)

func row(policy string, cost, short float64) Row {
	r := Row{}
	r.Policy, r.CostRatio, r.ShortRatio, r.ShortPer1000 = policy, cost, short, 1000*short
	return r
}

func with(r Row, oracle, over float64) Row {
	r.OracleUSD, r.OverOracle = oracle, over
	return r
}

// TestTheConclusionSaysWhatTheNumbersDo: also where another policy is better.
func TestTheConclusionSaysWhatTheNumbersDo(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []Row
		want string
	}{
		{"nothing", nil, ""},
		{"alone", []Row{row("fill", 0.45, 0)}, "fill costs 45.0 % of running everything on demand and leaves nothing short."},
		{"cheaper ones leave more short", []Row{row("fill", 0.45, 0.001), row("spot", 0.44, 0.03), row("article", 0.448, 0.002), row("on-demand", 1, 0), row(replay.OracleName, 0.44, 0)},
			"fill costs 45.0 % of running everything on demand and leaves 1 task-minute short in 1,000 task-hours. What costs less leaves more short: the best of that, article, costs 44.8 % and leaves 2 task-minutes short in 1,000 task-hours."},
		{"one is better in both", []Row{row("fill", 0.45, 0.001), row("gap22", 0.44, 0.0005), row("spot", 0.43, 0.03)},
			"A policy is better here, in both: gap22, costs 44.0 % and leaves 0.5 task-minutes short"},
		{"none is cheaper", []Row{row("fill", 0.45, 0), row("static-50", 0.72, 0), row("static-20", 0.55, 0)}, "No other policy costs less; the next, static-20, costs 55.0 % and leaves nothing short."},
		{"cheaper than what is never short", []Row{with(row("fill", 0.45, 0.001), 0.98, -0.0106)},
			"fill costs 45.0 % of running everything on demand, 1.06 % less than perfect foresight, which leaves nothing short, and leaves 1 task-minute short in 1,000 task-hours."},
		{"without the product's own the least short is judged", []Row{row("spot", 0.44, 0.03), row("static-20", 0.55, 0)}, "static-20 costs 55.0 %"},
	} {
		got := Conclusion(Section{Rows: c.rows})
		if got != c.want && !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAPageHasThreeChartsATrace, however many policies were played, and explains each column.
func TestAPageHasThreeChartsATrace(t *testing.T) {
	s := section()
	for _, name := range []string{"spot", "on-demand", "static-20"} {
		r := s.Rows[0]
		r.Policy = name
		s.Rows = append(s.Rows, r)
		chart := s.Timeline[0]
		chart.Policy = name
		s.Timeline = append(s.Timeline, chart)
	}
	var out strings.Builder
	if err := HTML(&out, []Section{s}, ""); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "<svg"); n > 3 {
		t.Errorf("%d charts", n)
	}
	page := out.String()
	if lead, head := strings.Index(page, `class="lead"`), strings.Index(page, "<h2>"); lead < 0 || lead > head {
		t.Error("the conclusion does not come first")
	}
	for _, c := range columns {
		if c.about == "" || !strings.Contains(page, "<th>"+c.head+"</th><td") {
			t.Errorf("%s is not explained", c.head)
		}
	}
}
