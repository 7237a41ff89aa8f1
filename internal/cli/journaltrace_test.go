package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

func TestASimulationOfTheJournal(t *testing.T) {
	dir := t.TempDir()
	path, db := filepath.Join(dir, "backstop.yaml"), filepath.Join(dir, "state.db")
	text := "version: 1\nregion: us-east-1\nstate: {sqlite: " + db + "}\nworkloads:\n  - name: api\n    pools:\n" +
		"      - {name: spot, cluster: c, service: s, capacity: FARGATE_SPOT}\n      - {name: standard, cluster: c, service: o, capacity: FARGATE}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := runs(t, ExitFailed, "simulate", "--journal", "--config", path); !strings.Contains(errs, "nothing was ever written") {
		t.Errorf("without a store it says %q", errs)
	}
	store, err := sqlite.Open(t.Context(), db, journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	var entries []journal.Entry
	for i, running := range []int{10, 6, 10, 10} {
		at := begin.Add(time.Duration(i) * time.Hour)
		entries = append(entries, journal.Entry{ID: journal.NewID(at, uint32(i)), Workload: "api", At: at, Kind: journal.KindDecision,
			Decision: &failover.Decision{At: at, Workload: "api", Demand: 10, Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Desired: 10, Running: running}}}})
	}
	if err := (control.Store)(store).Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	out, _ := runs(t, ExitDone, "simulate", "--journal", "--config", path, "--policy", "fill,spot", "-o", "json")
	for _, want := range []string{`"trace": "api"`, "for 1h0m0s of 3h0m0s a Spot pool is taken to hold what ran there", `"tasks": 10`, `"lost_tasks": 4`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	out, _ = runs(t, ExitDone, "tune", "--journal", "--config", path, "--workload", "api", "--seeds", "1", "--held-out", "2")
	if !strings.Contains(out, "preset: fill") || !strings.Contains(out, "note: a lower bound: for 1h0m0s of 3h0m0s") {
		t.Errorf("tune says\n%s", out)
	}
	if _, errs := runs(t, ExitUsage, "simulate", "--since", "24h"); !strings.Contains(errs, "need --journal") {
		t.Errorf("--since alone gives %q", errs)
	}
	if _, errs := runs(t, ExitUsage, "simulate", "--journal", "--config", path, "--workload", "web"); !strings.Contains(errs, `no workload "web"`) {
		t.Errorf("an unknown workload gives %q", errs)
	}
}
