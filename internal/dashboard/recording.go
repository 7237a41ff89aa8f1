package dashboard

import (
	"context"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Recording is a [Source] of something that is over: a run of the simulator, or an exported journal.
type Recording struct {
	workloads []Workload
	entries   []journal.Entry // newest first
	end       time.Time
}

// NewRecording returns a source of the entries, in whatever order. end is when it was over.
func NewRecording(workloads []Workload, entries []journal.Entry, end time.Time) *Recording {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, journal.Newer)
	return &Recording{workloads: workloads, entries: entries, end: end}
}

// Now returns when the recording was over, which is its present.
func (r *Recording) Now() time.Time { return r.end }

// begins returns when a workload was first looked at in the recording, whatever of it has been read so far; zero: never.
func (r *Recording) begins(workload string) time.Time {
	for i := len(r.entries) - 1; i >= 0; i-- {
		if e := &r.entries[i]; e.Workload == workload && e.Decision != nil {
			return e.Decision.At
		}
	}
	return time.Time{}
}

// Workloads implements [Source].
func (r *Recording) Workloads() []Workload { return r.workloads }

// Current implements [Source]: the last decision of the recording.
func (r *Recording) Current(_ context.Context, names []string) (map[string]Current, error) {
	out := make(map[string]Current, len(names))
	for i := range r.entries {
		e := &r.entries[i]
		if _, have := out[e.Workload]; have || e.Decision == nil || !slices.Contains(names, e.Workload) {
			continue
		}
		d := e.Decision
		c := Current{State: failover.State{Workload: e.Workload, Decided: failover.Decided{Mode: d.Mode, Demand: d.Demand, DemandSet: true},
			Seen: failover.Seen{At: r.end}}}
		c.take(e)
		c.LookedAt = r.end
		for _, p := range d.Pools {
			c.State.Pools = append(c.State.Pools, failover.PoolState{Name: p.Pool, B: failover.Breaker{Mode: p.Breaker}})
		}
		out[e.Workload] = c
	}
	return out, nil
}

// History implements [Source].
func (r *Recording) History(_ context.Context, q journal.Query) ([]journal.Entry, error) {
	var out []journal.Entry
	for _, e := range r.entries {
		if len(out) == q.Max() {
			break
		}
		if q.Matches(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Apply implements [Source].
func (r *Recording) Apply(context.Context, string, failover.Intent) error { return ErrReadOnly }
