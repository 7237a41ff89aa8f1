package ecsim

import (
	"cmp"
	"slices"
)

// ListTasks returns the ARNs of tasks, in the order of their making. Errors: ClusterNotFoundException, ServiceNotFoundException,
// InvalidParameterException.
func (w *World) ListTasks(regionName string, in ListTasksInput) ([]string, error) {
	cl, err := w.cluster(regionName, in.Cluster)
	if err != nil {
		return nil, err
	}
	switch in.DesiredStatus {
	case "":
		in.DesiredStatus = Running
	case Running, Stopped, Pending:
	default:
		return nil, invalid("desiredStatus must be RUNNING, PENDING or STOPPED.")
	}
	var of []*task
	if in.Service != "" {
		s := w.byRef[Ref{regionName, cl.name, lastPart(in.Service)}]
		if s == nil {
			return nil, clientError("ServiceNotFoundException", "Service not found.")
		}
		of = w.matching(of, &s.home, &in)
	} else {
		of = w.matching(of, &cl.home, &in)
		for _, s := range w.services {
			if s.cluster == cl {
				of = w.matching(of, &s.home, &in)
			}
		}
		slices.SortFunc(of, func(a, b *task) int { return cmp.Compare(a.uid, b.uid) })
	}
	arns := make([]string, len(of))
	for i, t := range of {
		arns[i] = w.arn(t)
	}
	return arns, nil
}

// matching appends the visible tasks of one home that a ListTasks call asks for. ECS never sets the desired status PENDING.
func (w *World) matching(dst []*task, h *home, in *ListTasksInput) []*task {
	lists := [2]*taskList{&h.stopped, &h.alive}
	for _, list := range lists {
		for t := list.first; t != nil; t = t.next {
			if w.shownDesired(t) != in.DesiredStatus || w.hidden(t) ||
				in.Family != "" && t.def.Family != in.Family || in.StartedBy != "" && t.startedBy != in.StartedBy {
				continue
			}
			dst = append(dst, t)
		}
	}
	return dst
}

// hidden tells whether a task is too new for reads to show it.
func (w *World) hidden(t *task) bool {
	if w.now < t.visible {
		return true
	}
	s := t.service
	return s != nil && s.shown != nil && w.now < s.shownUntil && t.uid>>slotBits > s.shownSerial
}

func (w *World) desiredOf(t *task) Status {
	if t.leaving {
		return Stopped
	}
	return Running
}

// stale reports whether reads show a task as it was before StopTask.
func (w *World) stale(t *task) bool { return t.shown != nil && w.now < t.shownUntil }

func (w *World) shownDesired(t *task) Status {
	if w.stale(t) {
		return t.shown.DesiredStatus
	}
	return w.desiredOf(t)
}

// shownTask returns what DescribeTasks shows of a task, which may be old.
func (w *World) shownTask(t *task) Task {
	if w.stale(t) {
		v := *t.shown
		v.Tags = slices.Clone(v.Tags)
		return v
	}
	return w.snapshot(t)
}

// DescribeTasks returns tasks by ID or ARN, and a MISSING failure for each that is not there, forgotten, or too new to be seen.
// Error: ClusterNotFoundException.
func (w *World) DescribeTasks(regionName, clusterName string, ids []string) ([]Task, []Failure, error) {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return nil, nil, err
	}
	var found []Task
	var missing []Failure
	for _, id := range ids {
		if t := w.find(cl, id); t != nil && !w.hidden(t) {
			found = append(found, w.shownTask(t))
			continue
		}
		missing = append(missing, Failure{ARN: "arn:aws:ecs:" + regionName + ":" + w.cfg.Account + ":task/" + cl.name + "/" + lastPart(id), Reason: "MISSING"})
	}
	return found, missing, nil
}

// AppendTasks appends a service's tasks of a desired status (RUNNING or STOPPED) to dst, in the order of their making. It is the
// truth, whatever reads show.
func (w *World) AppendTasks(dst []Task, ref Ref, desired Status) []Task {
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
			if w.desiredOf(t) == desired {
				dst = append(dst, w.snapshot(t))
			}
		}
	}
	return dst
}

// snapshot copies what the API shows of a task.
func (w *World) snapshot(t *task) Task {
	v := Task{
		ID: w.id(t), ARN: w.arn(t), Region: t.cluster.region.name, Cluster: t.cluster.name, Group: t.group, StartedBy: t.startedBy,
		TaskDefinition: t.def.ARN, CPU: t.def.CPU, Memory: t.def.Memory, Arch: t.def.Arch, Zone: t.zoneName,
		LastStatus: statusNames[t.status], DesiredStatus: w.desiredOf(t), Version: t.version,
		CreatedAt: w.timeOrZero(t.created), PullStartedAt: w.timeOrZero(t.pullStarted), PullStoppedAt: w.timeOrZero(t.pullStopped),
		StartedAt: w.timeOrZero(t.started), StoppingAt: w.timeOrZero(t.stoppingAt), ExecutionStoppedAt: w.timeOrZero(t.executionStopped),
		StoppedAt: w.timeOrZero(t.stoppedAt), UpdatedAt: w.timeOrZero(t.updated), StopCode: t.code, StoppedReason: t.reason,
		Exited: t.exited, ContainerReason: t.containerReason, Protected: w.guarded(t), Tags: slices.Clone(t.tags), Said: t.said,
	}
	if t.addressed() {
		v.Address = address(t)
	}
	if t.def.HealthCheck != nil {
		v.Health = t.healthStatus(w.now)
	}
	if !t.direct {
		v.Provider = providerNames[t.provider]
	}
	if t.service != nil {
		v.Service = t.service.ref.Service
	}
	if v.Exited {
		v.ExitCode = t.exitCode
	}
	if v.Protected {
		v.ProtectedUntil = w.timeOf(t.protectedUntil)
	}
	if t.code == StopSpot {
		v.StopCode = w.spotCode()
	}
	return v
}

// spotCode is the stop code of an interruption in the configured form.
func (w *World) spotCode() string {
	switch w.cfg.WarningForm {
	case WarningTerminationNotice:
		return StopTerminationNotice
	case WarningNoStopCode:
		return ""
	}
	return StopSpot
}
