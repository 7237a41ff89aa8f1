package failover

// releaseInput is what the release of cover is worked out from.
type releaseInput struct {
	p     *Policy
	known []Known
	pools []PoolObservation
	// kept is what must stay in service whatever ECS stops.
	kept int
}

// serves is what pool i is certain to have in service: what was read, less what a scale-in under way and a deployment in progress
// may still take of it.
func (in *releaseInput) serves(i int, t *Target) int {
	k, po := &in.known[i], &in.pools[i]
	if k.Sight != Fresh {
		return 0
	}
	low := max(0, k.InService.Low-max(0, k.Live-k.InForce.High))
	if t.Failing {
		low = min(low, k.Surviving) // what fails after seconds stands in for nothing
	}
	if po.Deploying {
		low = min(low, max(0, k.InForce.High-int(po.MayTake*float64(k.InForce.High))))
	}
	return low
}

// lowered returns the counts after every pool was lowered towards its low end as far as it is safe (design.md 3.5): the smallest
// count with which what serves elsewhere and what is left here, whichever tasks ECS stops, holds what is kept. Pools are lowered
// from the last to the first, and what one gives up is not there for the next. low holds the low ends, may who can be lowered.
func (in *releaseInput) lowered(out, low []int, may []May, targets []Target) []int {
	n := len(in.known)
	total := 0
	for i := range out {
		out[i] = in.known[i].InForce.High
		total += in.serves(i, &targets[i])
	}
	for i := n - 1; i >= 0; i-- {
		if low[i] >= out[i] || !may[i].Lower {
			continue
		}
		if may[i].Unsafe {
			out[i] = low[i]
			continue
		}
		here := in.serves(i, &targets[i])
		w := in.safe(i, here, total-here, &targets[i])
		if w = max(w, low[i]); w >= out[i] {
			continue
		}
		live := min(in.known[i].Live, in.known[i].InForce.High)
		total -= here - max(0, here-max(0, live-w))
		out[i] = w
	}
	return out
}

// safe is the smallest count pool i may be given, with here in service in it and elsewhere in all others.
func (in *releaseInput) safe(i, here, elsewhere int, t *Target) int {
	k := &in.known[i]
	live := min(k.Live, k.InForce.High)
	needed := max(0, in.kept-elsewhere)
	if in.p.Pools[i].Capacity == OnDemand {
		needed = max(needed, t.Need) // what a pool that is evacuated has in service is not there for long
	}
	switch {
	case needed == 0:
		return 0
	case needed <= here:
		return max(0, live-(here-needed))
	case t.Failing && k.Surviving == 0, t.Impaired && k.reliable() == 0:
		return 0 // nothing of it serves, nor can be expected to
	case t.Impaired:
		return live // what was never placed is in nobody's way
	case t.Proven:
		return t.Need // nothing of it serves, and what is not needed is on its way on Spot
	}
	return k.InForce.High
}
