package cli

import (
	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// scenarioList is the answer of `backstop demo --list`.
type scenarioList struct {
	Scenarios []scenarioFact `json:"scenarios"`
}

type scenarioFact struct {
	Name    string  `json:"name"`
	About   string  `json:"about"`
	Seconds float64 `json:"virtual_seconds"`
}

func listScenarios(s IO, o demoOptions) error {
	all := demo.Scenarios(o.tasks)
	if o.output == outputJSON {
		list := scenarioList{Scenarios: make([]scenarioFact, len(all))}
		for i, sc := range all {
			list.Scenarios[i] = scenarioFact{sc.Name, sc.About, sc.Length.Seconds()}
		}
		return printJSON(s.Out, list)
	}
	rows := [][]string{{"SCENARIO", "LASTS", "WHAT HAPPENS"}}
	for _, sc := range all {
		rows = append(rows, []string{sc.Name, wording.Span(sc.Length), sc.About})
	}
	return table(s.Out, rows)
}
