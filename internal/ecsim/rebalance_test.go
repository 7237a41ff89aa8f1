package ecsim_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// zones counts a service's wanted tasks by zone.
func zones(w *ecsim.World, ref ecsim.Ref) map[string]int {
	n := map[string]int{}
	for _, task := range w.AppendTasks(nil, ref, ecsim.Running) {
		n[task.Zone]++
	}
	return n
}

// uneven makes a service of nine Spot tasks that lost zone a for an hour and has it back: 0, 4 and 5 or the like.
func uneven(t *testing.T, cfg ecsim.Config, rebalancing bool, maximum *int) *ecsim.World {
	t.Helper()
	cfg.Seed = 7
	w := ecsim.New(cfg)
	must(t, func() error { _, err := w.CreateCluster(region, cluster, nil); return err })
	must(t, func() error {
		_, err := w.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web"})
		return err
	})
	zone := ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: region + "a"}
	w.SetSupply(zone, 0)
	must(t, func() error {
		_, err := w.CreateService(region, ecsim.CreateServiceInput{Cluster: cluster, Name: "api", TaskDefinition: "web", Desired: 9,
			Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1}}, Rebalancing: rebalancing,
			Deployment: ecsim.DeploymentConfig{MaximumPercent: maximum, MinimumHealthyPercent: new(50)}})
		return err
	})
	return w
}

func must(t *testing.T, f func() error) {
	t.Helper()
	if err := f(); err != nil {
		t.Fatal(err)
	}
}

func run(w *ecsim.World, d time.Duration) []ecsim.Event {
	w.AdvanceTo(w.Now().Add(d))
	return w.Drain()
}

func count(events []ecsim.Event, name string) int {
	n := 0
	for _, e := range events {
		if e.Name == name {
			n++
		}
	}
	return n
}

func TestRebalancingLevelsTheZonesWithoutGoingBelowTheDesiredCount(t *testing.T) {
	w := uneven(t, ecsim.Config{}, true, nil)
	run(w, 4*time.Minute)
	w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: region + "a"}, -1)
	if z := zones(w, api); z[region+"a"] != 0 || z[region+"b"]+z[region+"c"] != 9 {
		t.Fatalf("before: %v", z)
	}
	most := 0
	for range 2 * 60 * 12 {
		run(w, 5*time.Second)
		_, running, pending := w.Counts(api)
		most = max(most, running+pending)
		if g, _ := w.Glance(api); g.Unthreatened < 9 {
			t.Fatalf("at %s %d of 9 run", w.Now(), g.Unthreatened)
		}
	}
	for zone, n := range zones(w, api) {
		if n != 3 {
			t.Errorf("zone %s has %d of 9 tasks", zone, n)
		}
	}
	if desired, running, pending := w.Counts(api); desired != 9 || running != 9 || pending != 0 || most < 10 {
		t.Errorf("counts %d %d %d, at most %d at a time", desired, running, pending, most)
	}
}

func TestRebalancingIntoAFullZoneSaysPlacementFailuresOfAHealthyService(t *testing.T) {
	w := uneven(t, ecsim.Config{}, true, nil)
	run(w, 4*time.Minute)
	events := run(w, time.Hour)
	if n := count(events, ecsim.EventPlacementFailure); n < 10 || n > 13 {
		t.Errorf("an hour of moves without room each five minutes gave %d placement failures", n)
	}
	if _, running, _ := w.Counts(api); running != 9 {
		t.Errorf("%d of 9 run", running)
	}
}

func TestNothingIsMovedWithoutRebalancingOrRoom(t *testing.T) {
	for name, c := range map[string]struct {
		on      bool
		maximum *int
	}{"switched off": {false, nil}, "maximumPercent 100": {true, new(100)}} {
		t.Run(name, func(t *testing.T) {
			w := uneven(t, ecsim.Config{}, c.on, c.maximum)
			run(w, 4*time.Minute)
			w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: region + "a"}, -1)
			events := run(w, 2*time.Hour)
			if z := zones(w, api); z[region+"a"] != 0 {
				t.Errorf("tasks were moved: %v", z)
			}
			if n := count(events, ecsim.EventPlacementFailure); n != 0 {
				t.Errorf("%d placement failures", n)
			}
		})
	}
}

func TestAScaleInDuringAMoveEndsAtTheDesiredCount(t *testing.T) {
	w := uneven(t, ecsim.Config{Rebalance: ecsim.Rebalance{AtOnce: -1}, ScaleIn: ecsim.PickStartingFirst}, true, nil)
	run(w, 4*time.Minute)
	w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: region + "a"}, -1)
	for range 600 {
		run(w, time.Second)
		if _, running, pending := w.Counts(api); running+pending > 9 {
			break
		}
	}
	must(t, func() error { return w.SetDesired(api, 4) })
	run(w, 30*time.Minute) // long enough for the moves that the scale-in itself makes necessary
	if desired, running, pending := w.Counts(api); desired != 4 || running != 4 || pending != 0 {
		t.Errorf("desired %d, running %d, pending %d", desired, running, pending)
	}
}
