package ecsim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// BenchmarkMonth plays 30 days of 200 tasks on Spot with a change of capacity every half hour on average, read once a minute as a
// controller with a one-minute pass would, with the events that one needs.
func BenchmarkMonth(b *testing.B) {
	for name, leaveOut := range map[string]ecsim.EventSet{
		"task events":        ecsim.StartingEvents | ecsim.StoppingEvents | ecsim.APICallEvents,
		"warnings and stops": ecsim.StartingEvents | ecsim.RunningEvents | ecsim.StoppingEvents | ecsim.APICallEvents,
		"no events":          ecsim.AllEvents,
	} {
		b.Run(name, func(b *testing.B) { month(b, leaveOut) })
	}
}

func month(b *testing.B, leaveOut ecsim.EventSet) {
	b.ReportAllocs()
	var interruptions, created int
	for b.Loop() {
		w := ecsim.New(ecsim.Config{Seed: 1, LeaveOut: leaveOut})
		if _, err := w.CreateCluster(region, cluster, nil); err != nil {
			b.Fatal(err)
		}
		if _, err := w.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web", StopTimeout: 120 * time.Second}); err != nil {
			b.Fatal(err)
		}
		in := ecsim.CreateServiceInput{Cluster: cluster, Name: "api", TaskDefinition: "web", Desired: 200,
			Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1}}}
		if _, err := w.CreateService(region, in); err != nil {
			b.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		key := ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}
		at := w.Now()
		var events []ecsim.Event
		running := 0
		for range 30 * 24 * 60 {
			at = at.Add(time.Minute)
			w.AdvanceTo(at)
			events = w.DrainTo(events[:0])
			_, n, _ := w.Counts(api)
			running += n
			if r.IntN(30) == 0 {
				w.SetSupply(key, 100+r.IntN(150))
			}
		}
		u := w.Usage(ecsim.FargateSpot)
		interruptions, created = u.Interruptions, u.Created
	}
	b.ReportMetric(float64(created), "tasks")
	b.ReportMetric(float64(interruptions), "interruptions")
}
