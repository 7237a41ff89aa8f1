package ecsim

import (
	"cmp"
	"time"
)

// verdict is what a health check says.
type verdict uint8

const (
	open verdict = iota // nothing yet
	good
	bad
)

// probe is the rhythm of a health check. Its verdict is not kept but follows from when the application answers, so that a check costs
// nothing between its turns.
type probe struct {
	begins   moment // never: it does not look
	lenient  moment // failures before this do not count
	interval moment
	passes   int // looks in a row that pass for good
	fails    int // looks in a row that fail for bad
}

// turns returns the moments at which the verdict changes: when it becomes good, when it becomes bad for want of a first answer, and
// when it becomes bad because the answers have ended. never stands for those that do not come.
func (p probe) turns(r *readiness) (at [3]moment) {
	at = [3]moment{never, never, never}
	if p.begins == never {
		return at
	}
	patience := moment(p.fails) * p.interval
	first := max(p.begins, p.lenient) + patience
	if r.from > first {
		at[1] = first
	}
	if r.from != never {
		if passed := max(p.begins, r.from) + moment(p.passes)*p.interval; passed <= r.until {
			at[0] = passed
		}
	}
	if r.until != never {
		at[2] = max(r.until, p.begins, p.lenient) + patience
	}
	return at
}

// at returns the verdict at a moment.
func (p probe) at(now moment, r *readiness) verdict {
	turns := p.turns(r)
	switch {
	case turns[2] <= now:
		return bad
	case turns[0] <= now:
		return good
	case turns[1] <= now:
		return bad
	}
	return open
}

// probe is the container health check of a task.
func (t *task) probe() probe {
	c := t.def.HealthCheck
	p := probe{begins: never, interval: moment(cmp.Or(c.Interval, 30*time.Second)), passes: 1, fails: cmp.Or(c.Retries, 3)}
	if t.started != 0 {
		p.begins = t.started - 1
		p.lenient = p.begins + moment(c.StartPeriod)
	}
	return p
}

// healthStatus is what reads show of the container health check; empty without one.
func (t *task) healthStatus(now moment) HealthStatus {
	if t.def.HealthCheck == nil {
		return ""
	}
	if t.readiness == nil || t.exited {
		return HealthUnknown
	}
	switch t.probe().at(now, t.readiness) {
	case good:
		return HealthHealthy
	case bad:
		return HealthUnhealthy
	}
	return HealthUnknown
}
