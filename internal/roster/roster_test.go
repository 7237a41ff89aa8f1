package roster_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

var now = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

func workload(name, cover string) control.Workload {
	ref := func(service string) control.ServiceRef {
		return control.ServiceRef{Region: "us-east-1", Cluster: "prod", Service: service}
	}
	return control.Workload{Name: name, Refs: []control.ServiceRef{ref(name + "-spot"), ref(cover)},
		Policy: failover.Policy{Pools: []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}}}
}

// TestWhatIsConfiguredNoMoreIsFound: a workload that was removed, a pool that was given another service, and a workload that came back.
func TestWhatIsConfiguredNoMoreIsFound(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.Retention{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	note := func(guarded ...control.Workload) []roster.Entry {
		t.Helper()
		gone, err := roster.Note(t.Context(), store, guarded, now)
		if err != nil {
			t.Fatal(err)
		}
		return gone
	}
	if gone := note(workload("api", "api-standard"), workload("web", "web-standard")); len(gone) != 0 {
		t.Errorf("at first %+v is gone, want nothing", gone)
	}
	gone := note(workload("api", "api-arm"))
	if len(gone) != 2 || gone[0].Workload != "api" && gone[1].Workload != "api" {
		t.Fatalf("gone are %+v, want web and the former cover of api", gone)
	}
	for _, e := range gone {
		if want := map[string]int{"api": 1, "web": 2}[e.Workload]; len(e.Pools) != want {
			t.Errorf("%s has %d pools that are gone, want %d", e.Workload, len(e.Pools), want)
		}
	}
	if gone = note(workload("api", "api-arm")); len(gone) != 2 {
		t.Errorf("at the next start %d are gone, want the same 2", len(gone))
	}
	if gone = note(workload("api", "api-standard"), workload("web", "web-standard")); len(gone) != 1 || gone[0].Pools[0].Ref.Service != "api-arm" {
		t.Errorf("with the old configuration %+v is gone, want the cover that was tried", gone)
	}
	if err := roster.Forget(t.Context(), store, "api"); err != nil {
		t.Fatal(err)
	}
	if gone = note(workload("api", "api-standard"), workload("web", "web-standard")); len(gone) != 0 {
		t.Errorf("after it was released %+v is gone, want nothing", gone)
	}
}
