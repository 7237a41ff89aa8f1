package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// TestEveryCommandRefusesANewerState: whoever goes back to an older program learns it from each command, and none writes over what it does not
// know.
func TestEveryCommandRefusesANewerState(t *testing.T) {
	path := recorded(t)
	file := filepath.Join(filepath.Dir(path), "state.db")
	open := func() *sqlite.Store {
		store, err := sqlite.Open(t.Context(), file, journal.DefaultRetention())
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	s, _, _ := testIO("")
	store := open()
	newer := control.Record{State: failover.State{Version: failover.StateVersion + 1, Workload: "api", Generation: 1, Seen: failover.Seen{At: s.Now()}}}
	if err := store.Commit(t.Context(), "newer", newer, s.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"status", "explain api", "cost", "failover api --reason x --for 30m --yes", "restore api --reason x --yes", "pin api spot --reason x --for 30m --yes",
		"unpin api --reason x --yes", "pause api --reason x --for 30m --yes", "resume api --reason x --yes", "release api --yes", "confirm api --yes", "ack api --reason x"} {
		s, out, errs := testIO("")
		code := Main(t.Context(), append(strings.Fields(line), "-c", path), s)
		if text := out.String() + errs.String(); code == ExitDone || !strings.Contains(text, failover.ErrNewerState.Error()) {
			t.Errorf("backstop %s: exit code %d:\n%s", line, code, text)
		}
	}
	store = open()
	defer func() { _ = store.Close() }()
	if _, err := store.Load(t.Context(), []string{"api"}); err == nil || !strings.Contains(err.Error(), failover.ErrNewerState.Error()) {
		t.Errorf("afterwards it is %v", err)
	}
}
