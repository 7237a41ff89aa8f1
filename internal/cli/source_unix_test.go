//go:build unix

package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestReadingAConfigurationEndsWithItsContext: of a pipe that nobody writes to, and of a stdin that nobody types at.
func TestReadingAConfigurationEndsWithItsContext(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "b.yaml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no pipes with names here: %v", err)
	}
	s, _, _ := testIO("")
	stdin, typed := io.Pipe()
	t.Cleanup(func() { _ = typed.Close() })
	t.Cleanup(func() { // the reader that was left goes
		if f, err := os.OpenFile(fifo, os.O_RDWR, 0); err == nil {
			_ = f.Close()
		}
	})
	s.In = stdin
	for _, path := range []string{fifo, "-"} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := readConfig(ctx, s, path, false); !errors.Is(err, context.Canceled) || codeOf(ranError{err}) != ExitFailed {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// TestAConfigurationFromAPipeIsRead as of `--config <(...)`.
func TestAConfigurationFromAPipeIsRead(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "b.yaml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no pipes with names here: %v", err)
	}
	go func() {
		_ = os.WriteFile(fifo, []byte("version: 1\nregion: us-east-1\nworkloads:\n  - name: api\n"+twoPools), 0o600)
	}()
	s, _, _ := testIO("")
	if file, err := readConfig(t.Context(), s, fifo, false); err != nil || len(file.Workloads) != 1 {
		t.Errorf("got %v, %v", file, err)
	}
}
