package ecsim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// unready is a troubled world in which tasks warm up, hang and stay unwell.
func unready(seed uint64) ecsim.Config {
	r := rand.New(rand.NewPCG(seed, 78))
	cfg := trouble(seed)
	cfg.WarmUp = ecsim.WarmUp{P50: time.Duration(r.IntN(60)) * time.Second, P99: time.Duration(r.IntN(200)) * time.Second}
	cfg.UnhealthyShare, cfg.HungStartShare = r.Float64()*0.1, r.Float64()*0.1
	cfg.SpotDeregistration = ecsim.SpotDeregistration{AtWarning: r.IntN(2) == 0, After: time.Duration(r.IntN(30)) * time.Second, HoldsGrace: r.IntN(2) == 0}
	cfg.PutBackServes = r.IntN(2) == 0
	cfg.ScaleIn = ecsim.ScaleInPick(r.IntN(4))
	return cfg
}

// meddle does one random thing to a target group.
func meddle(f *fixture, r *rand.Rand, group, other, rule string) {
	f.Helper()
	switch r.IntN(6) {
	case 0:
		_, err := f.ModifyRule(region, rule, []ecsim.Forward{{group, r.IntN(2)}, {other, 1}})
		f.must(err)
	case 1, 2:
		if all, _ := f.DescribeTargetHealth(region, group, nil); len(all) > 0 {
			_ = f.DeregisterTargets(region, group, []ecsim.Target{all[r.IntN(len(all))].Target})
		}
	case 3:
		if tasks := f.tasks(ecsim.Running); len(tasks) > 0 {
			if ip := tasks[r.IntN(len(tasks))].PrivateIP(); ip != "" {
				f.must(f.RegisterTargets(region, group, []ecsim.Target{{IP: ip}}))
			}
		}
	default:
		disturb(f, r)
	}
}

// healthyTasks counts, from what AWS shows, the tasks that are wanted, RUNNING and healthy targets of a group with weight.
func healthyTasks(f *fixture, group string) int {
	groups, err := f.DescribeTargetGroups(region, []string{group})
	f.must(err)
	if groups[0].Weight == 0 {
		return 0
	}
	all, err := f.DescribeTargetHealth(region, group, nil)
	f.must(err)
	healthy := map[string]bool{}
	for _, h := range all {
		if h.State == ecsim.TargetHealthy {
			healthy[h.IP] = true
		}
	}
	n := 0
	for _, task := range f.tasks(ecsim.Running) {
		if task.LastStatus == ecsim.Running && healthy[task.PrivateIP()] {
			n++
		}
	}
	return n
}

func TestInServiceIsWhatTargetHealthShows(t *testing.T) {
	most := 0
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			f := build(t, unready(seed))
			group, rule := f.balance()
			other, err := f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "other"})
			f.must(err)
			f.serve(20, behind(group), func(in *ecsim.CreateServiceInput) { in.HealthGrace = 5 * time.Minute })
			r := rand.New(rand.NewPCG(seed, 3))
			h := history{}
			at := time.Duration(0)
			for range 150 {
				at += time.Duration(r.ExpFloat64() * float64(time.Minute))
				f.to(at)
				meddle(f, r, group, other.ARN, rule)
				recount(f, h)
				in, working := f.InService(api), f.Working(api)
				if want := healthyTasks(f, group); in != want || working < in {
					t.Fatalf("at %v: %d in service and %d serving, want %d", at, in, working, want)
				}
				most = max(most, in)
			}
		})
	}
	if most < 10 {
		t.Errorf("never more than %d in service: the test shows little", most)
	}
}

func TestReadinessDoesNotDependOnHowTheWayIsCut(t *testing.T) {
	play := func(seed uint64, step time.Duration) string {
		f := build(t, unready(seed))
		group, rule := f.balance()
		other, err := f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "other"})
		f.must(err)
		f.serve(20, behind(group))
		r := rand.New(rand.NewPCG(seed, 4))
		trace := ""
		at := time.Duration(0)
		for range 60 {
			to := at + time.Duration(r.ExpFloat64()*float64(2*time.Minute))
			for at < to {
				at = min(to, at+step)
				f.to(at)
			}
			meddle(f, r, group, other.ARN, rule)
			trace += fmt.Sprint(f.InService(api), " ", f.Working(api), " ", len(f.events), " ", f.Shifts(), "\n")
		}
		return trace
	}
	for seed := range uint64(4) {
		if whole, cut := play(seed, time.Hour), play(seed, 3*time.Second); whole != cut {
			t.Errorf("seed %d: steps of 3 s give another world", seed)
		}
	}
}
