package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newRestoreCommand(s IO) *cobra.Command { return newRestore(s, runIntent) }

func newRestore(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentRestore, ends: false}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "restore WORKLOAD...", "Let a failed-over workload return to Spot"
	cmd.Long = "Restore lets the Spot pools prove themselves at once and ramp up; on-demand is given back as Spot tasks run. A failure on the way opens the breaker again."
	cmd.Example = `backstop restore analytics --reason "AWS reports recovery"`
	cmd.Flags().StringVar(&o.pool, "pool", "", "only this preferred pool; all of them otherwise")
	return cmd
}
