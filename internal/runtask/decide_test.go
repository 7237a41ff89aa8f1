package runtask

import (
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// chain is one piece of work whose tasks have all ended before they ran.
func chain(n int) (all []Task) {
	for i := range n {
		all = append(all, Task{Attempt: i + 1, Created: noon, End: NotStarted})
	}
	return all
}

func TestDecide(t *testing.T) {
	r := Rules{Count: 3, Pools: 2, StartWithin: time.Minute, Retries: 1}
	on := func(attempt, losses, pool int, end End, running bool) Task {
		return Task{ARN: "t", Attempt: attempt, Losses: losses, Pool: pool, Created: noon, End: end, Running: running}
	}
	for name, c := range map[string]struct {
		rules *Rules
		tasks []Task
		after time.Duration
		want  Plan
	}{
		"nothing was started":                       {want: Plan{Starts: []Start{{1, 0, 0, 3}}}},
		"one is to come":                            {tasks: []Task{on(1, 0, 0, Alive, true), on(1, 0, 1, Alive, true)}, want: Plan{Starts: []Start{{1, 0, 0, 1}}}},
		"all run":                                   {tasks: []Task{on(1, 0, 0, Alive, true), on(1, 0, 0, Finished, true), on(1, 0, 0, Alive, true)}, want: Plan{}},
		"all have ended":                            {tasks: []Task{on(1, 0, 0, Finished, true), on(1, 0, 0, Failed, false), on(1, 0, 1, Finished, true)}, want: Plan{Done: true}},
		"one starts":                                {tasks: []Task{on(1, 0, 0, Alive, false), on(1, 0, 0, Finished, true), on(1, 0, 0, Alive, true)}, want: Plan{Again: noon.Add(time.Minute)}},
		"one starts too slowly":                     {tasks: []Task{on(1, 0, 0, Alive, false), on(1, 0, 0, Finished, true), on(1, 0, 0, Alive, true)}, after: time.Minute, want: Plan{Stops: []string{"t"}}},
		"the last pool may take its time":           {tasks: []Task{on(1, 0, 1, Alive, false), on(1, 0, 0, Finished, true), on(1, 0, 0, Alive, true)}, after: time.Hour, want: Plan{}},
		"what was too slow goes to the next pool":   {tasks: []Task{on(1, 0, 0, NotStarted, false), on(1, 0, 0, Alive, true), on(1, 0, 0, Alive, true)}, want: Plan{Starts: []Start{{2, 0, 1, 1}}}},
		"what was lost is started on the next pool": {tasks: []Task{on(1, 0, 0, Lost, true), on(1, 0, 0, Finished, true), on(1, 0, 0, Alive, true)}, want: Plan{Starts: []Start{{2, 1, 1, 1}}}},
		"once":                        {tasks: []Task{on(1, 0, 0, Lost, true), on(1, 0, 0, Finished, true), on(1, 0, 0, Finished, true), on(2, 1, 1, Alive, true)}, want: Plan{}},
		"and no more often than that": {tasks: []Task{on(1, 0, 0, Lost, true), on(1, 0, 0, Finished, true), on(1, 0, 0, Finished, true), on(2, 1, 1, Lost, true)}, want: Plan{Done: true}},
		"what the last pool has no room for goes on":     {tasks: []Task{on(1, 0, 0, Lost, true), on(1, 0, 0, Finished, true), on(1, 0, 0, Finished, true), on(2, 1, 1, NotStarted, false)}, want: Plan{Starts: []Start{{3, 1, 1, 1}}}},
		"but not for ever":                               {rules: &Rules{Count: 1, Pools: 1}, tasks: chain(20), want: Plan{Done: true}},
		"without retries what was lost is lost":          {rules: &Rules{Count: 1, Pools: 2}, tasks: []Task{on(1, 0, 0, Lost, true)}, want: Plan{Done: true}},
		"the rest of a run goes on while one is retried": {tasks: []Task{on(1, 0, 0, Lost, true), on(1, 0, 0, Alive, true)}, want: Plan{Starts: []Start{{1, 0, 0, 1}, {2, 1, 1, 1}}}},
	} {
		rules := c.rules
		if rules == nil {
			rules = &r
		}
		if got := Decide(rules, c.tasks, noon.Add(c.after)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// TestWhatECSDoesNotKnowIsNotStopped: it would refuse that, and end the run.
func TestWhatECSDoesNotKnowIsNotStopped(t *testing.T) {
	u := newRun(nil, &Request{Rules: Rules{Count: 1, Pools: 2, StartWithin: time.Minute}})
	u.known["a"], u.now = &types.Task{TaskArn: aws.String("a"), CreatedAt: &noon, LastStatus: aws.String("PENDING"),
		Tags: []types.Tag{{Key: aws.String(TagAttempt), Value: aws.String("1")}}}, noon.Add(2*time.Minute)
	for _, gone := range []bool{false, true} {
		if gone {
			u.gone["a"] = u.now
		}
		if p := Decide(&u.r.Rules, u.tasks(), u.now); (len(p.Stops) == 0) != gone || len(p.Starts) > 0 {
			t.Errorf("gone %v: %+v", gone, p)
		}
	}
}
