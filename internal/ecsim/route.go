package ecsim

import (
	"math"
	"slices"
	"strings"
)

// groupOf returns the target group that a revision's tasks are in, or "" where nothing shifts traffic.
func (s *service) groupOf(d *deployment) string {
	if d.traffic == nil || len(d.groups) == 0 {
		return ""
	}
	return d.groups[0].ARN
}

// house puts a revision's tasks to come into the target group of its slot.
func (w *World) house(s *service, d *deployment) {
	if d.traffic == nil || d.traffic.slot == 0 || len(d.groups) == 0 {
		return
	}
	if alternate, err := w.targetGroup(s.ref.Region, s.traffic.Alternate); err == nil {
		d.groups = slices.Clone(d.groups)
		d.groups[0] = alternate
	}
}

// route brings the listener rules of a service in line with the weights of its revisions, and with them who serves. A rule that
// is deleted is left out.
func (w *World) route(s *service) {
	w.aim(s, s.traffic.TestRule, true, func(t *traffic) float64 { return t.test })
	w.aim(s, s.traffic.ProductionRule, false, func(t *traffic) float64 { return t.production })
	for t := s.home.alive.first; t != nil; t = t.next {
		w.reckon(t)
	}
}

// aim makes a rule forward to the two target groups of a service by the weights of the revisions in them.
func (w *World) aim(s *service, arn string, test bool, weight func(*traffic) float64) {
	rule := w.ruleAt(s.ref.Region, arn)
	if rule == nil || len(s.front.groups) == 0 {
		return
	}
	var parts [2]float64
	for _, d := range s.deployments {
		if d.traffic != nil {
			parts[d.traffic.slot] += weight(d.traffic)
		}
	}
	rule.test = test
	scale := 1.0
	if parts[0] != math.Trunc(parts[0]) {
		scale = 9.99 // the finest that weights up to 999 allow
	}
	forwards := make([]Forward, 2)
	for slot, group := range []string{s.front.groups[0].ARN, s.traffic.Alternate} {
		forwards[slot] = Forward{TargetGroup: group, Weight: int(math.Ceil(parts[slot]*scale - 0.5))}
	}
	_, _ = w.ModifyRule(s.ref.Region, rule.ARN, forwards) // refused if a group has been deleted
}

// ruleAt returns the rule of an ARN, or of a listener's ARN its default rule; nil if there is none.
func (w *World) ruleAt(regionName, arn string) *Rule {
	b := &w.region(regionName).balancing
	if strings.Contains(arn, ":listener/") {
		l := find(b.listeners, func(l *Listener) bool { return l.ARN == arn })
		if l == nil {
			return nil
		}
		arn = l.Default
	}
	return find(b.rules, func(r *Rule) bool { return r.ARN == arn })
}

// checkShift validates what an UpdateService call makes of a service's traffic. Error: InvalidParameterException.
func (w *World) checkShift(s *service, in *UpdateServiceInput, groups []*targetGroup) error {
	t, plan := s.traffic, &s.plan
	if in.TargetGroups == nil {
		groups = s.front.groups
	}
	if in.Traffic != nil {
		t = *in.Traffic
	}
	if in.Deployment != nil && in.Deployment.Rollout != nil {
		plan = in.Deployment.Rollout
	}
	return w.checkTraffic(s.ref.Region, groups, t, plan)
}

// checkTraffic validates what shifts the traffic of a service: groups are those that it names. Error: InvalidParameterException.
func (w *World) checkTraffic(regionName string, groups []*targetGroup, t TrafficConfig, plan *RolloutConfig) error {
	if plan == nil || !plan.shifts() || len(groups) == 0 {
		return nil
	}
	if t.Alternate == "" || t.ProductionRule == "" {
		return invalid("The deployment strategy " + plan.Strategy + " needs advancedConfiguration with alternateTargetGroupArn and productionListenerRule.")
	}
	if _, err := w.targetGroup(regionName, t.Alternate); err != nil || t.Alternate == groups[0].ARN {
		return invalid("The alternate target group does not exist or is the service's own. TargetGroupArn: " + t.Alternate)
	}
	for _, rule := range []string{t.ProductionRule, t.TestRule} {
		if rule != "" && w.ruleAt(regionName, rule) == nil {
			return invalid("The listener rule " + rule + " does not exist.")
		}
	}
	return nil
}
