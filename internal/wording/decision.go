package wording

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
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

// FirstLook says what a first look at a workload has found, and what is done about it, with the counts before and after: "found spot 14 of 20 in service, standard 0
// of 0; raise standard from 0 to 9 (20 tasks asked, then 29): Spot is short: 14 of 20 in service".
func FirstLook(d *failover.Decision) string {
	found := make([]string, len(d.Pools))
	before, after := 0, 0
	for i := range d.Pools {
		p := &d.Pools[i]
		found[i] = fmt.Sprintf("%s %s of %d", p.Pool, p.InService, p.InForce)
		if i == 0 {
			found[i] += " in service"
		}
		if p.Sight != failover.Fresh {
			found[i] += " (" + Sight(p.Sight) + ")"
		}
		before += p.InForce
		after += p.InForce
	}
	text := "found " + strings.Join(found, ", ") + "; "
	acts := d.Actions
	if len(acts) == 0 {
		acts = d.Withheld
	}
	if len(acts) == 0 {
		text += "nothing to change (" + Count(before, "task") + " asked)"
		if d.Reason == failover.ReasonSteady {
			return text
		}
		return text + ": " + Why(d)
	}
	for _, a := range acts {
		if set, ok := a.(failover.SetDesiredCount); ok {
			after += set.Count - set.From
		}
	}
	if len(d.Actions) == 0 {
		text += "would "
	}
	return fmt.Sprintf("%s%s (%s asked, then %d): %s", text, strings.Join(Actions(acts), ", "), Count(before, "task"), after, Why(d))
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
		if c := CountsOf(d); c.Working > 0 { // they still serve
			return "AWS interrupts Spot tasks: " + c.LeavingText()
		}
		return "AWS interrupts Spot tasks: " + inService
	case failover.ReasonSpotReturned:
		return "Spot tasks are in service again: " + inService
	case failover.ReasonSurplus:
		return "more on-demand runs than is needed: " + inService
	}
	return strings.TrimSuffix(LowerFirst(Reason(d.Reason)), ".")
}
