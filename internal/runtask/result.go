package runtask

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
)

// Stop stops the tasks of a run that have not ended, also those whose start was cut off before its answer came, and returns how many. Without an
// answer it tries again until the context ends. Where the result is [Result.Unheard] there may be more.
func Stop(ctx context.Context, c *ecs.Client, req *Request, res *Result) (n int, err error) {
	return each(ctx, c, req, res, func(u *run, t *types.Task) error {
		if aws.ToString(t.DesiredStatus) == string(types.DesiredStatusStopped) {
			return nil
		}
		return u.stop(ctx, aws.ToString(t.TaskArn), EndReason)
	})
}

// Left counts the tasks of a run that have not ended, as [Stop] finds them. With an error it is how many the result knows of.
func Left(ctx context.Context, c *ecs.Client, req *Request, res *Result) (n int, err error) {
	if n, err = each(ctx, c, req, res, func(*run, *types.Task) error { return nil }); err != nil {
		n = res.Ends[Alive]
	}
	return n, err
}

// each finds the tasks of a run that have not ended, and does something with them; n is with how many it could. Without an answer it tries again until
// the context ends.
func each(ctx context.Context, c *ecs.Client, req *Request, res *Result, do func(*run, *types.Task) error) (n int, err error) {
	u := newRun(c, req)
	u.main = res.Main
	for {
		if n, err = u.each(ctx, do); passing(err) != nil || err == nil {
			return n, err
		}
		if control.Pause(ctx, req.Poll) != nil {
			return n, err
		}
	}
}

func (u *run) each(ctx context.Context, do func(*run, *types.Task) error) (n int, err error) {
	if err := u.find(ctx); err != nil {
		return 0, err
	}
	for _, t := range u.sorted() {
		if EndOf(t, u.main) != Alive || ecsevent.Family(aws.ToString(t.TaskDefinitionArn)) != ecsevent.Family(aws.ToString(u.r.Input.TaskDefinition)) {
			continue
		}
		if refused := do(u, t); refused != nil {
			err = refused
			continue
		}
		n++
	}
	return n, err
}

// result adds up what there is.
func (u *run) result(region string) Result {
	res := Result{Ends: map[End]int{}, Priced: true, Failures: u.last, Main: u.main, Starts: len(u.known), Unheard: u.unheard}
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
