package failover

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Text returns the finding in words.
func (f Finding) Text() string { //nolint:funlen // one line a reason
	pool := cmp.Or(f.Pool, "the workload")
	tasks := plural(f.Count, "task")
	switch f.Reason {
	case ReasonBlind:
		return fmt.Sprintf("cannot read %s from ECS (%s); at most %s there", pool, f.Detail, tasks)
	case ReasonHealthUnread:
		return fmt.Sprintf("cannot read the readiness of %s (%s); nothing is given back on it", pool, f.Detail)
	case ReasonWrittenOff:
		return fmt.Sprintf("%s has not answered since %s: %s there count as lost", pool, clock(f.Until), tasks)
	case ReasonServiceGone:
		return fmt.Sprintf("the service of %s does not exist (%s): %s count as lost and are covered", pool, cmp.Or(f.Detail, "not found"), tasks)
	case ReasonPaused:
		return fmt.Sprintf("paused%s%s; %s withheld", by(f.Detail), until(f.Until), plural(f.Count, "change"))
	case ReasonObserving:
		return fmt.Sprintf("observing only; %s withheld", plural(f.Count, "change"))
	case ReasonGuardedElsewhere:
		return fmt.Sprintf("another installation (%s) holds the count of %s; nothing is changed here", cmp.Or(f.Detail, "not read now"), pool)
	case ReasonPinned:
		return fmt.Sprintf("pinned to %s%s", f.Detail, until(f.Until))
	case ReasonFailedOver:
		return fmt.Sprintf("%s is failed over by an order%s", pool, until(f.Until))
	case ReasonDemandChanged:
		return fmt.Sprintf("demand changed from %d to %d", f.Limit, f.Count)
	case ReasonDemandRemembered:
		return fmt.Sprintf("demand %d was read from the tag of %s, whose desired count is %d", f.Count, pool, f.Limit)
	case ReasonTripCapacity, ReasonTripInterruptions, ReasonTripLate:
		return fmt.Sprintf("the breaker of %s opened: %s", pool, plural(f.Count, tripWord(f.Reason)))
	case ReasonRampFailed:
		return fmt.Sprintf("%s failed on the way up: %s", pool, plural(f.Count, "failure"))
	case ReasonRamping:
		return fmt.Sprintf("%s is asked for %d of %d", pool, f.Count, f.Limit)
	case ReasonRestored:
		return fmt.Sprintf("%s is trusted again", pool)
	case ReasonProving:
		return fmt.Sprintf("%s has shown %d of the %d tasks in service that prove it", pool, f.Count, f.Limit)
	case ReasonHoldOff:
		return fmt.Sprintf("%s is held off%s", pool, until(f.Until))
	case ReasonFailoverLimit:
		return fmt.Sprintf("%s in 24 hours, %d allowed; staying on on-demand%s", plural(f.Count, "failover"), f.Limit, until(f.Until))
	case ReasonApplicationFailing:
		return fmt.Sprintf("%s: %s failed or turned unhealthy for the application's reasons; %d missing are not covered", pool, tasks, f.Limit)
	case ReasonConfigurationError:
		return fmt.Sprintf("%s: %s cannot start for reasons of network or configuration; %d missing are not covered", pool, tasks, f.Limit)
	}
	return f.troubleText(pool, tasks)
}

// troubleText is Text of the reasons that report trouble or a limit.
func (f Finding) troubleText(pool, tasks string) string { //nolint:funlen // one line a reason
	switch f.Reason {
	case ReasonReleaseWaits:
		return fmt.Sprintf("the release that is rolled out to %s gets no task, as Spot has no room: ECS may roll it back for that%s", pool, coverRuns(f.Detail))
	case ReasonReleaseFailing:
		return fmt.Sprintf("%s: the current release does not start (%s)", pool, plural(f.Count, "failure"))
	case ReasonCoverFailing:
		return fmt.Sprintf("%s: on-demand tasks fail for the application's reasons (%s) and none is in service; one is kept trying, %d are needed", pool, plural(f.Count, "failure"), f.Limit)
	case ReasonCoverNotReady:
		return fmt.Sprintf("%s of %s run past the limit and none is in service", tasks, pool)
	case ReasonNoTraffic:
		return fmt.Sprintf("%s is in no target group that has listener weight: its tasks serve nothing (%d running)", pool, f.Count)
	case ReasonQuota:
		return fmt.Sprintf("a vCPU quota stops %s: %s could not be placed", pool, plural(f.Limit, "task"))
	case ReasonOnDemandShort:
		if f.Count >= f.Limit {
			return fmt.Sprintf("no on-demand task of %s could start (%d wanted)", pool, f.Limit)
		}
		return fmt.Sprintf("%d of %d on-demand tasks of %s could not start", f.Count, f.Limit, pool)
	case ReasonOnDemandMax:
		return fmt.Sprintf("%s more than on_demand_max (%d) allows", plural(f.Count, "on-demand task"), f.Limit)
	case ReasonBudget:
		return fmt.Sprintf("%s more needed, but the month's on-demand budget ($%d) is used up", plural(f.Count, "task"), f.Limit)
	case ReasonBudgetUsed:
		text := fmt.Sprintf("%d %% of the month's on-demand budget ($%d) is used", f.Count, f.Limit)
		if !f.Until.IsZero() {
			text += fmt.Sprintf("; at this rate it is used up on %s", f.Until.UTC().Format("2 January 15:04"))
		}
		return text
	case ReasonCoverBounded:
		return fmt.Sprintf("%s: starts are late; %d are asked for and no more, for %d needed", pool, f.Count, f.Limit)
	case ReasonRiseBounded:
		return fmt.Sprintf("demand rose to %d in a gap; %d are covered so far", f.Count, f.Limit)
	case ReasonFallHeld:
		return fmt.Sprintf("demand fell to %d in a gap; on-demand is kept for %d and follows slowly", f.Count, f.Limit)
	case ReasonEcho:
		return fmt.Sprintf("demand fell to %d, which is what Spot runs: on-demand is kept for %d until this is confirmed", f.Count, f.Limit)
	case ReasonDrift:
		return fmt.Sprintf("%s would start another task definition (%s) than the one that works", pool, f.Detail)
	case ReasonDriftSynced:
		return fmt.Sprintf("%s is given the task definition %s", pool, f.Detail)
	case ReasonLate:
		return fmt.Sprintf("%s of %s past the limit and not in service", tasks, pool)
	case ReasonLateStopped:
		return fmt.Sprintf("a task of %s is past twice its limit and is stopped", pool)
	case ReasonSlowStarts:
		return fmt.Sprintf("%s: tasks take longer to start than configured; the learned limit is %s", pool, writeDuration(time.Duration(f.Count)*time.Second))
	case ReasonProtected:
		return fmt.Sprintf("%s of %s cannot be given back: scale-in protection", tasks, pool)
	case ReasonHook:
		return fmt.Sprintf("a deployment of %s has waited for a lifecycle hook since %s", pool, clock(f.Until))
	case ReasonTierShared:
		return fmt.Sprintf("%s are shared among the pools of a tier", tasks)
	case ReasonForesight:
		return fmt.Sprintf("%s of %s are kept warm", tasks, pool)
	case ReasonScalingParked:
		return fmt.Sprintf("auto scaling of %s (%d..%d) is suspended: the demand is frozen", pool, f.Count, f.Limit)
	case ReasonScalingRestored:
		return fmt.Sprintf("auto scaling of %s gets its bounds %d..%d back", pool, f.Count, f.Limit)
	case ReasonDeploymentFailed:
		return fmt.Sprintf("a deployment of %s failed", pool)
	case ReasonClock:
		return fmt.Sprintf("the clock went back from %s", f.Until.UTC().Format(time.RFC3339))
	}
	return string(f.Reason)
}

// MarshalJSON adds the text.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding
	return json.Marshal(struct {
		plain
		Text string `json:"text"`
	}{plain(f), f.Text()})
}

func tripWord(r Reason) string {
	switch r {
	case ReasonTripCapacity:
		return "capacity failure"
	case ReasonTripInterruptions:
		return "interruption"
	}
	return "late task"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// coverRuns names the release that on-demand stands in with.
func coverRuns(definition string) string {
	if definition == "" {
		return ""
	}
	return "; cover runs " + definition[strings.LastIndexByte(definition, '/')+1:] + ", the last that served"
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + clock(t)
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}
