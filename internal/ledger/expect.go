// Package ledger holds what the model assumes of AWS against what AWS does. What is expected of a row of docs/aws-assumptions.md stands in
// expectations.json, once: experiments are judged by it (package verify), and so is what a guard sees every day ([Watch]). It does no I/O and
// reads no clock.
package ledger

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

//go:embed expectations.json
var expectationsJSON []byte

// Expectation is what the ledger's row says of quantities that an experiment observes.
type Expectation struct {
	Row        string    `json:"row"`        // its number in docs/aws-assumptions.md
	Experiment int       `json:"experiment"` // the number of the experiment; 0: only a guard's events show it
	Always     bool      `json:"always"`     // the model takes what was measured where the row holds, too
	Measures   []Measure `json:"measures"`
}

// Measure is one quantity of a row.
type Measure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Expect *float64  `json:"expect"` // nil: it is not judged and tells the model alone
	Holds  float64   `json:"holds"`  // the row holds within this distance of Expect,
	Bends  float64   `json:"bends"`  // bends within this one and is contradicted beyond
	Knob   string    `json:"knob"`   // the field of the row's knob in JSON; "value" where the knob has one; "" where the quantity sets none
	Words  []Word    `json:"words"`  // for a knob that takes words
	Values []string  `json:"values"` // what the values 0, 1, 2 and so on mean; none: they are numbers
	Side   Side      `json:"side"`   // of Expect on which alone a value may contradict; "" is either
	Watch  *Watching `json:"watch"`  // how a guard's events judge it; nil: they do not show it
}

// Side is a side of what is expected.
type Side string

// Sides.
const (
	Below Side = "below"
	Above Side = "above"
)

// Watching says how a [Watch] judges a measure by single observations.
type Watching struct {
	Only  bool    `json:"only"`  // no experiment observes it
	Least int     `json:"least"` // how many observations must contradict the row,
	Share float64 `json:"share"` // and which share (0..1) of all of them
	Bend  string  `json:"bend"`  // a value of the row's knob that makes the sandbox do otherwise, in JSON: what the tests bend; "" where the row has no knob
	Shows string  `json:"shows"` // what shows it, for people
}

// Word is the value of a knob for what was observed above a number.
type Word struct {
	Above float64 `json:"above"`
	Word  any     `json:"word"` // a word or true
}

// Expectations returns the expectations in the order of the ledger. They are not to be changed.
var Expectations = sync.OnceValue(func() (all []Expectation) {
	if err := json.Unmarshal(expectationsJSON, &all); err != nil {
		panic(err) // a constant that does not parse
	}
	return all
})

// Verdict says how a row of the ledger stands after an observation.
type Verdict string

// The verdicts, from good to bad.
const (
	NotObserved  Verdict = "not observed"
	Holds        Verdict = "holds"
	Bends        Verdict = "bends"
	Contradicted Verdict = "contradicted"
)

var verdictOrder = map[Verdict]int{NotObserved: 0, Holds: 1, Bends: 2, Contradicted: 3}

// Observed is a quantity as AWS's answers gave it.
type Observed struct {
	Value float64 `json:"value"`
	N     int     `json:"n"` // observations that it rests on
}

// Observations are what a run has seen, by the row's number and the measure's name.
type Observations map[string]map[string]Observed

// Set keeps what was observed of a measure of a row, n times. What is no number is not kept.
func (o Observations) Set(row, name string, value float64, n int) {
	if n == 0 || math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	if o[row] == nil {
		o[row] = map[string]Observed{}
	}
	o[row][name] = Observed{value, n}
}

// Row is the verdict on one row of the ledger.
type Row struct {
	Row        string          `json:"row"`
	Experiment int             `json:"experiment"`
	Predicted  string          `json:"predicted"`
	Observed   string          `json:"observed"` // "" where nothing was
	Verdict    Verdict         `json:"verdict"`
	Knob       json.RawMessage `json:"knob,omitempty"` // the value that makes the model do what was observed; absent where none does, or none is needed
}

// Judge holds observations against every expectation that an experiment observes.
func Judge(o Observations) []Row {
	rows := make([]Row, 0, len(Expectations()))
	for _, e := range Expectations() {
		if e.Experiment > 0 {
			rows = append(rows, e.judge(o[e.Row]))
		}
	}
	return rows
}

func (e *Expectation) judge(o map[string]Observed) Row {
	row := Row{Row: e.Row, Experiment: e.Experiment, Verdict: NotObserved}
	var predicted, observed []string
	for i := range e.Measures {
		m := &e.Measures[i]
		if m.Expect == nil || m.Watch != nil && m.Watch.Only {
			continue
		}
		predicted = append(predicted, m.Name+" "+m.text(*m.Expect))
		got, seen := o[m.Name]
		if !seen {
			continue
		}
		observed = append(observed, fmt.Sprintf("%s %s (n=%d)", m.Name, m.text(got.Value), got.N))
		if v := m.verdict(got.Value); verdictOrder[v] > verdictOrder[row.Verdict] {
			row.Verdict = v
		}
	}
	row.Predicted, row.Observed = strings.Join(predicted, "; "), strings.Join(observed, "; ")
	if row.Verdict == Bends || row.Verdict == Contradicted || e.Always && row.Verdict == Holds {
		row.Knob = e.knob(o)
	}
	return row
}

func (m *Measure) verdict(value float64) Verdict {
	off := value - *m.Expect
	switch {
	case m.Side == Below && off > 0, m.Side == Above && off < 0:
		return Holds
	}
	switch off = math.Abs(off); {
	case off <= m.Holds:
		return Holds
	case off <= m.Bends:
		return Bends
	}
	return Contradicted
}

func (m *Measure) text(value float64) string {
	if i := int(math.Round(value)); i >= 0 && i < len(m.Values) {
		return m.Values[i]
	}
	digits := 2
	if m.Unit == "s" {
		digits = 1
	}
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if m.Unit != "" {
		text += " " + m.Unit
	}
	return text
}

// knob is the value of the row's knob in the form that POST /_sandbox/model takes; nil where no quantity sets it.
func (e *Expectation) knob(o map[string]Observed) json.RawMessage {
	fields := map[string]any{}
	for i := range e.Measures {
		m := &e.Measures[i]
		got, seen := o[m.Name]
		if !seen || m.Knob == "" {
			continue
		}
		fields[m.Knob] = math.Round(got.Value*1000) / 1000
		for _, w := range m.Words {
			if got.Value > w.Above {
				fields[m.Knob] = w.Word
			}
		}
		if len(m.Words) > 0 && got.Value <= m.Words[0].Above {
			delete(fields, m.Knob)
		}
	}
	var value any = fields
	if len(fields) == 0 {
		return nil
	}
	if single, ok := fields["value"]; ok {
		value = single
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return raw
}
