package wording

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Decision says a decision in a line: what was done, and why. With withheld it says what would have been done.
func Decision(d *failover.Decision, withheld bool) string {
	acts, would := d.Actions, ""
	if withheld || len(acts) == 0 {
		acts = d.Withheld
	}
	why := Why(d)
	if len(acts) == 0 {
		return why
	}
	if withheld || len(d.Actions) == 0 {
		would = "would "
	}
	return would + strings.Join(Actions(acts), ", ") + ": " + why
}

// Actions says each action in a few words.
func Actions(acts []failover.Action) []string {
	out := make([]string, 0, len(acts))
	for _, a := range acts {
		out = append(out, Action(a))
	}
	return out
}

// Action says an action in a few words: "raise standard from 0 to 12".
func Action(a failover.Action) string {
	set, ok := a.(failover.SetDesiredCount)
	switch {
	case !ok:
		return journal.Text(a)
	case set.Count > set.From:
		return fmt.Sprintf("raise %s from %d to %d", set.Pool, set.From, set.Count)
	case set.Count < set.From:
		return fmt.Sprintf("lower %s from %d to %d", set.Pool, set.From, set.Count)
	}
	return fmt.Sprintf("ask %s for %d again", set.Pool, set.Count)
}

// Why says why, without a full stop: in the words of the finding that belongs to the reason, or with the counts, or in the words of the
// closed set.
func Why(d *failover.Decision) string {
	for i := range d.Findings {
		if d.Findings[i].Reason == d.Reason {
			return Finding(&d.Findings[i])
		}
	}
	inService := fmt.Sprintf("%s of %d in service", d.InService, d.Demand)
	switch d.Reason {
	case failover.ReasonSpotShort:
		return "Spot is short: " + inService
	case failover.ReasonInterruption:
		return "AWS interrupts Spot tasks: " + inService
	case failover.ReasonSpotReturned:
		return "Spot tasks are in service again: " + inService
	case failover.ReasonSurplus:
		return "more on-demand runs than is needed: " + inService
	}
	return strings.TrimSuffix(LowerFirst(Reason(d.Reason)), ".")
}

// Finding says a finding. The mode is written as on-demand, not as its value in JSON.
func Finding(f *failover.Finding) string {
	if f.Reason == failover.ReasonPinned {
		return strings.Replace(f.Text(), string(failover.ModeOnDemand), "on-demand", 1)
	}
	return f.Text()
}

// Reason says a reason in the words of the closed set, with a full stop.
func Reason(r failover.Reason) string {
	for _, doc := range failover.Reasons() {
		if doc.Reason == r {
			return doc.Text
		}
	}
	return string(r)
}

// LowerFirst writes a sentence's first letter small, but for a name such as AWS.
func LowerFirst(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	for _, name := range []string{"Spot ", "Fargate "} {
		if strings.HasPrefix(s, name) {
			return s
		}
	}
	return strings.ToLower(s[:1]) + s[1:]
}
