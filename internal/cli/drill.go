package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/drill"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// drillEvery is the time between two looks of a drill, drillFor how long it looks unless told otherwise.
	drillEvery = 2 * time.Second
	drillFor   = 20 * time.Minute
)

type drillOptions struct {
	path     string
	output   string
	workload string
	tasks    int
	beyond   bool
	timeout  time.Duration
	yes      bool
}

func newDrillCommand(s IO) *cobra.Command {
	var o drillOptions
	cmd := &cobra.Command{
		Use:   "drill WORKLOAD --tasks N",
		Short: "Rehearse a loss: stop some Spot tasks as an interruption does, and measure what follows",
		Long: "Drill stops N Spot tasks of a workload with StopTask, which is what an interruption is to the application: SIGTERM, its stopTimeout, SIGKILL. ECS's event goes the way of " +
			"every event, and the guard that runs takes it for an interruption. Drill measures until the workload is as it was: when the guard heard of it, when it asked for cover, when " +
			"replacements had capacity, ran and were in service, the least that served meanwhile, and the cost. It is refused while anything is wrong, during a deployment, and " +
			"for more tasks than the service's minimumHealthyPercent leaves, one at least of several. It ends by itself; cut off, it leaves nothing to undo.",
		Example:           "backstop drill web --tasks 1\nbackstop drill web --tasks 3 --beyond-minimum --yes -o json",
		Args:              between(1, 1, "a workload"),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.workload = args[0]
			switch {
			case !cmd.Flags().Changed("tasks"):
				return usageError("drill: say with --tasks how many Spot tasks are stopped: backstop drill %s --tasks 1", args[0])
			case o.tasks < 1 || o.tasks > failover.ServiceTasksMax:
				return usageError("--tasks %d: must be within 1..%d", o.tasks, failover.ServiceTasksMax)
			case o.timeout <= 0:
				return usageError("--timeout %s: must be above 0", o.timeout)
			}
			return runDrill(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	f := cmd.Flags()
	f.IntVar(&o.tasks, "tasks", 0, "how many Spot tasks are stopped")
	f.BoolVar(&o.beyond, "beyond-minimum", false, "also more than the service's minimumHealthyPercent leaves")
	f.DurationVar(&o.timeout, "timeout", drillFor, "how long to wait until the workload is as it was")
	f.BoolVarP(&o.yes, "yes", "y", false, "do it without asking; needed without a terminal")
	return cmd
}

func runDrill(ctx context.Context, s IO, o drillOptions) error {
	file, cfg, workloads, err := chosen(ctx, s, o.path, selection{names: []string{o.workload}})
	if err != nil {
		return err
	}
	store, err := openStore(ctx, file, writing)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	seen, err := readSight(ctx, store, file.Workloads, s.Now())
	if err != nil {
		return err
	}
	if g := seen.guard(); len(g.Silent) > 0 {
		return refuse("drill: %s; %s", g.Text, wording.Remedy{Do: g.Do, Command: g.Command})
	}
	d := drill.Options{AWS: cfg, Services: service.New(cfg, service.Options{NoEvents: true}), Store: store, Workload: workloads[0], Tasks: o.tasks, Beyond: o.beyond,
		Every: drillEvery, Timeout: o.timeout}
	for i := range d.Workload.Policy.Pools {
		if p := &d.Workload.Policy.Pools[i]; p.Capacity == failover.OnDemand && d.TaskHourUSD == 0 {
			d.TaskHourUSD = p.TaskHourUSD
		}
	}
	plan, err := drill.Prepare(ctx, d)
	var no *drill.Refusal
	if errors.As(err, &no) {
		return &exitError{ExitRefused, fmt.Errorf("drill: %w", err)}
	}
	if err != nil {
		return err
	}
	say(s.Err, "%s: %s", plan.Workload, plan.Text())
	if err := confirmed(s, "drill", o.yes); err != nil {
		return err
	}
	if s.ErrTerminal {
		d.Progress = func(r drill.Report) { say(s.Err, "%s", r.Line(s.Now())) }
	}
	r, err := drill.Run(ctx, d, plan)
	if err != nil && r.Began.IsZero() {
		return err
	}
	if printed := o.print(s.Out, &r); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return fmt.Errorf("drill %s: %w; the guard goes on by itself: backstop status %s", o.workload, err, o.workload)
	case r.Heard == nil && r.Over != nil:
		return quiet(ExitUnhealthy)
	case r.Over == nil:
		say(s.Err, "after %s the workload is not as it was; the guard goes on by itself: backstop status %s", wording.Span(o.timeout), o.workload)
		return quiet(ExitUnhealthy)
	}
	return nil
}

func (o *drillOptions) print(w io.Writer, r *drill.Report) error {
	if o.output == outputJSON {
		return printJSON(w, r)
	}
	for _, line := range r.Lines() {
		if _, err := fmt.Fprintln(w, visible(line)); err != nil {
			return err
		}
	}
	return nil
}
