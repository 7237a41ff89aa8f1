package cost

import (
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Place says where a pool is and what it runs on.
type Place struct {
	Pool, Region string
	Capacity     failover.Capacity
}

// Tariff is what the tasks of one workload cost.
type Tariff struct {
	// Pools is by the pool's name.
	Pools map[string]PoolPrice
	// OnDemandTaskHour is what the same task costs on demand for an hour: in the first on-demand pool's region, or in
	// the first pool's where there is none.
	OnDemandTaskHour float64
	// Date is that of the oldest price used, Own says that one of them is the operator's own.
	Date string
	Own  bool
}

// Tariff prices tasks of a size and architecture in the pools of a workload. The error names the first price that
// is not known; the prices of the other pools are then in the tariff.
func (t Table) Tariff(pools []Place, size Size, arch Arch) (Tariff, error) {
	out := Tariff{Pools: make(map[string]PoolPrice, len(pools))}
	var first error
	price := func(k Key) float64 {
		r, err := t.Rate(k)
		if err != nil {
			if first == nil {
				first = err
			}
			return 0
		}
		date, own := t.Date(k)
		if out.Date == "" || date < out.Date {
			out.Date = date
		}
		out.Own = out.Own || own
		return r.TaskHour(size)
	}
	home := ""
	for _, p := range pools {
		out.Pools[p.Pool] = PoolPrice{p.Capacity, price(Key{Region: p.Region, Arch: arch, Capacity: p.Capacity})}
		if home == "" && p.Capacity == failover.OnDemand {
			home = p.Region
		}
	}
	if home == "" && len(pools) > 0 {
		home = pools[0].Region
	}
	if home != "" {
		out.OnDemandTaskHour = price(Key{Region: home, Arch: arch, Capacity: failover.OnDemand})
	}
	if first != nil {
		return out, fmt.Errorf("price tasks: %w", first)
	}
	return out, nil
}

// Discounted returns the tariff with a discount, 0 to 1, off every on-demand price: a Savings Plan's, which does not
// apply to Spot.
func (t Tariff) Discounted(discount float64) Tariff {
	pools := make(map[string]PoolPrice, len(t.Pools))
	for name, p := range t.Pools {
		if p.Capacity == failover.OnDemand {
			p.TaskHour *= 1 - discount
		}
		pools[name] = p
	}
	t.Pools = pools
	t.OnDemandTaskHour *= 1 - discount
	return t
}
