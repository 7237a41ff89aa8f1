package replay_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A run is a function of its Run: nothing here may read a clock, a file or a socket, or the same seed would not give the same result.
func TestThePackageImportsNoIO(t *testing.T) {
	const own = "github.com/backstop-ecs/backstop/internal/"
	allowed := []string{"errors", "fmt", "math", "math/rand/v2", "slices", "strings", "time", own + "ecsevent", own + "ecsim", own + "failover", own + "promise", own + "trace", own + "wording"}
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
				t.Errorf("%s imports %s: a run must depend on nothing but its Run", file, path)
			}
		}
	}
}
