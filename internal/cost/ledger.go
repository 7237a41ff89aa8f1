package cost

import (
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// PoolPrice is what one task of a pool costs for an hour.
type PoolPrice struct {
	Capacity failover.Capacity
	TaskHour float64
}

// Day is what one workload used and paid on one day (UTC), estimated.
type Day struct {
	Date            string  `json:"date"`
	SpotTaskHours   float64 `json:"spot_task_hours"`
	DemandTaskHours float64 `json:"on_demand_task_hours"`
	PaidUSD         float64 `json:"paid_usd"`
	// AllOnDemandUSD is what the wanted tasks alone would have cost on demand: the overlap of both sides is
	// not part of it.
	AllOnDemandUSD float64 `json:"all_on_demand_usd"`
	SavedUSD       float64 `json:"saved_usd"`
}

// Episode is one time in which cover ran.
type Episode struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Open says that it had not ended when the record does.
	Open          bool    `json:"open,omitempty"`
	Reason        string  `json:"reason"`
	CoverMax      int     `json:"cover_max"`
	OnDemandHours float64 `json:"on_demand_task_hours"`
	// ExtraUSD is what the episode cost more than the same tasks on Spot; OverlapUSD the part of it in which more
	// tasks ran than were wanted.
	ExtraUSD   float64 `json:"extra_usd"`
	OverlapUSD float64 `json:"overlap_usd"`
}

// Ledger is what the journal of one workload adds up to.
type Ledger struct {
	Workload string    `json:"workload"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Days     []Day     `json:"days"`
	Total    Day       `json:"total"`
	Episodes []Episode `json:"episodes"`
	// OnDemandShare is the share of task-hours that ran on demand.
	OnDemandShare float64 `json:"on_demand_share"`
	// Levels[n] is the share of the time in which more than n on-demand tasks ran (see [Advise]).
	Levels []float64 `json:"-"`
}

// levelsMax bounds how many on-demand tasks a Savings Plan is worked out for.
const levelsMax = 5000

// Add adds up the entries of one workload, oldest first, from the first one to until. Between two decisions
// the counts of the first one hold: Backstop writes an entry whenever something changes. Only tasks that were
// seen running or starting count; AWS bills from the start of the image pull, by the second, a minute at least.
func Add(workload string, entries []journal.Entry, prices map[string]PoolPrice, onDemandTaskHour float64, until time.Time) (Ledger, error) {
	l := Ledger{Workload: workload}
	a := adder{l: &l, prices: prices, onDemand: onDemandTaskHour}
	spot, n := 0.0, 0
	for _, p := range prices {
		if p.Capacity == failover.Spot {
			spot += p.TaskHour
			n++
		}
	}
	if n > 0 {
		a.spot = spot / float64(n)
	}
	var last *failover.Decision
	for i := range entries {
		e := &entries[i]
		if e.Decision == nil || e.Workload != workload || len(e.Decision.Pools) == 0 {
			continue
		}
		if last != nil && e.Decision.At.Before(last.At) {
			return Ledger{}, fmt.Errorf("add up the journal of %s: entry %s is older than the one before it", workload, e.ID)
		}
		if last != nil {
			a.span(last, last.At, e.Decision.At)
		} else {
			l.From = e.Decision.At
		}
		last = e.Decision
	}
	if last == nil {
		return l, nil
	}
	a.span(last, last.At, until)
	l.To = until
	a.finish()
	return l, nil
}

// Billed is how many tasks of a pool AWS bills: all that exist, and those that leave as long as they work. A task that has no
// capacity yet is counted with the others: for how long is not worth telling apart.
func Billed(p *failover.PoolDecision) int { return p.Live + p.Working }

type adder struct {
	l        *Ledger
	prices   map[string]PoolPrice
	onDemand float64
	spot     float64
	episode  *Episode
	levels   []float64 // seconds in which more than n on-demand tasks ran
}

// span charges the time from one decision to the next, day by day.
func (a *adder) span(d *failover.Decision, from, to time.Time) {
	a.covers(d, from, to)
	for from.Before(to) {
		day := from.UTC().Truncate(24 * time.Hour)
		end := to
		if next := day.Add(24 * time.Hour); next.Before(end) {
			end = next
		}
		a.charge(a.day(day.Format(time.DateOnly)), d, end.Sub(from).Hours())
		from = end
	}
}

func (a *adder) day(date string) *Day {
	if n := len(a.l.Days); n > 0 && a.l.Days[n-1].Date == date {
		return &a.l.Days[n-1]
	}
	a.l.Days = append(a.l.Days, Day{Date: date})
	return &a.l.Days[len(a.l.Days)-1]
}

func (a *adder) charge(day *Day, d *failover.Decision, hours float64) {
	wanted := 0
	for i := range d.Pools {
		p := &d.Pools[i]
		n := float64(Billed(p))
		wanted += p.Running
		if p.Capacity == failover.Spot {
			day.SpotTaskHours += n * hours
		} else {
			day.DemandTaskHours += n * hours
		}
		day.PaidUSD += n * hours * a.prices[p.Pool].TaskHour
	}
	day.AllOnDemandUSD += float64(min(wanted, d.Demand)) * hours * a.onDemand
	day.SavedUSD = day.AllOnDemandUSD - day.PaidUSD
}

// covers follows the episodes of cover and how long how many on-demand tasks ran.
func (a *adder) covers(d *failover.Decision, from, to time.Time) {
	cover, running := 0, 0
	for i := range d.Pools {
		p := &d.Pools[i]
		running += p.Running
		if p.Capacity == failover.OnDemand {
			cover += max(p.Ask, Billed(p))
		}
	}
	if cover == 0 {
		if a.episode != nil {
			a.episode.To = from
			a.l.Episodes, a.episode = append(a.l.Episodes, *a.episode), nil
		}
		return
	}
	if a.episode == nil {
		a.episode = &Episode{From: from, Reason: string(d.Reason)}
	}
	hours := to.Sub(from).Hours()
	onDemand := 0
	for i := range d.Pools {
		if p := &d.Pools[i]; p.Capacity == failover.OnDemand {
			onDemand += Billed(p)
		}
	}
	e := a.episode
	e.CoverMax = max(e.CoverMax, cover)
	e.OnDemandHours += float64(onDemand) * hours
	// What stands in for Spot costs the difference; what runs beside what is wanted costs all of its price.
	over := max(0, min(running-d.Demand, onDemand))
	overlap := float64(over) * hours * a.onDemand
	e.OverlapUSD += overlap
	e.ExtraUSD += float64(onDemand-over)*hours*(a.onDemand-a.spot) + overlap
	for n := range min(onDemand, levelsMax) {
		if n == len(a.levels) {
			a.levels = append(a.levels, 0)
		}
		a.levels[n] += to.Sub(from).Seconds()
	}
}

func (a *adder) finish() {
	l := a.l
	if a.episode != nil {
		a.episode.To, a.episode.Open = l.To, true
		l.Episodes = append(l.Episodes, *a.episode)
	}
	for _, d := range l.Days {
		l.Total.SpotTaskHours += d.SpotTaskHours
		l.Total.DemandTaskHours += d.DemandTaskHours
		l.Total.PaidUSD += d.PaidUSD
		l.Total.AllOnDemandUSD += d.AllOnDemandUSD
		l.Total.SavedUSD += d.SavedUSD
	}
	l.Total.Date = "total"
	if h := l.Total.SpotTaskHours + l.Total.DemandTaskHours; h > 0 {
		l.OnDemandShare = l.Total.DemandTaskHours / h
	}
	if total := l.To.Sub(l.From).Seconds(); total > 0 {
		for _, s := range a.levels {
			l.Levels = append(l.Levels, s/total)
		}
	}
	l.Episodes = slices.Clip(l.Episodes)
}
