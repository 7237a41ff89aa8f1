package cli

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// TestTheCostDocumentationIsTrue runs the commands of docs/cost.md and compares what they print; -update rewrites it.
func TestTheCostDocumentationIsTrue(t *testing.T) {
	const file = "../../docs/cost.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```console\n\\$ backstop ([^\n]*)\n.*?```")
	n := 0
	got := block.ReplaceAllStringFunc(string(raw), func(text string) string {
		n++
		line := block.FindStringSubmatch(text)[1]
		s, out, errs := testIO("")
		if code := Main(context.Background(), strings.Fields(line), s); code != ExitDone {
			t.Errorf("backstop %s: exit code %d: %s", line, code, errs)
		}
		var b strings.Builder
		for l := range strings.Lines(out.String()) {
			b.WriteString(strings.TrimRight(l, " \n") + "\n")
		}
		return "```console\n$ backstop " + line + "\n" + b.String() + "```"
	})
	if n != 3 {
		t.Errorf("%d commands", n)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(raw) {
		t.Errorf("%s is not what the commands print; go test ./internal/cli -run CostDocumentation -update writes it", file)
	}
	for _, want := range []string{"$38592.00", "$16136.93", "$1929.60", "$18098.57", "$20493.43", "$41863.68"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", file, want)
		}
	}
}

// recorded is a store with two days of one workload: ten tasks on Spot, but four of them on demand for an hour.
func recorded(t *testing.T) (path string) {
	return recordedOver(t, 48*time.Hour, 10*time.Hour, 9*time.Hour)
}

// recordedOver lets the record and the cover in it begin, and the cover end, so long before the present.
func recordedOver(t *testing.T, begins, covers, ends time.Duration) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "backstop.yaml")
	text := `version: 1
region: us-east-1
state: {sqlite: ` + filepath.Join(dir, "state.db") + `}
workloads:
  - name: api
    task: {cpu: 4096, memory: 16384}
    pools:
      - {name: spot, cluster: c, service: api-spot, capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: api-standard, capacity: FARGATE}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	end := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC) // testIO's present
	var entries []journal.Entry
	for i, c := range []struct {
		before         time.Duration
		spot, standard int
		reason         failover.Reason
	}{{begins, 10, 0, failover.ReasonSteady}, {covers, 6, 4, failover.ReasonInterruption}, {ends, 10, 0, failover.ReasonSteady}} {
		at := end.Add(-c.before)
		entries = append(entries, journal.Entry{ID: journal.NewID(at, uint32(i)), Workload: "api", At: at, Kind: journal.KindDecision,
			Decision: &failover.Decision{At: at, Workload: "api", Reason: c.reason, Demand: 10, Pools: []failover.PoolDecision{
				{Pool: "spot", Capacity: failover.Spot, Running: c.spot, Live: c.spot, InService: failover.Exactly(c.spot), Ask: 10}, {Pool: "standard", Capacity: failover.OnDemand, Running: c.standard, Live: c.standard, InService: failover.Exactly(c.standard), Ask: c.standard}}}})
	}
	if err := (control.Store)(store).Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	return path
}

func runs(t *testing.T, want int, args ...string) (string, string) {
	t.Helper()
	s, out, errs := testIO("")
	if code := Main(context.Background(), args, s); code != want {
		t.Fatalf("backstop %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
	return out.String(), errs.String()
}

func TestCostAddsUpTheJournal(t *testing.T) {
	path := recorded(t)
	const spot, onDemand = 0.07418, 0.23304
	paid := (480-4)*spot + 4*onDemand
	text, _ := runs(t, ExitDone, "cost", "-c", path)
	for _, want := range []string{"paid $" + dollars(paid), "all on demand $" + dollars(480*onDemand), "saved $" + dollars(480*onDemand-paid), "1 episode of cover", "interruption", "1h",
		"built-in table of 2026-09-29", "0.8 % of the task-hours ran on demand"} {
		if !strings.Contains(text, want) {
			t.Errorf("the answer lacks %q:\n%s", want, text)
		}
	}
	half, _ := runs(t, ExitDone, "cost", "-c", path, "--discount", "0.5")
	if want := "all on demand $" + dollars(240*onDemand); !strings.Contains(half, want) || !strings.Contains(half, "less 50 %") {
		t.Errorf("with a discount: %s", half)
	}
	own, _ := runs(t, ExitDone, "cost", "-c", path, "--on-demand-rate", "0.1/0.01")
	if want := "all on demand $" + dollars(480*0.56); !strings.Contains(own, want) || !strings.Contains(own, "your on-demand rate") {
		t.Errorf("with an own rate: %s", own)
	}
}

func dollars(x float64) string { return strings.TrimPrefix(usd(math.Round(x*100)/100), "$") }

func TestCostOfADayBeginsWithTheCountsOfTheDayBefore(t *testing.T) {
	text, _ := runs(t, ExitDone, "cost", "-c", recorded(t), "--since", "12h", "-o", "csv")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v, %v", rows, err)
	}
	// 20:00 to 24:00 of the first day, with the hour of cover from 22:00 on; then 8 hours.
	if rows[1][1] != "2026-11-01" || rows[1][2] != "36.0000" || rows[1][3] != "4.0000" || rows[2][2] != "80.0000" {
		t.Errorf("%v", rows)
	}
}

func TestCostWritesAPage(t *testing.T) {
	path := recorded(t)
	page := filepath.Join(t.TempDir(), "cost.html")
	if _, errs := runs(t, ExitDone, "cost", "-c", path, "--out", page); !strings.Contains(errs, "wrote ") {
		t.Error(errs)
	}
	raw, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(raw), "<svg") || !strings.Contains(string(raw), "2026-11-01") {
		t.Errorf("%v: %.200s", err, raw)
	}
	runs(t, ExitFailed, "cost", "-c", path, "--out", filepath.Join(t.TempDir(), "no", "such", "cost.html"))
}

func TestCostThatMakesNoSenseIsRefused(t *testing.T) {
	for _, args := range [][]string{{"--discount", "1"}, {"--discount", "-0.1"}, {"--on-demand-rate", "0.1"}, {"--on-demand-rate", "x/y"}, {"--since", "soon"},
		{"--what-if"}, {"--what-if", "tasks=many"}, {"--what-if", "tasks=1", "tasks=2"}, {"--what-if", "tasks=1", "colour=red"}, {"--what-if", "tasks=1", "region=mars-1"},
		{"--what-if", "tasks=1", "arch=mips"}, {"--what-if", "tasks=1", "spot_share=1.5"}, {"--what-if", "tasks=1", "-o", "csv"}, {"--what-if", "tasks=NaN"}} {
		runs(t, ExitUsage, append([]string{"cost"}, args...)...)
	}
}

// TestACaseComesWithAdviceOnSavingsPlans, for both ways in which its on-demand hours may be spread, and of sizes that there are.
func TestACaseComesWithAdviceOnSavingsPlans(t *testing.T) {
	text, _ := runs(t, ExitDone, "cost", "--what-if", "tasks=200", "cpu=4", "memory=16", "spot_share=0.85")
	for _, want := range []string{"15.0 % of the task-hours on demand; Compute Savings Plans", "if always the same 30 of 200 tasks run on demand", "1 year, no upfront: commit to 30 tasks",
		"if all 200 tasks run on demand for 15 % of the time", "1 year, no upfront: does not pay: a committed task must run on demand for more than 80 % of the time, the first one did for 15.0 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text, _ = runs(t, ExitDone, "cost", "--what-if", "tasks=1", "spot_share=0.9"); strings.Contains(text, "which do not apply") || !strings.Contains(text, "1 task of 1 vCPU and 2 GB") {
		t.Error(text)
	}
	if text, _ = runs(t, ExitDone, "cost", "--what-if", "tasks=5", "cpu=4"); !strings.Contains(text, "5 tasks of 4 vCPU and 8 GB") {
		t.Errorf("the least memory is not taken:\n%s", text)
	}
	for args, want := range map[string]string{"cpu=3": "no task on Fargate has 3 vCPU; there are 0.25, 0.5, 1, 2, 4, 8, 16", "cpu=1 memory=16": "with 1 vCPU go 2 to 8 GB in steps of 1"} {
		if _, errs := runs(t, ExitUsage, append([]string{"cost", "--what-if", "tasks=5"}, strings.Fields(args)...)...); !strings.Contains(errs, want) {
			t.Errorf("%s: %s", args, errs)
		}
	}
}

func TestAdviceOnSavingsPlansComesWithItsArithmetic(t *testing.T) {
	const day = 24 * time.Hour
	// Four of ten tasks on demand for nine of ten days: 36 %, each of the four 90 % of the time.
	text, _ := runs(t, ExitDone, "cost", "-c", recordedOver(t, 11*day, 10*day, day), "--since", "10d")
	for _, want := range []string{"36.0 % of the task-hours", "1 year, no upfront: commit to 4 tasks", "more than 80 % of the time", "saves about $22.37"} {
		if !strings.Contains(text, want) {
			t.Errorf("the advice lacks %q:\n%s", want, text)
		}
	}
	for what, path := range map[string]string{"less than a tenth": recordedOver(t, 11*day, 2*day, day), "a record of a day": recordedOver(t, 30*time.Hour, 24*time.Hour, time.Hour)} {
		if text, _ := runs(t, ExitDone, "cost", "-c", path, "--since", "10d"); strings.Contains(text, "Savings Plans, which") {
			t.Errorf("advice on %s: %s", what, text)
		}
	}
}
