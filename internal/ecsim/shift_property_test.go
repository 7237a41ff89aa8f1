package ecsim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// unrest does one random thing to a service deployment, as people with a console might.
func unrest(f *fixture, r *rand.Rand) {
	d := f.newest()
	switch r.IntN(6) {
	case 0:
		_ = f.StopServiceDeployment(region, d.ARN) // refused when it is over
	case 1, 2:
		for _, h := range d.Hooks {
			if h.Status == ecsim.HookAwaitingAction {
				f.must(f.ContinueServiceDeployment(region, d.ARN, h.ID, []string{"", ecsim.RollbackDeployment}[r.IntN(2)]))
				return
			}
		}
	case 3:
		c := someRollout(r)
		_, err := f.UpdateService(api, ecsim.UpdateServiceInput{Deployment: &ecsim.DeploymentConfig{Rollout: &c, CircuitBreaker: r.IntN(2) == 0, Rollback: r.IntN(2) == 0}})
		f.must(err)
	case 4:
		f.InterruptRevision(api, r.IntN(10), "", false, r.IntN(2) == 0)
	}
}

func someRollout(r *rand.Rand) ecsim.RolloutConfig {
	c := ecsim.RolloutConfig{Strategy: []string{ecsim.Rolling, ecsim.BlueGreen, ecsim.Linear, ecsim.Canary}[r.IntN(4)], Bake: time.Duration(r.IntN(20)) * time.Minute}
	if c.Strategy == ecsim.Rolling {
		c.EarlySuccess = ecsim.EarlySuccess{Enabled: r.IntN(2) == 0, HealthyPercent: 100, Deferred: r.IntN(2) == 0}
		return c
	}
	for _, stage := range []string{ecsim.StagePreScaleUp, ecsim.StagePreProductionShift, ecsim.StageReconcile} {
		if r.IntN(3) == 0 {
			c.Hooks = append(c.Hooks, ecsim.LifecycleHook{Stages: []string{stage}, Pause: true, Timeout: time.Duration(1+r.IntN(20)) * time.Minute, ContinueOnTimeout: r.IntN(2) == 0})
		}
	}
	return c
}

// checkShares checks what service deployments say about traffic and tasks.
func checkShares(f *fixture) {
	f.Helper()
	revisions := f.Revisions(api)
	most, running, inService := 0.0, 0, 0
	for _, v := range revisions {
		most = max(most, v.Share)
		running += v.Running
		inService += v.InService
		if v.Share == 0 && v.InService > 0 {
			f.Fatalf("%d tasks of %s are in service without traffic", v.InService, v.ARN)
		}
	}
	if most == 0 || inService != f.InService(api) {
		f.Fatalf("revisions %+v: one must have the traffic, and %d are in service", revisions, f.InService(api))
	}
	if _, n, _ := f.Counts(api); !f.Config().WarnedNotCounted && running > n {
		f.Fatalf("revisions run %d tasks, the service %d", running, n)
	}
	d := f.newest()
	if sum := d.Target.Production; d.Target.Weighted && d.Status == ecsim.ReleaseInProgress && d.Rollout.Strategy != ecsim.Rolling {
		for _, source := range d.Source {
			sum += source.Production
		}
		if sum < 99.99 || sum > 100.01 {
			f.Fatalf("the revisions of %+v share %v %% of the traffic", d, sum)
		}
	}
	if _, missing := f.DescribeServiceDeployments(region, []string{d.ARN}); len(missing) > 0 {
		f.Fatalf("%s is listed and not there", d.ARN)
	}
}

func TestInvariantsHoldWhileTrafficShifts(t *testing.T) {
	worlds := 30
	if racetest.Enabled || testing.Short() {
		worlds = 6
	}
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			f := build(t, trouble(seed))
			r := rand.New(rand.NewPCG(seed, 5))
			c := someRollout(r)
			change := []func(*ecsim.CreateServiceInput){func(in *ecsim.CreateServiceInput) { in.Deployment.Rollout, in.LoadBalanced = &c, true }}
			if r.IntN(2) == 0 { // with target groups in the model
				groups, traffic := f.two()
				change = append(change, behind(groups[0]), func(in *ecsim.CreateServiceInput) { in.Traffic = traffic })
			}
			f.serve(20, change...)
			h := history{}
			at := time.Duration(0)
			for range 200 {
				at += time.Duration(r.ExpFloat64() * float64(2*time.Minute))
				f.to(at)
				disturb(f, r)
				unrest(f, r)
				recount(f, h)
				checkShares(f)
			}
			f.SetSupply(spotKey(), -1)
			for _, zone := range []string{"us-west-2a", "us-west-2b", "us-west-2c"} {
				f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: zone}, -1)
				f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate, Zone: zone}, -1)
			}
			f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, -1)
			f.must(f.SetBroken(api, ecsim.FailNone))
			f.desire(12)
			last := ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: 10 * time.Minute}
			_, err := f.UpdateService(api, ecsim.UpdateServiceInput{ForceNewDeployment: true, Deployment: &ecsim.DeploymentConfig{Rollout: &last}})
			f.must(err)
			f.to(at + 4*time.Hour)
			recount(f, h)
			checkShares(f)
			f.want("after the trouble", 12, 12, 0)
			if s := f.service(); len(s.Deployments) != 1 || s.Deployments[0].Rollout != ecsim.RolloutCompleted || f.newest().Status != ecsim.ReleaseSuccessful {
				t.Errorf("deployments %+v, %s", s.Deployments, f.newest().Status)
			}
			if n := f.InService(api); n != 12 {
				t.Errorf("%d in service, want 12", n)
			}
		})
	}
}
