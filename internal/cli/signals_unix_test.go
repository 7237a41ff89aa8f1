//go:build unix

package cli

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestASecondSignalKillsOnlyAsASecondCtrlC: others leave a daemon its grace.
func TestASecondSignalKillsOnlyAsASecondCtrlC(t *testing.T) {
	for _, c := range []struct {
		name    string
		signals []syscall.Signal
		killed  bool
	}{
		{"a terminal that goes, and a service manager", []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM}, false},
		{"SIGTERM twice", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, false},
		{"SIGTERM, then Ctrl-C", []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}, false},
		{"Ctrl-C, then SIGTERM", []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}, false},
		{"Ctrl-C twice", []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, slowProgram)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewScanner(out)
			for i, s := range c.signals { // it says a line when it is ready for each
				if !said.Scan() {
					t.Fatalf("it has ended before %s", s)
				}
				for range 20 * i { // by then all has been done about the first one
					if _, err := io.WriteString(in, "more\n"); err != nil || !said.Scan() {
						t.Fatalf("it does not answer any more: %v", err)
					}
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			if !c.killed {
				_ = in.Close() // its grace is over
			}
			for said.Scan() {
			}
			if err := cmd.Wait(); (err != nil) != c.killed || ctx.Err() != nil {
				t.Errorf("it ended with %v, want killed: %t", err, c.killed)
			}
		})
	}
}
