package sandbox

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The sandbox stands between programs and the model. It must depend neither on the AWS SDK, whose bugs it would
// then share with the adapters it tests, nor on anything else of the product.
func TestTheSandboxImportsTheStandardLibraryAndTheModelsOnly(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	own := []string{"github.com/backstop-ecs/backstop/internal/ecsim", "github.com/backstop-ecs/backstop/internal/scaler",
		"github.com/backstop-ecs/backstop/internal/eventpattern", "github.com/backstop-ecs/backstop/internal/aws/policyeval"}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && !slices.Contains(own, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func TestEveryOperationIsDocumentedAndNamedForItsService(t *testing.T) {
	page, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for service, byName := range operations {
		for name := range byName {
			if !strings.Contains(string(page), " "+name+",") && !strings.Contains(string(page), " "+name+" ") {
				t.Errorf("docs/sandbox.md does not name %s:%s", service, name)
			}
		}
	}
}
