//go:build unix

package cli

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestALockIsSharedAndEndsWithItsHolders: each sees that others are there, whoever of them came first and whoever has gone.
func TestALockIsSharedAndEndsWithItsHolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db"+lockSuffix)
	hold := func(want bool) func() {
		t.Helper()
		others, release := holdLock(path)
		if others != want {
			t.Errorf("others: %t, want %t", others, want)
		}
		return release
	}
	first := hold(false)
	second := hold(true)
	first()
	third := hold(true) // the first one has gone, the second has not
	second()
	third()
	hold(false)()
	if others, release := holdLock(filepath.Join(t.TempDir(), "no", "directory")); others {
		t.Error("a lock that cannot be had has others")
	} else {
		release()
	}
}

// TestAShareIsTakenBesideADaemonThatStartsAtTheSameMoment: without it a third one would not be told.
func TestAShareIsTakenBesideADaemonThatStartsAtTheSameMoment(t *testing.T) {
	for _, held := range []time.Duration{0, sharePause / 2, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			begun, shared, tries := time.Now(), false, 0
			takeShare(func() error {
				tries++
				if time.Since(begun) < held {
					return syscall.EWOULDBLOCK
				}
				shared = true
				return nil
			})
			if want := held < sharePause; shared != want || tries > 2 {
				t.Errorf("held by another for %s: shared %t after %d tries, want %t", held, shared, tries, want)
			}
		})
	}
}

// TestASecondDaemonIsToldOnce: in one line, and only while the other one is there.
func TestASecondDaemonIsToldOnce(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.db")
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	release := sayIfNotAlone(t.Context(), state, log)
	if said.Len() != 0 {
		t.Errorf("a daemon that is alone is told %q", said.String())
	}
	sayIfNotAlone(t.Context(), state, log)()
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, state) {
		t.Errorf("the second one is told %q", text)
	}
	said.Reset()
	release()
	sayIfNotAlone(t.Context(), state, log)()
	sayIfNotAlone(t.Context(), "", log)() // a table
	if said.Len() != 0 {
		t.Errorf("a daemon whose forerunner has ended is told %q", said.String())
	}
}
