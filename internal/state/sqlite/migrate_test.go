package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// TestEveryOlderSchemaIsBroughtUpToDateWithWhatItHolds opens a file of each schema that there ever was, as its backstop left it.
func TestEveryOlderSchemaIsBroughtUpToDateWithWhatItHolds(t *testing.T) {
	for version := 1; version < len(migrations); version++ {
		path := filepath.Join(t.TempDir(), "state.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		// A state as the first schema's backstop wrote it: fields that came later are not there, one that is unknown is.
		old := append(migrations[:version:version],
			fmt.Sprintf("PRAGMA user_version = %d", version), fmt.Sprintf("PRAGMA application_id = %d", applicationID),
			`INSERT INTO state (workload, generation, state) VALUES ('api', 7,
				CAST('{"version":1,"workload":"api","generation":7,"mode":"mixed","demand":20,"demand_set":true,"gone":{"since":3}}' AS BLOB))`,
			`INSERT INTO journal (workload, at, id, kind, entry) VALUES ('api', 1700000000000000, 'one', 'outcome', CAST('{"version":1,"id":"one","workload":"api","kind":"outcome"}' AS BLOB))`)
		for _, q := range old {
			if _, err := db.ExecContext(t.Context(), q); err != nil {
				t.Fatalf("schema %d: %s: %v", version, q, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}

		s := open(t, path, journal.Retention{})
		records, err := s.Load(t.Context(), []string{"api"})
		if got := records["api"].State; err != nil || got.Generation != 7 || got.Demand != 20 || got.Mode != failover.ModeMixed {
			t.Errorf("schema %d: %+v (%v)", version, got, err)
		}
		entries, err := s.Journal(t.Context(), journal.Query{})
		if err != nil || len(entries) != 1 || entries[0].ID != "one" {
			t.Errorf("schema %d: journal %v (%v)", version, entries, err)
		}
		next := control.Record{State: records["api"].State}
		next.State.Generation++
		if err := s.Commit(t.Context(), "me", next, time.Now(), nil); err != nil {
			t.Errorf("schema %d: commit: %v", version, err)
		}
		_ = s.Close()
	}
}
