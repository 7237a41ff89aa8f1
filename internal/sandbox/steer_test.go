package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// steer calls a steering route and returns the status and the decoded answer.
func steer(t *testing.T, s *sandbox.Sandbox, method, path, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response := must[*http.Response](t)(s.Do(request))
	answer := map[string]any{}
	raw := must[[]byte](t)(io.ReadAll(response.Body))
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s %s: answer is not JSON: %v: %s", method, path, err, raw)
	}
	return response.StatusCode, answer
}

// steered is steer for calls that have to work.
func steered(t *testing.T, s *sandbox.Sandbox, method, path, body string) map[string]any {
	t.Helper()
	status, answer := steer(t, s, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s %s: %d %v", method, path, body, status, answer)
	}
	return answer
}

func stateOf(s *sandbox.Sandbox, service string) sandbox.ServiceState {
	for _, v := range s.State().Services {
		if v.Service == service {
			return v
		}
	}
	return sandbox.ServiceState{}
}

func TestSteeringADayOfTrouble(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if a := steered(t, s, "POST", "twins", `{"cluster": "prod", "name": "api", "count": 10}`); a["spot"] != "api-spot" || a["standard"] != "api-standard" {
		t.Errorf("twins: %v", a)
	}
	if v := stateOf(s, "api-spot"); v.Running != 10 || v.Working != 10 || v.Desired != 10 {
		t.Fatalf("twins are not up: %+v", v)
	}
	if n := len(takeEvents(t, s, c)); n != 0 {
		t.Errorf("%d events of the start were delivered", n)
	}
	if a := steered(t, s, "POST", "capacity", `{"tasks": 6}`); a["limit"] != 6.0 {
		t.Errorf("capacity: %v", a)
	}
	steered(t, s, "POST", "advance", `{"seconds": 600}`)
	if v := stateOf(s, "api-spot"); v.Working != 6 {
		t.Errorf("with room for 6: %+v", v)
	}
	if n := len(takeEvents(t, s, c)); n < 4 {
		t.Errorf("four interruptions gave %d events", n)
	}
	if a := steered(t, s, "POST", "capacity", `{"provider": "FARGATE_SPOT", "tasks": null}`); a["limit"] != nil {
		t.Errorf("capacity without limit: %v", a)
	}
	steered(t, s, "POST", "advance", fmt.Sprintf(`{"to": %q}`, s.Now().Add(time.Hour).Format(time.RFC3339)))
	if v := stateOf(s, "api-spot"); v.Working != 10 {
		t.Errorf("capacity returned: %+v", v)
	}
	if a := steered(t, s, "POST", "interrupt", `{"cluster": "prod", "service": "api-spot", "count": 3}`); len(a["interrupted"].([]any)) != 3 {
		t.Errorf("interrupt: %v", a)
	}
	steered(t, s, "POST", "break", `{"cluster": "prod", "service": "api-spot", "mode": "image_pull"}`)
	steered(t, s, "POST", "advance", `{"seconds": 900}`)
	if v := stateOf(s, "api-spot"); v.Working != 7 {
		t.Errorf("with a broken image the three do not come back: %+v", v)
	}
	steered(t, s, "POST", "repair", `{"cluster": "prod", "service": "api-spot"}`)
	steered(t, s, "POST", "advance", `{"seconds": 7200}`)
	if v := stateOf(s, "api-spot"); v.Working != 10 {
		t.Errorf("repaired: %+v", v)
	}
	if a := steered(t, s, "POST", "quota", `{"provider": "FARGATE", "vcpu": 8}`); a["vcpu"] != 8.0 {
		t.Errorf("quota: %v", a)
	}
	steered(t, s, "POST", "placement-failure", `{"cluster": "prod", "service": "api-spot"}`)
	steered(t, s, "POST", "delivery", `{"duplicate_share": 0.5}`)
	id := steered(t, s, "POST", "faults", `{"kind": "throttle", "operation": "ecs:*", "share": 0.5}`)["id"]
	if n := len(s.State().Faults); n != 1 {
		t.Errorf("faults in the state: %d", n)
	}
	if a := steered(t, s, "DELETE", fmt.Sprintf("faults?id=%v", id), ""); a["cleared"] != 1.0 {
		t.Errorf("clear fault: %v", a)
	}
	if a := steered(t, s, "GET", "calls", ""); a["counts"].(map[string]any)["sqs:ReceiveMessage"] == nil {
		t.Errorf("calls: %v", a["counts"])
	}
	steered(t, s, "DELETE", "calls", "")
	if a := steered(t, s, "GET", "calls", ""); len(a["last"].([]any)) != 0 {
		t.Errorf("calls after forgetting: %v", a)
	}
	if a := steered(t, s, "GET", "notices", ""); len(a["notices"].([]any)) != 0 {
		t.Errorf("notices: %v", a)
	}
	before := s.Now()
	steered(t, s, "POST", "reset", "")
	if len(s.State().Services) != 0 || s.State().Delivery.DuplicateShare != 0 || s.Now().Before(before) {
		t.Errorf("after reset: %+v", s.State())
	}
	must[*ecs.ListClustersOutput](t)(c.ecs.ListClusters(t.Context(), &ecs.ListClustersInput{}))
}

func TestSteeringTheClock(t *testing.T) {
	s := sandbox.New(sandbox.Options{})
	if a := steered(t, s, "POST", "speed", `{"speed": 1440}`); a["speed"] != 1440.0 || a["paused"] != false {
		t.Errorf("speed: %v", a)
	}
	a := steered(t, s, "POST", "pause", "")
	b := steered(t, s, "GET", "state", "")
	if a["paused"] != true || a["now"] != b["now"] {
		t.Errorf("time passes while paused: %v, %v", a["now"], b["now"])
	}
	if a := steered(t, s, "POST", "resume", ""); a["paused"] != false {
		t.Errorf("resume: %v", a)
	}
	for _, bad := range []string{`{"speed": 0}`, `{"speed": -1}`, `{"speed": 1e7}`, `{}`} {
		if status, _ := steer(t, s, "POST", "speed", bad); status != http.StatusBadRequest {
			t.Errorf("speed %s: %d", bad, status)
		}
	}
}

// TestTasksOfNoServiceAreInterrupted by the cluster's name alone.
func TestTasksOfNoServiceAreInterrupted(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 2)
	must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), Count: new(int32(4)), NetworkConfiguration: in("subnet-a"),
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: 1}}}))
	steered(t, s, "POST", "advance", `{"seconds": 300}`)
	for _, want := range []int{3, 1, 0} {
		if a := steered(t, s, "POST", "interrupt", `{"cluster": "prod", "count": 3}`); len(a["interrupted"].([]any)) != want {
			t.Errorf("interrupted: %v, want %d", a, want)
		}
	}
}

func TestSteeringRefusesMistakesWithAReason(t *testing.T) {
	s := manual(t)
	steered(t, s, "POST", "twins", `{"cluster": "prod", "name": "api", "count": 1}`)
	for _, c := range []struct {
		method, path, body string
		status             int
		reason             string
	}{
		{"POST", "capacity", `{"taks": 5}`, 400, `unknown field "taks"`},
		{"POST", "capacity", `{"provider": "FARGATE_POST"}`, 400, "provider: must be FARGATE or FARGATE_SPOT"},
		{"POST", "capacity", `{"tasks": `, 400, "read body"},
		{"POST", "capacity", `{"tasks": "many"}`, 400, "read body"},
		{"POST", "interrupt", `{"cluster": "prod", "service": "nowhere"}`, 400, "there is no nowhere"},
		{"POST", "interrupt", `{"cluster": "nowhere"}`, 400, "cluster: there is no nowhere"},
		{"POST", "interrupt", `{"cluster": "prod", "revision": "other"}`, 400, "revision: only with a service"},
		{"POST", "break", `{"cluster": "prod", "service": "api-spot", "mode": "sadly"}`, 400, "mode: must be one of exit, health_check, image_pull, network, secrets"},
		{"POST", "faults", `{"kind": "explode"}`, 400, "kind: must be one of"},
		{"DELETE", "faults?id=x", ``, 400, "id: must be"},
		{"POST", "delivery", `{"lost_share": 2}`, 400, "lost_share: must be 0 to 1"},
		{"POST", "advance", `{}`, 400, "seconds: must be above 0"},
		{"POST", "advance", `{"to": "2020-01-01T00:00:00Z"}`, 400, "to: must be in the year after"},
		{"POST", "twins", `{"name": "x"}`, 400, "cluster, name: are missing"},
		{"POST", "twins", `{"cluster": "prod", "name": "x", "count": 9999}`, 400, "count: must be"},
		{"POST", "twins", `{"cluster": "prod", "name": "x", "cpu": 1024}`, 400, "cpu, memory: No Fargate configuration exists for given values: 1024 CPU, 512 memory."},
		{"POST", "quota", `{"provider": "FARGATE", "vcpu": -1}`, 400, "vcpu: must not be negative"},
		{"POST", "capacity", `{"x": "` + strings.Repeat("x", 70_000) + `"}`, 400, "longer than"},
		{"GET", "capacity", ``, 405, "capacity wants POST"},
		{"GET", "nowhere", ``, 404, "no such route: nowhere"},
	} {
		status, answer := steer(t, s, c.method, c.path, c.body)
		if reason, _ := answer["error"].(string); status != c.status || !strings.Contains(reason, c.reason) {
			t.Errorf("%s %s %.60s: want %d with %q, got %d %v", c.method, c.path, c.body, c.status, c.reason, status, answer)
		}
	}
}

func TestEveryRouteIsDocumented(t *testing.T) {
	page := string(must[[]byte](t)(os.ReadFile("../../docs/sandbox.md")))
	routes := steered(t, manual(t), "GET", "", "")["routes"].([]any)
	for _, route := range routes {
		if !strings.Contains(page, "`"+route.(string)+"`") {
			t.Errorf("docs/sandbox.md does not have the route %s", route)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /_sandbox/[a-z-]*)`").FindAllStringSubmatch(page, -1) {
		found := m[1] == "GET /_sandbox/"
		for _, route := range routes {
			found = found || route == m[1]
		}
		if !found {
			t.Errorf("docs/sandbox.md has the route %s, the sandbox has not", m[1])
		}
	}
}

func TestSetupCanLeaveTheTasksToStart(t *testing.T) {
	s := manual(t)
	c := connect(s)
	if err := s.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 5, Starting: true}); err != nil {
		t.Fatal(err)
	}
	if !s.Now().Equal(start) || stateOf(s, "api-spot").Working != 0 {
		t.Errorf("at %s %+v", s.Now(), stateOf(s, "api-spot"))
	}
	s.AdvanceTo(start.Add(10 * time.Minute))
	if n := len(takeEvents(t, s, c)); n < 20 || stateOf(s, "api-spot").Working != 5 {
		t.Errorf("after ten minutes: %d events, %+v", n, stateOf(s, "api-spot"))
	}
	if err := s.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 5}); err == nil {
		t.Error("the same twins can be made twice")
	}
}
