// Package witness is the guard's watch on AWS: it holds every event and look against the ledger (package ledger), keeps what it has learned on a
// page of the store, and tells each contradiction once, with the workload that it was seen on.
package witness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

const (
	// pageName is where the page is kept; no workload can have the name.
	pageName = "#aws"
	// keepEvery is how often counts are written; a finding is written at once.
	keepEvery = 15 * time.Minute
	// tries bounds the attempts to write where another guard writes at the same time.
	tries = 3
	// freshFor is how long a finding is told with its workload, counted from when it was first seen.
	freshFor = 24 * time.Hour
)

// Witness is a guard's own. It is safe for concurrent use.
type Witness struct {
	services map[string]bool // that are guarded: region/cluster/service
	now      func() time.Time

	mu    sync.Mutex
	watch ledger.Watch
	seen  map[string]time.Time // rows, by when this guard or another first said so

	keeping  sync.Mutex // guards what follows
	kept     time.Time
	findings int // that the page has, and how many observations
	counted  int
	read     bool
}

// New returns the witness of a guard of some workloads. now is the guard's clock.
func New(workloads []control.Workload, now func() time.Time) *Witness {
	w := &Witness{services: map[string]bool{}, now: now, seen: map[string]time.Time{}}
	for i := range workloads {
		for _, ref := range workloads[i].Refs {
			w.services[ref.String()] = true
		}
	}
	return w
}

// Listening returns parse with the witness beside it: what it reads is held against the ledger, if it is of a service that is guarded.
func (w *Witness) Listening(parse func([]byte) (failover.Signal, bool, error)) func([]byte) (failover.Signal, bool, error) {
	return func(body []byte) (failover.Signal, bool, error) {
		s, ok, err := parse(body)
		if ok && err == nil {
			if e, is := ledger.ReadEvent(body); is && w.services[e.Service] {
				w.mu.Lock()
				w.watch.Event(e)
				w.mu.Unlock()
			}
		}
		return s, ok, err
	}
}

// Look takes what a pass read.
func (w *Witness) Look(refs []control.ServiceRef, r *control.Report) {
	if !r.Result.Settled() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range r.Observation.Pools {
		w.watch.Look(refs[i].String(), &r.Observation.Pools[i], r.Observation.At)
	}
}

// Of returns what contradicts the ledger in a service, each with the row's number in front, for a day from when it was first seen.
func (w *Witness) Of(ref control.ServiceRef) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.watch.Seen.Findings {
		f := &w.watch.Seen.Findings[i]
		if w.seen[f.Row].IsZero() {
			w.seen[f.Row] = w.now()
		}
		if f.Service == ref.String() && w.now().Sub(w.seen[f.Row]) < freshFor {
			out = append(out, f.Row+": "+f.Text())
		}
	}
	return out
}

// page is what is kept in the store.
type page struct {
	Version int                  `json:"version"`
	Seen    ledger.Seen          `json:"seen"`
	First   map[string]time.Time `json:"first,omitempty"` // rows, by when a guard first said so
}

const pageVersion = 1

// Keep writes what was learned to the store, if it keeps pages and there is something to write, together with what other guards have learned.
func (w *Witness) Keep(ctx context.Context, store any) error {
	shelf, ok := store.(control.Shelf)
	if !ok {
		return nil
	}
	w.keeping.Lock()
	defer w.keeping.Unlock()
	w.mu.Lock()
	counted, found := learned(&w.watch.Seen)
	w.mu.Unlock()
	if w.read && found == w.findings && (counted == w.counted || w.now().Sub(w.kept) < keepEvery) {
		return nil
	}
	for range tries {
		stored, version, err := load(ctx, shelf)
		if err != nil {
			return fmt.Errorf("keep what is known of AWS: %w", err)
		}
		if stored.Version > pageVersion { // a newer guard's, beside which this one runs for a while: what is there is not lost
			w.read, w.kept, w.counted, w.findings = true, w.now(), counted, found
			return nil
		}
		next := w.merge(stored)
		w.read = true
		if counted == 0 { // nothing that the page does not have
			w.counted, w.findings = learned(&next.Seen)
			return nil
		}
		body, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("keep what is known of AWS: %w", err)
		}
		switch err = shelf.Keep(ctx, pageName, control.Page{Version: version + 1, Body: body}); {
		case err == nil:
			w.kept = w.now()
			w.counted, w.findings = learned(&next.Seen)
			return nil
		case !errors.Is(err, control.ErrStale):
			return fmt.Errorf("keep what is known of AWS: %w", err)
		}
	}
	return nil // others write so often that the next time may do
}

// learned is how many observations and findings there are.
func learned(s *ledger.Seen) (counted, found int) {
	for _, t := range s.Tallies {
		counted += t.N
	}
	return counted, len(s.Findings)
}

// merge takes over what the page has, and returns what it should have.
func (w *Witness) merge(stored page) page {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch.Seen = ledger.Merge(w.watch.Seen, stored.Seen)
	for row, at := range stored.First {
		if own := w.seen[row]; own.IsZero() || at.Before(own) {
			w.seen[row] = at
		}
	}
	for i := range w.watch.Seen.Findings {
		if row := w.watch.Seen.Findings[i].Row; w.seen[row].IsZero() {
			w.seen[row] = w.now().UTC().Truncate(time.Second)
		}
	}
	return page{pageVersion, ledger.Merge(w.watch.Seen, ledger.Seen{}), maps.Clone(w.seen)} // of its own: the watch goes on
}

func load(ctx context.Context, shelf control.Shelf) (p page, version uint64, err error) {
	pages, err := shelf.Pages(ctx, []string{pageName})
	if err != nil {
		return p, 0, err
	}
	if body := pages[pageName].Body; len(body) > 0 && (json.Unmarshal(body, &p) != nil || p.Version != pageVersion) {
		p = page{Version: p.Version} // damaged, or another version's: it is learned again
	}
	return p, pages[pageName].Version, nil
}

// Read returns what the guards of a store have learned of AWS; nothing where it keeps no pages.
func Read(ctx context.Context, store any) (ledger.Seen, error) {
	shelf, ok := store.(control.Shelf)
	if !ok {
		return ledger.Seen{}, nil
	}
	p, _, err := load(ctx, shelf)
	if err != nil {
		return ledger.Seen{}, fmt.Errorf("read what is known of AWS: %w", err)
	}
	return p.Seen, nil
}
