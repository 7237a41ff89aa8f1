package verify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ledger"
)

// Report is what a run found. It has no account ID and no ID of a resource but the run's own.
type Report struct {
	Version     int          `json:"version"`
	Run         string       `json:"run"`
	Region      string       `json:"region"`
	Started     time.Time    `json:"started"`
	Ended       time.Time    `json:"ended,omitzero"` // zero: the run did not come to its end
	BoundUSD    float64      `json:"bound_usd"`
	Experiments []Performed  `json:"experiments"`
	Rows        []ledger.Row `json:"rows"`
}

// Performed is how an experiment went.
type Performed struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Note   string `json:"note,omitempty"` // why it was not carried out to its end
	Said   string `json:"said,omitempty"` // what AWS said, word for word
}

const reportVersion = 1

// ReadReport reads a report in JSON.
func ReadReport(data []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("read report: %w", err)
	}
	if r.Version != reportVersion || CheckID(r.Run) != nil {
		return Report{}, fmt.Errorf("read report: version %d of run %q; this program reads version %d", r.Version, r.Run, reportVersion)
	}
	return r, nil
}

// Contradicted returns the numbers of the rows that are contradicted.
func (r *Report) Contradicted() (rows []string) {
	for i := range r.Rows {
		if r.Rows[i].Verdict == ledger.Contradicted {
			rows = append(rows, r.Rows[i].Row)
		}
	}
	return rows
}

// Markdown is the report as a page that can be pasted into an issue.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## backstop verify-aws: run %s in %s\n\n", r.Run, r.Region)
	fmt.Fprintf(&b, "Started %s", r.Started.UTC().Format(time.RFC3339))
	if r.Ended.IsZero() {
		b.WriteString("; the run did not come to its end.")
	} else {
		fmt.Fprintf(&b, ", took %s.", r.Ended.Sub(r.Started).Round(time.Minute))
	}
	fmt.Fprintf(&b, " Cost bound: $%.2f.\n\n", r.BoundUSD)
	b.WriteString("| row | predicted | observed | verdict | knob |\n| --- | --- | --- | --- | --- |\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		knob := ""
		if len(row.Knob) > 0 {
			knob = "`" + string(row.Knob) + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.Row, row.Predicted, row.Observed, row.Verdict, knob)
	}
	for _, p := range r.Experiments {
		if p.Note != "" {
			fmt.Fprintf(&b, "\nExperiment %d (%s) was not carried out to its end: %s\n", p.Number, p.Name, p.Note)
		}
	}
	for _, p := range r.Experiments {
		if p.Said != "" {
			fmt.Fprintf(&b, "\nExperiment %d (%s): AWS said: %s\n", p.Number, p.Name, p.Said)
		}
	}
	b.WriteString("\nThe rows are those of docs/aws-assumptions.md.\n")
	return b.String()
}

// Model is the report as a model.yaml: the knobs of the rows that do not hold, and of such whose measured value is worth having anyway. It
// is YAML that is JSON line by line, so that POST /_sandbox/model takes its values as they are.
func (r *Report) Model() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Measured by backstop verify-aws, run %s in %s, %s.\n# Rows of docs/aws-assumptions.md; what is not here is the model's default.\n", r.Run, r.Region, r.Started.UTC().Format(time.DateOnly))
	for i := range r.Rows {
		if len(r.Rows[i].Knob) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", r.Rows[i].Row, r.Rows[i].Knob)
		}
	}
	return b.String()
}
