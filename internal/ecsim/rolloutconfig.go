package ecsim

import (
	"math"
	"slices"
	"time"
)

// Deployment strategies of the ECS deployment controller.
const (
	Rolling   = "ROLLING"
	BlueGreen = "BLUE_GREEN"
	Linear    = "LINEAR"
	Canary    = "CANARY"
)

// RolloutConfig says how a service's next deployments go, beside the percentages of DeploymentConfig. The zero value is a rolling
// deployment.
type RolloutConfig struct {
	Strategy     string        // empty: ROLLING
	Bake         time.Duration // both revisions run on for this long after the shift of traffic; 0..24 h
	Canary       TrafficStep   // of CANARY; a zero Percent takes 5 % and 10 min
	Linear       TrafficStep   // of LINEAR; a zero Percent takes 10 % and 6 min
	EarlySuccess EarlySuccess  // of ROLLING
	Hooks        []LifecycleHook
}

// TrafficStep is a shift of a part of the production traffic, and the wait after it.
type TrafficStep struct {
	Percent float64       // CANARY: 0.1..100; LINEAR: 3..100; multiples of 0.1
	Bake    time.Duration // 0..24 h
}

// EarlySuccess lets a rolling deployment complete while tasks still start.
type EarlySuccess struct {
	Enabled        bool
	HealthyPercent int  // of the desired count, 0..100; not below minimumHealthyPercent
	Deferred       bool // the tasks of older revisions go after COMPLETED (DEFERRED), not before (BLOCKING)
}

// LifecycleHook stops a deployment at stages of its life. A hook that is no pause is taken for a function that agrees at once (A66).
type LifecycleHook struct {
	Stages            []string
	Pause             bool
	Timeout           time.Duration // of a pause, 1 min to 14 days; 0: a day
	ContinueOnTimeout bool          // else a time-out rolls back
	Raw               []byte        // opaque to the model, given back (the caller's other parameters)
}

// TrafficConfig names what shifts a service's traffic, beside the first of its target groups: another one and the rules that forward
// to the two. All are ARNs; a rule may be a listener, whose default rule is meant.
type TrafficConfig struct {
	Alternate      string
	ProductionRule string
	TestRule       string // may be empty
}

// Limits of deployments that shift traffic.
const (
	maxBake        = 24 * time.Hour
	maxPause       = 14 * 24 * time.Hour
	standardPause  = 24 * time.Hour
	maxHooks       = 10
	canaryPercent  = 5.0
	canaryBake     = 10 * time.Minute
	linearPercent  = 10.0
	linearBake     = 6 * time.Minute
	leastOfLinear  = 3.0
	wholeOfTraffic = 100.0
)

func (c *RolloutConfig) shifts() bool { return c.Strategy != "" && c.Strategy != Rolling }

func (c RolloutConfig) clone() RolloutConfig {
	c.Hooks = slices.Clone(c.Hooks)
	for i := range c.Hooks {
		c.Hooks[i].Stages = slices.Clone(c.Hooks[i].Stages)
	}
	return c
}

// step returns the step of traffic of the strategy, defaults filled in.
func (c *RolloutConfig) step() TrafficStep {
	switch {
	case c.Strategy == Canary && c.Canary.Percent == 0:
		return TrafficStep{canaryPercent, canaryBake}
	case c.Strategy == Canary:
		return c.Canary
	case c.Strategy == Linear && c.Linear.Percent == 0:
		return TrafficStep{linearPercent, linearBake}
	case c.Strategy == Linear:
		return c.Linear
	}
	return TrafficStep{Percent: wholeOfTraffic}
}

// check validates a rollout configuration as ECS does. Error: InvalidParameterException.
func (c *RolloutConfig) check(balanced bool, minimum int) error {
	if !slices.Contains([]string{"", Rolling, BlueGreen, Linear, Canary}, c.Strategy) {
		return invalid("The deployment strategy must be ROLLING, BLUE_GREEN, LINEAR or CANARY.")
	}
	if (c.Strategy == Linear || c.Strategy == Canary) && !balanced {
		return invalid("The deployment strategy " + c.Strategy + " needs a load balancer that shifts the traffic.")
	}
	for _, bake := range []time.Duration{c.Bake, c.Canary.Bake, c.Linear.Bake} {
		if bake < 0 || bake > maxBake {
			return invalid("A bake time must be between 0 and 1440 minutes.")
		}
	}
	step := c.step()
	least := 0.1
	if c.Strategy == Linear {
		least = leastOfLinear
	}
	tenths := step.Percent * 10
	if step.Percent < least || step.Percent > wholeOfTraffic || math.Abs(tenths-math.Round(tenths)) > 1e-6 {
		return invalid("The percentage of a traffic shift is out of range.")
	}
	if e := c.EarlySuccess; e.Enabled && (c.shifts() || e.HealthyPercent < minimum || e.HealthyPercent < 0 || e.HealthyPercent > 100) {
		return invalid("earlySuccessCriteria needs the deployment strategy ROLLING and a healthyPercent from minimumHealthyPercent to 100.")
	}
	return c.checkHooks()
}

func (c *RolloutConfig) checkHooks() error {
	if len(c.Hooks) > 2*maxHooks {
		return invalid("A service can have 10 pause hooks and 10 Lambda hooks.")
	}
	if len(c.Hooks) > 0 && !c.shifts() {
		return invalid("The model runs lifecycle hooks of BLUE_GREEN, LINEAR and CANARY only.")
	}
	for _, h := range c.Hooks {
		if len(h.Stages) == 0 || h.Timeout < 0 || h.Timeout > maxPause {
			return invalid("A lifecycle hook needs stages, and a time-out of 1 to 20160 minutes.")
		}
		for _, name := range h.Stages {
			at := stageOf(name)
			if at == noStage || !hookable[at] || h.Pause && (at == testShift || at == productionShift) {
				return invalid("A lifecycle hook cannot be at the stage " + name + ".")
			}
		}
	}
	return nil
}
