package doctor

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// arriveIn is how long an event may take from ECS to a pass that has dealt with it, before it counts as one that did not come.
	arriveIn = 5 * time.Minute
	// arriveSlack is how much earlier than the task's time an event may be noted, as the clocks differ.
	arriveSlack = time.Minute
)

// checkArrivals compares what happened to the tasks of a pool with the events that the guard has heard: a proof of the way of events that needs
// no permission to read its parts.
func checkArrivals(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	heard := health.HeardOf(x.f.state.beats, x.w.Name, x.p.policy.Name)
	switch {
	case heard.Since.IsZero():
		return skip("no guard has counted events yet")
	case x.f.virtual && x.f.now.Sub(x.f.clock()).Abs() >= skewWarn:
		return skip("the sandbox has a clock of its own, which the guard's cannot be compared with")
	}
	if look, ok := health.LookAt(x.f.state.beats, x.w.Name, x.f.guards()); !ok || look.Silent() {
		return skip("the guard is silent, so that nothing hears events")
	}
	started, stopped := x.f.newest(x.p, heard.Since)
	const fix = "backstop doctor   # queue-policy, queue-key, rule-targets and rules-match name the part that is wrong; docs/operations.md, \"Check that events arrive\""
	for _, kind := range []struct {
		word       string
		real, last time.Time
	}{{"started", started, heard.Started}, {"stopped", stopped, heard.Stopped}} {
		switch {
		case kind.real.IsZero() || !kind.last.Before(kind.real.Add(-arriveSlack)):
		case heard.Last.IsZero():
			return bad(Fail, fix, "tasks of %s %s at %s and no event of it has come since %s: its events do not arrive", x.p.ref.Service, kind.word, wording.Moment(kind.real), wording.Moment(heard.Since))
		default:
			return bad(Warn, fix, "tasks of %s %s at %s and no event of that has come; the last of any kind came at %s", x.p.ref.Service, kind.word, wording.Moment(kind.real), wording.Moment(heard.Last))
		}
	}
	switch {
	case !heard.Last.IsZero():
		return okay("the last event came at %s", wording.Moment(heard.Last))
	case started.IsZero() && stopped.IsZero():
		return okay("nothing has happened since %s that an event would tell of", wording.Moment(heard.Since))
	}
	return okay("events come")
}

// checkQueueOwn looks for events that belong to another installation: the one that receives them deletes them.
func checkQueueOwn(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	n := 0
	var clusters []string
	for i := range x.f.state.beats {
		b := &x.f.state.beats[i]
		n += b.Strangers
		for _, c := range b.StrangerClusters {
			if !slices.Contains(clusters, c) {
				clusters = append(clusters, c)
			}
		}
	}
	if n == 0 {
		return okay("no guard has received events of clusters that it does not guard")
	}
	return bad(Warn, "events: {sqs: ...}   # a queue for each installation, or rules for its own clusters alone: docs/operations.md, \"Two installations on one queue\"",
		"%s of clusters that are not guarded here came to the queue: %s; if another installation reads it too, each deletes the other's", wording.Count(n, "event"), wording.Some(clusters))
}

// newest returns when a task last started and was last stopped of which an event must have come by now, if it came after a moment.
func (f *facts) newest(p *poolFacts, since time.Time) (started, stopped time.Time) {
	latest := func(into *time.Time, at *time.Time) {
		if at != nil && at.After(since.Add(arriveSlack)) && f.guards().Sub(*at) > arriveIn && at.After(*into) {
			*into = *at
		}
	}
	for _, t := range slices.Concat(p.tasks, p.stopped) {
		latest(&started, t.StartedAt)
		latest(&stopped, stopOf(&t))
	}
	return started, stopped
}

// stopOf is when ECS began to stop a task.
func stopOf(t *types.Task) *time.Time {
	if t.StoppingAt != nil {
		return t.StoppingAt
	}
	return t.StoppedAt
}
