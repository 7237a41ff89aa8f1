package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestABudgetIsReckonedWithTheTaskDefinitionsSize: a configuration need not say how large a task is.
func TestABudgetIsReckonedWithTheTaskDefinitionsSize(t *testing.T) {
	for _, test := range []struct {
		name   string
		budget float64
		task   config.Task
		deny   bool
		priced bool
		warns  bool
		run    bool
	}{
		{name: "a budget and no size", budget: 100, priced: true},
		{name: "a budget and no size, as a daemon", budget: 100, priced: true, run: true},
		{name: "no budget", priced: false},
		{name: "a size in the configuration", task: config.Task{CPU: 4096, Memory: 16384, Arch: "X86_64"}, priced: true},
		{name: "a task definition that may not be read", budget: 100, deny: true, warns: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, ReadLag: -1}})
			if err := box.Setup(sandbox.Twins{Cluster: cluster, Name: "api", Count: 3, CPU: 4096, Memory: 16384}); err != nil {
				t.Fatal(err)
			}
			if test.deny {
				if _, err := box.AddFault(sandbox.Fault{Kind: "denied", Operation: "ecs:DescribeTaskDefinition"}); err != nil {
					t.Fatal(err)
				}
			}
			f := twins("fill", "", filepath.Join(t.TempDir(), "state.db"), "api")
			f.Workloads[0].Policy.OnDemandBudgetUSDMonthly, f.Workloads[0].Task = test.budget, test.task
			var log bytes.Buffer
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			a, err := app.New(ctx, app.Options{Config: f, AWS: awsConfig("http://sandbox.localhost", box), Now: box.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
				Tell: func(context.Context, control.Report) { stop() }})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			if test.run {
				if err := a.Run(ctx); err != nil {
					t.Fatal(err)
				}
			} else if _, err := a.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			pools := a.Loop.Workloads[0].Policy.Pools
			if got := pools[1].TaskHourUSD; (got > 0) != test.priced || (test.priced && (got < 0.233 || got > 0.2331)) {
				t.Errorf("a task-hour on demand is $%g", got)
			}
			if warned := strings.Contains(log.String(), "neither budget nor forecast is reckoned"); warned != test.warns {
				t.Errorf("warned %t: %s", warned, log.String())
			}
		})
	}
}

// TestADaemonThatCouldNotReadASizeAtItsStartReadsItLater: a budget must not be out of force for the daemon's whole life
// because AWS throttled in its first seconds. Of two workloads one stays unreadable; it must not hold up the other.
func TestADaemonThatCouldNotReadASizeAtItsStartReadsItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}})
		if err := box.Setup(sandbox.Twins{Cluster: cluster, Name: "api", Count: 10, CPU: 4096, Memory: 16384}); err != nil {
			t.Fatal(err)
		}
		if _, err := box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:DescribeTaskDefinition", Until: box.Now().Add(20 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		drove, ran := make(chan struct{}), make(chan error, 1)
		go func() {
			defer close(drove)
			box.Drive(ctx)
		}()
		out := &lines{}
		conf := twins("fill", box.QueueURL(), filepath.Join(t.TempDir(), "state.db"), "api", "gone")
		for i := range conf.Workloads {
			conf.Workloads[i].Policy.OnDemandBudgetUSDMonthly = 0.05
		}
		a, err := app.New(ctx, app.Options{Config: conf, AWS: awsConfig("http://sandbox.localhost", box), Log: slog.New(slog.NewJSONHandler(out, nil))})
		if err != nil {
			t.Fatal(err)
		}
		go func() { ran <- a.Run(ctx) }()
		sleep(10 * time.Second)
		if got := strings.Join(a.Unpriced(), " "); got != "api gone" {
			t.Errorf("while sizes cannot be read %q are without a price, want both", got)
		}
		if entries, err := a.Store.Journal(ctx, journal.Query{Workload: "api"}); err != nil || len(entries) == 0 {
			t.Errorf("while sizes cannot be read nothing was decided: %v", err)
		}
		sleep(50 * time.Second)
		if got := strings.Join(a.Unpriced(), " "); got != "gone" {
			t.Errorf("a minute later %q are without a price, want the one whose service is not there", got)
		}
		cover := 0
		for _, supply := range []int{5, 0} { // the budget is used up by the first shortage
			box.World(func(w *ecsim.World) {
				w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, supply)
			})
			sleep(10 * time.Minute)
			box.World(func(w *ecsim.World) {
				cover = w.Working(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-standard"})
			})
		}
		stop()
		if err := <-ran; err != nil {
			t.Errorf("run ended with %v", err)
		}
		<-drove
		records, err := a.Store.Load(t.Context(), []string{"api"})
		if err != nil || records["api"].State.Seen.SpendUSD < 0.05 {
			t.Errorf("twenty minutes on demand cost $%g, %v: they were not reckoned", records["api"].State.Seen.SpendUSD, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		said := out.with(t, "neither budget nor forecast is reckoned: no task size")
		if len(said) == 0 || len(said) > 30 {
			t.Errorf("the log says %d times that a budget is not in force", len(said))
		}
		for _, line := range said {
			if hint, _ := line[control.KeyHint].(string); line["level"] != "ERROR" || !strings.Contains(hint, "task: {cpu, memory}") {
				t.Errorf("the log says %v, want an error that says what to do", line)
			}
		}
		if n := len(out.with(t, "loop started")); n != 2 {
			t.Errorf("the loop was started %d times, want again once, when the size was known", n)
		}
		if cover != 5 {
			t.Errorf("%d on-demand tasks run, want the 5 of before the budget was used up", cover)
		}
	})
}
