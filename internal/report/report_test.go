package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
)

func result(policy string, cost, short float64) replay.Result {
	return replay.Result{Policy: policy, CostUSD: 1000 * cost, CostRatio: cost, ShortPer1000: short, ShortMinutes: short, ShortRatio: short / 60000,
		Availability: 1, Availability90: 1, WorkingMin: 1, OracleUSD: 400, OverOracle: cost/0.4 - 1, Lost: 10, LostServing: 10, TaskStarts: 25}
}

func section() Section {
	rows := []Row{Mean([]replay.Result{result("fill", 0.45, 0.01), result("fill", 0.47, 0.03)}), Mean([]replay.Result{result("article", 0.5, 20)}),
		Mean([]replay.Result{result("hedge", 0.55, 0)}), Mean([]replay.Result{result("oracle", 0.4, 0)})}
	return Section{Trace: "<b>bad name", About: Setting{Days: 1, Tasks: 10, World: "uses-warning", Zones: "pooled", Seeds: 2, Notes: []string{"a & b"}}, Rows: rows,
		Timeline: []Chart{{Policy: "fill", Days: 1, Timeline: &replay.Timeline{
			Moments: []replay.Moment{{Demand: 10, Capacity: trace.NoLimit, Spot: 10}, {At: time.Hour, Demand: 10, Capacity: 4, Spot: 4, OnDemand: 3}, {At: 2 * time.Hour, Demand: 10, Capacity: trace.NoLimit, Spot: 10}},
			Choices: []replay.Choice{{At: time.Hour, Reason: "interruption", Text: "standard 0 -> 9: <why>"}}}}},
		Sweep: &Sweep{Policy: "fill", Fields: []string{"overstart"}, Values: [][]string{{"0", "1"}, {""}}, Cells: [][]int{{0}, {1}}}}
}

func TestMeansAndIntervalsOverSeeds(t *testing.T) {
	a, b := result("fill", 0.4, 1), result("fill", 0.5, 3)
	a.Recoveries, b.Recoveries = []float64{100}, []float64{200, 300}
	a.LongestGap, b.LongestGap, b.WorkingMin, b.Availability = 5, 9, 0.5, 0.9
	row := Mean([]replay.Result{a, b})
	if row.CostRatio != 0.45 || row.ShortPer1000 != 2 || row.Seeds != 2 || row.LongestGap != 9 || row.WorkingMin != 0.5 || row.AvailabilityMin != 0.9 {
		t.Errorf("the mean is %+v", row)
	}
	// Two values 1 and 3: standard error 1, Student's 97.5 % quantile of one degree of freedom 12.706.
	if got := row.Interval["shortfall_per_1000_hours"]; math.Abs(got-12.706) > 1e-9 {
		t.Errorf("half the interval is %v, want 12.706", got)
	}
	if row.RecoveryP50 != 200 || row.Incidents != 3 || row.PerLost != 2.5 {
		t.Errorf("recovery %v of %d, %v starts a lost task", row.RecoveryP50, row.Incidents, row.PerLost)
	}
	if one := Mean([]replay.Result{a}); one.Interval != nil {
		t.Error("one seed has no interval")
	}
}

func TestTheFrontierIsWhatNothingBeats(t *testing.T) {
	s := section()
	var names []string
	for _, i := range Frontier(s.Rows) {
		names = append(names, s.Rows[i].Policy)
	}
	if strings.Join(names, " ") != "fill hedge" {
		t.Errorf("the frontier is %v: the article's is dearer and shorter than fill, and nobody can follow the oracle", names)
	}
}

func TestJSONIsOneObjectATrace(t *testing.T) {
	var out bytes.Buffer
	if err := JSON(&out, []Section{section()}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Trace   string
		Results []map[string]any
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Trace != "<b>bad name" || len(got.Results) != 4 {
		t.Fatalf("%v: %s", err, out.String())
	}
	for _, f := range []string{"policy", "cost_usd", "cost_ratio", "shortfall_task_minutes", "shortfall_ratio", "availability", "availability_90",
		"availability_50", "failovers", "task_starts", "spot_share", "longest_gap_seconds", "wall_seconds"} {
		if _, ok := got.Results[0][f]; !ok {
			t.Errorf("the contract's field %s is missing", f)
		}
	}
	out.Reset()
	if err := JSON(&out, []Section{section(), section()}); err != nil || strings.Count(strings.TrimSpace(out.String()), "\n") != 1 {
		t.Errorf("two traces are not two lines (%v)", err)
	}
}

func TestTheTableAndTheCSVSayTheSame(t *testing.T) {
	var out bytes.Buffer
	if err := Table(&out, []Section{section()}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<b>bad name: 1 days, 10 tasks, uses-warning", "fill     $460  46.00 %       +15.00 % ±32  0.020 ±0.13", "oracle   $400  40.00 %"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := CSV(&out, []Section{section()}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 5 || rows[1][1] != "fill" || rows[0][7] != "cost_ratio" || rows[1][7] != "0.46" {
		t.Errorf("%v: %q", err, rows)
	}
	out.Reset()
	if err := Summary(&out, "all", []Section{section(), section()}); err != nil || !strings.Contains(out.String(), "fill     +15.00 % (+15.00)  0.020 (0.020)") || strings.Contains(out.String(), "\noracle") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestThePageStandsAloneAndEscapesWhatItIsGiven(t *testing.T) {
	var out bytes.Buffer
	if err := HTML(&out, []Section{section()}, "backstop simulate --trace '<x>'"); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, bad := range []string{"<b>bad", "<why>", "<x>", "http://", "https://", "<script", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{"prefers-color-scheme: dark", "standard 0 -&gt; 9: &lt;why&gt;", `class="short" d="M`, `class="cap" d="M46`, `<tr class="best"`, "day 1, 01:00:00", "color-mix"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}
