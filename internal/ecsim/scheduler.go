package ecsim

import (
	"cmp"
	"slices"
)

type serviceStatus uint8

const (
	active serviceStatus = iota
	draining
	inactive
)

var serviceStatusNames = [...]string{"ACTIVE", "DRAINING", "INACTIVE"}

// service is one ECS service. Its counters are kept up to date by every step of its tasks, so that reading them costs nothing.
type service struct {
	home
	ref     Ref
	cluster *cluster
	index   int32
	status  serviceStatus
	created moment
	ended   moment // stamp of when it became INACTIVE
	desired int
	zones   []string
	minimum int // percent
	maximum int // percent
	breaker,
	rollback,
	balanced bool // has a load balancer
	balance *zoneBalance // nil: availability zone rebalancing is switched off
	front   front
	tags    []Tag
	raw     []byte

	deployments []*deployment // the PRIMARY first
	lastGood    *deployment   // the last COMPLETED one
	release     *release      // the latest service deployment
	releases    []*release    // of the service's life, the latest last; at most keptReleases
	plan        RolloutConfig // of the next service deployment
	traffic     TrafficConfig
	limit       BreakerLimit
	broken      FailMode // overrides the task definition's

	alive     int // desired status RUNNING
	running   int // RUNNING, the leaving ones included
	pending   int // before RUNNING and not leaving
	warned    int // RUNNING under an interruption warning
	working   int // tasks that serve
	inService int // and are not leaving
	flow      flow
	zoneAlive []int
	usage     meter

	nextLook     moment // never: none planned
	lookGen      uint32
	waitsForRoom bool // maximumPercent holds launches back until a task leaves RUNNING

	placeFails  int    // failed attempts in a row
	placeUntil  moment // no attempt before this
	silentUntil moment // no second placement-failure event before this
	windowFrom  moment
	launched    int // in the window
	nextLaunch  moment

	steady      bool
	steadyGen   uint32
	guardSaid   bool // "unable to scale in" has been said
	messages    []message
	messageFrom int // ring start
	messageNo   uint64

	shown       *Service // what reads show until shownUntil; nil: the truth
	shownFrom   moment
	shownUntil  moment
	shownSerial uint64 // of the last task that reads show
}

// streak counts rounds of failures: all tasks launched before the last failure belong to its round.
type streak struct {
	rounds int
	last   moment
	until  moment
}

func (s *streak) clear() { *s = streak{last: s.last} }

// add counts a failure of a task created at and says whether it opens a new round.
func (s *streak) add(created, now moment) bool {
	if s.rounds > 0 && created <= s.last {
		return false
	}
	s.rounds++
	s.last = now
	return true
}

// lookAt makes the scheduler look at a service at a moment, or earlier if that is planned already.
func (w *World) lookAt(s *service, at moment) {
	if at >= s.nextLook && s.nextLook != never {
		return
	}
	s.nextLook = at
	s.lookGen++
	w.q.push(at, serviceLook, s.index, s.lookGen)
}

// look is the service scheduler: it compares what a service wants with what it has, stops what is too much, starts what is
// missing, and completes deployments.
func (w *World) look(s *service) {
	if s.status == inactive {
		return
	}
	s.release.begun(w.stamp())
	if s.release.shift != nil {
		w.lookShifting(s)
	} else {
		w.lookRolling(s)
	}
	w.checkSteady(s)
}

// scaleIn stops n tasks of a deployment, the pick being Config.ScaleIn; protected tasks block it.
func (w *World) scaleIn(s *service, d *deployment, n int) {
	if n <= 0 {
		s.guardSaid = s.guardSaid && s.alive > s.desired
		return
	}
	w.scratch = w.scratch[:0]
	for t := s.home.alive.first; t != nil; t = t.next {
		if t.deployment == d && !t.leaving && !w.guarded(t) {
			w.scratch = append(w.scratch, t.slot)
		}
	}
	first := n
	if d.byProvider[onDemand] > 0 && d.byProvider[spot] > 0 {
		first = len(w.scratch) // those of one provider may be passed over
	}
	w.order(w.scratch, first)
	target := d.targets(s.desired)
	over := [2]int{d.byProvider[onDemand] - target[onDemand], d.byProvider[spot] - target[spot]}
	for _, strict := range []bool{true, false} { // first what a strategy has too much of, then any
		for i, slot := range w.scratch {
			if n == 0 {
				break
			}
			if slot < 0 {
				continue
			}
			t := w.tasks[slot]
			if strict && over[t.provider] <= 0 {
				continue
			}
			over[t.provider]--
			n--
			w.scratch[i] = -1
			w.stopForScaling(s, t)
		}
	}
	w.flushStops(s)
	if n > 0 && !s.guardSaid {
		s.guardSaid = true
		w.say(s, message{kind: sayGuarded, n: n})
	}
}

// order puts the first tasks that a scale-in takes into their order: at least so many.
func (w *World) order(slots []int32, first int) {
	if w.cfg.ScaleIn == PickRandom {
		w.victims.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
		return
	}
	compare := func(i, j int32) int {
		a, b := w.tasks[i], w.tasks[j]
		aRuns, bRuns := a.status == running, b.status == running
		if w.cfg.ScaleIn == PickStartingFirst {
			if aRuns != bRuns {
				return cmp.Compare(a.started, b.started) // 0 while starting
			}
			if a.idle() != b.idle() {
				return step(b.idle())
			}
			return cmp.Or(cmp.Compare(b.started, a.started), cmp.Compare(b.uid, a.uid))
		}
		if aRuns != bRuns {
			return cmp.Compare(b.started, a.started)
		}
		if w.cfg.ScaleIn == PickServingFirst && a.idle() != b.idle() {
			return step(a.idle())
		}
		return cmp.Or(cmp.Compare(a.started, b.started), cmp.Compare(a.uid, b.uid))
	}
	if first > pickFew {
		slices.SortFunc(slots, compare)
		return
	}
	for k := range min(first, len(slots)) {
		for j := k + 1; j < len(slots); j++ {
			if compare(slots[j], slots[k]) < 0 {
				slots[j], slots[k] = slots[k], slots[j]
			}
		}
	}
}

// pickFew is how many tasks are picked one by one quicker than all are sorted.
const pickFew = 4

// idle reports whether a task with readiness serves nobody.
func (t *task) idle() bool { return t.readiness != nil && !t.serves }

func (w *World) stopForScaling(s *service, t *task) {
	w.gather(s, t)
	w.end(t, ending{code: StopScheduler, reason: t.deployment.scaling, how: orderly})
}

// countFailure lets a stopped task count for the back-off of failing tasks, the notice that a service cannot start tasks, and the
// deployment circuit breaker.
func (w *World) countFailure(t *task, e ending) {
	s, d := t.service, t.deployment
	neverRan := e.code == StopFailedToStart
	ownFault := neverRan && !t.hung || e.code == StopContainerExited || t.sick
	if neverRan && (!t.hung || w.cfg.HungBacksOff) && d.failing.add(t.created, w.stamp()) {
		if extra := d.failing.rounds - w.cfg.FailuresAllowed; extra > 0 {
			d.failing.until = w.now + moment(w.cfg.FailingRetry.delay(extra))
		}
	}
	if ownFault && !t.isHealthy && d.shortLived.add(t.created, w.stamp()) && d.shortLived.rounds >= w.cfg.ImpairedAfter {
		w.say(s, message{kind: sayImpaired})
		w.sendService(s, EventStartImpaired, "WARN", "", "")
	}
	if (neverRan || ownFault) && !t.isHealthy {
		w.countAgainst(s, d)
	}
}

// checkSteady says it when a service has become steady, and plans to say it again.
func (w *World) checkSteady(s *service) {
	steady := s.alive == s.desired && s.running == s.desired && s.pending == 0 && len(s.deployments) == 1 && s.status == active
	if steady == s.steady {
		return
	}
	s.steady = steady
	if steady {
		w.saySteady(s)
	}
}

func (w *World) saySteady(s *service) {
	if !s.steady {
		return
	}
	w.say(s, message{kind: saySteadyState})
	w.sendService(s, EventSteadyState, "INFO", "", "")
	if w.cfg.SteadyRepeat > 0 {
		s.steadyGen++
		w.q.push(w.now+moment(w.cfg.SteadyRepeat), serviceSteady, s.index, s.steadyGen)
	}
}
