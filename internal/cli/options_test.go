package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// parse runs a command line whose command only keeps its options.
func parse(t *testing.T, cmd *cobra.Command, args ...string) error {
	t.Helper()
	cmd.SetArgs(append([]string{}, args...)) // nil would be the test's own arguments
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(t.Context())
}

func TestOrdersAreRead(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		make func(IO, intentRun) *cobra.Command
		args []string
		want failover.Intent
	}{
		{"a failover for two hours", newFailover, []string{"api", "--for", "2h", "-r", "why", "--by", "me"},
			failover.Intent{Kind: failover.IntentFailover, By: "me", Note: "why", At: now, Until: now.Add(2 * time.Hour)}},
		{"a failover of one pool", newFailover, []string{"api", "--pool", "spot"}, failover.Intent{Kind: failover.IntentFailover, Pool: "spot", At: now}},
		{"a restore", newRestore, []string{"api"}, failover.Intent{Kind: failover.IntentRestore, At: now}},
		{"a pin until a time in another zone", newPin, []string{"api", "spot", "--until", "2026-11-02T12:00:00+02:00"},
			failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeSpot, At: now, Until: now.Add(2 * time.Hour)}},
		{"an unpin", newUnpin, []string{"api"}, failover.Intent{Kind: failover.IntentUnpin, At: now}},
		{"a pause", newPause, []string{"api", "-y"}, failover.Intent{Kind: failover.IntentPause, At: now}},
		{"a resume", newResume, []string{"api"}, failover.Intent{Kind: failover.IntentResume, At: now}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, _ := testIO("")
			var got *intentOptions
			cmd := c.make(s, func(_ context.Context, _ IO, o intentOptions) error { got = &o; return nil })
			if err := parse(t, cmd, c.args...); err != nil {
				t.Fatal(err)
			}
			if strings.Join(got.names, " ") != "api" {
				t.Errorf("workload %q", strings.Join(got.names, " "))
			}
			if in := got.intent(now); in != c.want {
				t.Errorf("got %+v, want %+v", in, c.want)
			}
		})
	}
}

func TestOrdersThatAreRefusedUnread(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no workload", nil, "needs a workload, --cluster, --label or --all"},
		{"a workload beside --all", []string{"a", "--all"}, "choose them by --cluster, --label or --all"},
		{"a negative time", []string{"a", "--for", "-1h"}, "--for"},
		{"no time at all", []string{"a", "--for", "0s"}, "above 0"},
		{"more than a year", []string{"a", "--for", "9000h"}, "at most 366d"},
		{"no time", []string{"a", "--until", "soon"}, `--until "soon"`},
		{"a reason too long to keep", []string{"a", "--reason", strings.Repeat("x", reasonBytesMax+1)}, "--reason: at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, _ := testIO("")
			cmd := newPause(s, func(context.Context, IO, intentOptions) error { t.Error("it ran"); return nil })
			err := parse(t, cmd, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) || codeOf(err) != ExitUsage {
				t.Errorf("got %v (exit code %d), want %q and %d", err, codeOf(err), c.want, ExitUsage)
			}
		})
	}
}

func TestTheDemosOptionsAreRead(t *testing.T) {
	s, _, _ := testIO("")
	var got demoOptions
	keep := func(_ context.Context, _ IO, o demoOptions) error { got = o; return nil }
	if err := parse(t, newDemo(s, keep)); err != nil {
		t.Fatal(err)
	}
	want := demoOptions{output: outputText, scenario: "day", policy: "fill", seed: demoSeed, tasks: 200, addr: "127.0.0.1:0"}
	if got != want {
		t.Errorf("defaults: got %+v, want %+v", got, want)
	}
	if err := parse(t, newDemo(s, keep), "-s", "calm", "-p", "switch", "--seed", "7", "-n", "12", "--speed", "600", "--serve", "-o", "json"); err != nil {
		t.Fatal(err)
	}
	want = demoOptions{output: outputJSON, scenario: "calm", policy: "switch", seed: 7, tasks: 12, speed: 600, serve: true, addr: "127.0.0.1:0"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := parse(t, newDemo(s, keep), "--speed", "0"); err == nil || !strings.Contains(err.Error(), "--speed 0: must be above 0") {
		t.Errorf("--speed 0: got %v, want it refused: 0 is what stands for a flag that was not given", err)
	}
}

func TestTheSandboxsOptionsAreRead(t *testing.T) {
	s, _, _ := testIO("")
	var got sandboxOptions
	keep := func(_ context.Context, _ IO, o sandboxOptions) error { got = o; return nil }
	if err := parse(t, newSandbox(s, keep), "--tasks", "a=3,b=4", "--speed", "60", "--cluster", "prod"); err != nil {
		t.Fatal(err)
	}
	twins, err := got.twins()
	if err != nil || len(twins) != 2 || twins[1].Name != "b" || twins[1].Count != 4 || twins[1].Cluster != "prod" {
		t.Errorf("got %+v, %v", twins, err)
	}
}

func TestTheEndOfHistoryIsADurationOrATime(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"24h":                       now.Add(-24 * time.Hour),
		"2d":                        now.Add(-48 * time.Hour),
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-01T06:00:00+02:00": time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC),
	} {
		got, err := moment("since", text, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	if _, err := moment("since", "last week", now); codeOf(err) != ExitUsage {
		t.Errorf("got %v", err)
	}
}

func TestAskingOnATerminal(t *testing.T) {
	for answer, want := range map[string]int{"y\n": ExitDone, "YES\n": ExitDone, "\n": ExitRefused, "no\n": ExitRefused, "": ExitRefused} {
		s, _, _ := testIO(answer)
		s.InTerminal, s.ErrTerminal = true, true
		o := intentOptions{kind: failover.IntentPause}
		if got := codeOf(o.confirm(s, []intentFacts{{Workload: "api", Intent: failover.Intent{Kind: failover.IntentPause}}}, 1)); got != want {
			t.Errorf("answer %q: exit code %d, want %d", answer, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {ranError{errors.New("x")}, 1}, {errors.New("of the command line"), 2}, {ranError{usageError("x")}, 2},
		{ranError{quiet(ExitUnhealthy)}, 3}, {ranError{refuse("x")}, 4},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestSpansAreReadAsTheyArePrinted(t *testing.T) {
	for text, want := range map[string]time.Duration{"45s": 45 * time.Second, "90m": 90 * time.Minute, "2h20m": 140 * time.Minute, "2d": 48 * time.Hour, "3d4h": 76 * time.Hour,
		"0s": 0, "-5m": 0, "d": 0, "1d-2d": 0, "soon": 0, "": 0, "99999999d": 0} {
		got, err := parseSpan(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
		if want > 0 && text != "90m" && wording.Span(want) != text {
			t.Errorf("%s is printed as %s, want %s", want, wording.Span(want), text)
		}
	}
}
