package ecsim

// probe is the health check of a target.
func (t *target) probe() probe {
	g := t.group
	p := probe{begins: t.from, interval: moment(g.Interval), passes: g.HealthyThreshold, fails: g.UnhealthyThreshold}
	if t.from != never {
		p.begins = max(t.from, g.usedBy)
	}
	if g.uses == 0 {
		p.begins = never
	}
	return p
}

// stranger stands for whatever has an address that belongs to no task: it never answers.
var stranger = &readiness{from: never, until: never}

func (t *target) behind() *readiness {
	if t.app == nil {
		return stranger
	}
	return t.app
}

// verdict is what the group's health check says of a target that is registered; of one that drains nothing is said.
func (t *target) verdict(now moment) verdict {
	if t.drains != 0 {
		return open
	}
	return t.probe().at(now, t.behind())
}

// health is what DescribeTargetHealth shows.
func (t *target) health(now moment) TargetHealth {
	h := TargetHealth{Target: Target{IP: formatIP(t.ip), Port: t.port}, State: TargetInitial, Reason: ReasonInitialChecks}
	switch {
	case t.drains != 0:
		h.State, h.Reason = TargetDraining, ReasonDeregistration
	case t.group.uses == 0:
		h.State, h.Reason = TargetUnused, ReasonNotInUse
	case t.from > now && t.behind() != stranger:
		h.Reason = ReasonRegistering
	default:
		switch t.verdict(now) {
		case good:
			h.State, h.Reason = TargetHealthy, ""
		case bad:
			h.State, h.Reason = TargetUnhealthy, ReasonFailedChecks
			if t.app == nil || t.app.until <= now {
				h.Reason = ReasonTargetTimeout
			}
		}
	}
	return h
}

// turned draws the consequences of a change to a target.
func (w *World) turned(t *target) {
	if t.app != nil && t.app.task != nil {
		w.foresee(t.app.task)
	}
}

// registration is how long a group takes to begin looking at a new target.
func (w *World) registration(g *targetGroup) moment {
	if g.Kind == NetworkBalancer {
		return moment(w.cfg.NLBRegistration)
	}
	return 0
}

// register makes a task that is ACTIVATING a target in each group of its deployment.
func (w *World) register(t *task) {
	if t.deployment == nil {
		return
	}
	for _, g := range t.deployment.groups {
		r := w.readinessOf(t) // in no group it serves nobody
		if !g.deleted {
			g.live(w.now)
			g.add(address(t), t.service.front.portIn(g), r)
			w.sayOf(t, sayRegistered, g.ARN)
		}
	}
}

// deregister takes a target out: it drains, and then it is gone.
func (w *World) deregister(t *target) {
	if t.drains != 0 {
		return
	}
	t.drains = w.stamp()
	t.drained = w.now + moment(t.group.DeregistrationTime)
	if t.app != nil && t.app.task != nil {
		w.reckon(t.app.task)
	}
}

// takeOut deregisters a task from the groups of its service, as ECS does, and returns when the last of them has drained.
func (w *World) takeOut(t *task) moment {
	at := w.now
	if t.readiness == nil || t.deployment == nil {
		return at
	}
	for _, target := range t.readiness.targets {
		for _, g := range t.deployment.groups {
			if g == target.group {
				if target.drains == 0 {
					w.sayOf(t, sayDeregistered, g.ARN)
				}
				w.deregister(target)
				at = max(at, target.drained)
			}
		}
	}
	return at
}

// putBack registers a task that is meant to run in the groups of its deployment that others have taken it out of.
func (w *World) putBack(t *task) {
	if t.leaving || t.status != running || t.deployment == nil || t.readiness == nil {
		return
	}
	for _, g := range t.deployment.groups {
		at := Target{IP: formatIP(address(t)), Port: t.service.front.portIn(g)}
		if w.RegisterTargets(g.region.name, g.ARN, []Target{at}) == nil { // a group that was deleted stays so
			w.sayOf(t, sayRegistered, g.ARN)
		}
	}
}

// address is a task's private IPv4 address, in 10.0.0.0/8: no other of the 16 million tasks before and after it has it.
func address(t *task) uint32 {
	const odd = 0x9e3779b1 // a bijection of the low 24 bits
	return 10<<24 | uint32(t.uid>>slotBits)*odd&0xffffff
}

// addressed reports whether a task has its network interface.
func (t *task) addressed() bool { return t.zoneName != "" && t.status >= pending }

// appAt returns the readiness of the task with an address in a region, or nil.
func (w *World) appAt(r *region, ip uint32) *readiness {
	for _, t := range w.tasks {
		if t.used && t.cluster.region == r && t.addressed() && !t.exited && address(t) == ip {
			return w.readinessOf(t)
		}
	}
	return nil
}

// warn sends SIGTERM to an interrupted task, at once or when its targets have drained, and has those deregistered, as
// Config.SpotDeregistration says.
func (w *World) warn(t *task) {
	c := &w.cfg.SpotDeregistration
	if !c.AtWarning || t.deployment == nil || t.readiness == nil || len(t.readiness.targets) == 0 {
		w.sigterm(t, w.cfg.WarningTime)
		return
	}
	w.q.push(w.now+moment(c.After), taskTakeOut, t.slot, t.life)
	if !c.HoldsGrace {
		w.sigterm(t, w.cfg.WarningTime)
		return
	}
	drained := moment(0)
	for _, g := range t.deployment.groups {
		drained = max(drained, moment(g.DeregistrationTime))
	}
	w.plan(t, toWarnedSIGTERM, w.now+min(moment(c.After)+drained, moment(w.cfg.WarningTime)))
}

// takeOutForSpot deregisters an interrupted task from its target groups.
func (w *World) takeOutForSpot(t *task) {
	w.takeOut(t)
	t.readiness.out = true
}

// silence ends the answers of a task whose containers are gone. Its targets go with them, but for those of an interrupted task,
// which stay until it is STOPPED.
func (w *World) silence(t *task) {
	if t.readiness == nil {
		return
	}
	t.readiness.until = min(t.readiness.until, w.now)
	if !t.warned && !(w.cfg.ExitKeepsTargets && t.code == StopContainerExited) {
		w.takeOut(t)
	}
}
