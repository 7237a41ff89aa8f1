package app_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func jsonOf(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// wantSeen asserts that no look failed, that every workload was covered by one raise in ECS's own time, most owed first, and that
// on-demand was given back in time.
func (r *fleetRun) wantSeen(t *testing.T) {
	t.Helper()
	if len(r.failed) > 0 {
		t.Errorf("%d looks failed", len(r.failed))
	}
	if !r.finished {
		t.Errorf("%d of %d workloads gave on-demand back", len(r.lowers), len(r.raises))
	}
}

// TestAFleetIsNotBlindedByItsOwnLimits: law.md L40, with and without target groups.
func TestAFleetIsNotBlindedByItsOwnLimits(t *testing.T) {
	for name, f := range map[string]*fleet{
		"forty small workloads":         {counts: small(), keep: 100},
		"the same behind target groups": {counts: small(), keep: 100, groups: true},
		"guarded by two daemons":        {counts: small(), keep: 100, daemons: 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, f, 4*time.Minute, 5*time.Minute, func(t *testing.T, r *fleetRun) { r.wantGood(t, f) })
		})
	}
}

// TestALargeFleetIsCoveredInECSsOwnTime: law.md L41.
func TestALargeFleetIsCoveredInECSsOwnTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute and a half")
	}
	for name, f := range map[string]*fleet{
		"a hundred workloads of ten lose half": {counts: repeat(10, 100), lose: repeat(5, 100)},
		"one of five thousand loses 1,500":     {counts: []int{5000}, lose: []int{1500}},
		"guarded by two daemons":               {counts: repeat(10, 100), lose: repeat(5, 100), daemons: 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, f, 4*time.Minute, 5*time.Minute, func(t *testing.T, r *fleetRun) { r.wantGood(t, f) })
		})
	}
}

// giveBack is how soon after Spot is in service the first on-demand task is given back. No event says that a target has become healthy:
// who waits for that looks every five seconds.
func (f *fleet) giveBack() time.Duration {
	if f.groups {
		return 8 * time.Second
	}
	return 5 * time.Second
}

// inTime is how soon after its turn at ECS's own rate a workload is covered. Of two programs each has half of the rate, and does not know of the other's
// before it meets it in the store.
func (f *fleet) inTime() time.Duration {
	if f.daemons > 1 {
		return 6 * time.Second
	}
	return 2 * time.Second
}

// wantGood asserts that no look failed, that each workload was covered by one raise within two seconds of its turn at ECS's own rate, that on-demand
// was given back as soon, and that a person was told of nothing but what AWS did.
func (r *fleetRun) wantGood(t *testing.T, f *fleet) {
	t.Helper()
	const burst, perSecond = 50, 5
	if len(r.failed) > 0 {
		t.Errorf("%d looks failed", len(r.failed))
	}
	var raises, lowers []time.Duration
	for _, w := range r.raises {
		raises = append(raises, w.after)
	}
	for name, at := range r.lowers {
		if served, ok := r.served[name]; ok {
			lowers = append(lowers, at.Sub(served))
		}
	}
	slices.Sort(raises)
	slices.Sort(lowers)
	if by := late(raises, burst, perSecond); len(raises) == 0 || by > f.inTime() {
		t.Errorf("%d workloads were covered, at worst %s after their turn", len(raises), by)
	}
	if r.rises > 0 && f.daemons < 2 {
		t.Errorf("cover was raised again %d times", r.rises)
	}
	if by := late(lowers, burst, perSecond); !r.finished || by > f.giveBack() {
		t.Errorf("%d of %d workloads gave on-demand back, at worst %s after their turn", len(r.lowers), len(r.raises), by)
	}
	for reason := range r.notices {
		if reason == string(failover.ReasonBlind) || reason == string(failover.ReasonHealthUnread) {
			t.Errorf("a person is told of %s", reason)
		}
	}
}
