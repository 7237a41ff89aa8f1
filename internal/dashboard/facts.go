package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Level says how much a workload needs a person, the worst first.
type Level string

// Levels.
const (
	// Critical: tasks are missing for long, nothing can be read, or a limit keeps tasks away.
	Critical Level = "critical"
	// Warning: tasks are missing just now, or something should be looked at.
	Warning Level = "warning"
	// Covering: all that is wanted runs, but not on what is preferred, or by an operator's order.
	Covering Level = "covering"
	// Fine: all that is wanted runs where it is preferred.
	Fine Level = "ok"
)

func (l Level) rank() int {
	return slices.Index([]Level{Critical, Warning, Covering, Fine}, l)
}

const (
	// silentAfter is after how long without a pass a daemon that is watched is said to be silent: five default ticks.
	silentAfter = 5 * time.Minute
	// unrecordedAfter is the same where only the store is seen, into which a quiet workload is written now and then;
	// as `backstop status` has it.
	unrecordedAfter = 15 * time.Minute
)

// fact is one workload as the overview shows it.
type fact struct {
	Workload string `json:"workload"`
	Level    Level  `json:"level"`
	// Headline says in words how the workload is; Problems what is wrong.
	Headline  string    `json:"headline"`
	Problems  []string  `json:"problems"`
	Known     bool      `json:"known"`
	Live      bool      `json:"live"`
	LookedAt  time.Time `json:"looked_at,omitzero"`
	Mode      string    `json:"mode"`
	ModeSince time.Time `json:"mode_since,omitzero"`
	Preset    string    `json:"policy"`
	Observing bool      `json:"observing"`
	Demand    int       `json:"demand"`
	workloadCounts
	Health     int           `json:"spot_health"`
	Reason     string        `json:"reason"`
	Words      string        `json:"words"`
	DecidedAt  time.Time     `json:"decided_at,omitzero"`
	Pin        *failover.Pin `json:"pin,omitempty"`
	Pause      *pauseFact    `json:"pause,omitempty"`
	Breakers   []breakerFact `json:"breakers"`
	Failovers  int           `json:"failovers_24h"`
	Generation uint64        `json:"generation"`
}

// workloadCounts are the tasks of a workload, in the words of docs/design.md. A range that is no single number is not known better.
type workloadCounts struct {
	InService failover.Range `json:"in_service"`
	Spot      failover.Range `json:"spot_in_service"`
	OnDemand  failover.Range `json:"on_demand_in_service"`
	Warming   int            `json:"warming"`
	Placed    int            `json:"placed"`
	Late      int            `json:"late"`
	Unhealthy int            `json:"unhealthy"`
	Leaving   int            `json:"leaving"`
	Working   int            `json:"working"`
	// DueAt is when what is warming and placed is due; zero when that is not known.
	DueAt        time.Time      `json:"due_at,omitzero"`
	Missing      failover.Range `json:"missing"`
	MissingSince time.Time      `json:"missing_since,omitzero"`
	// CountsKnown is false where a pool could not be read: the ranges are what it can be.
	CountsKnown bool `json:"counts_known"`
	// Arriving and Goes say the same in words; empty when there is nothing to say.
	Arriving string `json:"arriving_text,omitempty"`
	Goes     string `json:"leaving_text,omitempty"`
}

func workloadCountsOf(d *failover.Decision, since time.Time) workloadCounts {
	c := wording.CountsOf(d)
	return workloadCounts{InService: c.InService, Spot: c.Spot, OnDemand: c.OnDemand, Warming: c.Warming, Placed: c.Placed, Late: c.Late,
		Unhealthy: c.Unhealthy, Leaving: c.Leaving, Working: c.Working, DueAt: c.Due, Missing: c.Missing, MissingSince: since, CountsKnown: c.Known(),
		Arriving: c.ArrivingText(), Goes: c.LeavingText()}
}

type pauseFact = failover.Pause

// breakerFact is a breaker that is not closed.
type breakerFact struct {
	Pool      string    `json:"pool"`
	Mode      string    `json:"mode"`
	Since     time.Time `json:"since,omitzero"`
	Why       string    `json:"why,omitempty"`
	WhyText   string    `json:"why_text,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Manual    bool      `json:"manual,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	By        string    `json:"by,omitempty"`
	Note      string    `json:"note,omitempty"`
}

// factOf says how a workload is at now.
func factOf(w *Workload, c Current, known bool, now time.Time) fact {
	st, d := &c.State, c.Decision
	f := fact{Workload: w.Name, Level: Fine, Problems: []string{}, Known: known, Mode: "unknown", Preset: w.Policy.Preset, Observing: w.Policy.Observe,
		Breakers: []breakerFact{}, Live: c.Live}
	if !known || d == nil {
		f.Level, f.Headline = Warning, "Never looked at"
		f.Problems = append(f.Problems, "Nothing is known of it yet: is `backstop run` running, and is this its state?")
		f.Known = false
		return f
	}
	f.LookedAt, f.Generation = c.LookedAt, st.Generation
	if d.Mode != failover.ModeUnknown {
		f.Mode = string(d.Mode)
	}
	f.ModeSince, f.Pin, f.Pause = st.ModeSince, st.Pin, st.Pause
	f.Demand, f.Health, f.workloadCounts = d.Demand, d.Health, workloadCountsOf(d, st.MissingSince)
	f.Reason, f.Words, f.DecidedAt = string(d.Reason), decisionWords(d), d.At
	for _, at := range st.Failovers {
		if now.Sub(at) < 24*time.Hour {
			f.Failovers++
		}
	}
	for i := range w.Policy.Pools {
		b := st.Pool(w.Policy.Pools[i].Name).B
		if b.Mode != failover.Closed {
			f.Breakers = append(f.Breakers, breakerFact{Pool: w.Policy.Pools[i].Name, Mode: b.Mode.String(), Since: b.Since, Why: string(b.Why),
				WhyText: wording.Reason(failover.Reason(b.Why)), NotBefore: b.NotBefore, Manual: b.Manual, Until: b.Until, By: b.By, Note: b.Note})
		}
	}
	f.judge(&w.Policy, c, now)
	return f
}

// judge sets the level, the problems and the headline.
func (f *fact) judge(p *failover.Policy, c Current, now time.Time) {
	problem := func(l Level, text string) {
		if l.rank() < f.Level.rank() {
			f.Level = l
		}
		if text != "" && !slices.Contains(f.Problems, text) {
			f.Problems = append(f.Problems, text)
		}
	}
	st := &c.State
	if !st.BlindSince.IsZero() {
		l := Warning
		if now.Sub(st.BlindSince) >= silentAfter {
			l = Critical
		}
		what := "only what is certain is done meanwhile"
		if !c.Decision.Blind() && c.Decision.Unread() {
			what = "its tasks count as lost"
		}
		problem(l, fmt.Sprintf("A pool cannot be read for %s; %s", span(now.Sub(st.BlindSince)), what))
	}
	f.judgeMissing(p, now, problem)
	for _, n := range c.Decision.Notices {
		switch n.Severity {
		case failover.Critical:
			problem(Critical, upperFirst(n.Text))
		case failover.Warning:
			problem(Warning, upperFirst(n.Text))
		}
	}
	switch age := now.Sub(f.LookedAt); {
	case c.Live && age > silentAfter:
		problem(Critical, fmt.Sprintf("It was not looked at for %s", span(age)))
	case age > unrecordedAfter:
		problem(Critical, fmt.Sprintf("Nothing was recorded for %s; does anything guard it?", span(age)))
	}
	for _, b := range f.Breakers {
		problem(Covering, "")
		if b.Mode == failover.Open.String() && !b.Manual && f.Pin == nil {
			problem(Warning, fmt.Sprintf("The breaker of %s is open", b.Pool))
		}
	}
	if f.Pin != nil || f.Pause != nil || f.OnDemand.High > 0 && f.Spot.Low < f.Demand {
		problem(Covering, "")
	}
	f.headline(now)
}

// judgeMissing says what is missing. Capacity that has been missing for longer than a start may take is critical.
func (f *fact) judgeMissing(p *failover.Policy, now time.Time, problem func(Level, string)) {
	if f.Missing.High == 0 {
		return
	}
	l := Warning
	if f.Missing.Low > 0 && !f.MissingSince.IsZero() && now.Sub(f.MissingSince) > p.StartLimit {
		l = Critical
	}
	text := f.missingText(now)
	if f.Arriving != "" {
		text += "; " + f.Arriving
	}
	problem(l, text)
}

// missingText says what is missing and for how long.
func (f *fact) missingText(now time.Time) string {
	text := fmt.Sprintf("%s of %d missing", f.Missing, f.Demand)
	if !f.Missing.Known() {
		text += ", not known better"
	}
	if since := now.Sub(f.MissingSince); f.Missing.Low > 0 && !f.MissingSince.IsZero() && since >= time.Second {
		text += " for " + span(since)
	}
	return text
}

// headline says the most important thing first.
func (f *fact) headline(now time.Time) {
	switch {
	case f.Missing.High > 0:
		f.Headline = f.missingText(now)
	case len(f.Problems) > 0:
		f.Headline = f.Problems[0]
	case f.Demand == 0:
		f.Headline = "No tasks are wanted"
	case f.Pause != nil:
		f.Headline = "Paused: nothing is changed"
	case f.Pin != nil:
		f.Headline = fmt.Sprintf("Pinned to %s: %s on Spot, %s on on-demand in service", modeWord(f.Pin.Mode), f.Spot, f.OnDemand)
	case slices.ContainsFunc(f.Breakers, func(b breakerFact) bool { return b.Manual }):
		f.Headline = fmt.Sprintf("Failed over: %s on Spot, %s on on-demand in service", f.Spot, f.OnDemand)
	case f.Spot.Low >= f.Demand && f.OnDemand.High == 0:
		f.Headline = fmt.Sprintf("All %d in service on Spot", f.Demand)
	case f.Spot.Low >= f.Demand:
		f.Headline = fmt.Sprintf("All %d in service on Spot; giving %s on-demand back", f.Demand, f.OnDemand)
	case f.OnDemand.High == 0: // nothing is missing: warned tasks still work
		f.Headline = fmt.Sprintf("All %d serve; %s", f.Demand, f.Goes)
	case f.Spot.High == 0:
		f.Headline = fmt.Sprintf("All %d in service on on-demand", f.Demand)
	default:
		f.Headline = fmt.Sprintf("%d of %d covered by on-demand", f.Demand-f.Spot.Low, f.Demand)
	}
}

// worstFirst orders facts: by level, by what is missing, by name.
func worstFirst(a, b fact) int {
	missing := func(f fact) float64 { return float64(f.Missing.High) / float64(max(1, f.Demand)) }
	return cmp.Or(cmp.Compare(a.Level.rank(), b.Level.rank()), cmp.Compare(missing(b), missing(a)), cmp.Compare(a.Workload, b.Workload))
}
