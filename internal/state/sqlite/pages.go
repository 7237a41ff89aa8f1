package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/control"
)

var _ control.Shelf = (*Store)(nil)

// Pages returns the pages of the named workloads; those never kept are absent.
func (s *Store) Pages(ctx context.Context, workloads []string) (map[string]control.Page, error) {
	out := make(map[string]control.Page, len(workloads))
	for _, name := range workloads {
		var p control.Page
		err := s.read.QueryRowContext(ctx, "SELECT version, body FROM notices WHERE workload = ?", name).Scan(&p.Version, &p.Body)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, s.fail("read", err)
		default:
			out[name] = p
		}
	}
	return out, nil
}

// Keep writes a page; see [control.Shelf].
func (s *Store) Keep(ctx context.Context, workload string, p control.Page) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var stored uint64
		err := tx.QueryRowContext(ctx, "SELECT version FROM notices WHERE workload = ?", workload).Scan(&stored)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if p.Version == 0 || stored != p.Version-1 {
			return control.ErrStale
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO notices (workload, version, body) VALUES (?, ?, ?)
			ON CONFLICT (workload) DO UPDATE SET version = excluded.version, body = excluded.body`, workload, p.Version, p.Body)
		if err != nil {
			return fmt.Errorf("write notices of %s: %w", workload, err)
		}
		return nil
	})
	if errors.Is(err, control.ErrStale) {
		return control.ErrStale
	}
	return s.fail("write", err)
}
