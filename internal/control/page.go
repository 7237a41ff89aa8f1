package control

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"
)

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

// Sharer is what [Services] may also be: one that spends a budget of calls which all programs over one store share.
type Sharer interface {
	// Share says how many programs there are, this one included.
	Share(programs int)
}

// presencePage is the page on which programs over one store say that they run; no workload has such a name.
const presencePage = "~programs"

// presence is what one program knows of the others: the beats that it saw, and when by its own clock they last changed.
type presence struct {
	beats map[string]uint64
	seen  map[string]time.Time
}

// present keeps saying that this program runs, and tells the services how many do, until ctx ends; then it takes that back.
func (l *Loop) present(ctx context.Context, shelf Shelf, services Sharer) {
	p := &presence{beats: make(map[string]uint64), seen: make(map[string]time.Time)}
	failed := false
	for {
		n, err := p.beat(ctx, shelf, l.Owner, true)
		switch {
		case err == nil:
			services.Share(n)
		case ctx.Err() == nil && !failed:
			l.Log.LogAttrs(ctx, slog.LevelWarn, "it is not known which other programs share the account's calls", slog.Any(KeyErr, err))
		}
		failed = err != nil
		Wait(ctx, presenceEvery)
		if ctx.Err() != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ReleaseTimeout)
			defer cancel()
			_, _ = p.beat(ctx, shelf, l.Owner, false) // else it is missed in a minute
			return
		}
	}
}

// beat reads who is there, writes that this program is, or not any more, and returns how many are.
func (p *presence) beat(ctx context.Context, shelf Shelf, own string, here bool) (int, error) {
	for try := 0; ; try++ {
		storeCtx, cancel := context.WithTimeout(ctx, StoreTimeout)
		pages, err := shelf.Pages(storeCtx, []string{presencePage})
		if err != nil {
			cancel()
			return 0, err
		}
		page := pages[presencePage]
		n := p.read(page.Body, own, time.Now())
		delete(p.beats, own)
		if here {
			p.beats[own] = page.Version + 1
			n++
		}
		page.Version++
		if page.Body, err = json.Marshal(p.beats); err == nil {
			err = shelf.Keep(storeCtx, presencePage, page)
		}
		cancel()
		if !errors.Is(err, ErrStale) || try == presenceTries {
			return n, err
		}
	}
}

// read notes what the page says, forgets those whose beat has not changed for long, and returns how many others there are.
func (p *presence) read(body []byte, own string, now time.Time) int {
	told := make(map[string]uint64)
	_ = json.Unmarshal(body, &told) // what is not understood is written afresh
	for owner, beat := range told {
		if beat != p.beats[owner] {
			p.seen[owner] = now
		}
	}
	p.beats = told
	n := 0
	for owner := range told {
		switch {
		case now.Sub(p.seen[owner]) > presenceFor:
			delete(p.beats, owner)
			delete(p.seen, owner)
		case owner != own:
			n++
		}
	}
	return n
}
