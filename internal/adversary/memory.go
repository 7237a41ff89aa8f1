package adversary

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Memory is a [control.Store] that keeps everything in memory: values as they are, or JSON as the real stores
// do. The zero value is ready. It is safe for concurrent use.
type Memory struct {
	// Encode puts records into JSON and reads them back from it, once a commit: states are values that nobody changes.
	Encode bool
	// EntriesMax bounds the journal, the newest kept; 0: no bound.
	EntriesMax int

	mu      sync.Mutex
	records map[string]control.Record
	entries []journal.Entry
	ids     map[[2]string]bool
}

var _ control.Store = (*Memory)(nil)

// Load returns the records of the named workloads.
func (m *Memory) Load(ctx context.Context, workloads []string) (map[string]control.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string]control.Record, len(workloads))
	for _, name := range workloads {
		r, ok := m.records[name]
		if r.State.Version > failover.StateVersion {
			return nil, fmt.Errorf("load %s: %w", name, failover.ErrNewerState)
		}
		if ok {
			out[name] = r
		}
	}
	return out, nil
}

// Commit writes next and entries, or nothing.
func (m *Memory) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	stored := m.records[next.State.Workload]
	if next.State.Generation == 0 || stored.State.Generation != next.State.Generation-1 {
		return control.ErrStale
	}
	if stored.Lease.Held(by, now) {
		return &control.LeaseHeldError{Owner: stored.Lease.Owner, Until: stored.Lease.Until}
	}
	return m.put(next, entries)
}

// put writes without asking.
func (m *Memory) put(next control.Record, entries []journal.Entry) error {
	if m.Encode {
		b, err := json.Marshal(next)
		if err != nil {
			return err
		}
		next = control.Record{}
		if err := json.Unmarshal(b, &next); err != nil {
			return err
		}
	}
	if m.records == nil {
		m.records = make(map[string]control.Record)
	}
	m.records[next.State.Workload] = next
	m.add(entries)
	return nil
}

// Lose empties the store, or leaves it with an older record.
func (m *Memory) Lose(back *control.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records, m.entries, m.ids = nil, nil, nil
	if back != nil {
		m.records = map[string]control.Record{back.State.Workload: *back}
	}
}

// Copy returns a workload's record, or nil.
func (m *Memory) Copy(workload string) *control.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.records[workload]; ok {
		return &r
	}
	return nil
}

// Append writes entries that belong to no commit.
func (m *Memory) Append(ctx context.Context, entries []journal.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(entries)
	return nil
}

func (m *Memory) add(entries []journal.Entry) {
	if m.ids == nil {
		m.ids = make(map[[2]string]bool)
	}
	for _, e := range entries {
		id := [2]string{e.Workload, e.ID}
		if m.ids[id] {
			continue
		}
		m.ids[id] = true
		m.entries = append(m.entries, e)
	}
	if over := len(m.entries) - 2*m.EntriesMax; m.EntriesMax > 0 && over > 0 {
		for _, e := range m.entries[:len(m.entries)-m.EntriesMax] {
			delete(m.ids, [2]string{e.Workload, e.ID})
		}
		m.entries = slices.Clone(m.entries[len(m.entries)-m.EntriesMax:])
	}
}

// Journal returns entries, the newest first.
func (m *Memory) Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []journal.Entry
	for _, e := range m.entries {
		if q.Matches(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, journal.Newer)
	return out[:min(len(out), q.Max())], nil
}

// Generations returns the stored generation of every workload.
func (m *Memory) Generations(context.Context) (map[string]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string]uint64, len(m.records))
	for name := range maps.Keys(m.records) {
		out[name] = m.records[name].State.Generation
	}
	return out, nil
}

// Close does nothing.
func (m *Memory) Close() error { return nil }
