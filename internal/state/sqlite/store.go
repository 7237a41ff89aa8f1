package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/journal"
)

const (
	// busyTimeout is how long a write waits for another process's: a write takes about a millisecond.
	busyTimeout = 5 * time.Second
	// readersMax bounds the connections that read, besides the one of Generations. There is one that writes.
	readersMax = 4
	// loadMax is how many workloads one SELECT names, below SQLite's limit of 32,766 parameters.
	loadMax = 500
	// pruneEvery is how many journal entries are written between two looks for entries to remove, and
	// pruneMax how many one look removes at most, so that no commit waits for long.
	pruneEvery = 500
	pruneMax   = 2000
	// cacheKiB and walPagesMax bound what a connection keeps in memory and how long the log file grows.
	cacheKiB    = 4096
	walPagesMax = 1000
	// fileMode: names of services and what an operator wrote are nobody else's business.
	fileMode = 0o600
)

// Store is a [control.Store] in one file. It is safe for concurrent use.
type Store struct {
	path      string
	write     *sql.DB
	read      *sql.DB
	retention journal.Retention
	written   atomic.Int64 // entries since the last pruning
	peeked    peeked

	backups    sync.WaitGroup // the goroutine of KeepBackup
	stopBackup context.CancelFunc

	// Now is the clock of the retention and of the backups; set it before the first use, if at all.
	Now func() time.Time
}

var (
	_ control.Store  = (*Store)(nil)
	_ control.Peeker = (*Store)(nil)
)

// Error is a failure of the store, with what a person can do about it.
type Error struct {
	Op, Path, Advice string
	Err              error
}

// Error says what was tried, on which file, and what failed.
func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do, or nothing.
func (e *Error) Hint() string { return e.Advice }

// BadInput reports whether the path itself is wrong: its directory is not there. A path that is mistyped must not become a directory.
func (e *Error) BadInput() bool { return errors.Is(e.Err, errNoDirectory) }

// Open opens the file at path, or makes it with mode 0600 in a directory that is there, and brings its schema up
// to date. A file with a schema newer than this program's is refused, and so is a damaged one.
func Open(ctx context.Context, path string, retention journal.Retention) (*Store, error) {
	s := &Store{path: path, retention: retention, Now: time.Now, stopBackup: func() {}}
	s.written.Store(pruneEvery) // the first commit prunes
	if err := s.create(); err != nil {
		return nil, err
	}
	if err := s.foreign(); err != nil {
		return nil, err
	}
	var err error
	if s.write, err = s.connect("immediate", 1); err != nil {
		return nil, err
	}
	if s.read, err = s.connect("deferred", readersMax+1); err != nil {
		_ = s.write.Close()
		return nil, err
	}
	err = s.check(ctx, checkMax)
	if err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// create makes the file, so that it has its mode before anything is in it. SQLite gives its log the same mode.
func (s *Store) create() error {
	if _, err := os.Stat(filepath.Dir(s.path)); errors.Is(err, os.ErrNotExist) {
		return s.fail("open", errNoDirectory)
	}
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return s.fail("open", errNoFile)
	}
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, fileMode)
	if at, ok := errors.AsType[*os.PathError](err); ok {
		err = at.Err // the path is said once
	}
	if err != nil {
		return s.fail("open", err)
	}
	if err := f.Close(); err != nil {
		return s.fail("open", err)
	}
	return nil
}

func (s *Store) connect(lock string, conns int) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}}
	for _, pragma := range []string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"journal_mode(WAL)",
		// A commit must outlast a loss of power: an action that was taken must find its intent.
		"synchronous(FULL)",
		"foreign_keys(1)",
		"trusted_schema(0)",
		fmt.Sprintf("cache_size(-%d)", cacheKiB),
		fmt.Sprintf("wal_autocheckpoint(%d)", walPagesMax),
	} {
		q.Add("_pragma", pragma)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, s.fail("open", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Close ends a backup that is being made and closes the file.
func (s *Store) Close() error {
	s.stopBackup()
	s.backups.Wait()
	s.peeked.mu.Lock()
	defer s.peeked.mu.Unlock()
	if err := errors.Join(s.peeked.close(), s.read.Close(), s.write.Close()); err != nil {
		return s.fail("close", err)
	}
	return nil
}

// Load returns the records of the named workloads; those never committed are absent.
func (s *Store) Load(ctx context.Context, workloads []string) (map[string]control.Record, error) {
	out := make(map[string]control.Record, len(workloads))
	for len(workloads) > 0 {
		n := min(len(workloads), loadMax)
		if err := s.loadSome(ctx, workloads[:n], out); err != nil {
			return nil, s.fail("read", err)
		}
		workloads = workloads[n:]
	}
	return out, nil
}

func (s *Store) loadSome(ctx context.Context, names []string, out map[string]control.Record) error {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
	}
	rows, err := s.read.QueryContext(ctx, "SELECT workload, state, lease_owner, lease_until FROM state WHERE workload IN (?"+
		strings.Repeat(",?", len(names)-1)+")", args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, owner string
		var state []byte
		var until int64
		if err := rows.Scan(&name, &state, &owner, &until); err != nil {
			return err
		}
		var r control.Record
		if r.State, err = control.DecodeState(state); err != nil {
			return fmt.Errorf("decode state of %s: %w", name, err)
		}
		if owner != "" {
			r.Lease = control.Lease{Owner: owner, Until: time.UnixMicro(until).UTC()}
		}
		out[name] = r
	}
	return rows.Err()
}

// Commit writes next and entries in one transaction; see [control.Store].
func (s *Store) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.commit(ctx, tx, by, next, now); err != nil {
			return err
		}
		return s.insert(ctx, tx, entries)
	})
	var held *control.LeaseHeldError
	if errors.Is(err, control.ErrStale) || errors.As(err, &held) {
		return err
	}
	return s.fail("write", err)
}

func (s *Store) commit(ctx context.Context, tx *sql.Tx, by string, next control.Record, now time.Time) error {
	var stored uint64
	var lease control.Lease
	var until int64
	err := tx.QueryRowContext(ctx, "SELECT generation, lease_owner, lease_until FROM state WHERE workload = ?", next.State.Workload).
		Scan(&stored, &lease.Owner, &until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	lease.Until = time.UnixMicro(until).UTC()
	if next.State.Generation == 0 || stored != next.State.Generation-1 {
		return control.ErrStale
	}
	if lease.Held(by, now) {
		return &control.LeaseHeldError{Owner: lease.Owner, Until: lease.Until}
	}
	state, err := json.Marshal(next.State)
	if err != nil {
		return fmt.Errorf("encode state of %s: %w", next.State.Workload, err)
	}
	until = 0
	if next.Lease.Owner != "" {
		until = next.Lease.Until.UnixMicro()
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO state (workload, generation, state, lease_owner, lease_until) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (workload) DO UPDATE SET generation = excluded.generation, state = excluded.state,
		lease_owner = excluded.lease_owner, lease_until = excluded.lease_until`,
		next.State.Workload, next.State.Generation, state, next.Lease.Owner, until)
	return err
}

func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that says why
		return err
	}
	return tx.Commit()
}

// fail wraps an error with the file's name and advice; nil stays nil.
func (s *Store) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Path: s.path, Advice: advice(s.path, err), Err: err}
}

const diskFull = "the disk is full: free some space; nothing is acted on until a commit succeeds"

// advice says what a person can do about an error of SQLite or of the file system.
func advice(path string, err error) string {
	var code *sqlite.Error
	switch {
	case isDamage(err):
		return damageAdvice(path)
	case errors.Is(err, errNoDirectory):
		return "make it, mkdir -p " + filepath.Dir(path) + ", or correct state.sqlite of the configuration"
	case errors.Is(err, errNoFile), errors.Is(err, syscall.EISDIR):
		return "name a file that is there for the state alone, or that is not there yet: state.sqlite of the configuration"
	case errors.Is(err, os.ErrPermission):
		return "let the user that backstop runs as read and write the file and its directory"
	case errors.Is(err, syscall.EROFS):
		return "put the file where it can be written: state.sqlite of the configuration names it"
	case errors.Is(err, syscall.ENOSPC):
		return diskFull
	case !errors.As(err, &code):
		return ""
	}
	switch code.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return diskFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another process keeps the file locked; stop it, or give every daemon a file of its own"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return "let the user that backstop runs as write the file and its directory"
	case sqlite3.SQLITE_IOERR:
		return "the disk is full, or it or its file system fails; a network file system cannot be used"
	}
	return ""
}
