package drill

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// Lines are the report for people.
func (r *Report) Lines() []string {
	out := []string{fmt.Sprintf("%s: %s of %d stopped at %s, measured every %gs", r.Workload, wording.Count(len(r.Tasks), "Spot task"), r.Demand, wording.Clock(r.Began), r.Every)}
	after := func(what string, at *float64) {
		if at == nil {
			out = append(out, fmt.Sprintf("  %-36s not seen", what))
			return
		}
		out = append(out, fmt.Sprintf("  %-36s after %.1fs", what, *at))
	}
	if r.Heard == nil && r.Over != nil {
		out = append(out, "  the guard did not hear of it: check the path of events with backstop doctor")
	} else {
		after("the guard decided on it", r.Heard)
	}
	switch {
	case r.Asked != nil || r.Cover > 0:
		what := "cover asked for"
		if r.Cover > 0 { // none was seen where it came and went between two looks
			what += " (" + wording.Count(r.Cover, "on-demand task") + ")"
		}
		after(what, r.Asked)
	case r.Heard != nil:
		out = append(out, "  no cover: ECS's replacements on Spot were proved in time")
	}
	after("replacements have capacity", r.Placed)
	after("replacements run", r.Running)
	after("replacements in service", r.Ready)
	after("all that is wanted is in service", r.Whole)
	after("as before, cover given back", r.Over)
	out = append(out, fmt.Sprintf("  in service at least %d of %d, less than wanted for %s", r.Lowest, r.Demand, wording.Span(seconds(r.ShortSeconds))))
	cost := fmt.Sprintf("  %.2f on-demand task-hours", r.OnDemandHours)
	if r.USD != nil {
		cost += fmt.Sprintf(", about $%.2f", *r.USD)
	}
	return append(out, cost)
}

// Line is what there is to say of a drill that goes on.
func (r *Report) Line(now time.Time) string {
	state := "waiting for the guard to hear of it"
	switch {
	case r.Whole != nil:
		state = "all that is wanted is in service; waiting for cover to be given back"
	case r.Ready != nil:
		state = "replacements are in service"
	case r.Running != nil:
		state = "replacements run and warm up"
	case r.Placed != nil:
		state = "replacements have capacity"
	case r.Heard != nil:
		state = "the guard has decided; replacements start"
	}
	return fmt.Sprintf("%s: %s", wording.Span(now.Sub(r.Began)), state)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
