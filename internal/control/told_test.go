package control_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestATroubleThatLastsIsToldOnceWhoeverLooks plays case O17: a daemon is started three times while one service cannot be read. The
// journal has one notice and the log one line, as what was told is kept with the state.
func TestATroubleThatLastsIsToldOnceWhoeverLooks(t *testing.T) {
	w := newWorld(t, 10, "api")
	w.pass(w.loop("a", w.store(), w.services(), "api"), "api")
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:DescribeServices"}); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for start := range 3 {
		l := w.loop(fmt.Sprint("daemon", start), w.store(), w.services(), "api")
		teller := parts.NewTeller(slog.New(slog.NewTextHandler(&log, nil)), nil)
		for range 3 {
			w.advance(time.Minute)
			r := w.pass(l, "api")
			teller.Tell(t.Context(), r)
		}
	}
	notices := map[failover.Reason]int{}
	for _, e := range w.history(w.store(), journal.KindNotice) {
		notices[e.Notice.Reason]++
	}
	if n := notices[failover.ReasonBlind]; n != 2 { // one for each pool
		t.Errorf("the journal has %d notices of two services that cannot be read, want 2: %v", n, notices)
	}
	if n := strings.Count(log.String(), "msg=notice"); n != 2 {
		t.Errorf("the log has %d notices, want 2:\n%s", n, log.String())
	}
}
