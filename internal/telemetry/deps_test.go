package telemetry_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTheFunctionDoesNotLinkIt: traces weigh more than half of what the function's program may.
func TestTheFunctionDoesNotLinkIt(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: no go command on PATH to list imports with")
	}
	out, err := exec.Command(goTool, "list", "-deps", "../../cmd/backstop-lambda").Output()
	if err != nil {
		t.Fatalf("list dependencies: %v", err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(p, "go.opentelemetry.io/") || strings.HasPrefix(p, "google.golang.org/grpc") {
			t.Errorf("the function depends on %s", p)
		}
	}
}
