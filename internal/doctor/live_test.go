package doctor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const allowsAll = `{"Effect": "Allow", "Action": "*", "Resource": "*"}`

// tryPolicy lets the doctor try a policy of these statements.
func (l *lab) tryPolicy(statements ...string) {
	l.lively, l.rolePolicy = true, `{"Version": "2012-10-17", "Statement": [`+strings.Join(statements, ", ")+`]}`
}

// tries lets the doctor try what it may.
func (l *lab) tries(opts *doctor.Options) {
	if !l.lively {
		return
	}
	if l.rolePolicy != "" {
		opts.Policies = []string{l.rolePolicy}
	}
	opts.Pause = func(_ context.Context, d time.Duration) error {
		l.advance(d)
		if l.paused != nil {
			l.paused()
		}
		return nil
	}
}

// readsOld lets one of the repeated reads miss the service.
func (l *lab) readsOld() {
	l.tryPolicy(allowsAll)
	n := 0
	l.paused = func() {
		switch n++; n {
		case 5:
			if _, err := l.box.AddFault(sandbox.Fault{Kind: sandbox.FaultMissing}); err != nil {
				l.t.Fatal(err)
			}
		case 6:
			l.box.ClearFaults(0)
		}
	}
}

func TestWithoutAPolicyIAMIsNotAsked(t *testing.T) {
	l := newLab(t)
	l.lively = true
	r := l.examine()
	for i := range r.Results {
		if x := &r.Results[i]; x.Check == "policy-allows" && x.Status != doctor.Skip {
			t.Errorf("%s: %s", x.Status, x.Text)
		}
	}
	if n := l.box.Calls().Counts["iam:SimulateCustomPolicy"]; n > 0 {
		t.Errorf("%d calls", n)
	}
}

// TestWithoutStopTaskThePolicyIsAChoice: the module leaves it out with stop_late_tasks = false.
func TestWithoutStopTaskThePolicyIsAChoice(t *testing.T) {
	for denied, want := range map[string]doctor.Status{"ecs:StopTask": doctor.Warn, "ecs:UpdateService": doctor.Fail} {
		l := newLab(t)
		l.tryPolicy(allowsAll, `{"Effect": "Deny", "Action": "`+denied+`", "Resource": "*"}`)
		r := l.examine()
		for i := range r.Results {
			if x := &r.Results[i]; x.Check == "policy-allows" && x.Status != want {
				t.Errorf("%s: %s: %s", denied, x.Status, x.Text)
			}
		}
	}
}
