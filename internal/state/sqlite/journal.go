package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/journal"
)

// Append writes entries that belong to no commit. An entry that is there already is left as it is.
func (s *Store) Append(ctx context.Context, entries []journal.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return s.fail("write", s.inTx(ctx, func(tx *sql.Tx) error { return s.insert(ctx, tx, entries) }))
}

// insert writes entries, and now and then removes old ones.
func (s *Store) insert(ctx context.Context, tx *sql.Tx, entries []journal.Entry) error {
	for _, e := range entries {
		body, err := journal.Marshal(e)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO journal (workload, at, id, kind, entry) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			e.Workload, e.At.UnixMicro(), e.ID, string(e.Kind), body)
		if err != nil {
			return err
		}
	}
	if s.written.Add(int64(len(entries))) < pruneEvery {
		return nil
	}
	s.written.Store(0)
	return s.prune(ctx, tx)
}

// prune removes entries that are older than the retention, or more than it keeps, the oldest first.
func (s *Store) prune(ctx context.Context, tx *sql.Tx) error {
	const remove = "DELETE FROM journal WHERE rowid IN (SELECT rowid FROM journal %s ORDER BY at, id LIMIT ?)"
	if cutoff := s.retention.Cutoff(s.Now()); !cutoff.IsZero() {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(remove, "WHERE at < ?"), cutoff.UnixMicro(), pruneMax); err != nil {
			return fmt.Errorf("prune journal: %w", err)
		}
	}
	if s.retention.Entries <= 0 {
		return nil
	}
	var count int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM journal").Scan(&count); err != nil {
		return fmt.Errorf("count journal: %w", err)
	}
	if over := min(count-s.retention.Entries, pruneMax); over > 0 {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(remove, ""), over); err != nil {
			return fmt.Errorf("prune journal: %w", err)
		}
	}
	return nil
}

// Journal returns entries, the newest first.
func (s *Store) Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	where, args := []string{"1"}, []any{}
	add := func(clause string, values ...any) {
		where = append(where, clause)
		args = append(args, values...)
	}
	if q.Workload != "" {
		add("workload = ?", q.Workload)
	}
	if !q.From.IsZero() {
		add("at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add("at < ?", q.To.UnixMicro())
	}
	if len(q.Kinds) > 0 {
		kinds := make([]any, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		add("kind IN (?"+strings.Repeat(",?", len(kinds)-1)+")", kinds...)
	}
	rows, err := s.read.QueryContext(ctx, "SELECT entry FROM journal WHERE "+strings.Join(where, " AND ")+
		" ORDER BY at DESC, id DESC LIMIT ?", append(args, q.Max())...)
	if err != nil {
		return nil, s.fail("read", err)
	}
	defer func() { _ = rows.Close() }()
	var out []journal.Entry
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, s.fail("read", err)
		}
		e, err := journal.Unmarshal(body)
		if err != nil {
			return nil, s.fail("read", err)
		}
		out = append(out, e)
	}
	return out, s.fail("read", rows.Err())
}
