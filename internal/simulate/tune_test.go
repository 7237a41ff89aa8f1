package simulate

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// sigtermWorld is one where tasks do not use the warning and every loss is felt: spare tasks are worth something.
func sigtermWorld(target float64) TuneOptions {
	return TuneOptions{Options: Options{Traces: []string{"article3"}, Tasks: 40, Days: 3, Seed: 3, Seeds: 2, World: "W2"}, Target: target, HeldOut: 3}
}

func tuned(t *testing.T, o TuneOptions) *Tuned {
	t.Helper()
	got, err := Tune(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAGenerousTargetLeavesThePolicyAsItIs(t *testing.T) {
	if racetest.Enabled {
		t.Skip("TestASearchDoesNotDependOnTheWorkers shows the race detector the same, and the run without it has it")
	}
	got := tuned(t, sigtermWorld(100_000))
	if !got.Reached || got.After.CostUSD > got.Before.CostUSD*1.01 || !got.TargetGiven {
		t.Errorf("a target that anything keeps to gives %+v", got)
	}
	for _, c := range got.Changes {
		if c.Field == "extra" {
			t.Errorf("spare tasks are proposed though nothing asks for them: %+v", c)
		}
	}
}

func TestATargetOutOfReachIsToldWithItsFloor(t *testing.T) {
	if racetest.Enabled {
		t.Skip("TestASearchDoesNotDependOnTheWorkers shows the race detector the same, and the run without it has it")
	}
	o := sigtermWorld(0)
	o.Traces, o.Days, o.Tasks = []string{"partial"}, 1, 16
	got := tuned(t, o)
	if got.Reached || !got.Keep || got.Floor <= 0 || !strings.Contains(got.Verdict, "out of reach") {
		t.Fatalf("nothing short is impossible here, and that gives %+v", got)
	}
	i := slices.IndexFunc(got.Changes, func(c Change) bool { return c.Field == extraLever })
	if i < 0 || got.Changes[i].Cost <= 0 || got.Changes[i].Short >= 0 {
		t.Errorf("the floor needs spare tasks, which cost more and leave less short: %+v", got.Changes)
	}
	if strings.Contains(got.YAML, "extra") || strings.Contains(got.YAML, "foresight") {
		t.Errorf("what misses the target is not proposed:\n%s", got.YAML)
	}
	if n := len(got.Frontier); n < 2 || got.Frontier[0].CostRatio > got.Frontier[n-1].CostRatio || got.Frontier[0].Short < got.Frontier[n-1].Short {
		t.Errorf("the frontier is %+v", got.Frontier)
	}
}

func TestAForecastIsTriedWhereALostTaskIsMissing(t *testing.T) {
	for world, want := range map[string]string{"W2": "foresight_usd: 0.5\n", "W1": ""} {
		o := sigtermWorld(0)
		o.World, o.StartUp = world, "70s,100s,110s"
		tn, err := newTuner(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := lever{field: foresightLever, values: []string{"0", "0.5"}}
		if got := tn.values(l, trial{}); (len(got) > 0) != (want != "") {
			t.Errorf("%s: %v are tried", world, got)
		}
		if got := tn.yaml(trial{foresightLever: "0.5"}); want != "" && !strings.Contains(got, want) {
			t.Errorf("%s: it says\n%s", world, got)
		}
	}
}

func TestASearchDoesNotDependOnTheWorkers(t *testing.T) {
	o := sigtermWorld(30)
	o.Tasks = 15
	if racetest.Enabled {
		o.Tasks = 5
	}
	o.Workers = 1
	one := tuned(t, o)
	o.Workers = 4
	told := 0
	many, err := Tune(t.Context(), o, func(p Progress) {
		told++
		if p.Done != told || p.Done > p.Runs {
			t.Errorf("progress %+v at call %d", p, told)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(one)
	b, _ := json.Marshal(many)
	if string(a) != string(b) || told != one.Runs {
		t.Errorf("one worker gives\n%s\nfour give\n%s\n(told %d times of %d runs)", a, b, told, one.Runs)
	}
}

func TestAFileIsSearchedInItsFirstPartAndJudgedInItsLast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.csv")
	text := "seconds,spot/a,spot/b\n0,inf,inf\n" + "3600,0,inf\n" + "7200,inf,inf\n" + "345600,inf,inf\n" // trouble on the first of four days only
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := tuned(t, TuneOptions{Options: Options{Traces: []string{file}, Tasks: 10}, Target: -1})
	if !strings.Contains(got.Searched, "the first 60 %") || !strings.Contains(got.HeldOut, "the last 40 %") {
		t.Errorf("searched on %q, judged on %q", got.Searched, got.HeldOut)
	}
	if got.After.PerLost != 0 || got.Before.Short != 0 {
		t.Errorf("nothing is lost in the last part, and that gives %+v", got.Before)
	}
}

func TestAPartOfATraceHoldsWhatTheTraceHolds(t *testing.T) {
	whole := &trace.Trace{Name: "x", Columns: []trace.Column{{Pool: trace.Spot}}, At: []time.Duration{0, 10 * time.Second, 20 * time.Second}, Values: []int{1, 2, 3}, Duration: 30 * time.Second}
	got := between(whole, 15*time.Second, 25*time.Second)
	if !slices.Equal(got.At, []time.Duration{0, 5 * time.Second}) || !slices.Equal(got.Values, []int{2, 3}) || got.Duration != 10*time.Second || got.Check() != nil {
		t.Errorf("%+v, %v", got, got.Check())
	}
}

// Every value of every lever must be in its field's range, and what is printed must be a configuration.
func TestEveryLeverMakesAConfiguration(t *testing.T) {
	tn, err := newTuner(t.Context(), TuneOptions{Options: Options{Traces: []string{"article3"}, Set: []string{"ready_after=30s"}}, Target: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range levers() {
		for _, v := range append(tn.values(l, trial{"zones": "per-zone"}), l.values...) {
			tr := trial{l.field: v, "zones": "per-zone"}
			if l.field == zonesLever {
				tr = trial{zonesLever: v}
			}
			made, err := tn.variant(tr)
			if err != nil {
				t.Fatalf("%s: %v", tr.key(), err)
			}
			head := "version: 1\nregion: us-east-1\nworkloads:\n  - name: w\n"
			if tr[zonesLever] == "pooled" {
				head += "    pools: [{name: spot, cluster: C, service: S, capacity: FARGATE_SPOT}, {name: standard, cluster: C, service: T, capacity: FARGATE}]\n"
			}
			file, err := config.Parse([]byte(head+tn.yaml(tr)), "proposal")
			if err != nil {
				t.Fatalf("%s: %v\n%s", tr.key(), err, tn.yaml(tr))
			}
			for _, f := range tunable.Fields() {
				if f.Key == "jitter_seed" || f.Key == "demand" {
					continue
				}
				if got, want := f.Get(&file.Workloads[0].Policy), f.Get(made.policy.Law); got != want {
					t.Errorf("%s: the configuration has %s: %s, the policy %s", tr.key(), f.Key, got, want)
				}
			}
		}
	}
}

func TestASearchThatIsAskedForWronglyIsSaid(t *testing.T) {
	for want, o := range map[string]TuneOptions{
		"2 policies: a search starts from one": {Options: Options{Policies: []string{"fill", "switch"}}},
		"has no fields to tune":                {Options: Options{Policies: []string{"spot"}}},
		"1 held-out seeds: must be 2 to":       {HeldOut: 1},
	} {
		_, err := Tune(t.Context(), o, nil)
		var asked *OptionError
		if !errors.As(err, &asked) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want %q", o, err, want)
		}
	}
}

// TestAProposalIsBorneOutByItsFigures: every change that is proposed saves cost or shortfall where it is judged, by more than chance.
func TestAProposalIsBorneOutByItsFigures(t *testing.T) {
	if !racetest.Enabled {
		got := tuned(t, TuneOptions{Options: Options{Traces: []string{"flap"}, Tasks: 200, Days: 5, Seeds: 2}, Target: -1, HeldOut: 3})
		for _, c := range got.Changes {
			if !c.buys() {
				t.Errorf("%s is proposed and buys nothing: %+v", c.Field, c)
			}
		}
	}
	for _, c := range []struct {
		change Change
		want   bool
	}{
		{Change{Cost: -0.001, CostCI: 0.0005, Short: 0.01, ShortCI: 0.02}, true},
		{Change{Cost: 0.1, CostCI: 0.01, Short: -7, ShortCI: 0.4}, true},
		{Change{Cost: -0.001, CostCI: 0.002, Short: -0.1, ShortCI: 0.2}, false},
		{Change{Cost: 0.0001, CostCI: 0.0004, Short: 0, ShortCI: 0.003}, false},
	} {
		if c.change.buys() != c.want {
			t.Errorf("%+v buys: %t, want %t", c.change, !c.want, c.want)
		}
	}
}

// TestATargetIsOutOfReachOnlyWhereNothingTriedReachesIt: a change that buys nothing where it is judged may be what the target needs
// where it is searched for.
func TestATargetIsOutOfReachOnlyWhereNothingTriedReachesIt(t *testing.T) {
	tn, err := newTuner(t.Context(), TuneOptions{Options: Options{Traces: []string{"flap"}, Tasks: 50, Days: 2, Seeds: 2, World: "ends-at-sigterm"}, Target: 20, HeldOut: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	best, err := tn.search(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := tn.judge(t.Context(), best)
	if err != nil {
		t.Fatal(err)
	}
	for key, row := range tn.known {
		if got.Floor > 0 && bound(row) <= tn.target {
			t.Errorf("the floor is %.1f, and %q leaves at most %.1f", got.Floor, key, bound(row))
		}
	}
	if !tn.keeps(best) || got.Floor > 0 || strings.Contains(got.Verdict, "out of reach") {
		t.Errorf("the search keeps to the target (%t), and what is said is %q with the floor %.1f", tn.keeps(best), got.Verdict, got.Floor)
	}
}

// TestThePresentPolicyIsNotCalledTheBestOfWhatBeatsIt: the frontier beside the verdict may hold cheaper policies.
func TestThePresentPolicyIsNotCalledTheBestOfWhatBeatsIt(t *testing.T) {
	row := func(cost, short float64) report.Row {
		return report.Row{Result: replay.Result{CostRatio: cost, ShortPer1000: short}, Seeds: 1}
	}
	for _, c := range []struct {
		name     string
		known    map[string]report.Row
		searched int
		want     string
	}{
		{"nothing is cheaper", map[string]report.Row{"": row(0.5, 0), "extra=2": row(0.6, 0)}, 0, "of 2 tried, none that keeps to this, its standard error included, is cheaper"},
		{"something is, by too little", map[string]report.Row{"": row(0.5, 0), "overstart=0.1": row(0.49995, 0)}, 0, "is cheaper by 0.02 %, from which on a change is worth it (overstart=0.1: 0.01 %)"},
		{"something is, and is too short", map[string]report.Row{"": row(0.5, 0), "overstart=0": row(0.4, 1)}, 0, "is cheaper"},
		{"what was found came to nothing", map[string]report.Row{"": row(0.5, 0)}, 1, "buys nothing on what was held out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&tuner{known: c.known, target: 0.05}).nothingBetter(c.searched); !strings.HasSuffix(got, c.want) && !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
