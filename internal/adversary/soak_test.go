package adversary

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

var soakFlag = flag.Duration("soak", 4*time.Hour/slower, "how much simulated time a soak takes (8760h is a year)")

const (
	soakSamples = 12
	// soakEntries is how much journal the soak keeps.
	soakEntries = 500
)

// usage is what a daemon takes of its machine.
type usage struct {
	heap       uint64
	goroutines int
	file       int64
}

// meter looks twelve times in a soak at what is taken.
type meter struct {
	path    string // the store's file
	start   time.Time
	samples []usage
}

// look takes a sample if one is due.
func (m *meter) look() {
	if m.start.IsZero() {
		m.start = time.Now()
	}
	n := len(m.samples)
	if n == soakSamples || time.Since(m.start) < time.Duration(n+1)*(*soakFlag)*9/10/soakSamples {
		return
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	u := usage{heap: stats.HeapAlloc, goroutines: runtime.NumGoroutine()}
	for _, name := range []string{m.path, m.path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			u.file += info.Size()
		}
	}
	m.samples = append(m.samples, u)
	if testing.Verbose() { // a year takes an hour
		fmt.Println(m.line(n))
	}
}

// line says one sample.
func (m *meter) line(i int) string {
	u := m.samples[i]
	return fmt.Sprintf("%3d %% of %s: heap %5.1f MB, %d goroutines, file %5.1f MB", 90*(i+1)/soakSamples, *soakFlag, float64(u.heap)/1e6, u.goroutines, float64(u.file)/1e6)
}

// judge fails the test if anything grew after the first third.
func (m *meter) judge(t *testing.T) {
	t.Helper()
	if !testing.Verbose() {
		for i := range m.samples {
			t.Log(m.line(i))
		}
	}
	if len(m.samples) < soakSamples {
		t.Fatalf("%d samples, want %d", len(m.samples), soakSamples)
	}
	before, after := m.samples[soakSamples/3], m.samples[soakSamples-1]
	if limit := before.heap + before.heap/2 + 4<<20; after.heap > limit {
		t.Errorf("the heap grew from %d to %d bytes", before.heap, after.heap)
	}
	if after.goroutines > before.goroutines+10 {
		t.Errorf("goroutines grew from %d to %d", before.goroutines, after.goroutines)
	}
	if limit := before.file + before.file/2 + 4<<20; after.file > limit {
		t.Errorf("the file grew from %d to %d bytes", before.file, after.file)
	}
}

// TestSoak lets a daemon over a real SQLite file live through a long time with faults, with never a restart but
// by its own crashes. After the first third nothing may grow.
func TestSoak(t *testing.T) {
	m := meter{path: filepath.Join(t.TempDir(), "state.db")}
	store, open := control.Store(nil), false
	plan := NewPlan(5)
	plan.Shares = [troubles]float64{CrashBefore: 0.002, Throttled: 0.05, ServerFault: 0.05, NoAnswer: 0.01, LostAnswer: 0.01, StoreRefuses: 0.02,
		QueueRefuses: 0.05, EventLost: 0.1, EventTwice: 0.2, EventPoison: 0.01, Interruption: 1, SpotShort: 0.5, CountChanged: 0.3, TaskDies: 0.3}
	plan.Writers, plan.Functions, plan.Tick, plan.Sparse, plan.Demand = 1, 0, 5*time.Minute, 32, 12
	plan.TroubleFor = *soakFlag
	plan.Log = func(string, ...any) { m.look() }
	hooks := Hooks{Base: func(*Memory) control.Store {
		s, err := sqlite.Open(context.Background(), m.path, journal.Retention{Entries: soakEntries})
		if err != nil {
			t.Fatal(err)
		}
		store, open = s, true
		return s
	}, End: func() {
		if open {
			_ = store.Close()
		}
	}}
	res := Run(t, plan, hooks)
	report(t, res)
	t.Logf("%d passes, %d actions", res.Passes, res.Acts)
	m.judge(t)
}

// TestSoakThroughTheRealStack does the same to two daemons with the real adapters, the sandbox's wire protocols and SQLite;
// what the sandbox holds counts too.
func TestSoakThroughTheRealStack(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector makes a day of this take minutes; TestSeedsThroughTheRealStack runs the same code under it")
	}
	m := meter{path: filepath.Join(t.TempDir(), "state.db")}
	synctest.Test(t, func(t *testing.T) {
		stack(t, storm{seed: 7, path: m.path, trouble: *soakFlag, lull: max(*soakFlag/2000, 5*time.Minute), tick: 5 * time.Minute, look: m.look})
	})
	m.judge(t)
}
