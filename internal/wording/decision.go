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
