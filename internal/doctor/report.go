package doctor

import (
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// Status is the outcome of one check.
type Status string

// Outcomes, from good to bad. Skip says nothing about what would have been checked.
const (
	OK   Status = "ok"
	Skip Status = "skip"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Subject is what a check is about. The zero value of every field but Kind means that it does not apply.
type Subject struct {
	Kind     Kind   `json:"kind"`
	Region   string `json:"region,omitempty"`
	RoleARN  string `json:"role_arn,omitempty"`
	Workload string `json:"workload,omitempty"`
	Pool     string `json:"pool,omitempty"`
}

// Kind is the kind of a subject.
type Kind string

// Kinds of subject, in the order of the report.
const (
	KindAccount  Kind = "account"
	KindRegion   Kind = "region"
	KindEvents   Kind = "events"
	KindState    Kind = "state"
	KindWorkload Kind = "workload"
	KindPool     Kind = "pool"
)

// Result is the outcome of one check of one subject.
type Result struct {
	Check   string  `json:"check"`
	Subject Subject `json:"subject"`
	Status  Status  `json:"status"`
	// Text says what was found, in one line.
	Text string `json:"text"`
	// Fix is a command, or lines of Terraform, that fix it; for people to read before they use it.
	Fix string `json:"fix,omitempty"`
	// Cause names the check, or the call to AWS, for which this one was skipped.
	Cause string `json:"cause,omitempty"`

	changes []Change
}

// Report is everything that was checked, in the order of the tree.
type Report struct {
	At      time.Time `json:"at"`
	Healthy bool      `json:"healthy"`
	OK      int       `json:"ok"`
	Warn    int       `json:"warn"`
	Fail    int       `json:"fail"`
	Skip    int       `json:"skip"`
	Results []Result  `json:"results"`
}

func (r *Report) add(res Result) {
	switch res.Status {
	case OK:
		r.OK++
	case Warn:
		r.Warn++
	case Fail:
		r.Fail++
	case Skip:
		r.Skip++
	}
	r.Results = append(r.Results, res)
}

// Changes returns what can safely be changed to fix what was found, each once.
func (r *Report) Changes() []Change {
	var out []Change
	for i := range r.Results {
		for _, c := range r.Results[i].changes {
			if !slices.ContainsFunc(out, func(o Change) bool { return o.ref == c.ref && o.Text == c.Text }) {
				out = append(out, c)
			}
		}
	}
	return tellApart(merge(out))
}

// related reports whether a problem of b can explain one of a: they are the same subject, or one contains the other.
func related(a, b Subject) bool {
	for _, k := range []Kind{a.Kind, b.Kind} {
		if k == KindAccount || k == KindState {
			return true
		}
	}
	if a.Workload != "" && b.Workload != "" {
		return a.Workload == b.Workload && (a.Pool == "" || b.Pool == "" || a.Pool == b.Pool)
	}
	return a.Kind == b.Kind && a.Region == b.Region && a.RoleARN == b.RoleARN
}

func subjectOf(w *control.Workload, pool int) Subject {
	if pool < 0 {
		return Subject{Kind: KindWorkload, Workload: w.Name}
	}
	return Subject{Kind: KindPool, Region: w.Refs[pool].Region, RoleARN: w.Refs[pool].RoleARN, Workload: w.Name, Pool: w.Policy.Pools[pool].Name}
}
