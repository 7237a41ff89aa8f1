package demo

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// played is a play and all that it told.
type played struct {
	Summary
	decisions []Decision
	frames    []Frame
}

func play(t *testing.T, o Options) played {
	t.Helper()
	var p played
	o.Tell = func(u Update) {
		p.frames = append(p.frames, u.Frame)
		if u.Decision != nil {
			p.decisions = append(p.decisions, *u.Decision)
		}
	}
	d, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.Summary, err = d.Play(t.Context())
	if err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	return p
}

// TestEveryScenarioEndsWell plays each scenario with few tasks. The bounds are what the law implies: with the
// warning in use and on-demand there, nothing is missing but what demand's own rise leaves for a start-up. In a
// brief play, with -short or the race detector, the long ones end early and only what is too much is looked for.
func TestEveryScenarioEndsWell(t *testing.T) {
	for _, c := range []ending{
		{name: "calm", cut: 30 * time.Minute, cost: [2]float64{.43, .45}},
		{name: "interruption", cost: [2]float64{.43, .46}, covers: [2]int{0, 1}},
		{name: "zone-sweep", cost: [2]float64{.43, .5}, covers: [2]int{0, 3}},
		{name: "shortage", cost: [2]float64{.6, .7}, covers: [2]int{1, 5}},
		{name: "partial", cost: [2]float64{.45, .6}, covers: [2]int{1, 8}, brief: 75 * time.Minute},
		{name: "flapping", cost: [2]float64{.45, .9}, covers: [2]int{1, 40}, short: [2]float64{0, 10}, brief: 55 * time.Minute},
		{name: "morning-peak", cut: 11 * time.Hour, cost: [2]float64{.45, .65}, covers: [2]int{1, 20}, short: [2]float64{0, 10}, brief: 7*time.Hour + 20*time.Minute},
		// Half of 20 tasks for an hour: nobody fills that gap with more of the same image, so no cover and no failover.
		{name: "broken-image", cost: [2]float64{.3, .5}, short: [2]float64{400, 700}, brief: 50 * time.Minute},
		// 30 % of 20 tasks for an hour are nowhere to be had.
		{name: "on-demand-short", cost: [2]float64{.4, .7}, covers: [2]int{1, 6}, short: [2]float64{300, 420}, brief: 75 * time.Minute},
		{name: "deploy-during-shortage", cost: [2]float64{.5, .7}, covers: [2]int{1, 10}, short: [2]float64{0, 10}, brief: 75 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.look(t)
		})
	}
}

// TestPromisesAreKept plays the scenarios that promise something, and holds them to it.
func TestPromisesAreKept(t *testing.T) {
	if racetest.Enabled {
		t.Skip("the race detector watches other scenarios; the run without it has them all")
	}
	const n = 20
	promising := 0
	for _, s := range Scenarios(n) {
		if len(s.Promises) == 0 {
			continue
		}
		promising++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			p := play(t, Options{Scenario: s, Policy: "fill", Tasks: n, Seed: 3})
			if len(p.Violations) > 0 {
				t.Errorf("invariants broken: %v", p.Violations)
			}
			if len(p.Promises) != len(s.Promises) {
				t.Fatalf("%d promises are answered, want %d", len(p.Promises), len(s.Promises))
			}
			for _, made := range p.Promises {
				if !made.Kept {
					t.Errorf("%s: %s", made.Text, made.Measured)
				}
			}
			if !p.BackOnSpot {
				t.Error("it does not end on Spot")
			}
		})
	}
	if promising < 6 {
		t.Errorf("%d scenarios promise something", promising)
	}
}

// TestAPromiseCanBeBroken plays a shortage that nothing covers: what is promised with the policy fill is not kept without it.
func TestAPromiseCanBeBroken(t *testing.T) {
	o := &Outcome{Tasks: 20, Gaps: []Gap{{From: 61 * minute, Long: minute, Most: 20, TaskSeconds: 1200}}, Asks: []Ask{{At: 31 * minute, From: 0, To: 500}}}
	for _, s := range Scenarios(20) {
		if len(s.Promises) == 0 {
			continue
		}
		broken := 0
		for _, p := range held(s.Promises, o) {
			if p.Measured == "" {
				t.Errorf("%s: %q says nothing of what was measured", s.Name, p.Text)
			}
			if !p.Kept {
				broken++
			}
		}
		if broken == 0 {
			t.Errorf("%s: a play that loses an hour and asks for 500 tasks keeps every promise", s.Name)
		}
	}
}

// ending is how a scenario must end.
type ending struct {
	name   string
	cut    time.Duration // play only so much
	brief  time.Duration // and in a brief play only so much; 0: all
	short  [2]float64    // bounds of the task-minutes missing, what a risen demand misses aside
	cost   [2]float64
	covers [2]int
}

// raceScenarios are the ones that the race detector watches: each kind of pass is in one of them.
var raceScenarios = []string{"zone-sweep", "partial", "deploy-during-shortage"}

func (c ending) look(t *testing.T) {
	if racetest.Enabled && !slices.Contains(raceScenarios, c.name) {
		t.Skip("the race detector watches other scenarios; the run without it has them all")
	}
	const n = 20
	s, err := Find(c.name, n)
	if err != nil {
		t.Fatal(err)
	}
	whole := true
	if c.cut > 0 {
		s.Length = c.cut
	}
	if c.brief > 0 && (racetest.Enabled || testing.Short()) {
		s.Length, whole = c.brief, false
	}
	p := play(t, Options{Scenario: s, Policy: "fill", Tasks: n, Seed: 3})
	if len(p.Violations) > 0 {
		t.Errorf("invariants broken: %v", p.Violations)
	}
	if miss := p.ShortTaskMinutes - p.ScaleOut; miss > c.short[1] || (whole && miss < c.short[0]) {
		t.Errorf("%.1f task-minutes missing, want %v", miss, c.short)
	}
	if p.Covers > c.covers[1] || (whole && p.Covers < c.covers[0]) {
		t.Errorf("cover raised %d times, want %v", p.Covers, c.covers)
	}
	if p.Failovers > 0 {
		t.Errorf("%d failovers", p.Failovers)
	}
	if p.VirtualSeconds != s.Length.Seconds() {
		t.Errorf("lasted %.0f s, want %.0f", p.VirtualSeconds, s.Length.Seconds())
	}
	if !whole {
		return
	}
	if p.CostRatio < c.cost[0] || p.CostRatio > c.cost[1] {
		t.Errorf("cost ratio %.3f, want %v", p.CostRatio, c.cost)
	}
	if !p.BackOnSpot {
		t.Error("it does not end on Spot")
	}
}

// TestThePresetsDiffer plays the same shortage by each.
func TestThePresetsDiffer(t *testing.T) {
	s, err := Find("shortage", 20)
	if err != nil {
		t.Fatal(err)
	}
	s.Length = 95 * time.Minute // Spot is back after 90
	by := map[string]played{}
	for _, preset := range []string{"switch", "observe"} {
		by[preset] = play(t, Options{Scenario: s, Policy: preset, Tasks: 20, Seed: 1})
		if v := by[preset].Violations; len(v) > 0 {
			t.Errorf("%s: invariants broken: %v", preset, v)
		}
	}
	if p := by["switch"]; p.Failovers < 1 || p.ShortTaskMinutes-p.ScaleOut > 10 {
		t.Errorf("switch: %d failovers, %.1f task-minutes missing; want at least 1 and at most 10", p.Failovers, p.ShortTaskMinutes)
	}
	if p := by["observe"]; p.Covers != 0 || p.ShortTaskMinutes < 1000 {
		t.Errorf("observe: cover raised %d times, %.1f task-minutes missing; want 0, and the hour's", p.Covers, p.ShortTaskMinutes)
	}
	if len(by["observe"].decisions) == 0 || !strings.HasPrefix(by["observe"].decisions[0].Text, "would raise standard") {
		t.Errorf("observe: it does not say what it would have done: %+v", by["observe"].decisions)
	}
}

func TestOneSeedIsOnePlay(t *testing.T) {
	s, err := Find("zone-sweep", 20)
	if err != nil {
		t.Fatal(err)
	}
	s.Length = 75 * time.Minute // the zone is back after 70
	text := func(seed uint64) string {
		p := play(t, Options{Scenario: s, Policy: "fill", Tasks: 20, Seed: seed})
		p.WallSeconds = 0
		b, err := json.Marshal([]any{p.Summary, p.decisions})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := text(5)
	if again := text(5); again != first {
		t.Errorf("the same seed gave\n%s\nand\n%s", first, again)
	}
	if other := text(6); other == first {
		t.Error("another seed gave the same play")
	}
}

// TestTracesOfRealCapacity plays the beginning of each trace that lies in the directory named by
// BACKSTOP_TRACES.
func TestTracesOfRealCapacity(t *testing.T) {
	dir := os.Getenv("BACKSTOP_TRACES")
	if dir == "" {
		t.Skip("BACKSTOP_TRACES names no directory of capacity traces")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			tr, err := trace.Parse(f, filepath.Base(file))
			if err != nil {
				t.Fatal(err)
			}
			s, err := Replay(tr, 12*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			p := play(t, Options{Scenario: s, Policy: "fill", Tasks: 200, Seed: 1})
			t.Logf("%.3f %% held, %.1f task-minutes missing, cost ratio %.3f", p.DemandHeld, p.ShortTaskMinutes, p.CostRatio)
			if len(p.Violations) > 0 || !p.BackOnSpot || p.DemandHeld < 99.9 {
				t.Errorf("violations %v, back on Spot %v, %.3f %% held", p.Violations, p.BackOnSpot, p.DemandHeld)
			}
		})
	}
}

func TestATraceThatCannotBePlayed(t *testing.T) {
	for text, want := range map[string]string{
		"seconds,spot\n0,5\n":                                "has one row",
		"seconds,spot,arm\n0,5,5\n60,6,6\n":                  `no pool for column "arm"`,
		"seconds,spot,on_demand/us-east-1a\n0,5,5\n60,6,6\n": `no pool for column "on_demand/us-east-1a"`,
		"seconds,spot\n0,5\n60,6\n99999999,6\n":              "a play at most",
	} {
		tr, err := trace.Parse(strings.NewReader(text), "t.csv")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Replay(tr, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestAPlayThatIsStoppedIsSummedUp(t *testing.T) {
	s, _ := Find("calm", 5)
	ctx := t.Context()
	d, err := Open(ctx, Options{Scenario: s, Policy: "fill", Tasks: 5, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	stopped, stop := context.WithCancel(ctx)
	d.opts.Tell, d.driver.tell = nil, func(u Update) {
		if u.At.Sub(d.driver.meter.began) >= 10*time.Minute {
			stop()
		}
	}
	sum, err := d.Play(stopped)
	if err != nil || !sum.Unfinished || sum.VirtualSeconds < 600 || sum.VirtualSeconds > 700 {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestScenariosAreWellMade(t *testing.T) {
	if n := len(Scenarios(200)); n < 8 {
		t.Errorf("%d scenarios", n)
	}
	for _, s := range Scenarios(200) {
		for i, step := range sorted(s.Steps) {
			if step.At < 0 || step.At >= s.Length {
				t.Errorf("%s: step %d at %s is outside of its %s", s.Name, i, step.At, s.Length)
			}
			if step.Say == "" || step.Do == nil {
				t.Errorf("%s: step %d at %s says or does nothing", s.Name, i, step.At)
			}
		}
	}
}

func TestThePictureShowsThePlay(t *testing.T) {
	var p Picture
	p.Title = `<a> & "b"`
	at := worldStart
	for i := range 3000 {
		p.Take(Update{At: at, Frame: Frame{At: at.Add(time.Duration(i) * time.Minute), Demand: 10, Spot: 10 - i%3, OnDemand: i % 2, OnDemandOnlyUSD: 2, CostUSD: 1}})
	}
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg ", "&lt;a&gt; &amp; &#34;b&#34;", "50 % of the cost of on-demand alone", "prefers-color-scheme:dark", "</svg>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	if len(b.String()) > 400_000 {
		t.Errorf("the picture has %d bytes", len(b.String()))
	}
	if strings.Contains(b.String(), "cut off") {
		t.Error("a spike is marked where none is cut off")
	}
}

// TestASpikeThatIsCutOffIsMarked: a moment's surplus above the picture has an arrow with its number, and neighbours share the largest.
func TestASpikeThatIsCutOffIsMarked(t *testing.T) {
	var p Picture
	for i := range 600 {
		f := Frame{At: worldStart.Add(time.Duration(i) * time.Minute), Demand: 100, Spot: 100}
		switch i {
		case 100:
			f.OnDemand = 55
		case 102:
			f.OnDemand = 91
		case 400:
			f.OnDemand = 40
		}
		p.Take(Update{At: f.At, Frame: f})
	}
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`up to \d+ tasks, cut off at \d+`).FindAllString(b.String(), -1)
	if want := []string{"up to 191 tasks, cut off at 125", "up to 140 tasks, cut off at 125"}; !slices.Equal(got, want) {
		t.Errorf("marked %q, want %q", got, want)
	}
}
