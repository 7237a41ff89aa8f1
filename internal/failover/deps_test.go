package failover

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// allowed is everything the decision core may import: values, no I/O, no clock, no randomness, no log.
var allowed = map[string]bool{
	"bytes": true, "cmp": true, "github.com/backstop-ecs/backstop/internal/failover/breaker": true, "encoding/json": true, "errors": true, "fmt": true, "math": true, "reflect": true, "slices": true,
	"strings": true, "time": true,
}

// sources are the files of the law, and of the breaker that it imports.
func sources() ([]string, error) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		return nil, err
	}
	more, err := filepath.Glob("breaker/*.go")
	return append(files, more...), err
}

// TestImportsStayPure keeps the core a function of values: whoever needs a clock, a network or a log passes the
// value in, or does it in package control.
func TestImportsStayPure(t *testing.T) {
	files, err := sources()
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, im := range f.Imports {
			if path := strings.Trim(im.Path.Value, `"`); !allowed[path] {
				t.Errorf("%s imports %s: the decision core takes values and returns values", name, path)
			}
		}
		for _, word := range []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After("} {
			if strings.Contains(string(src), word) {
				t.Errorf("%s uses %s: time comes in with the observation", name, word)
			}
		}
	}
}
