package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// TestWhatTheReadmeNamesExists looks up its links, commands and scenarios.
func TestWhatTheReadmeNamesExists(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("link: %v", err)
		}
	}
	s, _, _ := testIO("")
	root := newRoot(s)
	for _, m := range regexp.MustCompile("(?:^|[\\s`/])backstop ([a-z-]+)").FindAllStringSubmatch(text, -1) {
		if cmd, _, err := root.Find([]string{m[1]}); err != nil || cmd == root {
			t.Errorf("there is no command %q", m[0])
		}
	}
	for _, name := range demo.Names() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the scenario %s is not in the table", name)
		}
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if c.Hidden || c.Name() == "help" || c.Parent().Name() == "completion" {
				continue
			}
			if !strings.Contains(text, c.Name()) {
				t.Errorf("the command %s is not named", c.CommandPath())
			}
			walk(c)
		}
	}
	walk(root)
}
