package control_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestADeletedServiceIsCoveredOnTheSecondAnswer over the real adapter: DescribeServices first says DRAINING, then INACTIVE.
func TestADeletedServiceIsCoveredOnTheSecondAnswer(t *testing.T) {
	w := newWorld(t, 20, "api")
	store := w.store()
	l := w.loop("a", store, w.services(), "api")
	w.pass(l, "api")
	w.advance(time.Minute)
	w.pass(l, "api")
	w.box.World(func(e *ecsim.World) {
		if _, err := e.DeleteService(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, true); err != nil {
			t.Fatal(err)
		}
	})
	w.advance(2 * time.Second)
	for range 40 {
		w.pass(l, "api")
		w.advance(15 * time.Second)
	}
	w.wantDesired("api-standard", 20)
	s := w.record(store, "api").State
	if s.Demand != 20 || s.Pool("spot").LostAt.IsZero() {
		t.Errorf("the demand is %d, the pool counts as lost since %s; want 20 and since some minutes", s.Demand, s.Pool("spot").LostAt)
	}
	r := w.pass(l, "api")
	critical := false
	for _, n := range r.Decision.Notices {
		critical = critical || n.Reason == failover.ReasonServiceGone && n.Severity == failover.Critical
	}
	if !critical {
		t.Errorf("nobody is told: %+v", r.Decision.Notices)
	}
}

// TestAServiceThatWasNeverThereStartsNothing: without a state a missing service is a mistake in the configuration.
func TestAServiceThatWasNeverThereStartsNothing(t *testing.T) {
	w := newWorld(t, 20, "api")
	l := w.loop("a", w.store(), w.services(), "api")
	l.Workloads[0].Refs[0].Service = "never"
	for range 8 {
		w.pass(l, "api")
		w.advance(15 * time.Second)
	}
	w.wantDesired("api-standard", 0)
}
