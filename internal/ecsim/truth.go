package ecsim

import "time"

// Leaves counts the tasks of a service that have ceased to serve, by what ended it: an interruption, or any other stop.
type Leaves struct{ Interrupted, Stopped int }

func (l *Leaves) count(t *task) {
	if t.code == StopSpot {
		l.Interrupted++
	} else {
		l.Stopped++
	}
}

// flow counts what comes and goes at a service, for those who measure it.
type flow struct {
	atWork            int    // processes that do their work, ready or not
	working, inServed Leaves // from World.Working and from World.InService
}

// AtWork returns how many tasks of the service have a process that does its work, whether or not its application answers: RUNNING
// ones, warned ones that work on included. Where tasks need no readiness it equals [Gauge.Working]. This is the truth.
func (g Gauge) AtWork() int {
	if g.s == nil {
		return 0
	}
	return g.s.flow.atWork
}

// Leaves returns how many tasks have left [Gauge.Working] and [Gauge.InService] so far.
func (g Gauge) Leaves() (working, inService Leaves) {
	if g.s == nil {
		return
	}
	return g.s.flow.working, g.s.flow.inServed
}

// Course is what will become of a task unless it is stopped. It is the future: only who plays the world may look at it.
type Course struct {
	// Held reports whether the task holds capacity.
	Held bool
	// Pending is when it is PENDING; zero if it hangs before that.
	Pending time.Time
	// Answers is when its application begins to answer; zero before the task is RUNNING, and if it never will.
	Answers time.Time
}

// Course returns the course of a task by its ID; the zero value for an unknown one.
func (w *World) Course(regionName, clusterName, id string) Course {
	cl, err := w.cluster(regionName, clusterName)
	if err != nil {
		return Course{}
	}
	t := w.find(cl, id)
	if t == nil {
		return Course{}
	}
	c := Course{Held: t.market != nil}
	if t.stuck != stuckProvisioning {
		c.Pending = w.timeOf(t.created - 1 + share(t.startTime, w.cfg.StartShares.Provisioning))
	}
	switch r := t.readiness; {
	case t.started == 0:
	case r == nil:
		c.Answers = w.timeOf(t.started - 1)
	case r.from != never:
		c.Answers = w.timeOf(r.from)
	}
	return c
}
