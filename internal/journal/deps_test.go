package journal

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImportsStayPure: the journal's form is read by the daemon, the Lambda, the commands and the dashboard
// alike, so this package may cost nothing to import and may reach nothing outside its arguments.
func TestImportsStayPure(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: no go command on PATH to list imports with")
	}
	out, err := exec.Command(goTool, "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatalf("list imports: %v", err)
	}
	allowed := map[string]string{
		"crypto/sha256": "value", "encoding/hex": "value", "encoding/json": "value", "fmt": "value", "slices": "value",
		"time": "value (the clock is not read)",
		"github.com/backstop-ecs/backstop/internal/failover": "what is recorded",
	}
	for _, p := range strings.Fields(string(out)) {
		if allowed[p] == "" {
			t.Errorf("package journal imports %s: it is pure and may only turn values into values", p)
		}
	}
}
