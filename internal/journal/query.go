package journal

import (
	"slices"
	"time"
)

const (
	// LimitDefault is how many entries a query gives when it names no limit: a screen of history.
	LimitDefault = 100
	// LimitMax bounds what one query may ask for, so that a reader holds a bounded amount in memory.
	LimitMax = 100_000
)

// Query selects entries. The zero value selects the newest [LimitDefault] entries of all workloads.
type Query struct {
	// Workload limits it to one workload; empty: all of them.
	Workload string
	// From is inclusive, To exclusive; zero: no bound.
	From, To time.Time
	// Kinds limits it to some kinds; empty: all.
	Kinds []Kind
	// Limit is the greatest number of entries, the newest first.
	Limit int
}

// Max returns the number of entries the query may give, between 1 and [LimitMax].
func (q Query) Max() int {
	if q.Limit <= 0 {
		return LimitDefault
	}
	return min(q.Limit, LimitMax)
}

// Matches says whether the query selects an entry, its limit aside.
func (q Query) Matches(e Entry) bool {
	switch {
	case q.Workload != "" && e.Workload != q.Workload,
		!q.From.IsZero() && e.At.Before(q.From),
		!q.To.IsZero() && !e.At.Before(q.To),
		len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind):
		return false
	}
	return true
}

// Newer orders entries from the newest to the oldest, for slices.SortFunc.
func Newer(a, b Entry) int {
	if c := b.At.Compare(a.At); c != 0 {
		return c
	}
	switch {
	case a.ID > b.ID:
		return -1
	case a.ID < b.ID:
		return 1
	}
	return 0
}

// Retention says how long entries are kept. Live state is not the journal's and never expires.
type Retention struct {
	// Age is how long an entry is kept at least.
	Age time.Duration
	// Entries is how many entries are kept at most, the newest; 0: no limit.
	Entries int
}

// DefaultRetention keeps 400 days, so that a month can be compared with the same one of last year, and at
// most a million entries, about 1 GB.
func DefaultRetention() Retention {
	return Retention{Age: 400 * 24 * time.Hour, Entries: 1_000_000}
}

// Cutoff returns the time before which entries may be removed; zero when none may for their age.
func (r Retention) Cutoff(now time.Time) time.Time {
	if r.Age <= 0 {
		return time.Time{}
	}
	return now.Add(-r.Age)
}

// ExpiresAt returns when an entry may be removed, for stores that remove by themselves; zero: never.
func (r Retention) ExpiresAt(e Entry) time.Time {
	if r.Age <= 0 {
		return time.Time{}
	}
	return e.At.Add(r.Age)
}
