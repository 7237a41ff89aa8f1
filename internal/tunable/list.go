package tunable

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Bounds that several fields share.
const (
	day       = float64(24 * time.Hour / time.Second)
	week      = 7 * day
	shareFull = 1
)

// GroupSwitch is the group of the fields that only the preset `switch` uses.
const GroupSwitch = "switch"

func workloadFields() []Field {
	const group = "workload"
	return []Field{
		{Key: "observe", Kind: KindBool, Group: group, at: func(p *failover.Policy) any { return &p.Observe },
			Doc: "Decide and record, but change nothing.",
			Why: "Off, but on in the preset `observe`, which is the first thing to run in production."},
		{Key: "demand", Kind: KindInt, Group: group, Unit: "tasks", Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.Demand },
			Doc: "Fixes the number of wanted tasks. 0: the owner's desired count is the demand.",
			Why: "0, as people, deployments and autoscaling already change a desired count."},
		{Key: "owner", Kind: KindName, Group: group, at: func(p *failover.Policy) any { return &p.Owner },
			Doc: "The pool whose desired count is the demand. Empty: the first pool.",
			Why: "The first pool is the service that was there before Backstop."},
	}
}

func readyFields() []Field {
	const group = "readiness"
	return []Field{
		{Key: "ready_after", Kind: KindDuration, Group: group, Max: 3600, at: func(p *failover.Policy) any { return &p.ReadyAfter },
			Doc: "How long a task must have been RUNNING to be in service, where neither a target group nor a container health check says so.",
			Why: "0: a task without any health check serves as soon as it runs, as far as AWS can tell."},
		{Key: "ready_limit", Kind: KindDuration, Group: group, Min: 30, Max: 3600, at: func(p *failover.Policy) any { return &p.ReadyLimit },
			Doc: "How long after RUNNING a task may take to come into service until it counts as late.",
			Why: "Five times a warm-up of a minute. It grows with what is learned, up to three times this value."},
		{Key: "start_limit", Kind: KindDuration, Group: group, Min: 30, Max: 3600, at: func(p *failover.Policy) any { return &p.StartLimit },
			Doc: "How old a task may be before RUNNING until it counts as late.",
			Why: "The slowest normal start in a hundred takes 138 s; 30 % on top of that is 3 minutes. It grows with what is learned, up to three times this value."},
	}
}

func coverFields() []Field {
	const group = "cover"
	return []Field{
		{Key: "overstart", Kind: KindShare, Group: group, Unit: "share of what is missing", Max: 1, at: func(p *failover.Policy) any { return &p.Overstart },
			Doc: "How much more cover than is missing is started at most when a gap opens; the surplus is given back when enough is in service.",
			Why: "The slowest starts of a group decide when it is whole. In simulation a third on top leaves no shortage for 0.2 % of cost in bad months. Where starts are known to be quick against the warning, less is started."},
		{Key: "extra", Kind: KindInt, Group: group, Unit: "tasks", Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.Extra },
			Doc: "On-demand tasks that are kept in service ahead of a loss.",
			Why: "0. One, two or four spare tasks remove about 60, 90 or 99 % of the shortage that losses of single tasks cause, for 1/N of the cost each, where a start outlasts the warning."},
		{Key: "foresight_usd", Kind: KindUSD, Group: group, Unit: "USD a task-minute", Max: 1e6, at: func(p *failover.Policy) any { return &p.ForesightUSD },
			Doc: "What a task-minute of missing capacity is worth. Above 0, as many on-demand tasks are kept warm as the workload's own history of losses says are worth their price at this hour of the week, and after a loss. 0: none.",
			Why: "0: a forecast avoids a missing task-minute for many times what a minute of an on-demand task costs, and avoids none where a start is quicker than the warning (docs/policies.md). It needs the size of a task (`task`)."},
	}
}

func tierFields() []Field {
	return []Field{
		{Key: "tier_share_max", Kind: KindShare, Group: "tiers", Unit: "share of the tier", Min: 0.05, Max: shareFull, at: func(p *failover.Policy) any { return &p.TierShareMax },
			Doc: "The most of a tier's tasks that one of its pools is asked for while others have room.",
			Why: "One zone's loss then takes at most 60 % of the tasks."},
	}
}

func tripFields() []Field {
	return []Field{
		{Key: "trip_window", Kind: KindDuration, Group: GroupSwitch, Min: 30, Max: day, at: func(p *failover.Policy) any { return &p.Switch.Window },
			Doc: "The window in which the evidence for a trip is counted.",
			Why: "The article's 5 minutes."},
		{Key: "trip_capacity_failures", Kind: KindInt, Group: GroupSwitch, Unit: "failures", Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.Switch.CapacityFailures },
			Doc: "Capacity failures in the window that open the breaker. 0: never.",
			Why: "The article's 3."},
		{Key: "trip_interruptions", Kind: KindInt, Group: GroupSwitch, Unit: "interruptions", Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.Switch.Interruptions },
			Doc: "Interruptions in the window that open the breaker. 0: never.",
			Why: "The article's 5."},
		{Key: "trip_late", Kind: KindInt, Group: GroupSwitch, Unit: "tasks", Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.Switch.Late },
			Doc: "Tasks that are late, or not placed for start_limit, that open the breaker. 0: never.",
			Why: "The article fails over for one task that is PENDING for 3 minutes."},
		{Key: "trip_share", Kind: KindShare, Group: GroupSwitch, Unit: "share of the demand", Max: shareFull, at: func(p *failover.Policy) any { return &p.Switch.Share },
			Doc: "The share of the demand that must be missing, not replaced and not excused, for a trip.",
			Why: "Failures of a service that has all its tasks are no reason to leave Spot."},
		{Key: "probe", Kind: KindShare, Group: GroupSwitch, Unit: "share of the demand", Min: 0.001, Max: 0.5, at: func(p *failover.Policy) any { return &p.Switch.Probe },
			Doc: "The share of the demand, at least one task, that an open pool keeps being asked for.",
			Why: "A pool at zero can never show that it has recovered. An operator's order leaves none."},
	}
}

func proofFields() []Field {
	return []Field{
		{Key: "stable_for", Kind: KindDuration, Group: GroupSwitch, Min: 60, Max: day, at: func(p *failover.Policy) any { return &p.Switch.StableFor },
			Doc: "The window in which an open pool must prove itself.",
			Why: "The article's 10 minutes: five times a start."},
		{Key: "min_samples", Kind: KindInt, Group: GroupSwitch, Unit: "tasks", Min: 1, Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.Switch.MinSamples },
			Doc: "Distinct tasks that must have been seen for a proof; fewer when the probe is smaller.",
			Why: "A share of fewer than ten says little."},
		{Key: "error_share", Kind: KindShare, Group: GroupSwitch, Unit: "share of the tasks seen", Max: shareFull, at: func(p *failover.Policy) any { return &p.Switch.ErrorShare },
			Doc: "The share of the tasks seen that may have failed.",
			Why: "The article's 5 %."},
		{Key: "hold_off", Kind: KindDuration, Group: GroupSwitch, Max: day, at: func(p *failover.Policy) any { return &p.Switch.HoldOff },
			Doc: "How long a pool is not tried again after it failed on the way back; each further failure doubles it.",
			Why: "Longer than the window that the first failure was seen in."},
		{Key: "hold_off_max", Kind: KindDuration, Group: GroupSwitch, Max: week, at: func(p *failover.Policy) any { return &p.Switch.HoldOffMax },
			Doc: "The bound of hold_off's doubling.",
			Why: "Most shortages are shorter than an hour; half of one wastes little."},
		{Key: "ramp_dwell", Kind: KindDuration, Group: GroupSwitch, Max: day, at: func(p *failover.Policy) any { return &p.Switch.RampDwell },
			Doc: "How long each step of the ramp (25, 50, 100 %) must hold.",
			Why: "The two minutes of the warning: what was placed by mistake is gone by then."},
		{Key: "failovers_max_per_day", Kind: KindInt, Group: GroupSwitch, Unit: "failovers", Max: 50, at: func(p *failover.Policy) any { return &p.Switch.PerDay },
			Doc: "After so many failovers in 24 hours the workload stays on on-demand and says so. 0: no limit.",
			Why: "Six are one every four hours; more is flapping, and a person should look."},
		{Key: "park_scaling", Kind: KindBool, Group: GroupSwitch, at: func(p *failover.Policy) any { return &p.ParkScaling },
			Doc: "Suspend a pool's Application Auto Scaling target, with a minimum of 0, while its breaker holds it down.",
			Why: "On: autoscaling would otherwise lift the service again within a minute."},
	}
}

func guardFields() []Field {
	return []Field{
		{Key: "on_demand_max", Kind: KindInt, Group: "money", Unit: "tasks", Max: failover.ServiceTasksMax, at: func(p *failover.Policy) any { return &p.OnDemandMax },
			Doc: "The most on-demand tasks that are asked for. 0: no limit. Reaching it is a notice and stops further cover.",
			Why: "0: availability comes first unless the operator says otherwise."},
		{Key: "on_demand_budget_usd_monthly", Kind: KindUSD, Group: "money", Unit: "USD a calendar month (UTC)", Max: 1e9, at: func(p *failover.Policy) any { return &p.OnDemandBudgetUSDMonthly },
			Doc: "What on-demand may cost in a calendar month. 0: no limit. It is told at 50, 80 and 100 %; see on_budget.",
			Why: "0, for the same reason. It needs the size of a task (`task`)."},
		{Key: "on_budget", Kind: KindEnum, Group: "money", Values: []string{string(failover.HoldBudget), string(failover.ReleaseBudget)}, at: func(p *failover.Policy) any { return &p.OnBudget },
			Doc: "What a used-up budget does: `hold` adds no cover and keeps what runs, `release` gives cover back, a quarter a minute.",
			Why: "`hold`: stopping tasks that serve is for a person to allow."},

		{Key: "sync_task_definition", Kind: KindBool, Group: "services", at: func(p *failover.Policy) any { return &p.SyncTaskDefinition },
			Doc: "Give an on-demand service with no tasks the last task definition of the owner that had tasks in service. Off: warn only.",
			Why: "Off: changing a service's task definition starts a deployment, which is for people to allow. `init` and `adopt` turn it on."},
		{Key: "stale_for", Kind: KindDuration, Group: "services", Max: 600, at: func(p *failover.Policy) any { return &p.StaleFor },
			Doc: "How long ECS may go on showing a count from before our own change.",
			Why: "Reads of ECS are eventually consistent; half a minute is far above what was seen."},
		{Key: "write_off_after", Kind: KindDuration, Group: "services", Max: day, at: func(p *failover.Policy) any { return &p.WriteOffAfter },
			Doc: "How long AWS may give no answer about a pool until its tasks count as lost, and the pools that can be read cover them. 0: never. It needs a tick of at most 5 minutes.",
			Why: "0: a region whose API is down mostly runs on, and covering it twice is dear. For pools in several regions that must outlive one, 5 to 10 minutes."},
	}
}
