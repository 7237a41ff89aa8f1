package ecsim

import (
	"cmp"
	"slices"
)

// shift is the way of a deployment that brings a second revision up beside the first and shifts the traffic to it.
type shift struct {
	blue  *deployment // the revision with the traffic at the start; nil in a service's first deployment
	green *deployment
	stage shiftStage
	step  int    // shifts of production traffic that have been made
	since moment // when the stage began
	back  bool   // the traffic goes back to blue
}

// traffic is a revision's part in the traffic of a service whose load balancer shifts it.
type traffic struct {
	production, test float64 // percent
	slot             uint8   // 0: the target group that the service names; 1: the alternate one
}

// startShift starts a deployment that shifts traffic. Blue is the revision that carries most of it.
func (w *World) startShift(s *service, r *release) {
	sh := &shift{green: r.target, since: w.now}
	r.shift = sh
	for _, d := range r.source {
		if sh.blue == nil || d.production() > sh.blue.production() || d.traffic == nil && d == s.lastGood {
			sh.blue = d
		}
	}
	if s.balanced {
		r.target.traffic = &traffic{}
		if sh.blue == nil {
			r.target.traffic.production = wholeOfTraffic // nothing else can have it (A66)
		} else {
			if sh.blue.traffic == nil {
				sh.blue.traffic = &traffic{}
			}
			sh.blue.traffic.production = wholeOfTraffic
			r.target.traffic.slot = 1 - sh.blue.traffic.slot
		}
		for _, d := range r.source {
			if d != sh.blue && d.traffic != nil {
				d.traffic.production = 0
			}
		}
		w.house(s, r.target)
		w.route(s)
	}
	w.enter(s, reconcile)
}

// mingle lets every revision that carries traffic share in it alike, as a rolling deployment wants it.
func (w *World) mingle(s *service) {
	for _, d := range s.deployments {
		if d.traffic != nil && d.traffic.production > 0 {
			d.traffic.production = wholeOfTraffic
		}
	}
	if d := s.deployments[0]; d.traffic == nil {
		if i := slices.IndexFunc(s.deployments, func(d *deployment) bool { return d.traffic != nil && d.traffic.production > 0 }); i >= 0 {
			d.traffic = &traffic{production: wholeOfTraffic, slot: s.deployments[i].traffic.slot}
			w.house(s, d)
		}
	}
}

// production returns a revision's part of the production traffic in percent. Where nothing shifts it, every revision has all of it.
func (d *deployment) production() float64 {
	if d.traffic == nil {
		return wholeOfTraffic
	}
	return d.traffic.production
}

// lookShifting is the service scheduler's look at a service whose deployments shift traffic: each revision is kept at what it is to
// have, and the deployment goes on.
func (w *World) lookShifting(s *service) {
	if s.status != active {
		return
	}
	w.advance(s)
	var a attempt
	s.waitsForRoom = false
	// Those without production traffic come first to what capacity there is (A64).
	for _, d := range slices.SortedStableFunc(slices.Values(s.deployments), func(a, b *deployment) int { return cmp.Compare(a.production(), b.production()) }) {
		want := w.wanted(s, d)
		w.scaleIn(s, d, d.alive-want)
		w.launchMissing(s, d, want-d.alive, s.most()-d.running-d.pending, &a)
	}
	if a.tried {
		w.afterAttempt(s, &a)
	}
	s.deployments = slices.DeleteFunc(s.deployments, func(d *deployment) bool {
		carries := d.traffic != nil && d.traffic.production > 0
		return d != s.deployments[0] && !carries && d.alive == 0 && d.running == 0 && d.pending == 0 && w.wanted(s, d) == 0
	})
	w.advance(s)
}

// wanted returns how many tasks a revision of a service that shifts traffic is to have.
func (w *World) wanted(s *service, d *deployment) int {
	r := s.release
	sh := r.shift
	asItIs := min(d.alive, s.desired)
	switch {
	case !r.ongoing():
		if d.rollout == failed {
			return asItIs
		}
		if d == s.deployments[0] || d == sh.blue && sh.green.rollout == failed {
			return s.desired
		}
		return 0
	case d == sh.green && sh.back:
		if sh.stage == cleanUp {
			return 0
		}
		return asItIs
	case d == sh.green && sh.stage < scaleUp, d != sh.blue && d != sh.green:
		return 0
	case d == sh.blue && !sh.back && sh.stage == cleanUp:
		return 0
	case d == sh.blue && !sh.back && sh.stage >= postProductionShift && w.cfg.BlueNotReplaced:
		return asItIs
	}
	return s.desired
}

// advance takes a deployment through the stages that are over, and asks to be called again when the present one will be.
func (w *World) advance(s *service) {
	for s.release.ongoing() {
		r := s.release
		if !w.hooksDone(s, r) {
			return
		}
		if r.shift == nil || !r.ongoing() {
			continue
		}
		at := w.stageEnd(s, r)
		if at > w.now {
			if at != never {
				w.lookAt(s, at)
			}
			return
		}
		if r.shift.back {
			w.nextBack(s, r)
		} else {
			w.next(s, r)
		}
	}
}

// stageEnd returns when the present stage is over: now or earlier, at a moment, or never by time alone.
func (w *World) stageEnd(s *service, r *release) moment {
	sh := r.shift
	waits := func(done bool) moment {
		if done {
			return w.now
		}
		if sh.stage == scaleUp && !sh.back && w.cfg.StageLimit > 0 {
			if limit := sh.since + moment(w.cfg.StageLimit); limit > w.now {
				w.lookAt(s, limit)
			} else {
				w.turnBack(s, "The lifecycle stage SCALE_UP has timed out: ")
			}
		}
		return never
	}
	switch sh.stage {
	case reconcile:
		return waits(!slices.ContainsFunc(s.deployments, func(d *deployment) bool { return d != sh.blue && d != sh.green }))
	case scaleUp:
		d := s.deployments[0]
		return waits(d.alive == s.desired && d.healthy == d.alive)
	case testShift:
		if s.balanced && s.traffic.TestRule != "" {
			return sh.since + moment(w.cfg.StageTime)
		}
	case productionShift:
		if !s.balanced {
			return w.now
		}
		end := sh.since + moment(w.cfg.StageTime)
		if !sh.back && sh.green.traffic.production < wholeOfTraffic {
			end += moment(r.plan.step().Bake)
		}
		return end
	case bakeTime:
		if sh.blue != nil {
			return sh.since + moment(r.plan.Bake)
		}
	case cleanUp:
		if slices.ContainsFunc(s.deployments[1:], func(d *deployment) bool { return d.alive+d.running+d.pending > 0 }) {
			return never
		}
		return s.deployments[0].created + moment(w.cfg.DeploymentSettle)
	}
	return w.now
}

// next takes a deployment to its next stage.
func (w *World) next(s *service, r *release) {
	sh := r.shift
	switch {
	case sh.stage == cleanUp:
		w.complete(s)
		return
	case sh.stage == testShift && s.balanced:
		sh.green.traffic.test = wholeOfTraffic
		if sh.blue != nil {
			sh.blue.traffic.test = 0
		}
		w.route(s)
	case sh.stage == productionShift && sh.green.production() < wholeOfTraffic:
		w.enter(s, preProductionShift)
		return
	}
	w.enter(s, sh.stage+1)
}

// nextBack takes a rollback to its next stage: blue has its tasks again, then the traffic, then green goes.
func (w *World) nextBack(s *service, r *release) {
	switch r.shift.stage {
	case scaleUp:
		w.enter(s, productionShift)
	case productionShift:
		w.enter(s, cleanUp)
	default:
		w.complete(s)
	}
}

// enter begins a stage.
func (w *World) enter(s *service, to shiftStage) {
	r := s.release
	sh := r.shift
	sh.stage, sh.since, r.updated = to, w.now, w.stamp()
	if to == productionShift && s.balanced && sh.blue != nil {
		w.shiftTraffic(s, r)
	}
	if !sh.back {
		w.startHooks(s, r)
	}
	if to == scaleUp || to == cleanUp { // what the revisions are to have has changed
		w.lookAt(s, w.now)
	}
}

// shiftTraffic makes the next shift of production traffic.
func (w *World) shiftTraffic(s *service, r *release) {
	sh := r.shift
	green := 0.0
	if !sh.back {
		sh.step++
		green = wholeOfTraffic
		switch p := r.plan.step().Percent; r.plan.Strategy {
		case Canary:
			if sh.step == 1 {
				green = p
			}
		case Linear:
			green = min(wholeOfTraffic, p*float64(sh.step))
		}
	}
	sh.green.traffic.production, sh.blue.traffic.production = green, wholeOfTraffic-green
	if sh.back {
		sh.green.traffic.test, sh.blue.traffic.test = 0, wholeOfTraffic
	}
	w.route(s)
}

// turnBack rolls a deployment that shifts traffic back to blue; cause begins the sentence that the deployment event carries (A68).
func (w *World) turnBack(s *service, cause string) {
	r := s.release
	sh := r.shift
	if sh.back || !r.ongoing() {
		return
	}
	if sh.blue == nil {
		w.noWayBack(s)
		return
	}
	sh.back = true
	r.turn(sh.blue, cause, w.stamp())
	r.dropHooks()
	if !slices.Contains(s.deployments, sh.blue) { // its tasks are gone already
		s.deployments = append(s.deployments, sh.blue)
	}
	s.promote(sh.blue)
	s.resetBackOffs()
	w.inProgress(s, sh.blue, r.reason+".")
	if sh.blue.production() == wholeOfTraffic && sh.blue.healthy >= s.least() {
		w.enter(s, cleanUp)
	} else {
		w.enter(s, scaleUp)
	}
}
