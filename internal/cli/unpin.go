package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newUnpinCommand(s IO) *cobra.Command { return newUnpin(s, runIntent) }

func newUnpin(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentUnpin, ends: false}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "unpin WORKLOAD...", "End a pin"
	cmd.Long = "Unpin lets the policy decide again."
	cmd.Example = `backstop unpin analytics`
	return cmd
}
