package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, or probably not meant, in a file.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1; 0 when the problem is the whole file's
	Column int    `json:"column"` // from 1, in characters
	// Path is where in the file's structure: workloads[0].pools[1].capacity.
	Path string `json:"path,omitempty"`
	// Text says what is wrong, Value what was found there (cut, and redacted where it could be a secret).
	Text  string `json:"problem"`
	Value string `json:"value,omitempty"`
	// Hint says what was probably meant, or what to do.
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

// String is one line: file:line:column: path: problem (got value); hint.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(cmp.Or(p.File, "configuration"))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	if p.Value != "" {
		b.WriteString(" (got " + p.Value + ")")
	}
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Error is everything that is wrong with a file, in the order of its lines.
type Error struct {
	Problems []Problem
	// More is how many further problems were found and not kept.
	More int
}

// Error is one problem a line.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return strings.Join(lines, "\n")
}

// sortByPlace puts problems in the order of the file.
func sortByPlace(all []Problem) {
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// suggest returns the candidate that was probably meant by word, or "".
func suggest(word string, candidates []string) string {
	const shortest, longest = 2, 64 // one letter is like any other; no word of ours is longer than 64
	if len(word) < shortest || len(word) > longest {
		return ""
	}
	word = plain(word)
	best, bestAt := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(word, plain(c)); d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}

// plain makes spellings alike that differ in case or in their word breaks: roleArn, role-arn, ROLE_ARN.
func plain(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

func didYouMean(word string, candidates []string) string {
	if s := suggest(word, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return ""
}

// distance is the number of insertions, deletions, replacements and swaps of neighbours between two words
// (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := range x {
		for j := range y {
			change := rows[i][j]
			if x[i] != y[j] {
				change++
			}
			rows[i+1][j+1] = min(rows[i][j+1]+1, rows[i+1][j]+1, change)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				rows[i+1][j+1] = min(rows[i+1][j+1], rows[i-1][j-1]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
