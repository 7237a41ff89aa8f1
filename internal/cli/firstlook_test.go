package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAFirstLookSaysItsPlan: a guard that knows nothing of a workload says what it found and what it does about it, with the counts before and after, in the
// commit that comes before its first act; later decisions do not.
func TestAFirstLookSaysItsPlan(t *testing.T) {
	h := newHour(t)
	if err := h.box.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 20}); err != nil {
		t.Fatal(err)
	}
	h.steerQuietly("capacity", `{"provider": "FARGATE_SPOT", "tasks": 14}`)
	h.wait(5 * time.Minute)
	h.backstop(ExitDone, "init")
	text, err := os.ReadFile(configDefault)
	if err != nil {
		t.Fatal(err)
	}
	h.write(configDefault, strings.Replace(string(text), "preset: observe", "preset: fill", 1))
	h.start()
	h.pass(nil)
	const plan = "found spot 14 of 20 in service, standard 0 of 0; raise standard from 0 to 9 (20 tasks asked, then 29): "
	rows := strings.Split(h.backstop(ExitDone, "history"), "\n")
	if len(rows) < 3 || !strings.Contains(rows[1], plan) || !strings.Contains(rows[1], "decision") || !strings.Contains(rows[2], "raise standard from 0 to 9: done") {
		t.Errorf("history:\n%s", strings.Join(rows, "\n"))
	}
	if got := h.backstop(ExitUnhealthy, "status api"); !strings.Contains(got, "first     "+plan) {
		t.Errorf("status:\n%s", got)
	}
	h.guard(10 * time.Minute)
	if got := h.backstop(ExitDone, "status api") + h.backstop(ExitDone, "history --limit 3"); strings.Contains(got, "found spot") {
		t.Errorf("ten minutes later:\n%s", got)
	}
}
