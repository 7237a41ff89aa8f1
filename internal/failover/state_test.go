package failover

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestDecodeState(t *testing.T) {
	s := stageState()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeState(data)
	if err != nil || !SameState(s, back) || !back.Seen.At.Equal(s.Seen.At) {
		t.Errorf("decoded %+v, %v", back, err)
	}
	if _, err := DecodeState([]byte(`{"version":3,"demand":"what a newer one means by it"}`)); !errors.Is(err, ErrNewerState) {
		t.Errorf("a newer version's state: %v", err)
	}
	for _, text := range []string{`{`, `{"version":2,"demand":"many"}`} {
		if _, err := DecodeState([]byte(text)); err == nil || errors.Is(err, ErrNewerState) {
			t.Errorf("decode %s: %v", text, err)
		}
	}
}

func TestSameState(t *testing.T) {
	local := time.FixedZone("east", 3600)
	base := func() State {
		s := stageState()
		s.Window = []Evidence{{Kind: SignalInterruption, Pool: "spot", ID: "t1", At: ago(time.Minute)}}
		return s
	}
	for _, c := range []struct {
		situation string
		edit      func(*State)
		same      bool
	}{
		{"nothing differs", func(*State) {}, true},
		{"only what was seen does", func(s *State) { s.Seen.At, s.Seen.SpendUSD = stageNow, 3 }, true},
		{"the evidence was read back in another zone", func(s *State) { s.Window[0].At = s.Window[0].At.In(local) }, true},
		{"the evidence is of another moment", func(s *State) { s.Window[0].At = stageNow }, false},
		{"there is more of it", func(s *State) { s.Window = append(s.Window, Evidence{ID: "t2"}) }, false},
		{"the demand differs", func(s *State) { s.Demand++ }, false},
		{"the workload does", func(s *State) { s.Workload = "other" }, false},
	} {
		a, b := base(), base()
		c.edit(&b)
		if SameState(a, b) != c.same {
			t.Errorf("%s: same is %v", c.situation, !c.same)
		}
	}
}

func TestWhatADecisionSaysOfItself(t *testing.T) {
	d := Decision{Missing: Range{1, 3}, Pools: []PoolDecision{{Sight: WrittenOff}}}
	if d.Acts() || d.Blind() || !d.Unread() || d.Shortfall() != 3 {
		t.Errorf("%+v: acts %v, blind %v, unread %v, shortfall %d", d, d.Acts(), d.Blind(), d.Unread(), d.Shortfall())
	}
	d.Pools[0].Sight, d.Actions = Told, []Action{StopTask{Pool: "spot", Task: "t"}}
	if !d.Acts() || !d.Blind() {
		t.Errorf("%+v: acts %v, blind %v", d, d.Acts(), d.Blind())
	}
}
