package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

const pageSize = 4096

// fill commits a generation, journal and notices, so that every table and index has pages of its own.
func fill(t *testing.T, s *Store, generation uint64) {
	t.Helper()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC).Add(time.Duration(generation) * time.Hour)
	var entries []journal.Entry
	for i := range 100 {
		entries = append(entries, journal.Entry{Version: journal.Version, ID: journal.NewID(now, uint32(i)), Workload: "api", At: now, Kind: journal.KindNotice})
	}
	r := control.Record{State: failover.State{Version: failover.StateVersion, Workload: "api", Generation: generation, Decided: failover.Decided{Demand: int(generation)}}}
	err := errors.Join(s.Commit(t.Context(), "a", r, now, entries),
		s.Keep(t.Context(), "api", control.Page{Version: generation, Body: []byte(strings.Repeat("notice ", 2000))}))
	if err != nil {
		t.Fatal(err)
	}
}

// damage writes random bytes over a page, counted from 1, as SQLite does.
func damage(t *testing.T, path string, page int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(page)))
	body := make([]byte, pageSize)
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(body, int64(page-1)*pageSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// refused returns the hint with which a file is refused.
func refused(t *testing.T, path string) string {
	t.Helper()
	s, err := Open(t.Context(), path, journal.Retention{})
	if err == nil {
		_ = s.Close()
		t.Fatal("the file was opened")
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an Error", err)
	}
	return e.Hint()
}

func TestADamagedPageOfAnyKindIsRefusedAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path, journal.Retention{})
	fill(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole) < 12*pageSize {
		t.Fatalf("the file has %d pages, too few to be of every kind", len(whole)/pageSize)
	}
	for page := 1; page <= len(whole)/pageSize; page++ {
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		damage(t, path, page)
		hint := refused(t, path)
		for _, want := range []string{"stop every daemon", "mv " + path + " " + path + "-wal " + path + "-shm ", "simply start", "The state file is damaged"} {
			if !strings.Contains(hint, want) {
				t.Errorf("page %d: the hint is %q, want %q in it", page, hint, want)
			}
		}
	}
	if err := os.WriteFile(path, whole[:len(whole)-2*pageSize], 0o600); err != nil {
		t.Fatal(err)
	}
	if hint := refused(t, path); !strings.Contains(hint, "mv ") {
		t.Errorf("the file is cut off: the hint is %q", hint)
	}
}

// TestOfALargeFileTheStateIsChecked says which damage keeps a file from being opened that is too large to be read whole.
func TestOfALargeFileTheStateIsChecked(t *testing.T) {
	for table, want := range map[string]bool{"state": true, "journal": false} {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path, journal.Retention{})
		fill(t, s, 1)
		var page int
		if err := s.read.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&page); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		damage(t, path, page)
		cold := &Store{path: path}
		var err error
		if cold.read, err = cold.connect("deferred", 1); err != nil {
			t.Fatal(err)
		}
		if err := cold.check(t.Context(), 0); isDamage(err) != want {
			t.Errorf("%s damaged: the check gave %v", table, err)
		}
		if err := cold.check(t.Context(), checkMax); !isDamage(err) {
			t.Errorf("%s damaged: the check of all gave %v", table, err)
		}
		_ = cold.read.Close()
	}
}

// TestWhatTheHintSaysWorks carries out the hint's own commands.
func TestWhatTheHintSaysWorks(t *testing.T) {
	for _, restore := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "it's a dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "state.db")
		s := open(t, path, journal.Retention{})
		fill(t, s, 1)
		if err := s.backup(t.Context()); err != nil {
			t.Fatal(err)
		}
		fill(t, s, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		// A log that belongs to the damaged file, of a process that was killed.
		if err := errors.Join(os.WriteFile(path+"-wal", nil, 0o600), os.WriteFile(path+"-shm", nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		damage(t, path, 2)
		hint := refused(t, path)
		parts := strings.Split(hint, "`")
		if len(parts) != 5 {
			t.Fatalf("the hint %q has not two commands", hint)
		}
		commands, want := []string{parts[1], parts[3]}, uint64(1)
		if !restore {
			commands, want = commands[:1], 0
		}
		for _, command := range commands {
			if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil && !strings.Contains(string(out), "-wal") && !strings.Contains(string(out), "-shm") {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
		}
		s = open(t, path, journal.Retention{})
		all, err := s.Load(t.Context(), []string{"api"})
		if err != nil || all["api"].State.Generation != want {
			t.Fatalf("generation %d, %v; want %d", all["api"].State.Generation, err, want)
		}
		commitAlone(t, s, want+1)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fileMode {
			t.Errorf("the file is %v, %v", info.Mode(), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// commitAlone commits a generation alone.
func commitAlone(t *testing.T, s *Store, generation uint64) {
	t.Helper()
	r := control.Record{State: failover.State{Version: failover.StateVersion, Workload: "api", Generation: generation}}
	if err := s.Commit(t.Context(), "a", r, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestTheHintNamesTheFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(filepath.Join(dir, "state.db"), link); err != nil {
		t.Skip(err)
	}
	s := open(t, link, journal.Retention{})
	fill(t, s, 1)
	if err := errors.Join(s.backup(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	damage(t, link, 2)
	if hint, file := refused(t, link), filepath.Join(dir, "state.db"); !strings.Contains(hint, "mv "+file+" "+file+"-wal ") || !strings.Contains(hint, "cp -p "+file+"-backup "+file) {
		t.Errorf("the hint is %q", hint)
	}
}

func TestWhatIsNoRegularFileIsRefused(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{os.DevNull, pipe} {
		_, err := Open(t.Context(), path, journal.Retention{})
		e, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, errNoFile) || !strings.Contains(e.Hint(), "state.sqlite") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestAMistypedPathMakesNoDirectory: it is refused as bad input, with what to do.
func TestAMistypedPathMakesNoDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mistyped", "deep")
	_, err := Open(t.Context(), filepath.Join(dir, "state.db"), journal.Retention{})
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.BadInput() || !strings.Contains(e.Hint(), "mkdir -p "+dir) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory was made: %v", err)
	}
}

// TestWhatTheConnectionsAreSetTo reads back what no test of behaviour can notice: that a commit outlasts a loss of power.
func TestWhatTheConnectionsAreSetTo(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"), journal.Retention{})
	defer func() { _ = s.Close() }()
	for name, db := range map[string]*sql.DB{"write": s.write, "read": s.read} {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0", "busy_timeout": fmt.Sprint(busyTimeout.Milliseconds()),
			"cache_size": fmt.Sprint(-cacheKiB), "wal_autocheckpoint": fmt.Sprint(walPagesMax),
		} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s of the connection that is to %s is %q, %v; want %q", pragma, name, got, err, want)
			}
		}
	}
}
