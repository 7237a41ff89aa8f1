package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/simulate"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// journalSource says whose journal a simulation takes its traces from.
type journalSource struct {
	on        bool
	path      string
	workloads []string
	since     string
}

func journalFlags(cmd *cobra.Command, s IO, j *journalSource) {
	f := cmd.Flags()
	f.BoolVar(&j.on, "journal", false, "take the traces from what the journal says Spot held, a workload of the configuration each")
	configFlag(cmd, s, &j.path)
	f.StringSliceVar(&j.workloads, "workload", nil, "with --journal: only these workloads")
	f.StringVar(&j.since, "since", "", "with --journal: from then on, days (30d) or hours (24h) back, or a time")
	_ = cmd.RegisterFlagCompletionFunc("workload", completeWorkloads(s, &j.path))
}

// read returns the traces, none when the journal was not asked for.
func (j *journalSource) read(ctx context.Context, s IO) ([]*trace.Trace, error) {
	if !j.on {
		if len(j.workloads) > 0 || j.since != "" {
			return nil, usageError("--workload and --since need --journal")
		}
		return nil, nil
	}
	from, err := moment("since", j.since, s.Now())
	if err != nil {
		return nil, err
	}
	file, err := readConfig(ctx, s, j.path, false)
	if err != nil {
		return nil, err
	}
	workloads, err := named(file, j.workloads)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, fmt.Errorf("read journal: %s is not there; nothing was ever written", file.State.SQLite)
	}
	defer func() { _ = store.Close() }()
	records, err := store.Load(ctx, workloadNames(workloads))
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	var out []*trace.Trace
	for _, w := range workloads {
		entries, err := store.Journal(ctx, journal.Query{Workload: w.Name, Kinds: []journal.Kind{journal.KindDecision}, From: from, Limit: journal.LimitMax})
		if err != nil {
			return nil, fmt.Errorf("read journal of %s: %w", w.Name, err)
		}
		t, err := simulate.FromJournal(w.Name, w.Policy.Pools, entries, records[w.Name].State.Seen.At)
		if err != nil {
			return nil, err
		}
		if len(entries) == journal.LimitMax {
			t.Notes = append(t.Notes, fmt.Sprintf("only the newest %d decisions were read", journal.LimitMax))
		}
		out = append(out, t)
	}
	return out, nil
}
