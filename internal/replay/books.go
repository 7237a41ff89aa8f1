package replay

import (
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// books say whose doing a shortage is. What is missing is always owed by three accounts: interruptions, stops of our own, and a demand
// that has risen. A task that leaves and is missing from then on is put down to what ended it. A Spot task that comes repays our own
// stops first, an on-demand task the interruptions.
type books struct {
	demand, serving    int
	lost, ours, risen  int
	oursSeconds, least float64 // the integral of ours, and the least share of the demand if nothing but our own stops counted
	taken              []ecsim.Leaves
	served             []int
}

func newBooks(pools int) books {
	return books{least: 1, taken: make([]ecsim.Leaves, pools), served: make([]int, pools)}
}

// move is what has happened to a pool since the last look: it serves so many now, and so many have left in all.
type move struct {
	spot    bool
	serving int
	left    ecsim.Leaves
}

// turn takes over the moves of all pools.
func (b *books) turn(demand int, moves []move) {
	b.want(demand)
	for i, m := range moves {
		lost, ours := m.left.Interrupted-b.taken[i].Interrupted, m.left.Stopped-b.taken[i].Stopped
		came := m.serving - b.served[i] + lost + ours
		b.taken[i], b.served[i] = m.left, m.serving
		// What comes at the same moment stands for what goes.
		b.come(came, m.spot)
		b.leave(lost, &b.lost)
		b.leave(ours, &b.ours)
	}
	if b.demand > 0 {
		b.least = min(b.least, 1-float64(b.ours)/float64(b.demand))
	}
}

// want takes over the demand.
func (b *books) want(demand int) {
	rise := demand - b.demand
	b.demand = demand
	if rise > 0 {
		b.risen += min(rise, max(0, demand-b.serving))
		return
	}
	b.repay(-rise, &b.risen, &b.ours, &b.lost)
}

func (b *books) leave(n int, account *int) {
	before := max(0, b.demand-b.serving)
	b.serving -= n
	*account += max(0, b.demand-b.serving) - before
}

func (b *books) come(n int, spot bool) {
	before := max(0, b.demand-b.serving)
	b.serving += n
	filled := before - max(0, b.demand-b.serving)
	if spot {
		b.repay(filled, &b.ours, &b.lost, &b.risen)
	} else {
		b.repay(filled, &b.lost, &b.ours, &b.risen)
	}
}

// repay takes n off the accounts, one after the other.
func (b *books) repay(n int, accounts ...*int) {
	for _, a := range accounts {
		paid := min(n, *a)
		*a -= paid
		n -= paid
	}
}

// add counts a stretch of time.
func (b *books) add(seconds float64) { b.oursSeconds += seconds * float64(b.ours) }

// peak finds the most that on-demand was asked for against what Spot lacked, at raises in large losses.
type peak struct {
	ratio          float64
	asked, missing int // then
	most           int // that was ever asked for
}

// raised takes over what on-demand is asked for from now on and what Spot lacks of the demand.
func (p *peak) raised(demand, asked, missing int) {
	p.most = max(p.most, asked)
	if missing <= 0 || float64(missing) < largeLoss*float64(demand) {
		return
	}
	if r := float64(asked) / float64(missing); r > p.ratio {
		p.ratio, p.asked, p.missing = r, asked, missing
	}
}

// asks is what on-demand is asked for, and what Spot lacks of the demand in service.
func (s *sim) asks() (asked, missing int) {
	missing = s.demand
	for _, p := range s.pools {
		if p.capacity == failover.OnDemand {
			asked += p.desired
		} else {
			missing -= p.gauge.InService()
		}
	}
	return asked, missing
}
