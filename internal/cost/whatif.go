package cost

import "fmt"

// Case is a month to be calculated: so many tasks of a size for so many hours, a share of them on Spot.
type Case struct {
	Tasks     float64 `json:"tasks"`
	Size      Size    `json:"size"`
	Hours     float64 `json:"hours"`
	SpotShare float64 `json:"spot_share"`
	OnDemand  Rate    `json:"on_demand"`
	Spot      Rate    `json:"spot"`
	// OnDemandDiscount is what a Savings Plan takes off the on-demand rate, 0 to 1. It does not apply to Spot.
	OnDemandDiscount float64 `json:"on_demand_discount,omitempty"`
	// ControlUSD is what Backstop itself costs in the time.
	ControlUSD float64 `json:"control_usd,omitempty"`
}

// Outcome is what a [Case] comes to, in US dollars.
type Outcome struct {
	AllOnDemandUSD float64 `json:"all_on_demand_usd"`
	SpotUSD        float64 `json:"spot_usd"`
	OnDemandUSD    float64 `json:"on_demand_usd"`
	ControlUSD     float64 `json:"control_usd"`
	TotalUSD       float64 `json:"total_usd"`
	SavedUSD       float64 `json:"saved_usd"`
	// SavedShare is of AllOnDemandUSD, 0 to 1.
	SavedShare float64 `json:"saved_share"`
}

// WhatIf calculates a case. The counterfactual pays the same discounted on-demand rate for every task-hour.
func WhatIf(c Case) (Outcome, error) {
	switch {
	case c.Tasks < 0 || c.Hours < 0 || c.Size.VCPU < 0 || c.Size.MemoryGB < 0:
		return Outcome{}, fmt.Errorf("calculate costs: tasks (%g), hours (%g) and size (%g vCPU, %g GB) must not be negative",
			c.Tasks, c.Hours, c.Size.VCPU, c.Size.MemoryGB)
	case !(c.SpotShare >= 0 && c.SpotShare <= 1):
		return Outcome{}, fmt.Errorf("calculate costs: spot_share %g is not within 0..1", c.SpotShare)
	case !(c.OnDemandDiscount >= 0 && c.OnDemandDiscount < 1):
		return Outcome{}, fmt.Errorf("calculate costs: the on-demand discount %g is not within 0..1", c.OnDemandDiscount)
	}
	hours := c.Tasks * c.Hours
	onDemand := c.OnDemand.TaskHour(c.Size) * (1 - c.OnDemandDiscount)
	o := Outcome{
		AllOnDemandUSD: hours * onDemand,
		SpotUSD:        hours * c.SpotShare * c.Spot.TaskHour(c.Size),
		OnDemandUSD:    hours * (1 - c.SpotShare) * onDemand,
		ControlUSD:     c.ControlUSD,
	}
	o.TotalUSD = o.SpotUSD + o.OnDemandUSD + o.ControlUSD
	o.SavedUSD = o.AllOnDemandUSD - o.TotalUSD
	if o.AllOnDemandUSD > 0 {
		o.SavedShare = o.SavedUSD / o.AllOnDemandUSD
	}
	return o, nil
}
