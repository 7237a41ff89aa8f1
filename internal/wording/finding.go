package wording

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Finding says a finding, without a full stop.
func Finding(f *failover.Finding) string { //nolint:funlen // one line a reason
	pool := cmp.Or(f.Pool, "the workload")
	tasks := Count(f.Count, "task")
	switch f.Reason {
	case failover.ReasonBlind:
		if f.Until.IsZero() && f.Count == 0 {
			return fmt.Sprintf("cannot read %s from ECS (%s); it was never read", pool, f.Detail)
		}
		text := fmt.Sprintf("cannot read %s from ECS%s (%s); its count is held", pool, since(f.Until), f.Detail)
		if f.Count > 0 {
			text += fmt.Sprintf(", at most %s there", tasks)
		}
		return text
	case failover.ReasonHealthUnread:
		return fmt.Sprintf("cannot read the readiness of %s (%s); nothing is given back on it", pool, f.Detail)
	case failover.ReasonWrittenOff:
		return fmt.Sprintf("%s has not answered%s; %s there %s as lost", pool, since(f.Until), tasks, Verb(f.Count, "counts", "count"))
	case failover.ReasonServiceGone:
		if f.Limit > 0 {
			return fmt.Sprintf("the service of %s does not exist (%s); %s %s covered, as confirmed", pool, cmp.Or(f.Detail, "not found"), tasks, Verb(f.Count, "is", "are"))
		}
		return fmt.Sprintf("the service of %s does not exist (%s); %s %s as lost and %s covered", pool, cmp.Or(f.Detail, "not found"), tasks,
			Verb(f.Count, "counts", "count"), Verb(f.Count, "is", "are"))
	case failover.ReasonPaused:
		return fmt.Sprintf("paused%s%s; %s withheld", by(f.Detail), until(f.Until), Count(f.Count, "change"))
	case failover.ReasonObserving:
		return fmt.Sprintf("observing only; %s withheld", Count(f.Count, "change"))
	case failover.ReasonGuardedElsewhere:
		return fmt.Sprintf("another installation (%s) holds the count of %s; nothing is changed here", cmp.Or(f.Detail, "not read now"), pool)
	case failover.ReasonUnexpected:
		row, what, _ := strings.Cut(f.Detail, ": ")
		return fmt.Sprintf("AWS does what Backstop does not expect (%s) with %s: %s", row, pool, what)
	case failover.ReasonMixedStrategy:
		return fmt.Sprintf("the service of %s mixes capacity providers (%s): it is not guarded, and nothing is changed", pool, f.Detail)
	case failover.ReasonPinned:
		return fmt.Sprintf("pinned to %s%s", Mode(failover.Mode(f.Detail)), until(f.Until))
	case failover.ReasonFailedOver:
		return fmt.Sprintf("%s is failed over%s", pool, until(f.Until))
	case failover.ReasonDemandChanged:
		return fmt.Sprintf("demand changed from %d to %d", f.Limit, f.Count)
	case failover.ReasonDemandRemembered:
		return fmt.Sprintf("demand %d was read from the tag of %s, whose desired count is %d", f.Count, pool, f.Limit)
	case failover.ReasonTripCapacity, failover.ReasonTripInterruptions, failover.ReasonTripLate:
		return fmt.Sprintf("the breaker of %s opened: %s", pool, Count(f.Count, tripNoun(f.Reason)))
	case failover.ReasonRampFailed:
		return fmt.Sprintf("%s failed on the way up: %s", pool, Count(f.Count, "failure"))
	case failover.ReasonRamping:
		return fmt.Sprintf("%s is asked for %d of %d", pool, f.Count, f.Limit)
	case failover.ReasonRestored:
		return pool + " is trusted again"
	case failover.ReasonProving:
		return fmt.Sprintf("%s has %d of the %s in service that prove it", pool, f.Count, Count(f.Limit, "task"))
	case failover.ReasonHoldOff:
		return fmt.Sprintf("%s is not tried again%s", pool, until(f.Until))
	case failover.ReasonFailoverLimit:
		return fmt.Sprintf("%s in 24 hours, %d allowed; staying on on-demand%s", Count(f.Count, "failover"), f.Limit, until(f.Until))
	case failover.ReasonApplicationFailing:
		return fmt.Sprintf("%s: %s crashed, failed to pull an image, or turned unhealthy%s", pool, tasks, uncovered(f.Limit))
	case failover.ReasonConfigurationError:
		return fmt.Sprintf("%s: %s cannot start because of network or configuration%s", pool, tasks, uncovered(f.Limit))
	}
	return trouble(f, pool, tasks)
}

// trouble is Finding for the reasons that report a failure or a limit.
func trouble(f *failover.Finding, pool, tasks string) string { //nolint:funlen // one line a reason
	switch f.Reason {
	case failover.ReasonReleaseWaits:
		return fmt.Sprintf("the release that is rolled out to %s gets no task, as Spot has no room: ECS may roll it back for that%s", pool, coverRuns(f.Detail))
	case failover.ReasonReleaseFailing:
		return fmt.Sprintf("%s: the current release does not start (%s)", pool, Count(f.Count, "failure"))
	case failover.ReasonCoverFailing:
		return fmt.Sprintf("%s: on-demand tasks fail for the application's reasons (%s) and none is in service; one is kept trying, %d needed", pool,
			Count(f.Count, "failure"), f.Limit)
	case failover.ReasonCoverNotReady:
		return fmt.Sprintf("%s of %s %s past the limit and none is in service", tasks, pool, Verb(f.Count, "runs", "run"))
	case failover.ReasonNoTraffic:
		return fmt.Sprintf("%s is in no target group that has listener weight: its tasks serve nothing (%d running)", pool, f.Count)
	case failover.ReasonQuota:
		return fmt.Sprintf("%s is full, %d more needed in %s", cmp.Or(Quota(failover.Capacity(f.Detail)), "a vCPU quota"), max(1, f.Limit), pool)
	case failover.ReasonOnDemandShort:
		if f.Count >= f.Limit {
			return fmt.Sprintf("no on-demand task of %s could start (%d wanted)", pool, f.Limit)
		}
		return fmt.Sprintf("%d of %d on-demand tasks of %s could not start", f.Count, f.Limit, pool)
	case failover.ReasonOnDemandMax:
		return fmt.Sprintf("%s more needed than on_demand_max (%d) allows", Count(f.Count, "on-demand task"), f.Limit)
	case failover.ReasonBudget:
		return fmt.Sprintf("%s more needed, but the month's on-demand budget ($%d) is used up", tasks, f.Limit)
	case failover.ReasonBudgetUsed:
		text := fmt.Sprintf("%d %% of the month's on-demand budget ($%d) is used", f.Count, f.Limit)
		if !f.Until.IsZero() {
			text += "; at this rate it is used up on " + f.Until.UTC().Format("2 January 15:04Z")
		}
		return text
	case failover.ReasonCoverBounded:
		return fmt.Sprintf("%s: starts are late; %d are asked for and no more, %d needed", pool, f.Count, f.Limit)
	case failover.ReasonRiseBounded:
		return fmt.Sprintf("demand rose to %d in a gap; %d are covered so far", f.Count, f.Limit)
	case failover.ReasonFallHeld:
		return fmt.Sprintf("demand fell to %d in a gap; on-demand is kept for %d and follows slowly", f.Count, f.Limit)
	case failover.ReasonEcho:
		return fmt.Sprintf("demand fell to %d, which is what Spot runs; on-demand is kept for %d until this is confirmed", f.Count, f.Limit)
	case failover.ReasonDrift:
		return fmt.Sprintf("%s would start another task definition (%s) than the one that works", pool, f.Detail)
	case failover.ReasonDiffers:
		return fmt.Sprintf("%s is not the same service on other capacity: it differs in %s", pool, f.Detail)
	case failover.ReasonDriftSynced:
		return fmt.Sprintf("%s is given the task definition %s", pool, f.Detail)
	case failover.ReasonLate:
		return fmt.Sprintf("%s of %s past the limit and not in service", tasks, pool)
	case failover.ReasonLateStopped:
		return fmt.Sprintf("a task of %s is past twice its limit and is stopped", pool)
	case failover.ReasonSlowStarts:
		return fmt.Sprintf("%s: tasks take longer to start than configured; the learned limit is %s", pool, Span(time.Duration(f.Count)*time.Second))
	case failover.ReasonProtected:
		return fmt.Sprintf("%s of %s cannot be given back: scale-in protection", tasks, pool)
	case failover.ReasonHook:
		return fmt.Sprintf("a deployment of %s waits for a lifecycle hook%s", pool, since(f.Until))
	case failover.ReasonTierShared:
		return fmt.Sprintf("%s %s shared among the pools of a tier", tasks, Verb(f.Count, "is", "are"))
	case failover.ReasonForesight:
		return fmt.Sprintf("%s of %s %s kept warm", tasks, pool, Verb(f.Count, "is", "are"))
	case failover.ReasonScalingParked:
		return fmt.Sprintf("auto scaling of %s (%d to %s) is suspended: the demand is frozen", pool, f.Count, Count(f.Limit, "task"))
	case failover.ReasonScalingRestored:
		return fmt.Sprintf("auto scaling of %s has its bounds back (%d to %s)", pool, f.Count, Count(f.Limit, "task"))
	case failover.ReasonDeploymentFailed:
		return fmt.Sprintf("a deployment of %s failed", pool)
	case failover.ReasonClock:
		return "the clock went back from " + Moment(f.Until)
	}
	return string(f.Reason)
}

// coverRuns names the release that on-demand stands in with.
func coverRuns(definition string) string {
	if definition == "" {
		return ""
	}
	return "; cover runs " + definition[strings.LastIndexByte(definition, '/')+1:] + ", the last that served"
}

// Quota names the quota of the vCPUs that a capacity provider may run at a time.
func Quota(c failover.Capacity) string {
	if code := QuotaCode(c); code != "" {
		return "vCPU quota " + code
	}
	return ""
}

// QuotaCode is the quota's code in Service Quotas.
func QuotaCode(c failover.Capacity) string {
	switch c {
	case failover.OnDemand:
		return "L-3032A538"
	case failover.Spot:
		return "L-36FBB829"
	}
	return ""
}

func uncovered(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; no cover is started for %d of them", n)
}

func tripNoun(r failover.Reason) string {
	switch r {
	case failover.ReasonTripCapacity:
		return "capacity failure"
	case failover.ReasonTripInterruptions:
		return "interruption"
	}
	return "late task"
}

// Verb is a verb's form for a number of things.
func Verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}
