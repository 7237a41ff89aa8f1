package sandbox_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTheListOfMotosTestsNamesItsSources: each line has the tests, what they fail by, AWS's page or the sandbox's, and why.
func TestTheListOfMotosTestsNamesItsSources(t *testing.T) {
	text, err := os.ReadFile("testdata/moto.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		columns := strings.Split(line, " | ")
		if len(columns) != 4 || !strings.HasPrefix(columns[0], "test_") || columns[1] == "" || columns[3] == "" ||
			!strings.HasPrefix(columns[2], "https://docs.aws.amazon.com/") && columns[2] != "docs/sandbox.md" {
			t.Errorf("line %d: %s", n+1, line)
		}
	}
	if lines == 0 {
		t.Error("no line")
	}
}

// TestMotoAgrees runs moto's own tests where a checkout of moto is.
func TestMotoAgrees(t *testing.T) {
	checkout := os.Getenv("BACKSTOP_MOTO")
	if checkout == "" {
		t.Skip("skipped: no checkout of moto ($BACKSTOP_MOTO, or make moto DIR=...)")
	}
	cmd := exec.CommandContext(t.Context(), "../../scripts/moto", checkout)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
}
