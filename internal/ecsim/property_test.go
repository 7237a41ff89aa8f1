package ecsim_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// trouble is a world in which everything that can be bent is bent, as drawn from a seed.
func trouble(seed uint64) ecsim.Config {
	r := rand.New(rand.NewPCG(seed, 77))
	some := func(most float64) float64 { return max(0, r.Float64()*2-1) * most }
	return ecsim.Config{
		Seed: seed, StartUp: ecsim.StartUp{CommonShare: some(1), SlowShare: some(0.2)}, UnwarnedShare: some(0.5), HungShare: some(1),
		WarnedNotCounted: r.IntN(2) == 0, OnSIGTERM: ecsim.Behaviour(1 + r.IntN(2)), ScaleIn: ecsim.ScaleInPick(r.IntN(3)),
		DesiredResets: r.IntN(2) == 0, HungBacksOff: r.IntN(2) == 0, LaunchSpacing: time.Duration(some(1e9)),
		PlacementRetry: ecsim.Backoff{Factor: 1 + some(1)}, SpotVCPU: 40 + some(1000), KeepStopped: time.Duration(1+r.IntN(60)) * time.Minute,
		Delivery: ecsim.Delivery{P50: time.Duration(some(5e9)), P95: time.Duration(some(2e10)), DuplicateShare: some(0.3), ReorderShare: some(0.3), LostShare: some(0.1)},
	}
}

// disturb does one random thing to a world, as an operator, a scaler, a release or AWS might.
func disturb(f *fixture, r *rand.Rand) {
	n := r.IntN(40)
	zone := []string{"", "us-west-2a", "us-west-2b", "us-west-2c"}[r.IntN(4)]
	limit := r.IntN(50) - 5
	if zone != "" {
		limit = r.IntN(20) - 3
	}
	switch r.IntN(14) {
	case 0, 1, 2:
		f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: zone}, limit)
	case 3:
		f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate, Zone: zone}, limit)
	case 4, 5:
		f.desire(n)
	case 6:
		f.Interrupt(api, n/4, zone, r.IntN(2) == 0)
	case 7:
		f.must(f.SetBroken(api, ecsim.FailMode(r.IntN(6))))
	case 8:
		f.must(f.SetBroken(api, ecsim.FailNone))
	case 9:
		if _, err := f.UpdateService(api, ecsim.UpdateServiceInput{ForceNewDeployment: true}); err != nil {
			f.Fatal(err)
		}
	case 10:
		strategy := []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1 + r.IntN(3)}, {Provider: ecsim.Fargate, Base: r.IntN(5), Weight: r.IntN(2)}}
		if _, err := f.UpdateService(api, ecsim.UpdateServiceInput{ForceNewDeployment: true, SetStrategy: true, Strategy: strategy}); err != nil {
			f.Fatal(err)
		}
	case 11:
		if _, _, err := f.RunTask(region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web", Count: 1 + r.IntN(5)}); err != nil {
			isError(f.T, err, "ThrottlingException", "")
		}
	case 12:
		if tasks := f.tasks(ecsim.Running); len(tasks) > 0 {
			ids := []string{tasks[r.IntN(len(tasks))].ID}
			if _, _, err := f.UpdateTaskProtection(region, cluster, ids, r.IntN(3) > 0, time.Duration(1+r.IntN(100))*time.Minute); err != nil {
				f.Fatal(err)
			}
		}
	case 13:
		if tasks := f.tasks(ecsim.Running); len(tasks) > 0 {
			if _, err := f.StopTask(region, cluster, tasks[r.IntN(len(tasks))].ARN, ""); err != nil {
				f.Fatal(err)
			}
		}
	}
}

var order = []ecsim.Status{
	ecsim.Provisioning, ecsim.Pending, ecsim.Activating, ecsim.Running, ecsim.Deactivating, ecsim.Stopping, ecsim.Deprovisioning, ecsim.Stopped,
}

// history remembers every task, to see that none lives twice or goes back.
type history map[string]ecsim.Task

func (h history) check(f *fixture, task ecsim.Task) {
	old, known := h[task.ID]
	if known {
		switch {
		case task.Version < old.Version:
			f.Fatalf("task %s went back from version %d to %d", task.ID, old.Version, task.Version)
		case slices.Index(order, task.LastStatus) < slices.Index(order, old.LastStatus):
			f.Fatalf("task %s went back from %s to %s", task.ID, old.LastStatus, task.LastStatus)
		case old.DesiredStatus == ecsim.Stopped && task.DesiredStatus != ecsim.Stopped:
			f.Fatalf("task %s was revived", task.ID)
		case !task.CreatedAt.Equal(old.CreatedAt) || !old.StartedAt.IsZero() && !task.StartedAt.Equal(old.StartedAt):
			f.Fatalf("task %s runs twice: %+v after %+v", task.ID, task, old)
		}
	}
	h[task.ID] = task
}

// recount checks a world's counters against its tasks.
func recount(f *fixture, h history) {
	alive, running, pending, warned, spotHeld, gone := 0, 0, 0, 0, 0, 0
	tasks := append(f.tasks(ecsim.Running), f.tasks(ecsim.Stopped)...)
	for _, task := range tasks {
		h.check(f, task)
		interrupted := task.StopCode == ecsim.StopSpot
		switch {
		case task.LastStatus == ecsim.Running:
			running++
			if interrupted {
				warned++
			}
		case slices.Index(order, task.LastStatus) < 3:
			pending++
		}
		if task.DesiredStatus == ecsim.Running {
			alive++
			if task.Provider == ecsim.FargateSpot && task.Zone != "" {
				spotHeld++
			}
		} else if task.LastStatus == ecsim.Stopped {
			gone++
		}
	}
	if f.Config().WarnedNotCounted {
		running -= warned
	}
	_, r, p := f.Counts(api)
	if r != running || p != pending {
		f.Fatalf("counters say %d running, %d pending; the tasks %d and %d", r, p, running, pending)
	}
	if n := f.Working(api); n < 0 || n > running+len(tasks) {
		f.Fatalf("%d tasks work", n)
	}
	limit, held := f.Supply(spotKey())
	if limit >= 0 && held > limit {
		f.Fatalf("%d tasks hold Spot capacity, %d may", held, limit)
	}
	sum := 0
	for _, zone := range []string{"us-west-2a", "us-west-2b", "us-west-2c"} {
		limit, held := f.Supply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: zone})
		if limit >= 0 && held > limit {
			f.Fatalf("%d tasks hold Spot capacity in %s, %d may", held, zone, limit)
		}
		sum += held
	}
	if sum != held || held < spotHeld {
		f.Fatalf("zones hold %d, the region %d, the tasks %d", sum, held, spotHeld)
	}
	if limit, used := f.Quota(region, ecsim.FargateSpot); used > limit || used < 0 {
		f.Fatalf("%v vCPU of Spot in use, the quota is %v", used, limit)
	}
	deployments := 0
	for _, d := range f.service().Deployments {
		deployments += d.Running + d.Pending
	}
	if deployments > r+p {
		f.Fatalf("deployments have %d tasks running or pending, the service %d", deployments, r+p)
	}
}

func TestInvariantsHoldInTroubledWorlds(t *testing.T) {
	worlds := 30
	if racetest.Enabled || testing.Short() {
		worlds = 4
	}
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			f := build(t, trouble(seed))
			r := rand.New(rand.NewPCG(seed, 1))
			f.serve(20, func(in *ecsim.CreateServiceInput) {
				in.LoadBalanced = r.IntN(2) == 0
				in.Deployment.CircuitBreaker, in.Deployment.Rollback = r.IntN(2) == 0, r.IntN(2) == 0
			})
			h := history{}
			at := time.Duration(0)
			for range 200 {
				at += time.Duration(r.ExpFloat64() * float64(2*time.Minute))
				f.to(at)
				disturb(f, r)
				recount(f, h)
			}
			// After the trouble a healthy service converges to what it wants, whatever has happened.
			f.SetSupply(spotKey(), -1)
			for _, zone := range []string{"us-west-2a", "us-west-2b", "us-west-2c"} {
				f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: zone}, -1)
				f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate, Zone: zone}, -1)
			}
			f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, -1)
			f.must(f.SetBroken(api, ecsim.FailNone))
			f.desire(12)
			if _, err := f.UpdateService(api, ecsim.UpdateServiceInput{ForceNewDeployment: true}); err != nil {
				t.Fatal(err)
			}
			f.to(at + 3*time.Hour) // protections last up to 100 min, hung launches and back-offs less
			recount(f, h)
			f.want("after the trouble", 12, 12, 0)
			if s := f.service(); len(s.Deployments) != 1 || s.Deployments[0].Rollout != ecsim.RolloutCompleted {
				t.Errorf("deployments %+v, want one COMPLETED", s.Deployments)
			}
			if n := f.Working(api); n != 12 {
				t.Errorf("%d tasks work, want 12", n)
			}
		})
	}
}

// fingerprint plays a troubled world, the way cut into steps of at most step, and returns the hash of all its events.
func fingerprint(t *testing.T, seed uint64, step time.Duration) uint64 {
	f := build(t, trouble(seed))
	r := rand.New(rand.NewPCG(seed, 2))
	f.serve(20)
	sum := fnv.New64a()
	at := time.Duration(0)
	for range 100 {
		to := at + time.Duration(r.ExpFloat64()*float64(3*time.Minute))
		for at < to {
			at = min(to, at+step)
			f.to(at)
		}
		disturb(f, r)
	}
	for _, e := range f.events {
		task := ecsim.Task{}
		if e.Task != nil {
			task = *e.Task
		}
		e.Task = nil
		fmt.Fprintf(sum, "%+v %+v\n", e, task)
	}
	return sum.Sum64()
}

func TestSameSeedSameEventsHoweverTheWayIsCut(t *testing.T) {
	seen := map[uint64]uint64{}
	seeds := uint64(8)
	if racetest.Enabled {
		seeds = 1
	}
	for seed := range seeds {
		whole := fingerprint(t, seed, time.Hour)
		if again := fingerprint(t, seed, time.Hour); again != whole {
			t.Errorf("seed %d: a second run differs", seed)
		}
		if cut := fingerprint(t, seed, 7*time.Second); cut != whole {
			t.Errorf("seed %d: steps of 7 s give other events", seed)
		}
		if other, ok := seen[whole]; ok {
			t.Errorf("seeds %d and %d give the same events", seed, other)
		}
		seen[whole] = seed
	}
}

func TestNextNamesTheNextEventAndEndsWhenNothingWillHappen(t *testing.T) {
	cfg := exact()
	cfg.SteadyRepeat = -1
	f := build(t, cfg)
	if at, ok := f.Next(); ok {
		t.Errorf("an empty world has something to do at %v", at)
	}
	f.serve(3)
	steps := 0
	for at, ok := f.Next(); ok; at, ok = f.Next() {
		if at.Before(f.Now()) {
			t.Fatalf("next event at %v, it is %v", at, f.Now())
		}
		f.AdvanceTo(at)
		if steps++; steps > 1000 {
			t.Fatal("a calm service never comes to rest")
		}
	}
	f.want("at rest", 3, 3, 0)
}
