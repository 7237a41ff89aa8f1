package failover

import (
	"fmt"
	"slices"
	"time"
)

// blindLoud is how long a workload may be blind before that is critical.
const blindLoud = 5 * time.Minute

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
			fmt.Sprintf("%s went from %s to %s: demand %d, %d running", after.Workload, before.Mode, after.Mode, d.Demand, d.Running), "")
	}
	for _, f := range d.Findings {
		switch f.Reason {
		case ReasonTripCapacity, ReasonTripInterruptions, ReasonTripStuck, ReasonTripChurn, ReasonRampFailed:
			add(f.Reason, Warning, fmt.Sprintf("trip/%s/%d", f.Pool, d.At.Unix()), f.Text(), "")
		case ReasonRestored:
			add(f.Reason, Info, fmt.Sprintf("restored/%s/%d", f.Pool, d.At.Unix()), f.Text(), "")
		case ReasonBlind:
			if k := slices.IndexFunc(d.Pools, func(pd PoolDecision) bool { return pd.Pool == f.Pool }); k >= 0 && d.Pools[k].Lost {
				continue // said by written_off
			}
			sev := Warning
			if d.At.Sub(after.BlindSince) >= blindLoud {
				sev = Critical
			}
			add(f.Reason, sev, "blind/"+f.Pool, f.Text(), "run `backstop doctor`; only what is certain is done until the pool can be read")
		case ReasonWrittenOff:
			add(f.Reason, Critical, "written_off/"+f.Pool, f.Text(), "see AWS Health for the pool's region, and whether Backstop can reach it; its tasks count again as soon as it can be read")
		case ReasonDemandAssumed:
			add(f.Reason, Warning, fmt.Sprintf("demand_assumed/%d", d.At.Unix()), f.Text(), "set the desired count of "+f.Pool+" if another number is wanted")
		case ReasonOnDemandShort:
			add(f.Reason, Critical, "on_demand_short/"+f.Pool, f.Text(), "add another pool (region, zone or ARM64), or free capacity elsewhere")
		case ReasonOnDemandMax:
			add(f.Reason, Critical, "on_demand_max", f.Text(), "raise on_demand_max if the shortage costs more than the tasks")
		case ReasonBudget:
			add(f.Reason, Critical, "budget", f.Text(), "raise on_demand_budget_usd_monthly if the shortage costs more than the tasks")
		case ReasonApplicationFailing:
			add(f.Reason, Warning, "application_failing/"+f.Pool, f.Text(), "look at the stopped tasks' reasons and the last deployment")
		case ReasonConfigurationError:
			add(f.Reason, Warning, "configuration_failing/"+f.Pool, f.Text(), "look at subnets, security groups and roles of the service")
		case ReasonQuota:
			add(f.Reason, Warning, "quota/"+f.Pool, f.Text(), "ask for a higher Fargate vCPU quota")
		case ReasonFailoverLimit:
			add(f.Reason, Critical, "failover_limit", f.Text(), "`backstop restore` returns at once if you know better")
		case ReasonDrift:
			add(f.Reason, Warning, "drift/"+f.Pool+"/"+f.Detail, f.Text(), "deploy the same task definition to it, or set sync_task_definition: true")
		case ReasonDeploymentFailed:
			add(f.Reason, Warning, "deployment_failed/"+f.Pool, f.Text(), "roll it back or fix it")
		case ReasonPaused:
			if f.Count > 0 {
				add(f.Reason, Warning, "paused", f.Text(), "`backstop resume` lets Backstop act again")
			}
		}
	}
	return out
}
