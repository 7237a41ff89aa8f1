package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newResumeCommand(s IO) *cobra.Command { return newResume(s, runIntent) }

func newResume(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentResume, ends: false}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "resume WORKLOAD...", "End a pause"
	cmd.Long = "Resume lets passes act again."
	cmd.Example = `backstop resume analytics`
	return cmd
}
