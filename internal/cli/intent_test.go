package cli

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestAnOrderOffSpotSaysWhatStaysThere: an open breaker keeps its probe, which is a whole small workload.
func TestAnOrderOffSpotSaysWhatStaysThere(t *testing.T) {
	pools := func(spotMax int) []failover.Pool {
		return []failover.Pool{{Name: "a", Capacity: failover.Spot, Max: spotMax}, {Name: "b", Capacity: failover.Spot, Max: spotMax}, {Name: "od", Capacity: failover.OnDemand, Tier: 1}}
	}
	over, pin := failover.Intent{Kind: failover.IntentFailover}, failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand}
	one := failover.Intent{Kind: failover.IntentFailover, Pool: "b"}
	for _, c := range []struct {
		name                 string
		in                   failover.Intent
		probe, demand, limit int
		want                 int
		says                 string
	}{
		{"a workload as small as its probe", one, 10, 4, 0, 4, "all 4 of them"},
		{"the same, pinned", failover.Intent{Kind: pin.Kind, Mode: pin.Mode}, 10, 4, 0, 4, "unless probe is less than 4"},
		{"one task", one, 10, 1, 0, 1, "all of it"},
		{"as many as the probe", one, 10, 10, 0, 10, "all 10 of them"},
		{"a large workload", one, 10, 200, 0, 10, "10 of 200 tasks"},
		{"two Spot pools", over, 10, 200, 0, 20, "20 of 200 tasks"},
		{"two Spot pools that take three each", over, 10, 200, 3, 6, "6 of 200 tasks"},
		{"a demand that nobody knows", over, 10, 0, 0, 0, ""},
		{"a restore", failover.Intent{Kind: failover.IntentRestore}, 10, 4, 0, 0, ""},
		{"a pin to Spot", failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeSpot}, 10, 4, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, text := staysOnSpot(failover.Policy{Probe: c.probe, Pools: pools(c.limit)}, c.in, c.demand)
			if got != c.want || !strings.Contains(text, c.says) || (c.says == "") != (text == "") {
				t.Errorf("got %d and %q, want %d and %q", got, text, c.want, c.says)
			}
		})
	}
}
