package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scenario is a piece of history for the sandbox to play.
type Scenario struct {
	Name string
	// About says in a line what happens.
	About string
	// Length is how long it lasts, in virtual time.
	Length time.Duration
	// Zones are the availability zones that the services spread over; empty: the region's first three.
	Zones []string
	// HalfMayGo lets a deploy take half of the tasks down at a time, as many services do; ECS's default is none.
	HalfMayGo bool
	// Front is what stands before the tasks.
	Front Front
	Steps []Step
	// Promises are what the product promises of it with the policy fill.
	Promises []Promise
}

// Step is one thing that happens at one moment.
type Step struct {
	At time.Duration // since the beginning
	// Say says it in words; empty: it is not told.
	Say string
	// Do is what happens. It may change only the world.
	Do func(*Stage) error
}

// Names lists the scenarios, the default first.
func Names() []string {
	var out []string
	for _, s := range Scenarios(1) {
		out = append(out, s.Name)
	}
	return out
}

// Find returns the named scenario for a workload of n tasks.
func Find(name string, n int) (Scenario, error) {
	for _, s := range Scenarios(n) {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("no scenario %q; there are %s", name, strings.Join(Names(), ", "))
}

// sorted returns the steps in the order of time; of two at one moment the first given comes first.
func sorted(steps []Step) []Step {
	out := slices.Clone(steps)
	slices.SortStableFunc(out, func(a, b Step) int { return int(a.At - b.At) })
	return out
}

// at builds a step.
func at(t time.Duration, say string, do func(*Stage) error) Step {
	return Step{At: t, Say: say, Do: do}
}

// spotHolds limits Spot in the whole region to n tasks; negative: no limit.
func spotHolds(n int) func(*Stage) error {
	return func(s *Stage) error { s.Spot(n); return nil }
}

// onDemandHolds limits on-demand in the whole region to n tasks; negative: no limit.
func onDemandHolds(n int) func(*Stage) error {
	return func(s *Stage) error { s.OnDemand(n); return nil }
}

func zoneHolds(zone string, n int) func(*Stage) error {
	return func(s *Stage) error { s.Zone(zone, n); return nil }
}

func interrupted(n int) func(*Stage) error {
	return func(s *Stage) error { s.Interrupt(n); return nil }
}

func wanted(n int) func(*Stage) error { return func(s *Stage) error { return s.Want(n) } }

func deployed(broken bool) func(*Stage) error {
	return func(s *Stage) error { return s.Deploy(broken) }
}
