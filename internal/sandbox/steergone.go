package sandbox

import (
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// deleteSteer names a service, or a cluster with everything in it, to be deleted.
type deleteSteer struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	Service string `json:"service"` // empty: the cluster
	Forget  bool   `json:"forget"`  // DescribeServices says MISSING as soon as the tasks are gone, not only an hour later
}

// steerDelete deletes by force, without a call that CloudTrail would have as the caller's. It may be said again to forget.
func (s *Sandbox) steerDelete(in deleteSteer) (any, error) {
	if in.Cluster == "" {
		return nil, errors.New("cluster: is missing")
	}
	region := s.region(in.Region)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	defer s.settleLocked()
	arns, err := s.world.ListServices(region, in.Cluster)
	if err != nil {
		return nil, fmt.Errorf("cluster: there is no %s in %s", clip(in.Cluster), clip(region))
	}
	names := []string{in.Service}
	if in.Service == "" {
		names = names[:0]
		for _, arn := range arns {
			names = append(names, arn[lastSlash(arn)+1:])
		}
		s.deleted[clusterKey{region, in.Cluster}] = true
	}
	statuses := map[string]string{}
	for _, name := range names {
		if statuses[name], err = s.deleteLocked(ecsim.Ref{Region: region, Cluster: in.Cluster, Service: name}, in.Forget); err != nil {
			return nil, err
		}
	}
	return map[string]any{"services": statuses}, nil
}

// deleteLocked deletes one service and returns the status that it has then.
func (s *Sandbox) deleteLocked(ref ecsim.Ref, forget bool) (string, error) {
	found, _, err := s.world.DescribeServices(ref.Region, ref.Cluster, []string{ref.Service})
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("service: there is no %s in the cluster %s of %s", clip(ref.Service), clip(ref.Cluster), clip(ref.Region))
	}
	status := found[0].Status
	if status == "ACTIVE" {
		gone, err := s.world.DeleteService(ref, true)
		if err != nil {
			return "", err
		}
		status = gone.Status
	}
	if forget && s.world.ForgetService(ref) {
		status = "MISSING"
	}
	return status, nil
}

// retireSteer is a retirement of tasks by Fargate.
type retireSteer struct {
	Region  string   `json:"region"`
	Cluster string   `json:"cluster"`
	Service string   `json:"service"` // empty: every service of the cluster
	Share   *float64 `json:"share"`   // of the running tasks of each; null: all
	Cause   string   `json:"cause"`
}

// retirements are the causes for which AWS ends tasks that no shortage is behind, as their stop code and reason.
var retirements = map[string]struct{ code, reason string }{
	"maintenance":    {ecsim.StopScheduler, "ECS is performing maintenance on the underlying infrastructure hosting the task"},
	"infrastructure": {ecsim.StopInfrastructure, "Task stopped because the underlying infrastructure is unhealthy"},
}

func (s *Sandbox) steerRetire(in retireSteer) (any, error) {
	cause, known := retirements[orDefault(in.Cause, "maintenance")]
	switch {
	case !known:
		return nil, fmt.Errorf("cause: must be maintenance or infrastructure (got %q)", clip(in.Cause))
	case in.Share != nil && !(*in.Share >= 0 && *in.Share <= 1):
		return nil, fmt.Errorf("share: must be 0 to 1 (got %v)", *in.Share)
	}
	region, cluster := s.region(in.Region), orDefault(in.Cluster, defaultCluster)
	refs := []ecsim.Ref{{Region: region, Cluster: cluster, Service: in.Service}}
	if in.Service != "" {
		if _, err := s.serviceRefOf(serviceSteer{Region: region, Cluster: cluster, Service: in.Service}); err != nil {
			return nil, err
		}
	}
	retired := []string{}
	var err error
	s.World(func(w *ecsim.World) {
		if in.Service == "" {
			var arns []string
			arns, err = w.ListServices(region, cluster)
			refs = refs[:0]
			for _, arn := range arns {
				refs = append(refs, ecsim.Ref{Region: region, Cluster: cluster, Service: arn[lastSlash(arn)+1:]})
			}
		}
		for _, ref := range refs {
			g, _ := w.Glance(ref)
			n := g.Unthreatened
			if in.Share != nil {
				n = int(*in.Share*float64(n) + 0.5)
			}
			retired = append(retired, w.KillTasks(ref, n, cause.code, cause.reason)...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cluster: there is no %s in %s", clip(cluster), clip(region))
	}
	return map[string]any{"retired": retired}, nil
}
