package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// backupSuffix is what the name of the copy adds to the file's.
	backupSuffix = "-backup"
	// unfinished begins the rest of the name of a copy that is being made.
	unfinished = backupSuffix + "-unfinished-"
	// backupEvery is how old the copy may get: one of 19 MB takes 90 ms.
	backupEvery = 24 * time.Hour
	// backupLook is how often its age is looked at and a failure tried again, and how long making one takes at most.
	backupLook = time.Hour
	// backupSoon is when a new file has its first copy: its daemon's first passes have left something to keep by then.
	backupSoon = time.Minute
)

// KeepBackup keeps a copy of the file beside it that is not much older than a day, until ctx ends or the store is
// closed. It returns at once, and is called once. The first of several failures in a row is told; none keeps the store
// from working. Several processes may do so for one file: whoever finds the copy too old makes it.
func (s *Store) KeepBackup(ctx context.Context, tell func(error)) {
	ctx, s.stopBackup = context.WithCancel(ctx)
	s.backups.Go(func() {
		look := time.NewTimer(s.firstLook(ctx))
		defer look.Stop()
		for failing := false; ; look.Reset(backupLook) {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			err := s.backup(ctx)
			if err != nil && !failing && ctx.Err() == nil {
				tell(err)
			}
			failing = err != nil
		}
	})
}

// firstLook is how long the first look at the copy's age waits. A file that begins empty may stand in for a damaged one: the
// copy of that one stays for a day, for whoever wants it back after all.
func (s *Store) firstLook(ctx context.Context) time.Duration {
	if empty, err := s.empty(ctx); err != nil || !empty {
		return 0
	}
	if _, err := os.Stat(realPath(s.path) + backupSuffix); err != nil {
		return backupSoon
	}
	return backupEvery
}

func (s *Store) empty(ctx context.Context) (bool, error) {
	var holds bool
	err := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM state)").Scan(&holds)
	return !holds, err
}

// backup makes the copy anew if it is missing or too old.
func (s *Store) backup(ctx context.Context) error {
	now, file := s.Now(), realPath(s.path)
	info, err := os.Stat(file + backupSuffix)
	if err == nil && info.Mode().IsRegular() && !info.ModTime().After(now) && now.Sub(info.ModTime()) < backupEvery {
		return nil
	}
	empty, err := s.empty(ctx)
	if err == nil && !empty {
		sweep(file, now)
		err = s.copyTo(ctx, file, now)
	}
	if err == nil {
		return nil
	}
	e := &Error{Op: "back up", Path: s.path, Err: err, Advice: "guarding goes on, and the last copy stays as it is; another try is made every hour"}
	if isDamage(err) {
		e.Advice = damageAdvice(s.path)
	}
	return e
}

// copyTo writes the copy under a name of its own, with mode 0600, and renames it once it is whole and on the disk. It reads in one
// transaction, which holds up no commit.
func (s *Store) copyTo(ctx context.Context, file string, now time.Time) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+unfinished+"*")
	if err != nil {
		return err
	}
	defer func() { _, _ = f.Close(), os.Remove(f.Name()) }() // both are done with once it is renamed
	if _, err := s.read.ExecContext(ctx, "VACUUM INTO ?", f.Name()); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Chtimes(f.Name(), now, now)); err != nil {
		return err
	}
	return os.Rename(f.Name(), file+backupSuffix)
}

// sweep removes what processes left that were killed while they made a copy.
func sweep(file string, now time.Time) {
	entries, _ := os.ReadDir(filepath.Dir(file)) // what cannot be listed cannot be copied into either, which is told
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), filepath.Base(file)+unfinished) && now.Sub(info.ModTime()) > backupLook {
			_ = os.Remove(filepath.Join(filepath.Dir(file), e.Name()))
		}
	}
}
