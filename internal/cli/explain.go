package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

type explainOptions struct {
	path   string
	output string
	task   string
	selection
}

// explainFacts is the answer of `backstop explain`, one per workload.
type explainFacts struct {
	Workload string `json:"workload"`
	Known    bool   `json:"known"`
	// EntryID is the journal entry that is explained.
	EntryID    string             `json:"entry_id,omitempty"`
	AgeSeconds float64            `json:"age_seconds"`
	ObservedAt time.Time          `json:"observed_at,omitzero"`
	Decision   *failover.Decision `json:"decision,omitempty"`
	ReasonText string             `json:"reason_text,omitempty"`
	Actions    journal.Actions    `json:"actions"`
	// Outcomes are what became of the actions; empty while that is not recorded.
	Outcomes []journal.Outcome    `json:"outcomes"`
	Withheld journal.Actions      `json:"withheld"`
	Next     []failover.Condition `json:"next"`
	Look     health.Look          `json:"-"`
}

func newExplainCommand(s IO) *cobra.Command { return newExplain(s, runExplain) }

func newExplain(s IO, run func(context.Context, IO, explainOptions) error) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain [WORKLOAD...] [TASK]",
		Short: "Explain the last decision: why, on what evidence, and what would change it; or a task",
		Long: "Explain puts the last recorded decision into words: its reason, what was seen of each pool, what else shaped it, and what triggers " +
			"the next decision. A pass that changes nothing is not recorded. Of a task (its ID or ARN) it says why it is in service or not, by a look at ECS now.",
		Example:           "backstop explain analytics\nbackstop explain analytics 0123456789abcdef0123456789abcdef",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.task, o.names = taskIn(args)
			if err := o.selection.check(""); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	selectionFlags(cmd, s, &o.path, &o.selection)
	outputFlag(cmd, &o.output)
	return cmd
}

func runExplain(ctx context.Context, s IO, o explainOptions) error {
	if o.task != "" {
		return runExplainTask(ctx, s, o, o.task)
	}
	v, err := lookAt(ctx, s, o.path, o.selection)
	if err != nil {
		return err
	}
	all := v.all
	now := nowOf(s.Now(), all)
	facts := make([]explainFacts, len(all))
	for i := range all {
		facts[i] = explainOf(&all[i], now)
	}
	if o.output == outputJSON {
		return printJSON(s.Out, struct {
			Workloads []explainFacts `json:"workloads"`
		}{facts})
	}
	for i := range facts {
		if i > 0 {
			_, _ = fmt.Fprintln(s.Out)
		}
		if err := s.wrapped(func(w io.Writer) error { return printExplain(w, &facts[i], now, s.Width) }); err != nil {
			return err
		}
	}
	return nil
}

func explainOf(v *seen, now time.Time) explainFacts {
	f := explainFacts{Workload: v.workload.Name, Known: v.known && v.decision != nil, Actions: journal.Actions{}, Outcomes: []journal.Outcome{}, Withheld: journal.Actions{},
		Next: []failover.Condition{}}
	if !f.Known {
		return f
	}
	f.EntryID, f.Decision = v.entry.ID, v.decision
	f.ObservedAt = v.observedAt()
	f.AgeSeconds, f.Look = v.look.Age.Seconds(), v.look
	f.ReasonText = wording.Reason(v.decision.Reason)
	f.Outcomes = append(f.Outcomes, v.outcomes...)
	f.Actions, f.Withheld = append(f.Actions, v.entry.Actions...), append(f.Withheld, v.entry.Withheld...)
	f.Next = append(f.Next, v.decision.Next...)
	if len(f.Next) == 0 {
		f.Next = append(f.Next, wording.Next(&v.workload.Policy, &v.record.State, v.decision)...)
	}
	return f
}

func printExplain(w io.Writer, f *explainFacts, now time.Time, width int) error {
	if !f.Known {
		_, err := fmt.Fprintf(w, "%s: nothing was decided yet\n", f.Workload)
		return err
	}
	d := f.Decision
	p := func(format string, args ...any) { say(w, format, args...) }
	p("%s, %s (%s):", f.Workload, wording.Ago(now, d.At), wording.Moment(d.At))
	p("  %s (%s)", f.ReasonText, d.Reason)
	printDone(w, f)
	p("\nseen")
	p("  %s", wording.Seen(d))
	rows := [][]string{{"  POOL", "CAPACITY", "ECS DESIRED", "IN SERVICE", "WARMING", "PLACED", "LATE", "LEAVING", "TARGET", "CAN DROP TO", "BREAKER", "REASON"}}
	for _, v := range d.Pools {
		rows = append(rows, []string{"  " + v.Pool, string(v.Capacity), fmt.Sprint(v.Desired), v.InService.String(), fmt.Sprint(v.Warming), fmt.Sprint(v.Placed),
			fmt.Sprint(v.Late), fmt.Sprint(v.Leaving), fmt.Sprint(v.Ask), fmt.Sprint(v.Release), breakerWord(v.Breaker.String(), v.Sight), string(v.Reason)})
	}
	if err := fitted(w, rows, width); err != nil {
		return err
	}
	for i := range d.Pools {
		for _, line := range wording.PoolLines(&d.Pools[i]) {
			p("  %s: %s", d.Pools[i].Pool, line)
		}
	}
	if len(d.Findings) > 0 {
		p("\nbecause")
		for _, v := range d.Findings {
			p("  %s (%s)", wording.Finding(&v), v.Reason)
		}
	}
	if len(d.Notices) > 0 {
		p("\nnotices")
		for _, n := range d.Notices {
			p("  %s: %s", n.Severity, n.Text)
			if step := (wording.Remedy{Do: n.Do, Command: n.Command}).String(); step != "" {
				p("    next: %s", step)
			}
		}
	}
	if len(f.Next) > 0 {
		p("\nnext triggers")
		for i := range f.Next {
			p("  %s:\n    %s", wording.When(&f.Next[i]), f.Next[i].Then)
		}
	}
	p("\n%s", lookText(f.Look))
	return nil
}

// printDone says what became of the actions: what was done, what was not, and what is not known of.
func printDone(w io.Writer, f *explainFacts) {
	var done, failed, open []string
	for _, a := range f.Withheld {
		done = append(done, "withheld: "+wording.Action(a))
	}
	for i := range f.Outcomes {
		switch o := &f.Outcomes[i]; {
		case o.Done():
			done = append(done, wording.Action(o.Action))
		case o.Hint != "":
			failed = append(failed, wording.Outcome(o), "  next: "+o.Hint)
		default:
			failed = append(failed, wording.Outcome(o))
		}
	}
	if len(f.Outcomes) == 0 {
		open = wording.Actions(f.Actions)
	}
	if len(done)+len(failed)+len(open) == 0 {
		done = []string{"nothing had to be changed"}
	}
	for _, part := range []struct {
		head  string
		lines []string
	}{{"done", done}, {"not done", failed}, {"asked of AWS, whose answer is not recorded", open}} {
		if len(part.lines) > 0 {
			say(w, "\n%s", part.head)
		}
		for _, l := range part.lines {
			say(w, "  %s", l)
		}
	}
}

// lookText says how long ago a workload was last looked at.
func lookText(l health.Look) string {
	if l.Silent() {
		return wording.Silent(l.Age)
	}
	return "checked " + wording.Span(l.Age) + " ago"
}
