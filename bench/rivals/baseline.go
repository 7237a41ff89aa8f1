package main

import (
	"context"
	"errors"
	"time"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func quiet() string { return "" }

// alone is ECS with nobody to help it.
func alone(string) (*demo.Rival, func() string) { return &demo.Rival{}, quiet }

// flipLimit is how long the flip of a whole service may take, a blue/green deployment with its bake time included.
const flipLimit = 4 * time.Hour

// allOnDemand is the same workload without Spot: the service runs on on-demand before anything happens.
func allOnDemand(string) (*demo.Rival, func() string) {
	return &demo.Rival{Prepare: func(_ context.Context, box *sandbox.Sandbox) error {
		ref := ecsim.Ref{Region: demo.Region, Cluster: demo.Cluster, Service: demo.SpotService}
		var err error
		box.World(func(w *ecsim.World) {
			_, err = w.UpdateService(ref, ecsim.UpdateServiceInput{SetStrategy: true, Strategy: []ecsim.StrategyItem{{Provider: ecsim.Fargate, Weight: 1}}, ForceNewDeployment: true})
		})
		if err != nil {
			return err
		}
		for end := box.Now().Add(flipLimit); box.Now().Before(end); box.AdvanceTo(box.Now().Add(time.Minute)) {
			spot, serving, wanted := 0, 0, 0
			box.World(func(w *ecsim.World) {
				_, spot = w.Supply(ecsim.SupplyKey{Region: demo.Region, Provider: ecsim.FargateSpot})
				wanted, _, _ = w.Counts(ref)
				serving = w.InService(ref)
			})
			if spot == 0 && serving >= wanted {
				return nil
			}
		}
		return errors.New("the service does not get off Spot")
	}}, quiet
}
