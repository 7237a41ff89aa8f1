package verify

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// seedsFlag is 1 at each push; docs/verify-aws.md has what more of them gave.
var seedsFlag = flag.Uint64("seeds", 1, "from how many seeds each row is bent")

var update = flag.Bool("update", false, "rewrite the generated part of docs/verify-aws.md")

// bends are the knobs of the sandbox by the ledger's number, bent by an amount that is drawn.
var bends = map[string]func(r *rand.Rand) string{
	"A1": func(r *rand.Rand) string {
		f := between(r, 1.6, 2.2)
		return fmt.Sprintf(`{"p50_seconds": %.0f, "p95_seconds": %.0f, "p99_seconds": %.0f}`, 90*f, 120*f, 138*f)
	},
	"A2":  func(r *rand.Rand) string { return fmt.Sprintf("%.2f", between(r, 0.9, 0.98)) },
	"A3":  func(r *rand.Rand) string { return fmt.Sprintf(`{"slow_share": %.2f}`, between(r, 0.25, 0.45)) },
	"A4":  func(r *rand.Rand) string { return fmt.Sprintf(`{"provisioning": %.2f}`, between(r, 0.4, 0.6)) },
	"A8":  seconds(40, 90),
	"A12": seconds(15, 40),
	"A13": seconds(10, 40),
	"A14": seconds(70, 140),
	"A15": func(r *rand.Rand) string {
		return []string{fmt.Sprintf(`{"deployment_settle_seconds": %.0f}`, between(r, 130, 200)), fmt.Sprintf(`{"completion_lag_seconds": %.0f}`, between(r, 60, 120))}[r.IntN(2)]
	},
	"A38": func(*rand.Rand) string { return "true" },
	"A17": func(r *rand.Rand) string {
		return []string{fmt.Sprintf(`{"first_seconds": %.0f}`, between(r, 110, 240)), fmt.Sprintf(`{"factor": %.1f}`, between(r, 1.6, 2.5))}[r.IntN(2)]
	},
	"A19": func(*rand.Rand) string { return "true" },
	"A20": seconds(30, 500),
	"A21": func(*rand.Rand) string { return "true" },
	"A42": func(*rand.Rand) string { return "true" },
	"A18": func(r *rand.Rand) string {
		return []string{fmt.Sprintf(`{"failures_allowed": %d}`, 5+r.IntN(3)), fmt.Sprintf(`{"first_seconds": %.0f}`, between(r, 120, 200)),
			fmt.Sprintf(`{"factor": %.1f}`, between(r, 2.8, 4)), `{"factor": 1}`}[r.IntN(4)]
	},
	"A37": func(r *rand.Rand) string { return []string{"1", "5", "6"}[r.IntN(3)] },
	"A22": func(r *rand.Rand) string { return []string{`"random"`, `"starting_first"`}[r.IntN(2)] },
	"A25": func(r *rand.Rand) string {
		return fmt.Sprintf(`{"burst": %d, "per_second": %.2f}`, 1+r.IntN(3), between(r, 0.5, 1.4))
	},
	"A27": func(r *rand.Rand) string {
		switch share := between(r, 0.1, 0.4); r.IntN(4) {
		case 0:
			return fmt.Sprintf(`{"duplicate_share": %.2f}`, share)
		case 1:
			return fmt.Sprintf(`{"reorder_share": %.2f}`, share)
		case 2:
			return fmt.Sprintf(`{"lost_share": %.2f}`, share)
		}
		return fmt.Sprintf(`{"p50_seconds": %.0f}`, between(r, 6, 20))
	},
	"A28": seconds(5, 20),
	"A44": nil, // Config.LeaveOut is no knob of a running sandbox
	"A45": seconds(5, 20),
	"A73": seconds(5, 30),
	"A82": func(*rand.Rand) string { return "true" },
	"A53": seconds(1, 12),
	"A58": seconds(10, 70),
	"A23": func(r *rand.Rand) string {
		return fmt.Sprintf(`{"hung_share": 1, "hung_mean_seconds": %.0f}`, between(r, 300, 900))
	},
}

func between(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }

func seconds(low, high float64) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return fmt.Sprintf("%.1f", between(r, low, high)) }
}

// bentRun is what came of a run, and by what it was bent.
type bentRun struct {
	report Report
	how    string
}

var bentRuns = map[string]bentRun{}

// bent is a run in an account of which one row's knob is bent; how says by what. A second one of the same row and seed is the first.
func bent(t *testing.T, row string, seed uint64) (r Report, how string) {
	t.Helper()
	key := fmt.Sprintf("%s %d", row, seed)
	if known, ok := bentRuns[key]; ok {
		return known.report, known.how
	}
	defer func() { bentRuns[key] = bentRun{r, how} }()
	world, draw := calm(seed), rand.New(rand.NewPCG(seed, 13))
	if row == "A44" {
		world.LeaveOut = []ecsim.EventSet{ecsim.PreparingEvents, ecsim.WindingDownEvents}[draw.IntN(2)]
		how = fmt.Sprintf("LeaveOut %d", world.LeaveOut)
	}
	if row == "A23" {
		world.SpotVCPU = 64 // then there is room for large tasks by the quota, and experiment 3 is left out
	}
	a := newAccount(t, world)
	if bend := bends[row]; bend != nil {
		how = bend(draw)
		a.steer("model", fmt.Sprintf(`{"%s": %s}`, row, how))
	}
	r, err := Run(t.Context(), a.fishing(row == "A23"), testRun)
	if err != nil {
		t.Fatalf("%s bent by %s: %v", row, how, err)
	}
	return r, how
}

// fishing are options of a run that finds no room for large tasks when it asks for them, if it is scarce.
func (a *account) fishing(scarce bool) Options {
	o := a.options()
	if scarce {
		o.Say = func(text string) {
			if strings.HasPrefix(text, "experiment 4 ") {
				a.steer("capacity", `{"provider": "FARGATE_SPOT", "tasks": 0}`)
			}
		}
	}
	return o
}

// steer sends a call to the sandbox's own routes.
func (a *account) steer(route, body string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, "http://sandbox.localhost/_sandbox/"+route, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := a.box.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		var text bytes.Buffer
		_, _ = text.ReadFrom(answer.Body)
		a.t.Fatalf("%s %s: %s", route, body, text.String())
	}
}

func seeds() uint64 {
	if testing.Short() || racetest.Enabled { // nothing runs side by side here
		return 1
	}
	return *seedsFlag
}

func TestTheBentRowIsContradictedAndNoOther(t *testing.T) {
	for i, e := range ledger.Expectations() {
		if e.Experiment == 0 {
			continue // guards observe it
		}
		if racetest.Enabled && i > 1 {
			break // nothing runs side by side here
		}
		t.Run(e.Row, func(t *testing.T) {
			if i%2 != 0 && *seedsFlag == 1 {
				t.Skip("every other row is bent; -seeds 2 bends all")
			}
			if _, there := bends[e.Row]; !there {
				t.Fatal("no bend is known")
			}
			for seed := uint64(1); seed <= seeds(); seed++ {
				r, how := bent(t, e.Row, seed)
				if got := r.Contradicted(); !slices.Equal(got, []string{e.Row}) {
					t.Errorf("seed %d, bent by %s: contradicted %v\n%s", seed, how, got, r.Markdown())
				}
			}
		})
	}
}

func TestNothingIsContradictedUnbent(t *testing.T) {
	for seed := uint64(1); seed <= seeds()*seeds(); seed++ {
		r, _ := bent(t, "", seed)
		for i := range r.Rows {
			if v := r.Rows[i].Verdict; v != ledger.Holds && v != ledger.Bends && r.Rows[i].Row != "A23" { // which takes another quota
				t.Errorf("seed %d: %s %s: %s", seed, r.Rows[i].Row, v, r.Rows[i].Observed)
			}
		}
	}
}

// TestWhatAWSSaysOfAnImageThatIsNotThereIsKept: the words are what the parsers go by.
func TestWhatAWSSaysOfAnImageThatIsNotThereIsKept(t *testing.T) {
	r, _ := bent(t, "", 1)
	for _, p := range r.Experiments {
		if p.Number == 5 && (!strings.HasPrefix(p.Said, "TaskFailedToStart: CannotPullContainerError: pull image manifest has been retried") || strings.Contains(p.Said, "busybox") || strings.Count(p.Said, "read as application_stop") != 2 || !strings.Contains(p.Said, "of a secret: TaskFailedToStart: ResourceInitializationError: ")) {
			t.Errorf("%q", p.Said)
		}
	}
}

func TestWhatIsNotObservedIsNamedSo(t *testing.T) {
	a := newAccount(t, calm(1))
	o := a.options()
	o.Experiments = []int{10}
	r, err := Run(t.Context(), o, testRun)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; (row.Verdict == ledger.NotObserved) != (row.Experiment != 10) || (row.Observed == "") != (row.Verdict == ledger.NotObserved) {
			t.Errorf("%s of experiment %d: %s, %q", row.Row, row.Experiment, row.Verdict, row.Observed)
		}
	}
}

func TestAShortageIsNotTriedWhereATaskWouldStart(t *testing.T) {
	world := calm(1)
	world.SpotVCPU = 64
	a := newAccount(t, world)
	o := a.options()
	o.Experiments = []int{3}
	r, err := Run(t.Context(), o, testRun)
	if err != nil {
		t.Fatal(err)
	}
	if cost := a.costs(); cost > 0 || !strings.Contains(r.Experiments[0].Note, "has room for a task") {
		t.Errorf("cost $%g; %+v", cost, r.Experiments)
	}
}

func TestFishingFindsScarcityOrSaysThatThereWasNone(t *testing.T) {
	for _, scarce := range []bool{false, true} {
		world := calm(1)
		world.SpotVCPU = 64
		a := newAccount(t, world)
		o := a.fishing(scarce)
		o.Experiments = []int{4}
		r, err := Run(t.Context(), o, testRun)
		if err != nil {
			t.Fatal(err)
		}
		verdict := map[bool]ledger.Verdict{false: ledger.NotObserved, true: ledger.Holds}[scarce]
		for i := range r.Rows {
			if row := &r.Rows[i]; row.Row == "A23" && row.Verdict != verdict {
				t.Errorf("scarce %t: %s %q", scarce, row.Verdict, row.Observed)
			}
		}
		p := r.Experiments[0]
		if scarce != (strings.Contains(p.Said, "Capacity is unavailable at this time") && strings.Contains(p.Said, "read as capacity_stop")) || scarce == strings.Contains(p.Note, "Spot had room each time") {
			t.Errorf("scarce %t: %+v", scarce, p)
		}
		if left, cost := a.left(), a.costs(); len(left) > 0 || cost > bound(t) {
			t.Errorf("left %v, cost $%g", left, cost)
		}
	}
}

// TestACallThatIsRefusedForAnotherReasonTellsNothingOfRoom, and is no row's observation.
func TestACallThatIsRefusedForAnotherReasonTellsNothingOfRoom(t *testing.T) {
	world := calm(1)
	world.SpotVCPU = 64
	a := newAccount(t, world)
	if _, err := a.box.AddFault(sandbox.Fault{Kind: sandbox.FaultNoCluster, Operation: "ecs:RunTask"}); err != nil {
		t.Fatal(err)
	}
	o := a.options()
	o.Experiments = []int{4}
	r, err := Run(t.Context(), o, testRun)
	if err == nil && r.Experiments[0].Note == "" {
		t.Error("it is not said")
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; (row.Row == "A23" || row.Row == "A42") && row.Verdict != ledger.NotObserved {
			t.Errorf("%s: %s %q", row.Row, row.Verdict, row.Observed)
		}
	}
}

const (
	tableBegins = "<!-- generated by go test ./internal/verify -update -->\n"
	tableEnds   = "<!-- end -->\n"
	page        = "../../docs/verify-aws.md"
)

// TestThePageHasTheTable generates the table of the rows from runs in which each is bent.
func TestThePageHasTheTable(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	rows, err := os.ReadFile("../../docs/aws-assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(tableBegins + "\n| row | experiment | predicted | knob | bent by | observed | verdict |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, e := range ledger.Expectations() {
		if e.Experiment == 0 {
			continue
		}
		_, line, found := strings.Cut(string(rows), "\n| "+e.Row+" |")
		if !found {
			t.Fatalf("%s is not in the ledger", e.Row)
		}
		line, _, _ = strings.Cut(line, "\n")
		cells := strings.Split(line, "|")
		r, how := bent(t, e.Row, 1)
		for i := range r.Rows {
			if row := &r.Rows[i]; row.Row == e.Row {
				fmt.Fprintf(&b, "| %s | %d | %s | %s | `%s` | %s | %s |\n", row.Row, row.Experiment, row.Predicted, strings.TrimSpace(cells[len(cells)-2]), how, row.Observed, row.Verdict)
			}
		}
	}
	_, _ = b.WriteString("\n" + covered(string(rows)) + "\n" + tableEnds)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + b.String() + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("%s is not up to date: go test ./internal/verify -update", page)
	}
}

// covered says how many rows of the ledger are observed, and by what.
func covered(text string) string {
	all := len(regexp.MustCompile(`(?m)^\| A[0-9]+ \|`).FindAllString(text, -1))
	tried, watched, both := 0, 0, 0
	for _, e := range ledger.Expectations() {
		by := slices.ContainsFunc(e.Measures, func(m ledger.Measure) bool { return m.Watch != nil })
		if e.Experiment > 0 {
			tried++
		}
		if by {
			watched++
		}
		if by && e.Experiment > 0 {
			both++
		}
	}
	return fmt.Sprintf("Of the ledger's %d rows about AWS and the application experiments observe %d, and guards %d, of which experiments observe %d too: %d in all.\n", all, tried, watched, both, tried+watched-both)
}

// TestWhatIsAppliedMakesTheModelDoWhatWasObserved runs in an account of which one row is bent, turns the knobs of a calm one as the report says,
// and wants the same row contradicted there, and no other.
func TestWhatIsAppliedMakesTheModelDoWhatWasObserved(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	for _, e := range ledger.Expectations() {
		if e.Experiment == 0 || seeds() == 1 && !slices.Contains([]string{"A3", "A22", "A25"}, e.Row) {
			continue
		}
		r, how := bent(t, e.Row, 1)
		world, model := calm(2), sandbox.Model{}
		for i := range r.Rows {
			if len(r.Rows[i].Knob) > 0 {
				model[r.Rows[i].Row] = r.Rows[i].Knob
			}
		}
		if model[e.Row] == nil {
			if e.Row != "A44" { // a running model sends every event
				t.Errorf("%s bent by %s has no knob in the report", e.Row, how)
			}
			continue
		}
		if err := model.Apply(&world, &scaler.Config{}); err != nil {
			t.Fatalf("%s: %v", e.Row, err)
		}
		if e.Row == "A23" {
			world.SpotVCPU = 64
		}
		a := newAccount(t, world)
		if e.Row == "A82" { // auto scaling has a configuration of its own
			a.steer("model", `{"A82": `+string(model["A82"])+`}`)
		}
		again, err := Run(t.Context(), a.fishing(e.Row == "A23"), testRun)
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Contradicted(); !slices.Equal(got, []string{e.Row}) {
			t.Errorf("%s bent by %s, applied as %s: contradicted %v\n%s", e.Row, how, model[e.Row], got, again.Markdown())
		}
	}
}
