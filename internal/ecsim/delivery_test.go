package ecsim_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// deliver lets 200 tasks start and returns the events in the order of their arrival.
func deliver(t *testing.T, d ecsim.Delivery) []ecsim.Event {
	cfg := ecsim.Config{Seed: 3, Delivery: d}
	f := build(t, cfg)
	f.serve(200)
	f.to(time.Hour)
	return f.events
}

func inversions(events []ecsim.Event) int {
	n := 0
	for i := 1; i < len(events); i++ {
		if events[i].At.Before(events[i-1].At) {
			n++
		}
	}
	return n
}

func TestEventsArriveOnceAtOnceAndInOrderByDefault(t *testing.T) {
	events := deliver(t, ecsim.Delivery{})
	ids := map[string]bool{}
	for _, e := range events {
		if ids[e.ID] {
			t.Errorf("event %s came twice", e.ID)
		}
		ids[e.ID] = true
		if !e.DeliverAt.Equal(e.At) {
			t.Errorf("event of %v arrived at %v", e.At, e.DeliverAt)
		}
	}
	if n := inversions(events); n != 0 {
		t.Errorf("%d events out of order", n)
	}
}

func TestLateEventsKeepTheirOrderUnlessReordered(t *testing.T) {
	late := ecsim.Delivery{P50: 5 * time.Second, P95: 15 * time.Second, P99: 30 * time.Second}
	events := deliver(t, late)
	var sum time.Duration
	for _, e := range events {
		sum += e.DeliverAt.Sub(e.At)
	}
	if mean := sum / time.Duration(len(events)); mean < 4*time.Second {
		t.Errorf("mean delay %v, want about the configured one", mean)
	}
	if n := inversions(events); n != 0 {
		t.Errorf("%d events out of order though nobody asked", n)
	}
	late.ReorderShare = 0.2
	if n := inversions(deliver(t, late)); n == 0 {
		t.Error("no event out of order though asked for")
	}
}

func TestDuplicatesEqualTheirOriginals(t *testing.T) {
	plain := deliver(t, ecsim.Delivery{})
	first := map[string]ecsim.Event{}
	twice := 0
	for _, e := range deliver(t, ecsim.Delivery{DuplicateShare: 0.25}) {
		old, ok := first[e.ID]
		if !ok {
			first[e.ID] = e
			continue
		}
		twice++
		if e.Task != old.Task || e.Name != old.Name || !e.At.Equal(old.At) || e.DeliverAt.Before(old.DeliverAt) {
			t.Errorf("duplicate %+v differs from %+v", e, old)
		}
	}
	if len(first) != len(plain) {
		t.Errorf("%d distinct events, want the %d of a world without duplicates", len(first), len(plain))
	}
	if share := float64(twice) / float64(len(first)); share < 0.2 || share > 0.3 {
		t.Errorf("%.2f of the events came twice, want 0.25", share)
	}
}

func TestLostEventsNeverArrive(t *testing.T) {
	plain, lossy := len(deliver(t, ecsim.Delivery{})), len(deliver(t, ecsim.Delivery{LostShare: 0.5}))
	if share := float64(lossy) / float64(plain); share < 0.4 || share > 0.6 {
		t.Errorf("%d of %d events arrived, want half", lossy, plain)
	}
}

func TestDeliveryDoesNotDisturbTheWorld(t *testing.T) {
	run := func(d ecsim.Delivery) []ecsim.Task {
		f := build(t, ecsim.Config{Seed: 3, Delivery: d})
		f.serve(50)
		f.to(10 * time.Minute)
		f.Interrupt(api, 20, "", false)
		f.to(time.Hour)
		return f.tasks(ecsim.Running)
	}
	plain, bent := run(ecsim.Delivery{}), run(ecsim.Delivery{P50: time.Second, P95: time.Minute, DuplicateShare: 0.5, LostShare: 0.2, ReorderShare: 0.4})
	for i := range plain {
		if plain[i].ID != bent[i].ID || !plain[i].StartedAt.Equal(bent[i].StartedAt) {
			t.Fatalf("task %d differs: each stream of randomness should stand alone", i)
		}
	}
}

func TestLeftOutEventsAreNotMade(t *testing.T) {
	cfg := exact()
	cfg.LeaveOut = ecsim.AllEvents &^ (ecsim.WarningEvents | ecsim.StoppedEvents)
	f := build(t, cfg)
	f.serve(3)
	f.to(100 * time.Second)
	f.Interrupt(api, 1, "", false)
	f.to(10 * time.Minute)
	if len(f.events) != 2 || f.events[0].Task.LastStatus != ecsim.Running || f.events[1].Task.LastStatus != ecsim.Stopped {
		t.Errorf("%d events, want the warning and the stop", len(f.events))
	}
}

// troubled plays an hour and a half of trouble, with every desired count set in the given way, and returns the events but their IDs.
func troubled(t *testing.T, cfg ecsim.Config, set func(*ecsim.World, int) error) ([]ecsim.Event, *ecsim.World) {
	t.Helper()
	cfg.ReadLag, cfg.Delivery = 10*time.Second, ecsim.Delivery{}
	f := build(t, cfg)
	f.serve(20)
	r := rand.New(rand.NewPCG(cfg.Seed, 3))
	for i := range 90 {
		f.to(time.Duration(i) * time.Minute)
		f.SetSupply(spotKey(), r.IntN(40))
		f.must(f.SetBroken(api, ecsim.FailMode(r.IntN(6)*r.IntN(2))))
		f.KillTasks(api, r.IntN(3), ecsim.StopContainerExited, "Essential container in task exited")
		f.must(set(f.World, r.IntN(30)))
	}
	f.to(2 * time.Hour)
	for i := range f.events {
		f.events[i].ID = ""
	}
	return f.events, f.World
}

func setDesired(w *ecsim.World, n int) error { return w.SetDesired(api, n) }

// troubledSeeds is how many troubled worlds are lived through: one where the race detector watches what is one goroutine's.
func troubledSeeds() uint64 {
	if racetest.Enabled {
		return 1
	}
	return 6
}

func TestSetDesiredIsUpdateServiceWithoutTheAnswer(t *testing.T) {
	for seed := range troubledSeeds() {
		fast, _ := troubled(t, trouble(seed), setDesired)
		full, _ := troubled(t, trouble(seed), func(w *ecsim.World, n int) error {
			_, err := w.UpdateService(api, ecsim.UpdateServiceInput{Desired: &n})
			return err
		})
		if !reflect.DeepEqual(fast, full) {
			t.Errorf("seed %d: %d events with SetDesired, %d others with UpdateService", seed, len(fast), len(full))
		}
	}
	f := build(t, exact())
	f.serve(1)
	isError(t, f.SetDesired(ecsim.Ref{Region: region, Cluster: cluster, Service: "nope"}, 1), "ServiceNotFoundException", "Service not found.")
	isError(t, f.SetDesired(api, -1), "InvalidParameterException", "negative")
	isError(t, f.SetDesired(api, 5001), "InvalidParameterException", "5000")
}

// Who leaves out the steps in between still hears of every task's creation, of RUNNING, and of every stop when it begins and ends.
func TestWithoutTheStepsInBetweenEveryTurnIsHeardOf(t *testing.T) {
	for seed := range troubledSeeds() {
		cfg := trouble(seed)
		full, world := troubled(t, cfg, setDesired)
		changes := 0
		var want []string
		stopped := map[string]bool{}
		for _, e := range full {
			if e.Task == nil {
				continue
			}
			changes++
			first := e.Task.DesiredStatus == ecsim.Stopped && !stopped[e.Task.ID]
			stopped[e.Task.ID] = stopped[e.Task.ID] || first
			switch s := e.Task.LastStatus; {
			case first, s == ecsim.Provisioning, s == ecsim.Running, s == ecsim.Stopped:
				want = append(want, fmt.Sprintf("%+v", *e.Task))
			}
		}
		if world.Changes() != changes {
			t.Errorf("seed %d: %d changes, %d events", seed, world.Changes(), changes)
		}
		cfg.LeaveOut = ecsim.PreparingEvents | ecsim.WindingDownEvents
		turns, world := troubled(t, cfg, setDesired)
		var got []string
		for _, e := range turns {
			if e.Task != nil {
				got = append(got, fmt.Sprintf("%+v", *e.Task))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %d events of tasks, want %d", seed, len(got), len(want))
		}
		if world.Changes() != changes {
			t.Errorf("seed %d: %d changes when some are left out, %d when none is", seed, world.Changes(), changes)
		}
	}
}

// Taking snapshots back changes no event; what is still held of drained ones is the caller's own fault. Gauges read what reads show.
func TestSnapshotsAreUsedAgainAndGaugesRead(t *testing.T) {
	play := func(reuse bool, d ecsim.Delivery) (lines []string) {
		f := build(t, ecsim.Config{Seed: 5, ReadLag: 5 * time.Second, Delivery: d})
		if r, p, q := f.Gauge(api).Counts(); r+p+q+f.Gauge(api).Working() != 0 {
			t.Error("a service that is not there has counts")
		}
		f.serve(30)
		g := f.Gauge(api)
		for i := range 60 {
			f.AdvanceTo(f.start.Add(time.Duration(i) * 10 * time.Second))
			if i%10 == 9 {
				f.Interrupt(api, 5, "", false)
				f.must(f.SetDesired(api, 30+i))
			}
			events := f.Drain()
			for _, e := range events {
				line := fmt.Sprintf("%s %s %v %v", e.ID, e.Name, e.At, e.DeliverAt)
				if e.Task != nil {
					line += fmt.Sprintf(" %+v", *e.Task)
				}
				lines = append(lines, line)
			}
			if reuse {
				f.Reuse(events)
			}
			d, r, p := f.Counts(api)
			if gd, gr, gp := g.Counts(); gd != d || gr != r || gp != p || g.Working() != f.Working(api) {
				t.Fatalf("the gauge reads %d, %d, %d and %d at work; the service has %d, %d, %d and %d", gd, gr, gp, g.Working(), d, r, p, f.Working(api))
			}
		}
		return lines
	}
	for _, d := range []ecsim.Delivery{{}, {P50: time.Second, P95: 20 * time.Second, DuplicateShare: 0.5, ReorderShare: 0.3}} {
		kept, reused := play(false, d), play(true, d)
		if len(kept) < 200 || !slices.Equal(kept, reused) {
			t.Errorf("%d events, and %d others when snapshots are used again", len(kept), len(reused))
		}
	}
}

func TestDetailTypes(t *testing.T) {
	for kind, want := range map[ecsim.EventKind]string{
		ecsim.TaskStateChange: "ECS Task State Change", ecsim.ServiceAction: "ECS Service Action",
		ecsim.DeploymentStateChange: "ECS Deployment State Change", ecsim.APICall: "AWS API Call via CloudTrail", 0: "",
	} {
		if got := kind.DetailType(); got != want {
			t.Errorf("kind %d is %q, want %q", kind, got, want)
		}
	}
}
