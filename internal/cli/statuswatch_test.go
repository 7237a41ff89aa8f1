package cli

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheScreenKeepsTheWorst: what does not fit is left out at the end and counted, rows that are wrapped included.
func TestTheScreenKeepsTheWorst(t *testing.T) {
	for _, c := range []struct {
		name          string
		text          string
		width, height int
		want          string
	}{
		{"all fits", "a\nb\n", 20, 3, "a b foot"},
		{"one line too many", "a\nb\nc\n", 40, 3, "a b 1 line not shown; foot"},
		{"a line that takes two rows", "a\n" + strings.Repeat("x", 45) + "\nc\n", 40, 4, "a " + strings.Repeat("x", 45) + " 1 line not shown; foot"},
		{"a narrow foot", "a\nb\n", 12, 2, "a 1 line not…"},
		{"a terminal of unknown size", "a\nb\n", 0, 0, "a b foot"},
	} {
		got := onScreen(c.text, c.width, c.height, "foot")
		got = strings.Join(strings.Fields(strings.NewReplacer("\x1b[H", "", "\x1b[K", "", "\x1b[J", "", "\n", " ").Replace(got)), " ")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAWatchEndsWithTheExitCodeOfItsLastLook: in a pipe one answer follows the other.
func TestAWatchEndsWithTheExitCodeOfItsLastLook(t *testing.T) {
	path := configured(t)
	synctest.Test(t, func(t *testing.T) {
		s, out, _ := testIO("")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		o := statusOptions{path: path, watch: 2 * time.Second, output: outputText}
		if err := watchStatus(ctx, s, o); codeOf(err) != ExitUnhealthy {
			t.Errorf("ends with %v, want what an unguarded workload is", err)
		}
		if n := strings.Count(out.String(), "3 of 3 workloads need you"); n != 3 {
			t.Errorf("%d answers in five seconds, want 3:\n%s", n, out)
		}
	})
	for _, args := range []string{"--watch=10ms", "--watch 5s", "--watch=2h"} {
		if _, errs := runs(t, ExitUsage, append([]string{"status", "-c", path}, strings.Fields(args)...)...); !strings.Contains(errs, "--watch") {
			t.Errorf("%s: %s", args, errs)
		}
	}
}
