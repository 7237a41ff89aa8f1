package ecsim

import "time"

// Glance is what a controller needs of DescribeServices, without the parts that are dear to make (the event list, strategies,
// tags). Desired, Running, Pending, TaskDefinition and the deployment are as reads show them; Unthreatened and InService are the truth.
type Glance struct {
	Status                    string // ACTIVE, DRAINING or INACTIVE
	Desired, Running, Pending int
	TaskDefinition            string // ARN of the PRIMARY deployment's
	Deployments               int
	Rollout                   string // of the PRIMARY deployment
	DeployedAt                time.Time
	// Unthreatened is how many tasks are RUNNING right now and neither warned nor stopping.
	Unthreatened int
	// InService is [World.InService].
	InService int
	// TrueDesired is the desired count as it is right now, however old reads are.
	TrueDesired int
}

// Glance returns a service's facts; ok is false for one that was never created. It allocates nothing.
func (w *World) Glance(ref Ref) (g Glance, ok bool) {
	s := w.byRef[ref]
	if s == nil {
		return g, false
	}
	primary := s.deployments[0]
	g = Glance{Status: serviceStatusNames[s.status], Desired: s.desired, Running: w.counted(s.running, s.warned), Pending: s.pending,
		TaskDefinition: primary.def.ARN, Deployments: len(s.deployments), Rollout: rolloutNames[primary.rollout],
		DeployedAt: w.timeOf(primary.created), TrueDesired: s.desired, InService: s.inService}
	if old := s.shown; old != nil && w.now < s.shownUntil {
		g.Status, g.Desired, g.Running, g.Pending, g.TaskDefinition = old.Status, old.Desired, old.Running, old.Pending, old.TaskDefinition
		g.Deployments, g.Rollout, g.DeployedAt = len(old.Deployments), old.Deployments[0].Rollout, old.Deployments[0].CreatedAt
	}
	for t := s.home.alive.first; t != nil; t = t.next {
		if t.status == running && !t.leaving {
			g.Unthreatened++
		}
	}
	return g, true
}

// AppendShown appends a service's tasks of a desired status (RUNNING or STOPPED) as ListTasks and DescribeTasks show them, in the
// order of their making.
func (w *World) AppendShown(dst []Task, ref Ref, desired Status) []Task {
	s := w.byRef[ref]
	if s == nil {
		return dst
	}
	lists := [2]*taskList{&s.home.stopped, &s.home.alive}
	for _, list := range lists {
		if desired == Running && list == &s.home.stopped {
			continue
		}
		for t := list.first; t != nil; t = t.next {
			if w.desiredOf(t) == desired && !w.hidden(t) {
				dst = append(dst, w.snapshot(t))
			}
		}
	}
	return dst
}
