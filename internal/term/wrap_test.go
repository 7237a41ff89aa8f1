package term

import (
	"slices"
	"testing"
)

func TestLinesAreBrokenAtTheScreensWidth(t *testing.T) {
	const long = "  decided   6m ago: On-demand tasks stand in for Spot. (covering)"
	for _, c := range []struct {
		name  string
		line  string
		width int
		want  []string
	}{
		{"it fits", long, 80, []string{long}},
		{"it does not", long, 50, []string{"  decided   6m ago: On-demand tasks stand in", "    for Spot. (covering)"}},
		{"a command is copied", "  next: allow it, then run `backstop doctor --problems`", 40, []string{"  next: allow it, then run `backstop doctor --problems`"}},
		{"the width is not known", long, 0, []string{long}},
	} {
		if got := Wrap([]string{c.line}, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
