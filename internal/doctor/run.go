package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// check is one named check of one kind of subject.
type check struct {
	name string
	kind Kind
	// about says in a few words what is wanted, for the documentation.
	about string
	// needs are the checks that must not have failed for this one to mean anything; calls the reads of AWS that it
	// judges.
	needs, calls []string
	// spot and onDemand limit a check of pools to one kind of capacity.
	spot, onDemand bool
	// live checks try something on AWS, and run only where that is wanted.
	live bool
	run  func(x *exam) verdict
}

// exam is one check of one subject.
type exam struct {
	f *facts
	s Subject
	w *control.Workload // of a workload or a pool
	p *poolFacts        // of a pool
}

// verdict is what a check says.
type verdict struct {
	status    Status
	text, fix string
	changes   []Change
}

func okay(format string, args ...any) verdict {
	return verdict{status: OK, text: fmt.Sprintf(format, args...)}
}
func skip(format string, args ...any) verdict {
	return verdict{status: Skip, text: fmt.Sprintf(format, args...)}
}

// bad is a problem and its fix.
func bad(status Status, fix, format string, args ...any) verdict {
	return verdict{status: status, text: fmt.Sprintf(format, args...), fix: fix}
}

func (v verdict) with(changes ...Change) verdict {
	v.changes = changes
	return v
}

// Run looks at everything that the options name and judges it. An error says that nothing could be begun; whatever
// AWS refuses is part of the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.File == nil || len(o.Workloads) == 0 {
		return Report{}, errors.New("check set-up: no workloads are configured")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := look(ctx, o)
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("check set-up: %w", err)
	}
	return judge(f), nil
}

// judge runs every check over the facts.
func judge(f *facts) Report {
	j := judging{f: f, report: Report{At: f.now.UTC(), Results: []Result{}, names: namesOf(f)}}
	j.all(KindAccount, Subject{Kind: KindAccount}, nil, nil)
	for _, p := range places(f.workloads) {
		j.all(KindRegion, regionOf(p), nil, nil)
	}
	j.all(KindEvents, Subject{Kind: KindEvents}, nil, nil)
	j.all(KindState, Subject{Kind: KindState}, nil, nil)
	j.all(KindNotices, Subject{Kind: KindNotices}, nil, nil)
	for i := range f.workloads {
		w := &f.workloads[i]
		for k := range w.Refs {
			s := subjectOf(w, k)
			p := f.pools[s]
			if p == nil {
				p = &poolFacts{ref: w.Refs[k], policy: &w.Policy.Pools[k]}
			}
			j.all(KindPool, s, w, p)
		}
		j.all(KindWorkload, subjectOf(w, -1), w, nil)
	}
	j.report.Healthy = j.report.Fail == 0
	return j.report
}

type judging struct {
	f      *facts
	report Report
}

// all runs the checks of one kind on one subject.
func (j *judging) all(kind Kind, s Subject, w *control.Workload, p *poolFacts) {
	for i := range checks {
		c := &checks[i]
		if c.live && !j.f.live || c.kind != kind || (p != nil && (c.spot || c.onDemand) && c.spot != (p.policy.Capacity == spot)) {
			continue
		}
		r := Result{Check: c.name, Subject: s}
		if cause, text := j.hindered(c, s); cause != "" {
			r.Status, r.Cause, r.Text = Skip, cause, text
		} else {
			v := c.run(&exam{j.f, s, w, p})
			r.Status, r.Text, r.Fix, r.changes = v.status, v.text, v.fix, v.changes
		}
		j.report.add(r)
	}
}

// hindered says which check or call keeps a check from meaning anything, and why.
func (j *judging) hindered(c *check, s Subject) (cause, text string) {
	for i := range j.report.Results {
		r := &j.report.Results[i]
		if !slices.Contains(c.needs, r.Check) || !related(r.Subject, s) {
			continue
		}
		switch {
		case r.Status == Fail:
			return r.Check, "because of " + r.Check
		case r.Status == Skip && isCheck(r.Cause):
			return r.Cause, "because of " + r.Cause
		}
	}
	for _, action := range c.calls {
		err := j.f.failure(s, action)
		if err == nil {
			continue
		}
		call := failedCall{err: err}
		switch {
		case call.unknown():
			return action, "this endpoint does not offer " + action
		case call.denied():
			return action, action + " is not allowed, so that this cannot be told"
		}
		return action, action + " failed: " + err.Error()
	}
	return "", ""
}

func isCheck(name string) bool {
	return slices.ContainsFunc(checks, func(c check) bool { return c.name == name })
}

// About is one check, for the documentation.
type About struct {
	Name  string
	Kind  Kind
	About string
	Needs []string
}

// Checks lists every check in the order in which they run.
func Checks() []About {
	var out []About
	for i := range checks {
		out = append(out, About{checks[i].name, checks[i].kind, checks[i].about, slices.Clone(checks[i].needs)})
	}
	return out
}
