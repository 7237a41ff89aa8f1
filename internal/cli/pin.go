package cli

import (
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// pinModes are the modes that can be pinned.
var pinModes = []string{string(failover.ModeSpot), string(failover.ModeOnDemand)}

func newPinCommand(s IO) *cobra.Command { return newPin(s, runIntent) }

func newPin(s IO, run intentRun) *cobra.Command {
	o := intentOptions{kind: failover.IntentPin, ends: true}
	cmd := intentCommand(s, &o, run)
	cmd.Use, cmd.Short = "pin WORKLOAD... spot|on_demand", "Hold a workload on Spot or on on-demand, whatever the policy says"
	cmd.Long = "Pin overrides the mode until unpin, or as long as --for or --until says. A workload pinned to spot is not covered by on-demand."
	cmd.Example = `backstop pin analytics on_demand --reason "quarter end" --for 8h`
	cmd.Args = between(1, -1, "a workload and a mode (spot or on_demand)")
	names := cmd.ValidArgsFunction
	cmd.ValidArgsFunction = func(cmd *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(given) == 1 {
			return pinModes, cobra.ShellCompDirectiveNoFileComp
		}
		return names(cmd, given, typed)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.looseSpan(args); err != nil {
			return err
		}
		o.names, o.mode = args[:len(args)-1], args[len(args)-1]
		if o.mode != pinModes[0] && o.mode != pinModes[1] {
			return usageError("pin: mode must be spot or on_demand (got %q)", o.mode)
		}
		if err := o.check(s.Now()); err != nil {
			return err
		}
		return run(cmd.Context(), s, o)
	}
	return cmd
}
