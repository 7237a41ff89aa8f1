package cli

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestLogsDoNotStandInTheJSON: they go where the answer does not. A terminal is not steered by them, and keeps their tabs.
func TestLogsDoNotStandInTheJSON(t *testing.T) {
	for _, c := range []struct {
		output, text, from string
		terminal           bool
		out, err           string
	}{
		{outputText, "a\tb", "", false, "a\tb\n", ""},
		{outputText, "\x1b[31mred", "1a2b3c4d", false, "1a2b3c4d | \x1b[31mred\n", ""},
		{outputText, "a\t\x1b[31mred", "1a2b3c4d app", true, "1a2b3c4d app | a\t\\x1b[31mred\n", ""},
		{outputJSON, "a", "", false, "", "a\n"},
		{outputJSON, "\x1b[2J", "", true, "", "\\x1b[2J\n"},
	} {
		var out, err bytes.Buffer
		o := runTaskOptions{output: c.output}
		o.followIn(aws.Config{}, IO{Out: &out, Err: &err, OutTerminal: c.terminal, ErrTerminal: c.terminal}).Line(c.from, c.text)
		if out.String() != c.out || err.String() != c.err {
			t.Errorf("%+v: %q on standard output, %q on standard error", c, out.String(), err.String())
		}
	}
}

// TestWhatGoesOnIsCounted, and what is not known is not said to be.
func TestWhatGoesOnIsCounted(t *testing.T) {
	for _, c := range []struct {
		n    int
		sure bool
		want string
	}{
		{0, true, "no task of the run r is under way"},
		{1, true, "1 task of the run r goes on; the same command with --client-token r goes on with it"},
		{3, true, "3 tasks of the run r go on; the same command with --client-token r goes on with them"},
		{2, false, "at least 2 tasks of the run r go on, perhaps more; the same command with --client-token r goes on with them"},
		{0, false, "tasks of the run r may go on; the same command with --client-token r goes on with them"},
	} {
		if got := goOn(c.n, c.sure, "r"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
