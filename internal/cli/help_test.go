package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// testIO is a process without terminals and without an environment.
func testIO(in string) (s IO, out, err *bytes.Buffer) {
	out, err = new(bytes.Buffer), new(bytes.Buffer)
	s = IO{In: strings.NewReader(in), Out: out, Err: err, Env: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC) }}
	return s, out, err
}

// TestHelpIsAsItWas compares the help of every command with testdata/help; -update rewrites it.
func TestHelpIsAsItWas(t *testing.T) {
	s, _, _ := testIO("")
	seen := map[string]bool{}
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		name := strings.Join(append([]string{"backstop"}, path...), "_") + ".txt"
		seen[name] = true
		t.Run(name, func(t *testing.T) { compareHelp(t, name, path) })
		for _, c := range cmd.Commands() {
			if !c.Hidden && c.Name() != "help" {
				walk(c, append(path[:len(path):len(path)], c.Name()))
			}
		}
	}
	walk(newRoot(s), nil)
	files, err := os.ReadDir("testdata/help")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[f.Name()] {
			t.Errorf("testdata/help/%s belongs to no command", f.Name())
		}
	}
}

func compareHelp(t *testing.T, name string, path []string) {
	s, out, _ := testIO("")
	if code := Main(context.Background(), append(path[:len(path):len(path)], "--help"), s); code != ExitDone {
		t.Fatalf("exit code %d", code)
	}
	var lines []string
	for l := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	got := strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
	file := filepath.Join("testdata", "help", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("help of %s changed; go test ./internal/cli -run Help -update writes it\ngot:\n%s", strings.Join(path, " "), got)
	}
}
