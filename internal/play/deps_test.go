package play_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The same code answers in a browser and in a process: it reads no clock, file or socket, and takes no package with it that does.
func TestThePackageImportsNoIO(t *testing.T) {
	const own = "github.com/backstop-ecs/backstop/internal/"
	allowed := []string{"cmp", "encoding/json", "errors", "fmt", "slices", "strings", "time", own + "ecsim", own + "failover", own + "replay", own + "trace", own + "wording"}
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
				t.Errorf("%s imports %s: an answer must depend on nothing but its question", file, path)
			}
		}
	}
}
