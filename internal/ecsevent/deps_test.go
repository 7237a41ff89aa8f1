package ecsevent

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImportsStayPure: events are parsed by the daemon, the Lambda and the simulator alike, so this package
// may cost nothing to import and may reach nothing outside its arguments.
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
		"bytes": "value", "cmp": "value", "encoding/json": "value", "errors": "value", "fmt": "value", "math": "value",
		"strconv": "value", "strings": "value", "maps": "value", "slices": "value", "time": "value (the clock is not read)", "unicode/utf8": "value",
		"github.com/backstop-ecs/backstop/internal/failover": "the signals it makes",
	}
	for _, p := range strings.Fields(string(out)) {
		if allowed[p] == "" {
			t.Errorf("package ecsevent imports %s: it is pure and may only turn values into values", p)
		}
	}
}
