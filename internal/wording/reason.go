package wording

import "github.com/backstop-ecs/backstop/internal/failover"

// Reason says what a reason means, with a full stop. docs/reasons.md is made of it.
func Reason(r failover.Reason) string {
	if text, ok := reasons[r]; ok {
		return text
	}
	return string(r)
}

var reasons = map[failover.Reason]string{
	failover.ReasonSteady:           "The demand is in service on the preferred pools; nothing needs to change.",
	failover.ReasonCovering:         "On-demand tasks stand in for Spot.",
	failover.ReasonStarting:         "What is missing is already starting where it was asked for.",
	failover.ReasonReplacing:        "Tasks under notice still work, and ECS replaces them on Spot itself; on-demand is asked for as soon as it does not.",
	failover.ReasonWarming:          "Tasks that replace on-demand run, but are not in service yet; on-demand stays until they are.",
	failover.ReasonReleaseUnsafe:    "On-demand could be reduced, but ECS might stop tasks that are needed; it stays until enough is in service.",
	failover.ReasonBlind:            "A pool could not be read. Losses that events report are covered; nothing is given back on it.",
	failover.ReasonHealthUnread:     "The readiness of tasks could not be read; nothing is given back until it can.",
	failover.ReasonWrittenOff:       "AWS has given no answer about a pool for `write_off_after`: its tasks count as lost, and the other pools are guarded as if it were not there.",
	failover.ReasonGuardedElsewhere: "Another installation holds the workload's count down, by the tag backstop:demand. Nothing is changed here until it lets go, or the takeover is confirmed.",
	failover.ReasonMixedStrategy:    "A service's capacity provider strategy has several providers: what runs where is not in its count, so nothing is changed. Give each pool a service of one provider.",
	failover.ReasonUnexpected:       "What AWS did contradicts a row of docs/aws-assumptions.md, on which decisions rest. Nothing is decided otherwise for it.",
	failover.ReasonServiceGone:      "AWS says that a guarded service no longer exists: its tasks count as lost and are covered. Confirm within 24 hours, or the cover is released.",
	failover.ReasonPaused:           "An operator paused the workload.",
	failover.ReasonObserving:        "The policy only observes; the decision is recorded, not carried out.",
	failover.ReasonIdle:             "No tasks are wanted.",

	failover.ReasonSpotShort:        "Spot has fewer tasks in service than are wanted; on-demand covers them.",
	failover.ReasonInterruption:     "Tasks are under interruption notice; on-demand covers them before they stop.",
	failover.ReasonSpotReturned:     "Spot tasks are in service again; on-demand is given back.",
	failover.ReasonSurplus:          "More on-demand was started than needed, to cut the slowest starts; the surplus is given back.",
	failover.ReasonDemandChanged:    "The wanted number of tasks was changed; it was adopted.",
	failover.ReasonDemandRemembered: "The state was lost while the service's count was held down; the demand was read from the tag backstop:demand.",
	failover.ReasonReasserted:       "A count is not what was asked for; it is asked for again.",
	failover.ReasonForesight:        "On-demand tasks are kept warm ahead of a loss, or no longer so.",
	failover.ReasonTierShared:       "Tasks were shared out among pools of one tier by their recent interruptions.",
	failover.ReasonLateStopped:      "A task that is past twice its limit is stopped so that another is tried.",

	failover.ReasonTripCapacity:      "The breaker opened: too many capacity failures in the window, and tasks are missing.",
	failover.ReasonTripInterruptions: "The breaker opened: too many interruptions in the window, and tasks are missing.",
	failover.ReasonTripLate:          "The breaker opened: tasks are late or cannot be placed.",
	failover.ReasonFailedOver:        "An operator asked for a failover.",
	failover.ReasonEvacuating:        "The pool was given up; it goes down as its cover comes into service.",
	failover.ReasonProving:           "The breaker is open; the probe has not shown stability yet.",
	failover.ReasonHoldOff:           "The breaker is open; the pool may not be tried again before the hold-off ends.",
	failover.ReasonRamping:           "The pool has proven itself and is asked for more, step by step.",
	failover.ReasonRampFailed:        "The pool failed on the way up; the breaker opened again.",
	failover.ReasonRestored:          "The pool is trusted again.",
	failover.ReasonFailoverLimit:     "Too many failovers in 24 hours; the workload stays on on-demand.",
	failover.ReasonPinned:            "An operator pinned the mode.",

	failover.ReasonApplicationFailing: "Tasks are missing or unhealthy for the application's reasons; they are not covered, as cover would run the same application.",
	failover.ReasonConfigurationError: "Tasks cannot start for reasons of network or configuration; on-demand would fail too.",
	failover.ReasonReleaseWaits:       "A deployment of the Spot service gets no task, as Spot has no room; ECS may take that for a broken release and roll it back. Cover goes on with the release that worked.",
	failover.ReasonReleaseFailing:     "The current release does not start; cover would run it too where the standby has it.",
	failover.ReasonCoverFailing:       "The on-demand tasks fail for the application's reasons; one is kept trying until it is in service or another release is there.",
	failover.ReasonCoverNotReady:      "On-demand tasks run past their limit and none of them is in service; nothing is given back on them.",
	failover.ReasonNoTraffic:          "The pool's tasks are in no target group that has listener weight: they serve nothing and count for nothing.",
	failover.ReasonQuota:              "A vCPU or task quota is reached.",
	failover.ReasonOnDemandShort:      "AWS does not start all on-demand tasks; the next pool is asked for the rest.",
	failover.ReasonOnDemandMax:        "The cover has reached `on_demand_max`.",
	failover.ReasonBudget:             "The month's on-demand budget is used up.",
	failover.ReasonBudgetUsed:         "Half of the month's on-demand budget or more is used, or it will be used up this month at the present rate.",
	failover.ReasonCoverBounded:       "Cover is late, and no more is asked for than twice what is needed.",
	failover.ReasonRiseBounded:        "The demand rose so far in a gap that it is covered step by step.",
	failover.ReasonFallHeld:           "The demand fell in a gap; on-demand follows after five minutes, a quarter a minute.",
	failover.ReasonEcho:               "The demand fell to what Spot runs, which is how a scaler echoes a loss; on-demand keeps the demand of before until it is confirmed.",
	failover.ReasonDrift:              "The pools run different task definitions.",
	failover.ReasonDiffers:            "A pool differs from the owner in what decides whether cover serves.",
	failover.ReasonDriftSynced:        "A pool was given the task definition of the owner that works.",
	failover.ReasonLate:               "Tasks are past their limit and not in service.",
	failover.ReasonSlowStarts:         "Starts take longer than the configured limits; the learned limits are in force.",
	failover.ReasonProtected:          "Tasks with scale-in protection stay although the pool was given back.",
	failover.ReasonHook:               "A deployment waits for a lifecycle hook.",
	failover.ReasonScalingParked:      "The pool's scalable target is suspended with a minimum of 0: the demand is frozen.",
	failover.ReasonScalingRestored:    "The pool's scalable target has its own bounds back.",
	failover.ReasonDeploymentFailed:   "A deployment failed; ECS starts no more of its tasks.",
	failover.ReasonClock:              "The observation is older than the last one; ages are counted from it.",
}
