package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
)

// documents returns the text of every page by its path from the root of the repository.
func documents(t *testing.T) map[string]string {
	t.Helper()
	root := os.DirFS("../..")
	out := make(map[string]string)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "dist" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		out[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d pages were found", len(out))
	}
	return out
}

// withoutCode drops blocks and spans of code, in which nothing is a link.
func withoutCode(text string) string {
	text = regexp.MustCompile("(?ms)^\\s*```.*?^\\s*```").ReplaceAllString(text, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(text, "")
}

// anchors are the headings of a page as links name them.
func anchors(text string) map[string]bool {
	out := make(map[string]bool)
	text = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`(?m)^#{1,6} (.*)$`).FindAllStringSubmatch(text, -1) {
		out[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return out
}

// TestLinksResolve follows every link between the repository's pages, headings included.
func TestLinksResolve(t *testing.T) {
	pages := documents(t)
	for page, text := range pages {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(withoutCode(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, heading, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
				continue
			}
			if other, known := pages[target]; heading != "" && known && !anchors(other)[heading] {
				t.Errorf("%s: %s: the page has no such heading", page, m[1])
			}
		}
	}
}

// TestCommandsInTheDocsExist looks up the commands and flags that pages tell people to type.
func TestCommandsInTheDocsExist(t *testing.T) {
	s, _, _ := testIO("")
	root := newRoot(s)
	for page, text := range documents(t) {
		if page == "docs/bad-input.md" { // what is refused
			continue
		}
		for _, m := range regexp.MustCompile("(?m)(?:^|`|\\$ |\\| )(?:\\./|go run \\./cmd/)?backstop ([a-z]+[^`\n|#>&]*)").FindAllStringSubmatch(text, -1) {
			words := strings.Fields(m[1])
			cmd, _, err := root.Find(words)
			if err != nil || cmd == root {
				if len(words) == 1 || strings.HasPrefix(words[1], "-") { // else it is prose
					t.Errorf("%s: there is no command %q", page, "backstop "+m[1])
				}
				continue
			}
			for _, w := range words {
				name, long := strings.CutPrefix(w, "--")
				name, _, _ = strings.Cut(name, "=")
				if name = strings.TrimRight(name, ".,;:)]}\"'"); long && name != "" && name != "help" && name != "version" && !hasFlag(cmd, name) {
					t.Errorf("%s: backstop %s has no flag --%s", page, cmd.Name(), name)
				}
			}
		}
	}
}

func hasFlag(cmd *cobra.Command, name string) bool {
	return cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil
}

// TestTheComparisonHasTheMeasuredFigures holds the table of docs/comparison.md against the one that was measured.
func TestTheComparisonHasTheMeasuredFigures(t *testing.T) {
	pages := documents(t)
	for shown, name := range map[string]string{"Backstop `fill`": "fill", "Backstop `switch`": "switch", "the article's": "article", "SkyServe's rule (SpotHedge)": "spothedge", "the same, using the warning": "spothedge-warned"} {
		measured := regexp.MustCompile("(?m)^\\| `" + name + "` \\|.*\\| \\*{0,2}(\\+[0-9.]+ %) / ([0-9.]+) / [^|]*\\|$").FindStringSubmatch(pages["docs/policies.md"])
		if measured == nil {
			t.Errorf("docs/policies.md has no mean of %s", name)
			continue
		}
		if row := "| " + shown + " | " + measured[1] + " | " + measured[2] + " |"; !strings.Contains(pages["docs/comparison.md"], row) {
			t.Errorf("docs/comparison.md lacks %q", row)
		}
	}
}
