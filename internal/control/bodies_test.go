package control_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestEveryBodyOfAQueueIsDealtWith: what is an event counts, in an envelope too, and is acknowledged; what a rule's target made of one is
// left for the dead-letter queue with a line that names the cause.
func TestEveryBodyOfAQueueIsDealtWith(t *testing.T) {
	for name, want := range map[string]struct {
		kind failover.SignalKind
		logs string
	}{
		"input-path-detail-only":                {logs: `InputPath \"$.detail\"`},
		"input-transformer":                     {logs: "InputTransformer, Input"},
		"placement-failure-that-names-an-image": {kind: failover.SignalApplicationStop},
		"sns-envelope":                          {kind: failover.SignalInterruption},
		"warning-old-form":                      {kind: failover.SignalInterruption},
		"warning-without-stop-code":             {kind: failover.SignalInterruption},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("../ecsevent/testdata/queue", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			inBubble(t, 5, func(t *testing.T, w *world) {
				store, done := w.open()
				defer done()
				d := w.start("a", store)
				sleep(t, 2*time.Second)
				w.send(string(body))
				sleep(t, time.Minute)
				var kinds []failover.SignalKind
				for _, r := range d.seen() {
					for i := range r.Observation.Signals {
						if s := &r.Observation.Signals[i]; strings.HasPrefix(s.ID, "00000000-0000-4000") {
							kinds = append(kinds, s.Kind)
						}
					}
				}
				if want.logs == "" {
					if len(kinds) != 1 || kinds[0] != want.kind {
						t.Errorf("the passes saw %v, want one %s", kinds, want.kind)
					}
					w.wantDrained()
					d.finish()
					return
				}
				if len(kinds) > 0 || d.logs.has(want.logs) == 0 || d.logs.has("backstop doctor names the rule") == 0 {
					t.Errorf("saw %v; the log has no line with %q and a hint:\n%s", kinds, want.logs, d.logs.text.String())
				}
				sleep(t, 10*time.Minute)
				if dead := w.queued(sandbox.EventsDeadLetterQueue); dead != "1+0" {
					t.Errorf("the dead-letter queue holds %s messages, want 1+0", dead)
				}
				d.finish()
			})
		})
	}
}
