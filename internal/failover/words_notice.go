package failover

import (
	"fmt"
	"time"
)

// blindLoud is how long a workload may be unreadable before that is critical; the budget's use is told at 50, 80 and 100 %.
const (
	blindLoud   = 5 * time.Minute
	budgetLoud  = 100
	budgetWarns = 80
)

// Notices returns what a person should be told of this pass: what changed from before to after, and the
// troubles that d found. A trouble that lasts is returned at every pass with the same Key; whoever sends
// notices sends each key once.
func Notices(p *Policy, before, after *State, d *Decision) []Notice {
	var out []Notice
	add := func(r Reason, s Severity, key, text, do string) {
		out = append(out, Notice{Reason: r, Severity: s, Key: after.Workload + "/" + key, Text: text, Do: do})
	}
	if before.Mode != after.Mode && before.Mode != ModeUnknown {
		sev := Info
		if after.Mode == ModeOnDemand {
			sev = Warning
		}
		add(d.Reason, sev, fmt.Sprintf("mode/%s/%d", after.Mode, after.ModeSince.Unix()),
			fmt.Sprintf("%s went from %s to %s: demand %d, %s in service", after.Workload, before.Mode, after.Mode, d.Demand, d.InService), "")
	}
	for i := range d.Findings {
		f := &d.Findings[i]
		if n, ok := notices[f.Reason]; ok {
			add(f.Reason, severityOf(n.severity, f, after, d), n.key(f, d), f.Text(), n.do)
		}
	}
	return out
}

// noticed is what is told of a finding.
type noticeOf struct {
	severity Severity
	key      func(f *Finding, d *Decision) string
	do       string
}

func once(name string) func(*Finding, *Decision) string {
	return func(f *Finding, d *Decision) string { return fmt.Sprintf("%s/%s/%d", name, f.Pool, d.At.Unix()) }
}

func lasting(name string) func(*Finding, *Decision) string {
	return func(f *Finding, _ *Decision) string {
		if f.Pool == "" {
			return name
		}
		return name + "/" + f.Pool
	}
}

// budgetKey is one key a month and step: 50, 80 and 100 %.
func budgetKey(f *Finding, d *Decision) string {
	step := 50
	switch {
	case f.Count >= budgetLoud:
		step = budgetLoud
	case f.Count >= budgetWarns:
		step = budgetWarns
	case f.Count < step:
		step = 0
	}
	return fmt.Sprintf("budget_used/%s/%d", d.At.UTC().Format("2006-01"), step)
}

var notices = map[Reason]noticeOf{
	ReasonTripCapacity:      {Warning, once("trip"), ""},
	ReasonTripInterruptions: {Warning, once("trip"), ""},
	ReasonTripLate:          {Warning, once("trip"), ""},
	ReasonRampFailed:        {Warning, once("trip"), ""},
	ReasonRestored:          {Info, once("restored"), ""},
	ReasonBlind:             {Warning, lasting("blind"), "run `backstop doctor`; losses that events report are covered meanwhile"},
	ReasonHealthUnread:      {Warning, lasting("readiness_unread"), "allow elasticloadbalancing:DescribeTargetHealth to Backstop's role, or wait until AWS answers"},
	ReasonWrittenOff:        {Critical, lasting("written_off"), "see AWS Health for the pool's region, and whether Backstop can reach it; its tasks count again as soon as it can be read"},
	ReasonServiceGone:       {Critical, lasting("service_gone"), "run `backstop confirm` within 24 hours to keep the cover, or create the service again"},
	ReasonGuardedElsewhere:  {Critical, lasting("guarded_elsewhere"), "remove the workload from one of the two installations; `backstop confirm` takes it over to this one"},
	ReasonDemandRemembered:  {Warning, once("demand_remembered"), "run `backstop demand` if another number is wanted"},
	ReasonOnDemandShort:     {Critical, lasting("on_demand_short"), "add another pool (region, zone or ARM64), or free capacity elsewhere"},
	ReasonOnDemandMax:       {Critical, lasting("on_demand_max"), "raise on_demand_max if the shortage costs more than the tasks"},
	ReasonBudget:            {Critical, lasting("budget"), "raise on_demand_budget_usd_monthly if the shortage costs more than the tasks"},
	ReasonBudgetUsed:        {Warning, budgetKey, "raise on_demand_budget_usd_monthly, or set on_budget"},
	ReasonCoverBounded:      {Warning, lasting("cover_bounded"), "look at the late tasks: image pulls, secrets, network interfaces, health checks"},
	ReasonRiseBounded:       {Critical, lasting("rise_bounded"), "check the scaling policy; `backstop demand` sets the number at once"},
	ReasonFallHeld:          {Warning, lasting("fall_held"), "run `backstop demand` or `backstop confirm` if the fall is meant"},
	ReasonEcho:              {Critical, lasting("demand_echo"), "run `backstop confirm` if fewer tasks are wanted; check that the scaling policy does not count Spot tasks alone"},
	ReasonApplicationFailing: {Warning, lasting("application_failing"),
		"look at the stopped tasks' reasons and the last deployment"},
	ReasonConfigurationError: {Warning, lasting("configuration_failing"), "look at subnets, security groups and roles of the service"},
	ReasonReleaseWaits:       {Warning, lasting("release_waits"), "stop the deployment until Spot has room, or deploy the release to the on-demand service as well"},
	ReasonReleaseFailing:     {Warning, lasting("release_failing"), "roll the release back or fix it"},
	ReasonCoverFailing:       {Critical, lasting("cover_failing"), "roll the release back or fix it: `aws ecs update-service --task-definition` with the last one that worked"},
	ReasonNoTraffic:          {Critical, lasting("no_traffic"), "put the service into the target group that the listener forwards to"},
	ReasonCoverNotReady:      {Critical, lasting("cover_not_ready"), "look at its target group, health check path and security group: the tasks run and no health check passes"},
	ReasonQuota:              {Warning, lasting("quota"), "ask for a higher Fargate vCPU quota (L-3032A538 on-demand, L-36FBB829 Spot)"},
	ReasonFailoverLimit:      {Critical, lasting("failover_limit"), "`backstop restore` returns at once if you know better"},
	ReasonScalingParked:      {Warning, lasting("scaling_parked"), "the number of tasks does not follow the load until Spot is back; `backstop demand` sets it"},
	ReasonProtected:          {Warning, lasting("protected"), "they are billed as on-demand until their protection ends"},
	ReasonHook:               {Warning, lasting("deployment_paused"), "continue or stop the deployment"},
	ReasonSlowStarts:         {Info, lasting("slow_starts"), "raise start_limit and ready_limit to what is normal here"},
	ReasonDeploymentFailed:   {Warning, lasting("deployment_failed"), "roll it back or fix it"},
	ReasonDrift: {Warning, func(f *Finding, _ *Decision) string { return "drift/" + f.Pool + "/" + f.Detail },
		"deploy the same task definition to it, or set sync_task_definition: true"},
	ReasonPaused: {Warning, lasting("paused"), "`backstop resume` lets Backstop act again"},
}

// severityOf raises or lowers a notice's usual severity by what it counts.
func severityOf(usual Severity, f *Finding, after *State, d *Decision) Severity {
	switch f.Reason {
	case ReasonBlind:
		if d.At.Sub(after.BlindSince) >= blindLoud {
			return Critical
		}
	case ReasonBudgetUsed:
		if f.Count >= budgetLoud {
			return Critical
		}
	case ReasonPaused:
		if f.Count == 0 {
			return Info
		}
	case ReasonNoTraffic:
		if f.Count == 0 {
			return Warning
		}
	}
	return usual
}

// String writes the range as people read it: "12", or "8 to 12".
func (r Range) String() string {
	if r.Known() {
		return fmt.Sprint(r.Low)
	}
	return fmt.Sprintf("%d to %d", r.Low, r.High)
}
