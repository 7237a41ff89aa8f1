package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// seen is what the store knows of one workload.
type seen struct {
	workload config.Workload
	record   control.Record
	known    bool
	decision *failover.Decision // the newest in the journal
	entry    journal.Entry      // it came from
}

// observedAt is the newest moment at which the store shows that the workload was looked at.
func (v *seen) observedAt() time.Time {
	at := v.record.State.Seen.At
	if v.entry.At.After(at) {
		at = v.entry.At
	}
	return at
}

// nowOf is the present for what was seen: our clock, or AWS's where that is ahead, as a sandbox's may be.
func nowOf(now time.Time, all []seen) time.Time {
	for i := range all {
		if at := all[i].observedAt(); at.After(now) {
			now = at
		}
	}
	return now
}

// lookAt reads the records and the last decisions of some workloads; all of the configuration's when none is
// named.
func lookAt(ctx context.Context, s IO, path string, names []string) ([]seen, error) {
	file, err := readConfig(ctx, s, path, false)
	if err != nil {
		return nil, err
	}
	workloads, err := named(file, names)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil {
		return nil, err
	}
	if store == nil { // nothing was ever written
		out := make([]seen, len(workloads))
		for i := range workloads {
			out[i].workload = workloads[i]
		}
		return out, nil
	}
	defer func() { _ = store.Close() }()
	records, err := store.Load(ctx, workloadNames(workloads))
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	out := make([]seen, len(workloads))
	for i, w := range workloads {
		out[i].workload = w
		out[i].record, out[i].known = records[w.Name]
		entries, err := store.Journal(ctx, journal.Query{Workload: w.Name, Kinds: []journal.Kind{journal.KindDecision}, Limit: 1})
		if err != nil {
			return nil, fmt.Errorf("read journal of %s: %w", w.Name, err)
		}
		if len(entries) > 0 && entries[0].Decision != nil {
			out[i].entry, out[i].decision = entries[0], entries[0].Decision
		}
	}
	return out, nil
}
