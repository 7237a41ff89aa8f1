package term

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// wrapLeast is the narrowest screen that lines are broken for.
const wrapLeast = 30

// Wrap breaks lines that are wider than a screen of that many columns, at their spaces, and indents what is broken off two columns more
// than the line. A line with a command in backquotes stays whole, as people copy it. On a screen of fewer than 30 columns, or of unknown
// width (0), nothing is broken.
func Wrap(lines []string, width int) []string {
	var out []string
	for _, l := range lines {
		if width < wrapLeast || ansi.StringWidth(l) <= width || strings.Contains(l, "`") {
			out = append(out, l)
			continue
		}
		indent := strings.Repeat(" ", min(len(l)-len(strings.TrimLeft(l, " "))+2, width/2))
		for k, part := range strings.Split(ansi.Wrap(l, width-len(indent), " "), "\n") {
			if k > 0 {
				part = indent + strings.TrimLeft(part, " ")
			}
			out = append(out, part)
		}
	}
	return out
}
