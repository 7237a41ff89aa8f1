package adopt

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/failover"
)

var errSize = errors.New("the size of its tasks could not be read")

// shareOnDemand is the part of a service's tasks that its strategy puts on FARGATE, 0 to the number of its tasks.
func shareOnDemand(s *discover.Service) float64 {
	switch s.Capacity {
	case failover.Spot:
		return 0
	case failover.OnDemand:
		return float64(s.Desired)
	}
	left, fixed, weight, all := s.Desired, 0, int32(0), int32(0)
	for _, item := range s.Live.Service.CapacityProviderStrategy {
		base := min(left, int(item.Base))
		left -= base
		all += item.Weight
		if aws.ToString(item.CapacityProvider) == string(failover.OnDemand) {
			fixed += base
			weight += item.Weight
		}
	}
	if all == 0 {
		return float64(fixed)
	}
	return float64(fixed) + float64(left)*float64(weight)/float64(all)
}

// taskHours are what a task of the service costs for an hour on both kinds of capacity.
func (v *view) taskHours(s *discover.Service) (demand, spot float64, err error) {
	if s.Task.CPU == 0 {
		return 0, 0, errSize
	}
	size := cost.Size{VCPU: float64(s.Task.CPU) / 1024, MemoryGB: float64(s.Task.Memory) / 1024}
	key := cost.Key{Region: v.found.Region, Arch: cost.Arch(s.Task.Arch), Capacity: failover.OnDemand}
	d, err := v.prices.Rate(key)
	if err != nil {
		return 0, 0, err
	}
	key.Capacity = failover.Spot
	p, err := v.prices.Rate(key)
	if err != nil {
		return 0, 0, err
	}
	return d.TaskHour(size), p.TaskHour(size), nil
}

// saves estimates what the service would cost less a month if all of it ran on Spot.
func (v *view) saves(s *discover.Service) (float64, error) {
	if windows(s) {
		return 0, errors.New("tasks on Windows cannot run on Fargate Spot")
	}
	demand, spot, err := v.taskHours(s)
	if err != nil {
		return 0, err
	}
	return shareOnDemand(s) * (demand - spot) * monthHours, nil
}

func windows(s *discover.Service) bool {
	d := s.Definition
	return d != nil && d.RuntimePlatform != nil && strings.HasPrefix(string(d.RuntimePlatform.OperatingSystemFamily), "WINDOWS")
}

// usage is how many vCPUs the services that were found ask for, by kind of capacity. It is at least what the quotas count: tasks of no
// service, and services of clusters that were not read, are not in it.
type usage struct{ onDemand, spot float64 }

func usageOf(found *discover.Found) usage {
	var u usage
	for i := range found.Services {
		s := &found.Services[i]
		demand, vcpu := shareOnDemand(s), float64(s.Task.CPU)/1024
		u.onDemand += demand * vcpu
		u.spot += (float64(s.Desired) - demand) * vcpu
	}
	return u
}
