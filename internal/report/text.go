package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/backstop-ecs/backstop/internal/replay"
)

// JSON writes one object per section: indented if it is the only one, else one a line.
func JSON(w io.Writer, sections []Section) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if len(sections) == 1 {
		e.SetIndent("", "  ")
	}
	for i := range sections {
		if err := e.Encode(&sections[i]); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
	}
	return nil
}

// columns of the table and of CSV: a heading for people, the JSON field, and the value.
var columns = []struct {
	head, field string
	text        func(*Row) string
	number      func(*Row) float64
	about       string
}{
	{"cost", "cost_usd", func(r *Row) string { return fmt.Sprintf("$%.0f", r.CostUSD) }, func(r *Row) float64 { return r.CostUSD }, "US dollars for the whole run"},
	{"of on-demand", "cost_ratio", func(r *Row) string { return fmt.Sprintf("%.2f %%", 100*r.CostRatio) }, func(r *Row) float64 { return r.CostRatio }, "the cost as a share of what the demand alone would have cost on demand"},
	{"over oracle", "cost_over_oracle", overOracle, func(r *Row) float64 { return r.OverOracle }, "the cost over that of perfect foresight, which is never short"},
	{"short", "shortfall_per_1000_hours", func(r *Row) string { return between(r, "shortfall_per_1000_hours", r.ShortPer1000, "%.3f") }, func(r *Row) float64 { return r.ShortPer1000 }, "task-minutes below the demand in service, per 1,000 task-hours"},
	{"whole", "availability", func(r *Row) string { return fmt.Sprintf("%.3f %%", 100*r.Availability) }, func(r *Row) float64 { return r.Availability }, "share of the time in which all of the demand served"},
	{"RUNNING", "running_shortfall_per_1000_hours", func(r *Row) string { return fmt.Sprintf("%.3f", r.RunningShort) }, func(r *Row) float64 { return r.RunningShort }, "short, reckoned with tasks that run, ready or not"},
	{"return", "return_shortfall_per_1000_hours", func(r *Row) string { return fmt.Sprintf("%.3f", r.ReturnPer1000) }, func(r *Row) float64 { return r.ReturnPer1000 }, "the part of short that comes from stops of the policy's own, on the way back"},
	{"least", "working_share_min", func(r *Row) string { return fmt.Sprintf("%.0f %%", 100*r.WorkingMin) }, func(r *Row) float64 { return r.WorkingMin }, "the least share of the demand that ever served"},
	{"gap", "longest_gap_seconds", func(r *Row) string { return fmt.Sprintf("%.0f s", r.LongestGap) }, func(r *Row) float64 { return r.LongestGap }, "the longest time with something short"},
	{"failovers", "failovers", func(r *Row) string { return strconv.Itoa(r.Failovers) }, func(r *Row) float64 { return float64(r.Failovers) }, "how often the policy left Spot as a whole"},
	{"lost", "lost_tasks", func(r *Row) string { return strconv.Itoa(r.Lost) }, func(r *Row) float64 { return float64(r.Lost) }, "Spot tasks that AWS took"},
	{"starts/lost", "starts_per_lost_task", func(r *Row) string { return fmt.Sprintf("%.2f", r.PerLost) }, func(r *Row) float64 { return r.PerLost }, "task starts for each task lost"},
	{"s short/lost", "shortfall_seconds_per_lost_task", func(r *Row) string { return fmt.Sprintf("%.1f", r.ShortEach) }, func(r *Row) float64 { return r.ShortEach }, "seconds short for each task lost in service"},
	{"recovery s", "", recovery, nil, "seconds from the first warning of a loss of 10 % or more until all of the demand was in service without the warned tasks: P50/P95/P99"},
}

// csvOnly are fields that the table has no room for.
var csvOnly = []struct {
	field  string
	number func(*Row) float64
}{
	{"shortfall_task_minutes", func(r *Row) float64 { return r.ShortMinutes }},
	{"shortfall_ratio", func(r *Row) float64 { return r.ShortRatio }},
	{"availability_90", func(r *Row) float64 { return r.Availability90 }},
	{"availability_50", func(r *Row) float64 { return r.Availability50 }},
	{"availability_min", func(r *Row) float64 { return r.AvailabilityMin }},
	{"task_starts", func(r *Row) float64 { return float64(r.TaskStarts) }},
	{"spot_share", func(r *Row) float64 { return r.SpotShare }},
	{"recovery_p50_seconds", func(r *Row) float64 { return r.RecoveryP50 }},
	{"recovery_p95_seconds", func(r *Row) float64 { return r.RecoveryP95 }},
	{"recovery_p99_seconds", func(r *Row) float64 { return r.RecoveryP99 }},
	{"lost_in_service", func(r *Row) float64 { return float64(r.LostServing) }},
	{"return_share_min", func(r *Row) float64 { return r.ReturnMin }},
	{"peak_asked_per_missing", func(r *Row) float64 { return r.PeakRatio }},
	{"on_demand_asked_max", func(r *Row) float64 { return float64(r.AskedMost) }},
	{"running_shortfall_seconds_per_lost_task", func(r *Row) float64 { return r.RunningShortEach }},
	{"running_availability", func(r *Row) float64 { return r.RunningAvailability }},
	{"running_share_min", func(r *Row) float64 { return r.RunningMin }},
	{"running_longest_gap_seconds", func(r *Row) float64 { return r.RunningLongestGap }},
	{"running_recovery_p50_seconds", func(r *Row) float64 { return r.RunningRecoveryP50 }},
	{"running_recovery_p95_seconds", func(r *Row) float64 { return r.RunningRecoveryP95 }},
	{"running_recovery_p99_seconds", func(r *Row) float64 { return r.RunningRecoveryP99 }},
	{"wall_seconds", func(r *Row) float64 { return r.Wall }},
}

func overOracle(r *Row) string {
	if r.OracleUSD == 0 {
		return "-"
	}
	return between(r, "cost_over_oracle", 100*r.OverOracle, "%+.2f %%")
}

// between adds the confidence interval to a mean, if there is one worth showing.
func between(r *Row, field string, v float64, form string) string {
	half := r.Interval[field]
	if field == "cost_over_oracle" {
		half *= 100
	}
	if half == 0 || v == 0 {
		return fmt.Sprintf(form, v)
	}
	return fmt.Sprintf(form+" ±%.2g", v, half)
}

func recovery(r *Row) string {
	if r.Incidents == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f/%.0f/%.0f", r.RecoveryP50, r.RecoveryP95, r.RecoveryP99)
}

// Table writes a table per section, for people.
func Table(w io.Writer, sections []Section) error {
	for i := range sections {
		s := &sections[i]
		if i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		a := &s.About
		seeds := "1 seed"
		if a.Seeds > 1 {
			seeds = fmt.Sprintf("%d seeds", a.Seeds)
		}
		world := a.World
		if a.WarmUp != "" {
			world += ", warm-up " + a.WarmUp
		}
		_, _ = fmt.Fprintf(w, "%s: %.4g days, %d tasks, %s, zones %s, %s, $%.5f on-demand and $%.5f Spot a task-hour (%s)\n", s.Trace, a.Days, a.Tasks,
			world, a.Zones, seeds, a.OnDemandUSD, a.SpotUSD, a.PricesOf)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		head := []string{"policy"}
		for _, c := range columns {
			head = append(head, c.head)
		}
		_, _ = fmt.Fprintln(t, strings.Join(head, "\t"))
		for k := range s.Rows {
			cells := []string{s.Rows[k].Policy}
			for _, c := range columns {
				cells = append(cells, c.text(&s.Rows[k]))
			}
			_, _ = fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
		if err := t.Flush(); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	for i := range sections {
		if text := Conclusion(sections[i]); text != "" {
			_, _ = fmt.Fprintf(w, "\n%s: %s\n", sections[i].Trace, text)
		}
	}
	_, _ = fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range columns {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", c.head, c.about)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// CSV writes every row of every section, a header first.
func CSV(w io.Writer, sections []Section) error {
	out := csv.NewWriter(w)
	head := []string{"trace", "policy", "seeds", "world", "zones", "tasks"}
	for _, c := range columns {
		if c.number != nil {
			head = append(head, c.field)
		}
	}
	for _, c := range csvOnly {
		head = append(head, c.field)
	}
	_ = out.Write(head)
	for i := range sections {
		s := &sections[i]
		for k := range s.Rows {
			r := &s.Rows[k]
			cells := []string{s.Trace, r.Policy, strconv.Itoa(r.Seeds), s.About.World, s.About.Zones, strconv.Itoa(s.About.Tasks)}
			for _, c := range columns {
				if c.number != nil {
					cells = append(cells, strconv.FormatFloat(c.number(r), 'g', 8, 64))
				}
			}
			for _, c := range csvOnly {
				cells = append(cells, strconv.FormatFloat(c.number(r), 'g', 8, 64))
			}
			_ = out.Write(cells)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// Summary writes what holds over all sections for each policy: mean and worst.
func Summary(w io.Writer, title string, sections []Section) error {
	_, _ = fmt.Fprintf(w, "%s: mean over %d traces (worst)\n", title, len(sections))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "policy\tover oracle\tshort\tleast\tstarts/lost\ts short/lost\trecovery s")
	if len(sections) == 0 {
		return t.Flush()
	}
	for k := range sections[0].Rows {
		name := sections[0].Rows[k].Policy
		if name == replay.OracleName {
			continue
		}
		all := Row{}
		worst := Row{Result: replay.Result{WorkingMin: 1}}
		n := 0.0
		for i := range sections {
			for j := range sections[i].Rows {
				r := &sections[i].Rows[j]
				if r.Policy != name {
					continue
				}
				n++
				all.OverOracle += r.OverOracle
				all.ShortPer1000 += r.ShortPer1000
				all.PerLost += r.PerLost
				all.ShortEach += r.ShortEach
				all.Recoveries = append(all.Recoveries, r.Recoveries...)
				worst.OverOracle = max(worst.OverOracle, r.OverOracle)
				worst.ShortPer1000 = max(worst.ShortPer1000, r.ShortPer1000)
				worst.PerLost = max(worst.PerLost, r.PerLost)
				worst.WorkingMin = min(worst.WorkingMin, r.WorkingMin)
				worst.ShortEach = max(worst.ShortEach, r.ShortEach)
			}
		}
		_, _ = fmt.Fprintf(t, "%s\t%+.2f %% (%+.2f)\t%.3f (%.3f)\t%.0f %%\t%.2f (%.2f)\t%.1f (%.1f)\t%.0f/%.0f/%.0f\n", name, 100*all.OverOracle/n, 100*worst.OverOracle,
			all.ShortPer1000/n, worst.ShortPer1000, 100*worst.WorkingMin, all.PerLost/n, worst.PerLost, all.ShortEach/n, worst.ShortEach,
			replay.Percentile(all.Recoveries, 0.5), replay.Percentile(all.Recoveries, 0.95), replay.Percentile(all.Recoveries, 0.99))
	}
	return t.Flush()
}
