package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/pulse"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// TestADeadDaemonIsToldAfterThreeTicks: while the guard leaves signs of life a workload that is quiet for hours was looked at just now;
// three ticks after the last one every command says that nothing looks.
func TestADeadDaemonIsToldAfterThreeTicks(t *testing.T) {
	path := recorded(t)
	store, err := sqlite.Open(t.Context(), filepath.Join(filepath.Dir(path), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	s, _, _ := testIO("")
	last := s.Now()
	state := failover.State{Version: failover.StateVersion, Workload: "api", Generation: 1, Decided: failover.Decided{Mode: failover.ModeSpot, Demand: 10, DemandSet: true},
		Seen: failover.Seen{At: last.Add(-4 * time.Hour)}}
	if err := store.Commit(t.Context(), "test", control.Record{State: state}, last, nil); err != nil {
		t.Fatal(err)
	}
	guard := pulse.New("host", []string{"api"}, time.Minute, func() time.Time { return last })
	guard.Tell(&control.Report{Workload: "api", Result: control.Unchanged})
	if err := guard.Keep(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		after time.Duration
		code  int
		want  string
	}{
		{12 * time.Second, ExitDone, "12s ago"},
		{3 * time.Minute, ExitDone, "3m ago"},
		{3*time.Minute + time.Second, ExitUnhealthy, "CRITICAL: the guard is silent: nothing was checked for 3m1s, and nothing is covered meanwhile\n  next: start the daemon"},
	} {
		var out bytes.Buffer
		s.Out, s.Now = &out, func() time.Time { return last.Add(v.after) }
		if code := Main(t.Context(), []string{"status", "-c", path}, s); code != v.code || !strings.Contains(out.String(), v.want) {
			t.Errorf("%s after the last sign of life: exit code %d, want %d and %q:\n%s", v.after, code, v.code, v.want, out.String())
		}
		out.Reset()
		end := last.Add(v.after)
		if v.code != ExitDone {
			end = last
		}
		if Main(t.Context(), []string{"cost", "-c", path}, s); !strings.Contains(out.String(), "to "+wording.Moment(end)+": paid") {
			t.Errorf("%s after the last sign of life the cost does not end at %s:\n%s", v.after, end, out.String())
		}
		out.Reset()
		if Main(t.Context(), []string{"explain", "-c", path}, s); v.code != ExitDone && !strings.Contains(out.String(), "not checked for 3m1s") {
			t.Errorf("explain does not say so:\n%s", out.String())
		}
	}
}
