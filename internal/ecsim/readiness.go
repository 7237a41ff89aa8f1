package ecsim

import (
	"math/rand/v2"
	"time"
)

// WarmUp is the distribution of the time from RUNNING until a task's application answers: a shifted lognormal through three
// percentiles, as StartUp is. With P95 and P99 zero every task takes P50. The zero value is none; a negative P50 is none as well.
type WarmUp struct {
	P50, P95, P99 time.Duration
}

func (u WarmUp) spread() spread {
	if u.P50 <= 0 {
		return spread{}
	}
	return fitSpread(u.P50, max(u.P50, u.P95), max(u.P50, u.P95, u.P99))
}

// ContainerCheck is the health check of a task definition's essential container. Zero fields take ECS's defaults.
type ContainerCheck struct {
	Interval    time.Duration // between checks, 5..300 s; default 30 s
	Retries     int           // failures in a row that make it UNHEALTHY, 1..10; default 3
	StartPeriod time.Duration // failures this soon after RUNNING do not count, 0..300 s
}

// HealthStatus is the result of a container health check.
type HealthStatus string

// What a container health check has found. A task without one has the empty status.
const (
	HealthUnknown   HealthStatus = "UNKNOWN"
	HealthHealthy   HealthStatus = "HEALTHY"
	HealthUnhealthy HealthStatus = "UNHEALTHY"
)

// readiness says when a task's application answers, and where it is a target. A task that has none serves from RUNNING on.
type readiness struct {
	task    *task  // nil once the task is forgotten; targets outlive it
	from    moment // when its application begins to answer; never
	until   moment // when it stops
	targets []*target
	out     bool // ECS has taken it out of its groups at an interruption
}

func (r *readiness) answers(now moment) bool { return r.from <= now && now < r.until }

// reaches reports whether traffic comes to a task and is answered.
func (r *readiness) reaches(now moment) bool {
	if !r.answers(now) {
		return false
	}
	if r.task.deployment == nil || len(r.task.deployment.groups) == 0 {
		return true
	}
	for _, t := range r.targets {
		if t.group.Weight > 0 && t.verdict(now) == good {
			return true
		}
	}
	return false
}

// starts is how starts go beyond the time that they take.
type starts struct {
	hung     [2]float64 // by provider: the share that never gets to RUNNING though it has capacity
	warmUp   [2]spread  // by provider
	unwell   float64    // share of tasks that never answer
	fates    *rand.Rand // which starts hang, which tasks never answer
	warmings *rand.Rand
}

// stuck says where a start hangs for ever.
type stuck uint8

const (
	notStuck stuck = iota
	stuckProvisioning
	stuckPending
)

// drawStuck draws whether and where a launch with capacity hangs. It draws nothing where none does.
func (w *World) drawStuck(provider int8) stuck {
	share := w.begins.hung[provider]
	if share <= 0 || w.begins.fates.Float64() >= share {
		return notStuck
	}
	if w.begins.fates.Float64() < 0.5 {
		return stuckProvisioning
	}
	return stuckPending
}

// SetStartUp changes the time from creation to RUNNING of a capacity provider's launches to come. Zero fields fall back to Config.StartUp.
func (w *World) SetStartUp(provider string, s StartUp) {
	i := providerIndex(provider)
	w.starts[i] = s.withDefaults(w.cfg.StartUp)
	w.spreads[i] = fitSpread(w.starts[i].P50, w.starts[i].P95, w.starts[i].P99)
}

// SetHungStarts changes the share 0..1 of a capacity provider's launches to come that have capacity and never get to RUNNING.
func (w *World) SetHungStarts(provider string, share float64) {
	w.begins.hung[providerIndex(provider)] = share
}

// SetWarmUp changes the warm-up of a capacity provider's tasks that become RUNNING from now on and whose task definition has none of its own.
func (w *World) SetWarmUp(provider string, u WarmUp) {
	w.begins.warmUp[providerIndex(provider)] = u.spread()
}

// SetAnswering makes the applications of up to n RUNNING tasks of a service, the oldest first, stop answering, or answer again, and
// returns their IDs. Health checks find out in their own time.
func (w *World) SetAnswering(ref Ref, n int, answers bool) []string {
	s := w.byRef[ref]
	if s == nil {
		return nil
	}
	var ids []string
	for t := s.home.alive.first; t != nil && len(ids) < n; t = t.next {
		if t.status != running || t.leaving || t.sick {
			continue
		}
		r := w.readinessOf(t)
		switch {
		case answers == (r.until > w.now):
			continue
		case !answers:
			r.until = w.now
		case w.noticed(t):
			r.from, r.until = w.now, never
		default:
			r.until = never
		}
		ids = append(ids, w.id(t))
		w.foresee(t)
	}
	return ids
}

// readinessOf returns a task's readiness, made where it had none.
func (w *World) readinessOf(t *task) *readiness {
	if t.readiness == nil {
		t.readiness = &readiness{task: t, from: never, until: never}
		if t.works {
			t.readiness.from = t.started - 1
		}
	}
	return t.readiness
}

// needsReadiness reports whether RUNNING is not all there is to a task.
func (w *World) needsReadiness(t *task) bool {
	b := &w.begins
	return t.readiness != nil || b.warmUp[t.provider].scale != 0 || b.unwell > 0 || t.def.WarmUp.P50 > 0 || t.def.NeverHealthy || t.def.HealthCheck != nil
}

// warm plans when the application of a task that has just become RUNNING answers.
func (w *World) warm(t *task) {
	if !w.needsReadiness(t) {
		return
	}
	r := w.readinessOf(t)
	b := &w.begins
	u := b.warmUp[t.provider]
	if t.def.WarmUp.P50 != 0 {
		u = t.def.WarmUp.spread()
	}
	r.from = w.now
	if u.scale != 0 {
		r.from += moment(u.at(b.warmings.NormFloat64()))
	}
	unwell := b.unwell > 0 && b.fates.Float64() < b.unwell
	if unwell || t.def.NeverHealthy || t.broken == FailHealthCheck {
		r.from = never
	}
	for _, target := range r.targets {
		if target.drains == 0 {
			target.from = w.now + w.registration(target.group)
		}
	}
	w.foresee(t)
}

// foresee looks at a task now, and plans to look again whenever what follows from its readiness will change.
func (w *World) foresee(t *task) {
	if t.service == nil {
		return
	}
	life := t.life
	w.judge(t)
	if t.life != life || t.status != running {
		return
	}
	look := func(at moment) {
		if at > w.now && at != never {
			w.q.push(at, taskTurn, t.slot, t.life)
		}
	}
	r := t.readiness
	look(r.from)
	graced := t.started - 1 + moment(t.service.front.grace)
	checks := func(p probe) {
		turns := p.turns(r)
		for _, at := range turns {
			look(at)
		}
		if failed := turns[1]; failed < graced {
			look(graced)
		}
	}
	for _, target := range r.targets {
		if target.drains == 0 {
			checks(target.probe())
		}
	}
	if t.def.HealthCheck != nil {
		checks(t.probe())
	}
}

// judge draws the consequences of what a task's health checks say now.
func (w *World) judge(t *task) {
	w.reckon(t)
	if t.leaving || t.status != running || !t.checked() {
		return
	}
	passing := true
	for _, g := range t.deployment.groups {
		switch w.verdictIn(t, g) {
		case bad:
			w.failChecks(t, sayUnhealthy, g.ARN, "Task failed ELB health checks in (target-group "+g.ARN+")")
			return
		case open:
			passing = false
		}
	}
	if t.def.HealthCheck != nil {
		switch t.probe().at(w.now, t.readiness) {
		case bad:
			w.failChecks(t, sayUnwell, "", "Task failed container health checks")
			return
		case open:
			passing = false
		}
	}
	if passing {
		w.healthy(t)
	}
}

// checked reports whether ECS looks at the health of a service's task by more than its status.
func (t *task) checked() bool {
	return t.readiness != nil && t.deployment != nil && (len(t.deployment.groups) > 0 || t.def.HealthCheck != nil)
}

// verdictIn is what a group of the service says of a task; a target that others took out says nothing.
func (w *World) verdictIn(t *task, g *targetGroup) verdict {
	for _, target := range t.readiness.targets {
		if target.group == g {
			return target.verdict(w.now)
		}
	}
	return open
}

// noticed reports whether a health check has found out that a task does not answer.
func (w *World) noticed(t *task) bool {
	for _, target := range t.readiness.targets {
		if target.verdict(w.now) == bad {
			return true
		}
	}
	return t.def.HealthCheck != nil && t.probe().at(w.now, t.readiness) == bad
}

// failChecks stops a task whose health checks fail, once its grace period is over. about names the check in the service's events.
func (w *World) failChecks(t *task, kind messageKind, about, reason string) {
	if w.now < t.started-1+moment(t.service.front.grace) {
		return
	}
	t.sick = true
	w.sayOf(t, kind, about)
	w.end(t, ending{code: StopScheduler, reason: reason, how: orderly})
}
