package term

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Widths from which the list has more columns.
const (
	topMedium = 72
	topFull   = 110
)

// filterMax bounds what is typed as a filter.
const filterMax = 60

// shown are the rows that the filter lets pass.
func (m *TopModel) shown() []TopRow {
	if m.filter == "" && !m.needy {
		return m.top.Rows
	}
	var out []TopRow
	for i := range m.top.Rows {
		if r := &m.top.Rows[i]; strings.Contains(r.Name, m.filter) && !(m.needy && r.Healthy) {
			out = append(out, *r)
		}
	}
	return out
}

// typed takes a key of the filter.
func (m *TopModel) typed(key string) tea.Cmd {
	switch key {
	case "ctrl+c":
		return tea.Quit
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		m.filter = m.filter[:max(0, len(m.filter)-1)]
	default:
		if len(key) == 1 && key[0] > ' ' && len(m.filter) < filterMax {
			m.filter += key
		}
	}
	return m.settle()
}

// settle selects the first row that is shown where the selected one is not.
func (m *TopModel) settle() tea.Cmd {
	rows := m.shown()
	if len(rows) == 0 || slices.ContainsFunc(rows, func(r TopRow) bool { return r.Name == m.selected }) {
		return nil
	}
	m.selected = rows[0].Name
	return m.fetchOnce()
}

// list draws the workloads around the selected one, and says which of how many they are.
func (m *TopModel) list() []string {
	rows := m.shown()
	name := 8
	for i := range rows {
		name = min(max(name, ansi.StringWidth(rows[i].Name)), max(m.width/4, 12), 28)
	}
	at := slices.IndexFunc(rows, func(r TopRow) bool { return r.Name == m.selected })
	most := max(m.height/topRowsShare-2, 3)
	from := min(max(0, at-most/2), max(0, len(rows)-most))
	to := min(from+most, len(rows))
	out := []string{faint.Render(m.line(" ", name, &TopRow{Name: "WORKLOAD", State: "STATE", Note: "WHAT"}, true))}
	for i := from; i < to; i++ {
		r := &rows[i]
		mark := " "
		if r.Name == m.selected {
			mark = ">"
		}
		line := ansi.Truncate(m.line(mark, name, r, false), max(m.width, 1), "…")
		switch {
		case !r.Healthy:
			line = shortInk.Render(line)
		case r.Name == m.selected:
			line = bold.Render(line)
		}
		out = append(out, line)
	}
	return append(out, faint.Render(" "+m.place(from, to, len(rows))))
}

// place says which rows are on the screen.
func (m *TopModel) place(from, to, shown int) string {
	text := fmt.Sprintf("%d to %d of %d", min(from+1, to), to, shown)
	if shown < len(m.top.Rows) {
		text += fmt.Sprintf(" shown, %d in all", len(m.top.Rows))
	}
	if m.filter != "" {
		text += fmt.Sprintf("; names with %q", m.filter)
	}
	if m.needy {
		text += "; only those that need you"
	}
	return text
}

// line writes a row, or the heading, in as many columns as fit.
func (m *TopModel) line(mark string, name int, r *TopRow, heading bool) string {
	serving, missing, spot, demand, health, breaker := "SERVING", "MISSING", "SPOT", "ON-DEMAND", "HEALTH", "BREAKER"
	if !heading {
		serving = fmt.Sprintf("%d/%d", max(0, r.Demand-r.Missing.High), r.Demand)
		missing, spot, demand, health = r.Missing.String(), r.Spot.String(), r.OnDemand.String(), fmt.Sprint(r.Health)
		breaker = strings.ReplaceAll(r.Breaker, "_", " ")
	}
	head := fmt.Sprintf(" %s %-*s %-9s %9s", mark, name, ansi.Truncate(r.Name, name, "…"), r.State, serving)
	switch {
	case m.width >= topFull:
		head += fmt.Sprintf(" %8s %8s %9s %6s %-9s", missing, spot, demand, health, breaker)
	case m.width >= topMedium:
		head += fmt.Sprintf(" %8s %9s", missing, demand)
	}
	return head + " " + r.Note
}
