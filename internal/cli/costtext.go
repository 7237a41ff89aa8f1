package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/costpage"
	"github.com/backstop-ecs/backstop/internal/wording"
)

func usd(x float64) string {
	if x < 0 {
		return "-" + usd(-x)
	}
	return fmt.Sprintf("$%.2f", x)
}

// shareOf writes a part of a whole as a percentage.
func shareOf(part, whole float64) string {
	if whole <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*part/whole)
}

const (
	// daysShown and episodesShown bound what the text shows; JSON, CSV and the page have all.
	daysShown     = 31
	episodesShown = 20
)

// print writes the estimate as text.
func (f *costFacts) print(w io.Writer) error {
	for i := range f.Workloads {
		if i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		if err := f.Workloads[i].print(w); err != nil {
			return err
		}
	}
	if a := f.Alone; a != nil {
		_, _ = fmt.Fprintf(w, "\ntasks of no service, whole UTC days from %s to %s: %d started again on demand; %d have ended after %.1f hours: %s, on Spot %s",
			f.aloneSince.UTC().Format(time.DateOnly), f.At.UTC().Format(time.DateOnly), a.Started, a.Ended, a.Hours, usd(a.USD), usd(a.SpotUSD))
		if a.Unpriced > 0 {
			_, _ = fmt.Fprintf(w, ", without %d whose price is not known", a.Unpriced)
		}
		_, _ = fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "\nestimated from the observed tasks with %s; ephemeral storage above 20 GiB is not in it; the bill is in the Cost and Usage Report\n", f.Prices)
	return err
}

func (f *costFact) print(w io.Writer) error {
	_, _ = fmt.Fprintf(w, "%s: %g vCPU, %g GB, %s; a task-hour is ", f.Workload, f.VCPU, f.MemoryGB, f.Arch)
	for i, p := range f.Pools {
		if i > 0 {
			_, _ = fmt.Fprint(w, ", ")
		}
		_, _ = fmt.Fprintf(w, "$%.5f in %s (%s)", p.TaskHour, p.Pool, p.Region)
	}
	_, _ = fmt.Fprintln(w)
	if len(f.Days) == 0 {
		_, err := fmt.Fprintln(w, "  nothing is recorded yet")
		return err
	}
	_, _ = fmt.Fprintf(w, "%s to %s: paid %s, all on demand %s, saved %s (%s)", wording.Moment(f.From), wording.Moment(f.To),
		usd(f.Total.PaidUSD), usd(f.Total.AllOnDemandUSD), usd(f.Total.SavedUSD), shareOf(f.Total.SavedUSD, f.Total.AllOnDemandUSD))
	if f.SavedPerMonth == nil {
		_, _ = fmt.Fprint(w, "; less than a day says nothing of a month\n\n")
	} else {
		_, _ = fmt.Fprintf(w, "; that is %s a day and %s a month\n\n", usd(*f.SavedPerDay), usd(*f.SavedPerMonth))
	}
	rows := [][]string{{"DAY", "SPOT HOURS", "ON-DEMAND HOURS", "PAID", "ALL ON DEMAND", "SAVED", ""}}
	add := func(days []cost.Day) {
		for _, d := range days {
			rows = append(rows, []string{d.Date, fmt.Sprintf("%.1f", d.SpotTaskHours), fmt.Sprintf("%.1f", d.DemandTaskHours), usd(d.PaidUSD), usd(d.AllOnDemandUSD), usd(d.SavedUSD),
				shareOf(d.SavedUSD, d.AllOnDemandUSD)})
		}
	}
	if len(f.Days) > daysShown {
		add(f.Months)
	} else {
		add(f.Days)
	}
	if len(rows) > 2 {
		add([]cost.Day{f.Total})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	if err := f.printEpisodes(w); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "\n%.1f %% of the task-hours ran on demand", 100*f.OnDemandShare)
	if len(f.SavingsPlans) == 0 {
		_, err := fmt.Fprintf(w, "; a Savings Plan is worth a look when more than %.0f %% of a week and more do\n", 100*cost.AdviceFrom)
		return err
	}
	_, _ = fmt.Fprintln(w, "; Compute Savings Plans, which do not apply to Spot:")
	for _, a := range f.SavingsPlans {
		_, _ = fmt.Fprintln(w, "  "+a.Text)
	}
	return nil
}

func (f *costFact) printEpisodes(w io.Writer) error {
	if len(f.Episodes) == 0 {
		_, err := fmt.Fprintln(w, "\nno episode of cover: Spot held everything")
		return err
	}
	_, _ = fmt.Fprintf(w, "\n%s of cover", wording.Count(len(f.Episodes), "episode"))
	shown := f.Episodes
	if len(shown) > episodesShown {
		shown = shown[len(shown)-episodesShown:]
		_, _ = fmt.Fprintf(w, ", the last %d", episodesShown)
	}
	_, _ = fmt.Fprintln(w)
	rows := [][]string{{"FROM", "LASTED", "FOR", "MOST", "ON-DEMAND HOURS", "EXTRA OVER SPOT", "OF IT OVERLAP"}}
	for _, e := range shown {
		lasted := wording.Span(e.To.Sub(e.From))
		if e.Open {
			lasted += " so far"
		}
		rows = append(rows, []string{wording.Moment(e.From), lasted, e.Reason, fmt.Sprint(e.CoverMax), fmt.Sprintf("%.1f", e.OnDemandHours), usd(e.ExtraUSD), usd(e.OverlapUSD)})
	}
	return table(w, rows)
}

// writeCostPage writes the page of the costs.
func writeCostPage(path string, f *costFacts) error {
	p := costpage.Page{At: f.At, Prices: f.Prices}
	for i := range f.Workloads {
		c := &f.Workloads[i]
		p.Workloads = append(p.Workloads, costpage.Workload{Ledger: c.Ledger, PerDay: c.SavedPerDay, PerMonth: c.SavedPerMonth, Advice: c.SavingsPlans})
	}
	return writeWhole(path, func(w io.Writer) error { return costpage.HTML(w, p) })
}
