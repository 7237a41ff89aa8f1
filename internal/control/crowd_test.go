package control_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func TestABurstIsAFewPassesAndOneUpdate(t *testing.T) {
	inBubble(t, 200, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		d := w.start("a", store)
		sleep(t, 5*time.Second)
		before := len(d.seen())
		w.box.ForgetCalls()
		w.box.World(func(e *ecsim.World) {
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 200, "", true)
		})
		sleep(t, time.Second)
		if n := len(d.seen()) - before; n < 1 || n > 3 {
			t.Errorf("200 interruptions took %d passes, want at most 3", n)
		}
		if n := w.calls("ecs:UpdateService"); n < 1 || n > 3 {
			t.Errorf("200 interruptions took %d UpdateService calls, want at most 3", n)
		}
		w.wantDesired("api-standard", 200)
		d.finish()
	})
}

func TestADeploymentsEventsDoNotMakeAStormOfPasses(t *testing.T) {
	inBubble(t, 60, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		d := w.start("a", store)
		sleep(t, 5*time.Second)
		w.box.World(func(e *ecsim.World) {
			if _, err := e.UpdateService(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, ecsim.UpdateServiceInput{ForceNewDeployment: true}); err != nil {
				t.Fatal(err)
			}
		})
		before := len(d.seen())
		sleep(t, 5*time.Minute)
		if n := len(d.seen()) - before; n > 200 {
			t.Errorf("%d passes in the five minutes of a deployment, want at most one in some two seconds", n)
		}
		w.wantDesired("api-standard", 0)
		d.finish()
	})
}

func TestTwoDaemonsShareOneFileAndOneQueue(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		one, doneOne := w.open()
		defer doneOne()
		two, doneTwo := w.open()
		defer doneTwo()
		a, b := w.start("a", one), w.start("b", two)
		sleep(t, 5*time.Second)
		w.box.ForgetCalls()
		w.box.World(func(e *ecsim.World) {
			e.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 20) // AWS gives no place back
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 6, "", true)
		})
		sleep(t, 90*time.Second)
		w.wantDesired("api-standard", 6)
		if n := w.calls("ecs:UpdateService"); n != 1 {
			t.Errorf("two daemons made %d UpdateService calls, want 1", n)
		}
		w.wantDrained()
		a.finish()
		sleep(t, 2*time.Minute)
		passes := len(b.seen())
		sleep(t, 2*time.Minute)
		if len(b.seen()) <= passes {
			t.Error("the second daemon does not go on when the first has stopped")
		}
		b.finish()
	})
}

func TestManyWorkloadsAreSpreadOverTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 250 {
			names = append(names, fmt.Sprintf("w%03d", i))
		}
		w := worldOf(t, sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}}, 1, names...)
		store, done := w.open()
		defer done()
		d := w.start("a", store, func(l *control.Loop) {
			l.Queue, l.Workloads = nil, nil
			for _, n := range names {
				l.Workloads = append(l.Workloads, workload(n, plain()))
			}
		})
		sleep(t, 30*time.Second)
		w.box.ForgetCalls()
		first := len(d.seen())
		sleep(t, time.Minute)
		if n := len(d.seen()) - first; n != 250 {
			t.Errorf("%d passes of 250 workloads in a minute, want one each", n)
		}
		if n := w.calls("ecs:DescribeServices"); n != 50 {
			t.Errorf("%d DescribeServices calls for 500 services, want 50", n)
		}
		starts := map[time.Time]int{}
		for _, r := range d.seen()[first:] {
			starts[r.Started]++
		}
		if len(starts) != 3 {
			t.Errorf("the passes began at %v, want three moments of the minute", starts)
		}
		d.finish()
	})
}
