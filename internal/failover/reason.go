package failover

import "github.com/backstop-ecs/backstop/internal/failover/breaker"

// Reason says why, in one word of a closed set. The same strings appear in JSON, logs, metrics and docs.
type Reason string

// Reasons for leaving things as they are.
const (
	ReasonSteady        Reason = "steady"
	ReasonCovering      Reason = "covering"
	ReasonStarting      Reason = "starting"
	ReasonReplacing     Reason = "replacing"
	ReasonWarming       Reason = "warming"
	ReasonReleaseUnsafe Reason = "release_unsafe"
	ReasonBlind         Reason = "blind"
	ReasonHealthUnread  Reason = "readiness_unread"
	ReasonWrittenOff    Reason = "written_off"
	ReasonServiceGone   Reason = "service_gone"
	// ReasonGuardedElsewhere: two installations that set the same counts undo one another.
	ReasonGuardedElsewhere Reason = "guarded_elsewhere"
	ReasonPaused           Reason = "paused"
	ReasonObserving        Reason = "observing"
	ReasonIdle             Reason = "idle"
)

// Reasons for changing a count.
const (
	ReasonSpotShort        Reason = "spot_short"
	ReasonInterruption     Reason = "interruption"
	ReasonSpotReturned     Reason = "spot_returned"
	ReasonSurplus          Reason = "surplus"
	ReasonDemandChanged    Reason = "demand_changed"
	ReasonDemandRemembered Reason = "demand_remembered"
	ReasonReasserted       Reason = "reasserted"
	ReasonForesight        Reason = "kept_warm"
	ReasonTierShared       Reason = "tier_shared"
	ReasonLateStopped      Reason = "late_stopped"
)

// Reasons of the breaker (package breaker).
const (
	ReasonTripCapacity      = Reason(breaker.TripCapacity)
	ReasonTripInterruptions = Reason(breaker.TripInterruptions)
	ReasonTripLate          = Reason(breaker.TripLate)
	ReasonFailedOver        = Reason(breaker.FailedOver)
	ReasonProving           = Reason(breaker.Proving)
	ReasonHoldOff           = Reason(breaker.HoldOff)
	ReasonRamping           = Reason(breaker.Ramping)
	ReasonRampFailed        = Reason(breaker.RampFailed)
	ReasonRestored          = Reason(breaker.Restored)
	ReasonFailoverLimit     = Reason(breaker.Limit)
	ReasonPinned            = Reason(breaker.Pinned)
	// ReasonEvacuating: a pool that was given up goes down as its cover comes into service.
	ReasonEvacuating Reason = "evacuating"
)

// Reasons that report trouble that is not a Spot shortage, or a limit.
const (
	ReasonApplicationFailing Reason = "application_failing"
	ReasonConfigurationError Reason = "configuration_failing"
	ReasonReleaseFailing     Reason = "release_failing"
	ReasonReleaseWaits       Reason = "release_waits"
	ReasonCoverFailing       Reason = "cover_failing"
	ReasonCoverNotReady      Reason = "cover_not_ready"
	ReasonNoTraffic          Reason = "no_traffic"
	ReasonQuota              Reason = "quota_reached"
	ReasonOnDemandShort      Reason = "on_demand_short"
	ReasonOnDemandMax        Reason = "on_demand_max"
	ReasonBudget             Reason = "on_demand_budget"
	ReasonBudgetUsed         Reason = "budget_used"
	ReasonCoverBounded       Reason = "cover_bounded"
	ReasonRiseBounded        Reason = "rise_bounded"
	ReasonFallHeld           Reason = "fall_held"
	ReasonEcho               Reason = "demand_echo"
	ReasonDrift              Reason = "twins_drifted"
	ReasonDriftSynced        Reason = "twins_synced"
	ReasonLate               Reason = "late"
	ReasonSlowStarts         Reason = "slow_starts"
	ReasonProtected          Reason = "protected"
	ReasonHook               Reason = "deployment_paused"
	ReasonScalingParked      Reason = "scaling_parked"
	ReasonScalingRestored    Reason = "scaling_restored"
	ReasonDeploymentFailed   Reason = "deployment_failed"
	ReasonClock              Reason = "clock"
)

// Reasons lists the closed set with what each means; docs/reasons.md is generated from it.
func Reasons() []ReasonDoc { return reasonDocs }

// ReasonDoc is one reason and its meaning.
type ReasonDoc struct {
	Reason Reason
	Text   string
}

var reasonDocs = []ReasonDoc{
	{ReasonSteady, "The demand is in service on the preferred pools; nothing needs to change."},
	{ReasonCovering, "On-demand tasks stand in for Spot."},
	{ReasonStarting, "What is missing is already starting where it was asked for."},
	{ReasonReplacing, "Tasks under notice still work, and ECS replaces them on Spot itself; on-demand is asked for as soon as it does not."},
	{ReasonWarming, "Tasks that replace on-demand run, but are not in service yet; on-demand stays until they are."},
	{ReasonReleaseUnsafe, "On-demand could be reduced, but ECS might stop tasks that are needed; it stays until enough is in service."},
	{ReasonBlind, "A pool could not be read. Losses that events report are covered; nothing is given back on it."},
	{ReasonHealthUnread, "The readiness of tasks could not be read; nothing is given back until it can."},
	{ReasonWrittenOff, "AWS has given no answer about a pool for `write_off_after`: its tasks count as lost, and the other pools are guarded as if it were not there."},
	{ReasonGuardedElsewhere, "Another installation holds the workload's count down, by the tag backstop:demand. Nothing is changed here until it lets go, or the takeover is confirmed."},
	{ReasonServiceGone, "AWS says that a service that was guarded does not exist any more: its tasks count as lost and are covered. Confirm within 24 hours, or the cover is released."},
	{ReasonPaused, "An operator paused the workload."},
	{ReasonObserving, "The policy only observes; the decision is recorded, not carried out."},
	{ReasonIdle, "No tasks are wanted."},
	{ReasonSpotShort, "Spot has fewer tasks in service than are wanted; on-demand covers them."},
	{ReasonInterruption, "Tasks are under interruption notice; on-demand covers them before they stop."},
	{ReasonSpotReturned, "Spot tasks are in service again; on-demand is given back."},
	{ReasonSurplus, "More on-demand was started than needed, to cut the slowest starts; the surplus is given back."},
	{ReasonDemandChanged, "The wanted number of tasks was changed; it was adopted."},
	{ReasonDemandRemembered, "The state was lost while the service's count was held down; the demand was read from the tag backstop:demand."},
	{ReasonReasserted, "A count is not what was asked for; it is asked for again."},
	{ReasonForesight, "On-demand tasks are kept warm ahead of a loss, or no longer so."},
	{ReasonTierShared, "Tasks were shared out among pools of one tier by their recent interruptions."},
	{ReasonLateStopped, "A task that is past twice its limit is stopped so that another is tried."},
	{ReasonTripCapacity, "The breaker opened: too many capacity failures in the window, and tasks are missing."},
	{ReasonTripInterruptions, "The breaker opened: too many interruptions in the window, and tasks are missing."},
	{ReasonTripLate, "The breaker opened: tasks are late or cannot be placed."},
	{ReasonFailedOver, "An operator asked for a failover."},
	{ReasonEvacuating, "The pool was given up; it goes down as its cover comes into service."},
	{ReasonProving, "The breaker is open; the probe has not shown stability yet."},
	{ReasonHoldOff, "The breaker is open; the pool may not be tried again before the hold-off ends."},
	{ReasonRamping, "The pool has proven itself and is asked for more, step by step."},
	{ReasonRampFailed, "The pool failed on the way up; the breaker opened again."},
	{ReasonRestored, "The pool is trusted again."},
	{ReasonFailoverLimit, "Too many failovers in 24 hours; the workload stays on on-demand."},
	{ReasonPinned, "An operator pinned the mode."},
	{ReasonApplicationFailing, "Tasks are missing or unhealthy for the application's reasons; they are not covered, as cover would run the same application."},
	{ReasonConfigurationError, "Tasks cannot start for reasons of network or configuration; on-demand would fail too."},
	{ReasonReleaseWaits, "A deployment of the Spot service gets no task, as Spot has no room; ECS may take that for a broken release and roll it back. Cover goes on with the release that worked."},
	{ReasonReleaseFailing, "The current release does not start; cover would run it too where the standby has it."},
	{ReasonCoverFailing, "The on-demand tasks fail for the application's reasons; one is kept trying until it is in service or another release is there."},
	{ReasonCoverNotReady, "On-demand tasks run past their limit and none of them is in service; nothing is given back on them."},
	{ReasonNoTraffic, "The pool's tasks are in no target group that has listener weight: they serve nothing and count for nothing."},
	{ReasonQuota, "A vCPU or task quota is reached."},
	{ReasonOnDemandShort, "On-demand capacity cannot be had in full; the next pool is asked for the rest."},
	{ReasonOnDemandMax, "The cover has reached `on_demand_max`."},
	{ReasonBudget, "The month's on-demand budget is used up."},
	{ReasonBudgetUsed, "Half of the month's on-demand budget or more is used, or it will be used up this month at the present rate."},
	{ReasonCoverBounded, "Cover is late, and no more is asked for than twice what is needed."},
	{ReasonRiseBounded, "The demand rose so far in a gap that it is covered step by step."},
	{ReasonFallHeld, "The demand fell in a gap; on-demand follows after five minutes, a quarter a minute."},
	{ReasonEcho, "The demand fell to what Spot runs, which is how a scaler echoes a loss; on-demand keeps the demand of before until it is confirmed."},
	{ReasonDrift, "The pools run different task definitions."},
	{ReasonDriftSynced, "A pool was given the task definition of the owner that works."},
	{ReasonLate, "Tasks are past their limit and not in service."},
	{ReasonSlowStarts, "Starts take longer than the configured limits; the learned limits are in force."},
	{ReasonProtected, "Tasks with scale-in protection stay although the pool was given back."},
	{ReasonHook, "A deployment waits for a lifecycle hook."},
	{ReasonScalingParked, "The pool's scalable target is suspended with a minimum of 0: the demand is frozen."},
	{ReasonScalingRestored, "The pool's scalable target has its own bounds back."},
	{ReasonDeploymentFailed, "A deployment failed; ECS starts no more of its tasks."},
	{ReasonClock, "The observation is older than the last one; ages are counted from it."},
}
