package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/pricelist"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// whatIfFacts is the answer of `backstop cost --what-if`.
type whatIfFacts struct {
	Region           string       `json:"region"`
	Arch             string       `json:"arch"`
	Prices           string       `json:"prices"`
	Case             cost.Case    `json:"case"`
	OnDemandTaskHour float64      `json:"on_demand_task_hour_usd"`
	SpotTaskHour     float64      `json:"spot_task_hour_usd"`
	Outcome          cost.Outcome `json:"outcome"`
	SavedYear        float64      `json:"saved_per_year_usd"`
	// SavingsPlans say, where more than a tenth runs on demand, what Compute Savings Plans would change; a share alone does not say how it
	// is spread, so there are the two ends.
	SavingsPlans []planFacts `json:"savings_plans"`
}

// planFacts is the advice on a plan for one way in which the on-demand hours may be spread.
type planFacts struct {
	Spread string `json:"spread"`
	cost.Advice
}

// whatIfCase is the case and the names that are no numbers.
type whatIfCase struct {
	cost.Case
	region, arch string
	article      bool
}

// hoursOfYear are those of the mean year.
const hoursOfYear = 365.25 * 24

// whatIfKeys are the keys of --what-if, in the order of the help.
var whatIfKeys = []string{"tasks", "cpu", "memory", "region", "arch", "hours", "spot_share", "control", "prices"}

// readWhatIf reads KEY=VALUE pairs. Left out are: an x86 task of 1 vCPU in us-east-1 with the least memory, 720 hours, all on Spot.
func readWhatIf(args []string) (whatIfCase, error) {
	c := whatIfCase{region: "us-east-1", arch: string(cost.X86)}
	c.Size, c.Hours, c.SpotShare = cost.Size{VCPU: 1, MemoryGB: 2}, 720, 1
	numbers := map[string]*float64{"tasks": &c.Tasks, "cpu": &c.Size.VCPU, "memory": &c.Size.MemoryGB, "hours": &c.Hours, "spot_share": &c.SpotShare, "control": &c.ControlUSD}
	seen := map[string]bool{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || !slices.Contains(whatIfKeys, key) {
			return c, usageError("--what-if %q: must be KEY=VALUE with a key of %s", arg, strings.Join(whatIfKeys, ", "))
		}
		if seen[key] {
			return c, usageError("--what-if %s: is there twice", key)
		}
		seen[key] = true
		if to := numbers[key]; to != nil {
			n, err := strconv.ParseFloat(value, 64)
			switch {
			case err != nil || !(n >= 0 && n < 1e9):
				return c, usageError("--what-if %s=%s: must be a number of at least 0", key, value)
			case n == 0 && (key == "cpu" || key == "memory"):
				return c, usageError("--what-if %s=%s: must be above 0", key, value)
			case n > 1 && key == "spot_share":
				return c, usageError("--what-if %s=%s: must be 0 to 1", key, value)
			}
			*to = n
			continue
		}
		switch key {
		case "region":
			c.region = value
		case "arch":
			c.arch = strings.ToUpper(value)
			if c.arch != string(cost.X86) && c.arch != string(cost.ARM64) {
				return c, usageError("--what-if arch=%s: must be %s or %s", value, cost.X86, cost.ARM64)
			}
		case "prices":
			if value != "article" {
				return c, usageError("--what-if prices=%s: must be article, or left out for the table's", value)
			}
			c.article = true
		}
	}
	if fits := cost.FargateMemory(int(c.Size.VCPU * 1024)); !seen["memory"] && len(fits) > 0 {
		c.Size.MemoryGB = float64(fits[0]) / 1024
	}
	if err := cost.CheckFargate(c.Size); err != nil {
		return c, usageError("--what-if cpu=%g memory=%g: %w", c.Size.VCPU, c.Size.MemoryGB, err)
	}
	if !seen["tasks"] {
		return c, usageError("--what-if needs tasks=N, and takes %s", strings.Join(whatIfKeys[1:], ", "))
	}
	return c, nil
}

func runWhatIf(ctx context.Context, s IO, o costOptions) error {
	if o.output == outputCSV {
		return usageError("--what-if: no CSV; -o json has every figure")
	}
	c, err := readWhatIf(o.args)
	if err != nil {
		return err
	}
	prices := "the built-in table of " + cost.TableDate
	switch {
	case c.article:
		c.OnDemand, c.Spot, prices = cost.ArticleOnDemand, cost.ArticleSpot, "the article's (January 2026; they are not Tokyo's)"
	default:
		var t cost.Table
		if o.live {
			cfg, err := session.Load(ctx, "")
			if err != nil {
				return err
			}
			if t, err = pricelist.Over(ctx, cfg, t, s.Now().UTC().Format(time.DateOnly), []string{c.region}); err != nil {
				_, _ = fmt.Fprintf(s.Err, "warning: %v; the table of %s stands in for it\n", err, cost.TableDate)
			} else {
				prices = "AWS's price list of today for on-demand, and " + prices + " for Spot"
			}
		}
		for capacity, to := range map[failover.Capacity]*cost.Rate{failover.OnDemand: &c.OnDemand, failover.Spot: &c.Spot} {
			if *to, err = t.Rate(cost.Key{Region: c.region, Arch: cost.Arch(c.arch), Capacity: capacity}); err != nil {
				return usageError("--what-if region=%s: no prices are known; there are those of %s", c.region, strings.Join(cost.Regions(cost.Arch(c.arch)), ", "))
			}
		}
	}
	if o.onDemand != nil {
		c.OnDemand, prices = *o.onDemand, "your on-demand rate, and "+prices+" for Spot"
	}
	c.OnDemandDiscount = o.discount
	out, err := cost.WhatIf(c.Case)
	if err != nil {
		return usageError("--what-if: %w", err)
	}
	f := whatIfFacts{Region: c.region, Arch: c.arch, Prices: prices, Case: c.Case, OnDemandTaskHour: c.OnDemand.TaskHour(c.Size) * (1 - o.discount), SpotTaskHour: c.Spot.TaskHour(c.Size), Outcome: out,
		SavingsPlans: plansFor(&c.Case)}
	if c.Hours > 0 {
		f.SavedYear = out.SavedUSD / c.Hours * hoursOfYear
	}
	if o.output == outputJSON {
		return printJSON(s.Out, f)
	}
	return f.print(s)
}

// plansFor works out Compute Savings Plans, at the undiscounted rate, as `cost` does from a journal: for on-demand hours of always the same
// tasks, and for such of all tasks now and then. A real workload is in between.
func plansFor(c *cost.Case) []planFacts {
	out := []planFacts{}
	share := 1 - c.SpotShare
	if share <= cost.AdviceFrom {
		return out
	}
	always, part := math.Modf(c.Tasks * share)
	steady := slices.Repeat([]float64{1}, int(min(always, levelsMax)))
	if part > 0 {
		steady = append(steady, part)
	}
	for _, spread := range []struct {
		text   string
		levels []float64
	}{
		{fmt.Sprintf("if always the same %.4g of %g tasks run on demand", c.Tasks*share, c.Tasks), steady},
		{fmt.Sprintf("if all %g tasks run on demand for %.3g %% of the time", c.Tasks, 100*share), slices.Repeat([]float64{share}, int(min(c.Tasks, levelsMax)))},
	} {
		for _, p := range cost.Plans() {
			out = append(out, planFacts{spread.text, cost.Advise(p, spread.levels, c.Hours, c.OnDemand.TaskHour(c.Size))})
		}
	}
	return out
}

// levelsMax bounds the tasks that are reckoned one by one.
const levelsMax = 1e6

func (f *whatIfFacts) printPlans(s IO) {
	share := 100 * (1 - f.Case.SpotShare)
	if len(f.SavingsPlans) == 0 {
		_, _ = fmt.Fprintf(s.Out, "\n%.1f %% of the task-hours on demand; a Savings Plan is worth a look when more than %.0f %% are\n", share, 100*cost.AdviceFrom)
		return
	}
	_, _ = fmt.Fprintf(s.Out, "\n%.1f %% of the task-hours on demand; Compute Savings Plans, which do not apply to Spot:\n", share)
	spread := ""
	for i := range f.SavingsPlans {
		p := &f.SavingsPlans[i]
		if p.Spread != spread {
			spread = p.Spread
			_, _ = fmt.Fprintf(s.Out, "  %s\n", spread)
		}
		_, _ = fmt.Fprintf(s.Out, "    %s\n", p.Text)
	}
}

func (f *whatIfFacts) print(s IO) error {
	c, out := &f.Case, &f.Outcome
	where := "in " + f.Region
	if strings.HasPrefix(f.Prices, "the article's") {
		where = "at the article's prices"
	}
	tasks := fmt.Sprintf("%g tasks", c.Tasks)
	if c.Tasks == 1 {
		tasks = "1 task"
	}
	_, _ = fmt.Fprintf(s.Out, "%s of %g vCPU and %g GB (%s) %s for %g hours, %s of them on Spot\n\n", tasks, c.Size.VCPU, c.Size.MemoryGB, f.Arch, where, c.Hours, shareOf(c.SpotShare, 1))
	spotHours, demandHours := c.Tasks*c.Hours*c.SpotShare, c.Tasks*c.Hours*(1-c.SpotShare)
	rows := [][]string{
		{"a task-hour on demand", fmt.Sprintf("$%.5f", f.OnDemandTaskHour), fmt.Sprintf("%g x $%g + %g x $%g%s", c.Size.VCPU, c.OnDemand.VCPUHour, c.Size.MemoryGB, c.OnDemand.GBHour, lessDiscount(c.OnDemandDiscount))},
		{"a task-hour on Spot", fmt.Sprintf("$%.5f", f.SpotTaskHour), fmt.Sprintf("%g x $%g + %g x $%g, %s less", c.Size.VCPU, c.Spot.VCPUHour, c.Size.MemoryGB, c.Spot.GBHour, shareOf(f.OnDemandTaskHour-f.SpotTaskHour, f.OnDemandTaskHour))},
		{"all on demand", usd(out.AllOnDemandUSD), fmt.Sprintf("%g task-hours", c.Tasks*c.Hours)},
		{"Spot", usd(out.SpotUSD), fmt.Sprintf("%.0f task-hours", spotHours)},
		{"on demand", usd(out.OnDemandUSD), fmt.Sprintf("%.0f task-hours", demandHours)},
		{"Backstop itself", usd(out.ControlUSD), "control=; docs/cost.md says what the function costs"},
		{"total", usd(out.TotalUSD), ""},
		{"saved", usd(out.SavedUSD), fmt.Sprintf("%s; %s a year", shareOf(out.SavedUSD, out.AllOnDemandUSD), usd(f.SavedYear))},
	}
	if err := table(s.Out, rows); err != nil {
		return err
	}
	f.printPlans(s)
	_, err := fmt.Fprintf(s.Out, "\nprices: %s. Overlap while cover starts and is given back is not in it; `backstop simulate` shows what it comes to.\n", f.Prices)
	return err
}

func lessDiscount(d float64) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf(", less %.0f %%", 100*d)
}
