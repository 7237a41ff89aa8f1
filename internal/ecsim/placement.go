package ecsim

import (
	"math"
	"time"
)

// refusal is why a task was not placed.
type refusal uint8

const (
	placed refusal = iota
	noCapacity
	noQuota
)

// attempt is what the launches of one look came to.
type attempt struct {
	tried   bool
	refused [2]refusal // by provider
	primary bool       // the PRIMARY deployment was refused something
}

// launchAll launches up to n tasks of a deployment now, of the s.desired that it is to have at most: as many as rates, quotas and
// capacity allow. Partial success is normal. It returns how many it launched.
func (w *World) launchAll(s *service, d *deployment, n int, a *attempt) (launched int) {
	var refused [2]refusal // by provider, in this attempt
	var shut [2]bool       // providers not to be asked again in this attempt
	target := d.targets(s.desired)
	for ; n > 0; n-- {
		provider := d.next(target, shut)
		if provider < 0 {
			break
		}
		rate := &s.cluster.region.launches[provider]
		if at := max(w.serviceRate(s), rate.wait(w.now)); at > w.now {
			w.lookAt(s, at)
			break
		}
		rate.take(w.now)
		a.tried = true
		why := w.launchOne(s, d, provider)
		switch {
		case why == placed:
		case why == noCapacity && w.cfg.HungShare > 0: // each launch fails or hangs by itself
			if w.hangs.Float64() < w.cfg.HungShare {
				w.launchHung(s, d, provider)
			} else {
				refused[provider] = why
				target[provider]--
				continue
			}
		default:
			refused[provider], shut[provider] = why, true
			if w.cfg.ShareMoves {
				target = d.handOver(target, provider)
				n++ // the refused one is tried elsewhere
			}
			continue
		}
		launched++
		s.launched++
		s.nextLaunch = w.now + moment(w.cfg.LaunchSpacing)
	}
	w.flushStarts(s)
	for provider, why := range refused {
		if why != placed {
			a.refused[provider] = why
			a.primary = a.primary || d == s.deployments[0]
		}
	}
	return launched
}

// afterAttempt draws the consequences of an attempt: messages, event, back-off, circuit breaker.
func (w *World) afterAttempt(s *service, a *attempt) {
	failedOne := false
	for provider, why := range a.refused {
		if why == placed {
			continue
		}
		failedOne = true
		kind := sayNoCapacity
		if why == noQuota {
			kind = sayNoQuota
		}
		w.say(s, message{kind: kind})
		if w.now >= s.silentUntil {
			s.silentUntil = w.now + moment(w.cfg.PlacementSilence)
			w.sendService(s, EventPlacementFailure, "ERROR", providerNames[provider], "RESOURCE:FARGATE")
		}
	}
	if !failedOne {
		s.placeFails, s.placeUntil, s.silentUntil = 0, 0, 0
		return
	}
	s.placeFails++
	s.placeUntil = w.now + moment(w.cfg.PlacementRetry.delay(s.placeFails))
	w.lookAt(s, s.placeUntil)
	if a.primary && !w.cfg.ShortageNotCounted {
		w.countAgainst(s, s.deployments[0])
	}
}

// serviceRate returns when the service may launch its next task: at most Config.ServiceLaunches in a minute's window.
func (w *World) serviceRate(s *service) moment {
	if w.now >= s.windowFrom+moment(launchWindow) || s.launched == 0 {
		s.windowFrom, s.launched = w.now, 0
	}
	if s.launched >= w.cfg.ServiceLaunches {
		return s.windowFrom + moment(launchWindow)
	}
	return s.nextLaunch
}

// launchOne places and starts one task of a service.
func (w *World) launchOne(s *service, d *deployment, provider int8) refusal {
	r := s.cluster.region
	if w.overQuota(r, d.def, provider) {
		return noQuota
	}
	m := r.market(provider, d.def.Arch)
	if m.full() {
		return noCapacity
	}
	zone := -1
	for i, name := range s.zones {
		if (zone < 0 || s.zoneAlive[i] < s.zoneAlive[zone]) && !m.pool(name).full() {
			zone = i
		}
	}
	if zone < 0 {
		return noCapacity
	}
	w.startIn(s, d, m, provider, zone)
	return placed
}

// launchIn places and starts one task of a service in one of its zones.
func (w *World) launchIn(s *service, d *deployment, provider int8, zone int) (*task, refusal) {
	r := s.cluster.region
	m := r.market(provider, d.def.Arch)
	switch {
	case w.overQuota(r, d.def, provider):
		return nil, noQuota
	case m.full() || m.pool(s.zones[zone]).full():
		return nil, noCapacity
	}
	return w.startIn(s, d, m, provider, zone), placed
}

func (w *World) startIn(s *service, d *deployment, m *market, provider int8, zone int) *task {
	t := w.create(s.cluster, d.def, provider)
	w.hold(t, m, m.pool(s.zones[zone]))
	w.join(t, s, d)
	t.stuck = w.drawStuck(provider)
	t.zone = int32(zone)
	s.zoneAlive[zone]++
	t.startTime = w.drawStart(m)
	w.begin(t)
	return t
}

// launchHung starts a task that has no capacity and will give up after a while.
func (w *World) launchHung(s *service, d *deployment, provider int8) {
	t := w.create(s.cluster, d.def, provider)
	w.join(t, s, d)
	t.hung = true
	t.startTime = w.drawStart(s.cluster.region.market(provider, d.def.Arch))
	w.begin(t)
}

func (w *World) overQuota(r *region, d *TaskDefinition, provider int8) bool {
	return r.vcpus[provider]+vcpus(d) > w.quotaOf(r, provider)+1e-9
}

// create makes a task that belongs to nothing yet, in a free slot.
func (w *World) create(cl *cluster, d *TaskDefinition, provider int8) *task {
	var t *task
	if n := len(w.free); n > 0 {
		t = w.tasks[w.free[n-1]]
		w.free = w.free[:n-1]
	} else {
		t = &task{slot: int32(len(w.tasks))}
		w.tasks = append(w.tasks, t)
	}
	w.serial++
	t.used = true
	t.uid = w.serial<<slotBits | uint64(t.slot)
	t.cluster, t.def, t.provider, t.zone, t.broken = cl, d, provider, -1, d.Broken
	t.program = d.Program
	t.created = w.stamp()
	cl.region.vcpus[provider] += vcpus(d)
	w.usage[provider].total.Created++
	return t
}

// join makes a task one of a service's.
func (w *World) join(t *task, s *service, d *deployment) {
	t.service, t.deployment, t.home = s, d, &s.home
	s.home.alive.add(t)
	t.group, t.startedBy, t.direct = s.group(), d.id, len(d.strategy) == 0
	if s.broken != FailNone {
		t.broken = s.broken
	}
	if t.broken == FailHealthCheck && !s.balanced && t.def.HealthCheck == nil {
		t.broken = FailNone
	}
	s.alive++
	s.pending++
	d.alive++
	d.pending++
	d.byProvider[t.provider]++
	s.usage.total.Created++
	w.gather(s, t)
}

func (s *service) group() string { return s.deployments[0].group }

// drawStart draws a task's time from creation to RUNNING.
func (w *World) drawStart(m *market) time.Duration {
	cfg := &w.starts[m.provider]
	z := w.startUps.NormFloat64()
	if c := cfg.CommonShare; c > 0 {
		if !m.bursting || w.now >= m.burst+moment(launchWindow) {
			m.bursting, m.burst, m.common = true, w.now, w.startUps.NormFloat64()
		}
		z = math.Sqrt(c)*m.common + math.Sqrt(1-c)*z
	}
	d := w.spreads[m.provider].at(z)
	if cfg.SlowShare > 0 && w.slowness.Float64() < cfg.SlowShare {
		d += cfg.SlowExtra
	}
	return d
}
