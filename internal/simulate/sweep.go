package simulate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/report"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// Limits of a sweep.
const (
	stepsDefault = 6
	stepsMax     = 200
)

// sweepPlan is the grid that a sweep lays over one policy.
type sweepPlan struct {
	policy string
	fields []string
	values [][]string
	first  int // the first variant of the grid
}

// readSweep adds a variant for every point of the grid of the swept fields, over the first of the product's own policies.
func (p *plan) readSweep() error {
	if len(p.o.Sweep) == 0 {
		return nil
	}
	base := -1
	for i, v := range p.variants {
		if own(v.policy) {
			base = i
			break
		}
	}
	if base < 0 {
		return fmt.Errorf("sweep: none of the policies is one of the product's own; name fill or switch")
	}
	s := &sweepPlan{policy: p.variants[base].policy.Name, first: len(p.variants)}
	for _, text := range p.o.Sweep {
		key, values, err := readRange(text)
		if err != nil {
			return err
		}
		s.fields, s.values = append(s.fields, key), append(s.values, values)
	}
	if len(s.fields) > 2 {
		return fmt.Errorf("sweep: %d fields; a table has two sides", len(s.fields))
	}
	if len(s.fields) == 1 {
		s.values = append(s.values, []string{""})
	}
	law := *p.variants[base].policy.Law
	for _, a := range s.values[0] {
		for _, b := range s.values[1] {
			set := append([]string{}, p.o.Set...)
			set = append(set, s.fields[0]+"="+a)
			name := s.policy + " " + s.fields[0] + "=" + a
			if b != "" {
				set = append(set, s.fields[1]+"="+b)
				name += " " + s.fields[1] + "=" + b
			}
			v, err := p.own(name, law, set)
			if err != nil {
				return err
			}
			p.variants = append(p.variants, v)
		}
	}
	p.sweep = s
	return nil
}

// readRange reads field=value,value,... or field=low..high, with /steps if six are not wanted.
func readRange(text string) (key string, values []string, err error) {
	key, spec, ok := strings.Cut(text, "=")
	f, known := tunable.FieldByKey(key)
	switch {
	case !ok || spec == "":
		return "", nil, fmt.Errorf("sweep %q: must be field=value,value or field=low..high", text)
	case !known:
		return "", nil, fmt.Errorf("sweep %q: no policy field %q", text, key)
	}
	low, high, isRange := strings.Cut(spec, "..")
	if !isRange {
		values = strings.Split(spec, ",")
	} else {
		steps := stepsDefault
		if h, n, given := strings.Cut(high, "/"); given {
			high = h
			if steps, err = strconv.Atoi(n); err != nil || steps < 2 || steps > stepsMax {
				return "", nil, fmt.Errorf("sweep %q: the number of steps must be 2 to %d (got %q)", text, stepsMax, n)
			}
		}
		if values, err = spaced(f, low, high, steps); err != nil {
			return "", nil, fmt.Errorf("sweep %q: %w", text, err)
		}
	}
	if len(values) > stepsMax {
		return "", nil, fmt.Errorf("sweep %q: %d values, more than %d", text, len(values), stepsMax)
	}
	for _, v := range values {
		if problem := f.Check(v); problem != "" {
			return "", nil, fmt.Errorf("sweep %s: %s (got %q)", key, problem, v)
		}
	}
	return key, values, nil
}

// spaced returns values at equal distances.
func spaced(f tunable.Field, low, high string, steps int) ([]string, error) {
	number := func(s string) (float64, error) {
		if f.Kind == tunable.KindDuration {
			d, err := time.ParseDuration(s)
			return d.Seconds(), err
		}
		return strconv.ParseFloat(s, 64)
	}
	a, err := number(low)
	if err != nil {
		return nil, fmt.Errorf("%q is not a value of %s", low, f.Key)
	}
	b, err := number(high)
	if err != nil || b <= a {
		return nil, fmt.Errorf("%q is not a value of %s above %q", high, f.Key, low)
	}
	var out []string
	for i := range steps {
		x := a + (b-a)*float64(i)/float64(steps-1)
		text := strconv.FormatFloat(math.Round(x*1e6)/1e6, 'f', -1, 64)
		switch f.Kind {
		case tunable.KindDuration:
			text = time.Duration(math.Round(x) * float64(time.Second)).String()
		case tunable.KindInt:
			text = strconv.Itoa(int(math.Round(x)))
		case tunable.KindShare, tunable.KindUSD:
		default:
			return nil, fmt.Errorf("%s has no range: name its values", f.Key)
		}
		if len(out) == 0 || out[len(out)-1] != text {
			out = append(out, text)
		}
	}
	return out, nil
}

// table says where in a section's rows the grid's points are.
func (s *sweepPlan) table() *report.Sweep {
	t := &report.Sweep{Policy: s.policy, Fields: s.fields, Values: s.values}
	k := s.first
	for range s.values[0] {
		var line []int
		for range s.values[1] {
			line = append(line, k)
			k++
		}
		t.Cells = append(t.Cells, line)
	}
	return t
}
