package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/runtask"
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

// noReader is a pipe whose reader has gone.
type noReader struct{ asked int }

func (n *noReader) Write([]byte) (int, error) {
	n.asked++
	return 0, syscall.EPIPE
}

// TestWhatCannotBePrintedIsToldBeside: the run goes on without its reader, and its end says what came of the work.
func TestWhatCannotBePrintedIsToldBeside(t *testing.T) {
	var out noReader
	var said bytes.Buffer
	s := IO{Out: &out, Err: &said}
	o := runTaskOptions{output: outputText, req: runtask.Request{Wait: true, Token: "r", Rules: runtask.Rules{Count: 1}}}
	follow := o.followIn(aws.Config{}, s)
	follow.Line("", "one")
	follow.Line("", "two")
	if got := said.String(); got != "logs are not printed any more: broken pipe; the run goes on\n" || out.asked != 1 {
		t.Errorf("after %d tries it says %q", out.asked, got)
	}
	res := runtask.Result{Starts: 1, Exit: 7, Ends: map[runtask.End]int{runtask.Finished: 1}}
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{nil, ExitFailed, "print the answer: broken pipe; 1 task wanted, 1 started: 1 finished, 0 interrupted, 0 not started, 0 failed; exit code 7; run r"},
		{fmt.Errorf("start it: %w", runtask.ErrNoRoom), ExitUnhealthy, "the answer could not be printed (broken pipe): 1 task wanted, 1 started"},
	} {
		if err := o.ended(s, &res, c.err); codeOf(ranError{err}) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: exit code %d, %v", c.err, codeOf(ranError{err}), err)
		}
	}
}

// TestWorkThatWasNotDoneHasNoExitCode in the JSON: 0 would say that it was.
func TestWorkThatWasNotDoneHasNoExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{{nil, true}, {runtask.ErrNoRoom, false}, {errors.New("read task definition job: not there"), false}} {
		var out, said bytes.Buffer
		o := runTaskOptions{output: outputJSON, req: runtask.Request{Wait: true, Token: "r", Rules: runtask.Rules{Count: 1}}}
		_ = o.ended(IO{Out: &out, Err: &said}, &runtask.Result{}, c.err)
		if got := strings.Contains(out.String(), `"exit_code"`); got != c.want {
			t.Errorf("%v: %s", c.err, out.String())
		}
	}
}

// TestAFlagTakesAFile as the AWS CLI does; of tags also a list.
func TestAFlagTakesAFile(t *testing.T) {
	for text, want := range map[string]string{
		"key=team,value=shop": "team", `{"key": "team"}`: "team", `[{"key": "team"}, {"key": "stage"}]`: "team stage", "file://" + `[{"key": "a"},{"key": "b"}]`: "a b", "file://key=c": "c",
	} {
		if in, ok := strings.CutPrefix(text, "file://"); ok {
			path := filepath.Join(t.TempDir(), "tags")
			if err := os.WriteFile(path, []byte(in+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			text = "file://" + path
		}
		tags := make([]types.Tag, 1)
		if err := decodeValue(t.Context(), "--tags", text, &tags[0], &tags); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var keys []string
		for i := range tags {
			keys = append(keys, aws.ToString(tags[i].Key))
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
