package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/trace"
)

// Shares of a start-up and times of a stop that are billed, as in the model (ecsim: the pull begins after a fifth of the start-up, a
// task is billed until 20 s after its containers are gone).
const (
	billedStart = 0.8
	billedDrain = 20 * time.Second
	obeyTime    = 2 * time.Second // from a scale-in to the exit of a task that ends at SIGTERM
	warningTime = 120 * time.Second
)

// Oracle returns the least that the trace's demand can cost with nothing ever out of service, with perfect foresight, in a world where
// every start and every warm-up takes exactly the median: the physical limit that policies are compared with. A warned task serves and is
// billed for as long as it does in the run's world.
//
// The n-th of the tasks wanted at any moment may run on Spot while Spot can hold n. Of each such stretch it pays both start-ups (the
// Spot task's, then the on-demand task's that must serve when Spot's ends, each overlapping what it replaces), and uses the stretch only
// if that is cheaper than staying on on-demand. With several zones it is a lower bound that cannot be reached: moving a task from one
// zone to another costs it nothing.
func Oracle(r Run) Result {
	if r.Tasks == 0 {
		r.Tasks = 200
	}
	if r.Prices == (Prices{}) {
		r.Prices = ArticlePrices()
	}
	o := oracle{run: &r, world: r.World.defaults(), demandCol: r.Trace.Column(trace.Demand, "")}
	o.rows()
	most := 0
	for _, row := range o.row {
		most = max(most, row.demand)
	}
	for n := 1; n <= most; n++ {
		o.level(n)
	}
	res := Result{Policy: OracleName, Seed: r.Seed, Availability: 1, Availability90: 1, Availability50: 1, WorkingMin: 1, ReturnMin: 1, RunningAvailability: 1, RunningMin: 1}
	res.SpotHours, res.CoverHours = o.spot.Hours(), o.cover.Hours()
	res.CostUSD = res.SpotHours*r.Prices.Spot + res.CoverHours*r.Prices.OnDemand
	for _, row := range o.row {
		res.DemandHours += float64(row.demand) * (row.to - row.from).Hours()
	}
	res.OnDemandUSD = res.DemandHours * r.Prices.OnDemand
	res.CostRatio = ratio(res.CostUSD, res.OnDemandUSD)
	res.SpotShare = ratio(res.SpotHours, res.SpotHours+res.CoverHours)
	res.OracleUSD = res.CostUSD
	res.TaskStarts = o.starts
	return res
}

type oracle struct {
	run         *Run
	world       World
	demandCol   int
	row         []oracleRow
	spot, cover time.Duration // billed
	starts      int
}

type oracleRow struct {
	from, to         time.Duration
	demand, capacity int // capacity is NoLimit or a number of tasks
}

// rows flattens the trace into stretches of one demand and one capacity.
func (o *oracle) rows() {
	t := o.run.Trace
	for i := range t.At {
		from, to := t.At[i], t.Duration
		if i == 0 {
			from = 0
		}
		if i+1 < len(t.At) {
			to = min(to, t.At[i+1])
		}
		if from >= to {
			continue
		}
		demand := o.run.Tasks
		if o.demandCol >= 0 {
			demand = t.Value(i, o.demandCol)
		}
		o.row = append(o.row, oracleRow{from: from, to: to, demand: demand, capacity: SpotCapacity(t, i)})
	}
}

// level adds what the n-th task costs.
func (o *oracle) level(n int) {
	for i := 0; i < len(o.row); {
		if o.row[i].demand < n {
			i++
			continue
		}
		j := i
		for j < len(o.row) && o.row[j].demand >= n {
			j++
		}
		o.wanted(o.row[i:j], n, i == 0, j == len(o.row))
		i = j
	}
}

// wanted adds what the n-th task costs while it is wanted without a break. At the beginning of the trace it runs already; at its end
// nothing need be stopped.
func (o *oracle) wanted(rows []oracleRow, n int, begins, ends bool) {
	start := o.start()
	onDemand := rows[len(rows)-1].to - rows[0].from
	if !begins {
		onDemand += start
		o.starts++
	}
	if !ends {
		onDemand += billedDrain
	}
	for i := 0; i < len(rows); {
		if c := rows[i].capacity; c != trace.NoLimit && c < n {
			i++
			continue
		}
		j := i
		for j < len(rows) && (rows[j].capacity == trace.NoLimit || rows[j].capacity >= n) {
			j++
		}
		spot, saved, starts := o.stretch(rows[i].from, rows[j-1].to, i == 0, j == len(rows), begins, ends)
		if saved.Hours()*o.run.Prices.OnDemand > spot.Hours()*o.run.Prices.Spot {
			o.spot += spot
			onDemand -= saved
			o.starts += starts
		}
		i = j
	}
	o.cover += onDemand
}

// start is what a start is billed before the task is in service: from the image pull to RUNNING, and the warm-up.
func (o *oracle) start() time.Duration {
	return time.Duration(billedStart*float64(o.world.StartUp.P50)) + o.world.WarmUp.P50
}

// stretch returns what a Spot task is billed for if it uses a stretch of capacity, how much on-demand time it saves, and the starts.
// first and last say that the stretch begins or ends with the demand; begins and ends that the demand does so with the trace.
func (o *oracle) stretch(a, b time.Duration, first, last, begins, ends bool) (spot, saved time.Duration, starts int) {
	start, serves := o.start(), o.world.StartUp.P50+o.world.WarmUp.P50
	spotFrom, spotTo, savedFrom, savedTo := a, b, a, b
	switch {
	case first && begins: // it runs already, and no on-demand task was ever started
	case first: // it starts before it is wanted, in place of an on-demand task
		spotFrom, savedFrom = a-start, a-start
	default:
		spotFrom = a + serves - start
		savedFrom = a + serves + obeyTime + billedDrain // the on-demand task goes when it serves
		starts++
	}
	switch {
	case last && ends:
	case last: // both end with the demand, and drain
		spotTo, savedTo = b+billedDrain, b+billedDrain
	default:
		works, killed := b, b // until when it serves, and when its process ends
		switch o.world.Stop {
		case UsesWarning:
			works, killed = b+warningTime, b+warningTime
		case Drained:
			killed = b + warningTime
		}
		spotTo = killed + billedDrain
		savedTo = works - start
		starts++
	}
	return max(0, spotTo-spotFrom), max(0, savedTo-savedFrom), starts
}
