package ecsim

import (
	"slices"
	"strings"
	"time"
)

// ServiceRevision is what a service was to run at one time.
type ServiceRevision struct {
	ARN            string // ends in the number of the deployment ecs-svc/NUMBER whose tasks carry it as startedBy (A60)
	Ref            Ref
	TaskDefinition string // ARN
	Strategy       []StrategyItem
	CreatedAt      time.Time
	TargetGroups   []string      // of the service
	Traffic        TrafficConfig // of the service
	TargetGroup    string        // the one of the two that its tasks are in; empty where nothing shifts traffic
}

// RevisionSummary is how a service deployment shows one of its revisions.
type RevisionSummary struct {
	ARN                         string
	Requested, Running, Pending int
	Weighted                    bool    // whether the two weights are known
	Production, Test            float64 // percent of the traffic asked for
}

// ServiceDeployment is a snapshot of one service deployment. Times that have not come are zero.
type ServiceDeployment struct {
	ARN                                                    string
	Ref                                                    Ref
	Status                                                 string // PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED, ROLLBACK_IN_PROGRESS ...
	Reason                                                 string
	Stage                                                  string // lifecycle stage, at the end the last one; empty for a rolling deployment
	CreatedAt, StartedAt, UpdatedAt, FinishedAt, StoppedAt time.Time
	Source                                                 []RevisionSummary
	Target                                                 RevisionSummary
	Rollout                                                RolloutConfig
	MinimumHealthyPercent, MaximumPercent                  int
	CircuitBreaker, Rollback                               bool
	Breaker                                                BreakerLimit
	Failures, Threshold                                    int // of the circuit breaker
	RolledBackAt                                           time.Time
	RollbackReason, RollbackRevision                       string
	Hooks                                                  []Hook
}

// Hook is one pause of a service deployment.
type Hook struct {
	ID, Stage, Status string
	Expires           time.Time
	OnTimeout         string // CONTINUE or ROLLBACK
}

// ListServiceDeployments returns a service's deployments, the newest first, at most 100. Errors: ClusterNotFoundException,
// ServiceNotFoundException.
func (w *World) ListServiceDeployments(ref Ref) ([]ServiceDeployment, error) {
	cl, err := w.cluster(ref.Region, ref.Cluster)
	if err != nil {
		return nil, err
	}
	s := w.byRef[Ref{ref.Region, cl.name, lastPart(ref.Service)}]
	if s == nil || s.status == inactive {
		return nil, clientError("ServiceNotFoundException", "Service not found.")
	}
	var found []ServiceDeployment
	for _, r := range slices.Backward(s.releases) {
		found = append(found, w.releaseView(s, r))
	}
	return found, nil
}

// DescribeServiceDeployments returns service deployments by ARN, and a MISSING failure for each that is not there.
func (w *World) DescribeServiceDeployments(regionName string, arns []string) (found []ServiceDeployment, missing []Failure) {
	for _, arn := range arns {
		s, r := w.releaseOf(regionName, arn)
		if r == nil {
			missing = append(missing, Failure{ARN: arn, Reason: "MISSING"})
			continue
		}
		found = append(found, w.releaseView(s, r))
	}
	return found, missing
}

// DescribeServiceRevisions returns service revisions by ARN, and a MISSING failure for each that is not there.
func (w *World) DescribeServiceRevisions(regionName string, arns []string) (found []ServiceRevision, missing []Failure) {
	for _, arn := range arns {
		s := w.ownerOf(regionName, arn, ":service-revision/")
		d := s.revision(lastPart(arn))
		if d == nil {
			missing = append(missing, Failure{ARN: arn, Reason: "MISSING"})
			continue
		}
		found = append(found, ServiceRevision{ARN: w.revisionARN(s, d), Ref: s.ref, TaskDefinition: d.def.ARN, Strategy: slices.Clone(d.strategy),
			CreatedAt: w.timeOf(d.created), TargetGroups: s.front.arns(), Traffic: s.traffic, TargetGroup: s.groupOf(d)})
	}
	return found, missing
}

// StopServiceDeployment rolls an ongoing service deployment back. Errors: ServiceDeploymentNotFoundException, ConflictException (it is
// over).
func (w *World) StopServiceDeployment(regionName, arn string) error {
	s, r := w.releaseOf(regionName, arn)
	if r == nil {
		return releaseNotFound()
	}
	if !r.ongoing() || s.status != active {
		return clientError("ConflictException", "The service deployment is in a state that cannot be stopped.")
	}
	if r.status != ReleaseRollbackInProgress {
		r.begun(w.stamp())
		w.rollBack(s, "ECS deployment stopped by user: ")
	}
	return nil
}

// RevisionState is how much of a service one of its revisions is, whatever reads show.
type RevisionState struct {
	ARN          string
	DeploymentID string  // ecs-svc/...
	Share        float64 // of the production traffic that it carries, 0..1; 1 for each where nothing shifts traffic
	Running      int     // RUNNING, warned ones included
	Working      int     // that do their work, whether or not traffic comes to them
	InService    int     // as of [World.InService]
}

// Revisions returns the truth about a service's living revisions, the newest first; nothing for an unknown service.
func (w *World) Revisions(ref Ref) []RevisionState {
	s := w.byRef[ref]
	if s == nil {
		return nil
	}
	states := make([]RevisionState, len(s.deployments))
	for i, d := range s.deployments {
		states[i] = RevisionState{ARN: w.revisionARN(s, d), DeploymentID: d.id, Share: d.production() / wholeOfTraffic, Running: d.running}
	}
	for t := s.home.alive.first; t != nil; t = t.next {
		i := slices.Index(s.deployments, t.deployment)
		if i >= 0 && t.works {
			states[i].Working++
		}
		if i >= 0 && t.inService {
			states[i].InService++
		}
	}
	return states
}

// present fills in what a service's snapshot says of its service deployment and revisions.
func (w *World) present(s *service, v *Service) {
	if s.release.ongoing() {
		v.CurrentDeployment = w.releaseARN(s, s.release)
	}
	v.CurrentRevisions = make([]RevisionSummary, len(s.deployments))
	for i, d := range s.deployments {
		v.CurrentRevisions[i] = w.revisionSummary(s, d)
	}
}

func (w *World) releaseView(s *service, r *release) ServiceDeployment {
	v := ServiceDeployment{
		ARN: w.releaseARN(s, r), Ref: s.ref, Status: r.status, Reason: r.reason, CreatedAt: w.timeOrZero(r.created), StartedAt: w.timeOrZero(r.started),
		UpdatedAt: w.timeOrZero(r.updated), FinishedAt: w.timeOrZero(r.finished), StoppedAt: w.timeOrZero(r.stopped), Target: w.revisionSummary(s, r.target),
		Rollout: r.plan.clone(), MinimumHealthyPercent: s.minimum, MaximumPercent: s.maximum, CircuitBreaker: s.breaker, Rollback: s.rollback,
		Breaker:  s.limit,
		Failures: r.target.failed, Threshold: s.threshold(),
	}
	for _, d := range r.source {
		v.Source = append(v.Source, w.revisionSummary(s, d))
	}
	if r.shift != nil && r.status != ReleasePending {
		v.Stage = stageNames[r.shift.stage]
	}
	if r.back.at != 0 {
		v.RolledBackAt, v.RollbackReason, v.RollbackRevision = w.timeOrZero(r.back.at), r.back.reason, w.revisionARN(s, r.back.to)
	}
	for _, h := range r.hooks {
		onTimeout := RollbackDeployment
		if h.proceed {
			onTimeout = ContinueDeployment
		}
		v.Hooks = append(v.Hooks, Hook{ID: h.id, Stage: stageNames[h.stage], Status: h.status, Expires: w.timeOf(h.expires), OnTimeout: onTimeout})
	}
	return v
}

func (w *World) revisionSummary(s *service, d *deployment) RevisionSummary {
	v := RevisionSummary{ARN: w.revisionARN(s, d), Running: w.counted(d.running, d.warned), Pending: d.pending, Requested: d.alive}
	switch {
	case !slices.Contains(s.deployments, d):
	case s.release.shift != nil:
		v.Requested = w.wanted(s, d)
	case d == s.deployments[0]:
		v.Requested = s.desired
	}
	if d.traffic != nil {
		v.Weighted, v.Production, v.Test = true, d.traffic.production, d.traffic.test
	}
	return v
}

// revision returns a revision by its number, or nil; s may be nil.
func (s *service) revision(number string) *deployment {
	if s == nil {
		return nil
	}
	for _, r := range s.releases {
		if lastPart(r.target.id) == number {
			return r.target
		}
	}
	for _, d := range s.deployments { // made by a rollback
		if lastPart(d.id) == number {
			return d
		}
	}
	return nil
}

// releaseOf finds a service deployment by its ARN; both are nil if there is none.
func (w *World) releaseOf(regionName, arn string) (*service, *release) {
	s := w.ownerOf(regionName, arn, ":service-deployment/")
	if s == nil {
		return nil, nil
	}
	i := slices.IndexFunc(s.releases, func(r *release) bool { return r.id == lastPart(arn) })
	if i < 0 {
		return nil, nil
	}
	return s, s.releases[i]
}

// ownerOf finds the service that an ARN of a kind belongs to, which names cluster, service and an ID. A deleted service has none.
func (w *World) ownerOf(regionName, arn, kind string) *service {
	_, path, found := strings.Cut(arn, kind)
	parts := strings.Split(path, "/")
	if !found || len(parts) != 3 || !strings.Contains(arn, ":"+regionName+":") {
		return nil
	}
	s := w.byRef[Ref{regionName, parts[0], parts[1]}]
	if s == nil || s.status == inactive {
		return nil
	}
	return s
}

func (w *World) releaseARN(s *service, r *release) string {
	return "arn:aws:ecs:" + s.ref.Region + ":" + w.cfg.Account + ":service-deployment/" + s.ref.Cluster + "/" + s.ref.Service + "/" + r.id
}

func (w *World) revisionARN(s *service, d *deployment) string {
	return "arn:aws:ecs:" + s.ref.Region + ":" + w.cfg.Account + ":service-revision/" + s.ref.Cluster + "/" + s.ref.Service + "/" + lastPart(d.id)
}

func releaseNotFound() *APIError {
	return clientError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
}
