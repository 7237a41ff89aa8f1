package failover

import (
	"fmt"
	"testing"
	"time"
)

// stageNow is the moment of every stage's test.
var stageNow = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// ago is a moment before stageNow.
func ago(d time.Duration) time.Time { return stageNow.Add(-d) }

// stagePolicy is the preset fill over a Spot service and its standby.
func stagePolicy() Policy {
	p, _ := Preset(PresetFill)
	p.Pools = []Pool{{Name: "spot", Capacity: Spot, TaskHourUSD: 0.1}, {Name: "standard", Capacity: OnDemand, Tier: 1, TaskHourUSD: 0.25}}
	return p
}

// stageState is a state that has seen the workload whole, a minute ago, at a demand of 20.
func stageState() State {
	s := State{Version: StateVersion, Workload: "api"}
	s.Demand, s.DemandSet = 20, true
	s.Pools = []PoolState{{Name: "spot"}, {Name: "standard"}}
	s.Seen = Seen{At: ago(time.Minute), Pools: []PoolSeen{
		{Name: "spot", At: ago(time.Minute), Desired: 20, InService: 20, WholeAt: ago(10 * time.Minute), ServedTo: ago(5 * time.Minute)},
		{Name: "standard", At: ago(time.Minute), WholeAt: ago(10 * time.Minute)},
	}}
	return s
}

// stageTasks is n tasks of one phase and age; RUNNING ones were created a minute before they started.
func stageTasks(name string, n int, phase TaskPhase, health Health, age time.Duration) []Task {
	var out []Task
	for i := range n {
		t := Task{ID: fmt.Sprintf("%s%02d", name, i), Phase: phase, Health: health, CreatedAt: ago(age)}
		if phase == Running {
			t.StartedAt, t.CreatedAt = ago(age), ago(age+time.Minute)
		}
		out = append(out, t)
	}
	return out
}

// samples is n equal durations.
func samples(n int, d time.Duration) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = d
	}
	return out
}

// equal reports what differs between two numbers of a stage.
func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
