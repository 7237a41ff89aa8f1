package doctor

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// scaled is the pool with the twin that stands in for it, if auto scaling sets the demand by the pool's count and there is such a twin.
func (x *exam) scaled() (twin.Scaled, bool) {
	if x.p.target == nil || x.w.Policy.Demand > 0 || x.w.Policy.Pools[ownerOf(x.w)].Name != x.p.policy.Name {
		return twin.Scaled{}, false
	}
	for k, ref := range x.w.Refs {
		if ref.Cluster == x.p.ref.Cluster && ref.Region == x.p.ref.Region && x.w.Policy.Pools[k].Capacity == onDemand {
			return twin.Scaled{Region: ref.Region, Cluster: ref.Cluster, Service: x.p.ref.Service, Twin: ref.Service, Alarms: x.p.alarms}, true
		}
	}
	return twin.Scaled{}, false
}

// blind judges the policies of the pool's target for one kind of blindness, and the ones that cannot be told if unknown is set.
func (x *exam) blind(kind twin.Blindness, unknown bool, fine string) verdict {
	s, ok := x.scaled()
	if !ok {
		return okay("no scalable target that sets the demand beside a twin in its cluster")
	}
	var doubt verdict
	for i := range x.p.policies {
		f := s.Policy(&x.p.policies[i])
		switch {
		case f == nil:
		case f.Kind == kind:
			return bad(Fail, f.Fix, "%s: %s", f.What, f.Then)
		case f.Kind == twin.Unknown && unknown:
			doubt = bad(Warn, f.Fix, "%s", f.What)
		}
	}
	if doubt.status != "" {
		return doubt
	}
	return okay("%s", fine)
}

// checkScalingMetric looks for policies that see no load when Spot runs nothing.
func checkScalingMetric(x *exam) verdict {
	return x.blind(twin.Alone, true, "no policy follows the Spot service alone")
}

// checkScalingBacklog looks for policies that take a loss on Spot for more work.
func checkScalingBacklog(x *exam) verdict {
	return x.blind(twin.Backlog, false, "no policy divides by the tasks of the Spot service alone")
}

// checkScalingSchedule looks for scheduled actions that do not do what they say while a breaker has the target parked.
func checkScalingSchedule(x *exam) verdict {
	var names []string
	for i := range x.p.actions {
		names = append(names, aws.ToString(x.p.actions[i].ScheduledActionName))
	}
	for i := range x.p.policies {
		if twin.Forecasts(&x.p.policies[i]) {
			names = append(names, aws.ToString(x.p.policies[i].PolicyName))
		}
	}
	list := strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return okay("no scheduled action, and no forecast")
	case x.w.Policy.Preset != failover.PresetSwitch || !x.w.Policy.ParkScaling:
		return okay("%s: no breaker parks the target", list)
	}
	if v, found := x.forecasts(); found {
		return v
	}
	for i := range x.p.actions {
		a := &x.p.actions[i]
		if t := a.ScalableTargetAction; t != nil && t.MinCapacity != nil && *t.MinCapacity == 0 {
			return bad(Warn, fmt.Sprintf("aws application-autoscaling put-scheduled-action --region %s --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id %s --scheduled-action-name %s --scalable-target-action MinCapacity=1,MaxCapacity=%d",
				x.p.ref.Region, resourceID(x.p.ref), wording.Shell(aws.ToString(a.ScheduledActionName)), aws.ToInt32(t.MaxCapacity)),
				"the scheduled action %s sets the minimum to 0, which is how a parked target looks: due while the breaker is open, its minimum is lost (docs/adr/0013-scheduled-actions-go-on.md)", aws.ToString(a.ScheduledActionName))
		}
	}
	if x.f.parked(x) != nil {
		return bad(Warn, "backstop restore "+x.w.Name+"   # ends it; or leave it: docs/adr/0013-scheduled-actions-go-on.md",
			"the breaker has the target parked, and the scheduled %s %s falls due meanwhile: it moves the demand, and for up to a pass Spot is asked for its minimum", plural(len(names), "action"), list)
	}
	return okay("%s: due while a breaker is open, they move the demand", list)
}

// forecasts looks for predictive policies that change counts. AWS says of suspensions that they hold target tracking, steps and scheduled actions, and nothing of
// forecasts.
func (x *exam) forecasts() (verdict, bool) {
	s := twin.Scaled{Region: x.p.ref.Region, Cluster: x.p.ref.Cluster, Service: x.p.ref.Service}
	for i := range x.p.policies {
		if p := &x.p.policies[i]; twin.Forecasts(p) {
			return bad(Warn, s.ForecastOnly(p), "the predictive policy %s raises the count before the hour that it forecasts, and AWS does not say that a suspension holds it: while a breaker has the target parked, Spot may be asked for its forecast",
				aws.ToString(p.PolicyName)), true
		}
	}
	return verdict{}, false
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func checkScalingStandby(x *exam) verdict {
	t := x.p.target
	if t == nil {
		return okay("no scalable target")
	}
	var what []string
	for i := range x.p.policies {
		what = append(what, "the policy "+aws.ToString(x.p.policies[i].PolicyName))
	}
	for i := range x.p.actions {
		what = append(what, "the scheduled action "+aws.ToString(x.p.actions[i].ScheduledActionName))
	}
	low := aws.ToInt32(t.MinCapacity)
	away := strings.Replace(x.p.scalingCommand(""), "register-scalable-target", "deregister-scalable-target", 1) + "  # its policies and scheduled actions go with it; auto scaling stays on " + x.w.Refs[ownerOf(x.w)].Service
	switch {
	case int(low) > x.p.policy.Min:
		v := bad(Fail, x.p.scalingCommand("--min-capacity 0"), "its scalable target has min %d: any call to it lifts the standby to %d tasks, on demand", low, low)
		if x.p.service.DesiredCount <= aws.ToInt32(t.MaxCapacity) { // else the call itself would cut the count down
			v = v.with(minChange(x.p))
		}
		return v
	case len(what) == 0:
		return okay("min %d, and nothing scales it", low)
	}
	if st := t.SuspendedState; st != nil && aws.ToBool(st.DynamicScalingInSuspended) && aws.ToBool(st.DynamicScalingOutSuspended) && (len(x.p.actions) == 0 || aws.ToBool(st.ScheduledScalingSuspended)) {
		return okay("min %d, suspended: %s", low, strings.Join(what, ", "))
	}
	return bad(Fail, away, "a scaler on the standby: %s %s its count against Backstop's: cover is taken away and added to", strings.Join(what, ", "), map[bool]string{true: "moves", false: "move"}[len(what) == 1])
}
