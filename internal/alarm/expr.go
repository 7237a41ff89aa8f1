package alarm

import (
	"fmt"
	"strconv"
	"strings"
	"text/scanner"
)

// node is an expression: its value of the data points that are there, by id; ok is false, and the value 0, where it has none.
type node func(at map[string]float64) (v float64, ok bool)

// parser reads metric math: ids, numbers, + - *, comparisons, AND, OR and parentheses. The weakest binds last: OR, AND,
// comparisons, sums, products.
type parser struct {
	s       scanner.Scanner
	tok     rune
	text    string // the token's, two characters of an operator in one
	metrics map[string]Metric
	err     error
}

func parse(text string, metrics map[string]Metric) (node, error) {
	p := &parser{metrics: metrics}
	p.s.Init(strings.NewReader(text))
	p.s.Mode = scanner.ScanIdents | scanner.ScanFloats | scanner.ScanInts
	p.s.Error = func(*scanner.Scanner, string) {} // what is wrong shows as a token that is not expected
	p.next()
	n := p.level(0)
	if p.err == nil && p.tok != scanner.EOF {
		p.fail()
	}
	if p.err != nil {
		return nil, fmt.Errorf("read expression %q: %w", text, p.err)
	}
	return n, nil
}

func (p *parser) next() {
	p.tok = p.s.Scan()
	p.text = p.s.TokenText()
	if (p.text == ">" || p.text == "<") && p.s.Peek() == '=' {
		p.s.Next()
		p.text += "="
	}
}

func (p *parser) fail() {
	if p.err == nil {
		p.err = fmt.Errorf("column %d: %q is not expected here", p.s.Column, p.text)
	}
	p.tok = scanner.EOF
}

func (p *parser) want(text string) {
	if p.text != text {
		p.fail()
		return
	}
	p.next()
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var levels = []map[string]func(a, b float64) float64{
	{"OR": func(a, b float64) float64 { return truth(a != 0 || b != 0) }},
	{"AND": func(a, b float64) float64 { return truth(a != 0 && b != 0) }},
	{">": func(a, b float64) float64 { return truth(a > b) }, "<": func(a, b float64) float64 { return truth(a < b) },
		">=": func(a, b float64) float64 { return truth(a >= b) }, "<=": func(a, b float64) float64 { return truth(a <= b) }},
	{"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b }},
	{"*": func(a, b float64) float64 { return a * b }},
}

func (p *parser) level(n int) node {
	if n == len(levels) {
		return p.atom()
	}
	left := p.level(n + 1)
	for p.err == nil && p.tok != scanner.EOF {
		op := levels[n][p.text]
		if op == nil {
			break
		}
		p.next()
		a, b := left, p.level(n+1)
		left = func(at map[string]float64) (float64, bool) {
			x, okX := a(at)
			y, okY := b(at)
			return op(x, y), okX || okY // AWS: what is missing on one side is 0
		}
	}
	return left
}

func (p *parser) atom() node {
	text := p.text
	switch {
	case p.tok == scanner.Int || p.tok == scanner.Float:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			p.fail()
		}
		p.next()
		return func(map[string]float64) (float64, bool) { return v, false } // a number alone is no series
	case text == "(":
		p.next()
		n := p.level(0)
		p.want(")")
		return n
	case p.tok == scanner.Ident:
		if _, ok := p.metrics[text]; ok {
			p.next()
			return func(at map[string]float64) (float64, bool) { v, ok := at[text]; return v, ok }
		}
	}
	p.fail()
	return func(map[string]float64) (float64, bool) { return 0, false }
}
