package wording

import (
	"fmt"
	"strings"
)

// LeftBehind says what remains of a workload that is configured no more, and LeftRemedy what to do.
func LeftBehind(workload string, onDemand, held int, suspended []string) string {
	var parts []string
	if onDemand > 0 {
		parts = append(parts, fmt.Sprintf("%s %s on", Count(onDemand, "on-demand task"), Verb(onDemand, "runs", "run")))
	}
	if held > 0 {
		parts = append(parts, fmt.Sprintf("its Spot service is asked for %d fewer than wanted", held))
	}
	if len(suspended) > 0 {
		parts = append(parts, "auto scaling is suspended: "+strings.Join(suspended, ", "))
	}
	return fmt.Sprintf("%s is configured no more: %s", workload, strings.Join(parts, "; "))
}

// LeftRemedy is the next step.
func LeftRemedy(workload string) Remedy {
	return Remedy{"give back what was left, and restore what was suspended", "backstop release " + workload}
}
