package failover

import (
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover/breaker"
)

// survive is how long a task must have been in service to prove a pool that was given up.
const survive = breaker.Survive

// switchInput is what the breakers of the Spot pools are worked by.
type switchInput struct {
	p       *Policy
	s       *State
	goal    *Goal
	known   []Known
	tallies []Tally
	pools   []PoolObservation
	pinned  Mode
	now     time.Time
	needIn  func(pool, asked int) Need
}

// switched is what the breakers say.
type switched struct {
	breakers []Breaker
	// limits is the most that each pool may be asked for; -1 where its breaker says nothing.
	limits    []int
	failovers []time.Time
	findings  []Finding
	lead      Reason
	next      time.Time
}

// breakersOf moves the breaker of every Spot pool that on-demand can stand in for. In the preset `fill` one is open by an operator's
// order only.
func breakersOf(r *Room, in switchInput) switched {
	out := switched{breakers: of(r.breakers[:], len(in.known)), limits: r.numbers(len(in.known)), failovers: in.recent()}
	left := in.goal.Wanted
	blind := slices.ContainsFunc(in.known, func(k Known) bool { return k.Sight == Told })
	for i := range in.known {
		out.limits[i] = -1
		b := in.s.Pools[i].B
		wanted := max(0, left)
		if i == in.p.owner() {
			wanted = in.goal.Demand
		}
		if in.p.Pools[i].Capacity == Spot && in.p.Switch.On {
			left -= in.needIn(i, in.known[i].InForce.High).Holds
		}
		if !in.p.covered(i) {
			continue // a pool that nothing stands in for is never given up
		}
		out.breakers[i] = b
		if !in.p.Switch.On && b.Mode == Closed && in.pinned != ModeOnDemand {
			continue
		}
		f := in.facts(i, wanted, out.failovers)
		if !blind && in.known[i].Sight == Fresh && in.pinned != ModeSpot {
			next, notes := breaker.Next(in.p.Switch, b, f)
			for _, n := range notes {
				out.note(in.p.Pools[i].Name, n)
			}
			if b.Mode == Closed && next.Mode == Open && next.Why != breaker.Pinned {
				out.failovers = append(slices.Clone(out.failovers[max(0, len(out.failovers)-failoversMax+1):]), in.now)
			}
			out.breakers[i] = next
		}
		if most, limited := breaker.Ask(in.p.Switch, out.breakers[i], f); limited {
			out.limits[i] = most
		}
	}
	return out
}

func (out *switched) note(pool string, n breaker.Note) {
	out.findings = append(out.findings, Finding{Reason: Reason(n.Kind), Pool: pool, Count: n.Count, Limit: n.Limit, Until: n.Until})
	out.next = sooner(out.next, n.Until)
	if n.Leads && out.lead == "" {
		out.lead = Reason(n.Kind)
	}
}

// recent are the failovers of the last 24 hours.
func (in *switchInput) recent() []time.Time {
	log := in.s.Failovers
	for len(log) > 0 && in.now.Sub(log[0]) >= 24*time.Hour {
		log = log[1:]
	}
	return log
}

// facts are what is known of pool i, in the breaker's words.
func (in *switchInput) facts(i, wanted int, failovers []time.Time) breaker.Facts {
	k, t, ps := &in.known[i], &in.tallies[i], &in.s.Pools[i]
	need := in.needIn(i, k.InForce.High)
	late := 0
	if _, known := in.s.Seen.Pools[i].Start.Quantile(0.99); known {
		late = k.Late // against a limit that the pool's own history supports
	}
	if since := ps.UnplacedSince; !since.IsZero() && in.now.Sub(later(since, k.Newest)) >= k.StartLimit {
		late += k.Unplaced
	}
	return breaker.Facts{
		Now: in.now, Seed: seedOf(in.s.Workload, in.p.Pools[i].Name), Demand: in.goal.Demand, Bound: min(in.p.bound(i), wanted),
		Owed: need.Owed, CapacityFailures: t.CapacityFailures, Interruptions: t.Interruptions, Late: late,
		Excused: need.Excused > need.Owed, Deploying: in.pools[i].Deploying,
		InForce: k.InForce.High, Pending: ps.Asked != nil && !ps.Asked.Done && !ps.Asked.Seen,
		InService: k.InService.Low, Fresh: k.FreshServing, Unplaced: k.Unplaced, Errors: t.Errors, StepErrors: t.StepErrors,
		StartLimit: k.StartLimit + k.ReadyLimit, Launch: launching(k.InForce.High),
		Failovers: failovers, Pinned: in.pinned == ModeOnDemand,
	}
}

// seedOf is a number that depends on nothing but the names: hold-offs of many workloads are spread by it.
func seedOf(names ...string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, s := range names {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h *= 1099511628211
	}
	return h
}
