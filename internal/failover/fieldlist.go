package failover

import "time"

// Bounds that several fields share.
const (
	day       = float64(24 * time.Hour / time.Second)
	week      = 7 * day
	shareFull = 1
)

func workloadFields() []Field {
	const group = "workload"
	return []Field{
		{Key: "observe", Kind: KindBool, Group: group, at: func(p *Policy) any { return &p.Observe },
			Doc: "Decide and record, but change nothing.",
			Why: "Off, but on in the preset `observe`, which is the first thing to run in production."},
		{Key: "demand", Kind: KindInt, Group: group, Unit: "tasks", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.Demand },
			Doc: "Fixes the number of wanted tasks. 0: the owner's desired count says it.",
			Why: "0, as people, deployments and autoscaling already change a desired count."},
		{Key: "owner", Kind: KindName, Group: group, at: func(p *Policy) any { return &p.Owner },
			Doc: "The pool whose desired count is the demand. Empty: the first pool.",
			Why: "The first pool is the service that was there before Backstop."},
	}
}

func cascadeFields() []Field {
	const group = "cascade"
	return []Field{
		{Key: "start_limit", Kind: KindDuration, Group: group, Min: 30, Max: 3600, at: func(p *Policy) any { return &p.StartLimit },
			Doc: "How old a task may be before RUNNING until it counts as stuck.",
			Why: "The slowest normal start in a hundred takes 138 s; 30 % on top of that is 3 minutes. Raise it for images that take longer to pull."},
		{Key: "fill_after", Kind: KindDuration, Group: group, Max: 3600, at: func(p *Policy) any { return &p.FillAfter },
			Doc: "How long tasks may be missing before they are covered.",
			Why: "Waiting for ECS's own Spot replacement first saves nothing and loses 20-60 % more task-minutes."},
		{Key: "settle", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.Settle },
			Doc: "How long a Spot task must have run before cover is given back for it.",
			Why: "A hold before giving back costs up to 8 % and buys little."},
		{Key: "settle_max", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.SettleMax },
			Doc: "How far settle may grow while Spot tasks are taken back young. Not above settle: it does not grow.",
			Why: "A Spot task pays for its start-up after about 150 s; holding on for twice that is enough."},
		{Key: "release_every", Kind: KindDuration, Group: group, Max: 3600, at: func(p *Policy) any { return &p.ReleaseEvery },
			Doc: "The least time between two reductions of one pool.",
			Why: "It keeps calls few while many tasks return one after the other. In simulation 5 s costs 0.03 % less than 15 s."},
		{Key: "overstart", Kind: KindShare, Group: group, Unit: "share of what is missing", Max: 2, at: func(p *Policy) any { return &p.Overstart },
			Doc: "How much more cover than is missing is started when a gap opens at once; the surplus is given back as soon as enough runs.",
			Why: "Of twice as many tasks, as many as are wanted run well before the slowest would. In simulation a third on top leaves less than 0.01 task-minutes per 1,000 task-hours short for 0.2 % of cost in bad months; of few tasks somewhat more are started."},
		{Key: "overstart_min", Kind: KindInt, Group: group, Unit: "tasks", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.OverstartMin },
			Doc: "Gaps of at most this many tasks are not overstarted.",
			Why: "For a single task a spare one would double the cost of the cover."},
		{Key: "extra", Kind: KindInt, Group: group, Unit: "tasks", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.Extra },
			Doc: "Standing spare tasks above the demand.",
			Why: "Standing spare costs 1-28 % and buys next to nothing while tasks use the two-minute warning. It is for tasks that stop at SIGTERM."},
		{Key: "retry_every", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.RetryEvery },
			Doc: "How often ECS is made to try a pool again that it may have backed off from. 0: never. See nudge.",
			Why: "ECS's back-off can hide a recovered pool for up to 27 minutes."},
		{Key: "nudge", Kind: KindEnum, Group: group, Values: []string{string(NudgeNone), string(NudgeDesiredCount)}, at: func(p *Policy) any { return &p.Nudge },
			Doc: "How ECS is made to try again: `desired_count` moves the count up by one and back.",
			Why: "`none`: whether moving the count resets ECS's back-off is unknown."},
		{Key: "stop_stuck", Kind: KindBool, Group: group, at: func(p *Policy) any { return &p.StopStuck },
			Doc: "Stop tasks that are stuck before RUNNING, so that ECS tries others.",
			Why: "Off: a stuck task is covered anyway, and stopping it hides its cause."},
	}
}

func foresightFields() []Field {
	const group = "foresight"
	return []Field{
		{Key: "foresight_usd", Kind: KindUSD, Group: group, Unit: "USD a task-minute", Max: 1e6, at: func(p *Policy) any { return &p.ForesightUSD },
			Doc: "What a task-minute short is worth. Above 0, as many on-demand tasks are kept warm as the workload's own history of losses says are worth their price at this hour of the week, and after a loss. 0: none.",
			Why: "0: in simulation a forecast avoids a task-minute short for about $0.55, over a hundred times what a minute of an on-demand task costs, and avoids none where tasks use the two-minute warning (docs/policies.md). It needs the size of a task (`task`)."},
		{Key: "foresight_gap", Kind: KindDuration, Group: group, Max: 3600, at: func(p *Policy) any { return &p.ForesightGap },
			Doc: "How long a lost task is missing if none is warm: the start-up, less what the warning gives.",
			Why: "90 s, the median start-up, for tasks that end at SIGTERM. For tasks that work on for the whole warning it is 0, and nothing is kept warm."},
	}
}

func tierFields() []Field {
	const group = "tiers"
	return []Field{
		{Key: "tier_share_max", Kind: KindShare, Group: group, Unit: "share of the tier", Min: 0.05, Max: shareFull, at: func(p *Policy) any { return &p.TierShareMax },
			Doc: "The most of a tier's tasks that one of its pools is asked for while others have room.",
			Why: "One zone's loss then takes at most 60 % of the tasks."},
		{Key: "skip_after_failure", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.SkipAfterFailure },
			Doc: "How long a pool of a tier is passed over after a failed launch.",
			Why: "A zone that could not place a task seldom can within 5 minutes, and its neighbours can."},
		{Key: "reclaim_memory", Kind: KindDuration, Group: group, Min: 60, Max: 4 * week, at: func(p *Policy) any { return &p.ReclaimMemory },
			Doc: "Over what time past interruptions lose their weight in sharing out a tier.",
			Why: "Shortages last hours; what happened yesterday says little."},
	}
}

func breakerFields() []Field {
	const group = "breaker"
	return []Field{
		{Key: "trip_window", Kind: KindDuration, Group: group, Min: 30, Max: day, at: func(p *Policy) any { return &p.TripWindow },
			Doc: "The window in which the evidence for a trip is counted.",
			Why: "Long enough for a wave of interruptions and its replacements; the preset `switch` has the article's 5 minutes."},
		{Key: "trip_capacity_failures", Kind: KindInt, Group: group, Unit: "failures", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.TripCapacityFailures },
			Doc: "Capacity failures in the window that open the breaker. 0: never.",
			Why: "0: the cascade covers a shortage exactly; leaving Spot as a whole gives away what still runs there."},
		{Key: "trip_interruptions", Kind: KindInt, Group: group, Unit: "interruptions", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.TripInterruptions },
			Doc: "Interruptions in the window that open the breaker. 0: never.",
			Why: "0, for the same reason; a single sweep is over when it is noticed."},
		{Key: "trip_stuck", Kind: KindInt, Group: group, Unit: "tasks", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.TripStuck },
			Doc: "Tasks stuck before RUNNING that open the breaker. 0: never.",
			Why: "0: slow starts are mostly the image's or the network's doing, and are covered anyway."},
		{Key: "trip_churn", Kind: KindInt, Group: group, Unit: "interruptions", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.TripChurn },
			Doc: "Interruptions of tasks younger than churn_age in the window that open the breaker. 0: never.",
			Why: "Spot that keeps taking fresh tasks costs more than on-demand, as each of them paid for its start-up in vain."},
		{Key: "trip_share", Kind: KindShare, Group: group, Unit: "share of the demand", Max: shareFull, at: func(p *Policy) any { return &p.TripShare },
			Doc: "The evidence must also amount to this share of the demand.",
			Why: "Ten lost tasks are a catastrophe for twenty and noise for five thousand."},
		{Key: "churn_age", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.ChurnAge },
			Doc: "A task interrupted at a younger age than this counts as churn.",
			Why: "A Spot task pays for its start-up after about 150 s."},
		{Key: "on_trip", Kind: KindEnum, Group: group, Values: []string{string(Keep), string(Evacuate)}, at: func(p *Policy) any { return &p.OnTrip },
			Doc: "What an open breaker does: `keep` holds what still runs there, `evacuate` brings up the cover and then takes the pool to its probe.",
			Why: "What runs on Spot is paid for at a third of the price and may run on for hours."},
		{Key: "ready_share", Kind: KindShare, Group: group, Unit: "share of the cover", Max: shareFull, at: func(p *Policy) any { return &p.ReadyShare },
			Doc: "How much of the cover must run before a pool is evacuated.",
			Why: "Half: the pool's own tasks serve on meanwhile and go as cover runs."},
		{Key: "probe", Kind: KindInt, Group: group, Unit: "tasks", Min: 1, Max: ServiceTasksMax, at: func(p *Policy) any { return &p.Probe },
			Doc: "How many tasks an open pool keeps being asked for.",
			Why: "A pool at zero can never show that it has recovered, and ten make the shares below mean something."},
		{Key: "open_min", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.OpenMin },
			Doc: "The least time a breaker stays open.",
			Why: "A start takes up to two minutes; nothing can be known sooner."},
		{Key: "hold_off", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.HoldOff },
			Doc: "How long a pool is not tried again after it failed on the way back; each further failure doubles it.",
			Why: "Longer than the window that the first failure was seen in."},
		{Key: "hold_off_max", Kind: KindDuration, Group: group, Max: week, at: func(p *Policy) any { return &p.HoldOffMax },
			Doc: "The bound of hold_off's doubling.",
			Why: "Most shortages are shorter than an hour; half of one wastes little."},
		{Key: "jitter", Kind: KindShare, Group: group, Unit: "share of the hold-off", Max: shareFull, at: func(p *Policy) any { return &p.Jitter },
			Doc: "How much a hold-off may be longer by chance.",
			Why: "Keeps a thousand workloads from coming back to one pool in the same second."},
		{Key: "jitter_seed", Kind: KindSeed, Group: group, at: func(p *Policy) any { return &p.JitterSeed },
			Doc: "The seed of that chance.",
			Why: "The same seed gives the same decisions; the program sets it from the workload's name when it is 0."},
	}
}

func provingFields() []Field {
	const group = "breaker"
	return []Field{
		{Key: "stable_for", Kind: KindDuration, Group: group, Min: 60, Max: day, at: func(p *Policy) any { return &p.StableFor },
			Doc: "The window in which an open pool must prove itself.",
			Why: "The article's 10 minutes: five times a start."},
		{Key: "min_samples", Kind: KindInt, Group: group, Unit: "tasks", Min: 1, Max: ServiceTasksMax, at: func(p *Policy) any { return &p.MinSamples },
			Doc: "Distinct tasks that must have been seen for a proof; fewer when the demand or the probe is smaller.",
			Why: "A share of fewer than ten says nothing."},
		{Key: "success_share", Kind: KindShare, Group: group, Unit: "share of the tasks seen", Max: shareFull, at: func(p *Policy) any { return &p.SuccessShare },
			Doc: "The share of tasks that must have started and survived.",
			Why: "The article's 80 %."},
		{Key: "error_share", Kind: KindShare, Group: group, Unit: "share of the tasks seen", Max: shareFull, at: func(p *Policy) any { return &p.ErrorShare },
			Doc: "The share of tasks that may have failed.",
			Why: "The article's 5 %."},
		{Key: "survive", Kind: KindDuration, Group: group, Max: 3600, at: func(p *Policy) any { return &p.Survive },
			Doc: "How long a task must have run to count as a success.",
			Why: "A pool that is still short takes tasks back within the first minute."},
		{Key: "ramp_dwell", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.RampDwell },
			Doc: "How long each step of the ramp (25, 50, 100 %) must hold.",
			Why: "The two minutes of the warning: what was placed by mistake is gone by then."},
		{Key: "closed_min", Kind: KindDuration, Group: group, Max: day, at: func(p *Policy) any { return &p.ClosedMin },
			Doc: "The least time a breaker stays closed.",
			Why: "Evidence from before the return must not count against it."},
		{Key: "failovers_max_per_day", Kind: KindInt, Group: group, Unit: "failovers", Max: 50, at: func(p *Policy) any { return &p.FailoversMaxPerDay },
			Doc: "After so many failovers in 24 hours the workload stays on on-demand and says so. 0: no limit.",
			Why: "Six are one every four hours; more is flapping, and a person should look."},
	}
}

func guardFields() []Field {
	return []Field{
		{Key: "app_failures", Kind: KindInt, Group: "vetoes", Unit: "tasks", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.AppFailures },
			Doc: "Tasks that stop for reasons of the application until a pool counts as failing by itself. 0: never.",
			Why: "Three are no accident, and starting more of a broken image helps nobody."},
		{Key: "app_failure_hold", Kind: KindDuration, Group: "vetoes", Max: day, at: func(p *Policy) any { return &p.AppFailureHold },
			Doc: "How long a pool counts as failing after the last such stop.",
			Why: "ECS's back-off for failing tasks reaches 27 minutes."},
		{Key: "deploy_hold_max", Kind: KindDuration, Group: "vetoes", Max: week, at: func(p *Policy) any { return &p.DeployHoldMax },
			Doc: "How long a deployment in progress may hold ramps and releases.",
			Why: "A deployment that takes longer than an hour is stuck, and cover costs money."},

		{Key: "on_demand_max", Kind: KindInt, Group: "money", Unit: "tasks", Max: ServiceTasksMax, at: func(p *Policy) any { return &p.OnDemandMax },
			Doc: "The most on-demand tasks that are asked for. 0: no limit. Reaching it is a notice and stops further cover.",
			Why: "0: availability comes first unless the operator says otherwise."},
		{Key: "on_demand_budget_usd_monthly", Kind: KindUSD, Group: "money", Unit: "USD a calendar month (UTC)", Max: 1e9, at: func(p *Policy) any { return &p.OnDemandBudgetUSDMonthly },
			Doc: "What on-demand may cost in a calendar month. 0: no limit. Reaching it is a notice and stops further cover.",
			Why: "0, for the same reason. It needs the size of a task (`task`)."},

		{Key: "sync_task_definition", Kind: KindBool, Group: "services", at: func(p *Policy) any { return &p.SyncTaskDefinition },
			Doc: "Give the other pools the owner's task definition when they differ. Off: warn only.",
			Why: "Off: changing a service's task definition starts a deployment, which is for people to allow."},
		{Key: "park_scaling", Kind: KindBool, Group: "services", at: func(p *Policy) any { return &p.ParkScaling },
			Doc: "Suspend a pool's Application Auto Scaling target, with a minimum of 0, while its breaker holds it down.",
			Why: "On: autoscaling would otherwise lift the service again within a minute."},
		{Key: "stale_for", Kind: KindDuration, Group: "services", Max: 600, at: func(p *Policy) any { return &p.StaleFor },
			Doc: "How long ECS may go on showing a count from before our own change.",
			Why: "Reads of ECS are eventually consistent; half a minute is far above what was seen."},
		{Key: "write_off_after", Kind: KindDuration, Group: "services", Max: day, at: func(p *Policy) any { return &p.WriteOffAfter },
			Doc: "How long AWS may give no answer about a pool until its tasks count as lost, and the pools that can be read cover them. 0: never. It needs a tick of at most 5 minutes.",
			Why: "0: a region whose API is down mostly runs on, and covering it twice is dear. For pools in several regions that must outlive one, 5 to 10 minutes."},
	}
}
