package control_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func TestAReportSaysWhatThePassWentThrough(t *testing.T) {
	w := newWorld(t, 5, "api")
	l := w.loop("a", w.store(), w.services(), "api")
	w.pass(l, "api")
	if got := stepsOf(t, w.pass(l, "api")); got != "load observe decide" {
		t.Errorf("a quiet pass went through %q", got)
	}
	w.interrupt("api", 2)
	if got := stepsOf(t, w.pass(l, "api")); got != "load observe decide commit act record" {
		t.Errorf("a pass that acts went through %q", got)
	}
}

func TestAStepSaysWhatWentWrongInIt(t *testing.T) {
	w := newWorld(t, 5, "api")
	l := w.loop("a", w.store(), w.services(), "api", "gone")
	reports, err := l.Pass(t.Context(), []string{"gone"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := stepOf(reports[0], control.StepObserve).Err; err == nil || !strings.Contains(err.Error(), "gone-spot: MISSING") {
		t.Errorf("the look at a service that is not there went well: %v", err)
	}
	w.pass(l, "api")
	w.interrupt("api", 2)
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:UpdateService", Count: 1}); err != nil {
		t.Fatal(err)
	}
	r := w.pass(l, "api")
	if err := stepOf(r, control.StepAct).Err; err == nil || !errors.Is(err, r.Err) {
		t.Errorf("the step of a refused call has %v, the report %v", err, r.Err)
	}
	if err := stepOf(r, control.StepRecord).Err; err != nil {
		t.Errorf("the refusal was recorded, the step has %v", err)
	}
}

func stepOf(r control.Report, name control.StepName) control.Step {
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	return control.Step{}
}

// stepsOf returns the names of a report's steps, which must lie one after the other within the pass.
func stepsOf(t *testing.T, r control.Report) string {
	t.Helper()
	var names []string
	end := time.Duration(0)
	for _, s := range r.Steps {
		names = append(names, fmt.Sprint(s.Name))
		if s.After < end || s.Took < 0 {
			t.Errorf("%s begins after %s, the step before ended after %s", s.Name, s.After, end)
		}
		end = s.After + s.Took
	}
	if end > r.Took {
		t.Errorf("the steps end after %s, the pass took %s", end, r.Took)
	}
	return strings.Join(names, " ")
}
