package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// Layer is what a cell of the chart shows.
type Layer byte

// Layers of the chart, from the bottom: in service on Spot, in service on on-demand, under notice and still working, missing.
const (
	Empty Layer = iota
	Spot
	OnDemand
	Leaving
	Missing
	Wanted // nothing serves here; demand ends in this cell
	Above  // more serves than the chart is high
)

// Glyphs are the characters of the layers.
type Glyphs struct{ Spot, OnDemand, Leaving, Missing, Wanted, Above, Axis, Corner, Tick string }

// Unicode and ASCII are the two sets; the second is for terminals that say they are not UTF-8.
var (
	Unicode = Glyphs{Spot: "░", OnDemand: "█", Leaving: "╱", Missing: "!", Wanted: "▁", Above: "▲", Axis: "│", Corner: "└", Tick: "─"}
	ASCII   = Glyphs{Spot: ":", OnDemand: "#", Leaving: "/", Missing: "!", Wanted: "_", Above: "^", Axis: "|", Corner: "+", Tick: "-"}
)

func (g Glyphs) of(l Layer) string {
	switch l {
	case Spot:
		return g.Spot
	case OnDemand:
		return g.OnDemand
	case Leaving:
		return g.Leaving
	case Missing:
		return g.Missing
	case Wanted:
		return g.Wanted
	case Above:
		return g.Above
	}
	return " "
}

// Chart is a window of time cut into columns, each with the worst moment of its span: the most missing, then the most cover, then the last.
type Chart struct {
	From    time.Time
	Span    time.Duration // of one column
	Columns []demo.Frame  // one with a zero At was not reached, or nothing is known of it
	Top     int           // tasks at the upper edge
}

// NewChart cuts the frames, in the order of time, into columns that end at to.
func NewChart(frames []demo.Frame, to time.Time, window time.Duration, columns int) Chart {
	columns = max(columns, 1)
	c := Chart{Span: max(window/time.Duration(columns), time.Second), Columns: make([]demo.Frame, columns)}
	c.From = to.Add(-c.Span * time.Duration(columns))
	for _, f := range frames {
		d := f.At.Sub(c.From)
		if d < 0 || f.At.After(to) {
			continue
		}
		i := min(int(d/c.Span), columns-1)
		if old := c.Columns[i]; old.At.IsZero() || short(f) > short(old) || short(f) == short(old) && f.OnDemand >= old.OnDemand {
			c.Columns[i] = f
		}
	}
	for i := 1; i < columns; i++ { // a column between two known ones is like the one before it
		if c.Columns[i].At.IsZero() && !c.Columns[i-1].At.IsZero() && known(c.Columns[i+1:]) {
			c.Columns[i] = c.Columns[i-1]
		}
	}
	demand, peak := 0, 0
	for _, f := range c.Columns {
		demand, peak = max(demand, f.Demand), max(peak, f.Spot+f.OnDemand+f.Working)
	}
	// A moment of more tasks than wanted may be cut off: it must not flatten the rest.
	c.Top = nice(max(demand+demand/10, min(peak, demand+demand/4), 1))
	return c
}

func short(f demo.Frame) int { return f.Missing() }

func known(fs []demo.Frame) bool {
	for _, f := range fs {
		if !f.At.IsZero() {
			return true
		}
	}
	return false
}

// nice rounds up so that labels are short: up to 250 to the task, above that to tens, hundreds, ...
func nice(n int) int {
	step := 1
	for n/step > 250 {
		step *= 10
	}
	return (n + step - 1) / step * step
}

// Cell returns what to show in a column at a row counted from the bottom, of rows rows.
func (c Chart) Cell(column, row, rows int) Layer {
	f := c.Columns[column]
	if f.At.IsZero() || f.Unknown {
		return Empty
	}
	serves := f.Spot + f.OnDemand + f.Working
	low := float64(row) * float64(c.Top) / float64(rows)
	high := float64(row+1) * float64(c.Top) / float64(rows)
	middle := (low + high) / 2
	switch {
	case row == rows-1 && serves > c.Top:
		return Above
	case middle < float64(f.Spot):
		return Spot
	case middle < float64(f.Spot+f.OnDemand):
		return OnDemand
	case middle < float64(serves):
		return Leaving
	case middle < float64(f.Demand) || (short(f) > 0 && float64(serves) >= low && float64(serves) < high):
		return Missing // a gap is shown even when it is less than half a cell
	case float64(f.Demand) > low && float64(f.Demand) <= high:
		return Wanted
	}
	return Empty
}

// Lines draws the chart in width columns of text and rows+2 lines: the rows, the axis, the times.
func (c Chart) Lines(rows int, g Glyphs, paint func(Layer, string) string) []string {
	const margin = 5
	out := make([]string, 0, rows+2)
	for r := rows - 1; r >= 0; r-- {
		var b strings.Builder
		label := ""
		if r == rows-1 || r == rows/2 {
			label = fmt.Sprint((r + 1) * c.Top / rows)
		}
		fmt.Fprintf(&b, "%*s%s", margin-1, label, g.Axis)
		for i := 0; i < len(c.Columns); { // paint runs of one layer at once
			l, j := c.Cell(i, r, rows), i
			for j < len(c.Columns) && c.Cell(j, r, rows) == l {
				j++
			}
			b.WriteString(paint(l, strings.Repeat(g.of(l), j-i)))
			i = j
		}
		out = append(out, b.String())
	}
	axis, times := c.axis(g)
	return append(out, strings.Repeat(" ", margin-1)+g.Corner+axis, strings.Repeat(" ", margin)+times)
}

// axis draws the line below the chart and the times below that, at full hours or parts of them.
func (c Chart) axis(g Glyphs) (line, times string) {
	marks := []byte(strings.Repeat(" ", len(c.Columns)+8))
	var b strings.Builder
	every := c.every()
	next := 0
	for i := range c.Columns {
		begin := c.From.Add(time.Duration(i) * c.Span)
		mark := begin.Truncate(every)
		if mark.Before(begin) {
			mark = mark.Add(every)
		}
		if !mark.Before(begin.Add(c.Span)) || i < next {
			b.WriteString(g.Tick)
			continue
		}
		b.WriteString(g.Axis)
		label := mark.UTC().Format("15:04")
		if i+len(label) <= len(c.Columns) {
			copy(marks[i:], label)
			next = i + len(label) + 1
		}
	}
	return b.String(), strings.TrimRight(string(marks), " ")
}

// every returns the spacing of the marks on the axis: at least ten columns.
func (c Chart) every() time.Duration {
	for _, d := range []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
		2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if d >= 10*c.Span {
			return d
		}
	}
	return 24 * time.Hour
}
