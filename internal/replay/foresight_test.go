package replay

import (
	"math"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// forecaster is a forecast that has seen so many weeks with an incident of size tasks in each of Monday's tenth hour.
func forecaster(weeks, size int, usd float64) *foresight {
	s := &sim{run: &Run{World: World{Stop: EndsAtSIGTERM}.defaults(), Prices: ArticlePrices()}, demand: 100, pools: []*pool{{capacity: failover.Spot}, {capacity: failover.OnDemand}}}
	f := &foresight{law: &law{s: s}, usdPerMinute: usd}
	for w := range weeks {
		s.now = time.Duration(w)*7*24*time.Hour + 9*time.Hour + 30*time.Minute
		f.learn(make([]notice, 0))
		lost := make([]notice, size)
		for i := range lost {
			lost[i].sig.Kind = failover.SignalInterruption
		}
		f.learn(lost)
	}
	s.now = time.Duration(weeks) * 7 * 24 * time.Hour
	f.learn(nil)
	return f
}

func TestAForecastIsShrunkTowardsTheMeanWithLittleData(t *testing.T) {
	at := func(f *foresight, hour int) float64 {
		f.s.now = f.s.now.Truncate(7*24*time.Hour) + time.Duration(hour)*time.Hour + time.Minute
		return f.rate()
	}
	mean := 1.0 / (7 * 24)
	young, old := forecaster(1, 20, 1), forecaster(20, 20, 1)
	if one, many := at(young, 9), at(old, 9); one > 0.25 || many < 0.8 {
		t.Errorf("an hour in which something was lost every week has the rate %.2f after one week and %.2f after twenty", one, many)
	}
	if one, many := at(young, 15), at(old, 15); one < 0.7*mean || many > 0.3*mean {
		t.Errorf("a quiet hour has the rate %.4f after one week and %.4f after twenty; the mean is %.4f", one, many, mean)
	}
	if none := (&foresight{law: &law{s: young.s}}).rate(); none != 0 {
		t.Errorf("without history the rate is %v", none)
	}
}

func TestCoverIsWarmOnlyWhereItIsWorthItsPrice(t *testing.T) {
	bad := func(f *foresight) int {
		f.s.now = f.s.now.Truncate(7*24*time.Hour) + 9*time.Hour + time.Minute
		return f.warm()
	}
	// A rate of 0.83 an hour times 1.5 minutes is worth $0.31 at $0.25 a task-minute, more than the hour at $0.268, and $0.12 at $0.1.
	if k := bad(forecaster(20, 20, 0.25)); k != 20 {
		t.Errorf("all of an incident's 20 tasks are worth keeping warm, and %d are", k)
	}
	if k := bad(forecaster(20, 20, 0.1)); k != 0 {
		t.Errorf("at a tenth of a dollar nothing is worth it, and %d are", k)
	}
	f := forecaster(20, 20, 0.25)
	f.s.run.World.Stop = UsesWarning
	if k := bad(f); k != 0 {
		t.Errorf("tasks that work through the warning need nothing warm, and %d are", k)
	}
}

func TestForesightIsFillWhereTheWarningIsUsed(t *testing.T) {
	tr, err := trace.Generate("partial", trace.Shape{Tasks: 40, Days: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	cost := map[string]Result{}
	for _, name := range []string{"fill", RivalForesightX, RivalPeak, RivalArticle} {
		p, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, stop := range []Stop{UsesWarning, EndsAtSIGTERM} {
			r, err := Simulate(Run{Trace: tr, Policy: p, Tasks: 40, Seed: 1, World: World{Stop: stop}, Check: true})
			if err != nil || len(r.Violations) > 0 {
				t.Fatalf("%s: %v %v", name, err, r.Violations)
			}
			cost[name+"/"+string(stop)] = r
		}
	}
	if a, b := cost["fill/uses-warning"], cost[RivalForesightX+"/uses-warning"]; math.Abs(a.CostUSD-b.CostUSD) > 1e-9 || a.ShortMinutes != b.ShortMinutes {
		t.Errorf("where the warning is used fill costs %v and foresight %v", a.CostUSD, b.CostUSD)
	}
	if a, b := cost["fill/ends-at-sigterm"], cost[RivalForesightX+"/ends-at-sigterm"]; b.CostUSD <= a.CostUSD || b.ShortMinutes >= a.ShortMinutes {
		t.Errorf("warm cover costs more and leaves less short: fill %v/%v, foresight %v/%v", a.CostUSD, a.ShortMinutes, b.CostUSD, b.ShortMinutes)
	}
	if a, b := cost[RivalArticle+"/uses-warning"], cost[RivalPeak+"/uses-warning"]; b.Failovers < a.Failovers {
		t.Errorf("the article's next step switches more often, not %d instead of %d times", b.Failovers, a.Failovers)
	}
}
