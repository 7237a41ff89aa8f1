package scaler

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// MetricKind is what a metric measures.
type MetricKind uint8

// The metrics that drive policies.
const (
	CPU               MetricKind = iota // percent, averaged over the running tasks of services (ECSServiceAverageCPUUtilization)
	RequestsPerTarget                   // requests a minute and task in service (ALBRequestCountPerTarget)
	BacklogPerTask                      // messages waiting in the queue of the services, by their running tasks
	Named                               // what SetMetric said last, and nothing else
)

// Metric is one time series.
type Metric struct {
	Kind     MetricKind
	Services []ecsim.Ref // whose tasks it is taken over; empty: the scaled service alone
	Name     string      // what SetMetric said of this name comes before what is measured
}

// Tracking is a target tracking policy.
type Tracking struct {
	Metric                  Metric
	Value                   float64       // to keep the metric at, above 0
	OutCooldown, InCooldown time.Duration // 0: the default of Config; negative: none
	DisableScaleIn          bool
}

// Adjustment says what the number of a step means.
type Adjustment uint8

// The adjustments of step scaling.
const (
	ChangeInCapacity Adjustment = iota // added
	PercentChange                      // added, in percent
	ExactCapacity                      // the new count
)

// Step is one step: it applies from Lower up to Upper, counted from the alarm's threshold; nil is without bound.
type Step struct {
	Lower, Upper *float64
	By           int
}

// Steps is a step scaling policy. Without an alarm it never acts.
type Steps struct {
	Adjustment   Adjustment
	Steps        []Step
	MinMagnitude int           // least number of tasks that a PercentChange moves
	Cooldown     time.Duration // 0: the default of Config; negative: none
	Alarm        *Alarm
}

// Alarm is what triggers a step scaling policy: it is in alarm while the metric is at least (or, with Below, at most) the threshold for
// a number of periods in a row.
type Alarm struct {
	Metric    Metric
	Threshold float64
	Below     bool
	Periods   int // default 1
}

// Policy is one scaling policy: exactly one of Tracking and Steps is set.
type Policy struct {
	Name     string
	Tracking *Tracking
	Steps    *Steps
}

// policyState is a policy with what it remembers.
type policyState struct {
	Policy
	points []point // the latest, oldest first
}

// point is one data point of a metric; a period without data has one that is missing.
type point struct {
	value   float64
	missing bool
}

// record keeps a data point and no more than are looked at.
func (p *policyState) record(next point, keep int) {
	p.points = append(p.points, next)
	if extra := len(p.points) - keep; extra > 0 {
		p.points = p.points[extra:]
	}
}

// breach reports whether the last n data points are all there and all meet the condition.
func (p *policyState) breach(n int, condition func(float64) bool) bool {
	if len(p.points) < n {
		return false
	}
	for _, at := range p.points[len(p.points)-n:] {
		if at.missing || !condition(at.value) {
			return false
		}
	}
	return true
}

func (p *policyState) last() point {
	if len(p.points) == 0 {
		return point{missing: true}
	}
	return p.points[len(p.points)-1]
}

func (p *policyState) metric() Metric {
	switch {
	case p.Tracking != nil:
		return p.Tracking.Metric
	case p.Steps != nil && p.Steps.Alarm != nil:
		return p.Steps.Alarm.Metric
	}
	return Metric{Kind: Named}
}
