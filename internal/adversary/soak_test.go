package adversary

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

var soakFlag = flag.Duration("soak", 240*time.Hour/slower, "how much simulated time the soak takes (8760h is a year)")

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

// TestSoak lets a daemon over a real SQLite file live through a long time with faults, with never a restart but
// by its own crashes, and looks twelve times at what it takes. After the first third nothing may grow.
func TestSoak(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	store, open := control.Store(nil), false
	plan := NewPlan(5)
	plan.Shares = [troubles]float64{CrashBefore: 0.002, Throttled: 0.05, ServerFault: 0.05, NoAnswer: 0.01, LostAnswer: 0.01, StoreRefuses: 0.02,
		QueueRefuses: 0.05, EventLost: 0.1, EventTwice: 0.2, EventPoison: 0.01, Interruption: 1, SpotShort: 0.5, CountChanged: 0.3, TaskDies: 0.3}
	plan.Writers, plan.Functions, plan.Tick, plan.Sparse, plan.Demand = 1, 0, 5*time.Minute, 32, 12
	plan.TroubleFor = *soakFlag
	var samples []usage
	start := time.Time{}
	plan.Log = func(string, ...any) {
		if start.IsZero() {
			start = time.Now()
		}
		if time.Since(start) < time.Duration(len(samples)+1)*(*soakFlag)/soakSamples || len(samples) == soakSamples {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		u := usage{heap: m.HeapAlloc, goroutines: runtime.NumGoroutine()}
		for _, name := range []string{path, path + "-wal"} {
			if info, err := os.Stat(name); err == nil {
				u.file += info.Size()
			}
		}
		samples = append(samples, u)
	}
	hooks := Hooks{Base: func(*Memory) control.Store {
		s, err := sqlite.Open(context.Background(), path, journal.Retention{Entries: soakEntries})
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
	var text strings.Builder
	for i, u := range samples {
		fmt.Fprintf(&text, "\n%3d %%: heap %5.1f MB, %d goroutines, file %5.1f MB", 100*(i+1)/soakSamples, float64(u.heap)/1e6, u.goroutines, float64(u.file)/1e6)
	}
	t.Logf("%s, %d passes, %d actions:%s", *soakFlag, res.Passes, res.Acts, text.String())
	if len(samples) < soakSamples {
		t.Fatalf("%d samples, want %d", len(samples), soakSamples)
	}
	before, after := samples[soakSamples/3], samples[soakSamples-1]
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
