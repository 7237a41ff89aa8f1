package pulse

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// TestTwoGuardsLeaveTheirSignsSideBySide: each writes over its own, and sees what the other wrote meanwhile.
func TestTwoGuardsLeaveTheirSignsSideBySide(t *testing.T) {
	store, now := open(t), noon
	clock := func() time.Time { return now }
	a, b := New("a", []string{"api"}, time.Minute, clock), New("b", []string{"batch"}, time.Minute, clock)
	for range 5 {
		for name, p := range map[string]*Pulse{"api": a, "batch": b} {
			p.Tell(&control.Report{Workload: name, Result: control.Unchanged})
			if err := p.Keep(t.Context(), store); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Minute)
	}
	beats, err := Read(t.Context(), store)
	if err != nil || len(beats) != 2 {
		t.Fatalf("%v: %+v", err, beats)
	}
	for _, name := range []string{"api", "batch"} {
		if l, ok := health.LookAt(beats, name, now); !ok || l.Age != time.Minute || l.Every != time.Minute {
			t.Errorf("%s: %+v, %v", name, l, ok)
		}
	}
	if _, ok := health.LookAt(beats, "shop", now); ok {
		t.Error("a workload that no guard has was looked at")
	}
	now = now.Add(beatsFor) // b is long dead
	a.Tell(&control.Report{Workload: "api", Result: control.Unchanged})
	if err := a.Keep(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if beats, _ = Read(t.Context(), store); len(beats) != 1 {
		t.Errorf("%d beats, want that of the living guard alone", len(beats))
	}
}

func TestABeatSaysWhatIsLateAndWhatCannotBeKept(t *testing.T) {
	now := noon
	p := New("host", []string{"api", "batch", "shop"}, time.Minute, func() time.Time { return now })
	failed := control.Report{Workload: "shop", Result: control.StoreFailed}
	p.Tell(&failed)
	p.Tell(&failed)
	p.Tell(&control.Report{Workload: "batch", Result: control.Unchanged})
	now = now.Add(10 * time.Minute)
	event := failover.Signal{ID: "event", Task: "task", Pool: "spot", At: now.Add(-time.Second)}
	listed := failover.Signal{ID: "task2", Task: "task2", Pool: "standard", At: now}
	p.Tell(&control.Report{Workload: "api", Result: control.Committed, Observation: failover.Observation{Signals: []failover.Signal{event, listed}}})
	b := p.Beat()
	if !b.Late["batch"].Equal(noon) || !b.Late["shop"].IsZero() || len(b.Late) != 2 || len(b.Unstored) != 1 || b.Unstored[0] != "shop" {
		t.Errorf("late %v, unstored %v", b.Late, b.Unstored)
	}
	if len(b.Events) != 1 || !b.Events["api/spot"].Equal(now) {
		t.Errorf("events %v, want that of the queue alone", b.Events)
	}
}

// TestNothingIsLeftBeforeAPass: a process that has not looked shows no life, and one that looks often writes once a tick.
func TestNothingIsLeftBeforeAPass(t *testing.T) {
	store, now := open(t), noon
	p := New("host", []string{"api"}, time.Minute, func() time.Time { return now })
	keep := func() int {
		t.Helper()
		if err := p.Keep(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		pages, err := store.Pages(t.Context(), []string{pageName})
		if err != nil {
			t.Fatal(err)
		}
		return int(pages[pageName].Version)
	}
	if n := keep(); n != 0 {
		t.Errorf("%d writes before any pass", n)
	}
	for i, want := range []int{1, 1, 1, 2} {
		p.Tell(&control.Report{Workload: "api", Result: control.Unchanged})
		if n := keep(); n != want {
			t.Errorf("look %d: %d writes, want %d", i, n, want)
		}
		now = now.Add(20 * time.Second)
	}
}

// TestAGuardThatStartsAgainStillKnowsItsEvents: the kinds apart, and since when; so does one that outlives another.
func TestAGuardThatStartsAgainStillKnowsItsEvents(t *testing.T) {
	store, now := open(t), noon
	clock := func() time.Time { return now }
	tell := func(p *Pulse, signals ...failover.Signal) {
		t.Helper()
		p.Tell(&control.Report{Workload: "api", Result: control.Unchanged, Observation: failover.Observation{Signals: signals}})
		if err := p.Keep(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
	heard := func() health.Heard {
		t.Helper()
		beats, err := Read(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		return health.HeardOf(beats, "api", "spot")
	}
	tell(New("a", []string{"api"}, time.Minute, clock), failover.Signal{ID: "1", Task: "t", Pool: "spot", Kind: failover.SignalRunning})
	now = now.Add(time.Hour)
	tell(New("a", []string{"api"}, time.Minute, clock), failover.Signal{ID: "2", Task: "t", Pool: "spot", Kind: failover.SignalInterruption},
		failover.Signal{ID: "t", Task: "u", Pool: "spot", Kind: failover.SignalProgress})
	if got, want := heard(), (health.Heard{Last: now, Started: noon, Stopped: now, Since: noon}); got != want {
		t.Errorf("after a restart %+v, want %+v", got, want)
	}
	stop := now
	now = now.Add(2 * beatsFor)
	tell(New("b", []string{"api"}, time.Minute, clock))
	if got, want := heard(), (health.Heard{Last: stop, Started: noon, Stopped: stop, Since: now}); got != want {
		t.Errorf("of a dead guard %+v, want %+v", got, want)
	}
	if got := health.HeardOf(nil, "api", "spot"); got != (health.Heard{}) {
		t.Errorf("of no guard %+v", got)
	}
}
