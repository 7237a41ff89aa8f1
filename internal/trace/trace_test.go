package trace

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) *Trace {
	t.Helper()
	tr, err := Parse(strings.NewReader(text), "t.csv")
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestATraceIsReadAsWritten(t *testing.T) {
	tr := parse(t, "\xef\xbb\xbf# measured: by hand\r\nseconds,spot/a,\"spot/b\",on_demand,demand\r\n0,inf,5,inf,10\r\n60.5,0,,, 12\n3.6e+03,7,inf,3,12 # the end\n")
	want := []Column{{Spot, "a"}, {Spot, "b"}, {OnDemand, ""}, {Demand, ""}}
	if !slices.Equal(tr.Columns, want) {
		t.Errorf("columns %v, want %v", tr.Columns, want)
	}
	if !slices.Equal(tr.At, []time.Duration{0, 60500 * time.Millisecond, time.Hour}) || tr.Duration != time.Hour {
		t.Errorf("times %v and duration %v", tr.At, tr.Duration)
	}
	if !slices.Equal(tr.Values, []int{NoLimit, 5, NoLimit, 10, 0, 5, NoLimit, 12, 7, NoLimit, 3, 12}) {
		t.Errorf("values %v: an empty cell must repeat the row before", tr.Values)
	}
	if !slices.Equal(tr.Notes, []string{"measured: by hand"}) || !slices.Equal(tr.Pools(), []string{"spot"}) || !slices.Equal(tr.Zones("spot"), []string{"a", "b"}) {
		t.Errorf("notes %q, pools %q, zones %q", tr.Notes, tr.Pools(), tr.Zones("spot"))
	}
	if err := tr.Check(); err != nil {
		t.Error(err)
	}
}

func TestTheRowThatHolds(t *testing.T) {
	tr := parse(t, "seconds,spot\n10,5\n20,6\n30,7\n")
	for _, c := range []struct {
		at  time.Duration
		row int
	}{{0, 0}, {10 * time.Second, 0}, {19 * time.Second, 0}, {20 * time.Second, 1}, {time.Hour, 2}} {
		if got := tr.Row(c.at); got != c.row {
			t.Errorf("row at %s is %d, want %d", c.at, got, c.row)
		}
	}
}

func TestEveryProblemComesAtOnceWithItsPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `x.csv:1:1: the trace is empty: it needs a header such as "seconds,spot" and a row`},
		{"seconds,spot\n", "x.csv:1:1: the trace has no rows"},
		{"time,spot\n0,1\n", `x.csv:1:1: the first column must be named "seconds" (got "time")`},
		{"seconds,spot,spot\n0,1,1\n", `x.csv:1:14: column "spot" is there twice`},
		{"seconds,on-demand\n0,1\n", `x.csv:1:9: unknown column "on-demand": did you mean "on_demand"?`},
		{"seconds,on_demand\n0,1\n", `x.csv:1:1: no column is a Spot pool: name one "spot"`},
		{"seconds,spot\n0,1\n0,2\n", "x.csv:3:1: time must go forward: 0 s is not after 0 s"},
		{"seconds,spot\n0, many\n60,-1\n90,1.5\n99,1,2\n", `x.csv:2:4: spot must be a whole number of tasks or inf (got "many")
x.csv:3:4: spot must be between 0 and 1000000, or inf (got "-1")
x.csv:4:4: spot must be a whole number of tasks or inf (got "1.5")
x.csv:5:6: the row has 3 values, the header 2`},
		{"seconds,spot,demand\n0,,inf\n", "x.csv:2:3: the first row needs a value for spot\nx.csv:2:4: the demand cannot be inf"},
		{"seconds,spot\nNaN,1\n", `x.csv:2:1: the seconds must be a number (got "NaN")`},
		{"seconds,spot\n0,1\n" + strings.Repeat("9", LineMax+1), "x.csv:3:1: the line is longer than 16384 bytes"},
	} {
		_, err := Parse(strings.NewReader(c.text), "x.csv")
		if err == nil || err.Error() != c.want {
			t.Errorf("%.40q gives\n%v\nwant\n%s", c.text, err, c.want)
		}
	}
	_, err := Parse(strings.NewReader("seconds,spot\n"+strings.Repeat("x,x\n", 100)), "x.csv")
	if ps, ok := errors.AsType[Problems](err); !ok || len(ps) != ErrorsMax {
		t.Errorf("a hundred bad rows give %d problems, want %d", len(ps), ErrorsMax)
	}
}

func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	for _, b := range Builtins() {
		tr, err := Generate(b.Name, Shape{Seed: 3, Days: 9})
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Check(); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
		var first, second bytes.Buffer
		if err := Write(&first, tr); err != nil {
			t.Fatal(err)
		}
		back := parse(t, first.String())
		if back.Duration != tr.Duration {
			t.Errorf("%s lasts %s, and %s after it was written", b.Name, tr.Duration, back.Duration)
		}
		for _, at := range tr.At {
			a, c := tr.Row(at)*len(tr.Columns), back.Row(at)*len(back.Columns)
			if !slices.Equal(tr.Values[a:a+len(tr.Columns)], back.Values[c:c+len(tr.Columns)]) {
				t.Fatalf("%s differs at %s", b.Name, at)
			}
		}
		if err := Write(&second, back); err != nil || first.String() != second.String() {
			t.Errorf("%s: writing what was read gives another text (%v)", b.Name, err)
		}
	}
}

// shape of a trace: the share of time with the whole demand, the share of task time that Spot cannot hold, and the losses of capacity.
func measure(tr *Trace, tasks int) (full, missing float64, drops int) {
	held := func(r int) int {
		sum := 0
		for c, col := range tr.Columns {
			if col.Pool == Spot {
				if v := tr.Value(r, c); v == NoLimit {
					sum += tasks
				} else {
					sum += v
				}
			}
		}
		return min(sum, tasks)
	}
	before := tasks
	for r, at := range tr.At {
		end := tr.Duration
		if r+1 < len(tr.At) {
			end = tr.At[r+1]
		}
		h := held(r)
		if h == tasks {
			full += float64(end - at)
		}
		missing += float64(end-at) * float64(tasks-h)
		drops += max(0, before-h)
		before = h
	}
	d := float64(tr.Duration)
	return full / d, missing / d / float64(tasks), drops
}

func TestTheBuiltInMonthsAreWhatTheyClaim(t *testing.T) {
	for _, c := range []struct {
		name                    string
		fullLow, fullHigh       float64
		missingLow, missingHigh float64
		dropsLow, dropsHigh     float64 // a month
	}{
		{"article", 0.93, 0.97, 0.008, 0.035, 350, 1200},
		{"total", 0.92, 0.98, 0.02, 0.08, 500, 1300},
		{"partial", 0.50, 0.75, 0.05, 0.15, 5000, 20000},
		{"flap", 0.95, 0.99, 0.005, 0.03, 5000, 16000},
		{"article3", 0.90, 0.995, 0.002, 0.04, 100, 4000},
		{"calm", 0.9999, 1.0001, 0, 0, 0, 0},
	} {
		var full, missing, drops float64
		const seeds = 20
		for s := range uint64(seeds) {
			tr, err := Generate(c.name, Shape{Seed: s})
			if err != nil {
				t.Fatal(err)
			}
			f, m, d := measure(tr, 200)
			full, missing, drops = full+f/seeds, missing+m/seeds, drops+float64(d)/seeds
		}
		t.Logf("%s: full %.3f of the time, %.4f of the task time missing, %.0f tasks lost", c.name, full, missing, drops)
		if full < c.fullLow || full > c.fullHigh || missing < c.missingLow || missing > c.missingHigh {
			t.Errorf("%s: full %.3f of the time, %.4f of the task time missing: not within %v", c.name, full, missing, c)
		}
		if drops < c.dropsLow || drops > c.dropsHigh {
			t.Errorf("%s: %.0f tasks lost a month: not within %v", c.name, drops, c)
		}
	}
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	text := func(name string, seed uint64) string {
		tr, err := Generate(name, Shape{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, tr); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, b := range Builtins() {
		one, again, two := text(b.Name, 1), text(b.Name, 1), text(b.Name, 2)
		if one != again {
			t.Errorf("%s differs from itself", b.Name)
		}
		if b.Name != "calm" && one[strings.Index(one, "seconds"):] == two[strings.Index(two, "seconds"):] {
			t.Errorf("%s is the same with another seed", b.Name)
		}
	}
	if _, err := Generate("storm", Shape{}); err == nil || !strings.Contains(err.Error(), "there are article, total") {
		t.Errorf("an unknown name gives %v", err)
	}
}

func TestScalingAndMerging(t *testing.T) {
	a := parse(t, "seconds,spot,demand\n0,100,80\n60,inf,80\n120,0,80\n")
	if got := a.Scale(0.5).Values; !slices.Equal(got, []int{50, 80, NoLimit, 80, 0, 80}) {
		t.Errorf("half of it is %v", got)
	}
	b := parse(t, "seconds,arm\n0,1\n90,2\n")
	m, err := a.Merge(b)
	if err != nil || !slices.Equal(m.Values, []int{100, 80, 1, NoLimit, 80, 1, NoLimit, 80, 2, 0, 80, 2}) || m.Duration != 2*time.Minute {
		t.Errorf("together they are %v over %s (%v)", m.Values, m.Duration, err)
	}
	if _, err := a.Merge(a); err == nil {
		t.Error("a trace merged with itself has every column twice, and nobody says so")
	}
}
