package failover

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"
)

// working are the values that a pass makes on its way: each of their fields has one place, or two, where it is written.
var working = []string{"Known", "Goal", "Target", "Need", "Tally", "May", "absorbed", "switched", "cascaded", "planned", "outcome", "counter", "look",
	"excuseInput", "cascadeInput", "releaseInput", "permitInput", "planInput", "switchInput"}

const (
	methodsMax = 25
	writersMax = 2
)

// TestNoValueIsChangedEverywhere keeps the law a pipeline: no receiver collects more than 25 methods, and no field of a working value is
// written by more than two functions. A shared object that everything changes is what this law replaced.
func TestNoValueIsChangedEverywhere(t *testing.T) {
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "breaker/") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	if _, err := conf.Check("failover", fset, files, info); err != nil {
		t.Fatal(err)
	}
	methods := map[string]int{}
	writers := map[string]map[string]bool{}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				if fn.Recv != nil {
					methods[nameOf(info.TypeOf(fn.Recv.List[0].Type))]++
				}
				collectWrites(info, fn, writers)
			}
		}
	}
	for name, n := range methods {
		if n > methodsMax {
			t.Errorf("%s has %d methods, at most %d keep it readable", name, n, methodsMax)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(writers)) {
		owner, _, _ := strings.Cut(field, ".")
		if slices.Contains(working, owner) && len(writers[field]) > writersMax {
			t.Errorf("%s is written by %s", field, strings.Join(slices.Sorted(maps.Keys(writers[field])), ", "))
		}
	}
}

// collectWrites notes which fields a function assigns.
func collectWrites(info *types.Info, fn *ast.FuncDecl, writers map[string]map[string]bool) {
	note := func(e ast.Expr) {
		if ix, ok := e.(*ast.IndexExpr); ok {
			e = ix.X
		}
		sel, ok := e.(*ast.SelectorExpr)
		if !ok {
			return
		}
		s := info.Selections[sel]
		if s == nil || s.Kind() != types.FieldVal {
			return
		}
		key := nameOf(s.Recv()) + "." + sel.Sel.Name
		if writers[key] == nil {
			writers[key] = map[string]bool{}
		}
		name := fn.Name.Name
		if fn.Recv != nil {
			name = fmt.Sprintf("%s.%s", nameOf(info.TypeOf(fn.Recv.List[0].Type)), name)
		}
		writers[key][name] = true
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					note(e)
				}
			}
		case *ast.IncDecStmt:
			note(n.X)
		}
		return true
	})
}

// nameOf is the name of a type, or of what it points to.
func nameOf(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return t.String()
}
