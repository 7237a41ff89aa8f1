package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a file. Line and Column count from 1; Column counts characters.
type Problem struct {
	Name         string
	Line, Column int
	Text         string
}

func (p Problem) Error() string { return fmt.Sprintf("%s:%d:%d: %s", p.Name, p.Line, p.Column, p.Text) }

// Problems is every problem of a file, at most ErrorsMax, in order.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Parse reads a trace in CSV. name is for messages and becomes Trace.Name. What is wrong with the text comes back as [Problems], all
// at once; an error of the reader comes back as it is, wrapped. A trace of one row has no duration: the caller must set it.
func Parse(r io.Reader, name string) (*Trace, error) {
	p := parser{t: &Trace{Name: name}, name: name}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4096), LineMax)
	for in.Scan() && !p.full() {
		p.line++
		p.read(in.Bytes())
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		p.line++
		p.problem(1, fmt.Sprintf("the line is longer than %d bytes", LineMax))
	case err != nil:
		return nil, fmt.Errorf("read trace %s: %w", name, err)
	}
	if len(p.problems) == 0 {
		p.finish()
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return p.t, nil
}

type parser struct {
	t        *Trace
	name     string
	line     int
	headed   bool
	tooMany  bool // said already
	problems Problems
	cells    []cell
}

// cell is one value of a line and the column of its first character.
type cell struct {
	text   string
	column int
}

func (p *parser) full() bool { return len(p.problems) >= ErrorsMax }

func (p *parser) problem(column int, text string) {
	if !p.full() {
		p.problems = append(p.problems, Problem{Name: p.name, Line: p.line, Column: column, Text: text})
	}
}

func (p *parser) read(line []byte) {
	if p.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // the byte order mark that spreadsheets write
	}
	text := strings.TrimSpace(string(line))
	switch {
	case text == "":
	case text[0] == '#':
		if !p.headed {
			p.t.Notes = append(p.t.Notes, strings.TrimSpace(text[1:]))
		}
	case !utf8.ValidString(text):
		p.problem(1, "the line is not UTF-8 text")
	case !p.headed:
		p.headed = true
		p.header(p.split(string(line)))
	default:
		p.row(p.split(string(line)))
	}
}

// split cuts a line at its commas. A value may stand in double quotes, as spreadsheets write it; a comment may end a line.
func (p *parser) split(line string) []cell {
	if i := strings.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	p.cells = p.cells[:0]
	column := 1
	for _, part := range strings.Split(line, ",") {
		text := strings.TrimSpace(part)
		at := column + utf8.RuneCountInString(part) - utf8.RuneCountInString(strings.TrimLeft(part, " \t\r"))
		if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
			text = strings.TrimSpace(text[1 : n-1])
		}
		p.cells = append(p.cells, cell{text: text, column: at})
		column += utf8.RuneCountInString(part) + 1
	}
	return p.cells
}

func (p *parser) header(cells []cell) {
	if cells[0].text != "seconds" {
		p.problem(cells[0].column, fmt.Sprintf("the first column must be named %q (got %q)", "seconds", cells[0].text))
	}
	if len(cells) < 2 {
		p.problem(cells[0].column, `a trace needs a column beside the seconds, such as "spot"`)
	}
	if len(cells)-1 > ColumnsMax {
		p.problem(cells[ColumnsMax].column, fmt.Sprintf("there are %d columns, more than %d", len(cells)-1, ColumnsMax))
		return
	}
	for _, c := range cells[1:] {
		column, problem := readColumn(c.text)
		switch {
		case problem != "":
			p.problem(c.column, problem)
		case slices.Contains(p.t.Columns, column):
			p.problem(c.column, fmt.Sprintf("column %q is there twice", c.text))
		}
		p.t.Columns = append(p.t.Columns, column)
	}
	if len(p.t.Pools()) == 0 && len(p.problems) == 0 {
		p.problem(1, `no column is a Spot pool: name one "spot"`)
	}
}

func readColumn(text string) (Column, string) {
	pool, zone, zoned := strings.Cut(text, "/")
	switch {
	case pool == "":
		return Column{}, "the column has no name"
	case pool == Demand && zoned:
		return Column{}, "demand has no zones"
	case zoned && (zone == "" || strings.Contains(zone, "/")):
		return Column{}, fmt.Sprintf(`%q is not a pool or pool/zone, such as "spot/us-west-2a"`, text)
	}
	if close := closest(pool); close != "" {
		return Column{}, fmt.Sprintf("unknown column %q: did you mean %q?", text, close)
	}
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./", r) {
			return Column{}, fmt.Sprintf("column %q has the character %q: letters, digits, - _ . and one / are allowed", text, r)
		}
	}
	return Column{Pool: pool, Zone: zone}, ""
}

// closest recognises the usual misspellings of the reserved names, which would otherwise become pools of their own.
func closest(pool string) string {
	if pool == Spot || pool == OnDemand || pool == Demand {
		return ""
	}
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(pool)) {
	case "ondemand", "ondemands":
		return OnDemand
	case "demand", "demands", "desired":
		return Demand
	case "spot", "spots":
		return Spot
	}
	return ""
}

func (p *parser) row(cells []cell) {
	n := len(p.t.Columns)
	if len(cells) != n+1 {
		p.problem(cells[len(cells)-1].column, fmt.Sprintf("the row has %d values, the header %d", len(cells), n+1))
		return
	}
	if len(p.t.At) >= RowsMax {
		if !p.tooMany {
			p.tooMany = true
			p.problem(1, fmt.Sprintf("there are more than %d rows", RowsMax))
		}
		return
	}
	s, err := strconv.ParseFloat(cells[0].text, 64)
	switch {
	case err != nil || math.IsNaN(s):
		p.problem(cells[0].column, fmt.Sprintf("the seconds must be a number (got %q)", cells[0].text))
		return
	case s < 0 || s > secondsMax:
		p.problem(cells[0].column, fmt.Sprintf("the seconds must be between 0 and %d (got %q)", secondsMax, cells[0].text))
		return
	}
	at := secondsOf(s)
	if k := len(p.t.At); k > 0 && at <= p.t.At[k-1] {
		p.problem(cells[0].column, fmt.Sprintf("time must go forward: %s s is not after %s s", cells[0].text,
			writeSeconds(p.t.At[k-1])))
		return
	}
	p.t.At = append(p.t.At, at)
	for c := range n {
		p.t.Values = append(p.t.Values, p.value(cells[c+1], c))
	}
}

// value reads one capacity. An empty cell repeats the row before.
func (p *parser) value(c cell, column int) int {
	what := p.t.Columns[column]
	switch strings.ToLower(c.text) {
	case "":
		if before := len(p.t.Values) - len(p.t.Columns); before >= 0 {
			return p.t.Values[before]
		}
		p.problem(c.column, fmt.Sprintf("the first row needs a value for %s", what.Name()))
		return 0
	case "inf", "+inf", "infinity":
		if what.Pool == Demand {
			p.problem(c.column, "the demand cannot be inf")
		}
		return NoLimit
	}
	v, err := strconv.ParseFloat(c.text, 64)
	switch {
	case err != nil || v != math.Trunc(v):
		p.problem(c.column, fmt.Sprintf("%s must be a whole number of tasks or inf (got %q)", what.Name(), c.text))
		return 0
	case v < 0 || v > ValueMax:
		p.problem(c.column, fmt.Sprintf("%s must be between 0 and %d, or inf (got %q)", what.Name(), ValueMax, c.text))
		return 0
	}
	return int(v)
}

func (p *parser) finish() {
	if !p.headed {
		p.line = max(p.line, 1)
		p.problem(1, `the trace is empty: it needs a header such as "seconds,spot" and a row`)
		return
	}
	if len(p.t.At) == 0 {
		p.problem(1, "the trace has no rows")
		return
	}
	p.t.Duration = p.t.At[len(p.t.At)-1]
}

// writeSeconds writes a time without an exponent and without loss.
func writeSeconds(at time.Duration) string {
	whole, rest := at/time.Second, at%time.Second
	if rest == 0 {
		return strconv.FormatInt(int64(whole), 10)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%09d", whole, rest), "0")
}
