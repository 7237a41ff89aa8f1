package failover

import (
	"testing"
	"time"
)

// mondays is a history of five weeks in which every Monday at 12:10 an incident took three tasks. stageNow is a Monday's noon.
func mondays() *Forecast {
	f := (&Forecast{Since: ago(5 * 7 * 24 * time.Hour)}).own()
	for week := 5; week > 0; week-- {
		for n := range 3 {
			f.lose(ago(time.Duration(week)*7*24*time.Hour - 10*time.Minute - time.Duration(n)*time.Second))
		}
	}
	return f
}

func TestForecastKeepsTasksWarmWhileTheyAreWorthIt(t *testing.T) {
	long := (&Forecast{Since: ago(5 * 7 * 24 * time.Hour)}).own()
	burst := mondays()
	burst.lose(ago(10 * time.Hour))
	burst.lose(ago(10*time.Hour - 5*time.Minute))
	for _, c := range []struct {
		situation string
		f         *Forecast
		at        time.Time
		most      int
		usd       float64
		want      int
	}{
		{"without a loss none", long, stageNow, 10, 100, 0},
		{"at the hour at which losses come as many as they take", mondays(), stageNow, 10, 1, 3},
		{"at most so many", mondays(), stageNow, 2, 1, 2},
		{"for too little money none", mondays(), stageNow, 10, 0.1, 0},
		{"at another hour none", mondays(), stageNow.Add(5 * time.Hour), 10, 1, 0},
		{"soon after an incident another one may come", burst, ago(10*time.Hour - 10*time.Minute), 10, 1, 3},
		{"later not", burst, ago(9 * time.Hour), 10, 1, 0},
		{"before it was watched nothing is known", mondays(), ago(6 * 7 * 24 * time.Hour), 10, 1, 0},
	} {
		if got := c.f.warm(c.at, c.most, c.usd, 0.25, 90*time.Second); got != c.want {
			t.Errorf("%s: %d tasks are kept warm, want %d", c.situation, got, c.want)
		}
	}
}

func TestForecastChangesWithTheHourAndTheEndOfABurst(t *testing.T) {
	f := mondays()
	equal(t, "the next change in the quiet", f.changes(stageNow.Add(20*time.Minute)), stageNow.Add(time.Hour))
	f.lose(stageNow.Add(10 * time.Minute))
	equal(t, "the next change after a loss", f.changes(stageNow.Add(20*time.Minute)), stageNow.Add(25*time.Minute))
	equal(t, "and when the hour ends first", f.changes(stageNow.Add(10*time.Minute).Add(50*time.Minute)), stageNow.Add(2*time.Hour))
}

func TestForecastForgets(t *testing.T) {
	f := (&Forecast{Since: ago(forecastMemory - time.Hour)}).own()
	f.lose(ago(2 * time.Hour))
	equal(t, "the incidents of less than half a year", f.Incidents, 1)
	f.lose(stageNow.Add(time.Hour))
	equal(t, "the incidents, the older ones halved", f.Incidents, 1.5)
	equal(t, "the time they were watched for", stageNow.Add(time.Hour).Sub(f.Since), forecastMemory/2)
	for n := range 2 * sizesMax {
		f.lose(stageNow.Add(time.Duration(n+2) * time.Hour))
	}
	equal(t, "the number of sizes", len(f.Sizes), sizesMax)
}

func TestAhead(t *testing.T) {
	for _, c := range []struct {
		situation string
		edit      func(p *Policy, s *State, known []Known, fails []*Failing)
		want      int
	}{
		{"none is kept by default", func(*Policy, *State, []Known, []*Failing) {}, 0},
		{"a number that stands is kept", func(p *Policy, _ *State, _ []Known, _ []*Failing) { p.Extra = 2 }, 2},
		{"never more than are wanted", func(p *Policy, s *State, _ []Known, _ []*Failing) { p.Extra, s.Demand = 5, 3 }, 3},
		{"nor for a workload that wants none", func(p *Policy, s *State, _ []Known, _ []*Failing) { p.Extra, s.Demand = 5, 0 }, 0},
		{"nor than on-demand may have", func(p *Policy, _ *State, _ []Known, _ []*Failing) { p.Extra, p.OnDemandMax = 5, 4 }, 4},
		{"the forecast keeps what is worth its price", func(p *Policy, s *State, _ []Known, _ []*Failing) {
			p.ForesightUSD, s.Seen.Forecast = 1, mondays()
		}, 3},
		{"not where a start is quicker than the warning", func(p *Policy, s *State, _ []Known, _ []*Failing) {
			p.ForesightUSD, s.Seen.Forecast = 1, mondays()
			s.Seen.Pools[0].WarnedSeconds = 118
			s.Seen.Pools[1].Serve = s.Seen.Pools[1].Serve.with(stageNow, samples(40, 60*time.Second)...)
		}, 0},
		{"a pool that is not read stays as it is", func(p *Policy, s *State, known []Known, _ []*Failing) {
			p.Extra, s.Pools[1].Warm, known[1].Sight = 2, 7, Told
		}, 7},
		{"a pool that is gone keeps none", func(p *Policy, _ *State, known []Known, _ []*Failing) { p.Extra, known[1].Sight = 2, Gone }, 0},
		{"tasks of a release that fails help nobody", func(p *Policy, _ *State, _ []Known, fails []*Failing) { p.Extra, fails[1] = 2, &Failing{} }, 0},
	} {
		p, s, known, fails := stagePolicy(), stageState(), make([]Known, 2), make([]*Failing, 2)
		c.edit(&p, &s, known, fails)
		warm, next := ahead(new(Room), &p, &s, known, fails, stageNow)
		if warm[0] != 0 || warm[1] != c.want {
			t.Errorf("%s: %v are kept warm, want %d on-demand", c.situation, warm, c.want)
		}
		if changes := p.ForesightUSD > 0; next.IsZero() == changes {
			t.Errorf("%s: it changes at %v", c.situation, next)
		}
	}
}
