package parts

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestABlindPassSaysWhatItCouldNotRead: once as a warning, and then, as long as nothing changes, for those who look closely.
func TestABlindPassSaysWhatItCouldNotRead(t *testing.T) {
	report := control.Report{Workload: "api", Result: control.Committed,
		Decision: failover.Decision{At: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Reason: failover.ReasonBlind},
		Observation: failover.Observation{Pools: []failover.PoolObservation{{Pool: "spot"},
			{Pool: "standard", Err: failover.ErrTimeout, ErrText: "list tasks of c/s: it did not answer in time"}}}}
	for _, c := range []struct {
		result control.Result
		level  string
	}{{control.Committed, "WARN"}, {control.Unchanged, "DEBUG"}} {
		var log bytes.Buffer
		teller := NewTeller(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), nil)
		report.Result = c.result
		teller.Tell(t.Context(), report)
		if line := log.String(); !strings.Contains(line, "level="+c.level) ||
			!strings.Contains(line, `unread="read pool standard: list tasks of c/s: it did not answer in time"`) {
			t.Errorf("a blind pass that is %s says %s, want it at %s with what was not read", c.result, line, c.level)
		}
	}
}
