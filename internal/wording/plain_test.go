package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// notPlain are words that no text for people has: they leave open who does what, or are old labels that were replaced.
var notPlain = regexp.MustCompile(`(?i)\b(somebody|nobody|whoever|mends?|anew|begs|takes? back|taken back|taking back|not healthy|would decide differently|what would change its mind|` +
	`have no place here|looks since then changed nothing|nobody can be asked|: is no workload|for ever)\b|(?-i:MAY BE\b|"Covering")`)

// TestTextsArePlain reads every text of the packages that speak to people: Go's string literals, pages and scripts.
func TestTextsArePlain(t *testing.T) {
	seen := 0
	check := func(where, text string) {
		seen++
		if m := notPlain.FindString(text); m != "" {
			t.Errorf("%s: %q in %q", where, m, text)
		}
	}
	for _, dir := range []string{"wording", "health", "cli", "dashboard", "doctor", "notice", "demo", "discover", "term", "costpage", "play", "play/page"} {
		files, err := filepath.Glob("../" + dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, _ := strconv.Unquote(lit.Value)
					check(fset.Position(lit.Pos()).String(), text)
				}
				return true
			})
		}
	}
	for _, pattern := range []string{"../dashboard/static/*.js", "../dashboard/templates/*.html", "../costpage/*.html", "../play/page/static/*.js", "../play/page/static/*.html"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") {
					check(name+":"+strconv.Itoa(i+1), line)
				}
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d texts were read", seen)
	}
}
