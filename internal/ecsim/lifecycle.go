package ecsim

import (
	"math"
	"time"
)

// status is a task's lastStatus; the order is the order of life, so that "status < running" means "not yet RUNNING".
type status uint8

const (
	provisioning status = iota
	pending
	activating
	running
	deactivating
	stopping
	deprovisioning
	stopped
)

var statusNames = [...]Status{Provisioning, Pending, Activating, Running, Deactivating, Stopping, Deprovisioning, Stopped}

// stage is the next step that is planned for a task.
type stage uint8

const (
	toPending stage = iota
	toActivating
	toRunning
	toFailure     // a broken start fails, or a hung launch gives up
	toOwnExit     // the essential container exits of itself
	toBadHealth   // health checks have failed
	toDeactivate  // an orderly stop goes on
	toSIGTERM     // an orderly stop sends SIGTERM
	toExit        // the containers exit or are killed
	toStopping    // after the exit
	toDeprovision // after the exit
	toStopped
	toEarlyStop     // an interruption before RUNNING takes effect
	toWarnedSIGTERM // an interrupted task whose targets had to drain first gets SIGTERM
)

// task is one task, from its creation until it is forgotten; its place in World.tasks is then used again.
type task struct {
	home       *home
	service    *service // nil for RunTask
	deployment *deployment
	cluster    *cluster
	def        *TaskDefinition
	market     *market // nil while it holds no capacity
	pool       *pool
	poolPos    int32 // its place in pool.held
	slot       int32
	zone       int32 // its place in the service's zones, -1 without a zone
	prev, next *task

	uid       uint64
	id, arn   string // made when first asked for
	used      bool
	life      uint32 // counts the lives of this slot
	stepGen   uint32 // counts the plans of this slot
	stage     stage
	status    status
	provider  int8 // index
	direct    bool // by launch type: shows no provider
	leaving   bool // desired status STOPPED
	warned    bool // under a Spot interruption warning
	works     bool // its process does its work
	atWork    bool // counted as at work
	serves    bool // counted as serving
	inService bool // counted as in service
	stuck     stuck
	hung      bool
	isHealthy,
	sick bool // fails its health checks
	program  Program
	billed   bool
	exited   bool
	broken   FailMode
	exitCode int
	version  int
	zoneName string

	created, pullStarted, pullStopped, started, stoppingAt, executionStopped, stoppedAt, updated moment // stamps
	visible                                                                                      moment
	protectedUntil                                                                               moment
	startTime                                                                                    time.Duration
	code, reason, containerReason, group, startedBy, said                                        string
	tags                                                                                         []Tag
	readiness                                                                                    *readiness
	shown                                                                                        *Task // what reads show until shownUntil; nil: the truth
	shownUntil                                                                                   moment
}

// plan sets a task's next step and cancels the one before.
func (w *World) plan(t *task, s stage, at moment) {
	t.stage = s
	t.stepGen++
	w.q.push(at, taskStep, t.slot, t.stepGen)
}

// step takes the planned step of a task.
func (w *World) step(t *task) {
	begun := t.created - 1
	switch t.stage {
	case toPending:
		w.toPending(t)
	case toActivating:
		t.pullStopped = begun + share(t.startTime, w.cfg.StartShares.Pulled) + 1
		w.set(t, activating, PreparingEvents)
		w.register(t)
		w.plan(t, toRunning, begun+moment(t.startTime))
	case toRunning:
		w.toRunning(t)
	case toFailure:
		w.failStart(t)
	case toOwnExit:
		w.end(t, ending{code: StopContainerExited, reason: "Essential container in task exited", how: atOnce, exitCode: t.ownExit()})
	case toBadHealth:
		w.end(t, ending{code: StopScheduler, reason: w.unhealthyReason(t), how: orderly})
	case toDeactivate:
		w.set(t, deactivating, WindingDownEvents)
		w.plan(t, toSIGTERM, max(w.now+moment(sigtermAfter), min(w.takeOut(t), w.now+moment(w.cfg.DeregistrationWait))))
	case toSIGTERM:
		w.sigterm(t, maxStopTimeout)
		w.set(t, stopping, WindingDownEvents)
	case toExit:
		w.exit(t, WindingDownEvents)
	case toStopping:
		w.set(t, stopping, WindingDownEvents)
		w.plan(t, toDeprovision, t.executionStopped-1+share(w.cfg.DrainTime, 0.5))
	case toDeprovision:
		w.set(t, deprovisioning, WindingDownEvents)
		w.plan(t, toStopped, t.executionStopped-1+moment(w.cfg.DrainTime))
	case toEarlyStop:
		w.stopEarly(t, WindingDownEvents)
	case toStopped:
		w.toStopped(t)
	case toWarnedSIGTERM:
		w.sigterm(t, w.cfg.WarningTime-time.Duration(w.now-(t.stoppingAt-1)))
	}
}

func share(d time.Duration, part float64) moment { return moment(math.Round(float64(d) * part)) }

// begin plans the life of a new task that is PROVISIONING.
func (w *World) begin(t *task) {
	w.changed(t, CreatedEvents)
	if t.broken == FailNetwork {
		w.plan(t, toFailure, w.now+share(t.startTime, w.cfg.StartShares.Provisioning))
		return
	}
	if t.stuck == stuckProvisioning {
		return
	}
	w.plan(t, toPending, w.now+share(t.startTime, w.cfg.StartShares.Provisioning))
}

func (w *World) toPending(t *task) {
	begun := t.created - 1
	if !t.hung {
		t.pullStarted = w.stamp()
		t.billed = true
		w.usage[t.provider].begin(w.now, t.def)
		if t.service != nil {
			t.service.usage.begin(w.now, t.def)
		}
	}
	w.set(t, pending, PreparingEvents)
	switch {
	case t.stuck == stuckPending:
	case t.hung:
		hang := min(-math.Log(1-w.hangs.Float64())*float64(w.cfg.HungMean), float64(w.cfg.HungMax))
		w.plan(t, toFailure, begun+max(moment(hang), w.now-begun))
	case t.broken == FailImagePull || t.broken == FailSecrets:
		w.plan(t, toFailure, begun+share(t.startTime, (w.cfg.StartShares.Provisioning+w.cfg.StartShares.Pulled)/2))
	default:
		w.plan(t, toActivating, begun+share(t.startTime, w.cfg.StartShares.Activating))
	}
}

func (w *World) toRunning(t *task) {
	t.started = w.stamp()
	t.works = t.broken != FailHealthCheck
	w.usage[t.provider].total.Started++
	if s := t.service; s != nil {
		s.usage.total.Started++
		s.pending--
		t.deployment.pending--
		s.running++
		t.deployment.running++
		t.deployment.failing.clear()
	}
	w.set(t, running, RunningEvents)
	w.warm(t)
	w.reckon(t)
	switch t.broken {
	case FailExit:
		w.plan(t, toOwnExit, w.now+moment(w.cfg.FailAfter.Exit))
	case FailHealthCheck:
		t.sick = true
		if !t.checked() {
			w.plan(t, toBadHealth, w.now+moment(w.cfg.FailAfter.HealthCheck))
		}
	case FailNone:
		if t.program.Runs > 0 {
			w.plan(t, toOwnExit, w.now+moment(t.program.Runs))
		}
	}
	if t.service != nil && !t.checked() {
		w.q.push(w.now+moment(w.cfg.HealthyAfter), taskHealthy, t.slot, t.life)
	}
	if t.service != nil {
		w.checkSteady(t.service)
	}
}

// healthy counts a task in that has been RUNNING long enough.
func (w *World) healthy(t *task) {
	if t.leaving || t.sick || t.isHealthy || t.status != running {
		return
	}
	t.isHealthy = true
	d := t.deployment
	d.healthy++
	if !t.service.limit.KeepFailures {
		d.failed = 0
	}
	d.shortLived.clear()
	if d.rollout == rolling || len(t.service.deployments) > 1 || t.service.balance != nil {
		w.lookAt(t.service, w.now)
	}
}

// manner is how a task ends.
type manner uint8

const (
	orderly manner = iota // DEACTIVATING, then SIGTERM, then the stop timeout
	warned                // SIGTERM at once, RUNNING until the exit
	atOnce                // the containers are gone now
)

type ending struct {
	code, reason string
	how          manner
	exitCode     int
}

// end sets a task's desired status to STOPPED and starts its way there. A task that is already leaving keeps its way.
func (w *World) end(t *task, e ending) {
	if t.leaving {
		return
	}
	t.leaving = true
	t.code, t.reason = e.code, e.reason
	t.stoppingAt = w.stamp()
	if s := t.service; s != nil {
		s.steady = false
		s.alive--
		t.deployment.alive--
		t.deployment.byProvider[t.provider]--
		if t.zone >= 0 {
			s.zoneAlive[t.zone]--
		}
		if t.isHealthy {
			t.deployment.healthy--
		}
		w.reckon(t)
		w.countFailure(t, e)
		if e.code != StopScheduler || t.sick {
			w.lookAt(s, w.now+moment(w.cfg.ReplaceDelay))
		}
	}
	if t.status < running {
		w.endBeforeRunning(t)
		return
	}
	switch e.how {
	case orderly:
		w.changed(t, WarningEvents)
		w.plan(t, toDeactivate, w.now+moment(deactivateAfter))
	case warned:
		t.warned = true
		if t.service != nil {
			t.service.warned++
			t.deployment.warned++
		}
		w.warn(t)
		w.changed(t, WarningEvents)
	case atOnce:
		t.exitCode = e.exitCode
		w.exit(t, AbruptEvents)
	}
}

// sigterm tells the task's process to stop; it exits within its grace, and no later than limit.
func (w *World) sigterm(t *task, limit time.Duration) {
	grace, code := t.def.grace(w.cfg.ObeyTime, limit)
	if left := time.Duration(t.started-1+moment(t.program.Runs)) - time.Duration(w.now); t.program.Runs > 0 && t.def.OnSIGTERM != ObeySIGTERM && left < grace {
		grace, code = max(left, 0), t.program.Exit // its work is done before it is killed
	}
	t.exitCode = code
	if t.def.OnSIGTERM == ObeySIGTERM {
		w.idleNow(t)
	}
	w.plan(t, toExit, w.now+moment(grace))
}

func (w *World) idleNow(t *task) {
	t.works = false
	w.reckon(t)
}

// exit takes the containers away and with them the capacity. kind is that of its event.
func (w *World) exit(t *task, kind EventSet) {
	w.idleNow(t)
	w.silence(t)
	t.exited = true
	t.executionStopped = w.stamp()
	w.release(t)
	if t.status == running {
		w.set(t, deactivating, kind)
		w.plan(t, toStopping, w.now+share(w.cfg.DrainTime, 0.25))
		return
	}
	w.set(t, deprovisioning, kind)
	w.plan(t, toStopped, w.now+moment(w.cfg.DrainTime))
}

func (w *World) toStopped(t *task) {
	t.stoppedAt = w.stamp()
	w.takeOut(t)
	if t.billed {
		least := w.cfg.MinimumBilled.Seconds()
		w.usage[t.provider].end(t.pullStarted-1, w.now, t.def, least)
		if t.service != nil {
			t.service.usage.end(t.pullStarted-1, w.now, t.def, least)
		}
	}
	t.cluster.region.vcpus[t.provider] -= vcpus(t.def)
	t.home.alive.remove(t)
	t.home.stopped.add(t)
	w.forget = append(w.forget, forgetting{at: w.now + moment(w.cfg.KeepStopped), slot: t.slot})
	w.set(t, stopped, StoppedEvents)
	if s := t.service; s != nil && s.status == draining && s.home.alive.n == 0 {
		w.deactivate(s)
	}
}

// set gives a task its next status and tells the world.
func (w *World) set(t *task, to status, kind EventSet) {
	if t.status == running && to > running && t.service != nil {
		s := t.service
		s.running--
		t.deployment.running--
		if t.warned {
			s.warned--
			t.deployment.warned--
		}
		if s.waitsForRoom || len(s.deployments) > 1 {
			w.lookAt(s, w.now)
		}
	}
	t.status = to
	w.changed(t, kind)
	if to > running && t.service != nil {
		w.checkSteady(t.service)
	}
}

// changed counts the version of a task on and sends its event.
func (w *World) changed(t *task, kind EventSet) {
	t.version++
	w.changes++
	t.updated = w.stamp()
	w.sendTask(t, kind)
}
