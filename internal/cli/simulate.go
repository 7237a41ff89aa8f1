package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/simulate"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	outputTable = "table"
	outputCSV   = "csv"
)

type simulateOptions struct {
	simulate.Options
	output  string
	out     string
	list    bool
	summary bool
	journal journalSource
	model   string
}

func newSimulateCommand(s IO) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Say what policies would have cost and left short on capacity traces",
		Long: "Simulate plays capacity traces of Spot, from files or built in, through the code that decides in production and through rival policies, in a model of " +
			"Amazon ECS in virtual time, and compares cost and shortfall with what perfect foresight would have paid. It needs no network and no AWS account. " +
			"docs/traces.md has the form of a trace, docs/policies.md the policies and results.",
		Example: "backstop simulate\nbackstop simulate --trace month.csv --policy fill,article,oracle --seeds 20\n" +
			"backstop simulate --trace partial --policy fill --sweep overstart=0..1 --sweep extra=0,5,10 --out report\n" +
			"backstop simulate --trace month.csv --out month.html",
		Args: atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkWorld(cmd, &o.Options); err != nil {
				return err
			}
			if err := playModel(o.model, &o.Options); err != nil {
				return err
			}
			err := runSimulate(cmd.Context(), s, o)
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
	f.StringSliceVarP(&o.Policies, "policy", "p", nil, "policies to compare, or all (default all)")
	f.StringArrayVar(&o.Set, "set", nil, "field=value of the product's own policies, such as overstart=1")
	f.StringArrayVar(&o.Sweep, "sweep", nil, "vary a field of the first own policy: field=a,b,c or field=low..high[/steps]; at most two")
	f.BoolVarP(&o.list, "list", "l", false, "list traces and policies and end")
	f.IntVar(&o.Seeds, "seeds", 1, "seeds to play; with more than one there are confidence intervals")
	f.BoolVar(&o.Check, "check", false, "check every invariant after every pass of the own policies")
	f.BoolVar(&o.summary, "summary", false, "add a table of means over all traces")
	f.StringVar(&o.out, "out", "", "write a report: to this file (.html, .json, .csv), or all three into this directory")
	choiceFlag(cmd, &o.output, "output", "o", outputTable, []string{outputTable, outputJSON, outputCSV}, "form of the answer; json is documented in docs/json.md")
	_ = cmd.MarkFlagFilename("out", "html", "json", "csv")
	_ = cmd.RegisterFlagCompletionFunc("policy", cobra.FixedCompletions(replay.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// worldFlags are those that say what is played and in what world, for the commands that simulate.
func worldFlags(cmd *cobra.Command, o *simulate.Options) {
	f := cmd.Flags()
	f.StringSliceVarP(&o.Traces, "trace", "t", nil, "a CSV file or a built-in trace; repeat it for several (default article)")
	f.StringSliceVarP(&o.Events, "events", "e", nil, "recorded ECS events to rebuild a trace from, in any form that docs/traces.md lists (JSON, exports of logs, queues' messages, CSV, gzip)")
	f.StringSliceVar(&o.Services, "service", nil, "the Spot service of --events that counts, where a file has several; repeat it for those that count together")
	f.IntVarP(&o.Tasks, "tasks", "n", 200, fmt.Sprintf("tasks wanted where the trace does not say, 1 to %d", simulate.TasksMax))
	f.IntVar(&o.Days, "days", 30, "length of built-in traces")
	f.Var(spanValue{&o.Duration}, "duration", "play so much of each trace, or on after its last row")
	f.Float64Var(&o.Scale, "scale", 1, "multiply the capacities of trace files")
	f.Uint64Var(&o.Seed, "seed", 0, "the first seed; a seed gives the same result on every run")
	worlds := []string{"W1", "W2", "W3", "WD"}
	for _, w := range replay.Stops() {
		worlds = append(worlds, string(w))
	}
	choiceFlag(cmd, &o.World, "world", "w", string(replay.UsesWarning), worlds, "what tasks make of the two-minute warning: work through it (W1), end at SIGTERM (W2), get none (W3), are out of service and work on (WD)")
	choiceFlag(cmd, &o.Zones, "zones", "z", string(replay.Pooled), []string{string(replay.Pooled), string(replay.PerZone)}, "one Spot service over all zones of a trace, or one a zone")
	choiceFlag(cmd, &o.Control, "control", "", "", []string{"", "fast", "article"}, "how fast the own policies learn and act: 1.3 s, or the article's delays (default fast)")
	f.StringVar(&o.StartUp, "start-up", "90s,120s,138s", "time from creation to RUNNING: P50,P95,P99")
	f.StringVar(&o.WarmUp, "warm-up", "", "time from RUNNING until a task is in service: P50,P99 (default none)")
	choiceFlag(cmd, &o.ScaleIn, "scale-in", "", simulate.ScaleInOrders()[0], simulate.ScaleInOrders(), "which tasks a scale-in stops first")
	f.Float64Var(&o.SlowShare, "slow-share", 0, "share of starts that take 5 minutes longer")
	f.Float64Var(&o.Common, "common-share", 0, "share of the start-up times' variance that a burst has in common")
	f.Float64Var(&o.Unwarned, "unwarned-share", 0, "share of interruptions without warning")
	f.Float64Var(&o.Hung, "hung-share", 0, "share of launches without capacity that hang in PENDING")
	f.BoolVar(&o.Linger, "linger", false, "on-demand tasks too work on for the whole stop timeout when they are scaled in")
	f.Float64Var(&o.VCPU, "cpu", 4, "vCPU of a task")
	f.Float64Var(&o.MemoryGB, "memory", 16, "memory of a task in GB")
	f.StringVar(&o.Region, "region", "", "AWS region whose prices count (default: the article's prices)")
	choiceFlag(cmd, &o.Arch, "arch", "", "X86_64", []string{"X86_64", "ARM64"}, "CPU architecture, for prices")
	_ = cmd.MarkFlagFilename("trace", "csv")
}

func runSimulate(ctx context.Context, s IO, o simulateOptions) error {
	if o.list {
		return listSimulations(s.Out)
	}
	if o.out != "" { // neither for options that are wrong, nor after minutes of play
		if err := checkOut(o.out); err != nil {
			return err
		}
		o.Planned = func() error { return openOut(o.out) }
	}
	given, err := o.journal.read(ctx, s)
	if err != nil {
		return err
	}
	o.Given = given
	o.Record = o.out != ""
	o.Command = commandLine(os.Args)
	line := &liveLine{s: s}
	o.Reading = readingOf(line)
	debug.SetGCPercent(simulate.GCPercent)
	sections, err := simulate.Run(ctx, o.Options, progress(line))
	line.clear()
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writeReport(o.out, sections, o.Command); err != nil {
			return err
		}
	}
	switch o.output {
	case outputJSON:
		err = report.JSON(s.Out, sections)
	case outputCSV:
		err = report.CSV(s.Out, sections)
	default:
		err = report.Table(s.Out, sections)
		if o.journal.on || len(o.Events) > 0 { // what is known only in part must say so
			for i := range sections {
				for _, note := range sections[i].About.Notes {
					_, _ = fmt.Fprintf(s.Out, "%s: %s\n", sections[i].Trace, note)
				}
			}
		}
		if err == nil && o.summary {
			_, _ = fmt.Fprintln(s.Out)
			err = report.Summary(s.Out, "all traces", sections)
		}
	}
	if err != nil {
		return err
	}
	return anyBroken(sections)
}

// anyBroken is an error if a policy broke an invariant.
func anyBroken(sections []report.Section) error {
	for i := range sections {
		for k := range sections[i].Rows {
			if v := sections[i].Rows[k].Violations; len(v) > 0 {
				return fmt.Errorf("an invariant was broken under %s on %s (%s); this is a defect, please report it", sections[i].Rows[k].Policy, sections[i].Trace, v[0])
			}
		}
	}
	return nil
}

// progress returns what keeps a line on stderr up to date, at most ten times a second.
func progress(line *liveLine) func(simulate.Progress) {
	if !line.on() {
		return nil
	}
	var last time.Time
	return func(p simulate.Progress) {
		now := line.s.Now()
		if p.Done < p.Runs && now.Sub(last) < 100*time.Millisecond {
			return
		}
		last = now
		line.say(fmt.Sprintf("%d of %d runs, %s left", p.Done, p.Runs, wording.Span(p.Left)))
	}
}

// readingOf returns what says how far the reading of a long file is.
func readingOf(line *liveLine) func(file string, read, size int64) {
	return func(file string, read, size int64) {
		so := fmt.Sprintf("%d MB", read/1e6)
		if size > 0 {
			so = fmt.Sprintf("%d %% of %d MB", 100*read/size, size/1e6)
		}
		line.say("reading " + file + ": " + so)
	}
}

// reportForms are what a file of a report can be, by the end of its name; a directory gets all of them.
var reportForms = []struct {
	ext, inDir string
	write      func(w io.Writer, sections []report.Section, command string) error
}{
	{".html", "report.html", report.HTML},
	{".json", "results.json", func(w io.Writer, s []report.Section, _ string) error { return report.JSON(w, s) }},
	{".csv", "results.csv", func(w io.Writer, s []report.Section, _ string) error { return report.CSV(w, s) }},
}

// fileName matches names that end as a file's do.
var fileName = regexp.MustCompile(`\.[A-Za-z]{1,5}$`)

// isReport reports whether a path names one file of a report.
func isReport(path string) bool {
	info, err := os.Stat(path)
	return (err != nil || !info.IsDir()) && slices.Contains([]string{".html", ".json", ".csv"}, strings.ToLower(filepath.Ext(path)))
}

// checkOut refuses what is neither a directory nor a file that a report can be.
func checkOut(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir() || isReport(path):
		return nil
	case err == nil || fileName.MatchString(filepath.Base(path)):
		return usageError("--out %s: must be a directory, or a file whose name ends in .html, .json or .csv", path)
	}
	return nil
}

// openOut makes the directory, or the file, before minutes of play.
func openOut(path string) error {
	if !isReport(path) {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return usageError("--out: %w", err)
		}
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return usageError("--out: %w", err)
	}
	return f.Close()
}

// writeReport writes the page, the JSON and the CSV into a directory, or the one that a file's name asks for.
func writeReport(path string, sections []report.Section, command string) error {
	one := isReport(path)
	for _, f := range reportForms {
		name := filepath.Join(path, f.inDir)
		if one {
			name = path
			if f.ext != strings.ToLower(filepath.Ext(path)) {
				continue
			}
		}
		to, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if err := errors.Join(f.write(to, sections, command), to.Close()); err != nil {
			return fmt.Errorf("write report %s: %w", name, err)
		}
	}
	return nil
}

// commandLine is the command as it may be typed again, its program's name without the path.
func commandLine(args []string) string {
	out := []string{"backstop"}
	for _, a := range args[min(1, len(args)):] {
		if strings.ContainsAny(a, " \t\"'$`\\*?") || a == "" {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}

func listSimulations(w io.Writer) error {
	rows := [][]string{{"trace", "what it is"}}
	for _, b := range trace.Builtins() {
		rows = append(rows, []string{b.Name, b.Doc})
	}
	rows = append(rows, []string{"", ""}, []string{"policy", "what it is"})
	for _, name := range replay.Names() {
		doc := "perfect foresight: the lowest cost with nothing ever short"
		if p, err := replay.ByName(name); err == nil {
			doc = p.Doc
		}
		rows = append(rows, []string{name, doc})
	}
	return table(w, rows)
}
