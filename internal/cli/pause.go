package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newPauseCommand(s IO) *cobra.Command { return newPause(s, runIntent) }

func newPause(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentPause, ends: true}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "pause WORKLOAD...", "Change nothing until resume"
	cmd.Long = "Pause lets passes go on to look, decide and record, but withholds every action."
	cmd.Example = `backstop pause analytics --reason "load test" --for 1h` + "\nbackstop pause --cluster prod --for 1h --yes"
	return cmd
}
