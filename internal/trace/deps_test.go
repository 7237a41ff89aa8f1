package trace_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A trace is a value: reading it from a file or a socket is the caller's business, so that the simulator stays pure.
func TestThePackageImportsNoIO(t *testing.T) {
	allowed := []string{"bufio", "bytes", "errors", "fmt", "hash/fnv", "io", "math", "math/rand/v2", "slices", "sort", "strconv", "strings", "time", "unicode/utf8"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files to check", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range tree.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s: package trace holds values and opens nothing", file, path)
			}
		}
	}
}
