package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/notice"
)

func newNotifyCommand(s IO) *cobra.Command {
	cmd := &cobra.Command{Use: "notify", Short: "Try the receivers of notices"}
	cmd.AddCommand(newNotifyTestCommand(s))
	return cmd
}

type notifyOptions struct {
	path     string
	receiver string
	output   string
}

func newNotifyTestCommand(s IO) *cobra.Command {
	var o notifyOptions
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test to every receiver of notices",
		Long: "Sends one notice of the kind `test` to each receiver under `notify`, once, and says what each answered. " +
			"It ends with exit code 1 if one of them did not take it.",
		Example: "backstop notify test\nbackstop notify test --receiver \"Slack env:SLACK_URL\"",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runNotifyTest(cmd.Context(), s, o) },
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	cmd.Flags().StringVar(&o.receiver, "receiver", "", "only the receiver of this name, as this command prints it")
	return cmd
}

// notified is what became of one test.
type notified struct {
	Receiver string `json:"receiver"`
	Taken    bool   `json:"taken"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

type notifiedFacts struct {
	Receivers []notified `json:"receivers"`
}

func runNotifyTest(ctx context.Context, s IO, o notifyOptions) error {
	file, err := readConfig(ctx, s, o.path, false)
	if err != nil {
		return err
	}
	cfg, err := loadFor(ctx, file)
	if err != nil {
		return err
	}
	senders := parts.Senders(cfg, file, slog.New(slog.DiscardHandler))
	var names []string
	var out []notified
	failed := 0
	for _, t := range tryReceivers(ctx, s, senders, o.receiver) {
		n := notified{Receiver: t.Receiver, Taken: t.Err == nil, Hint: t.Hint}
		if t.Err != nil {
			n.Error = t.Err.Error()
			failed++
		}
		out = append(out, n)
	}
	for _, r := range senders {
		names = append(names, r.Name())
	}
	switch {
	case len(names) == 0:
		return errors.New("no receiver is configured: name one under `notify` (docs/notices.md)")
	case len(out) == 0:
		return usageError("--receiver %q: there are: %s", o.receiver, strings.Join(names, ", "))
	}
	if err := printNotified(s, o.output, out); err != nil {
		return err
	}
	if failed > 0 {
		return quiet(ExitFailed)
	}
	return nil
}

// tryReceivers sends a test to the receivers, or to the one of that name.
func tryReceivers(ctx context.Context, s IO, senders []notice.Sender, only string) []doctor.Tried {
	out := []doctor.Tried{}
	for _, r := range senders {
		if only != "" && only != r.Name() {
			continue
		}
		err := notice.Try(ctx, r, notice.TestMessage(s.Now()))
		out = append(out, doctor.Tried{Receiver: r.Name(), Err: err, Hint: control.HintOf(err)})
	}
	return out
}

func printNotified(s IO, output string, all []notified) error {
	if output == outputJSON {
		return printJSON(s.Out, notifiedFacts{all})
	}
	for _, n := range all {
		line := n.Receiver + ": taken"
		if !n.Taken {
			line = n.Receiver + ": not taken: " + n.Error
		}
		if _, err := fmt.Fprintln(s.Out, visibleLines(line)); err != nil {
			return err
		}
		if n.Hint != "" {
			if _, err := fmt.Fprintln(s.Out, "  hint: "+visibleLines(n.Hint)); err != nil {
				return err
			}
		}
	}
	return nil
}
