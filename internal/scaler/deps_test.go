package scaler

import (
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestThePackageIsPure keeps I/O and clocks out: the same calls must give the same counts anywhere.
func TestThePackageIsPure(t *testing.T) {
	allowed := []string{"errors", "fmt", "math", "slices", "strconv", "strings", "time", "github.com/backstop-ecs/backstop/internal/ecsim"}
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
			if path, _ := strconv.Unquote(spec.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		for _, word := range []string{"time.Now", "time.Since", "time.After", "time.NewTimer", "time.LoadLocation", "go func"} {
			if strings.Contains(string(text), word+"(") {
				t.Errorf("%s uses %s", name, word)
			}
		}
	}
}

// TestEveryKnobIsInTheLedger keeps docs/aws-assumptions.md and the model together.
func TestEveryKnobIsInTheLedger(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws-assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		if name := reflect.TypeFor[Config]().Field(i).Name; !strings.Contains(string(text), "`scaler."+name+"`") {
			t.Errorf("the knob %s is not in the ledger", name)
		}
	}
}
