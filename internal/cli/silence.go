package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func newSilenceCommand(s IO) *cobra.Command { return newSilence(s, runIntent) }

func newSilence(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentSilence, ends: true}
	cmd := intentCommand(s, &o, func(c context.Context, s IO, o intentOptions) error {
		if o.lasts == 0 && o.until == "" {
			return usageError("silence: say its end with --for or --until")
		}
		return run(c, s, o)
	})
	cmd.Use, cmd.Short = "silence WORKLOAD...", "Send no notices for a while"
	cmd.Long = "Silence keeps notices of a workload back until its end: a drill, a migration, a night in which everybody knows. Nothing else changes: decisions go on and are in the " +
		"journal, and `status` shows what is wrong. A trouble that lasts beyond the end is told then."
	cmd.Example = `backstop silence analytics --for 2h --reason "drill"`
	return cmd
}

func newUnsilenceCommand(s IO) *cobra.Command { return newUnsilence(s, runIntent) }

func newUnsilence(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentUnsilence}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "unsilence WORKLOAD...", "End a silence"
	cmd.Long = "Unsilence lets notices be sent again before the silence ends by itself."
	cmd.Example = `backstop unsilence analytics`
	return cmd
}

func newAckCommand(s IO) *cobra.Command { return newAck(s, runIntent) }

func newAck(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentAck}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "ack WORKLOAD...", "Say that what is wrong is known"
	cmd.Long = "Ack keeps the troubles of now from being told again while they last. They are told when they become worse and when they are over; new ones are told."
	cmd.Example = `backstop ack analytics --reason "quota raise requested"`
	return cmd
}
