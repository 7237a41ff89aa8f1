package adversary

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

var stackFlag = flag.Int("stack", 1+1/slower, "how many seeds go through the SDK, the sandbox and SQLite")

// TestSeedsThroughTheRealStack runs two daemons with the real adapters over the SDK against the sandbox, on
// one SQLite file, while the sandbox throttles, fails, loses answers and delivers events
// late, twice or never. After hours of it every step must have kept promise.Check's promises, and in the calm
// the workload must be back on Spot alone.
func TestSeedsThroughTheRealStack(t *testing.T) {
	for seed := range uint64(*stackFlag) {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			synctest.Test(t, func(t *testing.T) {
				stack(t, storm{seed: seed + 1, path: path, trouble: max(time.Hour/slower, 15*time.Minute), lull: 5 * time.Minute, tick: time.Minute})
			})
		})
	}
}

// storm is what a run over the real adapters goes through.
type storm struct {
	seed    uint64
	path    string        // the store's file
	trouble time.Duration // how long there are faults
	lull    time.Duration // the least time between two changes of them; at most five times as long
	tick    time.Duration
	look    func() // called after each change
}

// stack is one run over the real adapters.
func stack(t *testing.T, s storm) {
	seed, path := s.seed, s.path
	draw := rand.New(rand.NewPCG(seed, 0x57ac4))
	demand := 4 + draw.IntN(10)
	box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: seed, Start: time.Now()}})
	if err := box.SetupTwins(clusterName, workloadName, demand); err != nil {
		t.Fatal(err)
	}
	cfg := aws.Config{Region: homeRegion, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost")}
	p, _ := failover.Preset([]string{failover.PresetFill, failover.PresetSwitch}[seed%2])
	p.Switch.PerDay = 0
	p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	refs := []control.ServiceRef{{Region: homeRegion, Cluster: clusterName, Service: workloadName + "-spot"},
		{Region: homeRegion, Cluster: clusterName, Service: workloadName + "-standard"}}

	// One handle for both: SQLite's own wait for a lock is no wait that a bubble knows. Two processes on one file are
	// tested in internal/state/sqlite.
	store, err := sqlite.Open(t.Context(), path, journal.Retention{Entries: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range 2 {
		l := &control.Loop{Services: service.New(cfg, service.Options{}), Store: store, Queue: queue.New(cfg, box.QueueURL()), Parse: ecsevent.Parse,
			Owner: fmt.Sprint("daemon", i), Now: box.Now, Tick: s.tick, Workloads: []control.Workload{{Name: workloadName, Policy: p, Refs: refs}},
			Tell: func(_ context.Context, r control.Report) {
				if len(r.Decision.Pools) == 0 {
					return
				}
				for _, v := range promise.Check(&p, &r.Before, &r.Observation, &r.After, &r.Decision) {
					t.Errorf("seed %d: generation %d: %s", seed, r.Before.Generation, v)
				}
			}}
		all.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(7 * time.Second)
	}
	for end := time.Now().Add(s.trouble); time.Now().Before(end); {
		if draw.IntN(3) == 0 {
			calm(box)
		} else if err := worsen(box, draw, demand, ref(refs[0])); err != nil {
			t.Fatal(err)
		}
		time.Sleep(s.lull + time.Duration(draw.Float64()*4*float64(s.lull)))
		if s.look != nil {
			s.look()
		}
	}
	calm(box)
	var got [2]int
	for end := time.Now().Add(convergeMax); time.Now().Before(end); time.Sleep(time.Minute) {
		box.World(func(w *ecsim.World) {
			got = [2]int{w.Working(ref(refs[0])), w.Working(ref(refs[1]))}
		})
		if got == [2]int{demand, 0} {
			return
		}
	}
	t.Errorf("seed %d: after %s of calm %d tasks run on Spot and %d on demand, want %d and none", seed, convergeMax, got[0], got[1], demand)
}

// worsen makes trouble that stays until it is changed: a fault of the API, events that go astray, Spot that is short; and takes some
// tasks back.
func worsen(box *sandbox.Sandbox, draw *rand.Rand, demand int, spot ecsim.Ref) error {
	kinds := []sandbox.FaultKind{sandbox.FaultThrottle, sandbox.FaultServerError, sandbox.FaultDenied, sandbox.FaultLostAnswer, sandbox.FaultLateError}
	box.ClearFaults(0)
	box.SetDelivery(sandbox.Trouble{LostShare: draw.Float64() / 2, DuplicateShare: draw.Float64() / 2, LateShare: draw.Float64(), LateSeconds: 300})
	if _, err := box.AddFault(sandbox.Fault{Kind: kinds[draw.IntN(len(kinds))], Share: 0.05 + draw.Float64()/3}); err != nil {
		return err
	}
	n, holds := draw.IntN(demand), draw.IntN(2*demand)
	box.World(func(w *ecsim.World) {
		w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, holds)
		w.Interrupt(spot, n, "", false)
	})
	return nil
}

// calm ends all of it.
func calm(box *sandbox.Sandbox) {
	box.ClearFaults(0)
	box.SetDelivery(sandbox.Trouble{})
	box.World(func(w *ecsim.World) {
		w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, -1)
	})
}
