package main

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// world is a scenario, with a headline for its column.
type world struct {
	demo.Scenario
	title string
	// spotBack is when Spot can hold everything again, since the beginning; 0: it never could not.
	spotBack time.Duration
}

// worlds are the scenarios of docs/comparison.md for a workload of n tasks.
func worlds(n int) []world {
	at := func(t time.Duration, do func(*demo.Stage) error) demo.Step { return demo.Step{At: t, Do: do} }
	holds := func(n int) func(*demo.Stage) error { return func(s *demo.Stage) error { s.Spot(n); return nil } }
	out := []world{
		{title: "no Spot for 1 h", spotBack: 90 * time.Minute, Scenario: find("shortage", n)},
		{title: "60 % of it for 1 h", spotBack: 90 * time.Minute, Scenario: demo.Scenario{Name: "sixty", Length: 3 * time.Hour, Steps: []demo.Step{
			at(30*time.Minute, holds((n*60+50)/100)), at(90*time.Minute, holds(-1))}}},
		{title: "30 % interrupted, capacity left", Scenario: demo.Scenario{Name: "burst", Length: 2 * time.Hour, Steps: []demo.Step{
			at(30*time.Minute, func(s *demo.Stage) error { s.Interrupt((n*30 + 50) / 100); return nil })}}},
		{title: "a broken image", Scenario: demo.Scenario{Name: "broken", Length: 3 * time.Hour, Steps: []demo.Step{
			at(30*time.Minute, func(s *demo.Stage) error { return s.Deploy(true) }), at(90*time.Minute, func(s *demo.Stage) error { return s.Deploy(false) })}}},
		{title: "no Spot for 30 min, 60 s of warm-up", spotBack: 60 * time.Minute, Scenario: find("warm-up-return", n)},
		{title: "blue/green, 75 % lost", spotBack: 100 * time.Minute, Scenario: find("blue-green-loss", n)},
		{title: "broken release, 60 % lost", spotBack: 90 * time.Minute, Scenario: find("broken-release-and-loss", n)},
	}
	return out
}

// find returns one of the demo's scenarios; that its name is right is tested.
func find(name string, n int) demo.Scenario {
	s, err := demo.Find(name, n)
	if err != nil {
		panic(fmt.Sprintf("worlds: %v", err))
	}
	return s
}
