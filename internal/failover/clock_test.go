package failover

import (
	"testing"
	"time"
)

// TestAClockThatJumpsBackFreezesNothing: no moment of the state stays in the future, but that of a hold-off, which is bounded.
func TestAClockThatJumpsBackFreezesNothing(t *testing.T) {
	p, s := stagePolicy(), stageState()
	ahead := stageNow.Add(24 * time.Hour)
	s.Seen.At = ahead
	s.Gap = &Gap{Since: ahead, FellAt: ahead, RoseAt: ahead, Demand: 20, Kept: 20}
	s.Failovers = []time.Time{ago(time.Hour), ahead}
	s.DemandLog = []DemandChange{{At: ahead, From: 10, To: 20}}
	s.Window = []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "t", At: ahead}}
	s.Seen.Forecast = &Forecast{Since: ahead, Last: ahead}
	s.Pools[0].B = Breaker{Mode: Open, Since: ahead, TrippedAt: ahead, NotBefore: ahead}
	s.Pools[1].ReleasedAt, s.Pools[1].RefusedSince = ahead, ahead
	s.Pools[1].Failing = &Failing{Since: ahead}
	s.Pin = &Pin{Mode: ModeSpot, Since: ahead, Until: ahead}
	s.Pools[1].Asked = &Asked{Count: 3, At: ahead, Old: []OldCount{{Count: 1, At: ahead}}}
	given := s

	s, note := prepared(new(result), &p, s, &Observation{At: stageNow, Pools: []PoolObservation{{}, {}}}, false)
	if note == nil || note.Reason != ReasonClock || !note.Until.Equal(ahead) {
		t.Errorf("it is said %+v", note)
	}
	for what, at := range map[string]time.Time{
		"the last look": s.Seen.At, "the gap": s.Gap.Since, "a fall": s.Gap.FellAt, "a rise": s.Gap.RoseAt, "a failover": s.Failovers[1],
		"evidence": s.Window[0].At, "a loss": s.Seen.Forecast.Last, "the breaker": s.Pools[0].B.TrippedAt, "a release": s.Pools[1].ReleasedAt,
		"a failing release": s.Pools[1].Failing.Since, "a refusal": s.Pools[1].RefusedSince, "our count": s.Pools[1].Asked.At, "an older count": s.Pools[1].Asked.Old[0].At,
	} {
		equal(t, what, at, stageNow)
	}
	equal(t, "the end of an order", s.Pin.Until, ahead)
	equal(t, "an older failover", s.Failovers[0], ago(time.Hour))
	equal(t, "the end of the hold-off", s.Pools[0].B.NotBefore, stageNow.Add(p.Switch.HoldOffMax))
	equal(t, "the number of remembered changes of demand", len(s.DemandLog), 0)
	if !given.Window[0].At.Equal(ahead) || !given.Pools[1].Asked.Old[0].At.Equal(ahead) || !given.Gap.Since.Equal(ahead) {
		t.Error("the given state was changed")
	}
}

// TestOrdersEnd: a pin and a pause end by AWS's clock, and not by a guessed one.
func TestOrdersEnd(t *testing.T) {
	for _, dark := range []bool{false, true} {
		p, s := stagePolicy(), stageState()
		s.Pin, s.Pause = &Pin{Mode: ModeSpot, Until: stageNow}, &Pause{Until: stageNow.Add(time.Second)}
		s, _ = prepared(new(result), &p, s, &Observation{At: stageNow}, dark)
		if (s.Pin != nil) != dark || s.Pause == nil {
			t.Errorf("dark %v: pin %v, pause %v", dark, s.Pin, s.Pause)
		}
		s, _ = prepared(new(result), &p, s, &Observation{At: stageNow.Add(time.Minute)}, dark)
		if (s.Pause != nil) != dark {
			t.Errorf("dark %v, a minute later: pause %v", dark, s.Pause)
		}
	}
}

// TestObservationInAnotherOrder: pools are found by name, and one that is not there could not be read.
func TestObservationInAnotherOrder(t *testing.T) {
	p := stagePolicy()
	o := inOrder(&p, &Observation{At: stageNow, Pools: []PoolObservation{{Pool: "standard", Desired: 3}}})
	if o.Pools[0].Pool != "spot" || o.Pools[0].Err != ErrUnknown || o.Pools[1].Desired != 3 || o.At != stageNow {
		t.Errorf("in the policy's order: %+v", o.Pools)
	}
}
