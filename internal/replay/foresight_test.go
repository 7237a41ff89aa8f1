package replay

import (
	"math"
	"testing"

	"github.com/backstop-ecs/backstop/internal/trace"
)

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
	if a, b := cost["fill/uses-warning"], cost[RivalForesightX+"/uses-warning"]; math.Abs(a.CostUSD/b.CostUSD-1) > 1e-5 || a.ShortMinutes != b.ShortMinutes {
		t.Errorf("where the warning is used fill costs %v and foresight %v", a.CostUSD, b.CostUSD)
	}
	if a, b := cost["fill/ends-at-sigterm"], cost[RivalForesightX+"/ends-at-sigterm"]; b.CostUSD <= a.CostUSD || b.ShortMinutes >= a.ShortMinutes {
		t.Errorf("warm cover costs more and leaves less short: fill %v/%v, foresight %v/%v", a.CostUSD, a.ShortMinutes, b.CostUSD, b.ShortMinutes)
	}
	if a, b := cost[RivalArticle+"/uses-warning"], cost[RivalPeak+"/uses-warning"]; b.Failovers < a.Failovers {
		t.Errorf("the article's next step switches more often, not %d instead of %d times", b.Failovers, a.Failovers)
	}
}
