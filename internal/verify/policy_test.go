package verify

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// actions are those that a policy allows.
func actions(t *testing.T, policy string) map[string]bool {
	t.Helper()
	var document struct {
		Statement []struct{ Action []string }
	}
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, s := range document.Statement {
		for _, a := range s.Action {
			out[a] = true
		}
	}
	return out
}

// TestThePoliciesAllowWhatARunCallsAndNoMore holds the printed policies against the calls of runs, one of which is cleaned up by hand.
func TestThePoliciesAllowWhatARunCallsAndNoMore(t *testing.T) {
	a := newAccount(t, calm(1))
	if _, err := Run(t.Context(), a.options(), testRun); err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for name := range a.box.Calls().Counts {
		called[strings.TrimSuffix(name, "Batch")] = true
	}
	for _, add := range []string{"ecs:TagResource", "sqs:TagQueue", "events:TagResource", "application-autoscaling:TagResource", "iam:PassRole"} { // AWS asks for these, for tags and the role
		called[add] = true
	}
	p := PoliciesOf("us-east-1")
	allowed := actions(t, p.Operator)
	for name := range called {
		if !allowed[name] {
			t.Errorf("%s is called and not in the operator's policy", name)
		}
	}
	for name := range allowed {
		if !called[name] {
			t.Errorf("%s is in the operator's policy and not called", name)
		}
	}
	wanted := map[string]bool{}
	for _, l := range (place{id: testRun}).lasts() {
		service, name, _ := strings.Cut(l.target, ":")
		service = strings.NewReplacer("eventbridge", "events", "applicationautoscaling", "application-autoscaling").Replace(service)
		wanted[service+":"+strings.ToUpper(name[:1])+name[1:]] = true
	}
	if got := actions(t, p.Switch); !maps.Equal(got, wanted) {
		t.Errorf("the switch's policy allows %v, and it calls %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(wanted)))
	}
}

func TestErrorsAndReportsHaveNoAccountID(t *testing.T) {
	for _, operation := range []string{"ecs:CreateCluster", "ecs:CreateService", "ecs:StopTask", "sqs:ReceiveMessage", "sts:GetCallerIdentity"} {
		a := newAccount(t, calm(1))
		a.steer("faults", `{"kind": "denied", "operation": "`+operation+`"}`)
		r, err := Run(t.Context(), a.options(), testRun)
		if err == nil {
			t.Fatalf("%s is denied, and the run is done", operation)
		}
		text, failed := json.Marshal(r)
		if failed != nil {
			t.Fatal(failed)
		}
		if strings.Contains(err.Error(), "123456789012") || strings.Contains(string(text), "123456789012") || strings.Contains(r.Markdown(), "123456789012") {
			t.Errorf("%s denied: %v\n%s", operation, err, text)
		}
		if left := a.left(); len(left) > 0 {
			t.Errorf("%s denied: left %v", operation, left)
		}
	}
}

func TestARunThatCannotKeepItsReportMakesNothing(t *testing.T) {
	a := newAccount(t, calm(1))
	o := a.options()
	full := errors.New("no room")
	o.Save = func(Report) error { return full }
	if _, err := Run(t.Context(), o, testRun); !errors.Is(err, full) || len(a.left()) > 0 {
		t.Errorf("%v, left %v", err, a.left())
	}
}
