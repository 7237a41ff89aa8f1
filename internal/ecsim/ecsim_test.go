package ecsim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

const (
	region  = "us-west-2"
	cluster = "prod"
)

var api = ecsim.Ref{Region: region, Cluster: cluster, Service: "api"}

// exact is a world in which every start takes exactly 90 s, the scheduler reacts at once and everything is delivered at once.
func exact() ecsim.Config {
	return ecsim.Config{Seed: 1, StartUp: ecsim.StartUp{P50: 90 * time.Second}, SchedulerDelay: -1}
}

// fixture is a world with one cluster and one task definition, and a log of all events.
type fixture struct {
	*testing.T
	*ecsim.World
	start  time.Time
	events []ecsim.Event
}

func build(t *testing.T, cfg ecsim.Config) *fixture {
	t.Helper()
	w := ecsim.New(cfg)
	f := &fixture{T: t, World: w, start: w.Now()}
	_, err := w.CreateCluster(region, cluster, nil)
	f.must(err)
	_, err = w.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web", CPU: 1024, Memory: 2048, StopTimeout: 120 * time.Second})
	f.must(err)
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// serve makes the service api on Spot with n tasks and lets them start.
func (f *fixture) serve(n int, change ...func(*ecsim.CreateServiceInput)) {
	f.Helper()
	in := ecsim.CreateServiceInput{
		Cluster: cluster, Name: "api", TaskDefinition: "web", Desired: n,
		Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1}},
	}
	for _, c := range change {
		c(&in)
	}
	_, err := f.CreateService(region, in)
	f.must(err)
}

// to advances to a time after the start and collects the events.
func (f *fixture) to(d time.Duration) {
	f.AdvanceTo(f.start.Add(d))
	f.events = append(f.events, f.Drain()...)
}

func (f *fixture) desire(n int) {
	f.Helper()
	_, err := f.UpdateService(api, ecsim.UpdateServiceInput{Desired: &n})
	f.must(err)
}

func (f *fixture) service() ecsim.Service {
	f.Helper()
	found, _, err := f.DescribeServices(region, cluster, []string{"api"})
	f.must(err)
	return found[0]
}

// want compares the counts that reads show.
func (f *fixture) want(when string, desired, running, pending int) {
	f.Helper()
	d, r, p := f.Counts(api)
	if d != desired || r != running || p != pending {
		f.Fatalf("%s (at %v): desired, running, pending = %d, %d, %d, want %d, %d, %d", when, f.Now().Sub(f.start), d, r, p, desired, running, pending)
	}
}

func (f *fixture) tasks(desired ecsim.Status) []ecsim.Task { return f.AppendTasks(nil, api, desired) }

// forget drops the events collected so far.
func (f *fixture) forget() { f.events = append(f.events[:0], f.Drain()...)[:0] }

func (f *fixture) count(match func(ecsim.Event) bool) int {
	n := 0
	for _, e := range f.events {
		if match(e) {
			n++
		}
	}
	return n
}

func named(name string) func(ecsim.Event) bool {
	return func(e ecsim.Event) bool { return e.Name == name }
}

// ofTask returns the events of one task in words: "+seconds STATUS/DESIRED vVERSION".
func (f *fixture) ofTask(id string) []string {
	var lines []string
	for _, e := range f.events {
		if e.Task != nil && e.Task.ID == id {
			lines = append(lines, fmt.Sprintf("+%v %s/%s v%d", e.At.Sub(f.start).Seconds(), e.Task.LastStatus, e.Task.DesiredStatus, e.Task.Version))
		}
	}
	return lines
}

func equalLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s:\n got %q\nwant %q", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: line %d is %q, want %q", what, i, got[i], want[i])
		}
	}
}

func spotKey() ecsim.SupplyKey { return ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot} }
