package control_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
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
