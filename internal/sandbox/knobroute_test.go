package sandbox_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestAKnobChangesTheRunningWorldAndAMistakeChangesNothing(t *testing.T) {
	s := manual(t)
	if err := s.SetupTwins("prod", "api", 2); err != nil {
		t.Fatal(err)
	}
	if status, answer := steer(t, s, "POST", "model", `{"start_up_seconds": 600, "A9": 0.5, "A999": 1}`); status != 400 {
		t.Errorf("a number without a knob: %d %v", status, answer)
	}
	for _, bad := range []string{`{"A17": 5}`, `{"A9": "x"}`, `{"start_up_seconds": [5, 3]}`, `{"provider": "X"}`, `{"hung_share": 2}`, `{"a9": 1}`, `{"knob": "A9"}`} {
		if status, answer := steer(t, s, "POST", "model", bad); status != 400 {
			t.Errorf("%s: %d %v", bad, status, answer)
		}
	}
	grow := func(n int) {
		s.World(func(w *ecsim.World) {
			_ = w.SetDesired(ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api-spot"}, n)
		})
	}
	grow(4)
	s.AdvanceTo(s.Now().Add(5 * time.Minute))
	if n := stateOf(s, "api-spot").Running; n != 4 {
		t.Errorf("a refused call changed the start-up: %d run", n)
	}
	steered(t, s, "POST", "model", `{"start_up_seconds": 600, "provider": "FARGATE_SPOT"}`)
	grow(6)
	s.AdvanceTo(s.Now().Add(9 * time.Minute))
	if n := stateOf(s, "api-spot").Running; n != 4 {
		t.Errorf("after nine of ten minutes %d run", n)
	}
	steered(t, s, "POST", "model", `{"hung_share": 1}`)
	grow(8)
	s.AdvanceTo(s.Now().Add(time.Hour))
	if v := stateOf(s, "api-spot"); v.Running != 6 || v.Pending != 2 {
		t.Errorf("hung starts: %+v", v)
	}
}
