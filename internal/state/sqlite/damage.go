package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// checkMax is the size of file up to which opening it reads all of it: 19 MB take 30 ms, so this is 0.3 s. Of a larger
// file, which is nearly all journal, the state alone is checked; the rest is read by the next backup.
const checkMax = 200 << 20

var (
	errDamaged = errors.New("the file is damaged")
	errNoFile  = errors.New("it is no regular file")

	errNoDirectory = errors.New("its directory does not exist")
)

// check refuses a file with damaged pages before anything is written into it. Of a file larger than whole only the state is read.
func (s *Store) check(ctx context.Context, whole int64) error {
	query := "PRAGMA quick_check(1)"
	if info, err := os.Stat(s.path); err == nil && info.Size() > whole {
		query = "PRAGMA quick_check(state)"
	}
	var found string
	if err := s.read.QueryRowContext(ctx, query).Scan(&found); err != nil {
		return s.fail("open", err)
	}
	if found != "ok" {
		found = strings.TrimPrefix(found, "*** in database main ***\n")
		return s.fail("open", fmt.Errorf("%w: %s", errDamaged, strings.ReplaceAll(found, "\n", "; ")))
	}
	return nil
}

// isDamage tells whether an error means that what the file holds cannot be trusted.
func isDamage(err error) bool {
	if code, ok := errors.AsType[*sqlite.Error](err); ok {
		primary := code.Code() & 0xff
		return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
	}
	return errors.Is(err, errDamaged)
}

// damageAdvice says how to go on without a damaged file. A log that stays behind would be played into whatever takes its place.
func damageAdvice(path string) string {
	file := realPath(path)
	dir := quote(file + "-damaged")
	back := "there is no backup, so simply start"
	if info, err := os.Stat(file + backupSuffix); err == nil {
		back = fmt.Sprintf("put back the backup of %s with `cp -p %s %s`, or simply start",
			info.ModTime().UTC().Format("2006-01-02 15:04 MST"), quote(file+backupSuffix), quote(file))
	}
	return fmt.Sprintf("the file is damaged, or no SQLite file: stop every daemon on it, then move the file away with its -wal and -shm, if they are there: `mkdir -p %s && mv %s %s %s %s`; %s: what is lost is rebuilt "+
		"from what ECS shows, except operators' pauses and pins, the bounds of parked scalable targets, and the history "+
		"(docs/operations.md, \"The state file is damaged\")", dir, quote(file), quote(file+"-wal"), quote(file+"-shm"), dir, back)
}

// realPath is where the file is: SQLite keeps the log beside the file itself and not beside a link to it.
func realPath(path string) string {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		path = at
	}
	if at, err := filepath.Abs(path); err == nil {
		path = at
	}
	return path
}

// quote makes a path one word of a shell.
func quote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+,:@%", r)
	}
	if strings.TrimFunc(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
