package cost

import "fmt"

// Plan is a Compute Savings Plan: an hourly commitment for what is used on demand, at a discount, paid for
// whether it is used or not. It does not apply to Fargate Spot.
type Plan struct {
	Name string `json:"name"`
	// Discount is taken off the on-demand rate, 0 to 1.
	Discount float64 `json:"discount"`
}

// Plans lists Compute Savings Plans for Fargate with their discounts in us-east-1 as of 2026-09-25.
func Plans() []Plan {
	return []Plan{
		{"1 year, no upfront", 0.20},
		{"3 years, no upfront", 0.45},
		{"3 years, all upfront", 0.52},
	}
}

// AdviceFrom is the share of on-demand hours from which a plan is worth a look: the article's mark.
const AdviceFrom = 0.10

// Advice is what one plan would change.
type Advice struct {
	Plan Plan `json:"plan"`
	// BreakEvenShare is the share of the time for which the committed tasks must run on demand for the plan
	// to pay: one minus its discount.
	BreakEvenShare float64 `json:"break_even_share"`
	// Tasks is how many tasks to commit to, HourlyUSD what that costs for each hour at the discounted rate.
	Tasks     int     `json:"tasks"`
	HourlyUSD float64 `json:"hourly_usd"`
	// SavesUSD is the estimate for the same time again; 0 when no commitment pays.
	SavesUSD float64 `json:"saves_usd"`
	Text     string  `json:"text"`
}

// Advise says which commitment would have paid. levels[n] is the share of the time in which more than n
// on-demand tasks ran (levels[0]: any at all), hours the length of that time, taskHour the on-demand price.
//
// Committing to the (n+1)th task pays when it runs on demand for more than 1-discount of the time: for each
// hour the commitment costs (1-discount), and saves 1 only in the hours in which the task runs.
func Advise(p Plan, levels []float64, hours, taskHour float64) Advice {
	a := Advice{Plan: p, BreakEvenShare: 1 - p.Discount}
	for _, share := range levels {
		if share <= a.BreakEvenShare {
			break
		}
		a.Tasks++
		a.SavesUSD += (share - a.BreakEvenShare) * hours * taskHour
	}
	a.HourlyUSD = float64(a.Tasks) * taskHour * (1 - p.Discount)
	first := 0.0
	if len(levels) > 0 {
		first = levels[0]
	}
	if a.Tasks == 0 {
		a.Text = fmt.Sprintf("%s: does not pay: a committed task must run on demand for more than %.0f %% of the time, the first one did for %.1f %%",
			p.Name, 100*a.BreakEvenShare, 100*first)
	} else {
		tasks := fmt.Sprintf("%d tasks", a.Tasks)
		if a.Tasks == 1 {
			tasks = "1 task"
		}
		a.Text = fmt.Sprintf("%s: commit to %s ($%.4f an hour): each ran on demand for more than %.0f %% of the time; saves about $%.2f in the same time again",
			p.Name, tasks, a.HourlyUSD, 100*a.BreakEvenShare, a.SavesUSD)
	}
	return a
}
