package tunable

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// PoolsMax bounds the pools of one workload.
const PoolsMax = 20

// Problem is one thing that is wrong with a policy.
type Problem struct {
	// Field is the key, or a path such as pools[1].max.
	Field string
	// Text says what is wrong, Value what was found there.
	Text, Value string
	// Warning marks what can be meant, but seldom is.
	Warning bool
}

// String is "field: problem (got value)".
func (b Problem) String() string { return fmt.Sprintf("%s: %s (got %s)", b.Field, b.Text, b.Value) }

// Validate returns everything that is wrong with the policy: first every field out of its range, then what
// does not go together, then warnings. A policy of which it returns nothing but warnings can be decided on.
func Validate(p failover.Policy) []Problem {
	var out problems
	for _, f := range Fields() {
		if f.Kind == KindName {
			continue // checkOwner
		}
		value := f.Get(&p)
		if text := f.Check(value); text != "" {
			out.add(f.Key, text, value)
		}
	}
	checkPools(&p, &out)
	checkOwner(&p, &out)
	checkFirst(&p, &out)
	checkOrder(&p, &out)
	checkTiers(&p, &out)
	warn(&p, &out)
	return out
}

type problems []Problem

func (b *problems) add(field, text string, value any) {
	*b = append(*b, Problem{Field: field, Text: text, Value: fmt.Sprint(value)})
}

func (b *problems) warn(field, text string, value any) {
	*b = append(*b, Problem{Field: field, Text: text, Value: fmt.Sprint(value), Warning: true})
}

func checkPools(p *failover.Policy, out *problems) {
	if n := len(p.Pools); n == 0 || n > PoolsMax {
		out.add("pools", fmt.Sprintf("must be between 1 and %d pools", PoolsMax), n)
	}
	seen := make(map[string]int, len(p.Pools))
	for i, pool := range p.Pools {
		at := func(key string) string { return fmt.Sprintf("pools[%d].%s", i, key) }
		if pool.Name == "" {
			out.add(at("name"), "must not be empty", `""`)
		} else if first, twice := seen[pool.Name]; twice {
			out.add(at("name"), fmt.Sprintf("must differ from that of pools[%d]", first), strconv.Quote(pool.Name))
		} else {
			seen[pool.Name] = i
		}
		if pool.Capacity != failover.Spot && pool.Capacity != failover.OnDemand {
			out.add(at("capacity"), "must be FARGATE_SPOT or FARGATE", strconv.Quote(string(pool.Capacity)))
		}
		if pool.Min < 0 || pool.Min > failover.ServiceTasksMax {
			out.add(at("min"), fmt.Sprintf("must be between 0 and %d", failover.ServiceTasksMax), pool.Min)
		}
		if pool.Max < 0 || pool.Max > failover.ServiceTasksMax {
			out.add(at("max"), fmt.Sprintf("must be between 0 and %d", failover.ServiceTasksMax), pool.Max)
		} else if pool.Max > 0 && pool.Min > pool.Max {
			out.add(at("min"), fmt.Sprintf("must be at most max, which is %d", pool.Max), pool.Min)
		}
		if pool.Drain != failover.DrainOff && pool.Drain != failover.DrainLate {
			out.add(at("drain"), "must be off or late", strconv.Quote(string(pool.Drain)))
		}
		if pool.DrainBefore < 0 || pool.DrainBefore > 2*time.Minute {
			out.add(at("drain_before"), "must be between 0s and 2m", writeDuration(pool.DrainBefore))
		}
		if x := pool.TaskHourUSD; !(x >= 0) || math.IsInf(x, 0) {
			out.add(at("task_hour_usd"), "must be a number of at least 0", x)
		}
	}
}

// named is the index of the pool of a name, or -1.
func named(p *failover.Policy, name string) int {
	return slices.IndexFunc(p.Pools, func(pool failover.Pool) bool { return pool.Name == name })
}

// owner is the index of the pool whose desired count is the demand, or -1: the demand is a number, or no pool has the owner's name.
func owner(p *failover.Policy) int {
	switch {
	case p.Demand > 0:
		return -1
	case p.Owner == "":
		return 0
	}
	return named(p, p.Owner)
}

func checkOwner(p *failover.Policy, out *problems) {
	if p.Owner == "" {
		return
	}
	if named(p, p.Owner) < 0 {
		out.add("owner", "must be the name of a pool", strconv.Quote(p.Owner))
	}
	if p.Demand > 0 {
		out.add("owner", "must be absent when demand is a number", strconv.Quote(p.Owner))
	}
}

// checkFirst checks that the pool whose count is the demand is a failover.Spot pool alone in its tier: its count is never ours to set, so no
// equal pool can share it.
func checkFirst(p *failover.Policy, out *problems) {
	k := owner(p)
	if k < 0 || len(p.Pools) == 0 {
		return
	}
	if p.Pools[k].Capacity == failover.OnDemand {
		out.add("owner", "must be a FARGATE_SPOT pool: its desired count is the demand, and on-demand stands in for it", strconv.Quote(p.Pools[k].Name))
	}
	for i := range p.Pools {
		if i != k && p.Pools[i].Tier == p.Pools[k].Tier {
			out.add(fmt.Sprintf("pools[%d].tier", i), fmt.Sprintf("must not be that of %s, whose desired count is the demand: give equal pools a demand of their own", p.Pools[k].Name), p.Pools[i].Tier)
		}
	}
}

// checkOrder checks what must not be larger than what.
func checkOrder(p *failover.Policy, out *problems) {
	if p.Switch.HoldOff > p.Switch.HoldOffMax {
		out.add("hold_off", "must be at most hold_off_max, which is "+writeDuration(p.Switch.HoldOffMax), writeDuration(p.Switch.HoldOff))
	}
}

func checkTiers(p *failover.Policy, out *problems) {
	size := 0
	for i, pool := range p.Pools {
		if i == 0 && pool.Tier != 0 {
			out.add("pools[0].tier", "must be 0 for the first pool", pool.Tier)
		}
		if i > 0 && pool.Tier < p.Pools[i-1].Tier {
			out.add(fmt.Sprintf("pools[%d].tier", i), "must not be lower than that of the pool before", pool.Tier)
		}
		if i > 0 && pool.Tier == p.Pools[i-1].Tier {
			size++
		} else {
			size = 1
		}
		if i > 0 && pool.Tier == p.Pools[i-1].Tier && pool.Capacity != p.Pools[i-1].Capacity {
			out.add(fmt.Sprintf("pools[%d].tier", i), "must not be that of a pool of other capacity: Spot is shared among Spot pools, and on-demand covers", pool.Tier)
		}
		last := i == len(p.Pools)-1 || p.Pools[i+1].Tier != pool.Tier
		if last && size > 1 && p.TierShareMax*float64(size) < 1-1e-9 {
			out.add("tier_share_max", fmt.Sprintf("must be at least %.3g for a tier of %d pools, or they cannot hold all of it", 1/float64(size), size), p.TierShareMax)
		}
	}
}

func warn(p *failover.Policy, out *problems) {
	if len(p.Pools) == 0 {
		return
	}
	spot := false
	for i, pool := range p.Pools {
		spot = spot || pool.Capacity == failover.Spot
		if i > 0 && pool.Capacity == failover.Spot && p.Pools[i-1].Capacity == failover.OnDemand && p.Pools[i-1].Max == 0 && pool.Tier > p.Pools[i-1].Tier {
			out.warn(fmt.Sprintf("pools[%d].capacity", i), "comes after an on-demand pool without a max and will get next to nothing", pool.Capacity)
		}
	}
	if last := p.Pools[len(p.Pools)-1]; last.Capacity != failover.OnDemand {
		out.warn(fmt.Sprintf("pools[%d].capacity", len(p.Pools)-1), "should be FARGATE for the last pool: nothing covers a Spot shortage otherwise", last.Capacity)
	}
	if !spot {
		out.warn("pools", "should have a FARGATE_SPOT pool: there is nothing to save otherwise", len(p.Pools))
	}
	if k := owner(p); k >= 0 && p.Pools[k].Max > 0 {
		out.warn(fmt.Sprintf("pools[%d].max", k), "keeps the desired count of the pool that owns the demand below it: auto scaling would take that count for the demand. Use demand, or another owner", p.Pools[k].Max)
	}
}
