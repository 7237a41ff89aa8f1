package dashboard

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// detail is one workload as its own page shows it.
type detail struct {
	Now time.Time `json:"now"`
	fact
	Pools    []poolFact        `json:"pools"`
	Because  []string          `json:"because"`
	Notices  []failover.Notice `json:"notices"`
	Next     []nextFact        `json:"next"`
	Orders   []orderFact       `json:"orders"`
	Withheld []string          `json:"withheld"`
	// PriceNote says of when prices are, or why there are none.
	PriceNote string `json:"price_note"`
}

// poolFact is one pool.
type poolFact struct {
	Pool             string    `json:"pool"`
	Capacity         string    `json:"capacity"`
	Service          string    `json:"service"`
	Asked            int       `json:"asked"`
	Running          int       `json:"running"`
	Starting         int       `json:"starting"`
	Stuck            int       `json:"stuck"`
	Needed           int       `json:"needed"`
	Sight            string    `json:"sight,omitempty"` // what the counts are worth, if the pool was not read
	Breaker          string    `json:"breaker"`
	BreakerSince     time.Time `json:"breaker_since,omitzero"`
	CapacityFailures int       `json:"capacity_failures"`
	Interruptions    int       `json:"interruptions"`
	ReasonText       string    `json:"reason_text"`
	TaskHourUSD      float64   `json:"task_hour_usd,omitempty"`
}

// nextFact is one condition on which Backstop would decide differently.
type nextFact struct {
	At   time.Time `json:"at,omitzero"`
	If   string    `json:"if"`
	Then string    `json:"then"`
}

// orderFact is one order and whether it makes sense now.
type orderFact struct {
	Kind string `json:"kind"`
	// Refused says why it does not; empty when it does.
	Refused string `json:"refused,omitempty"`
}

// orderKinds are the orders that the page gives, in its order.
var orderKinds = []failover.IntentKind{failover.IntentFailover, failover.IntentRestore, failover.IntentPin, failover.IntentUnpin,
	failover.IntentPause, failover.IntentResume}

// detailOf says all there is to say of a workload at now.
func detailOf(w *Workload, c Current, known bool, now time.Time) detail {
	d := detail{Now: now, fact: factOf(w, c, known, now), Pools: []poolFact{}, Because: []string{}, Notices: []failover.Notice{}, Next: []nextFact{},
		Withheld: []string{}, PriceNote: w.Prices.note()}
	for _, kind := range orderKinds {
		in := failover.Intent{Kind: kind, At: now, Mode: failover.ModeOnDemand}
		o := orderFact{Kind: string(kind)}
		if _, err := failover.Apply(w.Policy, c.State, in); err != nil {
			o.Refused = err.Error()
		}
		d.Orders = append(d.Orders, o)
	}
	if !d.Known {
		return d
	}
	for i := range w.Policy.Pools {
		d.Pools = append(d.Pools, poolOf(w, i, c))
	}
	dec := c.Decision
	for _, f := range dec.Findings {
		if f.Reason != dec.Reason {
			d.Because = append(d.Because, tidy(upperFirst(findingWords(&f))))
		}
	}
	d.Notices = append(d.Notices, dec.Notices...)
	d.Withheld = append(d.Withheld, actionWords(dec.Withheld)...)
	next := dec.Next
	if len(next) == 0 {
		next = failover.Explain(&w.Policy, &c.State, dec)
	}
	for _, n := range next {
		n.If, n.Then = tidy(n.If), tidy(n.Then)
		d.Next = append(d.Next, nextFact(n))
	}
	return d
}

func poolOf(w *Workload, i int, c Current) poolFact {
	p := &w.Policy.Pools[i]
	st := c.State.Pool(p.Name)
	f := poolFact{Pool: p.Name, Capacity: string(p.Capacity), Breaker: st.B.Mode.String(), BreakerSince: st.B.Since}
	if i < len(w.Services) {
		f.Service = w.Services[i]
	}
	if st.Asked != nil {
		f.Asked = st.Asked.Count
	}
	for k := range c.Decision.Pools {
		if d := &c.Decision.Pools[k]; d.Pool == p.Name {
			f.Asked, f.Running, f.Starting, f.Stuck, f.Needed = d.Ask, d.Running, d.Starting, d.Stuck, d.Raise
			f.Sight = d.Sight()
			f.CapacityFailures, f.Interruptions, f.ReasonText = d.CapacityFailures, d.Interruptions, reasonText(d.Reason)
		}
	}
	f.TaskHourUSD = w.Prices.Pools[p.Name].TaskHour
	return f
}

// note says of when the prices are.
func (p Prices) note() string {
	switch {
	case p.Unknown != "":
		return p.Unknown
	case p.Own:
		return "estimated, with your prices of " + p.Date
	}
	return "estimated, with list prices of " + p.Date
}
