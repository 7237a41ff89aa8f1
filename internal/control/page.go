package control

import "context"

// Page is a small document that is kept of a workload beside its record: what receivers of notices have been
// told. It is not part of the record, because telling must never hold up, or lose, a commit.
type Page struct {
	// Version counts the writes, from 1.
	Version uint64
	Body    []byte
}

// Shelf is what a [Store] may also be: one that keeps pages.
type Shelf interface {
	// Pages returns the pages of the named workloads; those never kept are absent.
	Pages(ctx context.Context, workloads []string) (map[string]Page, error)
	// Keep writes a page if the stored version is p.Version-1 (for version 1: nothing is stored), and returns
	// [ErrStale] otherwise.
	Keep(ctx context.Context, workload string, p Page) error
}
