// Package wording makes the sentences and the sums that every surface shows of a decision: commands, pages and the demo say the same
// fact in the same words.
package wording

import (
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Counts sums up what a decision has seen, in the words of docs/design.md.
type Counts struct {
	Demand int
	// InService and Missing are the workload's; Spot and OnDemand are the tasks in service of the pools of one kind. A range that is
	// no single number is not known better.
	InService, Missing failover.Range
	Spot, OnDemand     failover.Range
	// Warming tasks are RUNNING and not yet in service, Placed ones are not RUNNING yet.
	Warming, Placed int
	// Late tasks are past their limit, Unhealthy ones were in service before.
	Late, Unhealthy int
	// Leaving tasks are under notice or stopping; Working of them still serve.
	Leaving, Working int
	// Due is when the last of what is arriving is due, LeavingBy when the first of the working tasks is stopped; zero when that is not known.
	Due, LeavingBy time.Time
}

// CountsOf sums up a decision.
func CountsOf(d *failover.Decision) Counts {
	c := Counts{Demand: d.Demand, InService: d.InService, Missing: d.Missing}
	for i := range d.Pools {
		p := &d.Pools[i]
		sum := &c.OnDemand
		if p.Capacity == failover.Spot {
			sum = &c.Spot
		}
		sum.Low += p.InService.Low
		sum.High += p.InService.High
		c.Warming += p.Warming
		c.Placed += p.Placed
		c.Late += p.Late
		c.Unhealthy += p.Unhealthy
		c.Leaving += p.Leaving
		c.Working += p.Working
		if p.ReadyBy.After(c.Due) {
			c.Due = p.ReadyBy
		}
		if by := p.LeavingBy; !by.IsZero() && (c.LeavingBy.IsZero() || by.Before(c.LeavingBy)) {
			c.LeavingBy = by
		}
	}
	return c
}

// Known reports whether every pool was read, so that each range is a single number.
func (c *Counts) Known() bool {
	return c.InService.Known() && c.Missing.Known() && c.Spot.Known() && c.OnDemand.Known()
}

// Arriving is how many tasks are on their way into service.
func (c *Counts) Arriving() int { return c.Warming + c.Placed }

// ArrivingText says what is on its way and when it is due: "3 warming, 2 placed, due 10:04:05Z"; empty when nothing is.
func (c *Counts) ArrivingText() string { return arriving(c.Warming, c.Placed, c.Due) }

// ArrivingIn says what is on its way in one pool.
func ArrivingIn(p *failover.PoolDecision) string { return arriving(p.Warming, p.Placed, p.ReadyBy) }

func arriving(warming, placed int, due time.Time) string {
	var parts []string
	if warming > 0 {
		parts = append(parts, fmt.Sprintf("%d warming", warming))
	}
	if placed > 0 {
		parts = append(parts, fmt.Sprintf("%d placed", placed))
	}
	if len(parts) > 0 && !due.IsZero() {
		parts = append(parts, "due "+Clock(due))
	}
	return strings.Join(parts, ", ")
}

// LeavingText says what goes: "4 leaving, 3 of them still work"; empty when nothing does.
func (c *Counts) LeavingText() string {
	switch {
	case c.Leaving == 0:
		return ""
	case c.Working == 0:
		return fmt.Sprintf("%d leaving", c.Leaving)
	case c.Working == c.Leaving:
		return fmt.Sprintf("%d leaving, still working", c.Leaving)
	}
	return fmt.Sprintf("%d leaving, %d of them still work", c.Leaving, c.Working)
}

// MissingFor says what is missing and for how long, with the cause where one was found, else with what is on its way: "5 of 20 missing for
// 2m: vCPU quota L-3032A538 is full, 5 more needed in standard", "5 of 20 missing; 3 warming, due 10:04:05Z". It is empty when nothing
// is missing; where that is not known, it says so.
func (c *Counts) MissingFor(now, since time.Time, cause string) string {
	if c.Missing.High == 0 {
		return ""
	}
	text := fmt.Sprintf("%s of %d missing", c.Missing, c.Demand)
	if !c.Missing.Known() {
		text = fmt.Sprintf("%s of %d may be missing", c.Missing, c.Demand)
	}
	if d := now.Sub(since); c.Missing.Low > 0 && !since.IsZero() && d >= time.Second {
		text += " for " + Span(d)
	}
	if cause != "" {
		return text + ": " + cause
	}
	if on := c.ArrivingText(); on != "" {
		text += "; " + on
	}
	return text
}

// Serving says what serves the demand while nothing is missing.
func (c *Counts) Serving(now time.Time) string {
	all := fmt.Sprintf("all %d ", c.Demand)
	is := "" // said of one task alone
	switch c.Demand {
	case 0:
		if c.OnDemand.High == 0 {
			return "no task is wanted"
		}
	case 1:
		all, is = "the one task ", "is "
	}
	switch {
	case c.Working > 0 && c.InService.Low < c.Demand:
		return fmt.Sprintf("%s%s; %s", all, Verb(c.Demand, "serves", "serve"), c.Replacing(now))
	case c.OnDemand.High == 0 && c.Spot.Low >= c.Demand:
		return all + is + "in service on Spot"
	case c.Spot.Low >= c.Demand:
		return fmt.Sprintf("%s%sin service on Spot; giving %s on-demand back", all, is, c.OnDemand)
	case c.Spot.High == 0:
		return all + is + "in service on on-demand"
	}
	if c.OnDemand == failover.Exactly(1) {
		return fmt.Sprintf("1 on-demand task stands in for Spot, %s%sin service", all, is)
	}
	return fmt.Sprintf("%s on-demand tasks stand in for Spot, %s%sin service", c.OnDemand, all, is)
}

// Replacing says of tasks under notice when they stop, when their replacements are due, and whether a gap is expected: "4 leaving in
// 1m40s, 4 replacements due in 1m10s: no gap expected".
func (c *Counts) Replacing(now time.Time) string {
	text := fmt.Sprintf("%d leaving", c.Leaving)
	if c.LeavingBy.After(now) {
		text += " in " + Span(c.LeavingBy.Sub(now))
	}
	needed := c.Demand - c.InService.Low
	switch {
	case c.Arriving() == 0:
		return text + ", no replacement started yet"
	case c.Due.IsZero():
		return fmt.Sprintf("%s, %s started", text, Count(c.Arriving(), "replacement"))
	}
	text += fmt.Sprintf(", %s due in %s", Count(c.Arriving(), "replacement"), Span(c.Due.Sub(now)))
	switch {
	case c.LeavingBy.IsZero():
		return text
	case c.Arriving() >= needed && !c.Due.After(c.LeavingBy):
		return text + ": no gap expected"
	case c.Arriving() >= needed:
		return text + ": a gap of about " + Span(c.Due.Sub(c.LeavingBy)) + " expected"
	}
	return fmt.Sprintf("%s: %d more needed", text, needed-c.Arriving())
}

// Sight says what the counts of a pool are worth, for a pool that was not read; empty for one that was.
func Sight(s failover.Sight) string {
	switch s {
	case failover.Fresh:
		return ""
	case failover.Told:
		return "not read: counts are from the last look and the events since"
	case failover.WrittenOff:
		return "no answer from AWS: its tasks count as lost"
	case failover.Gone:
		return "the service does not exist: its tasks count as lost"
	}
	return string(s)
}
