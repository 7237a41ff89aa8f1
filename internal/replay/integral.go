package replay

import "time"

// integral sums up how a number stood to the demand: nothing changes between two events, so the sums are exact.
type integral struct {
	short, full, most, half float64 // task-seconds, and seconds
	least                   float64
	gapFrom                 time.Duration
	inGap                   bool
	longest                 time.Duration
}

// add counts a stretch of time in which n of the demand were there.
func (g *integral) add(seconds float64, demand, n int) {
	if missing := demand - n; missing > 0 {
		g.short += seconds * float64(missing)
		g.least = min(g.least, float64(n)/float64(demand))
	} else {
		g.full += seconds
	}
	if 10*n >= 9*demand {
		g.most += seconds
	}
	if 2*n >= demand {
		g.half += seconds
	}
}

// turn notes whether a gap begins or ends now.
func (g *integral) turn(now time.Duration, short bool) {
	switch {
	case short && !g.inGap:
		g.inGap, g.gapFrom = true, now
	case !short && g.inGap:
		g.end(now)
	}
}

// end closes the gap that may be open.
func (g *integral) end(now time.Duration) {
	if g.inGap {
		g.inGap = false
		g.longest = max(g.longest, now-g.gapFrom)
	}
}

// per1000 is the shortage in task-minutes per 1,000 task-hours of a demand in task-seconds.
func (g *integral) per1000(demanded float64) float64 { return 1000 * ratio(g.short/60, demanded/3600) }

// incidents times large losses. One begins with a warning and ends when the whole demand is there again without the warned tasks.
type incidents struct {
	open  bool
	from  time.Duration
	depth int
	took  []float64 // seconds, of losses of largeLoss or more
}

// warned opens an incident at a warning.
func (i *incidents) warned(now time.Duration) {
	if !i.open {
		i.open, i.from, i.depth = true, now, 0
	}
}

// turn takes over how many of the demand are there.
func (i *incidents) turn(now time.Duration, demand, n int) {
	if !i.open {
		return
	}
	i.depth = max(i.depth, demand-n)
	if n >= demand {
		i.open = false
		if float64(i.depth) >= largeLoss*float64(demand) {
			i.took = append(i.took, (now - i.from).Seconds())
		}
	}
}
