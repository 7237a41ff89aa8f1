package adversary

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	seedsFlag  = flag.Int("seeds", 30/slower, "how many seeds to run")
	fromFlag   = flag.Uint64("from", 1, "the first seed")
	allFlag    = flag.Bool("all", false, "plant every bug")
	updateFlag = flag.Bool("update", false, "write the table of planted bugs")
	logFlag    = flag.Bool("log", false, "print every pass and every trouble of the world")
)

// gcPercent trades memory, of which a bubble uses little, for time; memoryLimit is how much at most, in bytes.
const (
	gcPercent   = 4000
	memoryLimit = 1 << 30
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(m.Run())
}

// tally adds up what runs did.
type tally struct {
	mu                 sync.Mutex
	runs, passes, acts int
	checked            Checked
	troubles           Counts
	trouble, calm      time.Duration
	converged          []time.Duration
}

func (a *tally) add(r Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	a.passes += r.Passes
	a.acts += r.Acts
	a.trouble += r.Trouble
	a.calm += r.Calm
	a.converged = append(a.converged, r.Converged)
	for t, n := range r.Troubles {
		a.troubles[t] += n
	}
	for s, n := range r.Checked {
		a.checked[s] += n
	}
}

func (a *tally) print(took time.Duration) string {
	var b strings.Builder
	hours := (a.trouble + a.calm).Hours()
	fmt.Fprintf(&b, "%d seeds in %s: %.1f seeds/s, %.0f simulated hours/s (%.0f hours, %.0f of them in trouble)\n", a.runs,
		took.Round(time.Millisecond), float64(a.runs)/took.Seconds(), hours/took.Seconds(), hours, a.trouble.Hours())
	fmt.Fprintf(&b, "%d passes, %d actions; checked:", a.passes, a.acts)
	for s, n := range a.checked {
		sep := ","
		if s == 0 {
			sep = ""
		}
		fmt.Fprintf(&b, "%s %d %s (%d promises)", sep, n, promises[s].step, len(promises[s].names))
	}
	b.WriteByte('\n')
	slices.Sort(a.converged)
	at := func(q float64) time.Duration { return a.converged[int(q*float64(len(a.converged)-1))] }
	fmt.Fprintf(&b, "back at the cheapest state after (simulated) %s median, %s P90, %s P99, %s at most\ntroubles:", at(0.5), at(0.9), at(0.99), at(1))
	for t, n := range a.troubles {
		fmt.Fprintf(&b, " %s %d", Trouble(t), n)
	}
	return b.String()
}

// sweep runs seeds side by side, as many at a time as there are processors.
func sweep(t *testing.T, seeds []uint64, each func(t *testing.T, seed uint64)) {
	t.Helper()
	next := make(chan uint64, len(seeds))
	for _, s := range seeds {
		next <- s
	}
	close(next)
	t.Run("side by side", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for seed := range next {
					each(t, seed)
				}
			})
		}
	})
}

// TestSeeds runs seeds in a row (-seeds, -from) and prints what they went through. With -log every step of them
// is printed.
func TestSeeds(t *testing.T) {
	begun := time.Now()
	seeds := make([]uint64, *seedsFlag)
	for i := range seeds {
		seeds[i] = *fromFlag + uint64(i)
	}
	var all tally
	sweep(t, seeds, func(t *testing.T, seed uint64) {
		plan := NewPlan(seed)
		if *logFlag {
			plan.Log = func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
		}
		begun := time.Now()
		res := Run(t, plan, Hooks{})
		all.add(res)
		if took := time.Since(begun); took > 3*time.Second && testing.Verbose() {
			t.Logf("seed %d took %s: %s trouble, %d passes, %d actions", seed, took, res.Trouble, res.Passes, res.Acts)
		}
		report(t, res)
	})
	fmt.Println(all.print(time.Since(begun)))
}

// open are seeds of defects that are known and not repaired yet.
var open = map[uint64]string{}

// report fails the test for a run that broke a promise, and says how to see it again.
func report(t *testing.T, res Result) {
	t.Helper()
	if why := open[res.Plan.Seed]; why != "" {
		t.Logf("seed %d is not judged: %s", res.Plan.Seed, why)
		return
	}
	if len(res.Breaches) > 0 {
		t.Errorf("%s\n  %d breaches, the first: %s\n  again: make simtest SEED=%d", res.Plan, len(res.Breaches), res.Breaches[0], res.Plan.Seed)
	}
}

// TestSeedsThatOnceFailed runs every seed that has found a defect.
func TestSeedsThatOnceFailed(t *testing.T) {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var seeds []uint64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		seed, err := strconv.ParseUint(line, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds.txt: %v", err)
		}
		seeds = append(seeds, seed)
	}
	if slower > 1 {
		seeds = seeds[:2]
	}
	sweep(t, seeds, func(t *testing.T, seed uint64) { report(t, Run(t, NewPlan(seed), Hooks{})) })
}

// TestARunIsReproducible runs some seeds twice: every pass must come at the same moment with the same outcome.
func TestARunIsReproducible(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector shuffles what wakes at one moment (runtime: randomizeScheduler)")
	}
	for seed := uint64(1); seed <= 6; seed++ {
		a, b := Run(t, NewPlan(seed), Hooks{}), Run(t, NewPlan(seed), Hooks{})
		if a.Trace != b.Trace || a.Troubles != b.Troubles {
			t.Errorf("seed %d: two runs differ (%d and %d passes, %d and %d actions)", seed, a.Passes, b.Passes, a.Acts, b.Acts)
		}
	}
}
