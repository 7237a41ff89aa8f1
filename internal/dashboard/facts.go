package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
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
	Headline   string        `json:"headline"`
	Problems   []string      `json:"problems"`
	Known      bool          `json:"known"`
	Live       bool          `json:"live"`
	LookedAt   time.Time     `json:"looked_at,omitzero"`
	Mode       string        `json:"mode"`
	ModeSince  time.Time     `json:"mode_since,omitzero"`
	Preset     string        `json:"policy"`
	Observing  bool          `json:"observing"`
	Demand     int           `json:"demand"`
	Running    int           `json:"running"`
	Spot       int           `json:"spot_running"`
	OnDemand   int           `json:"on_demand_running"`
	Starting   int           `json:"starting"`
	Shortfall  int           `json:"shortfall"`
	ShortSince time.Time     `json:"short_since,omitzero"`
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
	f.ModeSince, f.ShortSince, f.Pin, f.Pause = st.ModeSince, st.ShortSince, st.Pin, st.Pause
	f.Demand, f.Running, f.Shortfall, f.Health = d.Demand, d.Running, d.Shortfall, d.Health
	f.Reason, f.Words, f.DecidedAt = string(d.Reason), decisionWords(d), d.At
	for i := range d.Pools {
		p := &d.Pools[i]
		f.Starting += p.Starting
		if p.Capacity == failover.Spot {
			f.Spot += p.Running
		} else {
			f.OnDemand += p.Running
		}
	}
	for _, at := range st.Failovers {
		if now.Sub(at) < 24*time.Hour {
			f.Failovers++
		}
	}
	for i := range w.Policy.Pools {
		b := st.Pool(w.Policy.Pools[i].Name).B
		if b.Mode != failover.Closed {
			f.Breakers = append(f.Breakers, breakerFact{Pool: w.Policy.Pools[i].Name, Mode: b.Mode.String(), Since: b.Since, Why: string(b.Why),
				WhyText: reasonText(b.Why), NotBefore: b.NotBefore, Manual: b.Manual, Until: b.Until, By: b.By, Note: b.Note})
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
	if f.Shortfall > 0 {
		l, long := Warning, ""
		if now.Sub(f.ShortSince) >= time.Second && !f.ShortSince.IsZero() {
			long = " for " + span(now.Sub(f.ShortSince))
			if now.Sub(f.ShortSince) > p.StartLimit {
				l = Critical
			}
		}
		problem(l, fmt.Sprintf("%d of %d wanted tasks are missing%s", f.Shortfall, f.Demand, long))
	}
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
	if f.Pin != nil || f.Pause != nil || f.OnDemand > 0 && f.Spot < f.Demand {
		problem(Covering, "")
	}
	f.headline(now)
}

// headline says the most important thing first.
func (f *fact) headline(now time.Time) {
	switch {
	case f.Shortfall > 0:
		f.Headline = fmt.Sprintf("%d of %d missing", f.Shortfall, f.Demand)
		if now.Sub(f.ShortSince) >= time.Second && !f.ShortSince.IsZero() {
			f.Headline += " for " + span(now.Sub(f.ShortSince))
		}
	case len(f.Problems) > 0:
		f.Headline = f.Problems[0]
	case f.Demand == 0:
		f.Headline = "No tasks are wanted"
	case f.Pause != nil:
		f.Headline = "Paused: nothing is changed"
	case f.Pin != nil:
		f.Headline = fmt.Sprintf("Pinned to %s: %d on Spot, %d on on-demand", modeWord(f.Pin.Mode), f.Spot, f.OnDemand)
	case slices.ContainsFunc(f.Breakers, func(b breakerFact) bool { return b.Manual }):
		f.Headline = fmt.Sprintf("Failed over: %d on Spot, %d on on-demand", f.Spot, f.OnDemand)
	case f.Spot >= f.Demand && f.OnDemand == 0:
		f.Headline = fmt.Sprintf("All %d run on Spot", f.Demand)
	case f.Spot >= f.Demand:
		f.Headline = fmt.Sprintf("All %d run on Spot; giving %d on-demand back", f.Demand, f.OnDemand)
	case f.Spot == 0:
		f.Headline = fmt.Sprintf("All %d run on on-demand", f.Demand)
	default:
		f.Headline = fmt.Sprintf("%d of %d covered by on-demand", f.Demand-f.Spot, f.Demand)
	}
}

// worstFirst orders facts: by level, by what is missing, by name.
func worstFirst(a, b fact) int {
	missing := func(f fact) float64 { return float64(f.Shortfall) / float64(max(1, f.Demand)) }
	return cmp.Or(cmp.Compare(a.Level.rank(), b.Level.rank()), cmp.Compare(missing(b), missing(a)), cmp.Compare(a.Workload, b.Workload))
}
