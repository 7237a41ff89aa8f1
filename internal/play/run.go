package play

import "github.com/backstop-ecs/backstop/internal/replay"

// momentsMax bounds what the page draws of a run: more than this cannot be told apart on any screen.
const momentsMax = 60_000

// Played is one policy's run. Money is in US dollars at the article's prices; shares are 0 to 1.
type Played struct {
	Policy         string  `json:"policy"`
	CostUSD        float64 `json:"cost_usd"`
	CostRatio      float64 `json:"cost_ratio"` // to running the whole demand on on-demand
	MissingMinutes float64 `json:"missing_task_minutes"`
	OnDemandShare  float64 `json:"on_demand_share"`     // of the billed task-hours
	Availability   float64 `json:"availability"`        // share of time with all of the demand served
	LongestGap     float64 `json:"longest_gap_seconds"` // longest time with less than the demand served
	Updates        int     `json:"service_updates"`
	Failovers      int     `json:"failovers"`
	Lost           int     `json:"lost_tasks"`
	// Times are in seconds; what served holds from each on. A warned task that works on serves, one that warms up does not.
	Times    []float64 `json:"times"`
	Demand   []int     `json:"demand"`
	Spot     []int     `json:"spot"`
	OnDemand []int     `json:"on_demand"`
	// Choices are the decisions that changed something.
	Choices []Choice `json:"choices"`
}

// Choice is one decision: when, in seconds, and in the words that Backstop uses everywhere.
type Choice struct {
	At   float64 `json:"at"`
	Text string  `json:"text"`
}

func played(run replay.Run, policy string) (*Played, error) {
	var err error
	if run.Policy, err = replay.ByName(policy); err != nil {
		return nil, err
	}
	run.Record, run.Every = true, true
	r, err := replay.Simulate(run)
	if err != nil {
		return nil, err
	}
	p := &Played{
		Policy: policy, CostUSD: r.CostUSD, CostRatio: r.CostRatio, MissingMinutes: r.ShortMinutes, OnDemandShare: 1 - r.SpotShare, Availability: r.Availability,
		LongestGap: r.LongestGap, Updates: r.Updates, Failovers: r.Failovers, Lost: r.Lost, Choices: make([]Choice, 0, len(r.Timeline.Choices)),
	}
	if r.SpotHours+r.CoverHours == 0 {
		p.OnDemandShare = 0
	}
	moments := thinned(r.Timeline.Moments, momentsMax)
	p.Times = make([]float64, len(moments))
	counts := make([]int, 3*len(moments))
	p.Demand, p.Spot, p.OnDemand = counts[:len(moments)], counts[len(moments):2*len(moments)], counts[2*len(moments):]
	for i, m := range moments {
		p.Times[i], p.Demand[i], p.Spot[i], p.OnDemand[i] = rounded(m.At), m.Demand, m.Spot, m.OnDemand
	}
	for _, c := range r.Timeline.Choices {
		p.Choices = append(p.Choices, Choice{At: rounded(c.At), Text: c.Text})
	}
	return p, nil
}

// thinned leaves at most about most moments, in steps of equal length: of each the one with the most missing, so that no shortage is left
// out.
func thinned(all []replay.Moment, most int) []replay.Moment {
	if len(all) <= most {
		return all
	}
	missing := func(m *replay.Moment) int { return m.Demand - m.Spot - m.OnDemand }
	whole := float64(all[len(all)-1].At) + 1
	var out []replay.Moment
	last := -1
	for i := range all {
		k := int(float64(all[i].At) / whole * float64(most))
		switch {
		case k != last:
			out, last = append(out, all[i]), k
		case missing(&all[i]) > missing(&out[len(out)-1]):
			out[len(out)-1] = all[i]
		}
	}
	return out
}
