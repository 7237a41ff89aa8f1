package wording

import (
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Seen says what a decision has seen of the workload: "200 tasks wanted, 120 in service, 80 missing; to run on Spot and on-demand".
func Seen(d *failover.Decision) string {
	return fmt.Sprintf("%s wanted, %s in service, %s missing; to run on %s", Count(d.Demand, "task"), d.InService, d.Missing, Mode(d.Mode))
}

// PoolLines say of a pool what its row does not: what is arriving, leaving and owed, and the evidence against it.
func PoolLines(v *failover.PoolDecision) []string {
	var out []string
	if text := ArrivingIn(v); text != "" {
		out = append(out, text)
	}
	if v.Working > 0 {
		out = append(out, fmt.Sprintf("%d of %d leaving tasks still work", v.Working, v.Leaving))
	}
	if v.Owed > 0 {
		out = append(out, fmt.Sprintf("%s missing here that must be covered", Count(v.Owed, "task")))
	}
	if v.Excused > 0 {
		out = append(out, fmt.Sprintf("%s missing here for a reason that needs no cover", Count(v.Excused, "task")))
	}
	if v.Surplus > 0 {
		out = append(out, fmt.Sprintf("%d needed, %d more to cut the slowest starts", v.Need, v.Surplus))
	}
	if v.Unhealthy > 0 {
		out = append(out, fmt.Sprintf("%s unhealthy after it was in service", Count(v.Unhealthy, "task")))
	}
	if v.CapacityFailures+v.Interruptions > 0 {
		out = append(out, fmt.Sprintf("%s, %s in the trip window", Count(v.CapacityFailures, "capacity failure"), Count(v.Interruptions, "interruption")))
	}
	return out
}
