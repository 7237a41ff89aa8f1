package adversary

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryPromiseIsCountedAndDocumented reads the sources: what can be broken is in the table of promises, the other
// way round too, and all of it is explained in docs/guarantees.md.
func TestEveryPromiseIsCountedAndDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	broken := regexp.MustCompile(`(?:breach|breachLocked|c\.fail)\("([a-z_]+)"`)
	breakable := map[string]bool{}
	for _, name := range append(sources, "../promise/promise.go", "../promise/bounds.go") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range broken.FindAllStringSubmatch(string(text), -1) {
			breakable[m[1]] = true
		}
	}
	if len(breakable) < 30 {
		t.Fatalf("only %d promises found in the sources", len(breakable))
	}
	listed := map[string]bool{}
	for _, p := range promises {
		for _, name := range p.names {
			listed[name] = true
			if !breakable[name] {
				t.Errorf("%s is listed, and nothing can break it", name)
			}
			if !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("%s is not in docs/guarantees.md", name)
			}
		}
		if !slices.Equal(slices.Compact(slices.Sorted(slices.Values(p.names))), slices.Sorted(slices.Values(p.names))) {
			t.Errorf("%s: a promise is listed twice", p.step)
		}
	}
	for name := range breakable {
		if !listed[name] {
			t.Errorf("%s can be broken and is not listed", name)
		}
	}
}
