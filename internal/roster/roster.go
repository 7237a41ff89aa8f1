// Package roster remembers what was ever guarded with a store: the workloads and the services of their pools. What is configured no
// more is found by it, with what was left of it: on-demand tasks that nobody gives back, and auto scaling that stays suspended.
//
// It changes no service; package control does, when a person releases what was left.
package roster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// pageName is where the roster is kept; no workload can have the name.
	pageName = "#roster"
	// entriesMax bounds the workloads that are remembered, those that are configured no more forgotten first.
	entriesMax = 2000
	// tries bounds the attempts to write where another process writes at the same time.
	tries = 4
)

// Pool is a pool with the service it stands for.
type Pool struct {
	Name     string             `json:"name"`
	Capacity failover.Capacity  `json:"capacity"`
	Ref      control.ServiceRef `json:"ref"`
}

// Entry is a workload that is or was guarded.
type Entry struct {
	Workload string `json:"workload"`
	Pools    []Pool `json:"pools"`
	// Gone is since when it, or one of its pools, is configured no more; zero for what is guarded.
	Gone time.Time `json:"gone,omitzero"`
	// Left is what ECS showed of it when a guard last started; nil: nobody has looked.
	Left *Left `json:"left,omitempty"`
}

// Left is what remains of a workload that is configured no more.
type Left struct {
	At time.Time `json:"at"`
	// OnDemand counts the on-demand tasks that are asked for, Held how many of the demand its Spot service is not asked for.
	OnDemand int `json:"on_demand"`
	Held     int `json:"held,omitempty"`
	// Suspended names the services whose auto scaling is suspended.
	Suspended []string `json:"suspended,omitempty"`
}

// Nothing reports whether nothing was left.
func (l *Left) Nothing() bool { return l.OnDemand == 0 && l.Held == 0 && len(l.Suspended) == 0 }

// Read returns the roster of a store; none where it keeps no pages.
func Read(ctx context.Context, store any) ([]Entry, error) {
	all, _, err := read(ctx, store)
	return all, err
}

func read(ctx context.Context, store any) ([]Entry, uint64, error) {
	shelf, ok := store.(control.Shelf)
	if !ok {
		return nil, 0, nil
	}
	pages, err := shelf.Pages(ctx, []string{pageName})
	if err != nil {
		return nil, 0, fmt.Errorf("read roster: %w", err)
	}
	var all []Entry
	page := pages[pageName]
	if len(page.Body) > 0 && json.Unmarshal(page.Body, &all) != nil {
		all = nil // a later version's, or damaged: what is guarded is noted again
	}
	return all, page.Version, nil
}

// change rewrites the roster, again where another process was first.
func change(ctx context.Context, store any, edit func([]Entry) []Entry) ([]Entry, error) {
	shelf, ok := store.(control.Shelf)
	if !ok {
		return nil, nil
	}
	var err error
	for range tries {
		var all []Entry
		var version uint64
		if all, version, err = read(ctx, store); err != nil {
			return nil, err
		}
		before, _ := json.Marshal(all)
		all = edit(all)
		body, failed := json.Marshal(all)
		if failed != nil {
			return nil, fmt.Errorf("write roster: %w", failed)
		}
		if string(body) == string(before) {
			return all, nil
		}
		if err = shelf.Keep(ctx, pageName, control.Page{Version: version + 1, Body: body}); err == nil {
			return all, nil
		}
		if !errors.Is(err, control.ErrStale) {
			break
		}
	}
	return nil, fmt.Errorf("write roster: %w", err)
}

// Note puts what is guarded into the roster and returns what is in it and guarded no more: workloads, and pools whose services no
// workload has any more.
func Note(ctx context.Context, store any, guarded []control.Workload, now time.Time) ([]Entry, error) {
	all, err := change(ctx, store, func(all []Entry) []Entry { return noted(all, guarded, now) })
	return slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.Gone.IsZero() }), err
}

func noted(all []Entry, guarded []control.Workload, now time.Time) []Entry {
	used := map[control.ServiceRef]bool{}
	var out []Entry
	for i := range guarded {
		w := &guarded[i]
		e := Entry{Workload: w.Name}
		for k := range w.Policy.Pools {
			e.Pools = append(e.Pools, Pool{Name: w.Policy.Pools[k].Name, Capacity: w.Policy.Pools[k].Capacity, Ref: w.Refs[k]})
			used[key(w.Refs[k])] = true
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Workload, b.Workload) })
	var gone []Entry
	for _, e := range all {
		e.Pools = slices.DeleteFunc(slices.Clone(e.Pools), func(p Pool) bool { return used[key(p.Ref)] })
		if len(e.Pools) == 0 {
			continue
		}
		if e.Gone.IsZero() {
			e.Gone, e.Left = now.UTC().Truncate(time.Second), nil
		}
		gone = append(gone, e)
	}
	slices.SortFunc(gone, func(a, b Entry) int { return b.Gone.Compare(a.Gone) })
	return append(out, gone[:max(0, min(len(gone), entriesMax-len(out)))]...)
}

// key is a service whoever reaches it.
func key(r control.ServiceRef) control.ServiceRef {
	r.RoleARN = ""
	return r
}

// Look reads from ECS what is left of entries, keeps it, and returns those of which something is left. What cannot be read counts as
// left as it was, with the error joined to the others'.
func Look(ctx context.Context, store any, services control.Services, gone []Entry, now time.Time) ([]Entry, error) {
	var errs []error
	found := map[string]*Left{}
	var out []Entry
	for _, e := range gone {
		left, err := look(ctx, services, &e, now)
		switch {
		case err != nil:
			errs = append(errs, err)
			if e.Left != nil {
				out = append(out, e)
			}
			continue
		case left.Nothing():
		default:
			e.Left = left
			out = append(out, e)
		}
		found[e.Workload] = left
	}
	_, err := change(ctx, store, func(all []Entry) []Entry {
		var kept []Entry
		for _, e := range all {
			if l := found[e.Workload]; l != nil && !e.Gone.IsZero() {
				if l.Nothing() {
					continue // it is done with
				}
				e.Left = l
			}
			kept = append(kept, e)
		}
		return kept
	})
	return out, errors.Join(append(errs, err)...)
}

func look(ctx context.Context, services control.Services, e *Entry, now time.Time) (*Left, error) {
	refs := make([]control.ServiceRef, len(e.Pools))
	for i := range e.Pools {
		refs[i] = e.Pools[i].Ref
	}
	_, obs := services.Describe(ctx, refs, control.Worth{})
	left := &Left{At: now.UTC().Truncate(time.Second)}
	for i := range obs {
		o := &obs[i]
		switch {
		case o.Gone != "":
			continue
		case o.Err != failover.ErrNone:
			return nil, fmt.Errorf("look at %s, which is configured no more: %s", refs[i], o.ErrText)
		}
		if e.Pools[i].Capacity == failover.OnDemand {
			left.OnDemand += o.Desired
			continue
		}
		left.Held += max(0, o.HeldDemand-o.Desired)
		if sc, err := services.Scaling(ctx, refs[i]); err == nil && sc.Present && sc.SuspendedIn && sc.SuspendedOut && sc.Min == 0 {
			left.Suspended = append(left.Suspended, refs[i].Service)
		}
	}
	return left, nil
}

// Text says what is left of an entry.
func (e *Entry) Text() string {
	if e.Left == nil {
		return ""
	}
	return wording.LeftBehind(e.Workload, e.Left.OnDemand, e.Left.Held, e.Left.Suspended)
}

// Say logs what is left of workloads that are configured no more. It is called once when a guard starts, and holds up no pass.
func Say(ctx context.Context, store any, services control.Services, guarded []control.Workload, now func() time.Time, log *slog.Logger) {
	gone, err := Note(ctx, store, guarded, now())
	var left []Entry
	if err == nil && len(gone) > 0 {
		left, err = Look(ctx, store, services, gone, now())
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.LogAttrs(ctx, slog.LevelWarn, "what is configured no more was not looked at", slog.Any(control.KeyErr, err))
	}
	for i := range left {
		log.LogAttrs(ctx, slog.LevelError, left[i].Text(), slog.String(control.KeyWorkload, left[i].Workload),
			slog.String(control.KeyHint, wording.LeftRemedy(left[i].Workload).String()))
	}
}

// Forget takes a workload that is guarded no more out of the roster.
func Forget(ctx context.Context, store any, workload string) error {
	_, err := change(ctx, store, func(all []Entry) []Entry {
		return slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.Workload == workload && !e.Gone.IsZero() })
	})
	return err
}
