package sandbox

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

type deploymentConfigurationJSON struct {
	DeploymentCircuitBreaker *circuitBreakerJSON `json:"deploymentCircuitBreaker,omitempty"`
	MaximumPercent           *int                `json:"maximumPercent,omitempty"`
	MinimumHealthyPercent    *int                `json:"minimumHealthyPercent,omitempty"`
	Strategy                 string              `json:"strategy,omitempty"`
	BakeTimeInMinutes        *int                `json:"bakeTimeInMinutes,omitempty"`
	CanaryConfiguration      *canaryJSON         `json:"canaryConfiguration,omitempty"`
	LinearConfiguration      *linearJSON         `json:"linearConfiguration,omitempty"`
	EarlySuccessCriteria     *earlySuccessJSON   `json:"earlySuccessCriteria,omitempty"`
	LifecycleHooks           []json.RawMessage   `json:"lifecycleHooks,omitempty"`
}

type circuitBreakerJSON struct {
	Enable                 bool           `json:"enable"`
	Rollback               bool           `json:"rollback"`
	ResetOnHealthyTask     *bool          `json:"resetOnHealthyTask,omitempty"`
	ThresholdConfiguration *thresholdJSON `json:"thresholdConfiguration,omitempty"`
}

type thresholdJSON struct {
	Type  string `json:"type"`
	Value int    `json:"value"`
}

// model is the limit of a circuit breaker that a call sets.
func (b *circuitBreakerJSON) model() ecsim.BreakerLimit {
	limit := ecsim.BreakerLimit{KeepFailures: b.ResetOnHealthyTask != nil && !*b.ResetOnHealthyTask}
	if t := b.ThresholdConfiguration; t != nil {
		limit.Kind, limit.Value = t.Type, t.Value
	}
	return limit
}

func fromBreaker(enable, rollback bool, limit ecsim.BreakerLimit) *circuitBreakerJSON {
	out := &circuitBreakerJSON{Enable: enable, Rollback: rollback}
	if limit.KeepFailures {
		out.ResetOnHealthyTask = new(false)
	}
	if limit.Kind != "" {
		out.ThresholdConfiguration = &thresholdJSON{limit.Kind, limit.Value}
	}
	return out
}

type canaryJSON struct {
	CanaryBakeTimeInMinutes *int     `json:"canaryBakeTimeInMinutes,omitempty"`
	CanaryPercent           *float64 `json:"canaryPercent,omitempty"`
}

type linearJSON struct {
	StepBakeTimeInMinutes *int     `json:"stepBakeTimeInMinutes,omitempty"`
	StepPercent           *float64 `json:"stepPercent,omitempty"`
}

type earlySuccessJSON struct {
	Enable                       bool   `json:"enable"`
	HealthyPercent               *int   `json:"healthyPercent,omitempty"`
	SourceServiceRevisionCleanup string `json:"sourceServiceRevisionCleanup,omitempty"`
}

// hookJSON is a lifecycle hook as far as the model knows it.
type hookJSON struct {
	LifecycleStages      []string `json:"lifecycleStages"`
	TargetType           string   `json:"targetType"`
	TimeoutConfiguration *struct {
		TimeoutInMinutes *int   `json:"timeoutInMinutes"`
		Action           string `json:"action"`
	} `json:"timeoutConfiguration"`
}

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// model is what a call makes of a service's deployment configuration; now is the one in force, and members that the call does not
// name stay as they are.
func (d *deploymentConfigurationJSON) model(now *ecsim.Service) (ecsim.DeploymentConfig, error) {
	if d == nil {
		return ecsim.DeploymentConfig{}, nil
	}
	config := ecsim.DeploymentConfig{MinimumHealthyPercent: d.MinimumHealthyPercent, MaximumPercent: d.MaximumPercent,
		CircuitBreaker: now.CircuitBreaker, Rollback: now.Rollback, Breaker: now.Breaker}
	if b := d.DeploymentCircuitBreaker; b != nil {
		config.CircuitBreaker, config.Rollback, config.Breaker = b.Enable, b.Rollback, b.model()
	}
	rollout := now.Rollout
	if d.Strategy != "" {
		rollout.Strategy = d.Strategy
	}
	if d.BakeTimeInMinutes != nil {
		rollout.Bake = minutes(*d.BakeTimeInMinutes)
	}
	if c := d.CanaryConfiguration; c != nil {
		rollout.Canary = toStep(c.CanaryPercent, c.CanaryBakeTimeInMinutes, 5, 10)
	}
	if l := d.LinearConfiguration; l != nil {
		rollout.Linear = toStep(l.StepPercent, l.StepBakeTimeInMinutes, 10, 6)
	}
	if e := d.EarlySuccessCriteria; e != nil {
		if e.Enable && (e.HealthyPercent == nil || !slices.Contains([]string{"BLOCKING", "DEFERRED"}, e.SourceServiceRevisionCleanup)) {
			return config, ecsInvalid("earlySuccessCriteria needs healthyPercent, and BLOCKING or DEFERRED for sourceServiceRevisionCleanup.")
		}
		rollout.EarlySuccess = ecsim.EarlySuccess{Enabled: e.Enable, HealthyPercent: orZero(e.HealthyPercent), Deferred: e.SourceServiceRevisionCleanup == "DEFERRED"}
	}
	if d.LifecycleHooks != nil {
		var err error
		if rollout.Hooks, err = toHooks(d.LifecycleHooks); err != nil {
			return config, err
		}
	}
	config.Rollout = &rollout
	return config, nil
}

// toStep takes AWS's defaults for what a call leaves out.
func toStep(percent *float64, bake *int, standard float64, standardBake int) ecsim.TrafficStep {
	if percent == nil {
		percent = &standard
	}
	if bake == nil {
		bake = &standardBake
	}
	return ecsim.TrafficStep{Percent: *percent, Bake: minutes(*bake)}
}

func toHooks(raw []json.RawMessage) ([]ecsim.LifecycleHook, error) {
	var hooks []ecsim.LifecycleHook
	for _, text := range raw {
		var in hookJSON
		if err := json.Unmarshal(text, &in); err != nil {
			return nil, refuse("SerializationException", "%s", serializationMessage(err))
		}
		if !slices.Contains([]string{"", "AWS_LAMBDA", "PAUSE"}, in.TargetType) {
			return nil, ecsInvalid("The targetType of a lifecycle hook must be AWS_LAMBDA or PAUSE (got %s)", clip(in.TargetType))
		}
		h := ecsim.LifecycleHook{Stages: in.LifecycleStages, Pause: in.TargetType == "PAUSE", Raw: text}
		if t := in.TimeoutConfiguration; t != nil {
			if n := t.TimeoutInMinutes; n != nil && *n < 1 {
				return nil, ecsInvalid("timeoutInMinutes must be 1 to 20160 (got %d)", *n)
			}
			if !slices.Contains([]string{"", ecsim.ContinueDeployment, ecsim.RollbackDeployment}, t.Action) {
				return nil, ecsInvalid("The action of a time-out must be CONTINUE or ROLLBACK (got %s)", clip(t.Action))
			}
			h.Timeout, h.ContinueOnTimeout = minutes(orZero(t.TimeoutInMinutes)), t.Action == ecsim.ContinueDeployment
		}
		hooks = append(hooks, h)
	}
	return hooks, nil
}

// fromConfig is a deployment configuration as DescribeServices and DescribeServiceDeployments show it.
func fromConfig(breaker *circuitBreakerJSON, minimum, maximum int, r *ecsim.RolloutConfig) deploymentConfigurationJSON {
	out := deploymentConfigurationJSON{DeploymentCircuitBreaker: breaker, MaximumPercent: &maximum,
		MinimumHealthyPercent: &minimum, Strategy: orDefault(r.Strategy, ecsim.Rolling)}
	if r.Bake > 0 || out.Strategy != ecsim.Rolling {
		out.BakeTimeInMinutes = new(int(r.Bake.Minutes()))
	}
	if s := r.Canary; s.Percent > 0 {
		out.CanaryConfiguration = &canaryJSON{new(int(s.Bake.Minutes())), &s.Percent}
	}
	if s := r.Linear; s.Percent > 0 {
		out.LinearConfiguration = &linearJSON{new(int(s.Bake.Minutes())), &s.Percent}
	}
	if e := r.EarlySuccess; e.Enabled {
		out.EarlySuccessCriteria = &earlySuccessJSON{true, &e.HealthyPercent, "BLOCKING"}
		if e.Deferred {
			out.EarlySuccessCriteria.SourceServiceRevisionCleanup = "DEFERRED"
		}
	}
	for _, h := range r.Hooks {
		if len(h.Raw) > 0 {
			out.LifecycleHooks = append(out.LifecycleHooks, h.Raw)
		}
	}
	return out
}

// advancedJSON is what shifts the traffic of a service.
type advancedJSON struct {
	AlternateTargetGroupArn string `json:"alternateTargetGroupArn,omitempty"`
	ProductionListenerRule  string `json:"productionListenerRule,omitempty"`
	TestListenerRule        string `json:"testListenerRule,omitempty"`
	RoleArn                 string `json:"roleArn,omitempty"`
}

// trafficOf reads what shifts the traffic of a service from its load balancers. Error: InvalidParameterException, also where it is not
// with the first of them alone.
func trafficOf(loadBalancers json.RawMessage) (ecsim.TrafficConfig, error) {
	var all []balancerJSON
	if !named(loadBalancers) {
		return ecsim.TrafficConfig{}, nil
	}
	if err := json.Unmarshal(loadBalancers, &all); err != nil {
		return ecsim.TrafficConfig{}, ecsInvalid("loadBalancers: %s", serializationMessage(err))
	}
	var traffic ecsim.TrafficConfig
	for i, b := range all {
		a := b.AdvancedConfiguration
		switch {
		case a == nil:
			continue
		case i > 0:
			return traffic, ecsInvalid("The sandbox shifts the traffic of a service's first load balancer only.")
		case a.RoleArn == "":
			return traffic, ecsInvalid("advancedConfiguration needs a roleArn.")
		}
		traffic = ecsim.TrafficConfig{Alternate: a.AlternateTargetGroupArn, ProductionRule: a.ProductionListenerRule, TestRule: a.TestListenerRule}
	}
	return traffic, nil
}
