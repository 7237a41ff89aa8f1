package wording

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestTheTrendOfAShortage(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	known, in := failover.Exactly, func(d time.Duration) time.Time { return now.Add(d) }
	for _, c := range []struct {
		name       string
		is, before failover.Range
		arriving   int
		due        time.Time
		direction  string
		text       string
	}{
		{"it passes", known(12), known(31), 12, in(70 * time.Second), "better", "getting better: 12 missing, 31 were 5m ago; 12 on the way, the last due in 1m10s"},
		{"it has just begun", known(19), known(0), 0, time.Time{}, "worse", "getting worse: 19 missing, none was 5m ago; nothing is on its way"},
		{"it stays", known(4), known(4), 1, in(20 * time.Second), "same", "no change: 4 missing, as 5m ago; 1 on the way, due in 20s"},
		{"what comes is late", known(4), known(5), 4, in(-30 * time.Second), "better", "getting better: 4 missing, 5 were 5m ago; 4 on the way, overdue for 30s"},
		{"nothing is learned of starts", known(4), known(1), 4, time.Time{}, "worse", "getting worse: 4 missing, 1 was 5m ago; 4 on the way"},
		{"it is over", known(0), known(9), 0, time.Time{}, "over", "over: nothing is missing, 9 were 5m ago"},
		{"all was well", known(0), known(0), 0, time.Time{}, "", ""},
		{"blind now", failover.Range{Low: 0, High: 9}, known(9), 0, time.Time{}, "unknown", "whether it gets better is not known: a pool cannot be read"},
		{"blind before", known(9), failover.Range{Low: 0, High: 9}, 9, time.Time{}, "unknown", "9 missing, not known 5m ago; 9 on the way"},
		{"blind before, well now", known(0), failover.Range{Low: 0, High: 9}, 0, time.Time{}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := TrendOf(&Counts{Missing: c.is, Warming: c.arriving, Due: c.due}, c.before, now.Add(-5*time.Minute), now)
			if got.Direction != c.direction || got.Text != c.text {
				t.Errorf("%q: %q, want %q: %q", got.Direction, got.Text, c.direction, c.text)
			}
		})
	}
}
