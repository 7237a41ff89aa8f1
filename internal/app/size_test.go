package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
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
