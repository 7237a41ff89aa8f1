package parts

import (
	"fmt"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
)

// Tariffs says what a task of each pool costs, by workload. A workload is absent when one of its pools' prices is not
// known.
func Tariffs(workloads []control.Workload) map[string]measure.Prices {
	out := make(map[string]measure.Prices)
next:
	for _, w := range workloads {
		p := measure.Prices{Pools: make(map[string]cost.PoolPrice)}
		for _, pool := range w.Policy.Pools {
			if pool.TaskHourUSD <= 0 {
				continue next
			}
			p.Pools[pool.Name] = cost.PoolPrice{Capacity: pool.Capacity, TaskHour: pool.TaskHourUSD}
			if pool.Capacity == failover.OnDemand && p.OnDemand == 0 {
				p.OnDemand = pool.TaskHourUSD
			}
			if pool.Capacity == failover.Spot && p.Spot == 0 {
				p.Spot = pool.TaskHourUSD
			}
		}
		out[w.Name] = p
	}
	return out
}

// costText says what the on-demand cover of a decision costs more than Spot would.
func costText(p measure.Prices, d *failover.Decision) string {
	n := 0
	for i := range d.Pools {
		if pool := &d.Pools[i]; pool.Capacity == failover.OnDemand {
			n += max(pool.Ask, cost.Billed(pool))
		}
	}
	if n == 0 || p.Spot == 0 || p.OnDemand <= p.Spot {
		return ""
	}
	extra := float64(n) * (p.OnDemand - p.Spot)
	return fmt.Sprintf("%d on-demand tasks cost about $%.2f an hour more than on Spot ($%.0f a day), by list prices", n, extra, extra*24)
}
