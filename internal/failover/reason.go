package failover

// Reason says why, in one word of a closed set. The same strings appear in JSON, logs, metrics and docs.
type Reason string

// Reasons for leaving things as they are.
const (
	// ReasonSteady: demand runs on the preferred pools and nothing needs to change.
	ReasonSteady Reason = "steady"
	// ReasonCovering: cover is in place and is still needed.
	ReasonCovering Reason = "covering"
	// ReasonStarting: what is missing is already starting where it was asked for.
	ReasonStarting Reason = "starting"
	// ReasonSettling: preferred tasks run but have not run for settle yet.
	ReasonSettling Reason = "settling"
	// ReasonReleaseUnsafe: cover could go, but not yet without a risk of running too few.
	ReasonReleaseUnsafe Reason = "release_unsafe"
	// ReasonDeploying: a deployment in progress holds ramps and releases.
	ReasonDeploying Reason = "deploying"
	// ReasonWaitingToFill: short, but fill_after has not passed.
	ReasonWaitingToFill Reason = "waiting_to_fill"
	// ReasonBlind: a pool could not be read; only what is certain is done.
	ReasonBlind Reason = "blind"
	// ReasonWrittenOff: AWS has not answered about a pool for write_off_after; its tasks count as lost.
	ReasonWrittenOff Reason = "written_off"
	// ReasonPaused: an operator paused the workload.
	ReasonPaused Reason = "paused"
	// ReasonObserving: the policy only observes.
	ReasonObserving Reason = "observing"
	// ReasonIdle: the demand is zero.
	ReasonIdle Reason = "idle"
)

// Reasons for changing a count.
const (
	// ReasonSpotShort: preferred pools run fewer tasks than are wanted.
	ReasonSpotShort Reason = "spot_short"
	// ReasonInterruption: tasks are under interruption notice.
	ReasonInterruption Reason = "interruption"
	// ReasonSpotReturned: preferred tasks run again; cover is given back.
	ReasonSpotReturned Reason = "spot_returned"
	// ReasonSurplus: enough of the cover that was started runs; the rest is given back.
	ReasonSurplus Reason = "surplus"
	// ReasonDemandChanged: somebody changed the wanted number of tasks.
	ReasonDemandChanged Reason = "demand_changed"
	// ReasonDemandAssumed: the owner's count cannot be what is wanted; the demand is taken from what runs or was kept.
	ReasonDemandAssumed Reason = "demand_assumed"
	// ReasonReasserted: a count is not what was asked; it is asked for again.
	ReasonReasserted Reason = "reasserted"
	// ReasonForesight: the forecast changed what is worth keeping warm.
	ReasonForesight Reason = "foresight"
	// ReasonTierShared: tasks were shared out among pools of one tier.
	ReasonTierShared Reason = "tier_shared"
	// ReasonNudge: a count is moved to make ECS try again.
	ReasonNudge Reason = "nudge"
	// ReasonStuckStopped: a task that never got started is stopped.
	ReasonStuckStopped Reason = "stuck_stopped"
)

// Reasons of the breaker.
const (
	ReasonTripCapacity      Reason = "trip_capacity_failures"
	ReasonTripInterruptions Reason = "trip_interruptions"
	ReasonTripStuck         Reason = "trip_stuck"
	ReasonTripChurn         Reason = "trip_churn"
	// ReasonFailedOver: an operator asked for a failover.
	ReasonFailedOver Reason = "failed_over"
	// ReasonEvacuating: the cover is coming up before the pool is taken down.
	ReasonEvacuating Reason = "evacuating"
	// ReasonProving: the breaker is open and the probe has not proven the pool yet.
	ReasonProving Reason = "proving"
	// ReasonHoldOff: the pool may not be tried again before a moment.
	ReasonHoldOff Reason = "hold_off"
	// ReasonRamping: the pool has proven itself and is asked for more step by step.
	ReasonRamping Reason = "ramping"
	// ReasonRampFailed: the pool failed on the way up.
	ReasonRampFailed Reason = "ramp_failed"
	// ReasonRestored: the pool is trusted again.
	ReasonRestored Reason = "restored"
	// ReasonFailoverLimit: too many failovers today; the workload stays on on-demand.
	ReasonFailoverLimit Reason = "failover_limit"
	// ReasonPinned: an operator pinned the mode.
	ReasonPinned Reason = "pinned"
)

// Reasons that report trouble that is not a Spot shortage, or a limit.
const (
	ReasonApplicationFailing Reason = "application_failing"
	ReasonConfigurationError Reason = "configuration_failing"
	ReasonQuota              Reason = "quota_reached"
	ReasonOnDemandShort      Reason = "on_demand_short"
	ReasonOnDemandMax        Reason = "on_demand_max"
	ReasonBudget             Reason = "on_demand_budget"
	ReasonDrift              Reason = "twins_drifted"
	ReasonDriftSynced        Reason = "twins_synced"
	ReasonStuck              Reason = "stuck"
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
	{ReasonSteady, "Demand runs on the preferred pools; nothing needs to change."},
	{ReasonCovering, "Cover is in place and still needed."},
	{ReasonStarting, "What is missing is already starting where it was asked for."},
	{ReasonSettling, "Preferred tasks run, but not yet for `settle`; the cover stays."},
	{ReasonReleaseUnsafe, "Cover could go, but ECS might stop tasks that are needed; it stays until enough runs."},
	{ReasonDeploying, "A deployment is in progress; ramps and releases wait, fills do not."},
	{ReasonWaitingToFill, "Tasks are missing, but `fill_after` has not passed."},
	{ReasonBlind, "A pool could not be read. Until it can, only what is certain is done: losses that events tell of are covered, and cover goes back only where the other pools hold the demand by themselves."},
	{ReasonWrittenOff, "AWS has given no answer about a pool for `write_off_after`: its tasks count as lost, and the other pools are guarded as if it were not there."},
	{ReasonPaused, "An operator paused the workload."},
	{ReasonObserving, "The policy only observes; the decision is recorded, not carried out."},
	{ReasonIdle, "No tasks are wanted."},
	{ReasonSpotShort, "Preferred pools run fewer tasks than are wanted; a later pool covers them."},
	{ReasonInterruption, "Tasks are under interruption notice; a later pool covers them before they stop."},
	{ReasonSpotReturned, "Preferred tasks run again; cover is given back."},
	{ReasonSurplus, "More cover was started than needed, to cut the slowest starts; the surplus is given back."},
	{ReasonDemandChanged, "Somebody changed the wanted number of tasks; it was adopted."},
	{ReasonDemandAssumed, "The owner's desired count cannot be what is wanted (the state was lost while failed over, or the configuration names another owner); the demand is what the pools hold, or what it was."},
	{ReasonReasserted, "A count is not what was asked for; it is asked for again."},
	{ReasonForesight, "Losses are likely enough at this time that on-demand tasks are kept warm, or no longer so."},
	{ReasonTierShared, "Tasks were shared out among pools of one tier by their recent interruptions."},
	{ReasonNudge, "A count is moved by one and back to make ECS try again."},
	{ReasonStuckStopped, "A task that did not start within `start_limit` is stopped so that another is tried."},
	{ReasonTripCapacity, "The breaker opened: too many capacity failures in the window."},
	{ReasonTripInterruptions, "The breaker opened: too many interruptions in the window."},
	{ReasonTripStuck, "The breaker opened: tasks stuck before RUNNING."},
	{ReasonTripChurn, "The breaker opened: interruptions keep taking freshly started tasks."},
	{ReasonFailedOver, "An operator asked for a failover."},
	{ReasonEvacuating, "The breaker is open; the pool goes down as far as its cover runs."},
	{ReasonProving, "The breaker is open; the probe has not shown stability yet."},
	{ReasonHoldOff, "The breaker is open; the pool may not be tried again before the hold-off ends."},
	{ReasonRamping, "The pool has proven itself and is asked for more, step by step."},
	{ReasonRampFailed, "The pool failed on the way up; the breaker opened again."},
	{ReasonRestored, "The pool has taken the whole ramp and is trusted again."},
	{ReasonFailoverLimit, "Too many failovers in 24 hours; the workload stays on on-demand."},
	{ReasonPinned, "An operator pinned the mode."},
	{ReasonApplicationFailing, "Tasks fail for reasons of the application; covering them would start more that fail."},
	{ReasonConfigurationError, "Tasks cannot start for reasons of network or configuration; on-demand would fail too."},
	{ReasonQuota, "A vCPU or task quota is reached."},
	{ReasonOnDemandShort, "On-demand capacity is short too; every pool keeps being asked."},
	{ReasonOnDemandMax, "The cover has reached `on_demand_max`."},
	{ReasonBudget, "The month's on-demand budget is used up; no more cover is asked for."},
	{ReasonDrift, "The pools run different task definitions."},
	{ReasonDriftSynced, "A pool was given the owner's task definition."},
	{ReasonStuck, "Tasks are before RUNNING for longer than `start_limit`."},
	{ReasonScalingParked, "The pool's scalable target is suspended with a minimum of 0."},
	{ReasonScalingRestored, "The pool's scalable target has its own bounds back."},
	{ReasonDeploymentFailed, "A deployment failed; ECS starts no more of its tasks."},
	{ReasonClock, "The observation is older than the last one; ages are counted from it anew."},
}
