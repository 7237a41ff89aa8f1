package ecsim

import (
	"slices"
)

// DescribeServices returns the services found, by name or ARN, and a MISSING failure for each other. Error: ClusterNotFoundException.
func (w *World) DescribeServices(regionName, clusterName string, names []string) ([]Service, []Failure, error) {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return nil, nil, err
	}
	var found []Service
	var missing []Failure
	for _, name := range names {
		ref := Ref{regionName, cl.name, lastPart(name)}
		if s := w.byRef[ref]; s != nil && !w.unseen(s) {
			found = append(found, w.read(s))
			continue
		}
		missing = append(missing, Failure{ARN: w.ServiceARN(ref), Reason: "MISSING"})
	}
	return found, missing, nil
}

// ListServices returns the ARNs of a cluster's services that are not inactive, in the order of their making. Error: ClusterNotFoundException.
func (w *World) ListServices(regionName, clusterName string) ([]string, error) {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, s := range cl.services {
		if s.status != inactive {
			arns = append(arns, w.ServiceARN(s.ref))
		}
	}
	return arns, nil
}

// Counts returns a service's counts as DescribeServices would; zeros for an unknown one. It does not allocate.
func (w *World) Counts(ref Ref) (desired, running, pending int) { return w.Gauge(ref).Counts() }

// Working returns how many tasks of a service do their work right now: those in service (see [World.InService]) and those that are
// leaving, warned or stopping, and not yet told to stop or working on until the kill. This is the truth, whatever reads show.
func (w *World) Working(ref Ref) int { return w.Gauge(ref).Working() }

// Gauge reads the counts of one service, found once: the service that had the name then, should another take it later. An unknown
// service's counts are zero.
type Gauge struct {
	w *World
	s *service
}

// Gauge returns the gauge of a service.
func (w *World) Gauge(ref Ref) Gauge { return Gauge{w, w.byRef[ref]} }

// Counts is [World.Counts].
func (g Gauge) Counts() (desired, running, pending int) {
	w, s := g.w, g.s
	if s == nil {
		return 0, 0, 0
	}
	if s.shown != nil && w.now < s.shownUntil {
		return s.shown.Desired, s.shown.Running, s.shown.Pending
	}
	return s.desired, w.counted(s.running, s.warned), s.pending
}

// Working is [World.Working].
func (g Gauge) Working() int {
	if g.s == nil {
		return 0
	}
	return g.s.working
}

func (w *World) counted(running, warned int) int {
	if w.cfg.WarnedNotCounted {
		return running - warned
	}
	return running
}

// read returns what DescribeServices shows, which may be old.
func (w *World) read(s *service) Service {
	if s.shown != nil && w.now < s.shownUntil {
		v := *s.shown
		v.Deployments = slices.Clone(v.Deployments)
		return v
	}
	s.shown = nil
	return w.view(s)
}

// view returns a service as it is.
func (w *World) view(s *service) Service {
	primary := s.deployments[0]
	v := Service{
		Ref: s.ref, ARN: w.ServiceARN(s.ref), Status: serviceStatusNames[s.status], Desired: s.desired,
		Running: w.counted(s.running, s.warned), Pending: s.pending, TaskDefinition: primary.def.ARN,
		Strategy: slices.Clone(primary.strategy), Zones: slices.Clone(s.zones),
		MinimumHealthyPercent: s.minimum, MaximumPercent: s.maximum, CircuitBreaker: s.breaker, Rollback: s.rollback, Breaker: s.limit,
		LoadBalanced: s.balanced, TargetGroups: s.front.arns(), HealthGrace: s.front.grace, Rebalancing: s.balance != nil,
		Rollout: s.plan.clone(), Traffic: s.traffic, CreatedAt: w.timeOf(s.created), Events: w.messagesOf(s),
		Tags: slices.Clone(s.tags), Raw: slices.Clone(s.raw),
	}
	w.present(s, &v)
	for i, d := range s.deployments {
		dv := Deployment{
			ID: d.id, Status: "ACTIVE", TaskDefinition: d.def.ARN, Strategy: slices.Clone(d.strategy), Desired: d.alive,
			Running: w.counted(d.running, d.warned), Pending: d.pending, Failed: d.failed,
			CreatedAt: w.timeOf(d.created), UpdatedAt: w.timeOf(d.updated), Rollout: rolloutNames[d.rollout], RolloutReason: d.reason,
		}
		if i == 0 {
			dv.Status, dv.Desired = "PRIMARY", s.desired
		} else if s.release.shift != nil {
			dv.Desired = w.wanted(s, d)
		}
		v.Deployments = append(v.Deployments, dv)
	}
	return v
}

// Printed returns a task of any cluster of a region by its ID, and what its program prints; ok is false for an unknown one. It is the truth, whatever
// reads show, and takes nothing of their rate.
func (w *World) Printed(regionName, id string) (t Task, prints []Print, ok bool) {
	for _, cl := range w.region(regionName).clusters {
		if found := w.find(cl, id); found != nil {
			return w.snapshot(found), found.program.Prints, true
		}
	}
	return Task{}, nil, false
}

// Printing calls f with each task whose program prints, as [World.Printed] returns it, in no order.
func (w *World) Printing(f func(t *Task, prints []Print)) {
	for _, t := range w.tasks {
		if t.used && len(t.program.Prints) > 0 {
			v := w.snapshot(t)
			f(&v, t.program.Prints)
		}
	}
}
