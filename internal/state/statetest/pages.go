package statetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/backstop-ecs/backstop/internal/control"
)

// testPages holds a store that is a [control.Shelf] to its contract.
func testPages(t *testing.T, s control.Store) {
	shelf, ok := s.(control.Shelf)
	if !ok {
		t.Skip("the store keeps no pages")
	}
	ctx := t.Context()
	if got, err := shelf.Pages(ctx, []string{"api"}); err != nil || len(got) != 0 {
		t.Errorf("pages of an empty store are %v, %v", got, err)
	}
	if err := shelf.Keep(ctx, "api", control.Page{Version: 2, Body: []byte("x")}); !errors.Is(err, control.ErrStale) {
		t.Errorf("version 2 where nothing is kept gave %v, want ErrStale", err)
	}
	const rounds, racers = 4, 4
	for v := uint64(1); v <= rounds; v++ {
		var mu sync.Mutex
		var all sync.WaitGroup
		won := ""
		for i := range racers {
			all.Go(func() {
				body := fmt.Sprintf("version %d by %d", v, i)
				err := shelf.Keep(ctx, "api", control.Page{Version: v, Body: []byte(body)})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && won != "":
					t.Errorf("version %d was written twice", v)
				case err == nil:
					won = body
				case !errors.Is(err, control.ErrStale):
					t.Errorf("a loser got %v, want ErrStale", err)
				}
			})
		}
		all.Wait()
		got, err := shelf.Pages(ctx, []string{"api", "other"})
		if err != nil || len(got) != 1 || string(got["api"].Body) != won || got["api"].Version != v {
			t.Errorf("after version %d the pages are %v, %v; want %q", v, got, err, won)
		}
	}
	if all, err := s.Load(ctx, []string{"api"}); err != nil || len(all) != 0 {
		t.Errorf("a page made a record: %v, %v", all, err)
	}
}
