package sandbox

import (
	"encoding/json"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// balancerJSON is an entry of a service's loadBalancers.
type balancerJSON struct {
	TargetGroupArn string `json:"targetGroupArn"`
	ContainerName  string `json:"containerName,omitempty"`
	ContainerPort  int    `json:"containerPort,omitempty"`

	AdvancedConfiguration *advancedJSON `json:"advancedConfiguration,omitempty"`
}

// balanced is what the model makes of a service's loadBalancers.
type balanced struct {
	TargetGroups  []string // not nil
	ContainerPort int
}

// balancedBy finds the target groups that a service names. One that the sandbox does not have stands for one outside of it: it is kept
// and has no effect but that health checks can be made to fail.
func (s *Sandbox) balancedBy(region string, raw json.RawMessage) (balanced, error) {
	out := balanced{TargetGroups: []string{}}
	if !named(raw) {
		return out, nil
	}
	var all []balancerJSON
	if err := json.Unmarshal(raw, &all); err != nil {
		return out, ecsInvalid("loadBalancers: %s", serializationMessage(err))
	}
	for _, b := range all {
		if b.ContainerPort < 0 || b.ContainerPort > 65535 {
			return out, ecsInvalid("Invalid container port %d.", b.ContainerPort)
		}
		if _, err := s.world.DescribeTargetGroups(region, []string{b.TargetGroupArn}); err != nil {
			continue
		}
		out.TargetGroups = append(out.TargetGroups, b.TargetGroupArn)
		out.ContainerPort = b.ContainerPort
	}
	return out, nil
}

// grace is the health check grace period of a call.
func (x *serviceExtras) grace() time.Duration {
	if x.HealthCheckGracePeriodSeconds == nil {
		return 0
	}
	return time.Duration(*x.HealthCheckGracePeriodSeconds) * time.Second
}

// balancers fills in the load balancers of a service that was made in the model.
func (s *Sandbox) balancers(m *ecsim.Service, x *serviceExtras) *serviceExtras {
	if x.LoadBalancers != nil || len(m.TargetGroups) == 0 {
		return x
	}
	var all []balancerJSON
	for _, arn := range m.TargetGroups {
		b := balancerJSON{TargetGroupArn: arn, ContainerName: s.container(m.Ref.Region, m.TaskDefinition).name}
		if g, err := s.world.DescribeTargetGroups(m.Ref.Region, []string{arn}); err == nil {
			b.ContainerPort = g[0].Port
		}
		if t := m.Traffic; t.Alternate != "" && len(all) == 0 {
			b.AdvancedConfiguration = &advancedJSON{t.Alternate, t.ProductionRule, t.TestRule,
				"arn:aws:iam::" + s.account() + ":role/ecsInfrastructureRoleForLoadBalancers"}
		}
		all = append(all, b)
	}
	out := *x
	if raw, err := json.Marshal(all); err == nil { // strings and numbers: always encodes
		out.LoadBalancers = raw
	}
	out.HealthCheckGracePeriodSeconds = new(int(m.HealthGrace / time.Second))
	return &out
}
