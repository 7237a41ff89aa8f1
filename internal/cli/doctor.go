package cli

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/wording"
)

type doctorOptions struct {
	path      string
	output    string
	workloads []string
	problems  bool
	fix       bool
	yes       bool
}

func newDoctorCommand(s IO) *cobra.Command { return newDoctor(s, runDoctor) }

func newDoctor(s IO, run func(context.Context, IO, doctorOptions) error) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [WORKLOAD...]",
		Short: "Check everything that would make a failover fail; exit code 3 when something would",
		Long: "Doctor looks at credentials and permissions, the services and whether the twins are equal, quotas, auto scaling, events, state and clock, and names " +
			"the fix of every problem. A check that another problem explains is skipped. It changes nothing; with --fix it shows the changes that are safe " +
			"(of a standby that has no tasks, and a standby's minimum in auto scaling) and makes them after a yes. docs/doctor.md has every check.",
		Example:           "backstop doctor\nbackstop doctor analytics --problems\nbackstop doctor --fix",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.workloads = args
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	cmd.Flags().BoolVar(&o.problems, "problems", false, "show only what is not as it should be")
	cmd.Flags().BoolVar(&o.fix, "fix", false, "show the changes that are safe, and make them after a yes")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "with --fix: do it without asking; needed without a terminal")
	return cmd
}

func runDoctor(ctx context.Context, s IO, o doctorOptions) error {
	if o.yes && !o.fix {
		return usageError("--yes: only together with --fix")
	}
	file, err := readConfig(ctx, s, o.path, true)
	if err != nil {
		return err
	}
	cfg, err := parts.LoadAWS(ctx, file.Region)
	if err != nil {
		return err
	}
	chosen, err := named(file, o.workloads)
	if err != nil {
		return err
	}
	file.Workloads = chosen
	workloads, err := app.Workloads(file, cfg.Region)
	if err != nil {
		return err
	}
	opts := doctor.Options{File: file, Workloads: workloads, AWS: cfg, Now: s.Now, Client: &http.Client{}}
	opts.Store, opts.StoreErr = openStore(ctx, file, reading)
	if opts.Store != nil {
		defer func() { _ = opts.Store.Close() }()
	}
	report, err := doctor.Run(ctx, opts)
	if err != nil {
		return err
	}
	if changes := report.Changes(); o.fix && len(changes) > 0 {
		if err := o.confirm(s, changes); err != nil {
			return err
		}
		if err := doctor.Apply(ctx, cfg, changes, func(c doctor.Change) { _, _ = fmt.Fprintln(s.Err, "done: "+visible(c.Text)) }); err != nil {
			return err
		}
		shown, err := untilShown(ctx, func() (bool, error) {
			var err error
			report, err = doctor.Run(ctx, opts)
			return !doctor.Again(changes, report.Changes()), err
		})
		if err != nil {
			return err
		}
		if !shown {
			_, _ = fmt.Fprintln(s.Err, "AWS still shows what was before the change, as it may for some seconds; what follows is of then: run backstop doctor again")
		}
	} else if o.fix {
		_, _ = fmt.Fprintln(s.Err, "nothing can be fixed automatically; see the fix: lines")
	}
	if o.output == outputJSON {
		err = printJSON(s.Out, report)
	} else {
		err = printDoctor(s, o, &report)
	}
	if err == nil && !report.Healthy {
		return quiet(ExitUnhealthy)
	}
	return err
}

const (
	// fixLooks is how often doctor looks until AWS shows what it has changed, fixPause how long it waits in between: what
	// is read right after a change may be what was before it, mostly for a second or two.
	fixLooks = 6
	fixPause = time.Second
)

// untilShown looks until what was changed can be seen, a few times.
func untilShown(ctx context.Context, look func() (bool, error)) (shown bool, err error) {
	for i := range fixLooks {
		if shown, err = look(); shown || err != nil || i == fixLooks-1 {
			break
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(fixPause):
		}
	}
	return shown, err
}

// confirm shows changes and asks, where there is a terminal.
func (o *doctorOptions) confirm(s IO, changes []doctor.Change) error {
	_, _ = fmt.Fprintln(s.Err, "these changes stop no task and start none:")
	for _, c := range changes {
		_, _ = fmt.Fprintln(s.Err, "  "+visible(c.Text))
	}
	if o.yes {
		return nil
	}
	if !s.InTerminal || !s.ErrTerminal {
		return refuse("doctor --fix: not a terminal: confirm with --yes")
	}
	_, _ = fmt.Fprint(s.Err, "Make them? [y/N] ")
	line, _ := bufio.NewReader(s.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return refuse("doctor --fix: not done")
}

// marks are what stands before a check.
var marks = map[doctor.Status]string{doctor.OK: "ok  ", doctor.Warn: "WARN", doctor.Fail: "FAIL", doctor.Skip: "skip"}

// checkColumn is how wide the names of checks are.
const checkColumn = 22

// printDoctor writes the tree: a heading for every subject, its checks, and under a problem its fix.
func printDoctor(s IO, o doctorOptions, r *doctor.Report) error {
	var b strings.Builder
	heading, workload := "", ""
	for i := range r.Results {
		res := &r.Results[i]
		if o.problems && (res.Status == doctor.OK || res.Status == doctor.Skip) {
			continue
		}
		indent := "  "
		if w := res.Subject.Workload; w != "" {
			indent = "    "
			if w != workload {
				fmt.Fprintf(&b, "workload %s\n", w)
				workload, heading = w, ""
			}
		}
		if h := headingOf(res.Subject); h != heading {
			fmt.Fprintf(&b, "%s%s\n", indent[2:], h)
			heading = h
		}
		fmt.Fprintf(&b, "%s%s %-*s %s\n", indent, paint(s, res.Status, marks[res.Status]), checkColumn, res.Check, visible(res.Text))
		for n, line := range strings.Split(res.Fix, "\n") {
			if res.Fix == "" {
				break
			}
			label := "fix: "
			if n > 0 {
				label = "     "
			}
			fmt.Fprintf(&b, "%s     %s%s\n", indent, label, visible(line))
		}
	}
	fmt.Fprintf(&b, "%d ok, %s, %s, %d skipped\n", r.OK, wording.Count(r.Warn, "warning"), wording.Count(r.Fail, "failure"), r.Skip)
	_, err := fmt.Fprint(s.Out, b.String())
	return err
}

func headingOf(s doctor.Subject) string {
	switch s.Kind {
	case doctor.KindRegion:
		if s.RoleARN != "" {
			return "region " + s.Region + " as " + s.RoleARN
		}
		return "region " + s.Region
	case doctor.KindPool:
		return "pool " + s.Pool
	case doctor.KindWorkload:
		return "as a whole"
	}
	return string(s.Kind)
}

// paint colours a mark on a terminal; the letters alone say the same.
func paint(s IO, status doctor.Status, text string) string {
	code := map[doctor.Status]string{doctor.OK: "32", doctor.Warn: "33", doctor.Fail: "31;1", doctor.Skip: "2"}[status]
	if !s.color() {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
