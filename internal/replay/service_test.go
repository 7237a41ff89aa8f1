package replay

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// warming is the exact world with a warm-up of 60 s.
func warming(stop Stop) World {
	w := exact
	w.Stop, w.WarmUp = stop, ecsim.WarmUp{P50: time.Minute}
	return w
}

// Spot has nothing for half an hour and nothing covers ten tasks. They are RUNNING again at +1895 s and in service at +1955 s.
func TestAShortageWithAWarmUpToTheSecond(t *testing.T) {
	for _, c := range []struct {
		world    Stop
		gap, ran float64 // in service, and RUNNING
	}{{UsesWarning, 1955 - 120, 1895 - 120}, {EndsAtSIGTERM, 1955, 1895}, {Unwarned, 1955, 1895}, {Drained, 1955, 1895 - 120}} {
		r := simulate(t, Run{Trace: parse(t, halfAnHour), Policy: policy(t, RivalSpot), World: warming(c.world), Tasks: 10})
		name := string(c.world)
		near(t, name+": task-seconds out of service", r.ShortMinutes*60, 10*c.gap, 0.001)
		near(t, name+": the longest gap", r.LongestGap, c.gap, 0.001)
		near(t, name+": seconds short of each", r.ShortEach, c.gap, 0.001)
		near(t, name+": seconds of each not RUNNING", r.RunningShortEach, c.ran, 0.001)
		near(t, name+": recovery", r.RecoveryP50, 1955, 0.001)
		near(t, name+": recovery of RUNNING", r.RunningRecoveryP50, 1895, 0.001)
		if r.ReturnPer1000 != 0 || r.ReturnMin != 1 || r.LostServing != 10 {
			t.Errorf("%s: nothing was stopped by us, and that gives %v and %v; %d were lost in service", name, r.ReturnPer1000, r.ReturnMin, r.LostServing)
		}
	}
}

// Under fill the cover is RUNNING at +92.3 s and in service at +152.3 s, so each task is missing for 152.3 s, or for 32.3 s where a warned
// one serves to its end. Nothing is given back before what replaces it serves, whichever tasks a scale-in takes.
func TestFillGivesNothingBackThatServes(t *testing.T) {
	for _, stop := range []Stop{UsesWarning, EndsAtSIGTERM, Drained} {
		for _, pick := range []ecsim.ScaleInPick{ecsim.PickServingFirst, ecsim.PickRandom, ecsim.PickStartingFirst} {
			w := warming(stop)
			w.ScaleIn = pick
			r := simulate(t, Run{Trace: parse(t, halfAnHour), Policy: policy(t, failover.PresetFill), World: w, Tasks: 10})
			name := fmt.Sprintf("%s, order %d", stop, pick)
			want := 152.3
			if stop == UsesWarning {
				want -= 120
			}
			near(t, name+": seconds short of each", r.ShortEach, want, 0.01)
			if r.ReturnPer1000 != 0 || r.ReturnMin != 1 {
				t.Errorf("%s: our own stops took %.3f task-minutes per 1,000 task-hours, down to %.3f", name, r.ReturnPer1000, r.ReturnMin)
			}
			if r.PeakRatio > 2 || r.PeakMissing != 10 || r.PeakAsked < 10 {
				t.Errorf("%s: at most %d of %d missing were asked for (%.2f)", name, r.PeakAsked, r.PeakMissing, r.PeakRatio)
			}
		}
	}
}

// The article's rule stops on-demand when Spot runs, and a warm-up later Spot serves: the whole demand is missing by its own doing.
func TestAReturnOnRunningIsPutDownToOurOwnStops(t *testing.T) {
	r := simulate(t, Run{Trace: parse(t, "seconds,spot\n0,inf\n3600,0\n5400,inf\n14400,inf\n"), Policy: policy(t, RivalSpotHedgeW), World: warming(UsesWarning), Tasks: 20})
	if r.ReturnMin > 0.2 || r.ReturnPer1000 <= 0 {
		t.Errorf("a return on RUNNING took the demand down to %.2f of it and left %.3f short", r.ReturnMin, r.ReturnPer1000)
	}
	if r.ReturnPer1000 >= r.ShortPer1000 {
		t.Errorf("%.3f of %.3f short are of our own stops: the losses must have their part", r.ReturnPer1000, r.ShortPer1000)
	}
}

// The books by hand: of ten, three are lost, two cover tasks come, we stop four, Spot brings one, the demand falls by two.
func TestTheBooksSayWhoseDoingAShortageIs(t *testing.T) {
	b := newBooks(2)
	spot, cover := move{spot: true, serving: 10}, move{}
	turn := func(demand int) { b.turn(demand, []move{spot, cover}) }
	hold := func(of ...int) {
		t.Helper()
		if got := [accounts]int(of); b.owed != got {
			t.Fatalf("the accounts are %v, want %v (lost, ours, risen)", b.owed, got)
		}
	}
	turn(10)
	hold(0, 0, 0)
	spot.serving, spot.left.Interrupted = 7, 3
	turn(10)
	hold(3, 0, 0)
	cover.serving = 2
	turn(10)
	hold(1, 0, 0)
	spot.serving, spot.left.Stopped = 3, 4
	turn(10)
	hold(1, 4, 0)
	spot.serving = 4
	turn(10)
	hold(1, 3, 0)
	turn(12)
	hold(1, 3, 2)
	turn(9)
	hold(0, 3, 0) // what was lost is owed for longest
	cover.serving = 3
	turn(9)
	hold(0, 2, 0)
	spot.serving, cover.serving, cover.left.Stopped = 9, 0, 3 // what comes at once stands for what goes
	turn(9)
	hold(0, 0, 0)
	near(t, "the least by our own doing", b.least, 0.6, 1e-9)
}

// The oracle of half an hour without Spot, each task in service a minute after RUNNING. In W1 the on-demand task must serve at +120 s, so
// it is billed from -12 s; in WD at 0, so from -132 s, while the Spot task is billed until +140 s all the same.
func TestTheOracleKnowsTheWarmUpAndTheDrain(t *testing.T) {
	for _, c := range []struct {
		world       Stop
		works, ends float64
	}{{UsesWarning, 120, 120}, {EndsAtSIGTERM, 0, 0}, {Drained, 0, 120}} {
		o := Oracle(Run{Trace: parse(t, halfAnHour), World: warming(c.world), Tasks: 10})
		name := string(c.world)
		near(t, name+": on-demand seconds", o.CoverHours*3600, 10*(1800+150+22-(c.works-132)), 0.001)
		near(t, name+": Spot seconds", o.SpotHours*3600, 10*(3600+c.ends+20+7200-1818), 0.001)
	}
}

// In a world where everything takes exactly its time and the drained task is billed to its end, a run of fill costs what the oracle does
// but for the delays, the surplus and what is short.
func TestFillNeverBeatsTheOracleByMoreThanItLeavesShort(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine's work: the race detector sees nothing in it, and the run without it has it")
	}
	tr, err := trace.Generate("partial", trace.Shape{Days: 3, Seed: 1, Tasks: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range Stops() {
		for _, w := range []World{{Stop: stop}, warming(stop)} {
			run := Run{Trace: tr, Policy: policy(t, failover.PresetFill), Tasks: 40, Seed: 1, World: w}
			o, r := Oracle(run), simulate(t, run)
			short := r.ShortMinutes / 60 * ArticlePrices().OnDemand
			if r.CostUSD+short < o.CostUSD || r.CostUSD > 1.05*o.CostUSD || math.IsNaN(r.CostUSD) {
				t.Errorf("%s: fill costs %.2f and leaves %.2f worth short, the oracle costs %.2f", stop, r.CostUSD, short, o.CostUSD)
			}
		}
	}
}
