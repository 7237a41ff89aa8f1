package simulate

import (
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/replay"
)

func TestAWarmUpAndTheOrderOfAScaleInReachTheWorld(t *testing.T) {
	p, err := Options{World: "WD", WarmUp: "30s, 48s", ScaleIn: "random"}.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := p.world
	if w.Stop != replay.Drained || w.WarmUp != (ecsim.WarmUp{P50: 30 * time.Second, P99: 48 * time.Second}) || w.ScaleIn != ecsim.PickRandom || w.StartUp.P50 != 90*time.Second {
		t.Errorf("the world is %+v", w)
	}
	got, err := Run(t.Context(), Options{WarmUp: "60s,60s", Policies: []string{"spothedge-warned"}, Tasks: 20, Days: 2, Traces: []string{"total"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := got[0].Rows[0]
	if got[0].About.WarmUp != "60s,60s" || r.ShortPer1000 <= r.RunningShort || r.ReturnPer1000 <= 0 || r.ReturnMin >= 1 {
		t.Errorf("a return on RUNNING with a warm-up: %.2f short, %.2f by RUNNING, %.2f by its own stops down to %.2f", r.ShortPer1000, r.RunningShort, r.ReturnPer1000, r.ReturnMin)
	}
	if !slices.Equal(ScaleInOrders(), []string{"serving", "random", "starting"}) {
		t.Errorf("the orders are %v", ScaleInOrders())
	}
}
