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
	// ReasonMixedStrategy: a pool is one capacity, and what a mixed service runs where is not its count.
	ReasonMixedStrategy Reason = "mixed_strategy"
	ReasonPaused        Reason = "paused"
	ReasonObserving     Reason = "observing"
	ReasonIdle          Reason = "idle"
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
	ReasonDiffers            Reason = "twins_differ"
	ReasonLate               Reason = "late"
	ReasonSlowStarts         Reason = "slow_starts"
	ReasonProtected          Reason = "protected"
	ReasonHook               Reason = "deployment_paused"
	ReasonScalingParked      Reason = "scaling_parked"
	ReasonScalingRestored    Reason = "scaling_restored"
	ReasonDeploymentFailed   Reason = "deployment_failed"
	ReasonClock              Reason = "clock"
	// ReasonUnexpected: what is decided rests on what is assumed of AWS.
	ReasonUnexpected Reason = "aws_unexpected"
)

// Reasons lists the closed set, in the order of docs/reasons.md.
func Reasons() []Reason { return reasons[:] }

var reasons = [...]Reason{
	ReasonSteady, ReasonCovering, ReasonStarting, ReasonReplacing, ReasonWarming, ReasonReleaseUnsafe, ReasonBlind, ReasonHealthUnread,
	ReasonWrittenOff, ReasonGuardedElsewhere, ReasonMixedStrategy, ReasonServiceGone, ReasonPaused, ReasonObserving, ReasonIdle, ReasonSpotShort, ReasonInterruption, ReasonSpotReturned,
	ReasonSurplus, ReasonDemandChanged, ReasonDemandRemembered, ReasonReasserted, ReasonForesight, ReasonTierShared, ReasonLateStopped,
	ReasonTripCapacity, ReasonTripInterruptions, ReasonTripLate, ReasonFailedOver, ReasonEvacuating, ReasonProving, ReasonHoldOff,
	ReasonRamping, ReasonRampFailed, ReasonRestored, ReasonFailoverLimit, ReasonPinned, ReasonApplicationFailing, ReasonConfigurationError,
	ReasonReleaseWaits, ReasonReleaseFailing, ReasonCoverFailing, ReasonCoverNotReady, ReasonNoTraffic, ReasonQuota, ReasonOnDemandShort, ReasonOnDemandMax,
	ReasonBudget, ReasonBudgetUsed, ReasonCoverBounded, ReasonRiseBounded, ReasonFallHeld, ReasonEcho, ReasonDrift, ReasonDriftSynced, ReasonDiffers,
	ReasonLate, ReasonSlowStarts, ReasonProtected, ReasonHook, ReasonScalingParked, ReasonScalingRestored, ReasonDeploymentFailed,
	ReasonClock, ReasonUnexpected,
}
