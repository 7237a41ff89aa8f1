package failover

import (
	"strings"
	"testing"
	"time"
)

// TestRefusedOrders: an order that cannot be meant changes nothing and says why.
func TestRefusedOrders(t *testing.T) {
	at := Intent{At: stageNow}
	with := func(edit func(*Intent)) Intent { in := at; edit(&in); return in }
	for _, c := range []struct {
		situation string
		in        Intent
		edit      func(*Policy, *State)
		says      string
	}{
		{"an order of no time", Intent{Kind: IntentPause}, nil, "no time"},
		{"an end before the start", with(func(in *Intent) { in.Kind, in.Until = IntentPause, ago(time.Second) }), nil, "is not after its start"},
		{"an order that is unknown", with(func(in *Intent) { in.Kind = "explode" }), nil, `unknown kind "explode"`},
		{"a pin to no mode", with(func(in *Intent) { in.Kind, in.Mode = IntentPin, ModeMixed }), nil, `"mixed" is not one of spot, on_demand`},
		{"the end of a pin that is not set", with(func(in *Intent) { in.Kind = IntentUnpin }), nil, "is not pinned"},
		{"the end of a pause that is not set", with(func(in *Intent) { in.Kind = IntentResume }), nil, "is not paused"},
		{"a demand below 0", with(func(in *Intent) { in.Kind, in.Demand = IntentDemand, -1 }), nil, "is not within 0..10000"},
		{"a demand beyond all services", with(func(in *Intent) { in.Kind, in.Demand = IntentDemand, 10001 }), nil, "is not within 0..10000"},
		{"a demand of what was never seen", with(func(in *Intent) { in.Kind, in.Demand = IntentDemand, 5 }), func(_ *Policy, s *State) { s.DemandSet = false }, "was never observed"},
		{"a restore of what is not failed over", with(func(in *Intent) { in.Kind = IntentRestore }), nil, "no pool is failed over"},
		{"a restore of what returns", with(func(in *Intent) { in.Kind = IntentRestore }), func(_ *Policy, s *State) { s.Pools[0].B.Mode = HalfOpen }, "on its way back already"},
		{"a failover without on-demand", with(func(in *Intent) { in.Kind = IntentFailover }), func(p *Policy, _ *State) { p.Pools = p.Pools[:1] }, "no Spot pool with on-demand behind it"},
		{"a failover of a pool that is not there", with(func(in *Intent) { in.Kind, in.Pool = IntentFailover, "other" }), nil, "no Spot pool"},
	} {
		p, s := stagePolicy(), stageState()
		if c.edit != nil {
			c.edit(&p, &s)
		}
		after, err := Apply(p, s, c.in)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.situation, err, c.says)
		}
		if !SameState(s, after) {
			t.Errorf("%s: the state changed", c.situation)
		}
	}
}

func TestOrdersChangeTheState(t *testing.T) {
	p, s := stagePolicy(), stageState()
	order := func(in Intent) {
		t.Helper()
		in.At = stageNow
		next, err := Apply(p, s, in)
		if err != nil {
			t.Fatal(err)
		}
		s = next
	}
	order(Intent{Kind: IntentPin, Mode: ModeSpot, By: "op"})
	equal(t, "the pin", *s.Pin, Pin{Mode: ModeSpot, By: "op", Since: stageNow})
	order(Intent{Kind: IntentUnpin})
	order(Intent{Kind: IntentPause, Note: "look"})
	equal(t, "the pause", *s.Pause, Pause{Note: "look", Since: stageNow})
	order(Intent{Kind: IntentResume})
	if s.Pin != nil || s.Pause != nil {
		t.Errorf("pin %v and pause %v are left", s.Pin, s.Pause)
	}
	order(Intent{Kind: IntentConfirm})
	equal(t, "the confirmation", s.ConfirmedAt, stageNow)
	order(Intent{Kind: IntentFailover, Until: stageNow.Add(time.Hour)})
	if b := s.Pools[0].B; b.Mode != Open || !b.Manual || !b.Until.Equal(stageNow.Add(time.Hour)) || len(s.Failovers) != 1 {
		t.Errorf("failed over: %+v, %v", b, s.Failovers)
	}
	p.Demand = 9 // the demand has no owner now
	order(Intent{Kind: IntentDemand, Demand: 7})
	equal(t, "the demand that is set", s.DemandWanted, 7)
	equal(t, "the demand that is known", s.Demand, 20)
}

// TestRefusedCalls: since when all calls that would raise a pool have failed is kept until one does not.
func TestRefusedCalls(t *testing.T) {
	raise, lower := SetDesiredCount{Pool: "standard", Count: 5}, SetDesiredCount{Pool: "spot", Count: 5, From: 9}
	s := Refused(stageState(), []Action{StopTask{Pool: "spot"}, raise, lower}, ago(time.Minute))
	if s.Pools[0].RefusedSince != zeroTime || s.Pools[1].RefusedSince != ago(time.Minute) {
		t.Errorf("refused since %v and %v", s.Pools[0].RefusedSince, s.Pools[1].RefusedSince)
	}
	s = Refused(s, []Action{raise}, stageNow)
	equal(t, "after another refusal it is since", s.Pools[1].RefusedSince, ago(time.Minute))
	s.Pools[1].Asked = &Asked{Count: 5}
	done := Acted(s, []Action{raise})
	if !done.Pools[1].RefusedSince.IsZero() || !done.Pools[1].Asked.Done {
		t.Errorf("accepted: %+v", done.Pools[1])
	}
	if s.Pools[1].Asked.Done || s.Pools[1].RefusedSince.IsZero() {
		t.Errorf("the given state was changed: %+v", s.Pools[1])
	}
}
