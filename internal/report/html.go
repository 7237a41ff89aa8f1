package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"chart":   chart,
	"scatter": scatter,
	"heat":    heat,
	"cells":   cells,
	"heads":   heads,
	"clock":   clock,
	"best":    best,
	"charts":  charts,
	"abouts":  abouts,

	"conclusion": Conclusion,
}).Parse(pageText))

// HTML writes one page with everything in it: no script, no network, light and dark.
func HTML(w io.Writer, sections []Section, command string) error {
	if err := page.Execute(w, struct {
		Sections []Section
		Command  string
	}{sections, command}); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

func heads() []string {
	out := []string{"policy"}
	for _, c := range columns {
		out = append(out, c.head)
	}
	return out
}

// abouts explain the columns, each a heading and its text.
func abouts() [][2]string {
	var out [][2]string
	for _, c := range columns {
		out = append(out, [2]string{c.head, c.about})
	}
	return out
}

func cells(r Row) []string {
	out := []string{r.Policy}
	for _, c := range columns {
		out = append(out, c.text(&r))
	}
	return out
}

// best says whether a row is on the frontier of its section.
func best(s Section, i int) bool {
	for _, k := range Frontier(s.Rows) {
		if k == i {
			return true
		}
	}
	return false
}

// clock writes a moment of a run as day and time of day.
func clock(at time.Duration) string {
	at = at.Round(time.Second)
	d := at / (24 * time.Hour)
	at -= d * 24 * time.Hour
	return fmt.Sprintf("day %d, %02d:%02d:%02d", d+1, at/time.Hour, at/time.Minute%60, at/time.Second%60)
}
