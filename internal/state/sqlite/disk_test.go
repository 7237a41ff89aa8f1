package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// writerEnv makes the test binary a process that commits to the file named until it is killed.
const writerEnv = "BACKSTOP_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		os.Exit(writeUntilKilled(path))
	}
	os.Exit(m.Run())
}

// writeUntilKilled commits one generation after the other and says each on stdout once it is committed.
func writeUntilKilled(path string) int {
	if limit := os.Getenv(writerEnv + "_LIMIT"); limit != "" {
		var n uint64
		if _, err := fmt.Sscan(limit, &n); err != nil {
			return 2
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return 2
		}
	}
	ctx := context.Background()
	s, err := Open(ctx, path, journal.Retention{})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	all, err := s.Load(ctx, []string{"api"})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	for g := all["api"].State.Generation + 1; ; g++ {
		now := time.Now()
		r := control.Record{State: failover.State{Version: failover.StateVersion, Workload: "api", Generation: g, Decided: failover.Decided{Demand: int(g)}, Seen: failover.Seen{At: now}}}
		e := journal.Entry{Version: journal.Version, ID: journal.NewID(now, uint32(g)), Workload: "api", At: now, Kind: journal.KindDecision,
			Generation: g, Decision: &failover.Decision{At: now, Workload: "api", Reason: failover.ReasonSteady}}
		if err := s.Commit(ctx, "writer", r, now, []journal.Entry{e}); err != nil {
			var advised interface{ Hint() string }
			if errors.As(err, &advised) {
				fmt.Println("hint", advised.Hint())
			}
			fmt.Println("error", err)
			return 1
		}
		fmt.Println("committed", g)
	}
}

func writer(t *testing.T, path string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), append(env, writerEnv+"="+path)...)
	return cmd
}

// TestKillingTheWriterLosesNothingThatWasCommitted kills a process with SIGKILL in the middle of its commits, ten
// times, and opens the file anew each time.
func TestKillingTheWriterLosesNothingThatWasCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	var last uint64
	for round := range 10 {
		cmd := writer(t, path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for want := last + uint64(5+round); last < want; {
			if _, err := fmt.Fscanf(out, "committed %d\n", &last); err != nil {
				t.Fatalf("round %d: the writer said no more after generation %d: %v", round, last, err)
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed: that is its error
		s := open(t, path, journal.Retention{})
		all, err := s.Load(t.Context(), []string{"api"})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		stored := all["api"].State
		if stored.Generation < last || stored.Demand != int(stored.Generation) {
			t.Fatalf("round %d: generation %d was committed, %d with demand %d is stored", round, last, stored.Generation, stored.Demand)
		}
		entries, err := s.Journal(t.Context(), journal.Query{Limit: journal.LimitMax})
		if err != nil || len(entries) != int(stored.Generation) {
			t.Fatalf("round %d: %d journal entries (%v) for %d generations", round, len(entries), err, stored.Generation)
		}
		last = stored.Generation
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFileThatCannotGrowIsRefusedWithAHintAndSurvives stands for a full disk without needing one: the process
// may not write beyond a size.
func TestAFileThatCannotGrowIsRefusedWithAHintAndSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	out, err := writer(t, path, writerEnv+"_LIMIT=200000").CombinedOutput()
	text := string(out)
	if err == nil || !strings.Contains(text, "\nerror ") || !strings.Contains(text, "\nhint ") {
		t.Fatalf("a writer without room ended with %v and said %.300q", err, text[max(0, len(text)-300):])
	}
	if hint := text[strings.Index(text, "\nhint ")+6:]; !strings.Contains(hint, "disk") {
		t.Errorf("the hint does not name the disk: %.200q", hint)
	}
	committed := uint64(strings.Count(text, "committed "))
	s := open(t, path, journal.Retention{})
	all, err := s.Load(t.Context(), []string{"api"})
	if err != nil || all["api"].State.Generation != committed {
		t.Errorf("%d generations were committed; %d are stored, %v", committed, all["api"].State.Generation, err)
	}
	r := all["api"]
	r.State.Generation++
	if err := s.Commit(t.Context(), "a", r, time.Now(), nil); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestADamagedFileIsRefusedWithAHint overwrites the middle of a file, and its beginning.
func TestADamagedFileIsRefusedWithAHint(t *testing.T) {
	for name, at := range map[string]int64{"the header": 0, "the schema page": 100} {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path, journal.Retention{})
		r := control.Record{State: failover.State{Version: failover.StateVersion, Workload: "api", Generation: 1, Decided: failover.Decided{Demand: 7}}}
		if err := s.Commit(t.Context(), "a", r, time.Now(), nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte(strings.Repeat("\xa5", 3000)), at); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), path, journal.Retention{})
		if err == nil {
			_, err = again.Load(t.Context(), []string{"api"})
			_ = again.Close()
		}
		var advised interface{ Hint() string }
		if err == nil || !errors.As(err, &advised) || !strings.Contains(advised.Hint(), "move the file away") {
			t.Errorf("%s damaged: got %v, want an error whose hint says to move the file away", name, err)
		}
	}
}

// TestAReadOnlyFileIsRefusedWithAHint needs a user whom permissions bind.
func TestAReadOnlyFileIsRefusedWithAHint(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind root")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	if err := open(t, path, journal.Retention{}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o400), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	_, err := Open(t.Context(), path, journal.Retention{})
	var advised interface{ Hint() string }
	if err == nil || !errors.As(err, &advised) || !strings.Contains(advised.Hint(), "read and write") {
		t.Errorf("got %v, want an error whose hint says who must be allowed what", err)
	}
}

func TestAdviceIsAboutTheFault(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EACCES: "let the user", syscall.EROFS: "put the file where it can be written", syscall.ENOSPC: "the disk is full",
		errors.New("strange"): "",
	} {
		if got := advice("state.db", fmt.Errorf("open: %w", &os.PathError{Op: "open", Path: "state.db", Err: err})); !strings.HasPrefix(got, want) || (want == "" && got != "") {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
