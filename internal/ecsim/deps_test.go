package ecsim

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPackageIsPure keeps I/O, clocks and goroutines out: a world must give the same events for the same seed anywhere.
func TestPackageIsPure(t *testing.T) {
	allowed := []string{"cmp", "errors", "fmt", "maps", "math", "math/rand/v2", "slices", "sort", "strconv", "strings", "time"}
	forbidden := []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "go func", "rand.IntN", "rand.Float64"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s: the model may only import value packages, so that it stays deterministic and can be driven by anyone", name, path)
			}
		}
		for _, word := range forbidden {
			if strings.Contains(string(text), word+"(") {
				t.Errorf("%s uses %s: time comes from AdvanceTo and randomness from the seeded streams", name, word)
			}
		}
	}
}
