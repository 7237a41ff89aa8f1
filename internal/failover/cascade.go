package failover

import (
	"math"
	"time"
)

// Target is what a pool should be asked for: at least Raise at once, and no less than Release when it is lowered.
type Target struct {
	Raise, Release int
	// Need is what an on-demand pool must hold, Surplus what is started on top of it, Warm what is kept ahead of a loss.
	Need, Surplus, Warm int
	// Proven: what the pool was to cover is placed on Spot, with time to spare; what of the pool does not serve yet may go.
	Proven bool
	// Impaired: the pool cannot hold what is needed, and the next one is asked. Bounded: it was raised as far as is allowed.
	Impaired, Bounded bool
	// Failing: its tasks fail for the application's reasons; it is held at one.
	Failing bool
	// Limited: a breaker limits what the pool is asked for.
	Limited bool
	// Next is when the target changes by itself.
	Next time.Time
}

// cascadeInput is what the cascade needs to know of the workload.
type cascadeInput struct {
	p      *Policy
	s      *State
	goal   *Goal
	known  []Known
	tally  []Tally
	fails  []*Failing
	limits []int // of Spot pools, by their breakers; -1 for none
	pinned Mode
	now    time.Time
	needIn func(pool, asked int) Need
	warm   []int
}

// cascaded is what the cascade settles.
type cascaded struct {
	targets []Target
	needs   []Need
	// need is what on-demand must hold in all.
	need int
	next time.Time
	// shared is the first pool of a tier whose tasks were shared out in this pass, -1 for none.
	shared int
}

// cascade walks the pools in order of preference. Spot pools come first: each is asked for what those before it do not hold, and what
// they lack and nobody excuses is what on-demand must hold.
func cascade(r *Room, given cascadeInput) cascaded {
	r.cascading = given
	in, n := &r.cascading, len(given.p.Pools)
	out := cascaded{targets: of(r.targets[:], n), needs: of(r.needs[:], n), shared: -1}
	left := in.goal.Wanted
	for a := 0; a < n; {
		b := a + 1
		for b < n && in.p.Pools[b].Tier == in.p.Pools[a].Tier {
			b++
		}
		if in.p.Pools[a].Capacity == Spot {
			left = in.spot(&out, a, b, left)
		}
		a = b
	}
	out.need = max(0, left)
	in.cover(&out)
	slack := true
	for i := range out.needs {
		slack = slack && (in.p.Pools[i].Capacity != Spot || out.needs[i].Slack)
	}
	for i := range out.targets {
		out.targets[i].Proven = slack && in.p.Pools[i].Capacity == OnDemand && in.known[i].InService.High == 0
	}
	return out
}

// spot settles the Spot pools a..b of one tier, and returns what they leave to the pools behind them.
func (in *cascadeInput) spot(out *cascaded, a, b, left int) int {
	raises := []int{clamp(max(0, left), in.p.floor(a, in.goal.Demand), in.p.bound(a))}
	if b-a > 1 {
		shared := tier{in: in, first: a, raises: make([]int, b-a), full: make([]bool, b-a)}
		if shared.shareOut(max(0, left)) {
			out.shared = a
		}
		raises, out.next = shared.raises, sooner(out.next, shared.next)
	} else if a == in.p.owner() { // its count is the demand, whoever holds it
		raises[0] = in.goal.Demand
	}
	for i := a; i < b; i++ {
		t := &out.targets[i]
		raise := raises[i-a]
		if limit := in.limits[i]; limit >= 0 && in.pinned != ModeSpot && in.coverable() {
			raise, t.Limited = min(raise, limit), true
		}
		if !in.known[i].counts() {
			raise = 0
		}
		t.Raise, t.Release = raise, raise
		asked := in.asked(i, t)
		out.needs[i] = in.needIn(i, asked)
		out.next = sooner(out.next, out.needs[i].Next)
		left -= out.needs[i].Holds
	}
	return left
}

// coverable reports whether an on-demand pool is left that can stand in for Spot: without one no breaker holds anything down.
func (in *cascadeInput) coverable() bool {
	for i := range in.known {
		if in.p.Pools[i].Capacity == OnDemand && in.known[i].counts() {
			return true
		}
	}
	return false
}

// asked is what a Spot pool is asked for as far as it counts: what ECS was asked for, and what it is asked for in this pass.
func (in *cascadeInput) asked(i int, t *Target) int {
	if i == in.p.owner() && !t.Limited {
		return in.known[i].InForce.High
	}
	return t.Raise
}

// cover settles the on-demand pools: the first holds what is needed, the next one what it cannot.
func (in *cascadeInput) cover(out *cascaded) {
	left := out.need
	for i := range in.p.Pools {
		if in.p.Pools[i].Capacity != OnDemand {
			continue
		}
		left -= in.coverPool(out, i, left)
	}
}

// coverPool settles one on-demand pool, and returns how much of what is left it can be counted on for.
func (in *cascadeInput) coverPool(out *cascaded, i, left int) int {
	k, t := &in.known[i], &out.targets[i]
	t.Warm = in.warm[i]
	low := max(in.p.floor(i, in.goal.Demand), min(t.Warm, in.p.bound(i)))
	bound := in.p.bound(i)
	if in.pinned == ModeSpot || !k.counts() {
		low, bound = 0, 0
	}
	behind := in.behind(i)
	t.Need = clamp(left-behind, 0, bound)
	last := in.lastCover(i)
	raise := in.raise(t, k, t.Need)
	raise = min(raise, max(2*out.need, out.need+t.Surplus+2)-in.standing(out, i))
	impaired, next := in.impaired(i)
	switch {
	case in.fails[i] != nil:
		// Its tasks fail for the application's reasons: one shows when they no longer do.
		t.Failing, t.Impaired = true, true
		raise = min(raise, max(1, k.Surviving))
	case k.Sight == Told && in.freshBehind(i):
		t.Impaired = true
		raise = min(raise, k.InForce.High) // a pool that can be read is the surer one
	case k.OutOfTraffic, !last && impaired:
		t.Impaired, t.Bounded = true, false
		raise = min(raise, k.reliable()+1)
	}
	t.Next = next
	t.Raise = clamp(max(raise, low), 0, bound)
	t.Release = low
	if !t.Impaired {
		return min(t.Need, t.Raise)
	}
	if k.Sight == Told && in.taken(i) {
		return min(t.Need, k.InForce.High)
	}
	return min(t.Need, k.reliable())
}

// taken reports whether ECS has taken the last call for a pool.
func (in *cascadeInput) taken(i int) bool {
	a := in.s.Pools[i].Asked
	return a != nil && a.Done && in.s.Pools[i].RefusedSince.IsZero()
}

// standing is what the other on-demand pools were asked for and may hold: the bound is one on all of them. What cannot be placed there
// does not use it up.
func (in *cascadeInput) standing(out *cascaded, i int) (n int) {
	for j := range in.known {
		k := &in.known[j]
		if j == i || in.p.Pools[j].Capacity != OnDemand || !k.counts() {
			continue
		}
		impaired, _ := in.impaired(j)
		switch {
		case k.Sight == Told && !in.taken(j):
			n += k.InService.High
		case impaired || in.fails[j] != nil || k.OutOfTraffic:
			n += k.reliable()
		default:
			n += max(k.InForce.High, out.targets[j].Raise)
		}
	}
	return n
}

// raise is what an on-demand pool is asked for to hold what is needed: a surplus for the part that is not in service yet, as of
// more tasks started together the quickest are enough, and replacements for those that are late; at most twice what is needed.
func (in *cascadeInput) raise(t *Target, k *Known, need int) int {
	if need == 0 {
		return 0
	}
	t.Surplus = in.surplus(min(need-k.InService.High, in.short()))
	sum := need + t.Surplus + min(k.Late, need)
	most := max(2*need, need+t.Surplus+2)
	t.Bounded = k.Late >= need || k.Late > 0 && sum >= most
	return min(sum, most)
}

// short is how many tasks are not in service of those that are wanted: what is only to be moved needs no surplus.
func (in *cascadeInput) short() int {
	n := in.goal.Wanted
	for i := range in.known {
		n -= in.known[i].InService.High
	}
	return n
}

// surplus is how many tasks are started beyond a gap. Where it is known how long tasks take to come into service, and warned tasks
// work on, it is what makes it likely that the gap closes within the warning; overstart bounds it.
func (in *cascadeInput) surplus(gap int) int {
	if gap <= 1 || in.p.Overstart <= 0 {
		return 0
	}
	// The slowest of n starts is relatively later the fewer they are: below about six tasks the surplus falls with the root of
	// the gap rather than with the gap.
	const few = 2.5 // the root of the gap below which the root counts
	n := float64(gap)
	most := in.p.Overstart * max(n, few*math.Sqrt(n))
	if within, ok := in.withinWarning(); ok && within > 0 {
		const z = 1.0 // chosen in simulation: more costs more than the seconds it saves (docs/policies.md)
		likely := n * (1/within - 1 + z*math.Sqrt((1-within)/(within*n)))
		most = min(most, likely)
	}
	return int(math.Ceil(most))
}

// withinWarning is the share of the starts that come into service within what a warning leaves, and false where that is not known
// or warned tasks do not work on.
func (in *cascadeInput) withinWarning() (float64, bool) {
	const decide = 7 * time.Second // from the warning to the call, the wait for ECS's own replacement included
	for i := range in.p.Pools {
		seen := &in.s.Seen.Pools[i]
		if in.p.Pools[i].Capacity != Spot || seen.WarnedSeconds < worksOn.Seconds() {
			continue
		}
		left := min(warningFor, time.Duration(seen.WarnedSeconds*float64(time.Second))) - decide
		for j := range in.p.Pools {
			if in.p.Pools[j].Capacity != OnDemand {
				continue
			}
			if share, ok := in.s.Seen.Pools[j].Serve.within(left); ok {
				return share, true
			}
		}
		return seen.Serve.within(left)
	}
	return 0, false
}

// behind is what the on-demand pools behind one have in service: to raise it in their place would only add to them.
func (in *cascadeInput) behind(i int) (n int) {
	for j := i + 1; j < len(in.known); j++ {
		if in.p.Pools[j].Capacity == OnDemand && in.known[j].counts() {
			n += in.known[j].InService.High
		}
	}
	return n
}

// freshBehind reports whether an on-demand pool behind one was read.
func (in *cascadeInput) freshBehind(i int) bool {
	for j := i + 1; j < len(in.known); j++ {
		if in.p.Pools[j].Capacity == OnDemand && in.known[j].Sight == Fresh {
			return true
		}
	}
	return false
}

// lastCover reports whether no on-demand pool that counts comes behind one.
func (in *cascadeInput) lastCover(i int) bool {
	for j := i + 1; j < len(in.known); j++ {
		if in.p.Pools[j].Capacity == OnDemand && in.known[j].counts() && !in.known[j].OutOfTraffic && in.fails[j] == nil {
			return false
		}
	}
	return true
}

// impaired reports whether an on-demand pool cannot hold what it is asked for: its tasks are late, ECS does not place them, or takes no
// call.
func (in *cascadeInput) impaired(i int) (bool, time.Time) {
	k, ps := &in.known[i], &in.s.Pools[i]
	if since := ps.RefusedSince; !since.IsZero() {
		due := since.Add(refusedFor)
		return !in.now.Before(due), due
	}
	if k.Sight != Fresh || k.Late > 0 {
		return k.Sight == Fresh, zeroTime
	}
	return in.unplaceable(i)
}

// unplaceable reports whether tasks of a pool cannot be placed: a launch failed since the newest task was created, or they have been
// missing for longer than ECS takes to launch them.
func (in *cascadeInput) unplaceable(i int) (bool, time.Time) {
	k, ps := &in.known[i], &in.s.Pools[i]
	if k.Unplaced == 0 {
		return false, zeroTime
	}
	if failed := later(in.tally[i].NoRoomAt, ps.FailedAt); !failed.IsZero() && in.now.Sub(failed) < k.StartLimit && !k.Newest.After(failed) {
		return true, zeroTime
	}
	since := ps.UnplacedSince
	if since.IsZero() {
		since = in.now
	}
	due := later(since.Add(launching(k.Desired)), k.Newest).Add(placeFor)
	return !in.now.Before(due), due
}
