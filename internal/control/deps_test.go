package control

import (
	"os/exec"
	"strings"
	"testing"
)

// TestKnowsNoAWS: the pass is written against its own small interfaces, so that it can be read, tested and
// kept without an adapter. Only the adapters and the wiring see the SDK.
func TestKnowsNoAWS(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: no go command on PATH to list imports with")
	}
	out, err := exec.Command(goTool, "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("list dependencies: %v", err)
	}
	allowed := map[string]string{
		"github.com/backstop-ecs/backstop/internal/control":          "itself",
		"github.com/backstop-ecs/backstop/internal/failover":         "what is decided",
		"github.com/backstop-ecs/backstop/internal/failover/breaker": "a part of it",
		"github.com/backstop-ecs/backstop/internal/journal":          "what is recorded",
		"github.com/backstop-ecs/backstop/internal/wording":          "what people are told",
		"github.com/backstop-ecs/backstop/internal/health":           "how it is judged",
	}
	for _, p := range strings.Fields(string(out)) {
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") && allowed[p] == "" {
			t.Errorf("package control depends on %s: it may depend on the decision core, its words, the journal and the standard library", p)
		}
	}
}
