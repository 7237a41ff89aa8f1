package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// applicationID marks the file as ours ("BKST"), so that a path to some other program's database is refused
// and not written into.
const applicationID = 0x424b5354

// migrations lead from each schema version to the next; their number is the version of this program. One
// that has been released is never changed.
var migrations = [...]string{
	`CREATE TABLE state (
		workload    TEXT PRIMARY KEY,
		generation  INTEGER NOT NULL,
		state       BLOB NOT NULL, -- failover.State as JSON
		lease_owner TEXT NOT NULL DEFAULT '',
		lease_until INTEGER NOT NULL DEFAULT 0 -- microseconds since 1970
	) STRICT;
	CREATE TABLE journal (
		workload TEXT NOT NULL,
		at       INTEGER NOT NULL, -- microseconds since 1970
		id       TEXT NOT NULL,
		kind     TEXT NOT NULL,
		entry    BLOB NOT NULL, -- journal.Entry as JSON
		UNIQUE (workload, id)
	) STRICT;
	CREATE INDEX journal_at ON journal (at, id);
	CREATE INDEX journal_workload_at ON journal (workload, at, id);`,
	`CREATE TABLE notices (
		workload TEXT PRIMARY KEY,
		version  INTEGER NOT NULL,
		body     BLOB NOT NULL
	) STRICT;`,
}

var (
	errNewer   = errors.New("the file was written by a newer backstop")
	errForeign = errors.New("the file is another program's database")
)

// migrate brings the schema up to date, in one transaction, whoever else may be doing the same.
func (s *Store) migrate(ctx context.Context) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var version, app, tables int
		err := errors.Join(
			tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version),
			tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app),
			tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables))
		if err != nil {
			return err
		}
		if app != applicationID && (app != 0 || tables > 0) {
			return errForeign
		}
		if version > len(migrations) {
			return fmt.Errorf("%w: its schema is version %d, this backstop knows up to %d", errNewer, version, len(migrations))
		}
		for v := version; v < len(migrations); v++ {
			if _, err := tx.ExecContext(ctx, migrations[v]); err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", v+1, err)
			}
		}
		if version == len(migrations) {
			return nil
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(migrations), applicationID))
		return err
	})
	return s.refusal(err)
}

// foreign refuses another program's database by its header alone: to open it as our own would change it (its journal mode
// is in the header). What the header leaves open is found out by migrate.
func (s *Store) foreign() error {
	f, err := os.Open(s.path)
	if err != nil {
		return s.fail("open", err)
	}
	defer func() { _ = f.Close() }()
	var header [100]byte // https://www.sqlite.org/fileformat.html#the_database_header
	if _, err := io.ReadFull(f, header[:]); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return nil // new, or no database: opening it says so
	}
	app, pages := binary.BigEndian.Uint32(header[68:]), binary.BigEndian.Uint32(header[28:])
	rollback := header[18] == 1 // ours are made in WAL mode before anything is in them
	if app != applicationID && (app != 0 || (rollback && pages > 1)) {
		return s.refusal(errForeign)
	}
	return nil
}

// refusal adds what to do to an error of opening.
func (s *Store) refusal(err error) error {
	err = s.fail("open", err)
	var e *Error
	if errors.As(err, &e) {
		switch {
		case errors.Is(err, errNewer):
			e.Advice = "run the backstop that wrote it or a later one, or point `state` at another file"
		case errors.Is(err, errForeign):
			e.Advice = "point `state` at a file of its own"
		}
	}
	return err
}
