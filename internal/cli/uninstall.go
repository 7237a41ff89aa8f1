package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/pulse"
)

func newUninstallCommand(s IO) *cobra.Command { return newUninstall(s, runUninstall) }

// newUninstall is release --all under the name that people look for, with what is to be done before and after it.
func newUninstall(s IO, run func(context.Context, IO, releaseOptions) error) *cobra.Command {
	o := releaseOptions{every: releaseEvery, all: true}
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Give every workload back, as release --all does, and say what is left to remove",
		Long: "Uninstall is release --all: orders end, counts that were held down go up again, cover is given back as Spot tasks come into service, and auto scaling gets its own bounds back; with " +
			"--to on-demand everything is left whole on its on-demand services. Stop the guard first, or it guards on what is given back. It deletes nothing: what is left to remove is said at the end. " +
			"Services that adopt has moved go back to what they were by adopt --all --undo.",
		Example: "backstop uninstall\nbackstop uninstall --yes\nbackstop uninstall --to on-demand",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.timeout <= 0 {
				return usageError("--timeout %s: must be above 0", o.timeout)
			}
			return run(cmd.Context(), s, o)
		},
	}
	releaseFlags(cmd, s, &o)
	return cmd
}

func runUninstall(ctx context.Context, s IO, o releaseOptions) error {
	if err := runRelease(ctx, s, o); err != nil {
		return err
	}
	file, err := readConfig(ctx, s, o.path, false)
	if err != nil {
		return err
	}
	where := "the state file " + file.State.SQLite
	if table := file.State.DynamoDB; table != "" {
		where = "the DynamoDB table " + table
	}
	say(s.Out, "everything is released. Left to remove: the guard itself, %s and the queue with its rules; with Terraform: terraform destroy (docs/operations.md, \"Uninstall\")", where)
	return nil
}

// sayWhatGuards names the workloads that a guard still looks at: it would guard on what is given back.
func sayWhatGuards(ctx context.Context, s IO, store control.Store, file *config.File, workloads []control.Workload) error {
	beats, err := pulse.Read(ctx, store)
	if err != nil {
		return err
	}
	for i := range workloads {
		name := workloads[i].Name
		if !slices.ContainsFunc(file.Workloads, func(w config.Workload) bool { return w.Name == name }) {
			continue
		}
		if look, ok := health.LookAt(beats, name, s.Now()); ok && !look.Silent() {
			say(s.Err, "%s: a guard looked at it in the last minutes, and guards it on where it still runs: stop it, or take the workload out of its configuration", name)
		}
	}
	return nil
}
