package control_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// errDead is what a process that has crashed sees of everything it tries.
var errDead = errors.New("the process is dead")

// mortal is a process that dies at its n-th step, before or after the step takes effect. Every use of the
// store, of AWS and of the queue is a step; from its death on nothing has an effect.
type mortal struct {
	control.Store
	services control.Services
	queue    control.Queue
	dieAt    int
	after    bool
	steps    int
	names    []string
	dead     bool
}

// step says whether a step takes effect, and whether its answer arrives.
func (m *mortal) step(name string) (effect, answer bool) {
	if m.dead {
		return false, false
	}
	m.steps++
	m.names = append(m.names, name)
	if m.steps != m.dieAt {
		return true, true
	}
	m.dead = true
	return m.after, false
}

func (m *mortal) Load(ctx context.Context, names []string) (map[string]control.Record, error) {
	effect, answer := m.step("load")
	if !effect || !answer {
		return nil, errDead
	}
	return m.Store.Load(ctx, names)
}

func (m *mortal) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	effect, answer := m.step("commit")
	if !effect {
		return errDead
	}
	if err := m.Store.Commit(ctx, by, next, now, entries); err != nil || answer {
		return err
	}
	return errDead
}

func (m *mortal) Append(ctx context.Context, entries []journal.Entry) error {
	effect, answer := m.step("append")
	if !effect {
		return errDead
	}
	if err := m.Store.Append(ctx, entries); err != nil || answer {
		return err
	}
	return errDead
}

func (m *mortal) Describe(ctx context.Context, refs []control.ServiceRef, worth control.Worth) (time.Time, []failover.PoolObservation) {
	if _, answer := m.step("describe"); !answer {
		return time.Time{}, nil
	}
	return m.services.Describe(ctx, refs, worth)
}

func (m *mortal) List(ctx context.Context, ref control.ServiceRef, want control.Want) (control.Listing, error) {
	if _, answer := m.step("list"); !answer {
		return control.Listing{}, errDead
	}
	return m.services.List(ctx, ref, want)
}

func (m *mortal) Scaling(ctx context.Context, ref control.ServiceRef) (failover.Scaling, error) {
	if _, answer := m.step("scaling"); !answer {
		return failover.Scaling{}, errDead
	}
	return m.services.Scaling(ctx, ref)
}

func (m *mortal) Turn(ctx context.Context, ref control.ServiceRef, a failover.Action) (func(), error) {
	return m.services.Turn(ctx, ref, a)
}

func (m *mortal) Apply(ctx context.Context, ref control.ServiceRef, a failover.Action) error {
	effect, answer := m.step("apply")
	if !effect {
		return errDead
	}
	if err := m.services.Apply(ctx, ref, a); err != nil || answer {
		return err
	}
	return errDead
}

func (m *mortal) Receive(ctx context.Context, wait time.Duration) ([]control.Message, error) {
	if m.dead {
		return nil, errDead
	}
	return m.queue.Receive(ctx, wait)
}

func (m *mortal) Ack(ctx context.Context, msgs []control.Message) error {
	effect, answer := m.step("ack")
	if !effect {
		return errDead
	}
	if err := m.queue.Ack(ctx, msgs); err != nil || answer {
		return err
	}
	return errDead
}

// mortalLoop makes a process that dies at a step.
func (w *world) mortalLoop(owner string, dieAt int, after bool) (*control.Loop, *mortal) {
	m := &mortal{Store: w.store(), services: w.services(), queue: w.queue(), dieAt: dieAt, after: after}
	l := w.loop(owner, m, m, "api")
	l.Queue = m
	return l, m
}

// TestACrashBetweenAnyTwoStepsHeals stops the process before and after every step of a pass that covers an
// interruption, and lets another process go on. Whatever was lost, the cover is asked for once the lease of
// the dead is over, nothing is asked for that was not written down before, and the workload ends on Spot.
func TestACrashBetweenAnyTwoStepsHeals(t *testing.T) {
	steps := crashAt(t, 0, false) // nobody dies: how many steps are there?
	if !slices.Contains(steps, "apply") || steps[len(steps)-1] != "ack" {
		t.Fatalf("the steps of a pass are %v, want an apply among them and the ack last", steps)
	}
	for i, name := range steps {
		for _, after := range []bool{false, true} {
			when := map[bool]string{false: "before", true: "after"}[after]
			t.Run(fmt.Sprintf("%s step %d %s", when, i+1, name), func(t *testing.T) { crashAt(t, i+1, after) })
		}
	}
}

func crashAt(t *testing.T, dieAt int, after bool) []string {
	w := newWorld(t, 20, "api")
	w.pass(w.loop("first", w.store(), w.services(), "api"), "api")
	w.interrupt("api", 6)

	l, m := w.mortalLoop("mortal", dieAt, after)
	_, _ = w.turn(l, "api") // whatever it sees of its own death
	if dieAt > 0 && !m.dead {
		t.Fatalf("the pass had %d steps (%v) and did not get to step %d", m.steps, m.names, dieAt)
	}
	names := m.names

	heir := w.loop("heir", w.store(), w.services(), "api")
	w.msgs, w.signals = nil, nil // what the dead had in memory
	r := w.pass(heir, "api")
	if r.Result == control.Held {
		if _, running := w.counts("api-spot"); running == 0 {
			t.Error("nothing runs while the lease of the dead is held")
		}
		w.advance(control.LeaseFor)
		r = w.pass(heir, "api")
	}
	for range 3 { // by now the events are received again, or the counts tell it
		w.advance(time.Minute)
		r = w.pass(heir, "api")
	}
	if !r.Result.Settled() {
		t.Fatalf("minutes after the crash a pass ended as %s, %v", r.Result, r.Err)
	}
	w.wantDesired("api-standard", 6)
	w.wantDesired("api-spot", 20)
	if lease := w.record(heir.Store, "api").Lease; lease.Owner == "mortal" {
		t.Errorf("the lease of the dead is still there: %+v", lease)
	}
	w.everyActionWasWrittenDownFirst(heir.Store)

	w.spotHolds(-1)
	for left := 20 * time.Minute; left > 0; left -= 30 * time.Second {
		w.advance(30 * time.Second)
		w.pass(heir, "api")
		standard, _ := w.counts("api-standard")
		if _, running := w.counts("api-spot"); running == 20 && standard == 0 {
			left = min(left, 2*time.Minute) // and it must stay so
		}
	}
	w.wantDesired("api-standard", 0)
	if _, running := w.counts("api-spot"); running != 20 {
		t.Errorf("in the end %d Spot tasks run, want 20", running)
	}
	return names
}

// everyActionWasWrittenDownFirst looks for a decision in the journal for every UpdateService that was called.
func (w *world) everyActionWasWrittenDownFirst(s control.Store) {
	w.t.Helper()
	var counts []int
	for _, e := range w.history(s, journal.KindDecision) {
		for _, a := range e.Actions {
			if set, ok := a.(failover.SetDesiredCount); ok {
				counts = append(counts, set.Count)
			}
		}
	}
	if calls := w.calls("ecs:UpdateService"); calls > len(counts) {
		w.t.Errorf("%d UpdateService calls, but only %d were decided on in the journal: %v", calls, len(counts), counts)
	}
	for _, n := range counts {
		if n != 6 {
			w.t.Errorf("a count of %d was asked for, want only 6: %v", n, counts)
		}
	}
}

// TestTwoProcessesOnOneFileAreOneWriter lets two processes pass at the same time over a day of trouble.
func TestTwoProcessesOnOneFileAreOneWriter(t *testing.T) {
	w := newWorld(t, 30, "api")
	a, b := w.loop("a", w.store(), w.services(), "api"), w.loop("b", w.store(), w.services(), "api")
	w.pass(a, "api")
	results := map[control.Result]int{}
	for i := range 60 {
		switch i {
		case 5:
			w.interrupt("api", 12)
		case 30:
			w.spotHolds(-1)
		}
		w.advance(30 * time.Second)
		type pair struct {
			reports []control.Report
			err     error
		}
		done := make(chan pair, 2)
		for _, l := range []*control.Loop{a, b} {
			go func() {
				r, err := l.Pass(t.Context(), []string{"api"}, nil)
				done <- pair{r, err}
			}()
		}
		for range 2 {
			p := <-done
			if p.err != nil {
				t.Fatal(p.err)
			}
			results[p.reports[0].Result]++
			w.check(a, p.reports[0])
		}
	}
	if results[control.Committed] == 0 || results[control.StoreFailed]+results[control.Abandoned]+results[control.ActionFailed] > 0 {
		t.Errorf("the passes ended as %v", results)
	}
	// One writer: every decision and every outcome at a generation of its own.
	seen := map[uint64]string{}
	for _, e := range w.history(a.Store, journal.KindDecision, journal.KindOutcome) {
		if e.Generation == 0 {
			continue
		}
		if other, twice := seen[e.Generation]; twice {
			t.Errorf("generation %d has two entries: %s and %s", e.Generation, other, e.ID)
		}
		seen[e.Generation] = e.ID
	}
	// A generation without an entry is a quiet workload's heartbeat: there is one each five minutes at most.
	last := w.record(a.Store, "api").State.Generation
	silent := 0
	for g := uint64(1); g <= last; g++ {
		if seen[g] == "" {
			silent++
		}
	}
	if most := 1 + int(w.box.Now().Sub(start)/control.HeartbeatEvery); silent > most || last == uint64(silent) {
		t.Errorf("%d of %d generations have no entry, want at most %d heartbeats", silent, last, most)
	}
	w.wantDesired("api-standard", 0)
	w.wantDesired("api-spot", 30)
}
