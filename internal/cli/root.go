package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/control"
)

// Groups of commands in the help.
const (
	groupTry     = "try"
	groupRun     = "run"
	groupLook    = "look"
	groupChange  = "change"
	groupSupport = "support"
)

// Main runs one command line and returns the exit code.
func Main(ctx context.Context, args []string, s IO) int {
	ctx, stop := interruptible(ctx)
	defer stop()
	root := newRoot(s)
	finish(root)
	root.SetArgs(append([]string{}, args...)) // nil would be the process's own arguments
	err := root.ExecuteContext(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // what a library was doing meanwhile is of no use to anybody
		err = ranError{errInterrupted}
	}
	if err != nil {
		sayError(s.Err, err, helpOf(root, args))
	}
	return codeOf(err)
}

var errInterrupted = errors.New("interrupted")

// finish adds what the library makes by itself, so that it keeps to the rules of the other commands.
func finish(root *cobra.Command) {
	root.InitDefaultVersionFlag()
	root.Flags().Lookup("version").Usage = "print the version"
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion": // a shell that is not there otherwise gets the help and exit code 0
			c.Args, c.RunE = noCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			markRuns(c)
		case "help": // so does a command that is not there
			c.Use, c.Short, c.Args = "help [COMMAND...]", "Show the help of a command", knownCommand
			markRuns(c)
		}
	}
}

// knownCommand refuses the names of commands that are not there.
func knownCommand(cmd *cobra.Command, args []string) error {
	at := cmd.Root()
	for _, name := range args {
		i := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
		if i < 0 {
			return noCommand(at, []string{name})
		}
		at = at.Commands()[i]
	}
	return nil
}

// helpOf is the command that shows the help of what was typed.
func helpOf(root *cobra.Command, args []string) string {
	cmd, _, err := root.Find(args)
	if err != nil || cmd == root {
		return "backstop --help"
	}
	return cmd.CommandPath() + " --help"
}

// nameOf is a command's name after the program's.
func nameOf(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), "backstop ") }

// noCredentials are in the text of the SDK's errors where it has found no credentials.
var noCredentials = []string{"get credentials", "refresh cached credentials", "IMDS role"}

const credentialsHint = "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine or task a role"

// sayError prints an error as text, whatever stderr is: it may have several lines that people copy. help is the command that shows how
// it is meant.
func sayError(w io.Writer, err error, help string) {
	var q quiet
	if errors.As(err, &q) {
		return
	}
	text := visibleLines(err.Error())
	_, _ = fmt.Fprintln(w, "backstop: "+text)
	if hint := control.HintOf(err); hint != "" {
		_, _ = fmt.Fprintln(w, "hint: "+visibleLines(hint))
	}
	if slices.ContainsFunc(noCredentials, func(part string) bool { return strings.Contains(text, part) }) {
		_, _ = fmt.Fprintln(w, "hint: "+credentialsHint)
	}
	if codeOf(err) == ExitUsage && !strings.Contains(text, "\n") {
		_, _ = fmt.Fprintf(w, "Try `%s`.\n", help)
	}
}

func newRoot(s IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "backstop",
		Short: "Keep an Amazon ECS workload alive on Fargate Spot",
		Long: "Backstop keeps an Amazon ECS workload at its wanted number of tasks at the lowest price: it asks Fargate Spot for all of them, " +
			"covers what Spot cannot hold with on-demand Fargate within seconds, gives on-demand back when Spot has proven itself, and explains every decision.",
		Example: "# the whole product on this machine, no AWS account\nbackstop demo\n\n# guard what a configuration names\nbackstop run --config backstop.yaml",
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = versionText()
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { newHelp(s).print(cmd) })
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(&cobra.Group{ID: groupTry, Title: "Try it"}, &cobra.Group{ID: groupRun, Title: "Run it"}, &cobra.Group{ID: groupLook, Title: "See what is"},
		&cobra.Group{ID: groupChange, Title: "Change what is wanted"}, &cobra.Group{ID: groupSupport, Title: "Configuration and more"})
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	for _, g := range commands {
		for _, make := range g.make {
			add(g.group, make(s))
		}
	}
	root.SetHelpCommandGroupID(groupSupport)
	root.SetCompletionCommandGroupID(groupSupport)
	markRuns(root)
	return root
}

// commands lists what there is, in the order of the help.
var commands = []struct {
	group string
	make  []func(IO) *cobra.Command
}{
	{groupTry, []func(IO) *cobra.Command{newDemoCommand, newSandboxCommand, newSimulateCommand, newTuneCommand, newPlayCommand}},
	{groupRun, []func(IO) *cobra.Command{newAdoptCommand, newInitCommand, newRunCommand, newDashboardCommand}},
	{groupLook, []func(IO) *cobra.Command{newStatusCommand, newExplainCommand, newHistoryCommand, newTopCommand, newDoctorCommand, newVerifyCommand, newCostCommand, newNotifyCommand}},
	{groupChange, []func(IO) *cobra.Command{newFailoverCommand, newRestoreCommand, newPinCommand, newUnpinCommand, newPauseCommand, newResumeCommand, newConfirmCommand, newSilenceCommand, newUnsilenceCommand, newAckCommand, newReleaseCommand, newUninstallCommand, newDrillCommand, newRunTaskCommand}},
	{groupSupport, []func(IO) *cobra.Command{newConfigCommand, newVersionCommand}},
}

// suggestionDistance is how many letters a mistyped command may be off for a suggestion.
const suggestionDistance = 2

// ranError is an error that a command returned. Every other one comes from the reading of the command line.
type ranError struct{ error }

// Unwrap returns what the command returned.
func (e ranError) Unwrap() error { return e.error }

// markRuns makes the errors of commands known from those of the command line.
func markRuns(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = suggestionDistance
	cmd.InitDefaultHelpFlag()
	cmd.Flags().Lookup("help").Usage = "show this help"
	if args := cmd.Args; args != nil {
		cmd.Args = func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return err
			}
			if err := checkEmpty(cmd); err != nil {
				return err
			}
			return checkExclusive(cmd)
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := run(cmd, args); err != nil {
				return ranError{err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		markRuns(c)
	}
}

// noCommand refuses arguments of a command that only has subcommands, with what was perhaps meant.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError("%s", text)
}

// atMost refuses more than n arguments; what says what may be given.
func atMost(n int, what string) cobra.PositionalArgs { return between(0, n, what) }

// between refuses fewer than low and more than high arguments; a negative high is no bound.
func between(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return usageError("%s needs %s", nameOf(cmd), what)
		case high == 0 && len(args) > 0:
			return usageError("%s takes no arguments (got %q)", nameOf(cmd), args[0])
		case high >= 0 && len(args) > high:
			return usageError("%s takes at most %s (got %d)", nameOf(cmd), what, len(args))
		}
		return nil
	}
}
