package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/witness"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// verifyWatchOptions are those of verify-aws watch.
type verifyWatchOptions struct {
	path, output, share string
	days                float64
}

const (
	// watchDaysMost is the longest that the command follows a guard.
	watchDaysMost = 366
	// findingsEvery is how often it looks for something new.
	findingsEvery = 30 * time.Second
)

// verifyWatched is the answer of verify-aws watch.
type verifyWatched struct {
	Rows     []ledger.Watched `json:"rows"`
	Findings []ledger.Finding `json:"findings"`
}

func newVerifyWatch(s IO, run func(context.Context, IO, verifyWatchOptions) error) *cobra.Command {
	var o verifyWatchOptions
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show what guards have seen of AWS in your workloads, row by row; it makes nothing and costs nothing",
		Long: "Each guard, in `observe` too, holds the events and counts of its workloads against docs/aws-assumptions.md, and keeps what it learns in the state. Watch shows it: the rows that " +
			"events can show, how often each was seen, and the evidence of what contradicts one, with identifiers replaced. With --days it follows the guard for so long and says each " +
			"contradiction when it is found. It takes nothing from the queue. Exit code 3: a row is contradicted.",
		Example: "backstop verify-aws watch\nbackstop verify-aws watch --days 14\nbackstop verify-aws watch --share evidence.jsonl",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(o.days >= 0 && o.days <= watchDaysMost) {
				return usageError("--days %v: must be 0 to %d", o.days, watchDaysMost)
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	cmd.Flags().Float64Var(&o.days, "days", 0, "follow the guard for so many days; 0: show what there is")
	cmd.Flags().StringVar(&o.share, "share", "", "also write the evidence to this file as a corpus, with identifiers replaced")
	_ = cmd.MarkFlagFilename("share", "jsonl")
	return cmd
}

func runVerifyWatch(ctx context.Context, s IO, o verifyWatchOptions) error {
	file, err := readConfig(ctx, s, o.path, true)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil {
		return err
	}
	var seen ledger.Seen
	if store != nil {
		defer func() { _ = store.Close() }()
		if seen, err = o.follow(ctx, s, store); err != nil {
			return err
		}
	} else if o.days > 0 {
		return errors.New("no guard has run yet: there is nothing to follow; start one with backstop run")
	}
	if o.share != "" {
		var events []json.RawMessage
		for i := range seen.Findings {
			events = append(events, seen.Findings[i].Evidence...)
		}
		if err := os.WriteFile(o.share, ledger.Corpus(events), 0o644); err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
		say(s.Err, "wrote %s to %s", wording.Count(len(events), "event"), o.share)
	}
	answer := verifyWatched{seen.Rows(), seen.Findings}
	if answer.Findings == nil {
		answer.Findings = []ledger.Finding{}
	}
	if o.output == outputJSON {
		err = printJSON(s.Out, answer)
	} else {
		err = printVerifyWatched(s.Out, &answer)
	}
	if err == nil && len(answer.Findings) > 0 {
		return quiet(ExitUnhealthy)
	}
	return err
}

// follow reads what guards have learned, until the days are over or ctx ends, and says each new contradiction.
func (o *verifyWatchOptions) follow(ctx context.Context, s IO, store control.Store) (ledger.Seen, error) {
	said := map[string]bool{}
	seen, err := witness.Read(ctx, store)
	if err != nil {
		return seen, err
	}
	for end := s.Now().Add(time.Duration(o.days * 24 * float64(time.Hour))); ; {
		left := end.Sub(s.Now())
		for i := range seen.Findings {
			if f := &seen.Findings[i]; o.days > 0 && !said[f.Row] {
				said[f.Row] = true
				say(s.Err, "AWS does what Backstop does not expect (%s): %s", f.Row, visible(f.Text()))
			}
		}
		if left <= 0 || !control.Wait(ctx, min(left, findingsEvery)) {
			return seen, nil
		}
		if next, err := witness.Read(ctx, store); err == nil {
			seen = next
		} else if ctx.Err() == nil { // in weeks a store is away now and then
			say(s.Err, "trying again: %v", err)
		}
	}
}

// printVerifyWatched writes it as text.
func printVerifyWatched(w io.Writer, a *verifyWatched) error {
	rows := [][]string{{"ROW", "VERDICT", "SEEN", "AGAINST", "PREDICTED", "OF"}}
	for i := range a.Rows {
		r := &a.Rows[i]
		rows = append(rows, []string{r.Row, string(r.Verdict), fmt.Sprint(r.Seen), fmt.Sprint(r.Off), r.Predicted, r.Measure})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	for i := range a.Findings {
		f := &a.Findings[i]
		_, _ = fmt.Fprintf(w, "\n%s, since %s in %s\n  %s\n", f.Row, wording.Moment(f.Since), visible(f.Service), visible(f.Text()))
		for _, raw := range f.Evidence {
			_, _ = fmt.Fprintf(w, "  %s\n", visible(strings.TrimSpace(string(raw))))
		}
	}
	if len(a.Findings) > 0 {
		_, _ = fmt.Fprintln(w, "\nThe rows are those of docs/aws-assumptions.md. --share FILE writes the evidence for a report; identifiers are replaced in it.")
	}
	return nil
}
