package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newFailoverCommand(s IO) *cobra.Command { return newFailover(s, runIntent) }

func newFailover(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentFailover, ends: true}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "failover WORKLOAD...", "Move a workload to on-demand now"
	cmd.Long = "Failover opens the breakers of the Spot pools by order. The next passes bring up on-demand, and let Spot go as that comes into service; no task stays on Spot. It lasts until restore, or as long as --for or --until says. Before it asks, it says how many tasks will run and what they cost an hour."
	cmd.Example = `backstop failover analytics --reason "capacity loss in use1-az2" --for 2h` + "\nbackstop failover --label team=shop --for 2h --wait"
	cmd.Flags().StringVar(&o.pool, "pool", "", "only this preferred pool; all of them otherwise")
	return cmd
}
