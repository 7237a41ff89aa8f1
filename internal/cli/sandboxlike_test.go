package cli

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// TestADayIsPlayedByTheSandboxsTime: a row takes effect when the sandbox's clock gets there, none is left out by a fast clock, and the last one stays.
func TestADayIsPlayedByTheSandboxsTime(t *testing.T) {
	day := &trace.Trace{Name: "day", Columns: []trace.Column{{Pool: trace.Spot}, {Pool: trace.OnDemand}}, At: []time.Duration{0, time.Hour, 2 * time.Hour},
		Values: []int{trace.NoLimit, trace.NoLimit, 3, trace.NoLimit, 3, 7}, Duration: 2 * time.Hour}
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New(sandbox.Options{Speed: 60})
		held := func() (spot, onDemand int) {
			box.World(func(w *ecsim.World) {
				spot, _ = w.Supply(ecsim.SupplyKey{Region: "us-east-1", Provider: ecsim.FargateSpot})
				onDemand, _ = w.Supply(ecsim.SupplyKey{Region: "us-east-1", Provider: ecsim.Fargate})
			})
			return spot, onDemand
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan struct{})
		go func() {
			defer close(done)
			playDay(ctx, box, day, "us-east-1")
		}()
		for _, row := range []struct {
			after          time.Duration // real
			spot, onDemand int
		}{{30 * time.Second, trace.NoLimit, trace.NoLimit}, {35 * time.Second, 3, trace.NoLimit}, {60 * time.Second, 3, 7}} {
			time.Sleep(row.after)
			if spot, onDemand := held(); spot != row.spot || onDemand != row.onDemand {
				t.Errorf("at %s: spot %d, on-demand %d, want %d and %d", box.Now(), spot, onDemand, row.spot, row.onDemand)
			}
		}
		<-done
	})
}
