package sandbox

import (
	"fmt"
	"slices"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// strategies are the deployment strategies that twins can have.
var strategies = []string{ecsim.Rolling, ecsim.BlueGreen, ecsim.Linear, ecsim.Canary}

func checkStrategy(strategy string, bakeMinutes int) error {
	if strategy != "" && !slices.Contains(strategies, strategy) {
		return fmt.Errorf("strategy: must be one of %v (got %q)", strategies, strategy)
	}
	if bakeMinutes < 0 || bakeMinutes > 1440 {
		return fmt.Errorf("bake_minutes: must be 0 to 1440 (got %d)", bakeMinutes)
	}
	return nil
}

func (t *Twins) shifts() bool { return t.Strategy != "" && t.Strategy != ecsim.Rolling }

// shiftTwins makes what the deployments of NAME-spot shift: an application load balancer whose listener forwards to the target groups
// NAME-blue and NAME-green, and a test rule. NAME-standard is in both, so that it serves whichever has the traffic.
func (s *Sandbox) shiftTwins(t *Twins) (spot, standard func(*ecsim.CreateServiceInput), err error) {
	var groups [2]string
	var forwards []ecsim.Forward
	for i, color := range []string{"-blue", "-green"} {
		g, err := s.world.CreateTargetGroup(t.Region, ecsim.TargetGroupInput{Name: t.Name + color, Interval: twinsInterval, HealthyThreshold: twinsPasses, DeregistrationTime: twinsDrain})
		if err != nil {
			return nil, nil, err
		}
		groups[i] = g.ARN
		forwards = append(forwards, ecsim.Forward{TargetGroup: g.ARN, Weight: 1 - i})
	}
	lb, err := s.world.CreateLoadBalancer(t.Region, t.Name, ecsim.ApplicationBalancer)
	if err != nil {
		return nil, nil, err
	}
	l, err := s.world.CreateListener(t.Region, lb.ARN, 80, "HTTP", forwards)
	if err != nil {
		return nil, nil, err
	}
	test, err := s.world.CreateRule(t.Region, l.ARN, 1, forwards, []byte(`[{"Field":"path-pattern","Values":["/test/*"]}]`))
	if err != nil {
		return nil, nil, err
	}
	spot = func(in *ecsim.CreateServiceInput) {
		in.TargetGroups = groups[:1]
		in.Traffic = ecsim.TrafficConfig{Alternate: groups[1], ProductionRule: l.Default, TestRule: test.ARN}
		in.Deployment.Rollout = &ecsim.RolloutConfig{Strategy: t.Strategy, Bake: t.Bake}
	}
	return spot, func(in *ecsim.CreateServiceInput) { in.TargetGroups = groups[:] }, nil
}
