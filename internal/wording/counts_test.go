package wording

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestWhatServesIsSaidOfNoneOneAndMany: a person reads "all 1 in service" twice.
func TestWhatServesIsSaidOfNoneOneAndMany(t *testing.T) {
	for _, c := range []struct {
		demand, spot, onDemand int
		want                   string
	}{
		{0, 0, 0, "no task is wanted"},
		{1, 1, 0, "the one task is in service on Spot"},
		{1, 0, 1, "the one task is in service on on-demand"},
		{2, 1, 1, "1 on-demand task stands in for Spot, all 2 in service"},
		{20, 20, 0, "all 20 in service on Spot"},
		{20, 13, 7, "7 on-demand tasks stand in for Spot, all 20 in service"},
	} {
		n := Counts{Demand: c.demand, Spot: failover.Exactly(c.spot), OnDemand: failover.Exactly(c.onDemand), InService: failover.Exactly(c.spot + c.onDemand)}
		if got := n.Serving(time.Time{}); got != c.want {
			t.Errorf("%d wanted, %d on Spot, %d on demand: %q, want %q", c.demand, c.spot, c.onDemand, got, c.want)
		}
	}
}
