package wording

import (
	"cmp"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Remedy is the next step of a person: what to do, and a command that does it or shows more. Both are empty where nothing is to be done.
type Remedy struct{ Do, Command string }

// String writes the step with its command.
func (r Remedy) String() string {
	switch {
	case r.Do == "":
		return r.Command
	case r.Command == "":
		return r.Do
	}
	return r.Do + ": `" + r.Command + "`"
}

// RemedyOf says what a person can do about a finding of a workload.
func RemedyOf(f *failover.Finding, workload string) Remedy {
	r, ok := remedies[f.Reason]
	if !ok {
		return Remedy{}
	}
	if f.Reason == failover.ReasonServiceGone && f.Limit > 0 {
		r = Remedy{"create the service again", explain}
	}
	code := QuotaCode(failover.Capacity(f.Detail))
	r.Command = strings.NewReplacer("WORKLOAD", cmp.Or(workload, "WORKLOAD"), "QUOTA", cmp.Or(code, "L-3032A538")).Replace(r.Command)
	return r
}

const (
	explain    = "backstop explain WORKLOAD"
	seeStopped = "aws ecs list-tasks --desired-status STOPPED --cluster CLUSTER"
)

var remedies = map[failover.Reason]Remedy{
	failover.ReasonBlind:              {"check permissions and ECS; losses that events report are covered meanwhile", "backstop doctor WORKLOAD"},
	failover.ReasonHealthUnread:       {"allow elasticloadbalancing:DescribeTargetHealth to Backstop's role, or wait until AWS answers", "backstop doctor WORKLOAD"},
	failover.ReasonWrittenOff:         {"see AWS Health for the pool's region, and whether Backstop can reach it", "backstop doctor WORKLOAD"},
	failover.ReasonServiceGone:        {"confirm within 24 hours to keep the cover, or create the service again", "backstop confirm WORKLOAD"},
	failover.ReasonGuardedElsewhere:   {"remove the workload from one of the two installations, or take it over to this one", "backstop confirm WORKLOAD"},
	failover.ReasonMixedStrategy:      {"give each pool a service of one provider", "backstop adopt SERVICE"},
	failover.ReasonUnexpected:         {"look at the evidence, and report it", "backstop verify-aws watch"},
	failover.ReasonDemandRemembered:   {"compare it with what is wanted", explain},
	failover.ReasonOnDemandShort:      {"add another pool (region, zone or ARM64), or free capacity elsewhere", explain},
	failover.ReasonOnDemandMax:        {"raise on_demand_max if the shortage costs more than the tasks", "backstop config explain on_demand_max"},
	failover.ReasonBudget:             {"raise on_demand_budget_usd_monthly if the shortage costs more than the tasks", "backstop config explain on_demand_budget_usd_monthly"},
	failover.ReasonBudgetUsed:         {"raise on_demand_budget_usd_monthly, or set on_budget", "backstop cost WORKLOAD"},
	failover.ReasonCoverBounded:       {"find out why starts are late: image pulls, secrets, network interfaces, health checks", explain},
	failover.ReasonRiseBounded:        {"check the scaling policy", explain},
	failover.ReasonFallHeld:           {"confirm if the lower demand is intended", "backstop confirm WORKLOAD"},
	failover.ReasonEcho:               {"confirm if fewer tasks are wanted; check that the scaling policy does not count Spot tasks alone", "backstop confirm WORKLOAD"},
	failover.ReasonApplicationFailing: {"read the stopped tasks' reasons and check the last deployment", seeStopped},
	failover.ReasonConfigurationError: {"check subnets, security groups and roles of the service", "backstop doctor WORKLOAD"},
	failover.ReasonReleaseWaits:       {"stop the deployment until Spot has room, or deploy the release to the on-demand service as well", "aws ecs list-service-deployments"},
	failover.ReasonReleaseFailing:     {"roll the release back or fix it", "aws ecs update-service --task-definition FAMILY:REVISION"},
	failover.ReasonCoverFailing:       {"roll the release back to the last one that worked, or fix it", "aws ecs update-service --task-definition FAMILY:REVISION"},
	failover.ReasonNoTraffic:          {"put the service into the target group that the listener forwards to", "backstop doctor WORKLOAD"},
	failover.ReasonCoverNotReady:      {"check its target group, health check path and security group: tasks run and no health check passes", "backstop doctor WORKLOAD"},
	failover.ReasonQuota:              {"request a higher quota", "aws service-quotas request-service-quota-increase --service-code fargate --quota-code QUOTA --desired-value VCPUS"},
	failover.ReasonFailoverLimit:      {"restore if Spot is known to hold", "backstop restore WORKLOAD"},
	failover.ReasonScalingParked:      {"the number of tasks does not follow the load until Spot is back", "backstop restore WORKLOAD"},
	failover.ReasonProtected:          {"nothing: they are billed as on-demand until their protection ends", ""},
	failover.ReasonHook:               {"continue or stop the deployment", "aws ecs list-service-deployments"},
	failover.ReasonSlowStarts:         {"raise start_limit and ready_limit to what is normal here", "backstop config explain start_limit"},
	failover.ReasonDeploymentFailed:   {"roll it back or fix it", "aws ecs list-service-deployments"},
	failover.ReasonDrift:              {"deploy the same task definition to it, or set sync_task_definition: true", "backstop config explain sync_task_definition"},
	failover.ReasonDiffers:            {"make it equal: the doctor prints the change, and makes it with --fix", "backstop doctor WORKLOAD"},
	failover.ReasonObserving:          {"see what it would do, and let it act by the preset fill", "backstop explain WORKLOAD"},
	failover.ReasonPaused:             {"resume to let Backstop act again", "backstop resume WORKLOAD"},
}

// Refused says that calls which raise a pool fail, and RefusedRemedy what to do.
func Refused(pool string, at time.Time) string {
	return "AWS has not taken a change of " + pool + since(at)
}

// RefusedRemedy is the next step.
func RefusedRemedy(workload string) Remedy {
	return Remedy{"see why in the outcomes, and allow ecs:UpdateService if it is denied", "backstop history " + workload + " --kind outcome"}
}

// Silent says that a workload is not looked at any more, and SilentRemedy what to do.
func Silent(age time.Duration) string { return "not checked for " + Span(age) }

// ReceiverRemedy is what to do where a receiver of notices takes none.
var ReceiverRemedy = Remedy{"correct its URL, topic or permissions, or remove it", "backstop notify test"}

// SilentRemedy is what to do where no pass happens.
var SilentRemedy = Remedy{"start the daemon, or check the function's schedule and errors", "backstop run"}
