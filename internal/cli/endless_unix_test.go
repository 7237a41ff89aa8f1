//go:build unix

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEveryFileEndsWithTheCommand: a pipe that nobody writes to, wherever a file can be named.
func TestEveryFileEndsWithTheCommand(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "t.csv")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no pipes with names here: %v", err)
	}
	t.Cleanup(func() { // the readers that were left go
		if f, err := os.OpenFile(fifo, os.O_RDWR, 0); err == nil {
			_ = f.Close()
		}
	})
	for _, args := range []string{"simulate --trace", "simulate --events", "tune --trace", "tune --events", "demo --trace", "dashboard --trace", "config validate"} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		var out, errs bytes.Buffer
		ended := make(chan int, 1)
		go func() {
			ended <- Main(ctx, append(strings.Fields(args), fifo), IO{In: strings.NewReader(""), Out: &out, Err: &errs,
				Env: func(string) string { return "" }, Now: time.Now})
		}()
		select {
		case code := <-ended:
			if code != ExitFailed || !strings.Contains(errs.String(), "interrupted") && !strings.Contains(errs.String(), "canceled") {
				t.Errorf("backstop %s: ended with %d and said %q", args, code, errs.String())
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("backstop %s: it does not end with its context", args)
		}
	}
}

// TestATraceWithoutAnEndIsGivenUp: of a device, whose bytes are no trace.
func TestATraceWithoutAnEndIsGivenUp(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("no /dev/zero here")
	}
	for _, args := range []string{"simulate --trace /dev/zero", "simulate --events /dev/zero", "demo --trace /dev/zero", "config validate /dev/zero"} {
		if code, out, errs := runIn(t, t.TempDir(), badInput{what: "a device", args: args}); code != ExitUsage || out != "" || !strings.Contains(errs, "zero") {
			t.Errorf("backstop %s: ended with %d and said %q", args, code, errs)
		}
	}
}
