package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Level says how much a workload needs a person.
type Level string

// Levels, the worst first.
const (
	// Critical: tasks are missing and will stay so, or nothing guards the workload.
	Critical Level = "critical"
	// Warning: tasks are missing just now, or something threatens them.
	Warning Level = "warning"
	// Covering: all that is wanted serves, some of it on on-demand.
	Covering Level = "covering"
	// Fine: all that is wanted serves where it is preferred.
	Fine Level = "ok"
)

// Levels are all levels, the worst first.
func Levels() []Level { return []Level{Critical, Warning, Covering, Fine} }

// Word is the level as people read it.
func (l Level) Word() string {
	switch l {
	case Critical:
		return "Critical"
	case Warning:
		return "Warning"
	case Covering:
		return "On-demand in use"
	}
	return "Fine"
}

// Rank orders levels, the worst first.
func (l Level) Rank() int { return slices.Index(Levels(), l) }

// NeedsYou reports whether a person should look.
func (l Level) NeedsYou() bool { return l == Critical || l == Warning }

// Problem is one thing that is wrong: its cause in words, and the next step.
type Problem struct {
	Level Level `json:"level"`
	// Kind is the reason of a finding, or missing, silent or unknown.
	Kind  string    `json:"kind"`
	Pool  string    `json:"pool,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Text  string    `json:"text"`
	// Do is what a person can do, Command what does it or shows more.
	Do      string `json:"do,omitempty"`
	Command string `json:"command,omitempty"`
}

// Kinds of problems that are no reason of a decision.
const (
	KindMissing = "missing"
	KindSilent  = "silent"
	KindUnknown = "unknown"
	KindRefused = "refused"
)

// Verdict is how a workload is.
type Verdict struct {
	Level Level `json:"level"`
	// LevelText is the level as people read it.
	LevelText string `json:"level_text"`
	// Headline says it in a sentence, the most important thing first.
	Headline string `json:"headline"`
	// Problems are the worst first; empty where nothing needs a person.
	Problems []Problem `json:"problems"`
	// Silent is set where nothing is known to look at the workload any more: the counts are those of the last look.
	Silent bool `json:"silent"`
}

// Facts are what is known of a workload.
type Facts struct {
	Workload string
	Policy   *failover.Policy
	State    *failover.State
	// Decision is the newest that is known; nil: the workload was never looked at.
	Decision *failover.Decision
	// Look says when it was last looked at.
	Look Look
}

// Look says how long ago a workload was last known to be looked at, and how often a guard that lives leaves a trace of that.
type Look struct {
	Age, Every time.Duration
}

// readinessFor is how old stored readiness can be while it is being read: every five minutes, and written within five more. What is
// older belongs to a service whose health checks are gone or cannot be read.
const readinessFor = 15 * time.Minute

// ReadinessAt is when the health behind the counts was last read, as far as that is stored, in the pool that was read the longest ago: a
// quiet workload's is read every five minutes. Zero: it has no health checks, or they cannot be read.
func ReadinessAt(st *failover.State) (oldest time.Time) {
	for i := range st.Seen.Pools {
		p := &st.Seen.Pools[i]
		if p.Desired == 0 || p.ServedTo.IsZero() || st.Seen.At.Sub(p.ServedTo) > readinessFor {
			continue
		}
		if oldest.IsZero() || p.ServedTo.Before(oldest) {
			oldest = p.ServedTo
		}
	}
	return oldest
}

// silentTicks is after how many traces that did not come a guard counts as silent.
const silentTicks = 3

// silentLeast bounds that from below: a pass may take half a minute.
const silentLeast = time.Minute

// SilentAfter is how old the last trace may be of a guard that leaves one so often.
func SilentAfter(every time.Duration) time.Duration { return max(silentTicks*every, silentLeast) }

// Silent reports whether the last trace is too old.
func (l Look) Silent() bool { return l.Every > 0 && l.Age > SilentAfter(l.Every) }

// Of judges a workload at a moment, by AWS's clock.
func Of(f Facts, now time.Time) Verdict {
	if f.Decision == nil {
		text := "not checked yet"
		return Verdict{Level: Critical, LevelText: Critical.Word(), Headline: wording.UpperFirst(text), Silent: true, Problems: []Problem{{Level: Critical, Kind: KindUnknown, Text: text,
			Do: "start the guard, and check that it uses this state", Command: "backstop run"}}}
	}
	c := wording.CountsOf(f.Decision)
	j := judgement{f: f, c: c, now: now, missing: missingLevel(f.Policy, f.State, f.Decision, &c, now)}
	problems := j.problems()
	v := Verdict{Level: Fine, Problems: problems, Silent: f.Look.Silent()}
	if c.OnDemand.High > 0 && c.Spot.Low < c.Demand {
		v.Level = Covering
	}
	for i := range problems {
		v.Level = worse(v.Level, problems[i].Level)
	}
	v.LevelText = v.Level.Word()
	v.Headline = headline(&f, &c, problems, now)
	if len(problems) == 0 || !strings.HasPrefix(v.Headline, problems[0].Pool) || problems[0].Pool == "" { // a name keeps its letters
		v.Headline = wording.UpperFirst(v.Headline)
	}
	return v
}

// judgement is what the problems of one workload are made of.
type judgement struct {
	f       Facts
	c       wording.Counts
	now     time.Time
	missing Level // Fine: nothing is missing
}

// problems are everything that is wrong, the worst first.
func (j *judgement) problems() []Problem {
	out := []Problem{}
	if j.f.Look.Silent() {
		out = append(out, Problem{Level: Critical, Kind: KindSilent, Text: wording.Silent(j.f.Look.Age), Do: wording.SilentRemedy.Do, Command: wording.SilentRemedy.Command})
	}
	var causes []Problem
	for _, f := range j.findings() {
		level := levelOf(f, j.f.State, j.now, j.missing != Fine || threatened(&j.c))
		if !level.NeedsYou() || Momentary(f.Reason) {
			continue
		}
		r := wording.RemedyOf(f, j.f.Workload)
		causes = append(causes, Problem{Level: level, Kind: string(f.Reason), Pool: f.Pool, Since: j.since(f), Text: wording.Finding(f), Do: r.Do, Command: r.Command})
	}
	causes = append(causes, j.refused()...)
	slices.SortStableFunc(causes, worstFirst)
	if j.missing != Fine && (j.c.Missing.Low > 0 || !slices.ContainsFunc(causes, unreadable)) {
		out = append(out, j.missed(&causes))
	}
	out = append(out, causes...)
	slices.SortStableFunc(out, worstFirst)
	return out
}

// findings are the decision's, and what the state holds whatever the last look saw: auto scaling that a failover has suspended.
func (j *judgement) findings() []*failover.Finding {
	var out []*failover.Finding
	parked := make(map[string]bool)
	for i := range j.f.Decision.Findings {
		f := &j.f.Decision.Findings[i]
		parked[f.Pool] = parked[f.Pool] || f.Reason == failover.ReasonScalingParked
		out = append(out, f)
	}
	for i := range j.f.State.Pools {
		if p := &j.f.State.Pools[i]; p.Parked != nil && !parked[p.Name] {
			out = append(out, &failover.Finding{Reason: failover.ReasonScalingParked, Pool: p.Name, Count: p.Parked.Min, Limit: p.Parked.Max})
		}
	}
	return out
}

// refused are the pools whose count AWS does not let be raised: cover does not come until a person, or AWS, does something.
func (j *judgement) refused() (out []Problem) {
	for i := range j.f.State.Pools {
		p := &j.f.State.Pools[i]
		if p.RefusedSince.IsZero() {
			continue
		}
		level := Warning
		if j.missing != Fine {
			level = Critical
		}
		r := wording.RefusedRemedy(j.f.Workload)
		out = append(out, Problem{Level: level, Kind: KindRefused, Pool: p.Name, Since: p.RefusedSince, Text: wording.Refused(p.Name, p.RefusedSince), Do: r.Do, Command: r.Command})
	}
	return out
}

// missed is the problem that tasks are missing, with the cause that was found and its next step.
func (j *judgement) missed(causes *[]Problem) Problem {
	p := Problem{Level: j.missing, Kind: KindMissing, Since: j.f.State.MissingSince}
	k := slices.IndexFunc(*causes, func(c Problem) bool { return explainsMissing[failover.Reason(c.Kind)] })
	if k < 0 {
		p.Text = j.c.MissingFor(j.now, p.Since, "")
		if j.c.Arriving() < j.c.Missing.Low || p.Level == Critical {
			p.Do, p.Command = "see what the missing tasks wait for", "backstop explain "+j.f.Workload
		}
		return p
	}
	cause := (*causes)[k]
	*causes = slices.Delete(*causes, k, k+1)
	p.Level = worse(p.Level, cause.Level)
	p.Text, p.Pool, p.Do, p.Command = j.c.MissingFor(j.now, p.Since, cause.Text), cause.Pool, cause.Do, cause.Command
	return p
}

// since is from when a finding holds, where that is known.
func (j *judgement) since(f *failover.Finding) time.Time {
	switch f.Reason {
	case failover.ReasonBlind:
		return j.f.State.BlindSince
	case failover.ReasonWrittenOff, failover.ReasonServiceGone, failover.ReasonGuardedElsewhere, failover.ReasonHook, failover.ReasonCoverFailing, failover.ReasonEcho, failover.ReasonFallHeld:
		return f.Until
	}
	return time.Time{}
}

// missingLevel says how bad it is that tasks are missing: critical once it has lasted for longer than a start may take, or when not
// everything that is missing is on its way.
func missingLevel(p *failover.Policy, after *failover.State, d *failover.Decision, c *wording.Counts, now time.Time) Level {
	since := after.MissingSince
	switch {
	case c.Missing.High == 0:
		return Fine
	case c.Missing.Low == 0: // it is not known
		return Warning
	case !since.IsZero() && now.Sub(since) > p.StartLimit:
		return Critical
	case c.InService.High == 0 && c.Working == 0 && c.Arriving() == 0 && len(d.Actions) == 0:
		return Critical
	}
	return Warning
}

// threatened reports whether warned tasks still serve whose replacements are not all on their way.
func threatened(c *wording.Counts) bool {
	return c.Working > 0 && c.InService.Low+c.Arriving() < c.Demand
}

// unreadable is a problem that leaves the counts unknown, and says so itself.
func unreadable(p Problem) bool {
	return p.Kind == string(failover.ReasonBlind) || p.Kind == string(failover.ReasonHealthUnread)
}

// headline says the most important thing first.
func headline(f *Facts, c *wording.Counts, problems []Problem, now time.Time) string {
	st := f.State
	manual := slices.IndexFunc(st.Pools, func(p failover.PoolState) bool { return p.B.Mode == failover.Open && p.B.Manual })
	switch {
	case len(problems) > 0:
		return problems[0].Text
	case c.Demand == 0:
		return "no tasks are wanted"
	case st.Pause != nil:
		return wording.Paused(st.Pause)
	case st.Pin != nil:
		return fmt.Sprintf("%s; %s", wording.Pinned(st.Pin), c.Serving(now))
	case manual >= 0:
		return fmt.Sprintf("%s; %s", wording.FailedOver(st.Pools[manual].Name, &st.Pools[manual].B), c.Serving(now))
	}
	return c.Serving(now)
}

func worse(a, b Level) Level {
	if b.Rank() < a.Rank() {
		return b
	}
	return a
}

func worstFirst(a, b Problem) int { return cmp.Compare(a.Level.Rank(), b.Level.Rank()) }
