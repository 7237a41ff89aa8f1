package failover

import (
	"math"
	"time"
)

// May is what may be done to a pool in this pass, and why not more. Nothing else in the law asks about sight, orders, money or
// deployments.
type May struct {
	Raise, Lower, Stop, Drain bool
	// Unsafe: an order or a budget lets the pool go below what is needed.
	Unsafe bool
	// Most bounds a raise; LowEnd, where above -1, is what a used-up budget lowers the pool to.
	Most, LowEnd int
	Why          Reason
}

// permitInput is what the permissions follow from.
type permitInput struct {
	p       *Policy
	s       *State
	known   []Known
	targets []Target
	pinned  Mode
	now     time.Time
}

// permit is the one table of permissions.
func permit(r *Room, in permitInput) []May {
	out := of(r.may[:poolsFew], len(in.known))
	blind, unread := false, false
	for i := range in.known {
		blind = blind || in.known[i].Sight == Told
		unread = unread || in.known[i].HealthUnread
	}
	for i := range out {
		k, m := &in.known[i], &out[i]
		*m = May{Raise: true, Lower: true, Stop: true, Drain: true, Most: ServiceTasksMax, LowEnd: -1}
		onDemand := in.p.Pools[i].Capacity == OnDemand
		switch {
		case !in.s.DemandSet && k.Sight != Fresh:
			*m = May{Why: ReasonBlind}
		case !k.counts():
			*m = May{Why: ReasonWrittenOff}
		case k.Sight == Told:
			*m = May{Raise: onDemand && !in.s.Seen.Pools[i].At.IsZero(), Most: ServiceTasksMax, LowEnd: -1, Why: ReasonBlind}
		case !onDemand && i == in.p.owner() && !in.targets[i].Limited && in.s.Pools[i].Asked == nil:
			*m = May{Stop: true, Drain: true, Most: ServiceTasksMax, LowEnd: -1} // the owner's count is never ours to set
		case blind && !onDemand:
			*m = May{Drain: true, Most: ServiceTasksMax, LowEnd: -1, Why: ReasonBlind}
		case unread && k.InService.High > 0:
			m.Lower, m.Why = false, ReasonHealthUnread
		}
		if onDemand && in.pinned == ModeSpot && k.counts() && k.Sight == Fresh {
			m.Lower, m.Unsafe, m.Why = true, true, ReasonPinned
		}
	}
	in.money(out)
	return out
}

// money holds raises back that the operator's limits do not allow, and lets a used-up budget release cover.
func (in *permitInput) money(out []May) {
	limit, budget := in.p.OnDemandMax, in.p.OnDemandBudgetUSDMonthly
	spent := budget > 0 && in.s.Seen.SpendUSD >= budget
	for i := range out {
		if in.p.Pools[i].Capacity != OnDemand {
			continue
		}
		m, now := &out[i], in.known[i].InForce.High
		if limit > 0 {
			others := 0
			for j := range out {
				if j != i && in.p.Pools[j].Capacity == OnDemand {
					others += max(in.known[j].InForce.High, min(in.targets[j].Raise, out[j].Most))
				}
			}
			if room := max(limit-others, now); in.targets[i].Raise > room {
				m.Most, m.Why = room, ReasonOnDemandMax
			}
		}
		if !spent {
			continue
		}
		if in.targets[i].Raise > now {
			m.Most, m.Why = now, ReasonBudget
		}
		if in.p.OnBudget == ReleaseBudget && now > 0 && m.Lower && in.now.Sub(in.s.Pools[i].ReleasedAt) >= time.Minute {
			m.Unsafe, m.Why = true, ReasonBudget
			m.LowEnd = now - int(math.Ceil(float64(now)*fallPerMinute))
		}
	}
}

// budgetLeft is how much of the month's budget is used, 0 to 1 and beyond, and when it will be gone at the rate of what runs now; zero when
// it will not be this month, or is unknown.
func budgetLeft(p *Policy, s *State, known []Known, now time.Time) (used float64, gone time.Time) {
	budget := p.OnDemandBudgetUSDMonthly
	if budget <= 0 {
		return 0, zeroTime
	}
	used = s.Seen.SpendUSD / budget
	rate := 0.0
	for i := range known {
		if p.Pools[i].Capacity == OnDemand {
			rate += float64(known[i].Running) * p.Pools[i].TaskHourUSD
		}
	}
	if rate <= 0 || used >= 1 {
		return used, zeroTime
	}
	at := now.Add(time.Duration((budget - s.Seen.SpendUSD) / rate * float64(time.Hour)))
	if at.UTC().Month() != now.UTC().Month() || at.Sub(now) > 32*24*time.Hour {
		return used, zeroTime
	}
	return used, at.Truncate(time.Hour)
}
