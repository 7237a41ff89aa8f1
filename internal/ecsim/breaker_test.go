package ecsim_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestBreakerLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limit   ecsim.BreakerLimit
		desired int
		want    int
	}{
		"default":       {ecsim.BreakerLimit{}, 20, 10},
		"default, few":  {ecsim.BreakerLimit{}, 2, 3},
		"bounded, many": {ecsim.BreakerLimit{Kind: ecsim.BoundedPercent, Value: 50}, 1000, 200},
		"unbounded":     {ecsim.BreakerLimit{Kind: ecsim.UnboundedPercent, Value: 10}, 4, 1},
		"count":         {ecsim.BreakerLimit{Kind: ecsim.FailureCount, Value: 7}, 20, 7},
	} {
		f := build(t, exact())
		f.serve(c.desired, func(in *ecsim.CreateServiceInput) {
			in.Deployment.CircuitBreaker, in.Deployment.Breaker = true, c.limit
		})
		if got := f.newest().Threshold; got != c.want {
			t.Errorf("%s: threshold %d, want %d", name, got, c.want)
		}
	}
}

// With Spot short, each attempt to place counts; a healthy task forgives the failures before it unless they are to be kept.
func TestAHealthyTaskForgivesFailuresUnlessTheyAreKept(t *testing.T) {
	for _, kept := range []bool{false, true} {
		f := build(t, exact())
		f.SetSupply(spotKey(), 2)
		f.serve(4, func(in *ecsim.CreateServiceInput) {
			in.Deployment.CircuitBreaker = true
			in.Deployment.Breaker = ecsim.BreakerLimit{Kind: ecsim.FailureCount, Value: 4, KeepFailures: kept}
		})
		f.to(125 * time.Second) // three attempts have failed
		if got := f.newest().Failures; got != 3 {
			t.Fatalf("%d failures, want 3", got)
		}
		f.to(185 * time.Second) // two tasks are healthy since 130 s, a fourth attempt has failed
		want := ecsim.RolloutInProgress
		if kept {
			want = ecsim.RolloutFailed
		}
		if got := f.rollout(); got != want {
			t.Errorf("failures kept %v: rollout %s, want %s", kept, got, want)
		}
	}
	f := build(t, exact())
	_, err := f.CreateService(region, ecsim.CreateServiceInput{Cluster: cluster, Name: "bad", TaskDefinition: "web",
		Deployment: ecsim.DeploymentConfig{Breaker: ecsim.BreakerLimit{Kind: "SOME", Value: 1}}})
	isError(t, err, "InvalidParameterException", "")
}
