package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestStatusSaysOfWhenItsCountsAre: counts are those of the last recorded decision, and the state is written later than that.
func TestStatusSaysOfWhenItsCountsAre(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 26, 0, 0, time.UTC)
	for _, c := range []struct {
		name              string
		decided, recorded time.Duration // ago
		want              string
	}{
		{"old counts, looked at since", 14 * time.Minute, 4 * time.Minute, "as of     2026-11-02 09:12:00Z, 14m ago; looks since then changed nothing, and counts may have moved\n"},
		{"old counts, and nothing since", 14 * time.Minute, 14 * time.Minute, "as of     2026-11-02 09:12:00Z, 14m ago\n"},
		{"fresh ones", 0, 0, "as of     2026-11-02 09:26:00Z, just now\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := seen{workload: config.Workload{Name: "api"}, known: true, decision: &failover.Decision{At: now.Add(-c.decided), InService: failover.Exactly(4)}}
			v.record.State.Seen.At, v.record.State.Demand = now.Add(-c.recorded), 4
			f := factOf(&v, now)
			var out bytes.Buffer
			if err := printWorkload(&out, now, f); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%v: it prints\n%s\nwant %q", err, out.String(), c.want)
			}
			if !f.CountsAt.Equal(now.Add(-c.decided)) {
				t.Errorf("counts_at is %v", f.CountsAt)
			}
		})
	}
}
