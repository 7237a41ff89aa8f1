package ecsim

import "math"

// Statuses of a service deployment.
const (
	ReleasePending            = "PENDING"
	ReleaseInProgress         = "IN_PROGRESS"
	ReleaseSuccessful         = "SUCCESSFUL"
	ReleaseStopped            = "STOPPED"
	ReleaseStopRequested      = "STOP_REQUESTED" // passes in no time here: never shown
	ReleaseRollbackRequested  = "ROLLBACK_REQUESTED"
	ReleaseRollbackInProgress = "ROLLBACK_IN_PROGRESS"
	ReleaseRollbackSuccessful = "ROLLBACK_SUCCESSFUL"
	ReleaseRollbackFailed     = "ROLLBACK_FAILED"
)

// keptReleases bounds the service deployments that are remembered of one service.
const keptReleases = 100

// release is one service deployment: the way from the revisions that ran to a new one, and back if it must be. All its times are
// stamps.
type release struct {
	id                                           string
	source                                       []*deployment
	target                                       *deployment
	plan                                         RolloutConfig
	status, reason                               string
	created, started, updated, finished, stopped moment
	back                                         turnedBack
	shift                                        *shift // nil for a rolling deployment
	hooks                                        []*hook
	cleanUp                                      moment // when early success takes the older tasks away
}

// turnedBack is the rollback of a service deployment; at is 0 without one.
type turnedBack struct {
	at     moment
	reason string
	to     *deployment
}

// startRelease starts the service deployment that leads from the revisions there are to a new one, and stops the one before.
func (w *World) startRelease(s *service, target *deployment, source []*deployment) {
	if last := s.release; last != nil {
		last.end(ReleaseStopped, "A new service deployment has started.", w.stamp())
	}
	r := &release{id: w.releaseID(), source: source, target: target, plan: s.plan.clone(), status: ReleasePending, created: w.stamp(), updated: w.stamp()}
	s.release = r
	if len(s.releases) == keptReleases {
		s.releases = append(s.releases[:0], s.releases[1:]...)
	}
	s.releases = append(s.releases, r)
	if s.plan.shifts() {
		w.startShift(s, r)
	} else {
		w.mingle(s)
	}
}

// releaseID makes an ID of the form that ECS gives service deployments: 21 letters, digits, hyphens and underscores.
func (w *World) releaseID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	w.releaseNo++
	var id [21]byte
	for i := range id {
		id[i] = letters[scramble(w.cfg.Seed^w.releaseNo<<16^uint64(i)<<8)>>58]
	}
	return string(id[:])
}

// ongoing reports whether the service deployment has not come to its end.
func (r *release) ongoing() bool {
	switch r.status {
	case ReleasePending, ReleaseInProgress, ReleaseRollbackRequested, ReleaseRollbackInProgress:
		return true
	}
	return false
}

// begun marks a service deployment that the scheduler has looked at for the first time.
func (r *release) begun(now moment) {
	if r.status == ReleasePending {
		r.status, r.started, r.updated = ReleaseInProgress, now, now
	}
}

// turn marks the beginning of a rollback to a revision.
func (r *release) turn(to *deployment, cause string, now moment) {
	r.begun(now)
	r.status, r.reason, r.updated = ReleaseRollbackInProgress, cause+"rolling back to deploymentId "+to.id+".", now
	r.back = turnedBack{at: now, reason: r.reason, to: to}
}

// succeed ends an ongoing service deployment well.
func (r *release) succeed(now moment) {
	if r.status == ReleaseRollbackInProgress {
		r.end(ReleaseRollbackSuccessful, r.reason, now)
		return
	}
	r.end(ReleaseSuccessful, "", now)
}

// end ends an ongoing service deployment.
func (r *release) end(status, reason string, now moment) {
	if !r.ongoing() {
		return
	}
	r.status, r.reason, r.updated, r.finished = status, reason, now, now
	r.dropHooks()
	if status == ReleaseStopped {
		r.stopped = now
	}
}

// earlySuccess returns the early success criteria of a rolling deployment, and whether the PRIMARY deployment, in progress, meets
// them.
func (r *release) earlySuccess(s *service) (EarlySuccess, bool) {
	e, d := r.plan.EarlySuccess, s.deployments[0]
	if !e.Enabled || d.rollout == failed {
		return e, false
	}
	return e, d.healthy >= int(math.Ceil(float64(s.desired*e.HealthyPercent)/100))
}
