package ecsim

import (
	"slices"
	"time"
)

// front is what a service has in front of its tasks.
type front struct {
	groups []*targetGroup // of its deployments to come
	port   int            // of its targets; 0: the group's
	grace  time.Duration  // health checks stop no task that has been RUNNING for less
}

func (f *front) portIn(g *targetGroup) int {
	if f.port != 0 {
		return f.port
	}
	return g.Port
}

// change takes over what an UpdateService call says, and reports whether that needs a new deployment.
func (f *front) change(in *UpdateServiceInput, groups []*targetGroup) bool {
	if in.HealthGrace != nil {
		f.grace = max(0, *in.HealthGrace)
	}
	port := f.port
	if in.ContainerPort != 0 {
		f.port = in.ContainerPort
	}
	if in.TargetGroups == nil {
		return f.port != port
	}
	changed := !slices.Equal(f.groups, groups)
	f.groups = groups
	return changed || f.port != port
}

// arns returns the ARNs of the service's target groups.
func (f *front) arns() []string {
	var arns []string
	for _, g := range f.groups {
		arns = append(arns, g.ARN)
	}
	return arns
}

// groupsFor finds the target groups of a service. Error: InvalidParameterException.
func (w *World) groupsFor(regionName string, arns []string) ([]*targetGroup, error) {
	var groups []*targetGroup
	for _, arn := range arns {
		g, err := w.targetGroup(regionName, arn)
		if err != nil {
			return nil, invalid("The specified target group does not exist. TargetGroupArn: " + arn)
		}
		if g.uses == 0 {
			return nil, invalid("The target group with targetGroupArn " + arn + " does not have an associated load balancer.")
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// reckon brings the counters of what serves up to date with one task.
func (w *World) reckon(t *task) {
	s := t.service
	if s == nil {
		return
	}
	if t.works != t.atWork {
		t.atWork = t.works
		s.flow.atWork += step(t.works)
	}
	serves := t.works && t.deployment.production() > 0 && (t.readiness == nil || t.readiness.reaches(w.now))
	if serves != t.serves {
		t.serves = serves
		s.working += step(serves)
		if !serves {
			s.flow.working.count(t)
		}
		if t.readiness != nil {
			w.shifts++
		}
	}
	if in := serves && !t.leaving; in != t.inService {
		t.inService = in
		s.inService += step(in)
		if !in {
			s.flow.inServed.count(t)
		}
	}
}

func step(up bool) int {
	if up {
		return 1
	}
	return -1
}

// Shifts returns how often a task has begun or ceased to serve so far in a world with readiness: such a change need not come with
// a change of a task's state (World.Changes).
func (w *World) Shifts() int { return w.shifts }

// InService returns how many tasks of a service are in service right now: RUNNING, wanted, their application answering and, where the
// service has target groups, registered and healthy in one that has listener weight. With the tasks that are leaving and still serve
// it makes [World.Working]. This is the truth, whatever reads show.
func (w *World) InService(ref Ref) int { return w.Gauge(ref).InService() }

// InService is [World.InService].
func (g Gauge) InService() int {
	if g.s == nil {
		return 0
	}
	return g.s.inService
}
