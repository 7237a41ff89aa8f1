package replay

import (
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// books say whose doing a shortage is. What is missing is always owed by three accounts: interruptions, stops of our own, and a demand
// that has risen. A task that leaves and is missing from then on is put down to what ended it. A Spot task that comes repays our own
// stops first, an on-demand task what has been owed for longest.
type books struct {
	demand, serving    int
	owed               [accounts]int
	debts              []debt  // the oldest first
	oursSeconds, least float64 // the integral of ours, and the least share of the demand if nothing but our own stops counted
	taken              []ecsim.Leaves
	served             []int
}

// account is whose doing something is.
type account uint8

const (
	lost account = iota
	ours
	risen
	accounts
)

// debt is an entry of the books: how much came to be owed at once.
type debt struct {
	of account
	n  int
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
		interrupted, stopped := m.left.Interrupted-b.taken[i].Interrupted, m.left.Stopped-b.taken[i].Stopped
		came := m.serving - b.served[i] + interrupted + stopped
		b.taken[i], b.served[i] = m.left, m.serving
		// What comes at the same moment stands for what goes.
		b.come(came, m.spot)
		b.leave(interrupted, lost)
		b.leave(stopped, ours)
	}
	if b.demand > 0 {
		b.least = min(b.least, 1-float64(b.owed[ours])/float64(b.demand))
	}
}

// want takes over the demand.
func (b *books) want(demand int) {
	before := b.short()
	b.demand = demand
	if more := b.short() - before; more > 0 {
		b.owe(risen, more)
	} else if more < 0 {
		left := b.repay(-more, func(of account) bool { return of == risen })
		b.repay(left, anyAccount)
	}
}

func (b *books) short() int { return max(0, b.demand-b.serving) }

func (b *books) leave(n int, of account) {
	before := b.short()
	b.serving -= n
	b.owe(of, b.short()-before)
}

func (b *books) come(n int, spot bool) {
	before := b.short()
	b.serving += n
	filled := before - b.short()
	if spot {
		filled = b.repay(filled, func(of account) bool { return of == ours })
	}
	b.repay(filled, anyAccount)
}

func anyAccount(account) bool { return true }

// owe enters a debt.
func (b *books) owe(of account, n int) {
	if n > 0 {
		b.owed[of] += n
		b.debts = append(b.debts, debt{of, n})
	}
}

// repay takes n off the oldest debts of some accounts, and returns what is left of it.
func (b *books) repay(n int, of func(account) bool) int {
	if n == 0 {
		return 0
	}
	kept := b.debts[:0]
	for _, d := range b.debts {
		if n > 0 && of(d.of) {
			paid := min(n, d.n)
			n, d.n, b.owed[d.of] = n-paid, d.n-paid, b.owed[d.of]-paid
		}
		if d.n > 0 {
			kept = append(kept, d)
		}
	}
	b.debts = kept
	return n
}

// add counts a stretch of time.
func (b *books) add(seconds float64) { b.oursSeconds += seconds * float64(b.owed[ours]) }

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
