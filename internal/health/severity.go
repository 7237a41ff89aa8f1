package health

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// blindLoud is how long a workload may be unreadable before that is critical.
	blindLoud = 5 * time.Minute
	// The budget's use is told at 50, 80 and 100 %.
	budgetLoud, budgetWarns = 100, 80
)

// explainsMissing are the reasons that keep tasks from being started: each is the cause where tasks are missing. A quota comes before
// a shortage in the findings.
var explainsMissing = map[failover.Reason]bool{
	failover.ReasonQuota: true, failover.ReasonOnDemandShort: true, failover.ReasonOnDemandMax: true, failover.ReasonBudget: true, failover.ReasonCoverFailing: true,
	failover.ReasonCoverNotReady: true, failover.ReasonCoverBounded: true, failover.ReasonNoTraffic: true, failover.ReasonApplicationFailing: true,
	failover.ReasonConfigurationError: true, failover.ReasonReleaseFailing: true, failover.ReasonWrittenOff: true, failover.ReasonServiceGone: true, failover.ReasonRiseBounded: true,
	failover.ReasonPaused: true, failover.ReasonObserving: true, KindRefused: true,
}

// threats are what a finding is worth while nothing is missing. A reason that is not here needs no person.
var threats = map[failover.Reason]Level{
	failover.ReasonServiceGone: Critical, failover.ReasonGuardedElsewhere: Critical, failover.ReasonMixedStrategy: Critical, failover.ReasonEcho: Critical,
	failover.ReasonBlind: Warning, failover.ReasonHealthUnread: Warning, failover.ReasonWrittenOff: Warning, failover.ReasonOnDemandShort: Warning,
	failover.ReasonOnDemandMax: Warning, failover.ReasonBudget: Warning, failover.ReasonBudgetUsed: Warning, failover.ReasonCoverBounded: Warning,
	failover.ReasonRiseBounded: Warning, failover.ReasonFallHeld: Warning, failover.ReasonApplicationFailing: Warning, failover.ReasonConfigurationError: Warning,
	failover.ReasonReleaseWaits: Warning, failover.ReasonReleaseFailing: Warning, failover.ReasonCoverFailing: Warning, failover.ReasonNoTraffic: Warning, failover.ReasonCoverNotReady: Warning,
	failover.ReasonQuota: Warning, failover.ReasonFailoverLimit: Warning, failover.ReasonScalingParked: Warning, failover.ReasonProtected: Warning,
	failover.ReasonHook: Warning, failover.ReasonDeploymentFailed: Warning, failover.ReasonDrift: Warning, failover.ReasonDiffers: Warning, failover.ReasonPaused: Warning,
	failover.ReasonObserving: Warning, failover.ReasonUnexpected: Warning,
}

// levelOf is what a finding is worth: what threatens is a warning, and critical where tasks are missing
// because of it, or will be once warned ones have stopped (short).
func levelOf(f *failover.Finding, after *failover.State, now time.Time, short bool) Level {
	l, ok := threats[f.Reason]
	switch {
	case !ok:
		return Fine
	case f.Reason == failover.ReasonBlind && !after.BlindSince.IsZero() && now.Sub(after.BlindSince) >= blindLoud:
		return Critical
	case f.Reason == failover.ReasonServiceGone && f.Limit > 0:
		return Warning
	case f.Reason == failover.ReasonBudgetUsed && f.Count < budgetWarns && f.Until.IsZero():
		return Fine
	case f.Reason == failover.ReasonPaused && f.Count == 0, f.Reason == failover.ReasonObserving && (f.Count == 0 || !short):
		return Fine
	case f.Reason == failover.ReasonNoTraffic && f.Count == 0 && !short:
		return Fine
	case short && explainsMissing[f.Reason] && blocks(f.Reason):
		return Critical
	}
	return l
}

// blocks reports whether a reason keeps cover away altogether, so that what is missing stays missing until a person acts.
func blocks(r failover.Reason) bool {
	switch r {
	case failover.ReasonApplicationFailing, failover.ReasonReleaseFailing, failover.ReasonConfigurationError, failover.ReasonCoverBounded, failover.ReasonRiseBounded,
		failover.ReasonObserving: // without a guard it would be no different
		return false
	}
	return true
}

// Momentary reports whether a reason is told of the pass in which it happened and is over then.
func Momentary(r failover.Reason) bool {
	switch r {
	case failover.ReasonTripCapacity, failover.ReasonTripInterruptions, failover.ReasonTripLate, failover.ReasonRampFailed, failover.ReasonRestored,
		failover.ReasonDemandRemembered:
		return true
	}
	return false
}
