package tfmodule

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/eventpattern"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const eventsDir = "../ecsevent/testdata"

// rules are the module's event patterns by rule name, as Terraform renders them.
func patterns(t *testing.T, name string) map[string]json.RawMessage {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(readFile(t, testdata+"/"+name), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func rules(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	all := patterns(t, "event_patterns.json")
	if len(all) != 7 {
		t.Fatalf("%d rules; two clusters with services have three each, one with tasks of no service has one", len(all))
	}
	return all
}

// matching returns the names of the rules that match an event.
func matching(t *testing.T, all map[string]json.RawMessage, event string) []string {
	t.Helper()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p, err := eventpattern.Parse(all[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ok, err := p.Matches([]byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			names = append(names, name)
		}
	}
	return names
}

// fixtures are ecsevent's event files, by name.
func fixtures(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(eventsDir + "/*.json")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d events in %s: %v", len(paths), eventsDir, err)
	}
	out := make(map[string]string, len(paths))
	for _, p := range paths {
		out[strings.TrimSuffix(filepath.Base(p), ".json")] = string(readFile(t, p))
	}
	return out
}

// notDelivered are the events that ecsevent could read and that the rules of prod leave out, each with the reason.
var notDelivered = map[string]string{
	"pending":                       "what comes before RUNNING proves nothing, and would be half of all events",
	"china":                         "another partition",
	"placement_failure_aws_example": "another account's service; see TestTheRulesMatchAWSsOwnExamples",
	"running_old_arns":              "its cluster is given by name; ECS's events carry the cluster's ARN",
}

func TestTheRulesDeliverExactlyWhatECSEventUnderstands(t *testing.T) {
	all := rules(t)
	for name, event := range fixtures(t) {
		got := matching(t, all, event)
		signal, understood, err := ecsevent.Parse([]byte(event))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		reason, left := notDelivered[name]
		switch {
		case !understood && len(got) > 0:
			t.Errorf("%s is delivered by %v and means nothing to ecsevent", name, got)
		case left && len(got) > 0:
			t.Errorf("%s is delivered by %v; it should not be: %s", name, got, reason)
		case understood && !left && len(got) != 1:
			t.Errorf("%s (a %s of %s) is delivered by %d rules %v, want one", name, signal.Kind, signal.Service, len(got), got)
		}
	}
}

// TestTheStopOfATaskOfNoServiceIsDelivered, of the clusters that are named for that, and nothing else of them.
func TestTheStopOfATaskOfNoServiceIsDelivered(t *testing.T) {
	all := rules(t)
	stopped := strings.NewReplacer("/prod", "/jobs", `"service:api-spot"`, `"family:report"`).Replace(fixtures(t)["interruption_stopped"])
	if _, ok := ecsevent.ParseStandalone([]byte(stopped)); !ok {
		t.Fatalf("it is no such event: %s", stopped)
	}
	if got := matching(t, all, stopped); len(got) != 1 || !strings.HasSuffix(got[0], "-alone") {
		t.Errorf("delivered by %v", got)
	}
	for what, change := range map[string][2]string{
		"a service's":         {`"family:report"`, `"service:report"`},
		"a warning":           {`"lastStatus": "STOPPED"`, `"lastStatus": "RUNNING"`},
		"another cluster's":   {"/jobs", "/other"},
		"a guarded cluster's": {"/jobs", "/prod"},
	} {
		changed := strings.ReplaceAll(stopped, change[0], change[1])
		if got := matching(t, all, changed); changed == stopped || len(got) > 0 {
			t.Errorf("%s is delivered by %v", what, got)
		}
	}
}

func TestTheWarningIsDelivered(t *testing.T) {
	all, events := rules(t), fixtures(t)
	for _, name := range []string{"warning", "warning_termination_notice", "warning_without_stop_code", "warning_shortened"} {
		if got := matching(t, all, events[name]); len(got) != 1 || !strings.Contains(got[0], "-task-") {
			t.Errorf("%s: delivered by %v; the two minutes would be lost", name, got)
		}
	}
}

func TestATaskStoppedBeforeItRanIsDelivered(t *testing.T) {
	event := strings.ReplaceAll(fixtures(t)["warning"], `"lastStatus": "RUNNING"`, `"lastStatus": "PENDING"`)
	if got := matching(t, rules(t), event); len(got) != 1 {
		t.Errorf("delivered by %v; a Spot task that is taken back while it starts is a shortage", got)
	}
}

func TestNeighboursAreNotDelivered(t *testing.T) {
	all, events := rules(t), fixtures(t)
	for _, event := range []string{"warning", "interruption_stopped", "running", "steady_state", "deployment_failed"} {
		if len(matching(t, all, events[event])) != 1 {
			t.Fatalf("%s itself is not delivered", event)
		}
		for what, change := range map[string][2]string{
			"a service whose name only begins the same": {"api-spot", "api-spotlight"},
			"a service whose name only ends the same":   {"api-spot", "my-api-spot"},
			"another cluster":                           {"/prod", "/prod2"},
			"another account":                           {"123456789012", "123456789013"},
			"another region":                            {"us-east-1", "us-east-2"},
			"another source":                            {"aws.ecs", "custom.ecs"},
			"another detail-type":                       {`"ECS `, `"EKS `},
			"a task of no service":                      {`"service:`, `"family:`},
			"an event name of ours":                     {`"eventName": "SERVICE_`, `"eventName": "MY_SERVICE_`},
		} {
			changed := strings.ReplaceAll(events[event], change[0], change[1])
			if changed == events[event] {
				continue // the event has no such part
			}
			if got := matching(t, all, changed); len(got) > 0 {
				t.Errorf("%s of %s is delivered by %v", event, what, got)
			}
		}
	}
}

// knownActions reads the event names that ecsevent knows out of its source.
func knownActions(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../ecsevent/service.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || spec.Names[0].Name != "actions" || len(spec.Values) != 1 {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			key, err := strconv.Unquote(e.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, key)
		}
		return false
	})
	if len(names) == 0 {
		t.Fatal("no map `actions` in ecsevent/service.go")
	}
	slices.Sort(names)
	return names
}

func TestTheRulesEventNamesAreECSEvents(t *testing.T) {
	type pattern struct {
		Source     []string `json:"source"`
		DetailType []string `json:"detail-type"`
		Detail     struct {
			EventName []string `json:"eventName"`
		} `json:"detail"`
	}
	types := make(map[ecsevent.Type]bool)
	known := knownActions(t)
	for name, raw := range rules(t) {
		var p pattern
		if err := json.Unmarshal(raw, &p); err != nil || len(p.Source) != 1 || len(p.DetailType) != 1 {
			t.Fatalf("%s: %v %+v", name, err, p)
		}
		types[ecsevent.Type{Source: p.Source[0], DetailType: p.DetailType[0]}] = true
		switch p.DetailType[0] {
		case "ECS Service Action":
			if !slices.Equal(p.Detail.EventName, known) {
				t.Errorf("%s takes\n%v, ecsevent knows\n%v", name, p.Detail.EventName, known)
			}
		case "ECS Deployment State Change":
			for _, n := range known {
				event := `{"id":"1","source":"aws.ecs","detail-type":"ECS Deployment State Change","resources":["arn:aws:ecs:us-east-1:123456789012:service/prod/api"],"detail":{"eventName":"` + n + `"}}`
				_, understood, err := ecsevent.Parse([]byte(event))
				if err != nil || understood != slices.Contains(p.Detail.EventName, n) {
					t.Errorf("%s: %s is understood: %v, taken: %v (%v)", name, n, understood, !understood, err)
				}
			}
		}
	}
	want := make(map[ecsevent.Type]bool)
	for _, typ := range ecsevent.Types() {
		want[typ] = true
	}
	if !maps.Equal(types, want) {
		t.Errorf("the rules take the types %v, ecsevent reads %v", types, want)
	}
}

func TestTheRulesMatchAWSsOwnExamples(t *testing.T) {
	moved := make(map[string]json.RawMessage)
	for name, raw := range rules(t) {
		moved[name] = json.RawMessage(strings.NewReplacer("us-east-1:123456789012", "us-west-2:111122223333",
			"cluster/prod", "cluster/default", "service/prod/api-spot", "service/default/servicetest").Replace(string(raw)))
	}
	if got := matching(t, moved, fixtures(t)["placement_failure_aws_example"]); len(got) != 1 {
		t.Errorf("AWS's own placement failure is delivered by %v, want one rule", got)
	}
}

func TestEventsOfAPoolAbroadAreDeliveredWhenTheyAreForwarded(t *testing.T) {
	event := strings.NewReplacer("us-east-1:123456789012", "us-west-2:210987654321", "/prod", "/dr", "api-spot", "api").Replace(fixtures(t)["warning"])
	if got := matching(t, rules(t), event); len(got) != 1 {
		t.Errorf("delivered by %v, want one rule: a pool's own region and account are in its pattern", got)
	}
}

// TestForwardingLetsThroughWhatTheGuardsRulesTake: what the guard's own rules deliver must have passed modules/forward, and nothing
// of another service passes it.
func TestForwardingLetsThroughWhatTheGuardsRulesTake(t *testing.T) {
	all, forward := rules(t), patterns(t, "forward_patterns.json")
	if len(forward) != 1 {
		t.Fatalf("%d rules forward two services of one cluster", len(forward))
	}
	passed := 0
	for name, event := range fixtures(t) {
		delivered := len(matching(t, all, event)) > 0
		if delivered && strings.Contains(event, "cluster/prod") || delivered && strings.Contains(event, "service/prod/") {
			if passed++; len(matching(t, forward, event)) != 1 {
				t.Errorf("%s is taken by the guard's rules and not forwarded", name)
			}
		}
		for _, change := range [][2]string{{"api-spot", "api-spotlight"}, {"/prod", "/prod2"}, {"123456789012", "123456789013"}, {`"aws.ecs"`, `"custom.ecs"`}} {
			if change[0] == "/prod" && strings.Contains(name, "old_arn") {
				continue // a short ARN says no cluster
			}
			changed := strings.ReplaceAll(event, change[0], change[1])
			if changed != event && len(matching(t, forward, changed)) > 0 {
				t.Errorf("%s with %s is forwarded", name, change[1])
			}
		}
	}
	if passed < 20 {
		t.Errorf("only %d events were tried", passed)
	}
}

// TestWhatOthersGetWrong shows two mistakes that are easy to make and silent.
func TestWhatOthersGetWrong(t *testing.T) {
	event := fixtures(t)["warning"]
	for pattern, why := range map[string]string{
		`{"detail":{"clusterArn":["arn:aws:ecs:*:*:cluster/prod"]}}`:   "a plain value has no wildcards",
		`{"detail":{"lastStatus":["STOPPED"]}}`:                        "at the warning the last status is RUNNING",
		`{"detail":{"stoppedReason":[{"prefix":"SpotInterruption"}]}}`: "that is the stop code's name, not the reason's",
	} {
		p, err := eventpattern.Parse([]byte(pattern))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Matches([]byte(event)); ok || err != nil {
			t.Errorf("%s matches the warning (%v); %s", pattern, err, why)
		}
	}
	if s, _, _ := ecsevent.Parse([]byte(event)); s.Kind != failover.SignalInterruption {
		t.Errorf("the warning is a %s", s.Kind)
	}
}
