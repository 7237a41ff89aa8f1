package failover

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// monday is the first hour of a week.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// learned is a forecast that has seen so many weeks with an incident of size tasks in each of Monday's tenth hour, and the
// moment at which the next week begins.
func learned(weeks, size int) (*Forecast, time.Time) {
	f := (&Forecast{Since: monday}).own()
	for w := range weeks {
		at := monday.AddDate(0, 0, 7*w).Add(9*time.Hour + 30*time.Minute)
		for range size {
			f.lose(at)
		}
	}
	return f, monday.AddDate(0, 0, 7*weeks)
}

func TestAForecastIsShrunkTowardsTheMeanWithLittleData(t *testing.T) {
	young, one := learned(1, 20)
	old, twenty := learned(20, 20)
	if a, b := young.rate(one.Add(9*time.Hour)), old.rate(twenty.Add(9*time.Hour)); a > 0.25 || b < 0.8 {
		t.Errorf("an hour in which something was lost every week has the rate %.2f after one week and %.2f after twenty", a, b)
	}
	mean := 1.0 / hoursOfWeek
	if a, b := young.rate(one.Add(15*time.Hour)), old.rate(twenty.Add(15*time.Hour)); a < 0.6*mean || b > 0.3*mean {
		t.Errorf("a quiet hour has the rate %.4f after one week and %.4f after twenty; the mean is %.4f", a, b, mean)
	}
	if none := (&Forecast{Since: monday}).rate(twenty); none != 0 {
		t.Errorf("without history the rate is %v", none)
	}
}

func TestCoverIsWarmOnlyWhereItIsWorthItsPrice(t *testing.T) {
	f, next := learned(20, 20)
	bad := next.Add(9*time.Hour + time.Minute)
	// A rate of 0.83 an hour times 1.5 minutes is worth $0.31 at $0.25 a task-minute, more than the hour at $0.268, and $0.12 at $0.1.
	for _, c := range []struct {
		usd  float64
		gap  time.Duration
		most int
		want int
	}{{0.25, 90 * time.Second, 100, 20}, {0.25, 90 * time.Second, 7, 7}, {0.1, 90 * time.Second, 100, 0}, {0.25, 0, 100, 0}} {
		if k := f.warm(bad, c.most, c.usd, 0.268, c.gap); k != c.want {
			t.Errorf("at $%g a task-minute, a gap of %s and at most %d tasks %d are kept warm, not %d", c.usd, c.gap, c.most, k, c.want)
		}
	}
}

func TestAForecastKeepsRareLargeIncidentsApart(t *testing.T) {
	f := (&Forecast{Since: monday}).own()
	at := monday
	for i := range 20 {
		at = at.Add(time.Hour)
		size := 2
		if i%10 == 0 {
			size = 50
		}
		for k := range size {
			f.lose(at.Add(time.Duration(k) * time.Second))
		}
	}
	// Once an hour, 1.5 minutes at $0.5: $0.74 for each of the first two tasks, and a tenth of that for the others.
	if k := f.warm(at.Add(30*time.Minute), 100, 0.5, 0.268, 90*time.Second); k != 2 {
		t.Errorf("%d tasks are kept warm; only two are lost in most incidents", k)
	}
}

func TestALossSoonAfterAnotherIsMoreLikely(t *testing.T) {
	f, at := (&Forecast{Since: monday}).own(), monday
	for range 10 { // pairs, ten minutes apart, two a day
		at = at.Add(12 * time.Hour)
		f.lose(at)
		f.lose(at.Add(10 * time.Minute))
	}
	last := at.Add(10 * time.Minute)
	soon, then := f.rate(last.Add(time.Minute)), f.rate(last.Add(burstFor))
	if soon < 1 || then > soon/2 {
		t.Errorf("%.2f incidents an hour are expected a minute after one, and %.2f when the burst is over", soon, then)
	}
	if c := f.changes(last.Add(time.Minute)); !c.Equal(last.Add(burstFor)) {
		t.Errorf("the rate changes at %s, not when the burst is over", c)
	}
}

func TestAForecastForgetsAndIsBounded(t *testing.T) {
	f, at := (&Forecast{Since: monday}).own(), monday
	for range 3 * 365 {
		at = at.AddDate(0, 0, 1)
		f.lose(at)
	}
	if len(f.Sizes) > sizesMax || len(f.Hours) != hoursOfWeek || at.Sub(f.Since) > forecastMemory {
		t.Errorf("%d sizes, %d hours, since %s", len(f.Sizes), len(f.Hours), f.Since)
	}
	if rate := f.Incidents / at.Sub(f.Since).Hours() * 24; math.Abs(rate-1) > 0.02 {
		t.Errorf("one incident a day is remembered as %.3f", rate)
	}
	text, err := json.Marshal(f)
	if err != nil || len(text) > 4096 {
		t.Errorf("it takes %d bytes (%v)", len(text), err)
	}
}

// forewarned is a lab whose workload has lost twenty tasks in this hour of twenty weeks.
func forewarned(t *testing.T, usd float64) *lab {
	l := newLab(t, PresetFill, 100, func(p *Policy) { p.ForesightUSD = usd })
	f, next := learned(20, 20)
	l.s.Forecast = f
	l.now = next.Add(8*time.Hour + 30*time.Minute)
	l.pass()
	return l
}

func TestCoverIsWarmBeforeTheHourOfLossesAndGoesAfterIt(t *testing.T) {
	l := forewarned(t, 0.25)
	l.want(ReasonSteady, 100, 0)
	l.advance(30 * time.Minute)
	d := l.pass()
	l.want(ReasonForesight, 100, 20)
	l.finds(ReasonForesight)
	if d.Mode != ModeSpot || len(d.Notices) > 0 || d.Pools[1].Warm != 20 {
		t.Errorf("mode %s, notices %v, %d warm: what is only kept warm is no failover", d.Mode, d.Notices, d.Pools[1].Warm)
	}
	if !strings.Contains(d.Findings[0].Text(), "worth keeping warm until 10:00:00") || d.LookAgain.Hour() != 10 {
		t.Errorf("%q; it looks again at %s", d.Findings[0].Text(), d.LookAgain)
	}
	l.run("standard", 20, 0)
	l.advance(time.Minute)
	l.pass()
	l.want(ReasonForesight, 100, 20) // nothing to do, and it says why they are there

	l.interrupt("spot", 15)
	if d = l.pass(); len(d.Actions) > 0 || d.Shortfall > 0 {
		t.Errorf("fifteen losses are covered by warm tasks: %v, %d short", d.Actions, d.Shortfall)
	}
	if d.Mode != ModeMixed {
		t.Errorf("mode %s while warm tasks cover a loss", d.Mode)
	}
	l.run("spot", 15, 0)
	l.advance(time.Hour)
	if d = l.pass(); len(d.Actions) != 1 || d.Reason != ReasonForesight {
		t.Errorf("after the hour: %v because of %s", d.Actions, d.Reason)
	}
	l.want(ReasonForesight, 100, 0)
}

func TestNothingIsWarmUnlessThePolicyPaysForIt(t *testing.T) {
	l := forewarned(t, 0)
	l.advance(30 * time.Minute)
	l.pass()
	l.want(ReasonSteady, 100, 0)
	if l.s.Forecast.Incidents != 20 {
		t.Errorf("it has learned of %v incidents all the same, not 20", l.s.Forecast.Incidents)
	}
}

func TestGuardsHoldWhatIsKeptWarm(t *testing.T) {
	l := forewarned(t, 0.25)
	l.p.OnDemandMax = 5
	l.advance(30 * time.Minute)
	l.pass()
	l.want(ReasonForesight, 100, 5)
	l.pool("standard").desired = 12 // somebody else
	l.run("standard", 12, time.Hour)
	l.advance(time.Minute)
	l.pass()
	if n := l.pool("standard").desired; n != 5 {
		t.Errorf("%d tasks are kept warm, on_demand_max is 5", n)
	}

	l = forewarned(t, 0.25)
	l.drop("spot", 5)
	l.fail("spot", 5)
	l.advance(30 * time.Minute)
	l.fail("spot", 5)
	l.pass()
	l.finds(ReasonApplicationFailing)
	if n := l.pool("standard").desired; n != 0 {
		t.Errorf("%d tasks of a release that fails are kept warm", n)
	}
}

func TestAForecastIsLearnedFromDistinctLossesOfSpot(t *testing.T) {
	l := newLab(t, PresetFill, 50)
	l.interrupt("spot", 10)
	twice := append([]Signal(nil), l.signals...)
	l.pass()
	l.signals = twice // they come again
	l.advance(time.Second)
	l.pass()
	if f := l.s.Forecast; f.Incidents != 1 || len(f.Sizes) != 1 || f.Sizes[0] != 10 || !f.Since.Equal(epoch) {
		t.Errorf("%+v", f)
	}
}
