package ecsim

import (
	"fmt"
	"time"
)

// RunTask starts tasks outside any service. What cannot be placed comes back as failures, with no error and no event, as on ECS;
// partial success is normal. Errors: ClusterNotFoundException, ClientException, InvalidParameterException, ThrottlingException (the
// account's launch rate).
func (w *World) RunTask(regionName string, in RunTaskInput) ([]Task, []Failure, error) {
	cl, err := w.cluster(regionName, in.Cluster)
	if err != nil {
		return nil, nil, err
	}
	if in.Count == 0 {
		in.Count = 1
	}
	if in.Count < 1 || in.Count > maxRunTask {
		return nil, nil, invalid("count must be between 1 and 10.")
	}
	def, err := cl.region.usable(in.TaskDefinition)
	if err != nil {
		return nil, nil, err
	}
	if err := checkStrategy(in.Strategy); err != nil {
		return nil, nil, err
	}
	if err := checkZones(in.Zones); err != nil {
		return nil, nil, err
	}
	if len(in.Zones) == 0 {
		in.Zones = []string{regionName + "a", regionName + "b", regionName + "c"}
	}
	if in.Group == "" {
		in.Group = "family:" + def.Family
	}
	d := &deployment{strategy: in.Strategy}
	target := d.targets(in.Count)
	for i := range target {
		if b := &cl.region.launches[i]; target[i] > 0 {
			if b.fill(w.now); b.tokens < float64(target[i])-tokenDust {
				return nil, nil, throttled()
			}
			b.tokens -= float64(target[i])
		}
	}
	var tasks []Task
	var failures []Failure
	for i, n := range target {
		for ; n > 0; n-- {
			if t, why := w.runOne(cl, def, int8(i), &in); why == "" {
				tasks = append(tasks, w.snapshot(t))
			} else {
				failures = append(failures, Failure{Reason: why})
			}
		}
	}
	if w.cfg.RunTaskRefuses && len(tasks) == 0 {
		return nil, nil, clientError("ClientException", failures[0].Reason)
	}
	return tasks, failures, nil
}

// runOne places one task, or says why not.
func (w *World) runOne(cl *cluster, def *TaskDefinition, provider int8, in *RunTaskInput) (*task, string) {
	if w.overQuota(cl.region, def, provider) {
		return nil, "You've reached the limit on the number of vCPUs you can run concurrently"
	}
	m := cl.region.market(provider, def.Arch)
	var best *pool
	for _, name := range in.Zones {
		if p := m.pool(name); !p.full() && (best == nil || len(p.held) < len(best.held)) {
			best = p
		}
	}
	hung := false
	if m.full() || best == nil {
		if hung = w.cfg.HungShare > 0 && w.hangs.Float64() < w.cfg.HungShare; !hung {
			return nil, ReasonNoCapacity
		}
	}
	t := w.create(cl, def, provider)
	if t.hung = hung; !hung {
		w.hold(t, m, best)
	}
	t.home = &cl.home
	cl.alive.add(t)
	t.group, t.startedBy, t.direct, t.tags = in.Group, in.StartedBy, len(in.Strategy) == 0, mergeTags(nil, in.Tags)
	t.said = in.Said
	if t.broken == FailHealthCheck {
		t.broken = FailNone
	}
	if w.cfg.ReadLag > 0 {
		t.visible = w.now + moment(w.lag.Float64()*float64(w.cfg.ReadLag))
	}
	if in.Program != nil {
		t.program = *in.Program
	}
	t.stuck = w.drawStuck(provider)
	t.startTime = w.drawStart(m)
	w.begin(t)
	return t, ""
}

// StopTask stops a task of a service or of RunTask; an empty reason is ECS's own. Errors: ClusterNotFoundException,
// InvalidParameterException (no such task).
func (w *World) StopTask(regionName, clusterName, id, reason string) (Task, error) {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return Task{}, err
	}
	t := w.find(cl, id)
	if t == nil {
		return Task{}, invalid("The referenced task was not found.")
	}
	if reason == "" {
		reason = ReasonUser
	}
	if t.service != nil {
		w.veil(t.service)
	}
	if w.cfg.StopLag > 0 && !t.leaving {
		before := w.snapshot(t)
		t.shown, t.shownUntil = &before, w.now+moment(w.lag.Float64()*float64(w.cfg.StopLag))
	}
	w.end(t, ending{code: StopUser, reason: reason, how: orderly})
	return w.snapshot(t), nil
}

// UpdateTaskProtection sets or ends the scale-in protection of service tasks; expires 0 means two hours. Tasks that are not found,
// stopping or not of a service come back as failures. Errors: ClusterNotFoundException, InvalidParameterException.
func (w *World) UpdateTaskProtection(regionName, clusterName string, ids []string, enabled bool, expires time.Duration) ([]Protection, []Failure, error) {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return nil, nil, err
	}
	if len(ids) == 0 || len(ids) > maxProtectedTasks {
		return nil, nil, invalid("tasks must have between 1 and 10 items.")
	}
	if expires == 0 {
		expires = w.cfg.Protection.Standard
	}
	if enabled && (expires < w.cfg.Protection.Least || expires > w.cfg.Protection.Most) {
		return nil, nil, invalid(fmt.Sprintf("expiresInMinutes must be between %g and %g.", w.cfg.Protection.Least.Minutes(), w.cfg.Protection.Most.Minutes()))
	}
	var done []Protection
	var failures []Failure
	for _, id := range ids {
		t := w.find(cl, id)
		switch {
		case t == nil:
			failures = append(failures, Failure{ARN: id, Reason: "MISSING"})
			continue
		case t.service == nil || t.leaving:
			failures = append(failures, Failure{ARN: w.taskARN(t), Reason: "TASK_NOT_VALID"})
			continue
		}
		t.protectedUntil = 0
		if enabled {
			t.protectedUntil = w.now + moment(expires)
			w.q.push(t.protectedUntil, taskUnguard, t.slot, t.life)
		} else {
			w.lookAt(t.service, w.now+moment(w.cfg.SchedulerDelay))
		}
		done = append(done, w.protection(t))
	}
	return done, failures, nil
}

// GetTaskProtection returns the protection of tasks, by ID or ARN; with no IDs nothing. Error: ClusterNotFoundException.
func (w *World) GetTaskProtection(regionName, clusterName string, ids []string) ([]Protection, []Failure, error) {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return nil, nil, err
	}
	var found []Protection
	var failures []Failure
	for _, id := range ids {
		if t := w.find(cl, id); t != nil && t.service != nil {
			found = append(found, w.protection(t))
			continue
		}
		failures = append(failures, Failure{ARN: id, Reason: "MISSING"})
	}
	return found, failures, nil
}

func (w *World) protection(t *task) Protection {
	p := Protection{TaskARN: w.taskARN(t), Enabled: w.guarded(t)}
	if p.Enabled {
		p.Expires = w.timeOf(t.protectedUntil)
	}
	return p
}

// guarded tells whether a task is protected from scale-in now.
func (w *World) guarded(t *task) bool { return t.protectedUntil > w.now }

// unguarded lets the scheduler look again when a protection has run out.
func (w *World) unguarded(t *task) {
	if t.service != nil && !t.leaving && t.protectedUntil <= w.now {
		w.lookAt(t.service, w.now)
	}
}
