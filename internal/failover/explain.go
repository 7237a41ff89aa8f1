package failover

import (
	"fmt"
	"slices"
	"time"
)

// Explain lists on what conditions, and when, Backstop would decide differently from d, and what it would do
// then. after is the state that belongs to d. Conditions with a time come first, the nearest before the others.
func Explain(p *Policy, after *State, d *Decision) []Condition {
	var out []Condition
	add := func(at time.Time, when, then string) { out = append(out, Condition{At: at, If: when, Then: then}) }

	explainUnread(p, after, d, add)
	if d.Blind() {
		return out
	}
	if after.Pause != nil {
		add(after.Pause.Until, "the pause ends or `backstop resume` is given", "carry out what is withheld now, if it is still right")
	}
	if after.Pin != nil {
		add(after.Pin.Until, "the pin ends or `backstop unpin` is given", "decide by the policy again")
	}
	if after.Pin == nil { // a pin overrules breakers and cover
		for i := range d.Pools {
			explainPool(p, after, d, &d.Pools[i], add)
		}
		explainCover(p, after, d, add)
	}
	for _, f := range d.Findings {
		switch f.Reason {
		case ReasonWaitingToFill:
			add(f.Until, "tasks are still missing then", fmt.Sprintf("cover them with %d on-demand tasks", f.Count))
		case ReasonApplicationFailing, ReasonConfigurationError:
			add(f.Until, fmt.Sprintf("%s runs as many tasks as wanted, or gets another task definition, or fails no more until then", f.Pool),
				"treat what is missing as a shortage again")
		case ReasonOnDemandMax:
			add(zeroTime, "on_demand_max is raised, or Spot tasks return", "cover the rest")
		case ReasonBudget:
			add(zeroTime, "on_demand_budget_usd_monthly is raised, or the month ends", "cover the rest")
		case ReasonFailoverLimit:
			add(f.Until, "fewer failovers lie within 24 hours", "let Spot prove itself again")
		case ReasonForesight:
			add(f.Until, "another number of losses is to be expected", fmt.Sprintf("keep more or fewer than %d tasks of %s warm", f.Count, f.Pool))
		case ReasonDeploying:
			add(zeroTime, "the deployment ends", fmt.Sprintf("give %d tasks of %s back", f.Count, f.Pool))
		}
	}
	slices.SortStableFunc(out, func(a, b Condition) int {
		switch {
		case a.At.IsZero() == b.At.IsZero():
			return a.At.Compare(b.At)
		case a.At.IsZero():
			return 1
		}
		return -1
	})
	return out
}

// explainUnread explains what becomes of pools that cannot be read.
func explainUnread(p *Policy, after *State, d *Decision, add func(time.Time, string, string)) {
	for i := range d.Pools {
		pd := &d.Pools[i]
		if since := after.Pool(pd.Pool).UnreachedSince; pd.Unread && !pd.Lost && p.WriteOffAfter > 0 && !since.IsZero() {
			add(since.Add(p.WriteOffAfter), fmt.Sprintf("AWS still gives no answer about %s", pd.Pool), "count its tasks as lost, and cover them in the pools that can be read")
		}
		if pd.Lost {
			add(zeroTime, fmt.Sprintf("%s can be read again", pd.Pool), "count what runs there")
		}
	}
	if d.Blind() {
		add(zeroTime, "a Spot task is interrupted", "cover it, if an on-demand pool can be read")
		add(zeroTime, "every pool can be read again", "decide from what is seen then; until then only what is certain is done")
	}
}

// explainPool explains one preferred pool's breaker.
func explainPool(p *Policy, after *State, d *Decision, pd *PoolDecision, add func(time.Time, string, string)) {
	k := p.pool(pd.Pool)
	if pd.Capacity != Spot || k < 0 || pd.Lost {
		return
	}
	b := after.Pool(pd.Pool).B
	switch b.Mode {
	case Open:
		switch {
		case b.Manual:
			then := fmt.Sprintf("let %s come back", pd.Pool)
			add(zeroTime, "`backstop restore` is given", then)
			if !b.Until.IsZero() {
				add(b.Until, "the order ends", then)
			}
		default:
			at := later(b.NotBefore, b.TrippedAt.Add(p.StableFor))
			add(at, fmt.Sprintf("%s has enough surviving tasks (%d), at most %.0f %% failures and none stuck",
				pd.Pool, samplesNeeded(p, &p.Pools[k], d.Demand), 100*p.ErrorShare),
				fmt.Sprintf("ask it for %.0f %% of the demand", 100*rampShares[0]))
		}
	case HalfOpen:
		then := "trust it again"
		if b.Step+1 < len(rampShares) {
			then = fmt.Sprintf("ask it for %.0f %% of the demand", 100*rampShares[b.Step+1])
		}
		add(b.StepAt.Add(p.RampDwell), fmt.Sprintf("%s runs %d tasks then and has not failed", pd.Pool, pd.Ask), then)
		add(zeroTime, fmt.Sprintf("%s fails on the way up", pd.Pool), "open its breaker again, for twice as long")
	default:
		if n := p.TripCapacityFailures; n > 0 {
			add(zeroTime, fmt.Sprintf("%s has %d capacity failures within %s (now %d)", pd.Pool, tripNeed(p, n, d.Demand), writeDuration(p.TripWindow), pd.CapacityFailures), tripThen(p))
		}
		if n := p.TripInterruptions; n > 0 {
			add(zeroTime, fmt.Sprintf("%s has %d interruptions within %s (now %d)", pd.Pool, tripNeed(p, n, d.Demand), writeDuration(p.TripWindow), pd.Interruptions), tripThen(p))
		}
		if n := p.TripStuck; n > 0 {
			add(zeroTime, fmt.Sprintf("%s has %d tasks that do not start within %s (now %d)", pd.Pool, tripNeed(p, n, d.Demand), writeDuration(p.StartLimit), pd.Stuck), tripThen(p))
		}
		if n := p.TripChurn; n > 0 {
			add(zeroTime, fmt.Sprintf("%s loses %d tasks within %s that had run for less than %s (now %d)", pd.Pool, tripNeed(p, n, d.Demand), writeDuration(p.TripWindow),
				writeDuration(p.ChurnAge), pd.Churned), tripThen(p))
		}
	}
}

func tripThen(p *Policy) string {
	if p.OnTrip == Evacuate {
		return "fail over to on-demand as a whole"
	}
	return "ask it for no more than what runs there"
}

// explainCover explains when cover rises and when it is given back.
func explainCover(p *Policy, after *State, d *Decision, add func(time.Time, string, string)) {
	spot, evacuated := 0, false
	for i := range d.Pools {
		if d.Pools[i].Capacity == Spot {
			spot += d.Pools[i].Running
			b := after.Pool(d.Pools[i].Pool).B
			evacuated = evacuated || (b.Mode == Open && (p.OnTrip == Evacuate || b.Manual))
		}
	}
	for i := range d.Pools {
		pd := &d.Pools[i]
		if pd.Capacity != OnDemand || pd.Lost {
			continue
		}
		if pd.Ask > 0 && !evacuated { // else it goes back as the breaker lets Spot return, which is explained there
			when := "a Spot task runs again"
			if p.Settle > 0 {
				when = fmt.Sprintf("a Spot task has run for %s", writeDuration(p.Settle))
			}
			if d.Shortfall > 0 {
				when = fmt.Sprintf("%d more tasks run", d.Shortfall)
			}
			add(zeroTime, when, fmt.Sprintf("give tasks of %s back (now %d, %d needed)", pd.Pool, pd.Ask, max(0, d.Demand-spot)))
		}
		add(zeroTime, "a Spot task is interrupted or cannot be placed", fmt.Sprintf("cover it at once with %s", pd.Pool))
		return
	}
}
