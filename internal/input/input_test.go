package input

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(to []byte) (int, error) { clear(to); return len(to), nil }
func (zeros) Close() error                { return nil }

func drain(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

func TestAFileOfTheGreatestSizeIsReadAndALargerOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for size, want := range map[int]string{0: "", 9999: "", 10000: "", 10001: path + " has more than 10000 bytes", 200000: path + " has more than 10000 bytes"} {
		if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o600); err != nil {
			t.Fatal(err)
		}
		switch n, err := File(t.Context(), path, 10000, drain); {
		case want == "" && (err != nil || n != int64(size)):
			t.Errorf("%d bytes: read %d, %v", size, n, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%d bytes: got %v, want %q", size, err, want)
		}
	}
	if _, err := File(t.Context(), path+"none", 1, drain); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	endless := func() (io.ReadCloser, error) { return zeros{}, nil }
	silent, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	for name, open := range map[string]func() (io.ReadCloser, error){
		"without an end":   endless,
		"without a word":   func() (io.ReadCloser, error) { return silent, nil },
		"without a writer": func() (io.ReadCloser, error) { <-t.Context().Done(); return nil, t.Context().Err() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := From(ctx, name, open, 1<<62, drain); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := From(t.Context(), "f", endless, 1<<20, drain); err == nil || !strings.Contains(err.Error(), "f has more than 1048576 bytes") {
		t.Errorf("without an end: got %v", err)
	}
}

func TestACallerIsToldHowFarReadingHasCome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var told [][2]int64
		n, err := Watched(t.Context(), path, 1<<20, func(read, size int64) { told = append(told, [2]int64{read, size}) }, func(r io.Reader) (int64, error) {
			n, err := io.CopyN(io.Discard, r, 2000)
			time.Sleep(600 * time.Millisecond) // of the bubble's own time
			return n, err
		})
		if err != nil || n != 2000 || len(told) != 2 || told[0][0] < 2000 || told[1][1] != 5000 {
			t.Errorf("read %d, %v, told %v", n, err, told)
		}
	})
}
