package notice

import (
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Kind says what a notice is about. The strings are part of the JSON and of SNS attributes.
type Kind string

// Kinds of notices.
const (
	FailoverStarted   Kind = "failover_started"
	FailoverCompleted Kind = "failover_completed"
	FailoverBlocked   Kind = "failover_blocked"
	CoverStarted      Kind = "cover_started"
	Restored          Kind = "restored"
	StillFailedOver   Kind = "still_failed_over"
	OnDemandShort     Kind = "on_demand_short"
	CoverLimit        Kind = "cover_limit"
	Budget            Kind = "budget"
	BudgetUsed        Kind = "budget_used"
	ServiceGone       Kind = "service_gone"
	GuardedElsewhere  Kind = "guarded_elsewhere"
	CoverFailing      Kind = "cover_failing"
	NoTraffic         Kind = "no_traffic"
	HealthUnread      Kind = "readiness_unread"
	DemandDoubted     Kind = "demand_doubted"
	DemandRemembered  Kind = "demand_remembered"
	TasksFailing      Kind = "tasks_failing"
	Quota             Kind = "quota"
	Drift             Kind = "drift"
	DeploymentFailed  Kind = "deployment_failed"
	Blind             Kind = "blind"
	WrittenOff        Kind = "written_off"
	Paused            Kind = "paused"
	TooManyFailovers  Kind = "too_many_failovers"
	StateUnavailable  Kind = "state_unavailable"
	StartedAgain      Kind = "task_started_again"
	NotStartedAgain   Kind = "task_not_started_again"
	ReceiverRefuses   Kind = "receiver_refuses"
	Digest            Kind = "digest"
	Test              Kind = "test"
	Unexpected        Kind = "aws_unexpected"
	Other             Kind = "other"
)

// Declared is everything that is fixed about a kind.
type Declared struct {
	Kind     Kind
	Title    string
	Severity failover.Severity
	// Lasting kinds are troubles that every pass finds for as long as they last; the others are moments.
	Lasting bool
	// After is how long a trouble must have lasted before it is told, Repeat how often it is told again (0: never).
	After, Repeat time.Duration
	// Gap is the least time between two notices of the kind about one workload; what happens meanwhile is told
	// together at its end.
	Gap time.Duration
	// Do is what a person should do when nothing more specific is known.
	Do string
}

// flicker is how long most troubles must last to be told: two passes. A single answer that was throttled, or one
// pass that lost a race for capacity, is over before a person has read the notice.
const flicker = 90 * time.Second

var declared = []Declared{
	{Kind: FailoverStarted, Title: "failover started", Severity: failover.Warning, Gap: 5 * time.Minute},
	{Kind: FailoverCompleted, Title: "failover completed", Severity: failover.Info},
	{Kind: FailoverBlocked, Title: "blocked: a change could not be made", Severity: failover.Critical, Lasting: true, After: flicker, Repeat: time.Hour,
		Do: "follow the hint above, if there is one; `backstop doctor` checks every permission and service"},
	{Kind: CoverStarted, Title: "on-demand covers for Spot", Severity: failover.Info, Gap: 15 * time.Minute},
	{Kind: Restored, Title: "back on Spot", Severity: failover.Info, Gap: 15 * time.Minute},
	{Kind: StillFailedOver, Title: "still on on-demand", Severity: failover.Warning, Lasting: true, After: 30 * time.Minute, Repeat: 4 * time.Hour,
		Do: "nothing is broken; if it lasts for days, another pool (zone, region, ARM64) is cheaper than on-demand"},
	{Kind: OnDemandShort, Title: "on-demand is short too", Severity: failover.Critical, Lasting: true, Repeat: time.Hour},
	{Kind: CoverLimit, Title: "the cover has reached its limit", Severity: failover.Critical, Lasting: true, Repeat: time.Hour},
	{Kind: Budget, Title: "the on-demand budget is used up", Severity: failover.Critical, Lasting: true, Repeat: 6 * time.Hour},
	{Kind: BudgetUsed, Title: "the on-demand budget is being used", Severity: failover.Warning},
	{Kind: ServiceGone, Title: "a service that was guarded does not exist", Severity: failover.Critical, Lasting: true, Repeat: time.Hour},
	{Kind: GuardedElsewhere, Title: "two installations guard one workload", Severity: failover.Critical, Lasting: true, Repeat: time.Hour},
	{Kind: CoverFailing, Title: "the cover fails too", Severity: failover.Critical, Lasting: true, Repeat: time.Hour},
	{Kind: NoTraffic, Title: "tasks run and get no traffic", Severity: failover.Critical, Lasting: true, After: flicker, Repeat: time.Hour},
	{Kind: HealthUnread, Title: "the readiness of tasks cannot be read", Severity: failover.Warning, Lasting: true, After: flicker, Repeat: 24 * time.Hour},
	{Kind: DemandDoubted, Title: "the demand changed in a shortage", Severity: failover.Warning, Lasting: true, Repeat: time.Hour},
	{Kind: DemandRemembered, Title: "the demand was read from the service's tag", Severity: failover.Warning},
	{Kind: TasksFailing, Title: "tasks fail, and it is not the capacity", Severity: failover.Warning, Lasting: true, Repeat: 6 * time.Hour},
	{Kind: Quota, Title: "a quota is reached", Severity: failover.Warning, Lasting: true, Repeat: 6 * time.Hour},
	{Kind: Drift, Title: "the pools are not the same service", Severity: failover.Warning, Lasting: true, After: 10 * time.Minute, Repeat: 24 * time.Hour},
	{Kind: DeploymentFailed, Title: "a deployment failed", Severity: failover.Warning, Lasting: true, Repeat: 24 * time.Hour},
	{Kind: Blind, Title: "a service cannot be read", Severity: failover.Warning, Lasting: true, After: flicker, Repeat: time.Hour},
	{Kind: WrittenOff, Title: "a pool gives no answer; its tasks count as lost", Severity: failover.Critical, Lasting: true, Repeat: time.Hour},
	{Kind: Paused, Title: "paused, and changes are withheld", Severity: failover.Warning, Lasting: true, Repeat: 12 * time.Hour},
	{Kind: TooManyFailovers, Title: "too many failovers today", Severity: failover.Critical, Lasting: true, Repeat: 6 * time.Hour},
	{Kind: StateUnavailable, Title: "the state cannot be read or written", Severity: failover.Critical, Lasting: true, After: flicker, Repeat: time.Hour,
		Do: "nothing is acted on until the store answers; look at the table and the function's permissions, or at the disk"},
	{Kind: StartedAgain, Title: "tasks of no service were started again", Severity: failover.Info, Gap: 5 * time.Minute},
	{Kind: NotStartedAgain, Title: "tasks of no service could not be started again", Severity: failover.Warning, Gap: 5 * time.Minute,
		Do: "start what is still needed by hand; `backstop history` has every task, `backstop explain TASK` one of them"},
	{Kind: ReceiverRefuses, Title: "a receiver of notices refuses them", Severity: failover.Warning,
		Do: "correct its URL, topic or permissions, or remove it; `backstop notify test` tries every receiver"},
	{Kind: Digest, Title: "the last day in figures", Severity: failover.Info},
	{Kind: Test, Title: "a test of notices", Severity: failover.Info, Do: "nothing; it was sent by `backstop notify test`"},
	{Kind: Unexpected, Title: "AWS does what Backstop does not expect", Severity: failover.Warning},
	{Kind: Other, Title: "worth knowing", Severity: failover.Warning, Lasting: true, After: flicker, Repeat: 24 * time.Hour},
}

// Kinds lists everything that is declared about the kinds.
func Kinds() []Declared { return declared }

func (k Kind) declared() *Declared {
	for i := range declared {
		if declared[i].Kind == k {
			return &declared[i]
		}
	}
	return &declared[len(declared)-1]
}

// kindOf says which kind a notice of a pass is of.
func kindOf(n *failover.Notice) Kind {
	_, key, _ := strings.Cut(n.Key, "/") // after the workload
	head, rest, _ := strings.Cut(key, "/")
	switch head {
	case "mode":
		switch mode, _, _ := strings.Cut(rest, "/"); failover.Mode(mode) {
		case failover.ModeOnDemand:
			return FailoverStarted
		case failover.ModeMixed:
			return CoverStarted
		}
		return Restored
	case "trip":
		return FailoverStarted
	case "restored":
		return Restored
	case string(StartedAgain), string(NotStartedAgain): // of no workload
		return Kind(head)
	}
	switch n.Reason {
	case failover.ReasonBlind:
		return Blind
	case failover.ReasonWrittenOff:
		return WrittenOff
	case failover.ReasonOnDemandShort:
		return OnDemandShort
	case failover.ReasonOnDemandMax:
		return CoverLimit
	case failover.ReasonBudget:
		return Budget
	case failover.ReasonBudgetUsed:
		return BudgetUsed
	case failover.ReasonServiceGone:
		return ServiceGone
	case failover.ReasonGuardedElsewhere:
		return GuardedElsewhere
	case failover.ReasonCoverFailing:
		return CoverFailing
	case failover.ReasonNoTraffic:
		return NoTraffic
	case failover.ReasonHealthUnread:
		return HealthUnread
	case failover.ReasonRiseBounded, failover.ReasonFallHeld, failover.ReasonEcho:
		return DemandDoubted
	case failover.ReasonDemandRemembered:
		return DemandRemembered
	case failover.ReasonApplicationFailing, failover.ReasonConfigurationError, failover.ReasonReleaseFailing, failover.ReasonReleaseWaits:
		return TasksFailing
	case failover.ReasonQuota:
		return Quota
	case failover.ReasonFailoverLimit:
		return TooManyFailovers
	case failover.ReasonDrift, failover.ReasonDiffers:
		return Drift
	case failover.ReasonDeploymentFailed:
		return DeploymentFailed
	case failover.ReasonPaused:
		return Paused
	case failover.ReasonUnexpected:
		return Unexpected
	}
	return Other
}
