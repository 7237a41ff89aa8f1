package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// loadInput is a load on a service and on those that share it.
type loadInput struct {
	Region            string   `json:"region"`
	Cluster           string   `json:"cluster"`
	Service           string   `json:"service"`
	With              []string `json:"with"` // shares it; null: the twin, and the services of its target groups
	RequestsPerSecond float64  `json:"requests_per_second"`
	PerTask           float64  `json:"per_task"`
	Queue             string   `json:"queue"`
	Backlog           *float64 `json:"backlog"` // null: as it is
}

func (s *Sandbox) steerLoad(in loadInput) (any, error) {
	ref, err := s.serviceRefOf(serviceSteer{Region: in.Region, Cluster: in.Cluster, Service: in.Service})
	switch {
	case err != nil:
		return nil, err
	case !(in.RequestsPerSecond >= 0 && in.RequestsPerSecond <= 1e9):
		return nil, fmt.Errorf("requests_per_second: must be 0 to 1e9 (got %v)", in.RequestsPerSecond)
	case in.RequestsPerSecond > 0 && !(in.PerTask > 0 && in.PerTask <= 1e9):
		return nil, fmt.Errorf("per_task: must be above 0 and at most 1e9 (got %v)", in.PerTask)
	case in.Backlog != nil && (in.Queue == "" || !(*in.Backlog >= 0 && *in.Backlog <= 1e12)):
		return nil, errors.New("backlog: must be 0 to 1e12, with a queue")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	load := scaler.Load{Services: []ecsim.Ref{ref}, Rate: in.RequestsPerSecond, PerTask: in.PerTask, Queue: in.Queue, Backlog: -1}
	if in.Backlog != nil {
		load.Backlog = *in.Backlog
	}
	if in.With == nil {
		load.Services = append(load.Services, s.sharers(ref)...)
	}
	for _, name := range in.With {
		load.Services = append(load.Services, ecsim.Ref{Region: ref.Region, Cluster: ref.Cluster, Service: name})
	}
	s.scaler.SetLoad(s.world, load)
	s.settleLocked()
	return map[string]any{"services": serviceNames(load.Services)}, nil
}

func serviceNames(refs []ecsim.Ref) []string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.Service
	}
	return names
}

// sharers returns the services that share a service's load: its twin, and those of the same target groups.
func (s *Sandbox) sharers(ref ecsim.Ref) []ecsim.Ref {
	var others []ecsim.Ref
	if twin, ok := s.pairs[ref]; ok {
		others = append(others, twin)
	}
	own := s.groupsOf(ref)
	arns, err := s.world.ListServices(ref.Region, ref.Cluster)
	if err != nil || len(own) == 0 {
		return others
	}
	for _, arn := range arns {
		other := ecsim.Ref{Region: ref.Region, Cluster: ref.Cluster, Service: arn[lastSlash(arn)+1:]}
		shares := slices.ContainsFunc(s.groupsOf(other), func(group string) bool { return slices.Contains(own, group) })
		if shares && other != ref && !slices.Contains(others, other) {
			others = append(others, other)
		}
	}
	return others
}

// groupsOf returns the ARNs of the target groups that a service was made with, those of the model and those that are but names.
func (s *Sandbox) groupsOf(ref ecsim.Ref) []string {
	var groups []string
	if found, _, err := s.world.DescribeServices(ref.Region, ref.Cluster, []string{ref.Service}); err == nil && len(found) == 1 {
		groups = found[0].TargetGroups
	}
	if x := s.extras[ref]; x != nil && named(x.LoadBalancers) {
		var balancers []struct {
			TargetGroupArn string `json:"targetGroupArn"`
		}
		if json.Unmarshal(x.LoadBalancers, &balancers) == nil {
			for _, b := range balancers {
				if b.TargetGroupArn != "" {
					groups = append(groups, b.TargetGroupArn)
				}
			}
		}
	}
	return groups
}

type metricSteer struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"` // null: as measured
}

func (s *Sandbox) steerMetric(in metricSteer) (any, error) {
	if in.Name == "" {
		return nil, errors.New("name: is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	s.scaler.SetMetric(in.Name, in.Value)
	return empty{}, nil
}
