package control_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const far = "us-west-2"

// twoRegions makes a workload of 10 tasks on Spot at home, with on-demand there, and Spot and on-demand in another region.
func twoRegions(t *testing.T, writeOffAfter time.Duration) (*world, *control.Loop) {
	w := newWorld(t, 10, "api")
	if err := w.box.Setup(sandbox.Twins{Region: far, Cluster: cluster, Name: "api"}); err != nil {
		t.Fatal(err)
	}
	p := plain()
	p.WriteOffAfter = writeOffAfter
	p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "spot-far", Capacity: failover.Spot, Tier: 1},
		{Name: "standard", Capacity: failover.OnDemand, Tier: 2}, {Name: "standard-far", Capacity: failover.OnDemand, Tier: 3}}
	l := w.loop("a", w.store(), w.services())
	l.Workloads = []control.Workload{{Name: "api", Policy: p, Refs: []control.ServiceRef{
		{Region: region, Cluster: cluster, Service: "api-spot"}, {Region: far, Cluster: cluster, Service: "api-spot"},
		{Region: region, Cluster: cluster, Service: "api-standard"}, {Region: far, Cluster: cluster, Service: "api-standard"},
	}}}
	w.pass(l, "api")
	return w, l
}

// wantAll compares what the services are asked for: Spot and on-demand at home, then in the other region.
func (w *world) wantAll(when string, want ...int) {
	w.t.Helper()
	for i, s := range []ecsim.Ref{{Region: region, Service: "api-spot"}, {Region: region, Service: "api-standard"}, {Region: far, Service: "api-spot"}, {Region: far, Service: "api-standard"}} {
		s.Cluster = cluster
		w.box.World(func(e *ecsim.World) {
			if got, _, _ := e.Counts(s); got != want[i] {
				w.t.Errorf("%s: %s in %s is asked for %d, want %d", when, s.Service, s.Region, got, want[i])
			}
		})
	}
}

// passes lets a loop pass every half minute for a time.
func (w *world) passes(l *control.Loop, d time.Duration) (last control.Report) {
	w.t.Helper()
	for ; d > 0; d -= 30 * time.Second {
		w.advance(30 * time.Second)
		last = w.pass(l, "api")
	}
	return last
}

// silence makes a region's API give no answer; what runs there runs on, and its events come.
func (w *world) silence(name string) {
	w.t.Helper()
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLostAnswer, Operation: "ecs:*", Region: name}); err != nil {
		w.t.Fatal(err)
	}
}

// TestARegionThatIsDownIsTakenOverAndTakesBack over the real adapters and a real state.
func TestARegionThatIsDownIsTakenOverAndTakesBack(t *testing.T) {
	w, l := twoRegions(t, 5*time.Minute)
	w.silence(region)
	r := w.passes(l, time.Minute)
	if !r.Decision.Blind() || r.Decision.InService.High != 10 || !control.MayBeRead(&r.Observation, &r.Decision) {
		t.Errorf("the decision is %+v", r.Decision)
	}
	w.wantAll("unread", 10, 0, 0, 0)
	w.interrupt("api", 3)
	w.pass(l, "api")
	w.wantAll("interruptions while it is unread", 10, 0, 0, 3) // a pool that can be read is the surer one
	w.passes(l, 3*time.Minute)
	w.wantAll("still unread, and no call is answered", 10, 0, 0, 3)
	r = w.passes(l, 2*time.Minute)
	if r.Decision.Blind() || r.Decision.Pools[0].Sight != failover.WrittenOff || control.MayBeRead(&r.Observation, &r.Decision) { // no retries for it
		t.Errorf("the decision is %+v", r.Decision)
	}
	if _, running := func() (a, b int) {
		w.box.World(func(e *ecsim.World) {
			a, b, _ = e.Counts(ecsim.Ref{Region: far, Cluster: cluster, Service: "api-standard"})
		})
		return
	}(); running < 3 {
		t.Errorf("%d on-demand tasks run in the other region", running)
	}
	w.passes(l, 10*time.Minute)
	w.wantAll("written off", 10, 0, 10, 0) // all on the other region's Spot by now
	w.spotHolds(-1)
	w.box.ClearFaults(0)
	r = w.passes(l, 10*time.Minute)
	w.wantAll("back", 10, 0, 0, 0)
	if r.Decision.Reason != failover.ReasonSteady || r.Decision.Demand != 10 {
		t.Errorf("the decision is %+v", r.Decision)
	}
}

// TestASilentStandbyHoldsUpNoCover: and without write_off_after nothing is ever written off.
func TestASilentStandbyHoldsUpNoCover(t *testing.T) {
	w, l := twoRegions(t, 0)
	w.silence(far)
	w.passes(l, time.Minute)
	w.interrupt("api", 3)
	w.pass(l, "api")
	w.wantAll("interrupted", 10, 3, 0, 0)
	r := w.passes(l, time.Hour)
	w.wantAll("an hour later", 10, 3, 0, 0)
	if r.Decision.Pools[1].Sight == failover.WrittenOff {
		t.Errorf("the decision is %+v", r.Decision)
	}
	w.spotHolds(-1)
	w.passes(l, time.Hour)
	w.wantAll("Spot is back", 10, 0, 0, 0) // it holds the demand, whatever the standby does
}

// TestAThrottledListIsAnAnswer: AWS told the counts, so the pool is not written off.
func TestAThrottledListIsAnAnswer(t *testing.T) {
	w, l := twoRegions(t, time.Minute)
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultServerError, Operation: "ecs:ListTasks"}); err != nil {
		t.Fatal(err)
	}
	w.interrupt("api", 3)
	r := w.passes(l, 10*time.Minute)
	if o := r.Observation.Pools[0]; o.Err != failover.ErrUnknown || !o.Answered || r.Decision.Pools[0].Sight == failover.WrittenOff {
		t.Errorf("observed %+v, decided %+v", o, r.Decision)
	}
}

// TestARegionThatHangsIsWaitedForOnce: what is lost at home is covered within seconds, though every call of the other region hangs.
func TestARegionThatHangsIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := twoRegions(t, 0)
		fault := func(seconds float64) {
			w.box.ClearFaults(0)
			if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, Region: far, LatencySeconds: seconds}); err != nil {
				t.Fatal(err)
			}
		}
		fault(60)
		for i, want := range []time.Duration{control.LookTimeout, 2 * time.Second, 2 * time.Second} {
			if i == 1 {
				w.interrupt("api", 3)
			}
			r := w.pass(l, "api")
			if !r.Decision.Blind() || r.Observation.Pools[1].Err != failover.ErrTimeout || r.Took < want || r.Took > want+time.Second {
				t.Errorf("pass %d took %s, want %s; observed %+v", i, r.Took, want, r.Observation.Pools[1])
			}
		}
		w.wantAll("interrupted", 10, 3, 0, 0)
		fault(4) // slow, and no longer silent: the call that nobody waited for says so
		if r := w.pass(l, "api"); !r.Decision.Blind() || r.Took > 3*time.Second {
			t.Errorf("it took %s, and saw %+v", r.Took, r.Observation.Pools[1])
		}
		time.Sleep(control.LookTimeout) //nolint:forbidigo // of the bubble
		if r := w.pass(l, "api"); r.Decision.Blind() || r.Took < 4*time.Second {
			t.Errorf("it took %s, and saw %+v", r.Took, r.Observation.Pools[1])
		}
		time.Sleep(control.LookTimeout) //nolint:forbidigo // of the bubble: for the calls that nobody waits for
	})
}
