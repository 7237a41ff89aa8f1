package adversary

import (
	"context"
	"errors"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// stoppedFor and stoppedMax are the adapter's bounds on stopped tasks (internal/aws/service).
	stoppedFor = 30 * time.Minute
	stoppedMax = 200
)

// target is a scalable target: bounds and suspensions as Application Auto Scaling keeps them.
type target struct {
	failover.Scaling
}

// ref names a service in the model.
func ref(s control.ServiceRef) ecsim.Ref {
	return ecsim.Ref{Region: s.Region, Cluster: s.Cluster, Service: s.Service}
}

// direct is [control.Services] over the model without HTTP, JSON and SDK in between. It answers as the
// adapters do: the same batches, bounds and classification, AWS's clock in whole seconds.
type direct struct{ r *run }

// Describe looks at services.
func (d direct) Describe(_ context.Context, refs []control.ServiceRef, _ control.Worth) (time.Time, []failover.PoolObservation) {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.catchUp()
	out := make([]failover.PoolObservation, len(refs))
	for i, s := range refs {
		g, ok := w.Glance(ref(s))
		if r.blink && s == r.refs[0] { // right after CreateService, or while it is replaced
			r.blink, ok, g.Status = false, false, ""
		}
		if !ok || g.Status != "ACTIVE" {
			out[i] = failover.PoolObservation{Err: failover.ErrNotFound, ErrText: "describe service " + s.String() + ": it is not there", Gone: r.goneAs(s, g.Status)}
			continue
		}
		out[i] = r.observe(s, &g)
	}
	return w.Now().Truncate(time.Second), out
}

// goneAs is the definite answer about a service that is not there; one that drains has tasks that still run, and is none.
func (r *run) goneAs(s control.ServiceRef, status string) string {
	switch {
	case status == "DRAINING":
		return ""
	case status == "" || r.forgotten[ref(s)]:
		return "MISSING"
	}
	return status
}

// observe is what a look at a service sees, apart from its tasks. Where traffic is shifted the shares are read with the tasks.
func (r *run) observe(s control.ServiceRef, g *ecsim.Glance) failover.PoolObservation {
	o := failover.PoolObservation{Desired: g.Desired, RunningCount: g.Running, PendingCount: g.Pending, TaskDefinition: g.TaskDefinition,
		DeployFailed: g.Rollout == ecsim.RolloutFailed, HealthBased: r.plan.Ground.healthBased(), HeldDemand: r.held[ref(s)]}
	if g.Deployments < 2 {
		return o
	}
	if g.Rollout == ecsim.RolloutInProgress {
		o.Deploying, o.DeployingSince = true, g.DeployedAt
		if !r.plan.Ground.shifts() {
			o.MayTake = 1 - float64(r.plan.Ground.minimum())/100
		}
	}
	o.Revisions = r.revisions(s, g)
	for k := range o.Revisions {
		o.Revisions[k].Unread = r.plan.Ground.shifts()
	}
	return o
}

// revisions are the revisions of a service that has several, with their shares of production traffic.
func (r *run) revisions(s control.ServiceRef, g *ecsim.Glance) []failover.Revision {
	if g.Deployments < 2 {
		return nil
	}
	var out []failover.Revision
	for k, v := range r.w.Revisions(ref(s)) {
		rev := failover.Revision{ID: v.DeploymentID, Share: v.Share, Deploying: g.Rollout == ecsim.RolloutInProgress && k == 0}
		if !r.plan.Ground.shifts() && g.Rollout == ecsim.RolloutCompleted && k > 0 { // it is leaving
			rev.Share = 0
		}
		out = append(out, rev)
	}
	return out
}

// minimum is minimumHealthyPercent of the services.
func (g *Ground) minimum() int {
	if g.Minimum == 0 && g.Maximum == 0 {
		return 100
	}
	return g.Minimum
}

// hookSince is since when a deployment waits for a pause to end.
func (r *run) hookSince(s control.ServiceRef) (since time.Time) {
	list, _ := r.w.ListServiceDeployments(ref(s))
	for i := range list {
		for _, h := range list[i].Hooks {
			if h.Status == ecsim.HookAwaitingAction {
				since = list[i].UpdatedAt
			}
		}
	}
	return since
}

// List reads the tasks of a service.
func (d direct) List(_ context.Context, s control.ServiceRef, want control.Want) (control.Listing, error) {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.catchUp()
	g, ok := w.Glance(ref(s))
	if !ok || g.Status == "INACTIVE" {
		return control.Listing{}, awsError("ecs:ListTasks", "ServiceNotFoundException")
	}
	h := healthRead{unread: !want.Health || !r.plan.Ground.healthBased(), byTargets: r.plan.Ground.Readiness == ByTargets}
	out := control.Listing{HealthBased: r.plan.Ground.healthBased(), Revisions: r.revisions(s, &g), OutOfTraffic: want.Health && r.outOfTraffic(s)}
	if want.Health && r.healthErr != failover.ErrNone {
		out.HealthErr, out.HealthErrText, h.unread = r.healthErr, "describe target health: "+string(r.healthErr), true
	}
	if h.byTargets && !h.unread {
		h.production, h.other, _ = r.targetHealth(s)
	}
	if r.plan.Ground.Hook && g.Deployments > 1 {
		out.HookSince = r.hookSince(s)
	}
	r.scratch = w.AppendShown(r.scratch[:0], ref(s), ecsim.Running)
	out.Tasks = make([]failover.Task, 0, len(r.scratch))
	for i := range r.scratch {
		out.Tasks = append(out.Tasks, h.task(&r.scratch[i]))
	}
	if !want.Stopped {
		return out, nil
	}
	out.Signals = r.stops(s)
	for i := range r.scratch { // filled by stops
		if t := &r.scratch[i]; t.LastStatus == ecsim.Running {
			task := h.task(t)
			task.Works = h.works(t)
			if !t.StoppingAt.IsZero() {
				task.EndsAt = t.StoppingAt.Add(r.plan.World.StopTimeout)
			}
			out.Tasks = append(out.Tasks, task)
		}
	}
	return out, nil
}

// healthRead is what was read of the health of a service's tasks.
type healthRead struct {
	unread, byTargets bool
	production, other map[string]bool
}

// task is a task as a look sees it.
func (h *healthRead) task(t *ecsim.Task) failover.Task {
	task := failover.Task{ID: t.ID, Revision: t.StartedBy, CreatedAt: t.CreatedAt, StartedAt: t.StartedAt, Protected: t.Protected}
	switch {
	case t.DesiredStatus == ecsim.Stopped:
		task.Phase = failover.Leaving
	case t.LastStatus == ecsim.Running:
		task.Phase = failover.Running
	case t.LastStatus == ecsim.Pending, t.LastStatus == ecsim.Activating, t.LastStatus == ecsim.Provisioning && t.Address != 0:
		task.Phase = failover.Placed
	case t.LastStatus == ecsim.Provisioning:
		task.Phase = failover.Provisioning
	default:
		task.Phase = failover.Leaving
	}
	if !h.unread && task.Phase == failover.Running {
		task.Health = failover.HealthNotReady
		if h.healthy(t) {
			task.Health = failover.HealthReady
		}
	}
	return task
}

func (h *healthRead) healthy(t *ecsim.Task) bool {
	if !h.byTargets {
		return t.Health == ecsim.HealthHealthy
	}
	ip := t.PrivateIP()
	if ok, known := h.production[ip]; known {
		return ok
	}
	return h.other[ip]
}

// works reports whether a warned task still serves, as far as can be read.
func (h *healthRead) works(t *ecsim.Task) bool {
	return !h.byTargets || !h.unread && h.production[t.PrivateIP()]
}

// stops turns the tasks that stopped lately into signals. The event list, where quotas are told, is left to the
// runs over the real adapters.
func (r *run) stops(s control.ServiceRef) []failover.Signal {
	w := r.w
	var out []failover.Signal
	r.scratch = w.AppendShown(r.scratch[:0], ref(s), ecsim.Stopped)
	for i := max(0, len(r.scratch)-stoppedMax); i < len(r.scratch); i++ {
		t := &r.scratch[i]
		when := t.StoppingAt
		if when.IsZero() {
			when = t.StoppedAt
		}
		if when.IsZero() || w.Now().Sub(when) > stoppedFor {
			continue
		}
		out = append(out, failover.Signal{ID: t.ID, At: when, Region: s.Region, Cluster: s.Cluster, Service: s.Service, Kind: kindOf(t),
			Capacity: failover.Capacity(t.Provider), Task: t.ID, Version: int64(t.Version), Zone: t.Zone, CreatedAt: t.CreatedAt, StartedAt: t.StartedAt,
			ExitedAt: t.ExecutionStoppedAt, StopCode: t.StopCode, StopReason: t.StoppedReason, Deployment: t.StartedBy})
	}
	return out
}

// kindOf classifies what happens to a task, as package ecsevent does.
func kindOf(t *ecsim.Task) failover.SignalKind {
	return ecsevent.Classify(ecsevent.Stop{Code: t.StopCode, Reason: t.StoppedReason, Capacity: failover.Capacity(t.Provider),
		StartedAt: t.StartedAt, LastStatus: string(t.LastStatus), Exited: t.Exited})
}

// Scaling reads the scalable target.
func (d direct) Scaling(_ context.Context, s control.ServiceRef) (failover.Scaling, error) {
	d.r.mu.Lock()
	defer d.r.mu.Unlock()
	if t := d.r.targetOf(ref(s)); t != nil {
		return *t, nil
	}
	return failover.Scaling{Known: true}, nil
}

// Turn waits for nothing: no call is counted against a budget here.
func (d direct) Turn(context.Context, control.ServiceRef, failover.Action) (func(), error) {
	return func() {}, nil
}

// targetOf is a service's scalable target, with what scheduled actions have made of it; nil if there is none. The caller holds the
// mutex.
func (r *run) targetOf(s ecsim.Ref) *failover.Scaling {
	t := r.targets[s]
	if t == nil {
		return nil
	}
	if r.forces != nil {
		if now, ok := r.forces.s.Target(s); ok {
			t.Min, t.Max = now.Min, now.Max
		}
	}
	return &t.Scaling
}

// Apply carries out one action.
func (d direct) Apply(_ context.Context, s control.ServiceRef, action failover.Action) error {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.catchUp()
	defer r.poke()
	switch a := action.(type) {
	case failover.SetDesiredCount:
		return apiError("ecs:UpdateService", w.SetDesired(ref(s), a.Count))
	case failover.SyncTaskDefinition:
		_, err := w.UpdateService(ref(s), ecsim.UpdateServiceInput{TaskDefinition: a.TaskDefinition})
		return apiError("ecs:UpdateService", err)
	case failover.ParkScaling:
		return r.register(ref(s), failover.Scaling{Known: true, Present: true, Max: a.Max, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: a.SuspendedScheduled})
	case failover.RestoreScaling:
		return r.register(ref(s), a.Scaling)
	case failover.HoldDemand:
		if a.Demand == 0 {
			delete(r.held, ref(s))
		} else {
			r.held[ref(s)] = a.Demand
		}
		return nil
	case failover.DrainTask:
		return r.drain(s, a.Task)
	case failover.StopTask:
		_, err := w.StopTask(s.Region, s.Cluster, a.Task, "stopped by backstop")
		return apiError("ecs:StopTask", err)
	}
	return errors.New("apply: action is not known")
}

// drain takes a task out of the target groups of its service.
func (r *run) drain(s control.ServiceRef, id string) error {
	found, _, err := r.w.DescribeTasks(s.Region, s.Cluster, []string{id})
	if err != nil || len(found) == 0 || found[0].Address == 0 {
		return apiError("ecs:DescribeTasks", err)
	}
	for _, arn := range r.groupsOf(s) {
		if err := r.w.DeregisterTargets(s.Region, arn, []ecsim.Target{{IP: found[0].PrivateIP()}}); err != nil {
			return apiError("elasticloadbalancing:DeregisterTargets", err)
		}
	}
	return nil
}

// register sets a scalable target. It has AWS's trap: a count outside the bounds is moved inside at once.
func (r *run) register(s ecsim.Ref, sc failover.Scaling) error {
	g, ok := r.w.Glance(s)
	if !ok || g.Status != "ACTIVE" || sc.Max < sc.Min {
		return awsError("application-autoscaling:RegisterScalableTarget", "ValidationException")
	}
	sc.Known, sc.Present = true, true
	r.targets[s] = &target{sc}
	if r.forces != nil && s == ref(r.refs[0]) {
		return apiError("application-autoscaling:RegisterScalableTarget", r.scaled(s, sc))
	}
	if inside := min(max(g.TrueDesired, sc.Min), sc.Max); inside != g.TrueDesired {
		_, err := r.w.UpdateService(s, ecsim.UpdateServiceInput{Desired: &inside})
		return apiError("application-autoscaling:RegisterScalableTarget", err)
	}
	return nil
}

func apiError(call string, err error) error {
	var api *ecsim.APIError
	if errors.As(err, &api) {
		return awsError(call, api.Code)
	}
	return err
}

// signalOf says what an event of the model means, as ecsevent.Parse does of its JSON.
func signalOf(e *ecsim.Event) (failover.Signal, bool) {
	s := failover.Signal{ID: e.ID, At: e.At.Truncate(time.Second), Region: e.Region, Cluster: e.Cluster, Service: e.Service}
	if e.Service == "" {
		return s, false
	}
	switch e.Kind {
	case ecsim.TaskStateChange:
		t := e.Task
		s.Task, s.Version, s.Zone, s.StartedAt, s.Capacity = t.ID, int64(t.Version), t.Zone, t.StartedAt, failover.Capacity(t.Provider)
		s.CreatedAt, s.ExitedAt, s.Deployment = t.CreatedAt, t.ExecutionStoppedAt, t.StartedBy
		s.StopCode, s.StopReason = t.StopCode, t.StoppedReason
		switch {
		case t.DesiredStatus == ecsim.Stopped || t.StopCode != "" || t.StoppedReason != "":
			s.Kind = kindOf(t)
		case t.LastStatus == ecsim.Running:
			s.Kind = failover.SignalRunning
		default:
			s.Kind = failover.SignalProgress
		}
	case ecsim.ServiceAction, ecsim.DeploymentStateChange:
		kind, ok := actionKinds[e.Name]
		if !ok {
			return s, false
		}
		s.Kind, s.Capacity, s.StopReason, s.Deployment = kind, failover.Capacity(e.Provider), e.Reason, e.DeploymentID
	default:
		return s, false
	}
	return s, true
}

var actionKinds = map[string]failover.SignalKind{
	ecsim.EventSteadyState: failover.SignalSteadyState, ecsim.EventPlacementFailure: failover.SignalPlacementFailure,
	ecsim.EventStartImpaired: failover.SignalStartImpaired, ecsim.EventTasksStopped: failover.SignalProgress,
	ecsim.EventDeploymentInProgress: failover.SignalDeploymentStarted, ecsim.EventDeploymentCompleted: failover.SignalDeploymentCompleted,
	ecsim.EventDeploymentFailed: failover.SignalDeploymentFailed,
}
