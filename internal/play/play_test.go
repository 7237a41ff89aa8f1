package play

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/simulate"
)

// drawnDay loses most of Spot at nine and all of it at noon.
const drawnDay = "seconds,spot\n0,inf\n32400,120\n43200,0\n46800,200\n86400,200\n"

func ask[T any](t *testing.T, q Question) T {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		failure
		Rest T
	}
	out := Answer(text, nil)
	if err := json.Unmarshal(out, &answer.failure); err != nil {
		t.Fatal(err)
	}
	if answer.Error != "" {
		t.Fatalf("%+v: %s", q, answer.Error)
	}
	if err := json.Unmarshal(out, &answer.Rest); err != nil {
		t.Fatal(err)
	}
	return answer.Rest
}

// TestADecisionIsExplainedAsItWasMade: the run is played again for it, and must come to the same decision.
func TestADecisionIsExplainedAsItWasMade(t *testing.T) {
	for _, policy := range []string{"fill", "switch"} {
		q := Question{Kind: "run", Trace: "drawn.csv", CSV: drawnDay, Tasks: 60, Policy: policy, World: "ends-at-sigterm", WarmUp: 30}
		run := ask[Played](t, q)
		if len(run.Choices) < 10 {
			t.Fatalf("%s: %d decisions only", policy, len(run.Choices))
		}
		q.Kind = "explain"
		for k := 0; k < len(run.Choices); k += 7 {
			q.Choice, q.At = k, run.Choices[k].At
			e := ask[Explained](t, q)
			if e.Text != run.Choices[k].Text || e.At != run.Choices[k].At {
				t.Errorf("%s, decision %d: the run says %v, the explanation %g %s", policy, k, run.Choices[k], e.At, e.Text)
			}
			if len(e.Pools) != 2 || len(e.Next) == 0 || e.Seen == "" || e.ReasonText == "" {
				t.Errorf("%s, decision %d: the explanation lacks something: %+v", policy, k, e)
			}
		}
	}
}

// TestThePageShowsWhatSimulateMeasures: the command that stands on the page prints the same figures.
func TestThePageShowsWhatSimulateMeasures(t *testing.T) {
	policies := []string{"fill", "switch", "spot", "article"}
	sections, err := simulate.Run(t.Context(), simulate.Options{Traces: []string{"article"}, Days: 4, Tasks: 60, Seed: 3, World: "ends-at-sigterm", WarmUp: "30s,48s", Policies: policies}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, policy := range policies {
		r := ask[Played](t, Question{Kind: "run", Trace: "article", Days: 4, Tasks: 60, Seed: 3, World: "ends-at-sigterm", WarmUp: 30, Policy: policy})
		if row := sections[0].Rows[i]; math.Abs(r.CostUSD-row.CostUSD) > 1e-6 || r.MissingMinutes != row.ShortMinutes || r.Updates != row.Updates {
			t.Errorf("%s: the page says $%v, %v missing and %d changes, simulate $%v, %v and %d", policy, r.CostUSD, r.MissingMinutes, r.Updates, row.CostUSD, row.ShortMinutes, row.Updates)
		}
		if oracle := ask[Course](t, Question{Kind: "trace", Trace: "article", Days: 4, Tasks: 60, Seed: 3, World: "ends-at-sigterm", WarmUp: 30}).OracleUSD; math.Abs(oracle-sections[0].Rows[i].OracleUSD) > 1e-6 {
			t.Errorf("perfect foresight pays $%v on the page, $%v in simulate", oracle, sections[0].Rows[i].OracleUSD)
		}
	}
}

// TestWhatIsDrawnIsWhatIsSaid: the curves add up to the figures beside them.
func TestWhatIsDrawnIsWhatIsSaid(t *testing.T) {
	for _, policy := range []string{"fill", "spot", "article"} {
		r := ask[Played](t, Question{Kind: "run", Trace: "drawn.csv", CSV: drawnDay, Tasks: 60, Policy: policy})
		short := 0.0
		for i, at := range r.Times {
			until := 86400.0
			if i+1 < len(r.Times) {
				until = r.Times[i+1]
			}
			short += (until - at) / 60 * float64(max(0, r.Demand[i]-r.Spot[i]-r.OnDemand[i]))
		}
		if d := short - r.MissingMinutes; d > 0.5 || d < -0.5 {
			t.Errorf("%s: %.1f task-minutes are drawn as missing, %.1f are said", policy, short, r.MissingMinutes)
		}
		if (len(r.Choices) == 0) != (policy == "spot") {
			t.Errorf("%s: %d decisions", policy, len(r.Choices))
		}
	}
}

func TestATraceIsShownAsItIs(t *testing.T) {
	c := ask[Course](t, Question{Kind: "trace", Trace: "x.csv", CSV: drawnDay, Tasks: 60})
	if got := fmt.Sprint(c.Seconds, c.Times, c.Capacity, c.Demand); got != "86400 [0 32400 43200 46800] [-1 120 0 200] [60 60 60 60]" {
		t.Error(got)
	}
	if c.OracleUSD <= 0 || c.OracleUSD >= c.AllOnDemandUSD {
		t.Errorf("perfect foresight pays %v of %v", c.OracleUSD, c.AllOnDemandUSD)
	}
	if c := ask[Course](t, Question{Kind: "trace", Trace: "article3", Days: 2}); c.Zones != 3 || c.Seconds != 2*86400 {
		t.Errorf("%d zones, %g s", c.Zones, c.Seconds)
	}
}

func TestAWrongQuestionSaysWhatIsWrong(t *testing.T) {
	for question, want := range map[string]string{
		`{"kind": "run"`: "read question",
		`{"kind": "run", "trace": "article", "policy": "best"}`:                           `unknown policy "best"`,
		`{"kind": "run", "trace": "artikel", "policy": "fill"}`:                           `no built-in trace "artikel"`,
		`{"kind": "run", "trace": "x.csv", "csv": "seconds,spot\n0,many\n1,2\n0,x\n"}`:    `x.csv:2:3: spot must be a whole number of tasks or inf (got "many") (and 1 more)`,
		`{"kind": "run", "trace": "x.csv", "csv": "seconds,spot\n0,1\n"}`:                 "a final row says how long it is",
		`{"kind": "run", "trace": "article", "tasks": 5001}`:                              "5001 tasks: must be 1 to 5000",
		`{"kind": "run", "trace": "article", "days": 5000}`:                               "5000 days: must be 1 to 366",
		`{"kind": "run", "trace": "article", "world": "W9"}`:                              `unknown world "W9"`,
		`{"kind": "guess", "trace": "calm", "days": 1}`:                                   `unknown question "guess"`,
		`{"kind": "explain", "trace": "calm", "days": 1, "policy": "fill", "choice": 70}`: "decisions until",
		`{"kind": "explain", "trace": "calm", "days": 1, "policy": "article"}`:            "a rule that gives no reasons",
	} {
		var f failure
		if err := json.Unmarshal(Answer([]byte(question), nil), &f); err != nil || !strings.Contains(f.Error, want) {
			t.Errorf("%s: %q (%v), want %q", question, f.Error, err, want)
		}
	}
}

func TestALongRunIsThinnedWithoutLosingAShortage(t *testing.T) {
	var all []replay.Moment
	for i := range 10_000 {
		m := replay.Moment{At: seconds(float64(i)), Demand: 10, Spot: 10}
		if i == 7777 {
			m.Spot = 2
		}
		all = append(all, m)
	}
	out := thinned(all, 100)
	worst := 10
	for i, m := range out {
		worst = min(worst, m.Spot)
		if i > 0 && m.At <= out[i-1].At {
			t.Fatalf("%s is not after %s", m.At, out[i-1].At)
		}
	}
	if len(out) > 101 || worst != 2 {
		t.Errorf("%d moments, the worst with %d", len(out), worst)
	}
}
