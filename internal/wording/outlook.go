package wording

import (
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Outlook is what an order leads to: how many tasks run now, at most on the way, and when it is done.
type Outlook struct {
	Now  Load `json:"now"`
	Peak Load `json:"peak"`
	Then Load `json:"then"`
	// Priced is false where the price of a task is not known.
	Priced bool `json:"priced"`
}

// Load is tasks and what they cost an hour in US dollars.
type Load struct {
	Tasks int     `json:"tasks"`
	USD   float64 `json:"usd_per_hour"`
}

// OutlookOf says what an order that moves a workload leads to. after is the state with the order, d what the next pass would decide with
// it, prices are by pool, in US dollars for a task and an hour. ok is false for an order that moves nothing.
func OutlookOf(p *failover.Policy, after *failover.State, in failover.Intent, d *failover.Decision, prices map[string]float64) (o Outlook, ok bool) {
	toSpot := in.Kind == failover.IntentRestore || in.Kind == failover.IntentPin && in.Mode == failover.ModeSpot
	toOnDemand := in.Kind == failover.IntentFailover || in.Kind == failover.IntentPin && in.Mode == failover.ModeOnDemand
	if !toSpot && !toOnDemand || len(d.Pools) != len(p.Pools) {
		return Outlook{}, false
	}
	o.Priced = true
	add := func(l *Load, pool string, n int) {
		price := prices[pool]
		if n > 0 && price <= 0 {
			o.Priced = false
		}
		l.Tasks += n
		l.USD += float64(n) * price
	}
	left := d.Demand
	for i := range d.Pools {
		pd := &d.Pools[i]
		add(&o.Now, pd.Pool, pd.Live)
		add(&o.Peak, pd.Pool, max(pd.Live, pd.Ask))
		if pd.Capacity != failover.Spot {
			continue
		}
		keeps := toSpot || in.Pool != "" && after.Pool(pd.Pool).B.Mode == failover.Closed
		if n := min(left, pd.Desired); keeps {
			if toSpot {
				n = left
			}
			add(&o.Then, pd.Pool, n)
			left -= n
		}
	}
	for i := range d.Pools {
		if pd := &d.Pools[i]; pd.Capacity == failover.OnDemand && left > 0 {
			n := left
			if most := p.Pools[i].Max; most > 0 {
				n = min(n, most)
			}
			add(&o.Then, pd.Pool, n)
			left -= n
		}
	}
	return o, true
}

// Plus is what two orders come to together.
func (o Outlook) Plus(other *Outlook) Outlook {
	plus := func(a, b Load) Load { return Load{a.Tasks + b.Tasks, a.USD + b.USD} }
	return Outlook{plus(o.Now, other.Now), plus(o.Peak, other.Peak), plus(o.Then, other.Then), o.Priced && other.Priced}
}

// Text says an outlook in a sentence.
func (o *Outlook) Text() string {
	say := func(l Load) string {
		if !o.Priced {
			return fmt.Sprint(l.Tasks)
		}
		return fmt.Sprintf("%d at about $%.2f an hour", l.Tasks, l.USD)
	}
	text := fmt.Sprintf("tasks that run: now %s, at most %s on the way, then %s", say(o.Now), say(o.Peak), say(o.Then))
	if !o.Priced {
		text += " (what they cost is not known)"
	}
	return text
}
