package control

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Step is a part of a pass, for whoever draws passes on a time axis.
type Step struct {
	Name StepName
	// After is when it began, counted from the pass's start.
	After, Took time.Duration
	// Err is what went wrong in it; nil: nothing.
	Err error
}

// StepName names a step of a pass.
type StepName string

// Steps, in their order. A pass that ends early lacks the later ones, a quiet one the last three.
const (
	StepLoad    StepName = "load"    // read the stored state
	StepObserve StepName = "observe" // read services, tasks and scalable targets
	StepDecide  StepName = "decide"
	StepCommit  StepName = "commit" // write the state with the intent
	StepAct     StepName = "act"    // carry out the actions
	StepRecord  StepName = "record" // write the outcome, give back the lease
)

// stepsMax is how many steps a pass has at most.
const stepsMax = 6

// step notes that a step which began at from has ended now, and returns now: most steps begin where another ends.
func (j *job) step(name StepName, from time.Time, err error) time.Time {
	now := time.Now()
	if j.report.Steps == nil {
		j.report.Steps = make([]Step, 0, stepsMax)
	}
	j.report.Steps = append(j.report.Steps, Step{Name: name, After: from.Sub(j.begun), Took: now.Sub(from), Err: err})
	return now
}

// Unseen says which pool could not be read, if one could not.
func Unseen(pools []failover.PoolObservation) error {
	for i := range pools {
		if p := &pools[i]; p.Err != failover.ErrNone {
			return fmt.Errorf("read pool %s: %s", p.Pool, p.ErrText)
		}
	}
	return nil
}
