package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/journal"
)

// generationOf reads the generation that a copy holds.
func generationOf(t *testing.T, path string) (generation uint64) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow("SELECT generation FROM state").Scan(&generation); err != nil {
		t.Fatal(err)
	}
	return generation
}

func TestABackupIsMadeWhenItIsMissingOrOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path, journal.Retention{})
	defer func() { _ = s.Close() }()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	step := func(name string, want uint64) {
		t.Helper()
		if err := s.backup(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		info, err := os.Stat(path + backupSuffix)
		if (err != nil) != (want == 0) {
			t.Fatalf("%s: the copy: %v", name, err)
		}
		if want == 0 {
			return
		}
		if got := generationOf(t, path+backupSuffix); got != want || info.Mode().Perm() != fileMode {
			t.Errorf("%s: the copy has generation %d and mode %v; want %d and %v", name, got, info.Mode(), want, os.FileMode(fileMode))
		}
	}
	step("nothing to keep", 0)
	fill(t, s, 1)
	step("missing", 1)
	fill(t, s, 2)
	now = now.Add(backupEvery - time.Second)
	step("younger than a day", 1)
	now = now.Add(time.Second)
	step("a day old", 2)
	fill(t, s, 3)
	now = now.Add(-time.Hour)
	step("of the future, as the clock was set back", 3)

	stale, kept := path+unfinished+"1", path+backupSuffix+"-mine"
	if err := errors.Join(os.WriteFile(stale, nil, 0o600), os.WriteFile(kept, nil, 0o600), os.Chtimes(stale, now, now), os.Chtimes(kept, now, now)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(backupEvery)
	step("beside what a killed process left", 3)
	left, err := filepath.Glob(path + backupSuffix + "*")
	if err != nil || len(left) != 2 {
		t.Errorf("beside the file are %q, %v; want the copy and what is not ours", left, err)
	}
}

func TestABackupHoldsUpNoCommitAndNoCommitIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, other := open(t, path, journal.Retention{}), open(t, path, journal.Retention{})
	defer func() { _ = errors.Join(s.Close(), other.Close()) }()
	fill(t, s, 1)
	writing, err := other.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writing.Exec("UPDATE state SET generation = 9"); err != nil {
		t.Fatal(err)
	}
	if err := s.backup(t.Context()); err != nil {
		t.Errorf("while another process writes: %v", err)
	}
	_ = writing.Rollback()
	if got := generationOf(t, path+backupSuffix); got != 1 {
		t.Errorf("the copy has generation %d, which was never committed", got)
	}
}

func TestTwoProcessesMayBackUpOneFileAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	a, b := open(t, path, journal.Retention{}), open(t, path, journal.Retention{})
	defer func() { _ = errors.Join(a.Close(), b.Close()) }()
	fill(t, a, 1)
	other := make(chan error)
	go func() { other <- b.backup(t.Context()) }()
	if err := errors.Join(a.backup(t.Context()), <-other); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(path + backupSuffix + "*"); len(left) != 1 || generationOf(t, left[0]) != 1 {
		t.Errorf("beside the file are %q", left)
	}
}

func TestABackupThatIsCutOffLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path, journal.Retention{})
	defer func() { _ = s.Close() }()
	fill(t, s, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.copyTo(ctx, path, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(path + backupSuffix + "*"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

func TestANewFileHasItsFirstBackupAfterAMinute(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path, journal.Retention{})
		s.KeepBackup(t.Context(), func(err error) { t.Error(err) })
		synctest.Wait()
		fill(t, s, 1)
		time.Sleep(backupSoon) //nolint:forbidigo // of the bubble
		synctest.Wait()
		if got := generationOf(t, path+backupSuffix); got != 1 {
			t.Errorf("the copy has generation %d", got)
		}
		_ = s.Close()
	})
}

// TestABackupIsKeptOncePerDayUntilTheStoreIsClosed ends only when no goroutine is left: that is a bubble's own rule.
func TestABackupIsKeptOncePerDayUntilTheStoreIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path, journal.Retention{})
		fill(t, s, 1)
		s.KeepBackup(t.Context(), func(err error) { t.Error(err) })
		for day := uint64(1); day <= 3; day++ {
			synctest.Wait()
			if got := generationOf(t, path+backupSuffix); got != day {
				t.Errorf("on day %d the copy has generation %d", day, got)
			}
			fill(t, s, day+1)
			time.Sleep(backupEvery) //nolint:forbidigo // of the bubble
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheBackupOfTheFileThatWasMovedAwayStaysForADay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path, journal.Retention{})
		fill(t, s, 1)
		fill(t, s, 2)
		if err := errors.Join(s.backup(t.Context()), s.Close(), os.Remove(path)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Hour) //nolint:forbidigo // of the bubble
		s = open(t, path, journal.Retention{})
		s.KeepBackup(t.Context(), func(err error) { t.Error(err) })
		synctest.Wait()
		fill(t, s, 1)
		time.Sleep(backupEvery - time.Second) //nolint:forbidigo // of the bubble
		if got := generationOf(t, path+backupSuffix); got != 2 {
			t.Errorf("before the day is over the copy has generation %d", got)
		}
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
		synctest.Wait()
		if got := generationOf(t, path+backupSuffix); got != 1 {
			t.Errorf("after it the copy has generation %d", got)
		}
		_ = s.Close()
	})
}

func TestAFailedBackupIsToldOnceAndStopsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.Mkdir(path+backupSuffix, 0o700); err != nil { // nothing can be renamed over it
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path, journal.Retention{})
		fill(t, s, 1)
		var told []error
		s.KeepBackup(t.Context(), func(err error) { told = append(told, err) })
		time.Sleep(10*backupLook + time.Minute) //nolint:forbidigo // of the bubble
		synctest.Wait()
		if len(told) != 1 {
			t.Fatalf("told %v, want one failure", told)
		}
		if e, ok := errors.AsType[*Error](told[0]); !ok || !strings.Contains(e.Error(), "back up "+path) || !strings.Contains(e.Hint(), "guarding goes on") {
			t.Errorf("told %v", told[0])
		}
		fill(t, s, 2)
		if left, _ := filepath.Glob(path + unfinished + "*"); len(left) > 0 {
			t.Errorf("%q are left", left)
		}
		if err := os.Remove(path + backupSuffix); err != nil {
			t.Fatal(err)
		}
		time.Sleep(backupLook) //nolint:forbidigo // of the bubble
		synctest.Wait()
		if got := generationOf(t, path+backupSuffix); got != 2 || len(told) != 1 {
			t.Errorf("with the fault gone the copy has generation %d; told %v", got, told)
		}
		_ = s.Close()
	})
}

// TestABackupIntoAReadOnlyDirectoryFailsAndTheStoreGoesOn needs a user whom permissions bind.
func TestABackupIntoAReadOnlyDirectoryFailsAndTheStoreGoesOn(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind root")
	}
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "state.db"), journal.Retention{})
	defer func() { _ = s.Close() }()
	fill(t, s, 1)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if err := s.backup(t.Context()); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v, want that the directory may not be written", err)
	}
	fill(t, s, 2)
}

func TestABackupOfADamagedFileLeavesTheLastOneAndSaysWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path, journal.Retention{})
	fill(t, s, 1)
	if err := errors.Join(s.backup(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	damage(t, path, 2)
	cold := &Store{path: path, Now: func() time.Time { return time.Now().Add(2 * backupEvery) }}
	var err error
	if cold.read, err = cold.connect("deferred", 1); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cold.read.Close() }()
	err = cold.backup(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Hint(), "stop every daemon") {
		t.Errorf("got %v", err)
	}
	if got := generationOf(t, path+backupSuffix); got != 1 {
		t.Errorf("the last copy has generation %d", got)
	}
}
