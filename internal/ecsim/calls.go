package ecsim

import (
	"slices"
)

// CreateService makes a service and its first deployment. Errors: ClusterNotFoundException, ClientException (task definition),
// InvalidParameterException (values, or a service of that name is there).
func (w *World) CreateService(regionName string, in CreateServiceInput) (Service, error) {
	cl, err := w.cluster(regionName, in.Cluster)
	if err != nil {
		return Service{}, err
	}
	if !validName(in.Name) {
		return Service{}, invalid("Invalid service name: it may have up to 255 letters, digits, hyphens and underscores.")
	}
	def, err := cl.region.usable(in.TaskDefinition)
	if err != nil {
		return Service{}, err
	}
	ref := Ref{cl.region.name, cl.name, in.Name}
	old := w.byRef[ref]
	switch {
	case old != nil && old.status == active:
		return Service{}, invalid("Creation of service was not idempotent.")
	case old != nil && old.status == draining:
		return Service{}, invalid("Unable to Start a service that is still Draining.")
	}
	for _, err := range []error{checkDesired(in.Desired), checkStrategy(in.Strategy), checkZones(in.Zones), checkLimits(in.Deployment, 100, 200, in.LoadBalanced || len(in.TargetGroups) > 0)} {
		if err != nil {
			return Service{}, err
		}
	}
	groups, err := w.groupsFor(regionName, in.TargetGroups)
	if err != nil {
		return Service{}, err
	}
	if err := w.checkTraffic(regionName, groups, in.Traffic, in.Deployment.Rollout); err != nil {
		return Service{}, err
	}
	s := &service{
		ref: ref, cluster: cl, index: int32(len(w.services)), created: w.now, desired: in.Desired, minimum: 100, maximum: 200,
		balanced: in.LoadBalanced || len(groups) > 0, front: front{groups, in.ContainerPort, max(0, in.HealthGrace)}, traffic: in.Traffic,
		balance: zoneBalanced(in.Rebalancing), tags: mergeTags(nil, in.Tags), raw: slices.Clone(in.Raw), nextLook: never,
	}
	s.limits(in.Deployment)
	s.spread(in.Zones)
	w.services = append(w.services, s)
	w.byRef[ref] = s
	if i := slices.Index(cl.services, old); old != nil && i >= 0 {
		cl.services[i] = s
	} else {
		cl.services = append(cl.services, s)
	}
	w.deploy(s, def, in.Strategy)
	w.lookAt(s, w.now+moment(w.cfg.SchedulerDelay))
	w.sendCall(ref, "CreateService")
	return w.view(s), nil
}

// UpdateService changes a service. Errors: ClusterNotFoundException, ServiceNotFoundException, ServiceNotActiveException,
// ClientException (task definition), InvalidParameterException (values; a new strategy without ForceNewDeployment).
func (w *World) UpdateService(ref Ref, in UpdateServiceInput) (Service, error) {
	s, err := w.activeService(ref)
	if err != nil {
		return Service{}, err
	}
	primary := s.deployments[0]
	def, strategy := primary.def, primary.strategy
	if in.TaskDefinition != "" {
		if def, err = s.cluster.region.usable(in.TaskDefinition); err != nil {
			return Service{}, err
		}
	}
	if in.SetStrategy && !slices.Equal(in.Strategy, strategy) {
		if err := w.checkNewStrategy(&in); err != nil {
			return Service{}, err
		}
		strategy = in.Strategy
	}
	if in.Desired != nil {
		if err := checkDesired(*in.Desired); err != nil {
			return Service{}, err
		}
	}
	if err := checkZones(in.Zones); err != nil {
		return Service{}, err
	}
	if in.Deployment != nil {
		if err := checkLimits(*in.Deployment, s.minimum, s.maximum, s.balanced); err != nil {
			return Service{}, err
		}
	}
	groups, err := w.groupsFor(ref.Region, in.TargetGroups)
	if err != nil {
		return Service{}, err
	}
	if err := w.checkShift(s, &in, groups); err != nil {
		return Service{}, err
	}
	w.veil(s)
	regrouped := s.front.change(&in, groups)
	s.balanced = s.balanced && in.TargetGroups == nil || len(s.front.groups) > 0
	if in.Deployment != nil {
		s.limits(*in.Deployment)
	}
	if in.Traffic != nil {
		s.traffic = *in.Traffic
	}
	if in.Rebalancing != nil {
		s.balance = zoneBalanced(*in.Rebalancing)
	}
	if in.Raw != nil {
		s.raw = slices.Clone(in.Raw)
	}
	if in.Desired != nil {
		w.want(s, *in.Desired)
	}
	rezoned := in.Zones != nil && !slices.Equal(in.Zones, s.zones)
	if rezoned {
		s.spread(in.Zones)
	}
	switch {
	case def != primary.def || in.ForceNewDeployment || rezoned || regrouped:
		w.deploy(s, def, strategy)
	case in.SetStrategy:
		primary.strategy = slices.Clone(strategy)
	}
	w.updated(s, ref)
	return w.view(s), nil
}

// checkNewStrategy validates a change of a service's strategy (A38).
func (w *World) checkNewStrategy(in *UpdateServiceInput) error {
	if err := checkStrategy(in.Strategy); err != nil {
		return err
	}
	if !in.ForceNewDeployment && !w.cfg.StrategyUnforced {
		return invalid("When switching from launch type to capacity provider strategy on an existing service, or making a change to " +
			"a capacity provider strategy on a service that is already using one, you must force a new deployment.")
	}
	return nil
}

// SetDesired is UpdateService with nothing but a desired count, without the answer, which is dear to make. Errors as of UpdateService.
func (w *World) SetDesired(ref Ref, n int) error {
	s, err := w.activeService(ref)
	if err != nil {
		return err
	}
	if err := checkDesired(n); err != nil {
		return err
	}
	w.veil(s)
	w.want(s, n)
	w.updated(s, ref)
	return nil
}

func (w *World) want(s *service, n int) {
	if n == s.desired {
		return
	}
	s.desired = n
	if w.cfg.DesiredResets {
		s.resetBackOffs()
	}
}

// updated is what every UpdateService ends with.
func (w *World) updated(s *service, ref Ref) {
	w.checkSteady(s)
	w.lookAt(s, w.now+moment(w.cfg.SchedulerDelay))
	w.sendCall(ref, "UpdateService")
}

// DeleteService drains a service: its tasks stop, then it is INACTIVE. Errors: ClusterNotFoundException, ServiceNotFoundException,
// ServiceNotActiveException, InvalidParameterException (desired count above zero without force).
func (w *World) DeleteService(ref Ref, force bool) (Service, error) {
	s, err := w.activeService(ref)
	if err != nil {
		return Service{}, err
	}
	if s.desired > 0 && !force {
		return Service{}, invalid("The service cannot be stopped while it is scaled above 0.")
	}
	w.veil(s)
	s.desired = 0
	s.status = draining
	s.steady = false
	w.say(s, message{kind: sayDraining})
	for t := s.home.alive.first; t != nil; t = t.next {
		if !t.leaving {
			w.stopForScaling(s, t)
		}
	}
	w.flushStops(s)
	if s.home.alive.n == 0 {
		w.deactivate(s)
	}
	w.sendCall(ref, "DeleteService")
	return w.view(s), nil
}

// activeService finds a service that can be changed.
func (w *World) activeService(ref Ref) (*service, error) {
	cl, err := w.cluster(ref.Region, ref.Cluster)
	if err != nil {
		return nil, err
	}
	s := w.byRef[Ref{ref.Region, cl.name, lastPart(ref.Service)}]
	if s == nil {
		return nil, clientError("ServiceNotFoundException", "Service not found.")
	}
	if s.status != active {
		return nil, clientError("ServiceNotActiveException", "Service was not ACTIVE.")
	}
	return s, nil
}

func checkDesired(n int) error {
	if n < 0 {
		return invalid("desiredCount cannot be negative.")
	}
	if n > maxTasksPerService {
		return invalid("desiredCount is above the limit of 5000 tasks per service.")
	}
	return nil
}

func checkZones(zones []string) error {
	if len(zones) > maxZones {
		return invalid("subnets can have at most 16 items.")
	}
	for i, zone := range zones {
		if zone == "" || slices.Contains(zones[:i], zone) {
			return invalid("A service's zones must be named, and each once.")
		}
	}
	return nil
}

// checkLimits validates a deployment configuration; least and most are the percentages in force.
func checkLimits(c DeploymentConfig, least, most int, balanced bool) error {
	if c.MinimumHealthyPercent != nil {
		least = *c.MinimumHealthyPercent
	}
	if c.MaximumPercent != nil {
		most = *c.MaximumPercent
	}
	if least < 0 || most < 1 || most > maxPercent || least > most {
		return invalid("minimumHealthyPercent and maximumPercent are out of range.")
	}
	if least >= 100 && most <= 100 {
		return invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	}
	if c.Rollout != nil {
		if err := c.Rollout.check(balanced, least); err != nil {
			return err
		}
	}
	return c.Breaker.check()
}

func (s *service) limits(c DeploymentConfig) {
	if c.MinimumHealthyPercent != nil {
		s.minimum = *c.MinimumHealthyPercent
	}
	if c.MaximumPercent != nil {
		s.maximum = *c.MaximumPercent
	}
	s.breaker, s.rollback, s.limit = c.CircuitBreaker, c.Rollback, c.Breaker
	if c.Rollout != nil {
		s.plan = c.Rollout.clone()
	}
}

// spread sets a service's zones; tasks that are already there stay where they are.
func (s *service) spread(zones []string) {
	if len(zones) == 0 {
		zones = []string{s.ref.Region + "a", s.ref.Region + "b", s.ref.Region + "c"}
	}
	s.zones = slices.Clone(zones)
	s.zoneAlive = make([]int, len(zones))
	for t := s.home.alive.first; t != nil; t = t.next {
		t.zone = int32(slices.Index(s.zones, t.zoneName))
		if t.zone >= 0 && !t.leaving {
			s.zoneAlive[t.zone]++
		}
	}
}

// veil keeps what reads show of a service as it is now, for a drawn part of Config.ReadLag, before a write changes it. No read is
// older than ReadLag.
func (w *World) veil(s *service) {
	if w.cfg.ReadLag <= 0 {
		return
	}
	drawn := w.now + moment(w.lag.Float64()*float64(w.cfg.ReadLag))
	oldest := s.shownFrom + moment(w.cfg.ReadLag)
	if s.shown == nil || w.now >= s.shownUntil || w.now >= oldest {
		v := w.view(s)
		s.shown, s.shownFrom, s.shownUntil, s.shownSerial = &v, w.now, drawn, w.serial
		return
	}
	s.shownUntil = max(s.shownUntil, min(drawn, oldest))
}

// SetBroken makes every task that a service starts from now on fail in this way, whatever its task definition says; FailNone ends
// it. FailHealthCheck strikes only a service with a load balancer. Errors as of UpdateService.
func (w *World) SetBroken(ref Ref, mode FailMode) error {
	s, err := w.activeService(ref)
	if err != nil {
		return err
	}
	s.broken = mode
	return nil
}

// RaisePlacementFailure sends a placement failure of a healthy service, as availability zone rebalancing does. Errors as of UpdateService.
func (w *World) RaisePlacementFailure(ref Ref) error {
	s, err := w.activeService(ref)
	if err != nil {
		return err
	}
	provider := Fargate
	if st := s.deployments[0].strategy; len(st) > 0 {
		provider = st[0].Provider
	}
	w.say(s, message{kind: sayNoCapacity})
	w.sendService(s, EventPlacementFailure, "ERROR", provider, "RESOURCE:FARGATE")
	return nil
}

// KillTasks ends up to n RUNNING tasks of a service for a reason that is not Spot's, oldest first: code is one of the stop codes,
// reason the text. It returns their IDs. Containers of StopContainerExited exit at once with status 1, others get SIGTERM.
func (w *World) KillTasks(ref Ref, n int, code, reason string) []string {
	s := w.byRef[ref]
	if s == nil {
		return nil
	}
	how := orderly
	if code == StopContainerExited {
		how = atOnce
	}
	var ids []string
	for t := s.home.alive.first; t != nil && len(ids) < n; t = t.next {
		if t.status == running && !t.leaving {
			ids = append(ids, w.id(t))
			w.end(t, ending{code: code, reason: reason, how: how, exitCode: 1})
			w.lookAt(s, w.now+moment(w.cfg.ReplaceDelay))
		}
	}
	return ids
}
