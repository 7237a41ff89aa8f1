package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/simulate"
)

type tuneOptions struct {
	simulate.TuneOptions
	output  string
	preset  string
	journal journalSource
	model   string
}

func newTuneCommand(s IO) *cobra.Command {
	o := tuneOptions{preset: failover.PresetFill}
	cmd := &cobra.Command{
		Use:   "tune",
		Short: "Propose a policy for a capacity trace and say what each change buys",
		Long: "Tune plays a trace, from a file, built in or from the journal, under a few dozen policies around a preset and proposes the cheapest one that keeps to a shortfall. What it found is " +
			"judged where it was not searched for: on other seeds, and on the last part of traces from files. The policy is printed as it stands in " +
			"backstop.yaml. It needs no network and no AWS account.",
		Example: "backstop tune --trace month.csv --tasks 120\nbackstop tune --journal --workload analytics\nbackstop tune --world ends-at-sigterm --shortfall-target 40",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			if err := playModel(o.model, &o.Options); err != nil {
				return err
			}
			err := runTune(cmd.Context(), s, o)
			if asked, ok := errors.AsType[*simulate.OptionError](err); ok {
				return flagNamed(cmd, asked)
			}
			return err
		},
	}
	f := cmd.Flags()
	worldFlags(cmd, &o.Options)
	journalFlags(cmd, s, &o.journal)
	playedModelFlag(cmd, &o.model)
	choiceFlag(cmd, &o.preset, "policy", "p", failover.PresetFill, []string{failover.PresetFill, failover.PresetSwitch}, "the preset to start from")
	f.StringArrayVar(&o.Set, "set", nil, "field=value of the policy to start from, such as fill_after=30s")
	f.Float64Var(&o.Target, "shortfall-target", -1, "task-minutes per 1,000 task-hours that may be short (default as many as now with their standard error, or 0.05)")
	f.IntVar(&o.Seeds, "seeds", 3, "seeds that the search plays")
	f.IntVar(&o.HeldOut, "held-out", 6, "seeds that the verdict plays")
	outputFlag(cmd, &o.output)
	f.Lookup("shortfall-target").DefValue = ""
	return cmd
}

func (o *tuneOptions) check(cmd *cobra.Command) error {
	if err := checkWorld(cmd, &o.Options); err != nil {
		return err
	}
	if cmd.Flags().Changed("shortfall-target") && !(o.Target >= 0 && o.Target <= 60_000) { // as many as there are
		return usageError("--shortfall-target %v: must be 0 to 60000 task-minutes per 1,000 task-hours", o.Target)
	}
	if o.HeldOut < 2 || o.HeldOut > simulate.SeedsMax {
		return usageError("--held-out %d: must be 2 to %d", o.HeldOut, simulate.SeedsMax)
	}
	return nil
}

func runTune(ctx context.Context, s IO, o tuneOptions) error {
	given, err := o.journal.read(ctx, s)
	if err != nil {
		return err
	}
	o.Given, o.Policies = given, []string{o.preset}
	line := &liveLine{s: s}
	o.Reading = readingOf(line)
	debug.SetGCPercent(simulate.GCPercent)
	found, err := simulate.Tune(ctx, o.TuneOptions, progress(line))
	line.clear()
	switch {
	case err != nil:
		return err
	case o.output == outputJSON:
		return printJSON(s.Out, found)
	}
	return printTuned(s.Out, found)
}

func printTuned(w io.Writer, t *simulate.Tuned) error {
	target := fmt.Sprintf("at most %.3g task-minutes per 1,000 task-hours short (as now with its standard error, or 0.05)", t.Target)
	if t.TargetGiven {
		target = fmt.Sprintf("at most %.3g task-minutes per 1,000 task-hours short", t.Target)
	}
	_, _ = fmt.Fprintf(w, "wanted: %s, at the lowest cost\nsearched: %d policies around %s on %s\njudged: on %s\n\n%s\n\n", target, t.Tried, t.Preset, t.Searched, t.HeldOut, t.Verdict)
	rows := [][]string{{"", "cost", "of on-demand", "over oracle", "short", "s short/lost", "least", "starts/lost"}}
	for _, x := range []struct {
		name string
		m    simulate.Measure
	}{{"now", t.Before}, {"found", t.After}} {
		rows = append(rows, []string{x.name, fmt.Sprintf("$%.0f", x.m.CostUSD), fmt.Sprintf("%.2f %%", 100*x.m.CostRatio), fmt.Sprintf("%+.2f %%", 100*x.m.OverOracle),
			fmt.Sprintf("%.3f ±%.2g", x.m.Short, x.m.ShortCI), fmt.Sprintf("%.1f", x.m.ShortEach), fmt.Sprintf("%.0f %%", 100*x.m.WorkingMin), fmt.Sprintf("%.2f", x.m.PerLost)})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	if len(t.Changes) > 0 {
		_, _ = fmt.Fprintln(w, "\nWhat each change buys (the found policy against itself without the change, 95 % intervals):")
		rows = [][]string{{"field", "from", "to", "cost", "short"}}
		for _, c := range t.Changes {
			rows = append(rows, []string{c.Field, c.From, c.To, fmt.Sprintf("%+.3f %% ±%.2g", 100*c.Cost, 100*c.CostCI), fmt.Sprintf("%+.3f ±%.2g", c.Short, c.ShortCI)})
		}
		if err := table(w, rows); err != nil {
			return err
		}
	}
	if len(t.Frontier) > 1 {
		_, _ = fmt.Fprintln(w, "\nThe frontier of what was tried, where it was searched for (what nothing tried beats in both columns; a difference within ± may be chance):")
		rows = [][]string{{"changes", "of on-demand", "short"}}
		for _, p := range t.Frontier {
			name := p.Policy
			if name == "" {
				name = "none"
			}
			rows = append(rows, []string{name, fmt.Sprintf("%.2f %%", 100*p.CostRatio), fmt.Sprintf("%.3f ±%.2g", p.Short, p.ShortCI)})
		}
		if err := table(w, rows); err != nil {
			return err
		}
	}
	for _, note := range t.Notes {
		_, _ = fmt.Fprintf(w, "\nnote: %s", note)
	}
	if len(t.Notes) > 0 {
		_, _ = fmt.Fprintln(w)
	}
	word := "To paste into the workload:"
	if t.Keep {
		word = "The present policy, as it stands in the workload:"
	}
	_, err := fmt.Fprintf(w, "\n%s\n\n%s", word, t.YAML)
	return err
}
