package runtask

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Stop stops the tasks of a result that have not ended, and returns how many.
func Stop(ctx context.Context, c *ecs.Client, req *Request, res *Result) (n int, err error) {
	u := &run{ecs: c, r: req}
	for i := range res.Tasks {
		t := &res.Tasks[i]
		if endOf(t, res.Main) != Alive || aws.ToString(t.DesiredStatus) == string(types.DesiredStatusStopped) {
			continue
		}
		if err := u.stop(ctx, aws.ToString(t.TaskArn), EndReason); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// result adds up what there is.
func (u *run) result(region string) Result {
	res := Result{Ends: map[End]int{}, Priced: true, Failures: u.last, Main: u.main, Starts: len(u.known)}
	tasks := u.tasks()
	for i, t := range u.sorted() {
		res.Tasks = append(res.Tasks, *t)
		res.Ends[tasks[i].End]++
		usd, ok := costOf(t, region, u.now)
		res.USD, res.Priced = res.USD+usd, res.Priced && ok
		if _, again := u.r.wants(&tasks[i]); again || res.Exit != 0 {
			continue
		}
		switch code, exited := exitOf(t, u.main); {
		case exited:
			res.Exit = code
		case tasks[i].End != Alive:
			res.Exit = ExitNotRun
		}
	}
	return res
}

// ExitNotRun is the exit code of work that has none of its own: its container never ran, or was gone before it said how it ended. A shell
// says so of a command that it found and could not run.
const ExitNotRun = 126
