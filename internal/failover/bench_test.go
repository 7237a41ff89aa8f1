package failover

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkDecide decides for a workload of 5,000 tasks, listed, a fifth of them interrupted lately and covered.
func BenchmarkDecide(b *testing.B) {
	for _, quiet := range []bool{true, false} {
		b.Run(fmt.Sprintf("quiet=%v", quiet), func(b *testing.B) {
			p, _ := Preset(PresetFill)
			p.Pools = stagePolicy().Pools
			s := State{Workload: "w"}
			now := benchAt
			o := Observation{At: now, Pools: []PoolObservation{
				{Pool: "spot", Desired: 5000, RunningCount: 5000, Listed: !quiet}, {Pool: "standard"}}}
			for i := range 5000 {
				o.Pools[0].Tasks = append(o.Pools[0].Tasks, Task{ID: fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task/prod/%032d", i),
					Phase: Running, CreatedAt: now.Add(-time.Hour), StartedAt: now.Add(-time.Hour)})
			}
			s, _ = Decide(p, s, o)
			if !quiet {
				for i := range 1000 {
					o.Signals = append(o.Signals, Signal{ID: fmt.Sprint(i), Kind: SignalInterruption, At: now, Pool: "spot",
						Task: o.Pools[0].Tasks[i].ID, StartedAt: now.Add(-time.Hour)})
				}
				s, _ = Decide(p, s, o)
				o.Signals = nil
			}
			b.ReportAllocs()
			for b.Loop() {
				o.At = o.At.Add(time.Second)
				if _, d := Decide(p, s, o); d.Demand != 5000 {
					b.Fatal(d.Demand)
				}
			}
		})
	}
}

// BenchmarkStep is what a simulation pays for a quiet pass.
func BenchmarkStep(b *testing.B) {
	p, _ := Preset(PresetFill)
	p.Pools = stagePolicy().Pools
	o := Observation{At: benchAt, Pools: []PoolObservation{{Pool: "spot", Desired: 200, RunningCount: 200}, {Pool: "standard"}}}
	s, _ := Step(&p, State{Workload: "w"}, &o)
	b.ReportAllocs()
	for b.Loop() {
		o.At = o.At.Add(time.Minute)
		s, _ = Step(&p, s, &o)
	}
}

var benchAt = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
