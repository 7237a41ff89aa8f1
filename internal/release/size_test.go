package release

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The most lines that may run on AWS, tests left out, and those of the decision core among them: docs/adr/0016-what-is-kept-small.md.
const (
	functionLinesMax = 30_000
	coreLinesMax     = 6_000
)

// TestWhatRunsOnAWSStaysSmall holds what the function links of this module, and that nothing is in it which only tests, simulates or shows.
func TestWhatRunsOnAWSStaysSmall(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", "-f", "{{with .Module}}{{if .Main}}{{$.ImportPath}} {{$.Dir}} {{join $.GoFiles \" \"}}{{end}}{{end}}", "./cmd/backstop-lambda")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	function, core := 0, 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		_, name, _ := strings.Cut(f[0], "/internal/")
		switch name {
		case "sandbox", "ecsim", "simulate", "replay", "demo", "play", "adversary", "verify", "doctor", "cli", "dashboard":
			t.Errorf("the function links internal/%s", name)
		}
		for _, file := range f[2:] {
			text, err := os.ReadFile(filepath.Join(f[1], file))
			if err != nil {
				t.Fatal(err)
			}
			n := bytes.Count(text, []byte("\n"))
			function += n
			if name == "failover" || strings.HasPrefix(name, "failover/") {
				core += n
			}
		}
	}
	if core == 0 || function > functionLinesMax || core > coreLinesMax {
		t.Errorf("the function links %d lines, the core %d of them; at most %d and %d are right", function, core, functionLinesMax, coreLinesMax)
	}
	t.Logf("%d lines, %d of them the core's", function, core)
}
