package planted

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// edit changes one expression of the law: in the only place of the file that reads in, good becomes bug.
type edit struct {
	file, in, good, bug string
}

// bug is one planted bug: the case that it belongs to, what is wrong, and the expressions that make it so.
type bug struct {
	of, name string
	edits    []edit
}

// flips is the source that chooses between an expression and its bug, added to each package that is edited. The number of the bug
// comes from the environment, so that one build holds them all.
const flips = `package %s

import (
	"os"
	"strconv"
)

var planted, _ = strconv.Atoi(os.Getenv("PLANTED"))

// flip is bug where bug number n is planted, good otherwise.
func flip[T any](n int, bug, good T) T {
	if planted == n {
		return bug
	}
	return good
}
`

// spot is the place of an expression in a file, with the bugs that are planted there.
type spot struct {
	from, to int
	text     string
}

// overlay writes the edited sources of all bugs and the file that go build -overlay reads, and returns its path. Bug i has number i+1.
func overlay(t *testing.T, root, dir string, bugs []bug) string {
	t.Helper()
	places := map[string][]spot{}
	sources := map[string]string{}
	for i, b := range bugs {
		for _, e := range b.edits {
			if sources[e.file] == "" {
				text, err := os.ReadFile(filepath.Join(root, e.file))
				if err != nil {
					t.Fatal(err)
				}
				sources[e.file] = string(text)
			}
			place, err := find(sources[e.file], e)
			if err != nil {
				t.Errorf("%s (%s): %v", b.name, b.of, err)
				continue
			}
			places[e.file] = plant(t, places[e.file], place, i+1, e)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	replace := map[string]string{}
	for file, list := range places {
		replace[filepath.Join(root, file)] = write(t, filepath.Join(dir, strings.ReplaceAll(file, "/", "_")), edited(sources[file], list))
		folder := filepath.Dir(file)
		replace[filepath.Join(root, folder, "planted_flip.go")] = write(t, filepath.Join(dir, strings.ReplaceAll(folder, "/", "_")+"_flip.go"),
			fmt.Sprintf(flips, filepath.Base(folder)))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, "overlay.json"), string(text))
}

// find is the place of an edit's expression. The expression must be the only one of its kind there.
func find(source string, e edit) (spot, error) {
	if strings.Count(source, e.in) != 1 {
		return spot{}, fmt.Errorf("%s: %d places read %q", e.file, strings.Count(source, e.in), e.in)
	}
	if strings.Count(e.in, e.good) != 1 {
		return spot{}, fmt.Errorf("%s: %q is %d times in %q", e.file, e.good, strings.Count(e.in, e.good), e.in)
	}
	from := strings.Index(source, e.in) + strings.Index(e.in, e.good)
	return spot{from: from, to: from + len(e.good), text: e.good}, nil
}

// plant adds a bug to the places of a file: around one that has the same expression, or as a new one.
func plant(t *testing.T, places []spot, p spot, n int, e edit) []spot {
	t.Helper()
	for i := range places {
		q := &places[i]
		switch {
		case q.from == p.from && q.to == p.to:
			q.text = fmt.Sprintf("flip(%d, %s, %s)", n, e.bug, q.text)
			return places
		case q.from < p.to && p.from < q.to:
			t.Errorf("%s: two bugs overlap at %q", e.file, e.good)
			return places
		}
	}
	p.text = fmt.Sprintf("flip(%d, %s, %s)", n, e.bug, p.text)
	return append(places, p)
}

// edited is a source with its places replaced.
func edited(source string, places []spot) string {
	sort.Slice(places, func(i, k int) bool { return places[i].from > places[k].from })
	for _, p := range places {
		source = source[:p.from] + p.text + source[p.to:]
	}
	return source
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
