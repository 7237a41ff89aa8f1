package wording

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/failover/breaker"
)

// Next lists on what conditions, and when, Backstop would decide differently from d, and what it would do
// then. after is the state that belongs to d. Conditions with a time come first, the nearest before the others.
func Next(p *failover.Policy, after *failover.State, d *failover.Decision) []failover.Condition {
	var out []failover.Condition
	add := func(at time.Time, when, then string) {
		out = append(out, failover.Condition{At: at, If: when, Then: then})
	}

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
		explainCover(after, d, add)
	}
	for i := range d.Findings {
		explainFinding(&d.Findings[i], add)
	}
	slices.SortStableFunc(out, func(a, b failover.Condition) int {
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

func explainFinding(f *failover.Finding, add func(time.Time, string, string)) {
	switch f.Reason {
	case failover.ReasonApplicationFailing, failover.ReasonConfigurationError:
		add(time.Time{}, fmt.Sprintf("tasks of %s are missing for another reason than the application", f.Pool), "cover them")
	case failover.ReasonCoverFailing:
		add(time.Time{}, fmt.Sprintf("a task of %s is in service, or it runs another task definition", f.Pool), fmt.Sprintf("ask it for all %d that are needed", f.Limit))
	case failover.ReasonOnDemandMax:
		add(time.Time{}, "on_demand_max is raised, or Spot tasks return", "cover the rest")
	case failover.ReasonBudget:
		add(time.Time{}, "on_demand_budget_usd_monthly is raised, or the month ends", "cover the rest")
	case failover.ReasonFailoverLimit:
		add(f.Until, "fewer failovers lie within 24 hours", "let Spot prove itself again")
	case failover.ReasonEcho:
		add(time.Time{}, "`backstop confirm` is given, or the demand is back", fmt.Sprintf("follow the demand (%d)", f.Count))
	case failover.ReasonFallHeld:
		add(f.Until.Add(failover.FallHold), "the demand is still lower", "give on-demand back, a quarter a minute")
	case failover.ReasonRiseBounded:
		add(f.Until, "the demand is still as high", "cover as much again")
	}
}

// explainUnread explains what becomes of pools that cannot be read.
func explainUnread(p *failover.Policy, after *failover.State, d *failover.Decision, add func(time.Time, string, string)) {
	for i := range d.Pools {
		pd := &d.Pools[i]
		ps := after.Pool(pd.Pool)
		switch {
		case pd.Sight == failover.Told && p.WriteOffAfter > 0 && !ps.UnreachedSince.IsZero():
			add(ps.UnreachedSince.Add(p.WriteOffAfter), fmt.Sprintf("AWS still gives no answer about %s", pd.Pool), "count its tasks as lost, and cover them in the pools that can be read")
		case pd.Sight == failover.Told && !ps.GoneSince.IsZero():
			add(ps.GoneSince.Add(failover.GoneAfter), fmt.Sprintf("AWS still says that the service of %s does not exist", pd.Pool), "cover all of it")
		case pd.Sight == failover.WrittenOff || pd.Sight == failover.Gone:
			add(time.Time{}, fmt.Sprintf("%s can be read again", pd.Pool), "count what is in service there")
		}
	}
	if d.Blind() {
		add(time.Time{}, "an event reports a lost task", "cover it")
		add(time.Time{}, "every pool can be read again", "decide from what is seen then")
	}
}

// explainPool explains one preferred pool's breaker.
func explainPool(p *failover.Policy, after *failover.State, d *failover.Decision, pd *failover.PoolDecision, add func(time.Time, string, string)) {
	k := slices.IndexFunc(p.Pools, func(pool failover.Pool) bool { return pool.Name == pd.Pool })
	if pd.Capacity != failover.Spot || k < 0 || pd.Sight != failover.Fresh {
		return
	}
	most := failover.ServiceTasksMax
	if n := p.Pools[k].Max; n > 0 {
		most = min(most, n)
	}
	if owner := p.Demand == 0 && (p.Owner == pd.Pool || p.Owner == "" && k == 0); owner && after.Gap != nil && pd.InService.High == 0 && pd.Unplaced > 0 && pd.Owed > 0 {
		add(time.Time{}, fmt.Sprintf("a release is rolled out to %s before Spot has room", pd.Pool),
			"go on with the cover"+coverRuns(after.WorkingRevision)+"; ECS finds no task of it in service, and may roll it back")
	}
	b := after.Pool(pd.Pool).B
	sw := &p.Switch
	switch {
	case b.Mode == failover.Open && b.Manual:
		add(b.Until, "`backstop restore` is given, or the order ends", fmt.Sprintf("let %s come back", pd.Pool))
	case b.Mode == failover.Open:
		n := max(1, min(sw.MinSamples, breaker.ProbeOf(*sw, false, d.Demand, most)))
		stable := b.TrippedAt.Add(sw.StableFor)
		if b.NotBefore.After(stable) {
			stable = b.NotBefore
		}
		add(stable, fmt.Sprintf("%s has %s in service, at most %.0f %% failures and none late", pd.Pool, Count(n, "task"), 100*sw.ErrorShare),
			"ask it for a quarter of the demand")
	case b.Mode == failover.HalfOpen:
		add(b.StepAt.Add(sw.RampDwell), fmt.Sprintf("%s has %s in service then and has not failed", pd.Pool, Count(pd.Ask, "task")), "ask it for the next step, or trust it again")
		add(time.Time{}, fmt.Sprintf("%s fails on the way up", pd.Pool), "open its breaker again, for twice as long")
	case sw.On:
		need := max(1, int(math.Ceil(sw.Share*float64(d.Demand))))
		within := " within " + Span(sw.Window)
		trip := func(limit, now int, one, where string) {
			if limit <= 0 {
				return
			}
			limit = max(limit, need)
			what := Count(limit, one) + where
			if when := fmt.Sprintf("%s has %s (now %d) and %s missing without an excuse (now %d)", pd.Pool, what, now, Count(need, "task"), pd.Owed); now < limit {
				add(time.Time{}, when, "fail over to on-demand as a whole")
				return
			}
			add(time.Time{}, fmt.Sprintf("%s of %s %s missing without an excuse (now %d); it has the %s already (now %d)", Count(need, "task"), pd.Pool, Verb(need, "is", "are"), pd.Owed, what, now),
				"fail over to on-demand as a whole")
		}
		trip(sw.CapacityFailures, pd.CapacityFailures, "capacity failure", within)
		trip(sw.Interruptions, pd.Interruptions, "interruption", within)
		trip(sw.Late, pd.Late, "task", " late or not placed")
	}
}

// explainCover explains when cover rises and when it is given back.
func explainCover(after *failover.State, d *failover.Decision, add func(time.Time, string, string)) {
	evacuated := false
	for i := range d.Pools {
		evacuated = evacuated || after.Pool(d.Pools[i].Pool).B.Mode == failover.Open
	}
	for i := range d.Pools {
		pd := &d.Pools[i]
		if pd.Capacity != failover.OnDemand || pd.Sight != failover.Fresh {
			continue
		}
		if pd.Ask > 0 && !evacuated { // else it goes back as the breaker lets Spot return, which is explained there
			when := "another Spot task is in service"
			if n := d.Demand - d.InService.Low; n > 0 {
				when = fmt.Sprintf("%d more %s in service", n, Verb(n, "task is", "tasks are"))
			}
			add(time.Time{}, when, fmt.Sprintf("give tasks of %s back (now %d, %d needed)", pd.Pool, pd.Ask, pd.Need))
		}
		add(time.Time{}, "a Spot task is interrupted or cannot be placed", fmt.Sprintf("cover it at once with %s", pd.Pool))
		return
	}
}

// When says on what condition, and from when on, a decision would be another one.
func When(c *failover.Condition) string {
	if c.At.IsZero() {
		return "when " + c.If
	}
	return "from " + Clock(c.At) + " on, when " + c.If
}

// Condition says what would be done, and on what condition.
func Condition(c *failover.Condition) string { return When(c) + ": " + c.Then }
