package failover

import (
	"slices"
	"time"
)

// How long a replacement that ECS has placed may stand for a loss before cover is asked, chosen in simulation, shortage first
// (docs/policies.md). Both count from the loss, and only where warned tasks are known to work on.
const (
	// placedAfter: until then a loss waits for ECS to create the replacement. ECS does so about 5 s after the warning.
	placedAfter = 6 * time.Second
	// proofAfter: until then a created replacement may stand for the loss although nothing shows yet that it has capacity. Where
	// there is none ECS creates no task (A23), and a task that has capacity shows it, PENDING or by its network interface, within
	// about 20 s of its creation (A4).
	proofAfter = 26 * time.Second
	// waitShare is the share of the starts that must come into service within the warning for a loss to wait at all.
	waitShare = 0.85
)

// Need is what one Spot pool lacks, and why.
type Need struct {
	// Coming is what is on its way and stands for what is missing.
	Coming int
	// Loss is what is missing and not coming, Excused the part of it that is no loss of capacity, Owed the rest.
	Loss, Excused, Owed int
	// Holds is what the pool is good for: in service, coming and excused, at most what it is asked for.
	Holds int
	// Slack reports whether cover may be given up for placements that are not in service yet.
	Slack bool
	// Next is when an excuse or a credit ends by itself.
	Next time.Time
}

// excuseInput is what one pool's need is worked out from.
type excuseInput struct {
	p     *Policy
	known *Known
	tally *Tally
	state *PoolState
	seen  *PoolSeen
	po    *PoolObservation
	goal  *Goal
	win   []Evidence
	now   time.Time
	gap   bool
	// asked is what the pool is asked for, as far as it counts.
	asked int
	// waits reports whether a loss may wait for the proof of its replacement.
	waits bool
}

// needOf works out what a pool lacks. What nobody excuses is owed, at once and after a restart with no state as well.
func needOf(in excuseInput) Need {
	k := in.known
	if !k.counts() || k.OutOfTraffic {
		return Need{Loss: in.asked, Owed: in.asked}
	}
	t := in.tally
	var n Need
	serving := min(k.InService.High, in.asked)
	if k.Sight == Told {
		n.Loss = in.asked - serving
		n.Owed = max(0, n.Loss)
		n.Holds = serving
		return n
	}
	slack, possible := in.slack()
	in.waits = slack && in.room()
	n.Coming, n.Next = coming(in)
	n.Loss = in.asked - serving - n.Coming
	if n.Loss > 0 {
		count, next := excused(in)
		n.Excused, n.Next = min(n.Loss, k.Unhealthy+min(k.Unplaced, count)), sooner(n.Next, next)
	}
	n.Owed = max(0, n.Loss-n.Excused)
	n.Holds = min(in.asked, serving+n.Coming+n.Excused)
	if possible && !slack && t.Lost > 0 && in.now.Sub(t.LostAt) <= proofAfter {
		n.Slack = in.room()
	}
	return n
}

// coming is what is on its way and stands for what is missing: tasks that warm up, those that capacity was granted for, and those
// that were created and replace no loss, or one so fresh that the proof may be waited for. A placement that ended before it served
// has used its credit up: as many others are not credited.
func coming(in excuseInput) (n int, next time.Time) {
	k, t := in.known, in.tally
	placed := max(0, k.Placed-t.Spent)
	credited := k.Provisioning
	due := t.Lost
	if in.waits {
		due = t.LostDue
		next = t.Next
	}
	if unproven := due - k.Placed - k.Warming; unproven > 0 {
		credited = max(0, credited-unproven)
	}
	all := k.Warming + placed + max(0, credited-max(0, t.Spent-k.Placed))
	if in.po.Deploying && k.Arriving > 0 {
		// What a deployment brings up stands for what it takes, and for no task that was lost.
		all -= max(0, k.Arriving-mayTake(in))
	}
	return max(0, all), next
}

// mayTake is how many tasks of the pool a deployment in progress may stop of its own accord.
func mayTake(in excuseInput) int { return int(in.po.MayTake * float64(in.asked)) }

// slack says whether cover that is asked for later than at once would still come into service within the warning: warned tasks work
// on, and starts are quick. It is known once both were learned; before that it is not ruled out for tasks without health checks, which
// are taken to start as the model's (A1).
func (in *excuseInput) slack() (known, possible bool) {
	warned := in.seen.WarnedSeconds
	share, learned := in.seen.Serve.within(warningFor - placedAfter)
	works := warned >= worksOn.Seconds() && in.known.Working*2 >= in.known.Leaving
	if !works && (warned > 0 || in.known.Working*2 < in.known.Leaving) || learned && share < waitShare || !learned && in.po.HealthBased || in.po.Deploying {
		return false, false
	}
	return works && learned, true
}

// room reports whether Spot was not known to lack room just before the newest loss.
func (in *excuseInput) room() bool {
	if short := in.state.UnplacedSince; !short.IsZero() && short.Before(in.tally.LostAt.Add(-placedAfter)) {
		return false
	}
	failed := later(in.tally.NoRoomAt, in.state.FailedAt)
	return failed.IsZero() || in.now.Sub(failed) > skipAfterFailure
}

// excused is how many tasks may be missing for another reason than a loss: the application's stops, a deployment's and an
// operator's, a rise of demand, and a loss that ECS has had no time to replace. A task that cannot be placed is never excused.
func excused(in excuseInput) (count int, next time.Time) {
	t := in.tally
	if in.waits {
		count += max(0, t.LostNew-t.Spent)
	}
	if rise, at := in.goal.rise(in.p, in.now); rise > 0 && !in.gap && t.NoRoomAt.Before(at) && t.Lost == 0 {
		count += rise
		next = at.Add(placeFor + launching(rise))
	}
	stopped, until := stops(in)
	return count + stopped, sooner(next, until)
}

// stops counts the excused stops whose replacement ECS has not placed yet: each created task ends the excuse of the oldest stop
// before it.
func stops(in excuseInput) (n int, next time.Time) {
	var gone []*Evidence
	var created []time.Time
	for i := range in.win {
		e := &in.win[i]
		if e.Pool != in.po.Pool || e.At.Before(in.seen.WholeAt) {
			continue
		}
		if _, ok := excuse(in, e); ok {
			gone = append(gone, e)
		}
	}
	if len(gone) == 0 {
		return 0, next
	}
	for i := range in.win {
		if e := &in.win[i]; e.Pool == in.po.Pool && !e.At.Before(in.seen.WholeAt) && e.CreatedAt.After(in.seen.WholeAt) {
			created = append(created, e.CreatedAt)
		}
	}
	for i := range in.po.Tasks {
		if t := &in.po.Tasks[i]; t.CreatedAt.After(in.seen.WholeAt) && t.Phase != Leaving {
			created = append(created, t.CreatedAt)
		}
	}
	slices.SortFunc(gone, func(a, b *Evidence) int { return a.At.Compare(b.At) })
	slices.SortFunc(created, time.Time.Compare)
	for _, at := range created {
		if len(gone) > 0 && gone[0].At.Before(at) {
			gone = gone[1:]
		}
	}
	open, deploying := 0, 0
	for _, e := range gone {
		until, _ := excuse(in, e)
		switch {
		case !in.now.Before(until), in.tally.NoRoomAt.After(e.At):
			continue
		case in.po.Deploying && in.isDeployings(e.Revision):
			deploying++
		default:
			open++
		}
		next = sooner(next, until)
	}
	return open + min(deploying, mayTake(in)), next
}

// excuse returns until when a stop explains that a task is missing, and false for one that explains nothing: a loss.
func excuse(in excuseInput, e *Evidence) (time.Time, bool) {
	placing := func() time.Time { return e.At.Add(placeFor + launching(in.known.Unplaced)) }
	switch e.Kind {
	case SignalApplicationStop, SignalConfiguration:
		superseded := in.po.Current != "" && e.Revision != "" && e.Revision != in.po.Current && !in.po.Deploying
		if e.StartedAt.IsZero() && !superseded {
			return e.At.Add(failingFor), true // ECS backs off from tasks that never run, until the next deployment
		}
		return placing(), true
	case SignalUnhealthyStop:
		return placing(), !in.gap // survivors of a loss run hot: what ECS stops in a gap is owed
	case SignalScaleIn, SignalOperatorStop:
		return placing(), true
	}
	return zeroTime, false
}

// isDeployings reports whether a deployment's id is that of the revision a deployment in progress brings up.
func (in excuseInput) isDeployings(id string) bool {
	return slices.ContainsFunc(in.po.Revisions, func(r Revision) bool { return r.Deploying && r.ID == id })
}
