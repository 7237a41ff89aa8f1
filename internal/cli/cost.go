package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/pricelist"
	"github.com/backstop-ecs/backstop/internal/aws/taskdef"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

const (
	costSince = "30d"
	// adviceLeast is how long a record must be before it says anything about a commitment of years.
	adviceLeast = 7 * 24 * time.Hour
	// meanLeast is how long it must be before it says anything about a day or a month.
	meanLeast = 24 * time.Hour
	// daysOfMonth is the mean length of a month in days.
	daysOfMonth = 365.25 / 12
)

type costOptions struct {
	path      string
	output    string
	out       string
	since     string
	args      []string // workloads, or the what-if's key=value
	rate      string
	discount  float64
	live      bool
	whatIf    bool
	onDemand  *cost.Rate // --on-demand-rate, read
	sinceTime time.Time
}

// costFacts is the answer of `backstop cost`.
type costFacts struct {
	At time.Time `json:"at"`
	// Prices says in words which prices were used.
	Prices    string     `json:"prices"`
	Discount  float64    `json:"on_demand_discount"`
	Workloads []costFact `json:"workloads"`
	// Alone is what tasks of no service that were started again cost, by the prices of then; absent where there were none.
	Alone *taskretry.Day `json:"tasks_started_again,omitempty"`
	// aloneSince is the moment whose UTC day is the first that Alone sums.
	aloneSince time.Time
}

// costFact is one workload's.
type costFact struct {
	cost.Ledger
	Arch        string      `json:"arch"`
	VCPU        float64     `json:"vcpu"`
	MemoryGB    float64     `json:"memory_gb"`
	OnDemandUSD float64     `json:"on_demand_task_hour_usd"`
	Pools       []poolPrice `json:"pools"`
	// SavedPerDay and SavedPerMonth are in the mean; absent for less than a day, which says nothing of a month.
	SavedPerDay   *float64      `json:"saved_per_day_usd,omitempty"`
	SavedPerMonth *float64      `json:"saved_per_month_usd,omitempty"`
	Months        []cost.Day    `json:"months"`
	SavingsPlans  []cost.Advice `json:"savings_plans"`
}

type poolPrice struct {
	Pool     string  `json:"pool"`
	Capacity string  `json:"capacity"`
	Region   string  `json:"region"`
	TaskHour float64 `json:"task_hour_usd"`
}

func newCostCommand(s IO) *cobra.Command { return newCost(s, runCost) }

func newCost(s IO, run func(context.Context, IO, costOptions) error) *cobra.Command {
	var o costOptions
	cmd := &cobra.Command{
		Use:   "cost [WORKLOAD...] | cost --what-if KEY=VALUE...",
		Short: "Say what was paid and what Spot saved, estimated; or calculate a case",
		Long: "Cost adds up the journal: what the observed tasks cost, what the same demand would have cost all on demand, what each episode of cover cost and how much of " +
			"it was overlap. Prices are the dated table's, the operator's own from the configuration, or with --live-prices AWS's price list, which has no Spot prices; the " +
			"answer names which. It is an estimate and no bill. With --what-if it calculates a case instead: tasks, cpu (vCPU), memory (GB), region, arch, hours, spot_share, " +
			"control (dollars for Backstop itself) and prices (article: those of the article that docs/cost.md recalculates).",
		Example: "backstop cost --since 30d\nbackstop cost analytics --out cost.html --discount 0.2\nbackstop cost -o csv > cost.csv\n" +
			"backstop cost --what-if tasks=200 cpu=4 memory=16 region=ap-northeast-1 spot_share=0.95",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			if err := o.check(s.Now()); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	choiceFlag(cmd, &o.output, "output", "o", outputText, []string{outputText, outputJSON, outputCSV}, "form of the answer; json is documented in docs/json.md")
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "also write a page to this file (HTML)")
	f.StringVar(&o.since, "since", costSince, "from then on: days (30d) or hours (24h) back, or a time (2026-11-01T08:00:00Z)")
	f.StringVar(&o.rate, "on-demand-rate", "", "what you pay on demand instead: dollars for a vCPU-hour and a GB-hour, such as 0.032384/0.003556")
	f.Float64Var(&o.discount, "discount", 0, "what a Savings Plan takes off the on-demand rate, 0 to 1; it does not apply to Spot")
	f.BoolVar(&o.live, "live-prices", false, "read on-demand prices off AWS's price list (pricing:GetProducts)")
	f.BoolVar(&o.whatIf, "what-if", false, "calculate the case that KEY=VALUE... describe; needs no configuration")
	exclusive(cmd, "on-demand-rate", "live-prices")
	_ = cmd.MarkFlagFilename("out", "html")
	return cmd
}

func (o *costOptions) check(now time.Time) error {
	if !(o.discount >= 0 && o.discount < 1) {
		return usageError("--discount %v: must be at least 0 and below 1", o.discount)
	}
	if o.rate != "" {
		vcpu, gb, ok := strings.Cut(o.rate, "/")
		r := cost.Rate{}
		var err1, err2 error
		r.VCPUHour, err1 = strconv.ParseFloat(vcpu, 64)
		r.GBHour, err2 = strconv.ParseFloat(gb, 64)
		if !ok || err1 != nil || err2 != nil || !(r.VCPUHour > 0 && r.VCPUHour < 100) || !(r.GBHour > 0 && r.GBHour < 100) {
			return usageError("--on-demand-rate %q: must be dollars for a vCPU-hour and a GB-hour, such as 0.032384/0.003556", o.rate)
		}
		o.onDemand = &r
	}
	if i := slices.IndexFunc(o.args, func(a string) bool { return strings.Contains(a, "=") }); i >= 0 && !o.whatIf {
		return usageError("unknown workload %s; use --what-if for a calculation", o.args[i])
	}
	if o.whatIf && o.out != "" {
		return usageError("--out: a what-if has no page")
	}
	var err error
	o.sinceTime, err = sinceOf(o.since, now)
	return err
}

// sinceOf reads days or hours back, or a time.
func sinceOf(text string, now time.Time) (time.Time, error) {
	at, err := moment("since", text, now)
	if err == nil && !at.Before(now) {
		return at, usageError("--since %s: must be in the past", text)
	}
	return at, err
}

func runCost(ctx context.Context, s IO, o costOptions) error {
	if o.whatIf {
		return runWhatIf(ctx, s, o)
	}
	file, cfg, workloads, err := chosen(ctx, s, o.path, selection{names: o.args})
	if err != nil {
		return err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil {
		return err
	}
	if store != nil {
		defer func() { _ = store.Close() }()
	}
	table := o.prices(ctx, s, cfg, regionsOf(workloads))
	table = parts.Over(table, file)
	facts := costFacts{At: s.Now().UTC(), Discount: o.discount, Workloads: []costFact{}}
	for i := range workloads {
		f, err := o.add(ctx, s, cfg, store, &workloads[i], file.Workloads[i].Task, table)
		if err != nil {
			return err
		}
		facts.Prices = o.pricesText(file)
		facts.Workloads = append(facts.Workloads, f)
		if f.To.After(facts.At) {
			facts.At = f.To.UTC()
		}
	}
	if store != nil && len(o.args) == 0 && len(file.Tasks) > 0 {
		b, err := taskretry.Read(ctx, store)
		if err != nil {
			return err
		}
		if sum := b.Between(o.sinceTime, facts.At); sum != (taskretry.Day{}) {
			facts.Alone, facts.aloneSince = &sum, o.sinceTime
		}
	}
	if o.out != "" {
		if err := writeCostPage(o.out, &facts); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(s.Err, "wrote "+o.out)
	}
	switch o.output {
	case outputJSON:
		return printJSON(s.Out, facts)
	case outputCSV:
		return facts.csv(s.Out)
	}
	return facts.print(s.Out)
}

// prices returns the table, with AWS's price list over it if that is wanted and can be read.
func (o *costOptions) prices(ctx context.Context, s IO, cfg aws.Config, regions []string) cost.Table {
	if !o.live {
		return cost.Table{}
	}
	table, err := pricelist.Over(ctx, cfg, cost.Table{}, s.Now().UTC().Format(time.DateOnly), regions)
	if err != nil {
		_, _ = fmt.Fprintf(s.Err, "warning: %v; the table of %s stands in for it\n", err, cost.TableDate)
		o.live = false
	}
	return table
}

// pricesText says which prices were used.
func (o *costOptions) pricesText(f *config.File) string {
	text := "the built-in table of " + cost.TableDate
	switch {
	case o.live:
		text = "AWS's price list of today for on-demand, and " + text + " for Spot"
	case o.onDemand != nil:
		text = "your on-demand rate of " + o.rate + ", and " + text + " for Spot"
	case f != nil && len(f.Prices.Table) > 0:
		text = fmt.Sprintf("your prices of %s, and %s for what they leave out", f.Prices.Date, text)
	}
	if o.discount > 0 {
		text += fmt.Sprintf(", less %.0f %% of what is on demand", 100*o.discount)
	}
	return text
}

func regionsOf(all []control.Workload) []string {
	var out []string
	for _, w := range all {
		for _, r := range w.Refs {
			if !slices.Contains(out, r.Region) {
				out = append(out, r.Region)
			}
		}
	}
	return out
}

// lastKnown is until, or the last look at a workload that nothing looks at any more: of what ran after it nothing is known.
func lastKnown(ctx context.Context, store control.Store, w *control.Workload, now, until time.Time) (time.Time, error) {
	if store == nil {
		return until, nil
	}
	v, err := readSight(ctx, store, []config.Workload{{Name: w.Name, Policy: w.Policy}}, now)
	if err != nil || !v.all[0].known || !v.all[0].look.Silent() {
		return until, err
	}
	return until.Add(-v.all[0].look.Age), nil
}

// add adds up one workload.
func (o *costOptions) add(ctx context.Context, s IO, cfg aws.Config, store control.Store, w *control.Workload, task config.Task, table cost.Table) (costFact, error) {
	if task == (config.Task{}) {
		var err error
		if task, err = taskdef.Task(ctx, cfg, w.Refs[0]); err != nil {
			return costFact{}, fmt.Errorf("%w; or say `task: {cpu, memory}` for %s in the configuration", err, w.Name)
		}
	}
	size, arch := parts.SizeOf(task), cost.Arch(task.Arch)
	if o.onDemand != nil {
		for _, region := range regionsOf([]control.Workload{*w}) {
			table = table.With(cost.TableDate, cost.Key{Region: region, Arch: arch, Capacity: failover.OnDemand}, *o.onDemand)
		}
	}
	tariff, err := table.Tariff(parts.Places(w), size, arch)
	if err != nil {
		return costFact{}, fmt.Errorf("workload %s: %w", w.Name, err)
	}
	tariff = tariff.Discounted(o.discount)
	var entries []journal.Entry
	if store != nil {
		if entries, err = measure.Decisions(ctx, store, w.Name, o.sinceTime); err != nil {
			return costFact{}, err
		}
	}
	until := s.Now()
	if n := len(entries); n > 0 && entries[n-1].Decision.At.After(until) { // AWS's clock is ahead, or a sandbox's
		until = entries[n-1].Decision.At
	}
	if until, err = lastKnown(ctx, store, w, s.Now(), until); err != nil {
		return costFact{}, err
	}
	ledger, err := cost.Add(w.Name, entries, tariff.Pools, tariff.OnDemandTaskHour, until.UTC())
	if err != nil {
		return costFact{}, err
	}
	f := costFact{Ledger: ledger, Arch: string(arch), VCPU: size.VCPU, MemoryGB: size.MemoryGB, OnDemandUSD: tariff.OnDemandTaskHour, Pools: []poolPrice{}, Months: monthsOf(ledger.Days),
		SavingsPlans: []cost.Advice{}}
	if f.Days == nil {
		f.Days = []cost.Day{}
	}
	if f.Episodes == nil {
		f.Episodes = []cost.Episode{}
	}
	for i, r := range w.Refs {
		name := w.Policy.Pools[i].Name
		f.Pools = append(f.Pools, poolPrice{name, string(w.Policy.Pools[i].Capacity), r.Region, tariff.Pools[name].TaskHour})
	}
	if hours := ledger.To.Sub(ledger.From).Hours(); hours >= meanLeast.Hours() {
		day := ledger.Total.SavedUSD / hours * 24
		month := day * daysOfMonth
		f.SavedPerDay, f.SavedPerMonth = &day, &month
		if ledger.OnDemandShare > cost.AdviceFrom && hours >= adviceLeast.Hours() {
			for _, p := range cost.Plans() {
				f.SavingsPlans = append(f.SavingsPlans, cost.Advise(p, ledger.Levels, hours, tariff.OnDemandTaskHour))
			}
		}
	}
	return f, nil
}

// monthsOf sums days up by calendar month.
func monthsOf(days []cost.Day) []cost.Day {
	out := []cost.Day{}
	for _, d := range days {
		month := d.Date[:len("2026-11")]
		if n := len(out); n == 0 || out[n-1].Date != month {
			out = append(out, cost.Day{Date: month})
		}
		m := &out[len(out)-1]
		m.SpotTaskHours += d.SpotTaskHours
		m.DemandTaskHours += d.DemandTaskHours
		m.PaidUSD += d.PaidUSD
		m.AllOnDemandUSD += d.AllOnDemandUSD
		m.SavedUSD += d.SavedUSD
	}
	return out
}

func (f *costFacts) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 4, 64) }
	_ = out.Write([]string{"workload", "date", "spot_task_hours", "on_demand_task_hours", "paid_usd", "all_on_demand_usd", "saved_usd"})
	for i := range f.Workloads {
		for _, d := range f.Workloads[i].Days {
			_ = out.Write([]string{f.Workloads[i].Workload, d.Date, number(d.SpotTaskHours), number(d.DemandTaskHours), number(d.PaidUSD), number(d.AllOnDemandUSD), number(d.SavedUSD)})
		}
	}
	out.Flush()
	return out.Error()
}
