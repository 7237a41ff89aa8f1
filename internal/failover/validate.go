package failover

import (
	"fmt"
	"math"
	"strconv"
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
func (p Policy) Validate() []Problem {
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
	p.checkPools(&out)
	p.checkOwner(&out)
	p.checkOrder(&out)
	p.checkTiers(&out)
	p.warn(&out)
	return out
}

type problems []Problem

func (b *problems) add(field, text string, value any) {
	*b = append(*b, Problem{Field: field, Text: text, Value: fmt.Sprint(value)})
}

func (b *problems) warn(field, text string, value any) {
	*b = append(*b, Problem{Field: field, Text: text, Value: fmt.Sprint(value), Warning: true})
}

func (p *Policy) checkPools(out *problems) {
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
		if pool.Capacity != Spot && pool.Capacity != OnDemand {
			out.add(at("capacity"), "must be FARGATE_SPOT or FARGATE", strconv.Quote(string(pool.Capacity)))
		}
		if pool.Min < 0 || pool.Min > ServiceTasksMax {
			out.add(at("min"), fmt.Sprintf("must be between 0 and %d", ServiceTasksMax), pool.Min)
		}
		if pool.Max < 0 || pool.Max > ServiceTasksMax {
			out.add(at("max"), fmt.Sprintf("must be between 0 and %d", ServiceTasksMax), pool.Max)
		} else if pool.Max > 0 && pool.Min > pool.Max {
			out.add(at("min"), fmt.Sprintf("must be at most max, which is %d", pool.Max), pool.Min)
		}
		if x := pool.TaskHourUSD; !(x >= 0) || math.IsInf(x, 0) {
			out.add(at("task_hour_usd"), "must be a number of at least 0", x)
		}
	}
}

func (p *Policy) checkOwner(out *problems) {
	if p.Owner == "" {
		return
	}
	if p.pool(p.Owner) < 0 {
		out.add("owner", "must be the name of a pool", strconv.Quote(p.Owner))
	}
	if p.Demand > 0 {
		out.add("owner", "must be absent when demand is a number", strconv.Quote(p.Owner))
	}
}

// checkOrder checks what must not be larger than what.
func (p *Policy) checkOrder(out *problems) {
	if p.HoldOff > p.HoldOffMax {
		out.add("hold_off", "must be at most hold_off_max, which is "+writeDuration(p.HoldOffMax), writeDuration(p.HoldOff))
	}
	if p.Survive > p.StableFor {
		out.add("survive", "must be at most stable_for, which is "+writeDuration(p.StableFor), writeDuration(p.Survive))
	}
	if p.ErrorShare+p.SuccessShare > 1+1e-9 {
		out.add("error_share", fmt.Sprintf("must leave room for success_share, which is %g", p.SuccessShare), p.ErrorShare)
	}
}

func (p *Policy) checkTiers(out *problems) {
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

func (p *Policy) warn(out *problems) {
	if len(p.Pools) == 0 {
		return
	}
	spot := false
	for i, pool := range p.Pools {
		spot = spot || pool.Capacity == Spot
		if i > 0 && pool.Capacity == Spot && p.Pools[i-1].Capacity == OnDemand && p.Pools[i-1].Max == 0 && pool.Tier > p.Pools[i-1].Tier {
			out.warn(fmt.Sprintf("pools[%d].capacity", i), "comes after an on-demand pool without a max and will get next to nothing", pool.Capacity)
		}
	}
	if last := p.Pools[len(p.Pools)-1]; last.Capacity != OnDemand {
		out.warn(fmt.Sprintf("pools[%d].capacity", len(p.Pools)-1), "should be FARGATE for the last pool: nothing covers a Spot shortage otherwise", last.Capacity)
	}
	if !spot {
		out.warn("pools", "should have a FARGATE_SPOT pool: there is nothing to save otherwise", len(p.Pools))
	}
	if len(p.Pools) > 1 && p.Pools[1].Tier == p.Pools[0].Tier && p.Demand == 0 && p.Owner == "" {
		out.warn("demand", "should be a number, or owner a pool, when several pools share the first tier", 0)
	}
	if k := p.owner(); k >= 0 && p.Pools[k].Max > 0 {
		out.warn(fmt.Sprintf("pools[%d].max", k), "keeps the desired count of the pool that owns the demand below it: auto scaling would take that count for the demand. Use demand, or another owner", p.Pools[k].Max)
	}
	if p.Nudge == NudgeDesiredCount && p.RetryEvery == 0 {
		out.warn("nudge", "has no effect while retry_every is 0", p.Nudge)
	}
	if p.Observe && p.SyncTaskDefinition {
		out.warn("sync_task_definition", "has no effect while observe is true", p.SyncTaskDefinition)
	}
}
