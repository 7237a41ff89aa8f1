package dashboard

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// detail is one workload as its own page shows it.
type detail struct {
	Now time.Time `json:"now"`
	fact
	// Guard reports whether anything looks at this workload.
	Guard health.Guard `json:"guard"`
	// Trend says whether what is missing gets less.
	Trend    wording.Trend     `json:"trend"`
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
	Pool     string `json:"pool"`
	Capacity string `json:"capacity"`
	Service  string `json:"service"`
	// ConsoleURL is the service's page in the AWS console; empty for what is no service of AWS's.
	ConsoleURL string `json:"console_url,omitempty"`
	Asked      int    `json:"asked"`
	poolCounts
	Breaker          string    `json:"breaker"`
	BreakerSince     time.Time `json:"breaker_since,omitzero"`
	CapacityFailures int       `json:"capacity_failures"`
	Interruptions    int       `json:"interruptions"`
	ReasonText       string    `json:"reason_text"`
	TaskHourUSD      float64   `json:"task_hour_usd,omitempty"`
}

// poolCounts are the tasks of a pool, in the words of docs/design.md.
type poolCounts struct {
	InService failover.Range `json:"in_service"`
	Running   int            `json:"running"`
	Warming   int            `json:"warming"`
	Placed    int            `json:"placed"`
	Late      int            `json:"late"`
	Unhealthy int            `json:"unhealthy"`
	Leaving   int            `json:"leaving"`
	Working   int            `json:"working"`
	Owed      int            `json:"owed"`
	ReadyBy   time.Time      `json:"ready_by,omitzero"`
	Sight     string         `json:"sight,omitempty"` // what the counts are worth, if the pool was not read
}

func countsOf(d *failover.PoolDecision) poolCounts {
	return poolCounts{InService: d.InService, Running: d.Running, Warming: d.Warming, Placed: d.Placed, Late: d.Late, Unhealthy: d.Unhealthy,
		Leaving: d.Leaving, Working: d.Working, Owed: d.Owed, ReadyBy: d.ReadyBy, Sight: wording.Sight(d.Sight)}
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
	failover.IntentPause, failover.IntentResume, failover.IntentConfirm}

// detailOf says all there is to say of a workload at now.
func detailOf(w *Workload, c Current, known bool, now time.Time) detail {
	d := detail{Now: now, fact: factOf(w, c, known, now), Pools: []poolFact{}, Because: []string{}, Notices: []failover.Notice{}, Next: []nextFact{},
		Withheld: []string{}, PriceNote: w.Prices.note(), Guard: guardOf([]Workload{*w}, map[string]Current{w.Name: c})}
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
	d.Because = append(d.Because, holding(w, &c.State)...)
	for _, f := range dec.Findings {
		if f.Reason != dec.Reason {
			d.Because = append(d.Because, wording.UpperFirst(wording.Finding(&f)))
		}
	}
	d.Notices = append(d.Notices, dec.Notices...)
	d.Withheld = append(d.Withheld, wording.Actions(dec.Withheld)...)
	next := dec.Next
	if len(next) == 0 {
		next = wording.Next(&w.Policy, &c.State, dec)
	}
	for _, n := range next {
		d.Next = append(d.Next, nextFact(n))
	}
	return d
}

// holding says the orders that hold, and the breakers that are not closed.
func holding(w *Workload, st *failover.State) []string {
	var out []string
	if st.Pin != nil {
		out = append(out, wording.UpperFirst(wording.Pinned(st.Pin)))
	}
	if st.Pause != nil {
		out = append(out, wording.UpperFirst(wording.Paused(st.Pause)))
	}
	for i := range w.Policy.Pools {
		name := w.Policy.Pools[i].Name
		if b := st.Pool(name).B; b.Mode != failover.Closed {
			out = append(out, wording.UpperFirst(wording.Breaker(name, &b)))
		}
	}
	return out
}

func poolOf(w *Workload, i int, c Current) poolFact {
	p := &w.Policy.Pools[i]
	st := c.State.Pool(p.Name)
	f := poolFact{Pool: p.Name, Capacity: string(p.Capacity), Breaker: st.B.Mode.String(), BreakerSince: st.B.Since}
	if i < len(w.Services) {
		f.Service = w.Services[i]
		f.ConsoleURL = placeOf(f.Service).console()
	}
	if st.Asked != nil {
		f.Asked = st.Asked.Count
	}
	for k := range c.Decision.Pools {
		if d := &c.Decision.Pools[k]; d.Pool == p.Name {
			f.Asked, f.poolCounts = d.Ask, countsOf(d)
			f.CapacityFailures, f.Interruptions, f.ReasonText = d.CapacityFailures, d.Interruptions, wording.Reason(d.Reason)
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
		return "estimated without ephemeral storage above 20 GiB, with your prices of " + p.Date
	}
	return "estimated without ephemeral storage above 20 GiB, with list prices of " + p.Date
}
