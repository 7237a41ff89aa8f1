package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tally counts the single observations of one measure.
type Tally struct {
	N   int     `json:"n"`
	Off int     `json:"off,omitempty"` // that contradict the row
	Sum float64 `json:"sum,omitempty"` // of the values that contradict it
}

// Finding is a row of the ledger that what a guard has seen contradicts.
type Finding struct {
	Row       string    `json:"row"`
	Measure   string    `json:"measure"`
	Predicted string    `json:"predicted"`
	Observed  string    `json:"observed"`
	Since     time.Time `json:"since"`
	// Service is where it was seen: region/cluster/service.
	Service string `json:"service"`
	// Evidence are the events that show it, with identifiers replaced.
	Evidence []json.RawMessage `json:"evidence,omitempty"`
}

// Text is the finding in a sentence.
func (f *Finding) Text() string {
	return fmt.Sprintf("%s: predicted %s, observed %s", f.Measure, f.Predicted, f.Observed)
}

// Seen is all that a watch has learned. It is a value that can be stored; the zero value has learned nothing.
type Seen struct {
	Tallies  map[string]Tally `json:"tallies,omitempty"` // by row/measure
	Findings []Finding        `json:"findings,omitempty"`
}

// Merge returns what two watches have learned, or one at two times: of each measure the larger tally, of each row the first finding.
func Merge(a, b Seen) Seen {
	out := Seen{Tallies: map[string]Tally{}, Findings: slices.Clone(a.Findings)}
	for _, s := range []Seen{a, b} {
		for key, t := range s.Tallies {
			if t.N > out.Tallies[key].N {
				out.Tallies[key] = t
			}
		}
	}
	for i := range b.Findings {
		k := slices.IndexFunc(out.Findings, func(f Finding) bool { return f.Row == b.Findings[i].Row })
		switch {
		case k < 0:
			out.Findings = append(out.Findings, b.Findings[i])
		case b.Findings[i].Since.Before(out.Findings[k].Since):
			out.Findings[k] = b.Findings[i]
		}
	}
	slices.SortFunc(out.Findings, func(a, b Finding) int { return strings.Compare(a.Row, b.Row) })
	return out
}

// Watched is how a row stands by what guards have seen.
type Watched struct {
	Row       string    `json:"row"`
	Measure   string    `json:"measure"`
	Predicted string    `json:"predicted"`
	Shows     string    `json:"shows"` // what shows it
	Seen      int       `json:"seen"`  // observations
	Off       int       `json:"off"`   // that contradict the row
	Verdict   Verdict   `json:"verdict"`
	Since     time.Time `json:"since,omitzero"` // when it was first contradicted
}

// Rows returns how each row stands that events and looks can show, in the order of the ledger.
func (s *Seen) Rows() []Watched {
	out := []Watched{}
	for _, e := range Expectations() {
		for i := range e.Measures {
			m := &e.Measures[i]
			if m.Watch == nil {
				continue
			}
			t := s.Tallies[e.Row+"/"+m.Name]
			w := Watched{Row: e.Row, Measure: m.Name, Predicted: m.predicted(), Shows: m.Watch.Shows, Seen: t.N, Off: t.Off, Verdict: NotObserved}
			if t.N > 0 {
				w.Verdict = Holds
			}
			for k := range s.Findings {
				if s.Findings[k].Row == e.Row {
					w.Verdict, w.Since = Contradicted, s.Findings[k].Since
				}
			}
			out = append(out, w)
		}
	}
	return out
}

// predicted is what is expected of the measure, in words.
func (m *Measure) predicted() string {
	text := m.text(*m.Expect)
	switch m.Side {
	case Below:
		return "at least " + text
	case Above:
		return "at most " + text
	}
	return text
}
