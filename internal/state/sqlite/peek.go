package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// peeked is what Generations last read, and the connection it was read on: SQLite tells a connection cheaply whether
// another one has committed since (PRAGMA data_version), and a daemon asks every second for years of quiet.
type peeked struct {
	mu          sync.Mutex
	conn        *sql.Conn
	version     int64
	generations map[string]uint64 // nil before the first read
}

// Generations returns the stored generation of every workload. The map is read again only after a commit; the caller
// must not change it.
func (s *Store) Generations(ctx context.Context) (map[string]uint64, error) {
	p := &s.peeked
	p.mu.Lock()
	defer p.mu.Unlock()
	g, err := p.read(ctx, s.read)
	if err != nil {
		_ = p.close() // a new connection counts its versions anew
		return nil, s.fail("read", err)
	}
	return g, nil
}

func (p *peeked) read(ctx context.Context, db *sql.DB) (map[string]uint64, error) {
	if p.conn == nil {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		p.conn = conn
	}
	// The version is asked for first: what is committed between the two reads is read once too often, and never missed.
	var version int64
	if err := p.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return nil, err
	}
	if p.generations != nil && version == p.version {
		return p.generations, nil
	}
	g, err := generations(ctx, p.conn)
	if err != nil {
		return nil, err
	}
	p.version, p.generations = version, g
	return g, nil
}

func generations(ctx context.Context, conn *sql.Conn) (map[string]uint64, error) {
	rows, err := conn.QueryContext(ctx, "SELECT workload, generation FROM state")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := make(map[string]uint64)
	for rows.Next() {
		var name string
		var g uint64
		if err := rows.Scan(&name, &g); err != nil {
			return nil, err
		}
		out[name] = g
	}
	return out, rows.Err()
}

// close gives the connection back, and forgets what was read on it.
func (p *peeked) close() error {
	conn := p.conn
	p.conn, p.generations = nil, nil
	if conn == nil {
		return nil
	}
	return conn.Close()
}
