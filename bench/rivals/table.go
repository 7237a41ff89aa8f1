package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// row is a contestant's line.
type row struct {
	c     contestant
	cells []cell
}

func printTables(out io.Writer, o options, worlds []world, rows []row, skipped []string) error {
	var b strings.Builder
	seeds := "1 seed"
	if o.seeds != 1 {
		seeds = fmt.Sprintf("means of %d seeds", o.seeds)
	}
	fmt.Fprintf(&b, "%d tasks, %s. Task-minutes missing in service / task-minutes of on-demand paid; with the seconds in which nothing served at all.\n\n", o.tasks, seeds)
	head(&b, worlds)
	for _, r := range rows {
		line(&b, r, func(i int, c cell) string {
			text := number(c.short) + " / " + number(c.onDemand)
			if c.none >= 1 {
				text += ", none for " + number(c.none) + " s"
			}
			return text
		})
	}
	b.WriteString("\nUS dollars for the tasks; AWS calls; whether all is served on Spot alone at the end, and the seconds from Spot's return until no on-demand is paid.\n\n")
	head(&b, worlds)
	for _, r := range rows {
		line(&b, r, func(i int, c cell) string {
			text := fmt.Sprintf("$%.2f; %s; %s", c.usd, number(c.calls), recovered(c))
			if worlds[i].spotBack > 0 && c.recovered == c.seeds && c.back > 0 {
				text += " after " + number(c.back) + " s"
			}
			return text
		})
	}
	b.WriteString("\n")
	for _, r := range rows {
		notes := map[string]bool{}
		for _, c := range r.cells {
			for n := range c.notes {
				notes[n] = true
			}
		}
		for _, n := range sorted(notes) {
			fmt.Fprintf(&b, "- %s: %s\n", r.c.title, n)
		}
	}
	for _, s := range skipped {
		fmt.Fprintf(&b, "- not run: %s\n", s)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func head(b *strings.Builder, worlds []world) {
	b.WriteString("|")
	for _, w := range worlds {
		b.WriteString(" | " + w.title)
	}
	b.WriteString(" |\n|" + strings.Repeat(" --- |", len(worlds)+1) + "\n")
}

func line(b *strings.Builder, r row, text func(int, cell) string) {
	b.WriteString("| " + r.c.title)
	for i, c := range r.cells {
		b.WriteString(" | " + text(i, c))
	}
	b.WriteString(" |\n")
}

func recovered(c cell) string {
	switch c.recovered {
	case 0:
		return "no"
	case c.seeds:
		return "yes"
	}
	return fmt.Sprintf("%d of %d", c.recovered, c.seeds)
}

// number is a figure with thousands set apart; one decimal below ten, where it is not whole.
func number(v float64) string {
	if v < 10 && math.Abs(v-math.Round(v)) >= 0.05 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func sorted(set map[string]bool) []string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
