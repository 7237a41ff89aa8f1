package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

// asksTerminal matches what a terminal would answer: OSC 10 and 11 (colours), DA, DSR, XTVERSION, DECRQM and the keyboard's query.
var asksTerminal = regexp.MustCompile(`\x1b\]1[01];\?|\x1b\[[?>]?[0-9;]*[cnq]|\x1b\[\?u|\$p`)

// TestNoCommandAsksTheTerminal runs commands on a terminal that answers nothing: one that asks waits for seconds, and an answer that
// comes late is typed at the shell.
func TestNoCommandAsksTheTerminal(t *testing.T) {
	if racetest.Enabled {
		t.Skip("nothing runs side by side here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "backstop") // TestMain runs the command under this name
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"--help", "\x1b[1mUSAGE", ExitDone},
		{"status --help", "\x1b[36m-c, --config FILE", ExitDone},
		{"statsu", "did you mean status?", ExitUsage},
		{"version", "backstop ", ExitDone},
		{"demo --scenario calm --duration 10m --fast", "back on Spot", ExitDone},
	} {
		t.Run(c.args, func(t *testing.T) {
			said, code := onTerminal(t, program, strings.Fields(c.args))
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("ends with %d, want %d, and says %q, want %q", code, c.code, said, c.says)
			}
			if asked := asksTerminal.FindAllString(said, -1); len(asked) > 0 {
				t.Errorf("asks the terminal %q", asked)
			}
		})
	}
}

// onTerminal runs a program on a pseudo terminal and returns what it wrote there.
func onTerminal(t *testing.T, program string, args []string) (said string, code int) {
	t.Helper()
	master, slave := pseudoTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env = append(os.Environ(), "NO_COLOR=", "TERM=xterm-256color", "HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	written, _ := io.ReadAll(master) // the error is that nobody has the other end any more
	if err := cmd.Wait(); ctx.Err() != nil {
		t.Fatalf("it does not end: %v", err)
	}
	return string(written), cmd.ProcessState.ExitCode()
}

// pseudoTerminal opens both ends of one.
func pseudoTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	number, unlocked := 0, 0
	for _, call := range []struct {
		request uintptr
		arg     *int
	}{{syscall.TIOCGPTN, &number}, {syscall.TIOCSPTLCK, &unlocked}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), call.request, uintptr(unsafe.Pointer(call.arg))); errno != 0 {
			t.Skipf("no pseudo terminals here: %v", errno)
		}
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	return master, slave
}
