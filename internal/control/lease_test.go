package control_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// leave leaves a lease behind as a process that was killed while it acted, and whose clock was ahead.
func (w *world) leave(store control.Store, owner string, now, until time.Time) {
	w.t.Helper()
	held := w.record(store, "api")
	held.State.Generation++
	held.State.Workload = "api"
	held.Lease = control.Lease{Owner: owner, Until: until}
	if err := store.Commit(w.t.Context(), owner, held, now, nil); err != nil {
		w.t.Fatal(err)
	}
}

func TestALeaseOfAClockThatIsAheadIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	var log bytes.Buffer
	l.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.pass(l, "api")
	w.leave(store, "ahead-1", w.box.Now(), w.box.Now().Add(24*time.Hour))
	w.interrupt("api", 3)
	if r := w.pass(l, "api"); r.Result != control.Held {
		t.Fatalf("the pass ended as %s, want held: it may be acting", r.Result)
	}
	w.advance(control.LeaseFor - time.Second)
	if r := w.pass(l, "api"); r.Result != control.Held {
		t.Fatalf("the pass ended as %s, want held: no lease is over so soon", r.Result)
	}
	w.leave(store, "ahead-1", w.box.Now().Add(48*time.Hour), w.box.Now().Add(72*time.Hour)) // it acts again
	w.advance(2 * time.Second)
	if r := w.pass(l, "api"); r.Result != control.Held {
		t.Fatalf("the pass ended as %s, want held: that is another lease", r.Result)
	}
	w.advance(control.LeaseFor + time.Second)
	if r := w.pass(l, "api"); r.Result != control.Committed {
		t.Fatalf("the pass ended as %s, %v; nobody acts for so long", r.Result, r.Err)
	}
	w.wantDesired("api-standard", 3)
	if lease := w.record(store, "api").Lease; lease != (control.Lease{}) {
		t.Errorf("the lease %+v is left", lease)
	}
	if n := strings.Count(log.String(), "dated by a clock that is ahead"); n != 1 || !strings.Contains(log.String(), "owner=ahead-1") {
		t.Errorf("it is said %d times: %s", n, log.String())
	}
}

// TestAnOrderDoesNotWaitForALeaseOfAClockThatIsAhead: it is given up for lost within the command's own patience.
func TestAnOrderDoesNotWaitForALeaseOfAClockThatIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 20, "api")
		store := w.store()
		l := w.loop("a", store, w.services(), "api")
		w.pass(l, "api")
		w.leave(store, "ahead-1", time.Now(), time.Now().Add(24*time.Hour))
		begun := time.Now()
		in := failover.Intent{Kind: failover.IntentPause, By: "operator", At: time.Now()}
		state, err := control.Intend(t.Context(), store, l.Workloads[0], "ops", in, time.Now)
		if took := time.Since(begun); err != nil || state.Pause == nil || took < control.LeaseFor || took > control.LeaseFor+2*time.Second {
			t.Errorf("after %s: %+v, %v", took, state.Pause, err)
		}
	})
}

// slowStore takes its time to commit, and notes when the first commit that gives a lease began.
type slowStore struct {
	control.Store
	takes time.Duration
	begun time.Time
}

func (s *slowStore) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	if next.Lease.Owner != "" && s.begun.IsZero() {
		s.begun = time.Now()
	}
	time.Sleep(s.takes) //nolint:forbidigo // of the bubble's clock: the store is slow whatever its caller wants
	return s.Store.Commit(ctx, by, next, now, entries)
}

// lastCall notes until when an action may go on.
type lastCall struct {
	control.Services
	until time.Time
}

func (s *lastCall) Apply(ctx context.Context, ref control.ServiceRef, a failover.Action) error {
	if end, ok := ctx.Deadline(); ok && end.After(s.until) {
		s.until = end
	}
	return s.Services.Apply(ctx, ref, a)
}

// TestTheTimeToActCountsFromWhenTheLeaseBegan: from before a commit that takes long, or the lease would end first.
func TestTheTimeToActCountsFromWhenTheLeaseBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 20, "api")
		store, services := &slowStore{Store: w.store()}, &lastCall{Services: w.services()}
		l := w.loop("a", store, services, "api")
		w.pass(l, "api")
		w.interrupt("api", 3)
		store.begun, store.takes = time.Time{}, control.StoreTimeout-time.Second
		if r := w.pass(l, "api"); len(r.Outcomes) == 0 {
			t.Fatalf("the pass ended as %s, %v, and did nothing", r.Result, r.Err)
		}
		if most := store.begun.Add(control.ActDeadline); store.begun.IsZero() || services.until.IsZero() || services.until.After(most) {
			t.Errorf("an action may go on until %s after the lease began, want %s at most", services.until.Sub(store.begun), control.ActDeadline)
		}
	})
}
