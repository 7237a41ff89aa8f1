package replay

import (
	"runtime/debug"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// One policy over a month of 200 tasks: at most 200 ms and 50 MB on one core. events/s are changes of tasks and service events of the
// model, whether or not the run waits for them; cpu-ms/op and events/cpu-s leave out what others do on the machine.
func BenchmarkMonth(b *testing.B) {
	for _, name := range trace.Synthetic() {
		tr, err := trace.Generate(name, trace.Shape{Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { bench(b, Run{Trace: tr, Policy: mustLaw(b), Seed: 1}) })
	}
}

// The same with a warm-up: at most 400 ms on one core.
func BenchmarkWarmMonth(b *testing.B) {
	for _, name := range trace.Synthetic() {
		tr, err := trace.Generate(name, trace.Shape{Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		w := World{WarmUp: ecsim.WarmUp{P50: 30 * time.Second, P99: 48 * time.Second}}
		b.Run(name, func(b *testing.B) { bench(b, Run{Trace: tr, Policy: mustLaw(b), Seed: 1, World: w}) })
	}
}

// yearDays is a year; BenchmarkYear allows 30 s for it.
const yearDays = 365

// A year of 5,000 tasks: at most 30 s.
func BenchmarkYear(b *testing.B) {
	tr, err := trace.Generate("article", trace.Shape{Seed: 1, Tasks: 5000, Days: yearDays})
	if err != nil {
		b.Fatal(err)
	}
	bench(b, Run{Trace: tr, Policy: mustLaw(b), Seed: 1, Tasks: 5000})
}

func mustLaw(b *testing.B) Policy {
	p, err := Law(failover.PresetFill)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func bench(b *testing.B, r Run) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the commands that simulate do (simulate.GCPercent)
	b.ReportAllocs()
	events, passes := 0, 0
	cpu := cpuTime()
	for b.Loop() {
		res, err := Simulate(r)
		if err != nil {
			b.Fatal(err)
		}
		events, passes = events+res.Events, passes+res.Passes
	}
	if cpu = cpuTime() - cpu; cpu > 0 {
		b.ReportMetric(cpu.Seconds()*1e3/float64(b.N), "cpu-ms/op")
		b.ReportMetric(float64(events)/cpu.Seconds(), "events/cpu-s")
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(passes)/float64(b.N), "passes")
}
