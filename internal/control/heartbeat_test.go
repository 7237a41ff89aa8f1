package control_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// TestAQuietWorkloadIsWrittenNowAndThen keeps a quiet daemon apart from a dead one: the state's moment moves on in
// the store every five minutes, and the journal gets nothing for it.
func TestAQuietWorkloadIsWrittenNowAndThen(t *testing.T) {
	w := newWorld(t, 10, "api")
	store := w.store()
	l := w.loop("one", store, w.services(), "api")
	w.pass(l, "api")
	first := w.record(store, "api").State
	entries := len(w.history(store))
	for minute := 1; minute <= 12; minute++ {
		w.advance(time.Minute)
		if r := w.pass(l, "api"); r.Result != control.Unchanged {
			t.Fatalf("minute %d: %s, want unchanged", minute, r.Result)
		}
		age := w.box.Now().Sub(w.record(store, "api").State.Seen.At)
		if age > control.HeartbeatEvery+time.Minute+time.Second {
			t.Fatalf("minute %d: the store's last look is %s old", minute, age)
		}
	}
	last := w.record(store, "api").State
	if n := last.Generation - first.Generation; n != 2 {
		t.Errorf("%d writes in twelve quiet minutes, want 2", n)
	}
	if n := len(w.history(store)); n != entries {
		t.Errorf("%d journal entries for a quiet workload", n-entries)
	}
}
