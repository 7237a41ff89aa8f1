package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// shown returns a service of the state as "running in_service working".
func shown(s *sandbox.Sandbox, name string) string {
	for _, v := range s.State().Services {
		if v.Service == name {
			return fmt.Sprint(v.Running, " ", v.InService, " ", v.Working)
		}
	}
	return "none"
}

func TestTwinsStandBehindOneTargetGroup(t *testing.T) {
	s := manual(t)
	steered(t, s, http.MethodPost, "twins", `{"cluster": "prod", "name": "api", "count": 4, "target_group": true, "warm_up_seconds": 60}`)
	if got := shown(s, "api-spot"); got != "4 4 4" {
		t.Fatalf("running, in service, working: %s, want 4 each", got)
	}
	c := connect(s)
	spot, standard := service(t, c, "api-spot"), service(t, c, "api-standard")
	group := *spot.LoadBalancers[0].TargetGroupArn
	if group != *standard.LoadBalancers[0].TargetGroupArn || *spot.LoadBalancers[0].ContainerName != "api" || *spot.HealthCheckGracePeriodSeconds < 60 {
		t.Errorf("not behind one group: %+v, %+v", spot.LoadBalancers, standard.LoadBalancers)
	}
	if n := states(t, c, group); n["healthy"] != 4 {
		t.Errorf("targets: %v", n)
	}
	n := 2
	s.World(func(w *ecsim.World) {
		_, err := w.UpdateService(ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api-standard"}, ecsim.UpdateServiceInput{Desired: &n})
		if err != nil {
			t.Error(err)
		}
	})
	s.AdvanceTo(s.Now().Add(150 * time.Second)) // at most 138 s to RUNNING, nearly; 60 s of warm-up
	if got := shown(s, "api-standard"); !strings.HasPrefix(got, "2 0 0") {
		t.Errorf("the cover shows %s, want 2 running and none in service", got)
	}
	s.AdvanceTo(s.Now().Add(2 * time.Minute))
	if got := shown(s, "api-standard"); got != "2 2 2" {
		t.Errorf("the cover shows %s, want 2 each", got)
	}
	steered(t, s, http.MethodPost, "interrupt", `{"cluster": "prod", "service": "api-spot", "count": 3}`)
	if got := shown(s, "api-spot"); got != "4 1 4" {
		t.Errorf("warned: %s, want 1 of 4 in service, 4 working", got)
	}
}

func TestStartsCanBeMadeSlowAndToHang(t *testing.T) {
	s := manual(t)
	steered(t, s, http.MethodPost, "model", `{"provider": "FARGATE_SPOT", "start_up_seconds": [240, 420, 600], "warm_up_seconds": 30}`)
	steered(t, s, http.MethodPost, "twins", `{"cluster": "prod", "name": "api", "count": 20, "starting": true}`)
	s.AdvanceTo(s.Now().Add(2 * time.Minute))
	if got := shown(s, "api-spot"); !strings.HasPrefix(got, "0 0") {
		t.Errorf("after two minutes of starts that take four: %s", got)
	}
	s.AdvanceTo(s.Now().Add(20 * time.Minute))
	if got := shown(s, "api-spot"); got != "20 20 20" {
		t.Errorf("in the end: %s", got)
	}
	steered(t, s, http.MethodPost, "model", `{"hung_share": 1}`)
	steered(t, s, http.MethodPost, "twins", `{"cluster": "prod", "name": "web", "count": 3, "starting": true}`)
	s.AdvanceTo(s.Now().Add(2 * time.Hour))
	if got := shown(s, "web-spot"); got != "0 0 0" {
		t.Errorf("starts that all hang: %s", got)
	}
}

func TestApplicationsCanStopAnswering(t *testing.T) {
	s := manual(t)
	steered(t, s, http.MethodPost, "twins", `{"cluster": "prod", "name": "api", "count": 4}`)
	answer := steered(t, s, http.MethodPost, "answers", `{"cluster": "prod", "service": "api-spot", "count": 3}`)
	if changed := answer["changed"].([]any); len(changed) != 3 {
		t.Errorf("changed: %v", changed)
	}
	if got := shown(s, "api-spot"); got != "4 1 1" {
		t.Errorf("three do not answer: %s", got)
	}
	steered(t, s, http.MethodPost, "answers", `{"cluster": "prod", "service": "api-spot", "answers": true}`)
	if got := shown(s, "api-spot"); got != "4 4 4" {
		t.Errorf("all answer again: %s", got)
	}
}

func TestTheModelRefusesWhatItCannotBe(t *testing.T) {
	s := manual(t)
	for body, want := range map[string]string{
		`{}`:                                   "are all missing",
		`{"provider": "EC2", "hung_share": 0}`: "provider: must be",
		`{"start_up_seconds": [1, 2]}`:         "three percentiles",
		`{"start_up_seconds": [3, 2, 1]}`:      "start_up_seconds: P50, P95 and P99 must be",
		`{"start_up_seconds": 0}`:              "P50 must be above 0",
		`{"start_up_seconds": "fast"}`:         "want a number of seconds",
		`{"warm_up_seconds": -1}`:              "warm_up_seconds: P50",
		`{"warm_up_seconds": [0, 1e9, 1e9]}`:   "warm_up_seconds: P50",
		`{"hung_share": 1.5}`:                  "hung_share: must be 0 to 1",
		`{"warmup_seconds": 5}`:                "unknown field",
	} {
		if status, answer := steer(t, s, http.MethodPost, "model", body); status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer["error"]), want) {
			t.Errorf("%s: %d %v, want an error with %q", body, status, answer, want)
		}
	}
	if status, answer := steer(t, s, http.MethodPost, "twins", `{"cluster": "p", "name": "a", "warm_up_seconds": -3}`); status != http.StatusBadRequest {
		t.Errorf("a negative warm-up: %d %v", status, answer)
	}
	if status, answer := steer(t, s, http.MethodPost, "twins", `{"cluster": "p", "name": "a_b", "target_group": true}`); status != http.StatusBadRequest {
		t.Errorf("a name that no target group can have: %d %v", status, answer)
	}
}
