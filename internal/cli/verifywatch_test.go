package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// awayStore is a store whose pages cannot be read the second time.
type awayStore struct {
	*sqlite.Store
	reads int
}

func (s *awayStore) Pages(ctx context.Context, names []string) (map[string]control.Page, error) {
	if s.reads++; s.reads == 2 {
		return nil, errors.New("the store is away")
	}
	return s.Store.Pages(ctx, names)
}

// TestWatchingForDaysOutlivesAReadThatFails: only the first must succeed.
func TestWatchingForDaysOutlivesAReadThatFails(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	o, looks := verifyWatchOptions{days: 1}, 0
	began := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := IO{Out: io.Discard, Err: io.Discard, Now: func() time.Time { // just before the end, until the fourth look
		if looks++; looks > 4 {
			return began.Add(24 * time.Hour)
		} else if looks > 1 {
			return began.Add(24*time.Hour - time.Millisecond)
		}
		return began
	}}
	away := &awayStore{Store: store}
	if _, err := o.follow(t.Context(), s, away); err != nil || away.reads < 3 {
		t.Errorf("after %d reads: %v", away.reads, err)
	}
}
