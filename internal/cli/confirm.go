package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newConfirmCommand(s IO) *cobra.Command { return newConfirm(s, runIntent) }

func newConfirm(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentConfirm}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "confirm WORKLOAD...", "Confirm what a critical notice asks to be confirmed"
	cmd.Long = "Two things are done only when a person says that they are meant. A demand that falls, in a gap, to what Spot runs looks like a scaler that echoes the loss: " +
		"on-demand is kept for the demand of before until confirm. The cover of a service that was deleted is released after 24 hours: confirm keeps it. " +
		"`backstop status` and the notice say which of them waits."
	cmd.Example = `backstop confirm analytics --reason "fewer workers are wanted from today on"`
	return cmd
}
