package adversary

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("seeds", 200, "how many seeds to run")
	fromFlag  = flag.Uint64("from", 1, "the first seed")
	logFlag   = flag.Bool("log", false, "print every pass and every trouble of the world")
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

func TestSeeds(t *testing.T) {
	begun := time.Now()
	var hours time.Duration
	for i := range *seedsFlag {
		plan := NewPlan(*fromFlag + uint64(i))
		if *logFlag {
			plan.Log = func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
		}
		res := Run(t, plan, Hooks{})
		hours += res.Trouble + res.Calm
		if len(res.Breaches) > 0 {
			t.Errorf("%s\n  %d breaches, the first: %s", plan, len(res.Breaches), res.Breaches[0])
		}
		if testing.Verbose() {
			t.Logf("seed %d: trouble %s calm %s converged %s passes %d acts %d", plan.Seed, res.Trouble, res.Calm, res.Converged, res.Passes, res.Acts)
		}
	}
	took := time.Since(begun)
	t.Logf("%d seeds in %s; %.0f simulated hours/s", *seedsFlag, took, hours.Hours()/took.Seconds())
}
