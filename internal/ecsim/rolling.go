package ecsim

import (
	"math"
	"slices"
)

// lookRolling is the service scheduler's look at a service whose tasks a rolling deployment replaces.
func (w *World) lookRolling(s *service) {
	primary := s.deployments[0]
	if len(s.deployments) > 1 {
		w.retireOld(s, primary)
	}
	w.finishMoves(s)
	w.scaleIn(s, primary, primary.alive-s.desired-s.balance.surplus())
	w.scaleOut(s, primary)
	w.finishRolling(s)
	w.rebalance(s)
}

// least is how many healthy tasks minimumHealthyPercent asks for, and most how many tasks maximumPercent allows.
func (s *service) least() int { return int(math.Ceil(float64(s.desired*s.minimum) / 100)) }

func (s *service) most() int { return s.desired * s.maximum / 100 }

// retireOld stops tasks of older deployments: healthy ones as far as minimumHealthyPercent allows; the others, starting ones included,
// when the PRIMARY deployment has healthy ones in their place (A62).
func (w *World) retireOld(s *service, primary *deployment) {
	early, reached := s.release.earlySuccess(s)
	due := s.release.cleanUp
	if reached && early.Deferred && (primary.rollout == rolling || due > w.now) { // they stay for a while
		if due > w.now {
			w.lookAt(s, due)
		}
	} else {
		w.stopOld(s, primary, reached)
	}
	s.deployments = slices.DeleteFunc(s.deployments, func(d *deployment) bool {
		return d != primary && d.alive == 0 && d.running == 0 && d.pending == 0 && w.missing(s, d) <= 0
	})
}

// stopOld is what retireOld does unless early success holds it; reached says that the older tasks are not needed any more.
func (w *World) stopOld(s *service, primary *deployment, reached bool) {
	healthy, older := 0, 0
	for _, d := range s.deployments {
		healthy += d.healthy
		if d != primary {
			older += d.alive
		}
	}
	least := s.least()
	surplus := max(0, older-max(0, s.desired-primary.healthy))
	if reached {
		surplus = older
	}
	for _, d := range s.deployments[1:] {
		if primary.rollout == failed {
			// The old tasks are all there is: only what exceeds the desired count goes.
			w.scaleIn(s, d, min(d.alive, s.alive-s.desired))
			continue
		}
		sick := min(d.alive-d.healthy, surplus)
		surplus -= sick
		spare := min(d.healthy, max(0, healthy-least))
		healthy -= spare
		w.stopSome(s, d, sick, spare)
	}
	if primary.rollout != failed {
		w.makeRoom(s, primary)
	}
}

// makeRoom stops one task of an older deployment that is not healthy where maximumPercent lets the PRIMARY one start none, and looks
// again: they go one by one (A62).
func (w *World) makeRoom(s *service, primary *deployment) {
	if primary.alive >= s.desired || s.alive < s.most() || s.alive <= s.least() {
		return
	}
	for _, d := range s.deployments[1:] {
		if d.alive > d.healthy {
			w.stopSome(s, d, 1, 0)
			w.lookAt(s, w.now+moment(w.cfg.ReplaceDelay))
			return
		}
	}
}

// stopSome stops up to sick unhealthy and spare healthy tasks of a deployment.
func (w *World) stopSome(s *service, d *deployment, sick, spare int) {
	if sick+spare <= 0 {
		return
	}
	for t := s.home.alive.first; t != nil && sick+spare > 0; t = t.next {
		if t.deployment != d || t.leaving || w.guarded(t) {
			continue
		}
		switch {
		case t.isHealthy && spare > 0:
			spare--
		case !t.isHealthy && sick > 0:
			sick--
		default:
			continue
		}
		if t.isHealthy {
			d.kept--
		}
		w.stopForScaling(s, t)
	}
	w.flushStops(s)
}

// missing returns how many tasks a deployment of a rolling service has to start. What an older one has lost of its healthy tasks comes
// back in its own revision, as far as minimumHealthyPercent needs it (A61).
func (w *World) missing(s *service, d *deployment) int {
	primary := s.deployments[0]
	switch {
	case primary.rollout == failed:
		return 0
	case d == primary:
		return s.desired - d.alive
	case w.cfg.SourceNotReplaced || primary.rollout != rolling:
		return 0
	}
	others := primary.healthy
	for _, other := range s.deployments[1:] {
		if other != d {
			others += other.alive
		}
	}
	return min(d.kept, s.least()-others) - d.alive
}

// scaleOut launches what the deployments lack, within maximumPercent and the back-offs. Older ones come first: what they have lost
// served.
func (w *World) scaleOut(s *service, primary *deployment) {
	s.waitsForRoom = false
	var a attempt
	room := s.most() - s.running - s.pending
	for _, d := range slices.Backward(s.deployments) {
		room -= w.launchMissing(s, d, w.missing(s, d), room, &a)
	}
	if a.tried {
		w.afterAttempt(s, &a)
	}
}

// launchMissing launches what a deployment lacks unless a back-off or the room is against it, and returns how many it launched.
func (w *World) launchMissing(s *service, d *deployment, missing, room int, a *attempt) int {
	if missing <= 0 {
		return 0
	}
	if until := max(s.placeUntil, d.failing.until); until > w.now {
		w.lookAt(s, until)
		return 0
	}
	if room < missing {
		s.waitsForRoom = true
	}
	n := min(missing, room)
	if n <= 0 {
		return 0
	}
	return w.launchAll(s, d, n, a)
}

// finishRolling completes the PRIMARY deployment when it has all its tasks healthy, the older ones are gone, and AWS's slowness in
// saying so has passed; with early success, sooner.
func (w *World) finishRolling(s *service) {
	d := s.deployments[0]
	if d.rollout != rolling || s.status != active {
		return
	}
	ready := len(s.deployments) == 1 && d.alive == s.desired && d.healthy == d.alive
	lag := moment(w.cfg.CompletionLag)
	early, reached := s.release.earlySuccess(s)
	if reached {
		ready = early.Deferred || len(s.deployments) == 1
		lag += moment(s.release.plan.Bake)
	}
	if !ready {
		d.readyAt = 0
		return
	}
	if d.readyAt == 0 {
		d.readyAt = w.stamp()
	}
	at := max(d.created+moment(w.cfg.DeploymentSettle), d.readyAt-1+lag)
	if at > w.now {
		w.lookAt(s, at)
		return
	}
	if reached && early.Deferred {
		s.release.cleanUp = w.now + moment(w.cfg.DeferredCleanup)
	}
	w.complete(s)
	if len(s.deployments) > 1 {
		w.lookAt(s, max(w.now, s.release.cleanUp))
	}
}
