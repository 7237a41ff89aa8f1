package ecsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestECSRegistersWhatOthersTookOutAgainIfItIsTold(t *testing.T) {
	for again, want := range map[time.Duration]int{0: 1, 20 * time.Second: 2} {
		cfg := exact()
		cfg.RegistersAgain = again
		f := build(t, cfg)
		group, _ := f.balance()
		f.serve(2, behind(group))
		f.to(10 * time.Minute)
		all, err := f.DescribeTargetHealth(region, group, nil)
		f.must(err)
		f.must(f.DeregisterTargets(region, group, []ecsim.Target{all[0].Target}))
		f.to(15 * time.Minute)
		f.wantTargets(again.String(), group, map[string]int{"healthy": want})
		f.serving(again.String(), want, want)
	}
}

func TestTheTargetsOfATaskThatExitsStayIfItIsTold(t *testing.T) {
	for keeps, want := range map[bool]int{false: 1, true: 2} {
		cfg := exact()
		cfg.ExitKeepsTargets = keeps
		f := build(t, cfg)
		group, _ := f.balance()
		f.serve(2, behind(group))
		f.to(10 * time.Minute)
		if got := f.KillTasks(api, 1, ecsim.StopContainerExited, "Essential container in task exited"); len(got) != 1 {
			f.Fatalf("%d exited", len(got))
		}
		f.to(10*time.Minute + time.Second)
		registered := 0
		for state, n := range f.targets(group) {
			if !strings.HasPrefix(state, "draining") {
				registered += n
			}
		}
		if registered != want {
			t.Errorf("keeps %t: %d targets are registered, want %d: %v", keeps, registered, want, f.targets(group))
		}
	}
}
