// Package statetest holds any [control.Store] to what the pass relies on: the generation, the lease, one
// winner among concurrent commits, entries that are written with their commit or not at all, and the order
// and bounds of the journal.
//
// It is not a benchmark, and it does not test how a store survives a crash of its own process.
package statetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// start is when the tests' clock begins.
var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// Run tests stores made by open, each of which must be empty and is closed by the test.
func Run(t *testing.T, open func(t *testing.T) control.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s control.Store)
	}{
		{"a workload never committed is absent", testAbsent},
		{"a state comes back as it was committed", testRoundTrip},
		{"a state of a newer version is refused and stays", testNewer},
		{"a commit on another generation is stale and writes nothing", testStale},
		{"a lease keeps others out until it ends", testLease},
		{"the holder of a lease commits and gives it back", testRelease},
		{"of many commits on one generation one wins", testRace},
		{"the journal gives the newest first, selected and bounded", testJournal},
		{"entries with an ID already there do not come twice", testAppendTwice},
		{"loading many workloads gives each its own", testMany},
		{"a cancelled context is an error and writes nothing", testCancelled},
		{"of two writers of a page one is refused", testPages},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			test.run(t, s)
		})
	}
}

func record(name string, generation uint64, demand int) control.Record {
	return control.Record{State: failover.State{Version: failover.StateVersion, Workload: name, Generation: generation,
		Decided: failover.Decided{Mode: failover.ModeMixed, Demand: demand, DemandSet: true,
			Pools:  []failover.PoolState{{Name: "spot", FailedAt: start}, {Name: "standard"}},
			Window: []failover.Evidence{{Kind: failover.SignalInterruption, Pool: "spot", At: start.Add(123456 * time.Nanosecond), ID: "e-1"}}},
		Seen: failover.Seen{At: start, Pools: []failover.PoolSeen{{Name: "spot", Reclaims: 1.5, ReclaimsAt: start}, {Name: "standard"}}},
	}}
}

func entry(name string, n int, at time.Time, kind journal.Kind) journal.Entry {
	e := journal.Entry{Version: journal.Version, ID: journal.NewID(at, uint32(n)), Workload: name, At: at, Kind: kind}
	switch kind {
	case journal.KindDecision:
		e.Decision = &failover.Decision{At: at, Workload: name, Reason: failover.ReasonSpotShort}
		e.Actions = journal.Actions{failover.SetDesiredCount{Pool: "standard", Count: n}}
	case journal.KindNotice:
		e.Notice = &failover.Notice{Reason: failover.ReasonQuota, Severity: failover.Warning, Key: fmt.Sprint(n), Text: "text"}
	}
	return e
}

func load(t *testing.T, s control.Store, name string) (control.Record, bool) {
	t.Helper()
	all, err := s.Load(t.Context(), []string{name})
	if err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
	r, ok := all[name]
	return r, ok
}

func commit(t *testing.T, s control.Store, by string, r control.Record, now time.Time, entries ...journal.Entry) {
	t.Helper()
	if err := s.Commit(t.Context(), by, r, now, entries); err != nil {
		t.Fatalf("commit %s generation %d: %v", r.State.Workload, r.State.Generation, err)
	}
}

func history(t *testing.T, s control.Store, q journal.Query) []journal.Entry {
	t.Helper()
	entries, err := s.Journal(t.Context(), q)
	if err != nil {
		t.Fatalf("journal: %v", err)
	}
	return entries
}

func testAbsent(t *testing.T, s control.Store) {
	all, err := s.Load(t.Context(), []string{"api"})
	if err != nil || len(all) != 0 {
		t.Errorf("load of an empty store gave %v, %v; want nothing", all, err)
	}
	if all, err = s.Load(t.Context(), nil); err != nil || len(all) != 0 {
		t.Errorf("load of no workload gave %v, %v; want nothing", all, err)
	}
	if got := history(t, s, journal.Query{}); len(got) != 0 {
		t.Errorf("journal of an empty store has %d entries", len(got))
	}
}

func testRoundTrip(t *testing.T, s control.Store) {
	want := record("api", 1, 200)
	want.Lease = control.Lease{Owner: "a", Until: start.Add(20 * time.Second)}
	commit(t, s, "a", want, start, entry("api", 1, start, journal.KindDecision))
	got, ok := load(t, s, "api")
	if !ok {
		t.Fatal("the committed workload is absent")
	}
	if !failover.SameState(want.State, got.State) || got.State.Generation != 1 {
		t.Errorf("state came back as\n%+v, want\n%+v", got.State, want.State)
	}
	if got.Lease.Owner != "a" || !got.Lease.Until.Equal(want.Lease.Until) {
		t.Errorf("lease came back as %+v, want %+v", got.Lease, want.Lease)
	}
	entries := history(t, s, journal.Query{Workload: "api"})
	if len(entries) != 1 || len(entries[0].Actions) != 1 || entries[0].Actions[0] != (failover.SetDesiredCount{Pool: "standard", Count: 1}) {
		t.Errorf("journal came back as %+v", entries)
	}
}

// testNewer: a program that does not know all of a state would erase the rest of it.
func testNewer(t *testing.T, s control.Store) {
	newer := record("api", 1, 200)
	newer.State.Version = failover.StateVersion + 1
	commit(t, s, "a", newer, start)
	commit(t, s, "a", record("worker", 1, 7), start)
	_, err := s.Load(t.Context(), []string{"api", "worker"})
	if !errors.Is(err, failover.ErrNewerState) || errors.Is(err, control.ErrDamaged) || !strings.Contains(err.Error(), "api") {
		t.Errorf("load of a newer state gave %v, want %v of api", err, failover.ErrNewerState)
	}
	if r, ok := load(t, s, "worker"); !ok || r.State.Demand != 7 {
		t.Errorf("its neighbour is %+v, %t", r, ok)
	}
	pause := failover.Intent{Kind: failover.IntentPause, At: start}
	_, err = control.Intend(t.Context(), s, control.Workload{Name: "api", Policy: failover.Policy{Pools: []failover.Pool{{Name: "spot"}}}}, "cli", pause,
		func() time.Time { return start })
	if !errors.Is(err, failover.ErrNewerState) {
		t.Errorf("an order to a newer state gave %v, want %v", err, failover.ErrNewerState)
	}
	if err := s.Commit(t.Context(), "a", record("api", 1, 1), start, nil); !errors.Is(err, control.ErrStale) {
		t.Errorf("a commit over it gave %v, want %v", err, control.ErrStale)
	}
}

func testStale(t *testing.T, s control.Store) {
	try := func(generation uint64, why string) {
		t.Helper()
		err := s.Commit(t.Context(), "b", record("api", generation, 7), start, []journal.Entry{entry("api", int(generation), start, journal.KindDecision)})
		if !errors.Is(err, control.ErrStale) {
			t.Errorf("%s: got %v, want ErrStale", why, err)
		}
	}
	try(2, "generation 2 where nothing is stored")
	try(0, "generation 0, which is no commit")
	commit(t, s, "a", record("api", 1, 200), start)
	try(1, "generation 1 again")
	try(3, "generation 3 on 1")
	commit(t, s, "a", record("api", 2, 201), start)
	try(2, "generation 2 again")
	if got, _ := load(t, s, "api"); got.State.Demand != 201 || got.State.Generation != 2 {
		t.Errorf("a stale commit changed the state to %+v", got.State)
	}
	if got := history(t, s, journal.Query{}); len(got) != 0 {
		t.Errorf("stale commits wrote %d entries", len(got))
	}
}

func testLease(t *testing.T, s control.Store) {
	until := start.Add(20 * time.Second)
	r := record("api", 1, 200)
	r.Lease = control.Lease{Owner: "a", Until: until}
	commit(t, s, "a", r, start)

	err := s.Commit(t.Context(), "b", record("api", 2, 1), until.Add(-time.Millisecond), []journal.Entry{entry("api", 1, start, journal.KindDecision)})
	var held *control.LeaseHeldError
	if !errors.As(err, &held) {
		t.Fatalf("commit under another's lease gave %v, want a LeaseHeldError", err)
	}
	if held.Owner != "a" || !held.Until.Equal(until) {
		t.Errorf("the error names %s until %s, want a until %s", held.Owner, held.Until, until)
	}
	if got := history(t, s, journal.Query{}); len(got) != 0 {
		t.Errorf("a refused commit wrote %d entries", len(got))
	}
	if err := s.Commit(t.Context(), "b", record("other", 1, 1), start, nil); err != nil {
		t.Errorf("a lease on one workload kept another from its commit: %v", err)
	}
	commit(t, s, "b", record("api", 2, 2), until) // the lease is over at its end, not after it
	if got, _ := load(t, s, "api"); got.State.Demand != 2 || got.Lease.Owner != "" {
		t.Errorf("after the lease ended the record is %+v", got)
	}
}

func testRelease(t *testing.T, s control.Store) {
	r := record("api", 1, 200)
	r.Lease = control.Lease{Owner: "a", Until: start.Add(time.Hour)}
	commit(t, s, "a", r, start)
	commit(t, s, "a", record("api", 2, 200), start.Add(time.Second))
	commit(t, s, "b", record("api", 3, 200), start.Add(2*time.Second))
	if got, _ := load(t, s, "api"); got.State.Generation != 3 {
		t.Errorf("generation is %d, want 3", got.State.Generation)
	}
}

func testRace(t *testing.T, s control.Store) {
	const racers, rounds = 8, 5
	for g := uint64(1); g <= rounds; g++ {
		var mu sync.Mutex
		var all sync.WaitGroup
		winners := []int{}
		for i := range racers {
			all.Go(func() {
				at := start.Add(time.Duration(g) * time.Second)
				err := s.Commit(t.Context(), fmt.Sprint("racer ", i), record("api", g, i), at,
					[]journal.Entry{entry("api", int(g)*100+i, at, journal.KindDecision)})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					winners = append(winners, i)
				case !errors.Is(err, control.ErrStale):
					t.Errorf("a loser got %v, want ErrStale", err)
				}
			})
		}
		all.Wait()
		if len(winners) != 1 {
			t.Fatalf("generation %d was committed by %v, want exactly one", g, winners)
		}
		if got, _ := load(t, s, "api"); got.State.Demand != winners[0] || got.State.Generation != g {
			t.Fatalf("racer %d won generation %d, but the state is %+v", winners[0], g, got.State)
		}
	}
	if got := history(t, s, journal.Query{}); len(got) != rounds {
		t.Errorf("%d commits left %d entries", rounds, len(got))
	}
}

func testJournal(t *testing.T, s control.Store) {
	var all []journal.Entry
	for i := range 30 {
		kind := journal.KindDecision
		if i%3 == 0 {
			kind = journal.KindNotice
		}
		all = append(all, entry([]string{"api", "worker"}[i%2], i, start.Add(time.Duration(i/2)*time.Minute), kind))
	}
	shuffled := append(append([]journal.Entry{}, all[15:]...), all[:15]...)
	if err := s.Append(t.Context(), shuffled); err != nil {
		t.Fatalf("append: %v", err)
	}
	for _, q := range []journal.Query{
		{Limit: 1000},
		{},
		{Limit: 4},
		{Workload: "api"},
		{Workload: "nobody"},
		{From: start.Add(3 * time.Minute), To: start.Add(5 * time.Minute)},
		{Workload: "worker", Kinds: []journal.Kind{journal.KindNotice}, Limit: 3},
		{Kinds: []journal.Kind{journal.KindOutcome, journal.KindIntent}},
	} {
		var want []string
		for i := len(all) - 1; i >= 0 && len(want) < q.Max(); i-- {
			if q.Matches(all[i]) {
				want = append(want, all[i].ID)
			}
		}
		var got []string
		for _, e := range history(t, s, q) {
			got = append(got, e.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("query %+v gave\n%v, want\n%v", q, got, want)
		}
	}
}

func testAppendTwice(t *testing.T, s control.Store) {
	e := entry("api", 1, start, journal.KindNotice)
	for range 2 {
		if err := s.Append(t.Context(), []journal.Entry{e}); err != nil {
			t.Fatalf("append: %v", err)
		}
	}
	if got := history(t, s, journal.Query{}); len(got) != 1 {
		t.Errorf("an entry written twice is there %d times", len(got))
	}
}

func testMany(t *testing.T, s control.Store) {
	const n = 1200
	var names []string
	for i := range n {
		name := fmt.Sprintf("w%04d", i)
		names = append(names, name)
		if i%2 == 0 {
			commit(t, s, "a", record(name, 1, i), start)
		}
	}
	got, err := s.Load(t.Context(), names)
	if err != nil || len(got) != n/2 {
		t.Fatalf("load of %d workloads gave %d, %v; want %d", n, len(got), err, n/2)
	}
	for i := 0; i < n; i += 2 {
		if r := got[names[i]]; r.State.Demand != i || r.State.Workload != names[i] {
			t.Fatalf("workload %s came back as %+v", names[i], r.State)
		}
	}
}

func testCancelled(t *testing.T, s control.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, "a", record("api", 1, 1), start, nil); err == nil {
		t.Error("a commit with a cancelled context gave no error")
	}
	if _, ok := load(t, s, "api"); ok {
		t.Error("a commit with a cancelled context was written")
	}
}
