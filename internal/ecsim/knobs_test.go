package ecsim_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestADeletedServiceIsDrainingInactiveMissingAndItsNameIsFree(t *testing.T) {
	w := fleet(t, ecsim.Config{}, 3)
	status := func() string {
		found, missing, err := w.DescribeServices(region, cluster, []string{"api"})
		if err != nil {
			t.Fatal(err)
		}
		if len(missing) > 0 {
			return missing[0].Reason
		}
		return found[0].Status
	}
	must(t, func() error { _, err := w.DeleteService(api, true); return err })
	if got := status(); got != "DRAINING" || w.Working(api) != 3 {
		t.Errorf("at once: %s with %d tasks at work", got, w.Working(api))
	}
	run(w, 3*time.Minute)
	if got := status(); got != "INACTIVE" {
		t.Errorf("after three minutes: %s", got)
	}
	run(w, time.Hour)
	if got := status(); got != "MISSING" {
		t.Errorf("after an hour: %s", got)
	}
	w.Configure(func(c *ecsim.Config) { c.NewServiceLag = 5 * time.Second })
	must(t, func() error {
		_, err := w.CreateService(region, ecsim.CreateServiceInput{Cluster: cluster, Name: "api", TaskDefinition: "web", Desired: 2})
		return err
	})
	if got := status(); got != "MISSING" {
		t.Errorf("right after its name was used again: %s", got)
	}
	run(w, 5*time.Second)
	if got := status(); got != "ACTIVE" {
		t.Errorf("five seconds later: %s", got)
	}
}

func TestAForgottenServiceIsMissingAtOnce(t *testing.T) {
	w := fleet(t, ecsim.Config{}, 0)
	if w.ForgetService(api) {
		t.Error("an active service was forgotten")
	}
	must(t, func() error { _, err := w.DeleteService(api, false); return err })
	if !w.ForgetService(api) {
		t.Error("nothing was forgotten")
	}
	if found, missing, _ := w.DescribeServices(region, cluster, []string{"api"}); len(found) != 0 || len(missing) != 1 {
		t.Errorf("found %v, missing %v", found, missing)
	}
}

func TestAKnobTurnsTheRunningWorld(t *testing.T) {
	w := fleet(t, ecsim.Config{StartUp: ecsim.StartUp{P50: time.Minute}}, 1)
	w.Configure(func(c *ecsim.Config) { c.StartUp = ecsim.StartUp{P50: 10 * time.Minute}; c.Seed = 99 })
	must(t, func() error { return w.SetDesired(api, 2) })
	run(w, 9*time.Minute)
	if _, running, pending := w.Counts(api); running != 1 || pending != 1 {
		t.Errorf("after nine of ten minutes %d run, %d start", running, pending)
	}
	run(w, 2*time.Minute)
	if _, running, _ := w.Counts(api); running != 2 {
		t.Errorf("after eleven minutes %d run", running)
	}
	if w.Config().Seed == 99 {
		t.Error("the seed of a running world changed")
	}
}

func TestInterruptionsStrikeAsTheyAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		strike ecsim.Strike
		want   []int // places of the tasks struck, in the order of their making; the first two are protected
	}{
		"oldest":                          {ecsim.Strike{Pick: ecsim.StrikeOldest}, []int{0, 1}},
		"youngest":                        {ecsim.Strike{Pick: ecsim.StrikeYoungest}, []int{4, 5}},
		"oldest but protected":            {ecsim.Strike{Pick: ecsim.StrikeOldest, SpareProtected: true}, []int{2, 3}},
		"protected when no other is left": {ecsim.Strike{Pick: ecsim.StrikeYoungest, SpareProtected: true}, []int{0, 1, 2, 3, 4, 5}},
	} {
		for _, bySupply := range []bool{false, true} {
			w := fleet(t, ecsim.Config{Strike: c.strike}, 6)
			tasks := w.AppendTasks(nil, api, ecsim.Running)
			must(t, func() error {
				_, _, err := w.UpdateTaskProtection(region, cluster, []string{tasks[0].ID, tasks[1].ID}, true, 0)
				return err
			})
			if bySupply {
				w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 6-len(c.want))
			} else {
				w.Interrupt(api, len(c.want), "", true)
			}
			now, _, err := w.DescribeTasks(region, cluster, ids(tasks))
			if err != nil {
				t.Fatal(err)
			}
			var struck []int
			for i, task := range now {
				if task.StopCode == ecsim.StopSpot {
					struck = append(struck, i)
				}
			}
			if len(struck) != len(c.want) {
				t.Errorf("%s: struck %v, want %v", name, struck, c.want)
				continue
			}
			for i := range struck {
				if struck[i] != c.want[i] {
					t.Errorf("%s (by supply: %v): struck %v, want %v", name, bySupply, struck, c.want)
					break
				}
			}
		}
	}
}

func ids(tasks []ecsim.Task) []string {
	var out []string
	for _, task := range tasks {
		out = append(out, task.ID)
	}
	return out
}

func TestAShareMovesOnlyWhereTheKnobSaysSo(t *testing.T) {
	for _, moves := range []bool{false, true} {
		w := fleet(t, ecsim.Config{ShareMoves: moves}, 0)
		w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 2)
		must(t, func() error {
			_, err := w.CreateService(region, ecsim.CreateServiceInput{Cluster: cluster, Name: "mixed", TaskDefinition: "web", Desired: 10,
				Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 4}, {Provider: ecsim.Fargate, Weight: 1}}})
			return err
		})
		run(w, 30*time.Minute)
		want := 4 // two of eight on Spot, two on demand
		if moves {
			want = 10
		}
		if _, running, _ := w.Counts(ecsim.Ref{Region: region, Cluster: cluster, Service: "mixed"}); running != want {
			t.Errorf("share moves %v: %d of 10 run, want %d", moves, running, want)
		}
	}
}

func TestAStrategyChangesWithoutForceWhereTheKnobSaysSo(t *testing.T) {
	w := fleet(t, ecsim.Config{StrategyUnforced: true}, 2)
	in := ecsim.UpdateServiceInput{SetStrategy: true, Strategy: []ecsim.StrategyItem{{Provider: ecsim.Fargate, Weight: 1}}, Desired: new(4)}
	s, err := w.UpdateService(api, in)
	if err != nil || len(s.Deployments) != 1 {
		t.Fatalf("%v, %d deployments", err, len(s.Deployments))
	}
	run(w, 5*time.Minute)
	spot := 0
	for _, task := range w.AppendTasks(nil, api, ecsim.Running) {
		if task.Provider == ecsim.FargateSpot {
			spot++
		}
	}
	if _, running, _ := w.Counts(api); running != 4 || spot != 2 {
		t.Errorf("%d run, %d of them on Spot: want the two old ones left alone", running, spot)
	}
}

func TestRunTaskWithoutCapacityIsAnErrorWhereTheKnobSaysSo(t *testing.T) {
	w := fleet(t, ecsim.Config{RunTaskRefuses: true}, 0)
	w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, 1)
	if tasks, _, err := w.RunTask(region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web", Count: 2}); err != nil || len(tasks) != 1 {
		t.Errorf("partial success: %d tasks, %v", len(tasks), err)
	}
	if _, _, err := w.RunTask(region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web"}); err == nil {
		t.Error("no error without any capacity")
	}
}

func TestAnInterruptionBeforeRunningTakesEffectLater(t *testing.T) {
	w := fleet(t, ecsim.Config{EarlyStop: 30 * time.Second}, 0)
	must(t, func() error { return w.SetDesired(api, 1) })
	run(w, 40*time.Second)
	task := w.AppendTasks(nil, api, ecsim.Running)[0]
	w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 0)
	see := func() ecsim.Task {
		found, _, err := w.DescribeTasks(region, cluster, []string{task.ID})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return found[0]
	}
	run(w, 29*time.Second)
	if got := see(); got.LastStatus != ecsim.Pending || got.DesiredStatus != ecsim.Stopped || got.StopCode != ecsim.StopSpot {
		t.Errorf("before the stop: %s, wanted %s, %s", got.LastStatus, got.DesiredStatus, got.StopCode)
	}
	run(w, time.Minute)
	if got := see(); got.LastStatus != ecsim.Stopped || !got.StartedAt.IsZero() {
		t.Errorf("after it: %s, started %s", got.LastStatus, got.StartedAt)
	}
}

// fleet is a world with a service of n Spot tasks that run.
func fleet(t *testing.T, cfg ecsim.Config, n int) *ecsim.World {
	t.Helper()
	cfg.Seed = 3
	w := ecsim.New(cfg)
	must(t, func() error { _, err := w.CreateCluster(region, cluster, nil); return err })
	must(t, func() error {
		_, err := w.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web", StopTimeout: 60 * time.Second})
		return err
	})
	must(t, func() error {
		_, err := w.CreateService(region, ecsim.CreateServiceInput{Cluster: cluster, Name: "api", TaskDefinition: "web", Desired: n,
			Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1}}})
		return err
	})
	run(w, 10*time.Minute)
	return w
}
