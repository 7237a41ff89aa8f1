package failover

import (
	"strings"
	"testing"
	"time"
)

// TestAnOrderOffSpotSaysWhatStaysThere: an open breaker keeps its probe, which is a whole small workload; what leaves one pool goes
// to the Spot pools that are trusted still.
func TestAnOrderOffSpotSaysWhatStaysThere(t *testing.T) {
	at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	all, pin := Intent{Kind: IntentFailover}, Intent{Kind: IntentPin, Mode: ModeOnDemand}
	one := Intent{Kind: IntentFailover, Pool: "b"}
	for _, c := range []struct {
		name                 string
		in                   Intent
		spots                string // names of the Spot pools
		open                 string // those whose breaker is open before
		probe, demand, limit int
		want                 int
		says                 string
	}{
		{"a workload as small as its probe", all, "b", "", 10, 4, 0, 4, "all 4 of its tasks"},
		{"the same, pinned", pin, "b", "", 10, 4, 0, 4, "unless probe is less than 4"},
		{"one task", one, "b", "", 10, 1, 0, 1, "all of it"},
		{"as many as the probe", one, "b", "", 10, 10, 0, 10, "all 10 of its tasks"},
		{"a large workload", one, "b", "", 10, 200, 0, 10, "10 of 200 tasks"},
		{"two Spot pools", all, "ab", "", 10, 200, 0, 20, "20 of 200 tasks"},
		{"two Spot pools, pinned", pin, "ab", "", 10, 200, 0, 20, "20 of 200 tasks"},
		{"two Spot pools that take three each", all, "ab", "", 10, 200, 3, 6, "6 of 200 tasks"},
		{"two Spot pools whose probes together are all", all, "ab", "", 3, 4, 0, 4, "unless probe is less than 2"},
		{"one of two Spot pools", one, "ab", "", 10, 200, 0, 10, "pool b keeps its probe of 10"},
		{"one of two Spot pools of a small workload", one, "ab", "", 10, 4, 0, 4, "pool b keeps its probe of 4"},
		{"one of two Spot pools, the other one is open", one, "ab", "a", 10, 200, 0, 20, "20 of 200 tasks"},
		{"one of three Spot pools, another one is open", one, "abc", "a", 10, 200, 0, 10, "pool b keeps its probe of 10"},
		{"a demand that nobody knows", all, "ab", "", 10, 0, 0, 0, ""},
		{"a restore", Intent{Kind: IntentRestore}, "ab", "ab", 10, 4, 0, 0, ""},
		{"a pin to Spot", Intent{Kind: IntentPin, Mode: ModeSpot}, "ab", "", 10, 4, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s := Policy{Probe: c.probe}, State{Demand: c.demand}
			for _, name := range strings.Split(c.spots, "") {
				p.Pools = append(p.Pools, Pool{Name: name, Capacity: Spot, Max: c.limit})
				ps := PoolState{Name: name}
				if strings.Contains(c.open, name) {
					ps.B = Breaker{Mode: Open, Since: at, TrippedAt: at}
				}
				s.Pools = append(s.Pools, ps)
			}
			p.Pools = append(p.Pools, Pool{Name: "od", Capacity: OnDemand, Tier: 1})
			s.Pools = append(s.Pools, PoolState{Name: "od"})
			c.in.At = at
			after, err := Apply(p, s, c.in)
			if err != nil {
				t.Fatal(err)
			}
			got := StaysOnSpot(p, after, c.in)
			text := got.Text()
			if got.Tasks != c.want || !strings.Contains(text, c.says) || (c.says == "") != (text == "") {
				t.Errorf("got %d and %q, want %d and %q", got.Tasks, text, c.want, c.says)
			}
			if got.Pool != "" && strings.Contains(text, "on-demand") {
				t.Errorf("another Spot pool takes the rest, and it says %q", text)
			}
		})
	}
}
