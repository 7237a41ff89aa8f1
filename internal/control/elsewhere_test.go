package control_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestASecondInstallationIsToldByTheTag plays case L32: two installations of the preset switch with separate states. The second one
// finds the count held down by the first, changes nothing and says who holds it, until an operator confirms that it takes over.
func TestASecondInstallationIsToldByTheTag(t *testing.T) {
	w := newWorld(t, 40, "api")
	install := func(name string) (*control.Loop, control.Store) {
		w.path = filepath.Join(t.TempDir(), name+".db")
		store := w.store()
		l := w.loop(name, store, service.New(w.aws(), service.Options{Scale: 1000, Installation: name}), "api")
		l.Workloads[0].Policy, _ = failover.Preset(failover.PresetSwitch)
		l.Workloads[0].Policy.Pools = plain().Pools
		return l, store
	}
	first, _ := install("first")
	for range 3 {
		w.pass(first, "api")
		w.advance(time.Minute)
	}
	w.interrupt("api", 10)
	for range 12 {
		w.pass(first, "api")
		w.advance(15 * time.Second)
	}
	w.wantDesired("api-spot", 2)

	second, store := install("second")
	updates := w.calls("ecs:UpdateService")
	var r control.Report
	for range 8 {
		r = w.pass(second, "api")
		w.advance(15 * time.Second)
	}
	if n := w.calls("ecs:UpdateService") - updates; n != 0 {
		t.Errorf("the second installation changed counts %d times", n)
	}
	w.wantDesired("api-spot", 2)
	if d := r.Decision; d.Reason != failover.ReasonGuardedElsewhere || d.Demand != 40 || d.Findings[0].Detail != "first" {
		t.Errorf("it says %s with a demand of %d (%+v), want %s, 40 and by whom", d.Reason, d.Demand, d.Findings, failover.ReasonGuardedElsewhere)
	}
	critical := false
	for _, n := range r.Decision.Notices {
		critical = critical || n.Reason == failover.ReasonGuardedElsewhere && n.Severity == failover.Critical
	}
	if !critical {
		t.Errorf("no critical notice among %+v", r.Decision.Notices)
	}
	if r = w.pass(first, "api"); r.Decision.Reason == failover.ReasonGuardedElsewhere {
		t.Error("the first installation takes its own tag for another's")
	}

	if _, err := control.Intend(t.Context(), store, second.Workloads[0], "cli", failover.Intent{Kind: failover.IntentConfirm, By: "op", At: w.box.Now()}, w.box.Now); err != nil {
		t.Fatal(err)
	}
	w.pass(second, "api")
	w.wantDesired("api-spot", 40)
}
