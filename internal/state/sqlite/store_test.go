package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/statetest"
)

func open(t *testing.T, path string, r journal.Retention) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, r)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	return s
}

func TestStore(t *testing.T) {
	statetest.Run(t, func(t *testing.T) control.Store {
		return open(t, filepath.Join(t.TempDir(), "state.db"), journal.Retention{})
	})
}

func TestTwoProcessesOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	a, b := open(t, path, journal.Retention{}), open(t, path, journal.Retention{})
	defer func() { _ = errors.Join(a.Close(), b.Close()) }()
	now := time.Now()
	first := control.Record{State: failover.State{Workload: "api", Generation: 1}, Lease: control.Lease{Owner: "a", Until: now.Add(time.Minute)}}
	if err := a.Commit(t.Context(), "a", first, now, nil); err != nil {
		t.Fatalf("first commit: %v", err)
	}
	var held *control.LeaseHeldError
	next := control.Record{State: failover.State{Workload: "api", Generation: 2}}
	if err := b.Commit(t.Context(), "b", next, now, nil); !errors.As(err, &held) || held.Owner != "a" {
		t.Errorf("the other process's commit gave %v, want the lease of a", err)
	}
	g, err := b.Generations(t.Context())
	if err != nil || g["api"] != 1 {
		t.Errorf("the other process sees generations %v, %v; want 1", g, err)
	}
	// What was read once is read again after a commit of either, and after a question that was called off.
	for i, by := range []struct {
		name string
		*Store
	}{{"a", a}, {"a", a}, {"b", b}} {
		next.State.Generation, next.Lease = uint64(i+2), control.Lease{}
		if err := by.Commit(t.Context(), by.name, next, now.Add(time.Hour), nil); err != nil {
			t.Fatalf("commit %d: %v", i+2, err)
		}
		if i == 1 {
			off, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := b.Generations(off); err == nil {
				t.Error("a question that was called off had an answer")
			}
		}
		for range 2 {
			if g, err := b.Generations(t.Context()); err != nil || g["api"] != uint64(i+2) {
				t.Errorf("after commit %d of %s the generations are %v, %v", i+2, by.name, g, err)
			}
		}
	}
}

// BenchmarkGenerationsOfAThousand is the question that a daemon of a thousand quiet workloads asks every second.
func BenchmarkGenerationsOfAThousand(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "state.db"), journal.Retention{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for i := range 1000 {
		r := control.Record{State: failover.State{Workload: fmt.Sprint("w", i), Generation: 1}}
		if err := s.Commit(b.Context(), "a", r, time.Now(), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if g, err := s.Generations(b.Context()); err != nil || len(g) != 1000 {
			b.Fatalf("%d generations, %v", len(g), err)
		}
	}
}

func TestFileIsPrivateAndSurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a dir?#%", "state.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, journal.Retention{})
	r := control.Record{State: failover.State{Workload: "api", Generation: 1, Decided: failover.Decided{Demand: 7}}}
	if err := s.Commit(t.Context(), "a", r, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + "-wal"} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != fileMode {
			t.Errorf("%s has mode %o, want %o", filepath.Base(p), mode, fileMode)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, journal.Retention{})
	defer func() { _ = s.Close() }()
	got, err := s.Load(t.Context(), []string{"api"})
	if err != nil || got["api"].State.Demand != 7 {
		t.Errorf("after reopening the state is %+v, %v", got, err)
	}
}

func TestADamagedRecordIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path, journal.Retention{})
	defer func() { _ = s.Close() }()
	for _, name := range []string{"api", "worker"} {
		r := control.Record{State: failover.State{Version: failover.StateVersion, Workload: name, Generation: 1}}
		if err := s.Commit(t.Context(), "a", r, time.Unix(0, 0), nil); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("UPDATE state SET state = X'7B' WHERE workload = 'api'"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), []string{"worker", "api"}); !errors.Is(err, control.ErrDamaged) || !strings.Contains(err.Error(), "state of api") {
		t.Errorf("a damaged record gave %v", err)
	}
	if got, err := s.Load(t.Context(), []string{"worker"}); err != nil || len(got) != 1 {
		t.Errorf("the other record came back as %v, %v", got, err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	write := func(sqls ...string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for _, q := range sqls {
				if _, err := db.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, test := range []struct {
		name       string
		make       func(t *testing.T, path string)
		want, hint string
	}{
		{"a newer schema", write(fmt.Sprintf("PRAGMA application_id = %d", applicationID), "PRAGMA user_version = 99"),
			"its schema is version 99, this backstop knows up to 2", "a later one"},
		{"another program's database", write("CREATE TABLE customers (name TEXT)"), "another program's database", "a file of its own"},
		{"no database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a database", "move the file away"},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory", "state.sqlite"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			test.make(t, path)
			before, _ := os.ReadFile(path)
			defer func() {
				if after, _ := os.ReadFile(path); test.name != "a newer schema" && !bytes.Equal(before, after) {
					t.Error("the file was changed before it was refused")
				}
			}()
			_, err := Open(t.Context(), path, journal.Retention{})
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("open gave %v, want an Error that names the file and says %q", err, test.want)
			}
			if !strings.Contains(e.Hint(), test.hint) {
				t.Errorf("hint is %q, want %q in it", e.Hint(), test.hint)
			}
		})
	}
}

func TestFullDiskRefusesTheCommitAndRecovers(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"), journal.Retention{})
	defer func() { _ = s.Close() }()
	if _, err := s.write.Exec("PRAGMA max_page_count = 12"); err != nil {
		t.Fatal(err)
	}
	big := control.Record{State: failover.State{Workload: strings.Repeat("w", 100_000), Generation: 1}}
	err := s.Commit(t.Context(), "a", big, time.Now(), nil)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "the disk is full") {
		t.Fatalf("commit on a full disk gave %v (hint %q)", err, e.Hint())
	}
	if _, err := s.write.Exec("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), "a", big, time.Now(), nil); err != nil {
		t.Errorf("commit once there is room again: %v", err)
	}
}

func TestRetentionRemovesTheOldestAndNoState(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name      string
		retention journal.Retention
		want      int
	}{
		{"by age", journal.Retention{Age: 10 * time.Hour}, 10},
		{"by number", journal.Retention{Entries: 5}, 5},
		{"none", journal.Retention{}, 40},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, filepath.Join(t.TempDir(), "state.db"), test.retention)
			defer func() { _ = s.Close() }()
			s.Now = func() time.Time { return now }
			var entries []journal.Entry
			for i := range 40 {
				at := now.Add(-time.Duration(i)*time.Hour - time.Minute)
				entries = append(entries, journal.Entry{ID: journal.NewID(at, 0), Workload: "api", At: at, Kind: journal.KindNotice})
			}
			r := control.Record{State: failover.State{Workload: "api", Generation: 1, Seen: failover.Seen{At: now.AddDate(-2, 0, 0)}}}
			if err := s.Commit(context.Background(), "a", r, now, entries); err != nil {
				t.Fatal(err)
			}
			got, err := s.Journal(t.Context(), journal.Query{Limit: 1000})
			if err != nil || len(got) != test.want {
				t.Fatalf("%d entries are left, %v; want %d", len(got), err, test.want)
			}
			if !got[0].At.Equal(entries[0].At) {
				t.Errorf("the newest entry is gone")
			}
			if all, err := s.Load(t.Context(), []string{"api"}); err != nil || len(all) != 1 {
				t.Errorf("the state is gone: %v", err)
			}
		})
	}
}

func BenchmarkCommit(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Now()
	g := uint64(0)
	for b.Loop() {
		g++
		e := journal.Entry{ID: journal.NewID(now, uint32(g)), Workload: "api", At: now, Kind: journal.KindNotice}
		if err := s.Commit(b.Context(), "a", control.Record{State: failover.State{Workload: "api", Generation: g}}, now, []journal.Entry{e}); err != nil {
			b.Fatal(err)
		}
	}
}
