package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

type historyOptions struct {
	path   string
	output string
	selection
	since string
	until string
	kinds []string
	limit int
}

func newHistoryCommand(s IO) *cobra.Command { return newHistory(s, runHistory) }

func newHistory(s IO, run func(context.Context, IO, historyOptions) error) *cobra.Command {
	var o historyOptions
	cmd := &cobra.Command{
		Use:   "history [WORKLOAD...]",
		Short: "List what was decided, done, ordered and told, the newest last",
		Long: "History reads the journal. With --output json each entry is one line of JSON, in the stored form (docs/json.md), so that it can be " +
			"streamed.",
		Example:           "backstop history --since 24h\nbackstop history tasks:jobs   # tasks of no service in the cluster jobs\nbackstop history analytics --kind intent -o json",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.selection.check(""); err != nil {
				return err
			}
			if err := o.check(s.Now()); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	selectionFlags(cmd, s, &o.path, &o.selection)
	outputFlag(cmd, &o.output)
	cmd.Flags().StringVar(&o.since, "since", "", "from then on: how long ago (30d, 24h, 90m), or a time (2026-11-01T08:00:00Z)")
	cmd.Flags().StringVar(&o.until, "until", "", "until then: as --since")
	cmd.Flags().StringSliceVar(&o.kinds, "kind", nil, "only entries of these kinds: decision, outcome, intent, notice")
	cmd.Flags().IntVarP(&o.limit, "limit", "n", journal.LimitDefault, fmt.Sprintf("at most so many entries, the newest; up to %d", journal.LimitMax))
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kindNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func kindNames() []string {
	var out []string
	for _, k := range journal.Kinds() {
		out = append(out, string(k))
	}
	return out
}

func (o *historyOptions) check(now time.Time) error {
	for _, k := range o.kinds {
		if !slices.Contains(kindNames(), k) {
			return usageError("--kind %q: must be one of %s", k, strings.Join(kindNames(), ", "))
		}
	}
	if o.limit < 1 || o.limit > journal.LimitMax {
		return usageError("--limit %d: must be 1 to %d", o.limit, journal.LimitMax)
	}
	from, err := moment("since", o.since, now)
	if err != nil {
		return err
	}
	to, err := moment("until", o.until, now)
	if err == nil && !to.IsZero() && !from.Before(to) {
		return usageError("--since %s is not before --until %s", o.since, o.until)
	}
	return err
}

// moment reads a time, or days or a duration before now; empty is the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := parseSpan(text); err == nil && d <= daysMax*24*time.Hour {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError("--%s %q: must be how long ago (30d, 24h, 90m), or a time such as 2026-11-01T08:00:00Z", flag, text)
}

func runHistory(ctx context.Context, s IO, o historyOptions) error {
	file, err := readConfig(ctx, s, o.path, false)
	if err != nil {
		return err
	}
	alone := aloneNames(file, &o.selection)
	workloads, err := o.of(file)
	if err != nil {
		return err
	}
	names := []string{""} // which a query takes for all, those that are configured no more included
	switch {
	case len(alone) > 0 && len(o.names) == 0 && o.cluster == "" && len(o.labels) == 0:
		names = alone
	case len(o.names) > 0 || o.cluster != "" || len(o.labels) > 0:
		names = append(workloadNames(workloads), alone...)
	}
	store, err := openStore(ctx, file, reading)
	if err != nil || store == nil {
		return err
	}
	defer func() { _ = store.Close() }()
	now := s.Now()
	q := journal.Query{Limit: o.limit}
	q.From, _ = moment("since", o.since, now)
	q.To, _ = moment("until", o.until, now)
	for _, k := range o.kinds {
		q.Kinds = append(q.Kinds, journal.Kind(k))
	}
	var entries []journal.Entry
	for _, name := range names {
		q.Workload = name
		got, err := store.Journal(ctx, q)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		entries = append(entries, got...)
	}
	slices.SortFunc(entries, journal.Newer)
	entries = entries[:min(len(entries), o.limit)]
	slices.Reverse(entries)
	return printHistory(s, o, entries)
}

func printHistory(s IO, o historyOptions, entries []journal.Entry) error {
	if o.output == outputJSON {
		out := json.NewEncoder(s.Out)
		out.SetEscapeHTML(false)
		for _, e := range entries {
			if err := out.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"TIME", "WORKLOAD", "KIND", "REASON", "WHAT"}}
	for i := range entries {
		e := &entries[i]
		rows = append(rows, []string{wording.Moment(e.At), e.Workload, string(e.Kind), orDash(reasonOf(e)), wording.Entry(e)})
	}
	if len(entries) == 0 {
		_, err := fmt.Fprintln(s.Err, "no entries")
		return err
	}
	return table(s.Out, rows)
}

// reasonOf is the reason of what an entry records; of a notice with its severity.
func reasonOf(e *journal.Entry) string {
	switch {
	case e.Decision != nil:
		return string(e.Decision.Reason)
	case e.Intent != nil:
		return "operator"
	case e.Notice != nil:
		return strings.TrimSuffix(string(e.Notice.Severity)+": "+string(e.Notice.Reason), ": ")
	}
	return ""
}
