package ecsim

import (
	"slices"
	"strconv"
)

type rollout uint8

const (
	rolling rollout = iota
	completed
	failed
)

var rolloutNames = [...]string{RolloutInProgress, RolloutCompleted, RolloutFailed}

// deployment is one deployment of a service.
type deployment struct {
	id       string
	group    string // the tasks' group
	scaling  string // the stoppedReason of tasks that it scales in
	def      *TaskDefinition
	strategy []StrategyItem
	groups   []*targetGroup // in which its tasks are targets
	created  moment
	updated  moment
	readyAt  moment // stamp of when it first had all it needs; 0: it has not
	rollout  rollout
	reason   string

	alive, running, pending, warned, healthy, failed int
	byProvider                                       [2]int // alive

	failing    streak   // rounds of tasks that stopped before RUNNING
	shortLived streak   // rounds of tasks that stopped on their own soon after their start
	kept       int      // of an older deployment: how many healthy tasks it had, less those stopped on purpose
	traffic    *traffic // nil: it shares in whatever traffic the service has
}

// deploy makes a new service revision and starts the service deployment that leads to it.
func (w *World) deploy(s *service, def *TaskDefinition, strategy []StrategyItem) {
	old := slices.Clone(s.deployments)
	for _, d := range old {
		d.kept = d.healthy
	}
	d := w.revise(s, def, strategy)
	w.inProgress(s, d, "ECS deployment "+d.id+" in progress.")
	w.startRelease(s, d, old)
}

// revise makes a new service revision, the PRIMARY one.
func (w *World) revise(s *service, def *TaskDefinition, strategy []StrategyItem) *deployment {
	w.deployNo++
	d := &deployment{
		id: "ecs-svc/" + strconv.FormatUint(scramble(w.cfg.Seed^w.deployNo<<8)>>1, 10), group: "service:" + s.ref.Service,
		def: def, strategy: slices.Clone(strategy), groups: s.front.groups, created: w.now,
	}
	d.scaling = "Scaling activity initiated by (deployment " + d.id + ")"
	s.deployments = slices.Insert(s.deployments, 0, d)
	s.resetBackOffs()
	return d
}

func (w *World) inProgress(s *service, d *deployment, reason string) {
	d.rollout, d.reason, d.updated, d.failed, d.readyAt = rolling, reason, w.now, 0, 0
	w.sendDeployment(s, d, EventDeploymentInProgress, "INFO")
}

func (s *service) resetBackOffs() {
	for _, d := range s.deployments {
		d.failing.clear()
		d.shortLived.clear()
	}
	s.placeFails, s.placeUntil = 0, 0
}

// complete makes the PRIMARY deployment COMPLETED, and its service deployment with it.
func (w *World) complete(s *service) {
	d := s.deployments[0]
	d.rollout, d.reason, d.updated = completed, "ECS deployment "+d.id+" completed.", w.now
	s.lastGood = d
	s.release.succeed(w.stamp())
	w.say(s, message{kind: sayCompleted, text: d.id})
	w.sendDeployment(s, d, EventDeploymentCompleted, "INFO")
}

// threshold is how many failures trip a service's deployment circuit breaker.
func (s *service) threshold() int { return s.limit.failures(s.desired) }

// countAgainst counts a failed task, or a failed placement, against a deployment in progress; too many trip its circuit breaker.
func (w *World) countAgainst(s *service, d *deployment) {
	if d != s.deployments[0] || d.rollout != rolling {
		return
	}
	d.failed++
	turningBack := s.release.shift != nil && s.release.shift.back // to a revision that has proved itself
	if !s.breaker || d.failed < s.threshold() || turningBack {
		return
	}
	d.rollout, d.reason, d.updated = failed, "ECS deployment circuit breaker: tasks failed to start.", w.now
	w.say(s, message{kind: sayFailed, text: d.id})
	w.sendDeployment(s, d, EventDeploymentFailed, "ERROR")
	if !s.rollback {
		s.release.end(ReleaseStopped, d.reason, w.stamp())
		return
	}
	w.rollBack(s, "ECS deployment circuit breaker: ")
}

// rollBack takes a service back to the last good revision; cause begins the sentence that the deployment event carries.
func (w *World) rollBack(s *service, cause string) {
	r, d := s.release, s.deployments[0]
	if r.shift != nil {
		w.turnBack(s, cause)
		return
	}
	good := s.lastGood
	switch {
	case good == nil || good == d:
		w.noWayBack(s)
		return
	case slices.Contains(s.deployments, good):
		s.promote(good)
		s.resetBackOffs()
		d.kept = 0 // what has failed does not come back
	default: // its tasks are all gone
		d.kept = 0 // what has failed does not come back
		good = w.revise(s, good.def, good.strategy)
	}
	r.turn(good, cause, w.stamp())
	w.inProgress(s, good, cause+"rolling back to deploymentId "+good.id+".")
	w.lookAt(s, w.now+moment(w.cfg.SchedulerDelay))
}

// noWayBack ends a service deployment that cannot be rolled back.
func (w *World) noWayBack(s *service) {
	reason := "No rollback candidate was found to run the rollback."
	if d := s.deployments[0]; d.rollout == rolling {
		d.rollout, d.reason, d.updated = failed, reason, w.now
	}
	s.release.end(ReleaseRollbackFailed, reason, w.stamp())
}

// promote makes a deployment that is there the PRIMARY one.
func (s *service) promote(d *deployment) {
	i := slices.Index(s.deployments, d)
	s.deployments = slices.Insert(slices.Delete(s.deployments, i, i+1), 0, d)
}

// targets splits a number of tasks over the providers: the base first, the rest in proportion to the weights, remainders in the
// order of the strategy.
func (d *deployment) targets(n int) (target [2]int) {
	if len(d.strategy) == 0 {
		target[onDemand] = n
		return target
	}
	weights := 0
	for _, item := range d.strategy {
		b := min(item.Base, n)
		target[providerIndex(item.Provider)] += b
		n -= b
		weights += item.Weight
	}
	if weights == 0 {
		target[providerIndex(d.strategy[0].Provider)] += n
		return target
	}
	rest := n
	for _, item := range d.strategy {
		part := n * item.Weight / weights
		target[providerIndex(item.Provider)] += part
		rest -= part
	}
	for _, item := range d.strategy {
		if rest > 0 && item.Weight > 0 {
			target[providerIndex(item.Provider)]++
			rest--
		}
	}
	return target
}

// handOver gives what a provider that refused lacks of its share to the other, if the strategy has one with a weight (A35).
func (d *deployment) handOver(target [2]int, refused int8) [2]int {
	other := 1 - refused
	lacks := target[refused] - d.byProvider[refused]
	heir := slices.ContainsFunc(d.strategy, func(item StrategyItem) bool { return item.Weight > 0 && providerIndex(item.Provider) == other })
	if lacks > 0 && heir {
		target[refused] -= lacks
		target[other] += lacks
	}
	return target
}

// next returns the provider of the next launch: the one that lacks most of its target and has not refused, or -1.
func (d *deployment) next(target [2]int, shut [2]bool) int8 {
	best, lack := int8(-1), 0
	for i := range target {
		if shut[i] {
			continue
		}
		if l := target[i] - d.byProvider[i]; l > lack {
			best, lack = int8(i), l
		}
	}
	return best
}

// checkStrategy validates a capacity provider strategy as ECS does. Error: InvalidParameterException.
func checkStrategy(strategy []StrategyItem) error {
	if len(strategy) > maxProviders {
		return invalid("A capacity provider strategy can contain a maximum of 20 capacity providers.")
	}
	bases, weights := 0, 0
	for i, item := range strategy {
		switch {
		case item.Provider != Fargate && item.Provider != FargateSpot:
			return invalid("The specified capacity provider '" + item.Provider + "' was not found. Specify a valid name or ARN and try again.")
		case item.Base < 0 || item.Base > 100_000:
			return invalid("The base of a capacity provider must be between 0 and 100,000.")
		case item.Weight < 0 || item.Weight > 1000:
			return invalid("The weight of a capacity provider must be between 0 and 1000.")
		case slices.ContainsFunc(strategy[:i], func(other StrategyItem) bool { return other.Provider == item.Provider }):
			return invalid("The capacity provider strategy contains the capacity provider " + item.Provider + " more than once.")
		}
		if item.Base > 0 {
			bases++
		}
		weights += item.Weight
	}
	if bases > 1 {
		return invalid("Only one capacity provider in a capacity provider strategy can have a base defined.")
	}
	if len(strategy) > 0 && weights == 0 {
		return invalid("At least one capacity provider in a capacity provider strategy must have a weight greater than 0.")
	}
	return nil
}
