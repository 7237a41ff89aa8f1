package doctor

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

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
	KindNotices  Kind = "notices"
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

	names *strings.Replacer // takes the names of services and what is theirs out of a text
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

// Finding is what a check has found on one or several subjects: the same outcome, and the same text but for names and numbers.
type Finding struct {
	Check    string
	Status   Status
	Subjects []Subject
	// Text and Fix are those of the first subject. Alike reports whether the text, AlikeFix whether the fix is the same for all.
	Text, Fix       string
	Alike, AlikeFix bool
}

// Names are the names of the subjects, each once: of a pool that of its workload.
func (f *Finding) Names() []string {
	var out []string
	for _, s := range f.Subjects {
		if name := s.Workload; name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Section is the findings on one kind of subject, or on one region, in the order of the checks and from bad to good.
type Section struct {
	Subject  Subject // of a region; of workloads and pools the kind alone
	Findings []Finding
}

// Sections gathers the results: what was found in the same way on many workloads or pools is one finding.
func (r *Report) Sections() []Section {
	var out []Section
	var keys [][]string // of the findings, as out
	for i := range r.Results {
		res := &r.Results[i]
		at := res.Subject
		if at.Workload != "" {
			at = Subject{Kind: at.Kind}
		}
		n := slices.IndexFunc(out, func(s Section) bool { return s.Subject == at })
		if n < 0 {
			n = len(out)
			out, keys = append(out, Section{Subject: at}), append(keys, nil)
		}
		key := res.Check + " " + string(res.Status)
		if res.Status != OK {
			key += " " + res.Cause + " " + r.plain(res.Text)
		}
		k := slices.Index(keys[n], key)
		if k < 0 {
			keys[n] = append(keys[n], key)
			out[n].Findings = append(out[n].Findings, Finding{Check: res.Check, Status: res.Status, Text: res.Text, Fix: res.Fix, Alike: true, AlikeFix: true, Subjects: []Subject{res.Subject}})
			continue
		}
		f := &out[n].Findings[k]
		f.Subjects = append(f.Subjects, res.Subject)
		f.Alike, f.AlikeFix = f.Alike && f.Text == res.Text, f.AlikeFix && f.Fix == res.Fix
	}
	for n := range out {
		slices.SortStableFunc(out[n].Findings, func(a, b Finding) int {
			return cmp.Or(cmp.Compare(order(a.Check), order(b.Check)), cmp.Compare(badness(b.Status), badness(a.Status)))
		})
	}
	return out
}

func order(name string) int {
	return slices.IndexFunc(checks, func(c check) bool { return c.name == name })
}

func badness(s Status) int { return slices.Index([]Status{OK, Skip, Warn, Fail}, s) }

var numeral = regexp.MustCompile(`[0-9]+`)

// plain is a text without what differs between two workloads that are alike: their numbers and names.
func (r *Report) plain(text string) string {
	if r.names != nil {
		text = r.names.Replace(text)
	}
	return numeral.ReplaceAllString(text, "#")
}

// namesOf makes what takes names out of a text, the longest first.
func namesOf(f *facts) *strings.Replacer {
	var names []string
	for i := range f.workloads {
		w := &f.workloads[i]
		names = append(names, w.Name)
		for k := range w.Refs {
			names = append(names, w.Refs[k].Service, w.Refs[k].Cluster)
			if p := f.pools[subjectOf(w, k)]; p != nil && p.definition != nil {
				names = append(names, aws.ToString(p.definition.Family))
				for c := range p.definition.ContainerDefinitions {
					names = append(names, aws.ToString(p.definition.ContainerDefinitions[c].Name))
				}
			}
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var pairs []string
	for _, n := range slices.Compact(names) {
		pairs = append(pairs, n, "#")
	}
	return strings.NewReplacer(pairs...)
}
