package failover

import (
	"testing"
	"time"
)

func TestASpreadKnowsItsQuantiles(t *testing.T) {
	s := Spread{}.with(stageNow, samples(19, time.Minute)...)
	if q, ok := s.Quantile(0.5); ok {
		t.Errorf("19 samples say %s, and are too few", q)
	}
	s = s.with(stageNow, 3*time.Minute)
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0.5, time.Minute}, {0.95, time.Minute}, {0.99, 3 * time.Minute}} {
		got, ok := s.Quantile(c.q)
		if !ok || got < c.want || got > c.want*113/100 {
			t.Errorf("the quantile %v is %s (%v), want %s to within a bucket", c.q, got, ok, c.want)
		}
	}
}

func TestHowManySamplesFitIntoATime(t *testing.T) {
	s := Spread{}.with(stageNow, append(samples(15, time.Minute), samples(5, 3*time.Minute)...)...)
	for _, c := range []struct {
		d    time.Duration
		want float64
	}{{30 * time.Second, 0}, {2 * time.Minute, 0.75}, {5 * time.Minute, 1}} {
		if got, ok := s.within(c.d); !ok || got != c.want {
			t.Errorf("within %s are %v (%v), want %v", c.d, got, ok, c.want)
		}
	}
	if _, ok := (Spread{}).within(time.Minute); ok {
		t.Error("no sample says how many fit")
	}
}

func TestALearnedLimit(t *testing.T) {
	for _, c := range []struct {
		situation string
		spread    Spread
		low, high time.Duration
	}{
		{"nothing learned: what is configured", Spread{}, 3 * time.Minute, 3 * time.Minute},
		{"quick starts do not shorten it", Spread{}.with(stageNow, samples(40, 30*time.Second)...), 3 * time.Minute, 3 * time.Minute},
		{"slow ones make it 1.3 x their P99", Spread{}.with(stageNow, samples(40, 200*time.Second)...), 260 * time.Second, 295 * time.Second},
		{"at most three times what is configured", Spread{}.with(stageNow, samples(40, 30*time.Minute)...), 9 * time.Minute, 9 * time.Minute},
	} {
		t.Run(c.situation, func(t *testing.T) {
			if got := c.spread.limit(3 * time.Minute); got < c.low || got > c.high {
				t.Errorf("the limit is %s, want %s to %s", got, c.low, c.high)
			}
		})
	}
}

func TestCoverStartsAsTheOwnerUntilItsOwnStartsAreKnown(t *testing.T) {
	owner := Spread{}.with(stageNow, samples(40, 4*time.Minute)...)
	few, many := Spread{}.with(stageNow, samples(5, time.Minute)...), Spread{}.with(stageNow, samples(40, time.Minute)...)
	if got := few.or(owner).limit(3 * time.Minute); got < 5*time.Minute {
		t.Errorf("with five starts of its own the limit is %s, want 1.3 x the owner's four minutes", got)
	}
	if got := many.or(owner).limit(3 * time.Minute); got != 3*time.Minute {
		t.Errorf("with forty starts of its own the limit is %s, want what is configured", got)
	}
}

// TestOneIncidentIsForgotten is case M19: ten-minute starts once, then a year of 90 s starts.
func TestOneIncidentIsForgotten(t *testing.T) {
	at := stageNow
	s := Spread{}.with(at, samples(40, 10*time.Minute)...)
	if got := s.limit(3 * time.Minute); got != 9*time.Minute {
		t.Fatalf("the limit after the incident is %s, want 9m", got)
	}
	for range 52 {
		at = at.Add(7 * 24 * time.Hour)
		s = s.with(at, samples(20, 90*time.Second)...)
	}
	equal(t, "the limit a year later", s.limit(3*time.Minute), 3*time.Minute)
}

func TestWhatALookTeaches(t *testing.T) {
	p := stagePolicy()
	lookAfter := func(gap *Gap, reclaimed, failed time.Time, based bool, tasks ...[]Task) PoolSeen {
		s := stageState()
		s.Seen.Pools[0].ReclaimsAt = reclaimed
		po := PoolObservation{Pool: "spot", Desired: 20, HealthBased: based}
		po.list(tasks...)
		o := Observation{At: stageNow, Pools: []PoolObservation{po, {Pool: "standard"}}}
		k := knownOf(new(Room), &p, &s, &o, nil, make([]Tally, 2))[0]
		return learnPool(&p, s.Seen.Pools[0], &po, &k, stageNow, gap, failed)
	}
	look := func(gap, based bool, tasks ...[]Task) PoolSeen {
		if gap {
			return lookAfter(&Gap{Since: ago(time.Hour)}, time.Time{}, time.Time{}, based, tasks...)
		}
		return lookAfter(nil, time.Time{}, time.Time{}, based, tasks...)
	}
	slow := &Gap{Since: ago(10 * time.Second)}                        // begun by the starts themselves: the demand rose
	fresh := stageTasks("f", 3, Running, HealthReady, 20*time.Second) // started since the last look, a minute ago
	old := stageTasks("o", 17, Running, HealthReady, time.Hour)
	for _, c := range []struct {
		situation          string
		seen               PoolSeen
		start, warm, serve float64
		notYet             int
		whole              bool
	}{
		{"three starts are seen", look(false, false, old, fresh), 3, 0, 3, 0, true},
		{"in a gap they count where they had the pool to themselves", look(true, false, old, fresh), 3, 0, 3, 0, true},
		{"in a gap that misses more they say nothing of the normal case, and how long cover takes", look(true, false, old[:10], fresh), 0, 0, 3, 0, false},
		{"slow starts that began the gap themselves count", lookAfter(slow, time.Time{}, time.Time{}, false, old[:10], fresh), 3, 0, 3, 0, false},
		{"not after an interruption", lookAfter(slow, ago(time.Minute), time.Time{}, false, old[:10], fresh), 0, 0, 3, 0, false},
		{"nor where Spot had no room", lookAfter(slow, time.Time{}, ago(time.Minute), false, old[:10], fresh), 0, 0, 3, 0, false},
		{"health says how long they warmed up", look(false, true, old, fresh), 3, 3, 3, 0, true},
		{"one that is not ready is waited for", look(false, true, old, stageTasks("f", 3, Running, HealthNotReady, 20*time.Second)), 3, 0, 0, 3, false},
		{"one that is stuck counts at its age, once", look(false, false, old, stageTasks("p", 1, Placed, "", 200*time.Second)), 1, 0, 0, 0, false},
	} {
		t.Run(c.situation, func(t *testing.T) {
			equal(t, "the number of starts", c.seen.Start.total(), c.start)
			equal(t, "the number of warm-ups", c.seen.Warm.total(), c.warm)
			equal(t, "the number of times into service", c.seen.Serve.total(), c.serve)
			equal(t, "the number of tasks that are not in service yet", len(c.seen.NotYet), c.notYet)
			equal(t, "whether it is whole now", c.seen.WholeAt.Equal(stageNow), c.whole)
		})
	}
}

func TestWarnedTasksAreLearnedAsAMean(t *testing.T) {
	s := learnWarned(PoolSeen{}, 100*time.Second)
	equal(t, "after one task", s.WarnedSeconds, 100)
	for range 40 {
		s = learnWarned(s, 0)
	}
	if s.WarnedSeconds >= worksOn.Seconds() || s.WarnedSeconds == 0 {
		t.Errorf("after forty that ended at once it is %v s, want little and not 0, which is unknown", s.WarnedSeconds)
	}
}
