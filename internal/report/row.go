package report

import (
	"math"
	"slices"

	"github.com/backstop-ecs/backstop/internal/replay"
)

// Row is what one policy did on one trace, over its seeds. The fields of the result are means over the seeds, but for the gaps, which
// are the longest, the least shares and the greatest asks, and the recoveries, whose percentiles are taken over all seeds together.
type Row struct {
	replay.Result
	Doc   string `json:"description,omitempty"`
	Seeds int    `json:"seeds"`
	// AvailabilityMin and Availability90Min are of the worst seed.
	AvailabilityMin   float64 `json:"availability_min"`
	Availability90Min float64 `json:"availability_90_min"`
	// Interval holds half the width of the 95 % confidence interval of a mean, by field; empty for one seed.
	Interval map[string]float64 `json:"ci95,omitempty"`
	// Fields are the policy fields that a sweep or --set changed.
	Fields map[string]string `json:"fields,omitempty"`
}

// Section is one trace and every policy's row on it.
type Section struct {
	Trace    string  `json:"trace"`
	About    Setting `json:"setting"`
	Rows     []Row   `json:"results"`
	Timeline []Chart `json:"-"`
	Sweep    *Sweep  `json:"-"`
}

// Setting says what the results rest on.
type Setting struct {
	Days        float64  `json:"days"`
	Tasks       int      `json:"tasks"` // the demand, or its greatest
	World       string   `json:"world"`
	Zones       string   `json:"zones"`
	Region      string   `json:"region,omitempty"`
	PricesOf    string   `json:"prices_of"`
	OnDemandUSD float64  `json:"on_demand_task_hour_usd"`
	SpotUSD     float64  `json:"spot_task_hour_usd"`
	StartUp     string   `json:"start_up"`
	WarmUp      string   `json:"warm_up,omitempty"`
	Seeds       int      `json:"seeds"`
	Notes       []string `json:"notes,omitempty"`
	Command     string   `json:"command,omitempty"`
}

// Chart is one policy's run over time, of one seed.
type Chart struct {
	Policy   string
	Timeline *replay.Timeline
	Days     float64
}

// Sweep is a table of variants of one policy over one or two fields.
type Sweep struct {
	Policy string
	Fields []string
	Values [][]string
	// Cells are indices into Section.Rows, by value of the first field, then of the second.
	Cells [][]int
}

// Mean joins the results of one policy on one trace over its seeds.
func Mean(results []replay.Result) Row {
	row := Row{Result: results[0], Seeds: len(results), AvailabilityMin: 1, Availability90Min: 1}
	row.Timeline = nil
	row.Violations = nil
	n := float64(len(results))
	for _, f := range meanFields {
		values := make([]float64, len(results))
		sum := 0.0
		for i := range results {
			values[i] = *f.at(&results[i])
			sum += values[i]
		}
		*f.at(&row.Result) = sum / n
		if len(results) > 1 {
			if row.Interval == nil {
				row.Interval = map[string]float64{}
			}
			row.Interval[f.name] = halfWidth(values, sum/n)
		}
	}
	counts := [7]float64{}
	for i := range results {
		r := &results[i]
		for k, v := range []int{r.Failovers, r.Lost, r.LostServing, r.TaskStarts, r.Updates, r.Passes, r.Events} {
			counts[k] += float64(v) / n
		}
		row.extremes(r)
		if len(row.Violations) < 10 {
			row.Violations = append(row.Violations, r.Violations...)
		}
	}
	for k, to := range []*int{&row.Failovers, &row.Lost, &row.LostServing, &row.TaskStarts, &row.Updates, &row.Passes, &row.Events} {
		*to = int(math.Round(counts[k]))
	}
	row.recoveries(results)
	if counts[1] > 0 {
		row.PerLost = counts[3] / counts[1]
		row.RunningShortEach = row.RunningShort * row.DemandHours / 1000 * 60 / counts[1]
	}
	if counts[2] > 0 {
		row.ShortEach = row.ShortMinutes * 60 / counts[2]
	}
	return row
}

// extremes takes over what a row has the worst seed of.
func (row *Row) extremes(r *replay.Result) {
	row.LongestGap = max(row.LongestGap, r.LongestGap)
	row.WorkingMin = min(row.WorkingMin, r.WorkingMin)
	row.RunningLongestGap = max(row.RunningLongestGap, r.RunningLongestGap)
	row.RunningMin = min(row.RunningMin, r.RunningMin)
	row.ReturnMin = min(row.ReturnMin, r.ReturnMin)
	row.AskedMost = max(row.AskedMost, r.AskedMost)
	row.AvailabilityMin = min(row.AvailabilityMin, r.Availability)
	row.Availability90Min = min(row.Availability90Min, r.Availability90)
	if r.PeakRatio > row.PeakRatio {
		row.PeakRatio, row.PeakAsked, row.PeakMissing = r.PeakRatio, r.PeakAsked, r.PeakMissing
	}
}

// recoveries takes the percentiles over all seeds.
func (row *Row) recoveries(results []replay.Result) {
	var served, ran []float64
	for i := range results {
		served = append(served, results[i].Recoveries...)
		ran = append(ran, results[i].RunningRecoveries...)
	}
	row.Recoveries, row.RunningRecoveries, row.Incidents = served, ran, len(served)
	row.RecoveryP50, row.RecoveryP95, row.RecoveryP99 = replay.Percentile(served, 0.5), replay.Percentile(served, 0.95), replay.Percentile(served, 0.99)
	row.RunningRecoveryP50, row.RunningRecoveryP95, row.RunningRecoveryP99 = replay.Percentile(ran, 0.5), replay.Percentile(ran, 0.95), replay.Percentile(ran, 0.99)
}

type field struct {
	name string
	at   func(*replay.Result) *float64
}

var meanFields = []field{
	{"cost_usd", func(r *replay.Result) *float64 { return &r.CostUSD }},
	{"cost_ratio", func(r *replay.Result) *float64 { return &r.CostRatio }},
	{"cost_over_oracle", func(r *replay.Result) *float64 { return &r.OverOracle }},
	{"oracle_usd", func(r *replay.Result) *float64 { return &r.OracleUSD }},
	{"all_on_demand_usd", func(r *replay.Result) *float64 { return &r.OnDemandUSD }},
	{"demand_task_hours", func(r *replay.Result) *float64 { return &r.DemandHours }},
	{"spot_task_hours", func(r *replay.Result) *float64 { return &r.SpotHours }},
	{"on_demand_task_hours", func(r *replay.Result) *float64 { return &r.CoverHours }},
	{"spot_share", func(r *replay.Result) *float64 { return &r.SpotShare }},
	{"shortfall_task_minutes", func(r *replay.Result) *float64 { return &r.ShortMinutes }},
	{"shortfall_ratio", func(r *replay.Result) *float64 { return &r.ShortRatio }},
	{"shortfall_per_1000_hours", func(r *replay.Result) *float64 { return &r.ShortPer1000 }},
	{"availability", func(r *replay.Result) *float64 { return &r.Availability }},
	{"availability_90", func(r *replay.Result) *float64 { return &r.Availability90 }},
	{"availability_50", func(r *replay.Result) *float64 { return &r.Availability50 }},
	{"return_shortfall_per_1000_hours", func(r *replay.Result) *float64 { return &r.ReturnPer1000 }},
	{"running_shortfall_per_1000_hours", func(r *replay.Result) *float64 { return &r.RunningShort }},
	{"running_availability", func(r *replay.Result) *float64 { return &r.RunningAvailability }},
	{"wall_seconds", func(r *replay.Result) *float64 { return &r.Wall }},
}

// student holds the 97.5 % quantiles of Student's distribution for 1..30 degrees of freedom.
var student = [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
	2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042}

// Quantile95 is how many standard errors the 95 % confidence interval of a mean of n values, at least two, reaches to either side.
func Quantile95(n int) float64 {
	if n-2 < len(student) {
		return student[n-2]
	}
	return 1.96
}

// halfWidth is half the width of the 95 % confidence interval of a mean.
func halfWidth(values []float64, mean float64) float64 {
	ss := 0.0
	for _, v := range values {
		ss += (v - mean) * (v - mean)
	}
	n := len(values)
	return Quantile95(n) * math.Sqrt(ss/float64(n-1)/float64(n))
}

// Frontier returns the indices of the rows that no other row beats in both cost and shortfall, cheapest first. The oracle, which nobody
// can follow, does not count.
func Frontier(rows []Row) []int {
	var order []int
	for i := range rows {
		if rows[i].Policy != replay.OracleName {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rows[a].CostRatio != rows[b].CostRatio:
			return sign(rows[a].CostRatio - rows[b].CostRatio)
		default:
			return sign(rows[a].ShortRatio - rows[b].ShortRatio)
		}
	})
	var out []int
	least := math.Inf(1)
	for _, i := range order {
		if rows[i].ShortRatio < least {
			least = rows[i].ShortRatio
			out = append(out, i)
		}
	}
	return out
}

func sign(x float64) int {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}
