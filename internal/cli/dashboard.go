package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// dashboardAddr is beside the daemon's own address, so that both can be up on one machine.
	dashboardAddr = "127.0.0.1:7078"
	// dashboardTokenEnv is where the token for orders comes from: arguments are seen by other processes.
	dashboardTokenEnv = "BACKSTOP_TOKEN"
	// tableRefresh is how often a DynamoDB table is asked for changes: each look reads every workload.
	tableRefresh = 10 * time.Second
)

type dashboardOptions struct {
	path     string
	http     string
	orders   bool
	trace    string
	policy   string
	tasks    int
	seed     uint64
	workload []string
}

func newDashboardCommand(s IO) *cobra.Command { return newDashboard(s, runDashboard) }

func newDashboard(s IO, run func(context.Context, IO, dashboardOptions) error) *cobra.Command {
	var o dashboardOptions
	cmd := &cobra.Command{
		Use:   "dashboard [WORKLOAD...]",
		Short: "Serve the dashboard from the stored state, or show a simulated run on it",
		Long: "Dashboard serves the pages that the daemon serves, from what the state holds: for the Lambda deployment, from its DynamoDB table on your machine. It shows " +
			"and changes nothing unless --orders is given; orders then need the token in $" + dashboardTokenEnv + ", or one that is made up and printed. " +
			"With --trace it plays a capacity trace through the simulator first and shows that run; it then needs no configuration.",
		Example: "backstop dashboard\nbackstop dashboard --orders --http 127.0.0.1:8080\nbackstop dashboard --trace article --policy switch",
		Args:    between(0, -1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.workload = args
			if o.trace != "" && (o.orders || len(args) > 0) {
				return usageError("--trace: a simulated run takes neither orders nor workloads")
			}
			if o.trace == "" {
				if err := needs(cmd, "trace", "policy", "tasks", "seed"); err != nil {
					return err
				}
			}
			if o.tasks < 1 || o.tasks > failover.ServiceTasksMax {
				return usageError("--tasks %d: must be 1 to %d", o.tasks, failover.ServiceTasksMax)
			}
			if err := checkPages(s, o.http, o.orders); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
		ValidArgsFunction: completeWorkloads(s, &o.path),
	}
	configFlag(cmd, s, &o.path)
	f := cmd.Flags()
	f.StringVar(&o.http, "http", dashboardAddr, "address to serve on; off this machine the token is needed to look, too")
	f.BoolVar(&o.orders, "orders", false, "take orders (failover, restore, pin, pause) from those who know the token")
	f.StringVar(&o.trace, "trace", "", "show a simulated run of this built-in trace or file (CSV)")
	choiceFlag(cmd, &o.policy, "policy", "p", failover.PresetFill, failover.PresetNames(), "the simulated run's preset")
	f.IntVarP(&o.tasks, "tasks", "n", demoTasks, "the simulated run's tasks, where the trace has no demand")
	f.Uint64Var(&o.seed, "seed", demoSeed, "the simulated run's seed")
	return cmd
}

func runDashboard(ctx context.Context, s IO, o dashboardOptions) error {
	opts := dashboard.Options{Token: s.Env(dashboardTokenEnv), ReadOnly: !o.orders, Listen: o.http, Now: s.Now}
	if o.trace != "" {
		run, err := simulated(ctx, o)
		if err != nil {
			return err
		}
		opts.Source, opts.Now, opts.Title = run, run.Now, "simulation"
		opts.Note = fmt.Sprintf("A simulated run of the trace %s under the preset %s. Times, tasks and amounts are those of the simulation.", o.trace, o.policy)
		return serveDashboard(ctx, s, opts)
	}
	file, err := readConfig(ctx, s, o.path, true)
	if err != nil {
		return err
	}
	if file.Workloads, err = named(file, o.workload); err != nil {
		return err
	}
	region := file.Region
	if region == "" {
		cfg, err := session.Load(ctx, "")
		if err != nil {
			return err
		}
		region = cfg.Region
	}
	workloads, err := parts.Workloads(file, region)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil {
		return err
	}
	if store == nil {
		return refuse("there is nothing to show: %s is not there; has `backstop run` been started with this configuration?", file.State.SQLite)
	}
	defer func() { _ = store.Close() }()
	if o.orders && opts.Token == "" {
		opts.Token = rand.Text()
		_, _ = fmt.Fprintf(s.Err, "The token for orders, made up for this run: %s\n", opts.Token)
	}
	opts.Source = sourceOf(store, workloads, file, s.Now, o.orders)
	if file.State.DynamoDB != "" {
		opts.Refresh = tableRefresh
	}
	return serveDashboard(ctx, s, opts)
}

// serveDashboard serves the pages alone until ctx ends.
func serveDashboard(ctx context.Context, s IO, o dashboard.Options) error {
	pages, err := dashboard.New(o)
	if err != nil {
		return usageError("%w", err)
	}
	served, err := listen(ctx, o.Listen, pages)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Err, "The dashboard is at %s. Ctrl-C ends it.\n", served.url)
	<-ctx.Done()
	return served.stop() //nolint:contextcheck // ctx has ended; the grace is its own
}

// sourceOf makes what the pages show of a store. Orders are recorded in it if they are wanted.
func sourceOf(store control.Store, workloads []control.Workload, file *config.File, now func() time.Time, orders bool) *dashboard.Stored {
	prices := func(name string) dashboard.Prices { return pricesOf(file, workloads, name) }
	apply := func(ctx context.Context, name string, in failover.Intent) error {
		for i := range workloads {
			if workloads[i].Name == name {
				_, err := control.Intend(ctx, store, workloads[i], owner(), in, now)
				return err
			}
		}
		return fmt.Errorf("no workload %q", name)
	}
	if !orders {
		apply = nil
	}
	source := dashboard.StoreSource(store, workloads, prices, apply)
	source.Now = now
	return source
}

// pricesOf returns what a workload's tasks cost.
func pricesOf(file *config.File, workloads []control.Workload, name string) dashboard.Prices {
	for i, w := range workloads {
		if w.Name != name || i >= len(file.Workloads) {
			continue
		}
		task := file.Workloads[i].Task
		if task == (config.Task{}) {
			return dashboard.Prices{Unknown: "no estimate: the configuration does not say `task: {cpu, memory}`"}
		}
		tariff, err := parts.Prices(file).Tariff(parts.Places(&w), parts.SizeOf(task), cost.Arch(task.Arch))
		if err != nil {
			return dashboard.Prices{Unknown: "no estimate: " + err.Error()}
		}
		return dashboard.Prices{Pools: tariff.Pools, OnDemandTaskHour: tariff.OnDemandTaskHour, Date: tariff.Date, Own: tariff.Own}
	}
	return dashboard.Prices{Unknown: "no estimate"}
}

// errNotOver says that a demo takes no orders yet.
var errNotOver = errors.New("the scenario is still played; orders are taken once it is over (--serve)")
