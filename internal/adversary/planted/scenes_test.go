// Package planted plays the scenes of package adversary, and plants bugs in the law to see that they break a promise of a scene.
package planted

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/adversary"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

var (
	caseFlag  = flag.String("case", "", "play the scenes of this case only")
	seedsFlag = flag.Int("seeds", 2, "how many seeds to play each scene with")
	fromFlag  = flag.Uint64("from", 1, "the first seed")
	logFlag   = flag.Bool("log", false, "print every pass")
)

// gcPercent trades memory, of which a bubble uses little, for time; memoryLimit is how much at most, in bytes.
const (
	gcPercent   = 1000
	memoryLimit = 512 << 20
)

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(m.Run())
}

// awaited are scenes whose defects are known and not repaired yet.
var awaited = map[string]string{}

// racedShare is which part of the scenes is played under the race detector, with one seed each: it takes ten times as long there, and
// the goroutines are the same in all of them.
const racedShare = 6

// TestScenes plays every case: the promises that its user has must hold.
func TestScenes(t *testing.T) {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	seeds := uint64(*seedsFlag)
	if racetest.Enabled {
		seeds = min(seeds, 1)
	}
	for i, c := range adversary.Scenes() {
		if *caseFlag != "" && c.Case != *caseFlag || racetest.Enabled && *caseFlag == "" && i%racedShare != 0 {
			continue
		}
		t.Run(fmt.Sprintf("%s %d", c.Case, i), func(t *testing.T) {
			t.Parallel()
			if why := awaited[c.Case]; why != "" && *caseFlag == "" {
				t.Skip(why)
			}
			for n := range seeds {
				slots <- struct{}{}
				begun := time.Now()
				plan := c.Plan(*fromFlag + n)
				if *logFlag {
					plan.Log = func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
				}
				res := adversary.Run(t, plan, adversary.Hooks{})
				<-slots
				for k, b := range res.Breaches {
					if k < 3 {
						t.Errorf("%s, seed %d: %s", c.Name, plan.Seed, b)
					}
				}
				if took := time.Since(begun); took > 2*time.Second && testing.Verbose() {
					t.Logf("%s, seed %d: %s for %s", c.Name, plan.Seed, took.Round(time.Millisecond), res.Trouble)
				}
			}
		})
	}
}
