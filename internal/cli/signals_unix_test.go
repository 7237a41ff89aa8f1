//go:build unix

package cli

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"
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
			cmd := exec.Command(slowProgram)
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
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			said := bufio.NewScanner(out)
			for _, s := range c.signals { // it says a line when it is ready for each
				if !said.Scan() {
					t.Fatalf("it has ended before %s", s)
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
			if err := cmd.Wait(); (err != nil) != c.killed {
				t.Errorf("it ended with %v, want killed: %t", err, c.killed)
			}
		})
	}
}
