package health

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportsStayPure keeps verdicts and words functions of values: no clock, no I/O, no log.
func TestImportsStayPure(t *testing.T) {
	allowed := map[string]bool{"cmp": true, "fmt": true, "maps": true, "math": true, "slices": true, "strings": true, "time": true}
	for _, dir := range []string{".", "../wording"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d files", dir, err, len(files))
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, im := range file.Imports {
				path := strings.Trim(im.Path.Value, `"`)
				own := strings.TrimPrefix(path, "github.com/backstop-ecs/backstop/internal/")
				if !allowed[path] && own != "failover" && own != "failover/breaker" && own != "journal" && own != "wording" {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
