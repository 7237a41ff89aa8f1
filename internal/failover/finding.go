package failover

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// Text says the finding in words.
func (f Finding) Text() string { //nolint:funlen // two lines a reason
	pool := cmp.Or(f.Pool, "the workload")
	switch f.Reason {
	case ReasonBlind:
		return fmt.Sprintf("%s could not be read (%s)", pool, f.Detail)
	case ReasonWrittenOff:
		return fmt.Sprintf("%s has not answered since %s: %s there count as lost", pool, f.Until.UTC().Format("15:04:05"), plural(f.Count, "task"))
	case ReasonPaused:
		return fmt.Sprintf("paused%s%s; %s withheld", by(f.Detail), until(f.Until), plural(f.Count, "change"))
	case ReasonObserving:
		return fmt.Sprintf("observing only; %s withheld", plural(f.Count, "change"))
	case ReasonPinned:
		return fmt.Sprintf("pinned to %s%s", f.Detail, until(f.Until))
	case ReasonFailedOver:
		return fmt.Sprintf("%s is held down by an operator%s%s", pool, by(f.Detail), until(f.Until))
	case ReasonDemandChanged:
		return fmt.Sprintf("demand changed from %d to %d", f.Limit, f.Count)
	case ReasonDemandAssumed:
		return fmt.Sprintf("%d tasks are taken for wanted, though the desired count of %s is %d", f.Count, pool, f.Limit)
	case ReasonTripCapacity, ReasonTripInterruptions, ReasonTripStuck, ReasonTripChurn:
		return fmt.Sprintf("the breaker of %s opened: %d %s", pool, f.Count, tripWord(f.Reason))
	case ReasonRampFailed:
		return fmt.Sprintf("%s failed on the way up: %d failures, %d tolerated", pool, f.Count, f.Limit)
	case ReasonRamping:
		return fmt.Sprintf("%s is asked for %d of %d", pool, f.Count, f.Limit)
	case ReasonRestored:
		return fmt.Sprintf("%s has taken the whole ramp and is trusted again", pool)
	case ReasonProving:
		return fmt.Sprintf("%s has shown %d surviving tasks of the %d that prove it", pool, f.Count, f.Limit)
	case ReasonHoldOff:
		return fmt.Sprintf("%s is held off%s", pool, until(f.Until))
	case ReasonFailoverLimit:
		return fmt.Sprintf("%d failovers in 24 hours, %d allowed; staying on on-demand%s", f.Count, f.Limit, until(f.Until))
	case ReasonApplicationFailing:
		return fmt.Sprintf("tasks of %s fail for reasons of the application (%d lately); %d missing tasks are not covered", pool, f.Count, f.Limit)
	case ReasonConfigurationError:
		return fmt.Sprintf("tasks of %s cannot start for reasons of configuration (%d lately); %d missing tasks are not covered", pool, f.Count, f.Limit)
	case ReasonQuota:
		return fmt.Sprintf("a quota stops %s (%d refusals)", pool, f.Count)
	case ReasonOnDemandShort:
		return fmt.Sprintf("on-demand is short too: %s misses %d of %d", pool, f.Count, f.Limit)
	case ReasonOnDemandMax:
		return fmt.Sprintf("%d more tasks are needed than on_demand_max (%d) allows", f.Count, f.Limit)
	case ReasonBudget:
		return fmt.Sprintf("%d more tasks are needed, but the month's on-demand budget ($%d) is used up", f.Count, f.Limit)
	case ReasonWaitingToFill:
		return fmt.Sprintf("%d tasks will be covered%s", f.Count, until(f.Until))
	case ReasonDeploying:
		return fmt.Sprintf("a deployment holds the release of %d tasks of %s", f.Count, pool)
	case ReasonDrift:
		return fmt.Sprintf("%s runs another task definition (%s) than the owner", pool, f.Detail)
	case ReasonDriftSynced:
		return fmt.Sprintf("%s is given the owner's task definition %s", pool, f.Detail)
	case ReasonStuck:
		return fmt.Sprintf("%d tasks of %s are before RUNNING for longer than start_limit", f.Count, pool)
	case ReasonStuckStopped:
		return fmt.Sprintf("%d stuck tasks are stopped so that others are tried", f.Count)
	case ReasonTierShared:
		return fmt.Sprintf("%d tasks are shared among %d pools", f.Count, f.Limit)
	case ReasonForesight:
		return fmt.Sprintf("%s incidents an hour are expected; %d tasks of %s are worth keeping warm%s", f.Detail, f.Count, pool, until(f.Until))
	case ReasonNudge:
		return fmt.Sprintf("%s has %d tasks missing for long; its count is moved to make ECS try again", pool, f.Count)
	case ReasonScalingParked:
		return fmt.Sprintf("the scalable target of %s (%d..%d) is suspended with minimum 0", pool, f.Count, f.Limit)
	case ReasonScalingRestored:
		return fmt.Sprintf("the scalable target of %s gets its bounds %d..%d back", pool, f.Count, f.Limit)
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
		return "capacity failures"
	case ReasonTripInterruptions:
		return "interruptions"
	case ReasonTripStuck:
		return "tasks stuck or not placed"
	}
	return "interruptions of freshly started tasks"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + t.UTC().Format("15:04:05")
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}
