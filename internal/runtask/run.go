package runtask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// callMax is how many tasks one RunTask call starts, describeMax how many one DescribeTasks call reads (ECS API reference).
	callMax, describeMax = 10, 100
	// shortFirst and shortMost are how long a pool that had no room is left alone; it doubles.
	shortFirst, shortMost = 10 * time.Second, time.Minute
	// goneAfter is how long a task that ECS does not know may have been started just now.
	goneAfter = time.Minute
)

// Pool is where tasks may run: a capacity provider, and the subnets in which; none: those of the call.
type Pool struct {
	Capacity string
	Subnets  []string
}

// Request is what a run is asked to do.
type Request struct {
	Rules
	// Input is the call as its caller gives it; count, token, launch type and capacity providers are the run's own.
	Input ecs.RunTaskInput
	Pools []Pool
	// Token names the run: a second program with the same token goes on with the tasks of the first.
	Token string
	// Wait: until all have ended. Without it the run is over when all are placed, or with StartWithin when all run.
	Wait bool
	// GiveUp is how long to look for room, and how long AWS may give no answer.
	GiveUp time.Duration
	// Poll is how often tasks are looked at.
	Poll time.Duration
	Note func(string)
	// Follow is nil where logs are not followed.
	Follow *Follow
}

// Result is what came of a run.
type Result struct {
	// Tasks are all that were started, in the order of their making; Failures are ECS's words about those for which there was no room.
	Tasks    []types.Task
	Failures []types.Failure
	// Ends counts the ends, Starts the tasks that were started.
	Starts int
	Ends   map[End]int
	// Unheard: a RunTask call had no answer, so that there may be more tasks.
	Unheard bool
	// Exit is the exit code of the work: the first that is not 0, by the order of the tasks that were not started again.
	Exit int
	// USD is what the tasks have cost until now; unknown where Priced is false.
	USD    float64
	Priced bool
	Main   string
}

// ErrNoRoom: no pool had room for all tasks.
var ErrNoRoom = errors.New("no pool has room")

// ErrOtherRun: the token names another run, of another task definition or with other flags. Its tasks are not the work that was asked for.
var ErrOtherRun = errors.New("is in use by another run")

// run is one under way.
type run struct {
	ecs   *ecs.Client
	r     *Request
	main  string
	now   time.Time
	calls int
	known map[string]*types.Task
	gone  map[string]time.Time // since when ECS does not know a task
	short []shortage
	last  []types.Failure
	since time.Time // from when on tasks are missing for want of room
	// silent is since when AWS has not answered, by this machine's clock.
	silent time.Time
	// missed: there are tasks with the run's token that are not known here. unread is since when ECS lists a task that it cannot describe.
	missed bool
	// unheard: a RunTask call was made and its answer has not come.
	unheard bool
	unread  map[string]time.Time
	// foreign is since when the token of the first call is known to be another call's, of which no task is found.
	foreign time.Time
	logs    *follower
}

// shortage is what is known of a pool that had no room.
type shortage struct {
	until time.Time
	wait  time.Duration
}

// Run carries a request out. Where it ends with an error, the result says what there is.
func Run(ctx context.Context, c *ecs.Client, region string, req *Request) (Result, error) {
	u := newRun(c, req)
	if err := u.begin(ctx, region); err != nil {
		return u.result(region), err
	}
	res, err := u.carryOut(ctx, region)
	if u.logs != nil {
		u.logs.watch(u.sorted(), time.Now())
		u.logs.drain(ctx)
	}
	return res, err
}

func newRun(c *ecs.Client, req *Request) *run {
	return &run{ecs: c, r: req, known: map[string]*types.Task{}, gone: map[string]time.Time{}, unread: map[string]time.Time{}, short: make([]shortage, len(req.Pools))}
}

func (u *run) carryOut(ctx context.Context, region string) (Result, error) {
	req := u.r
	for {
		p := Decide(&req.Rules, u.tasks(), u.now)
		for _, arn := range p.Stops {
			u.note("%s does not start within %s and is stopped", ecsevent.TaskID(arn), req.StartWithin)
			if err := passing(u.stop(ctx, arn, SlowReason)); err != nil {
				return u.result(region), err
			}
		}
		left, err := u.start(ctx, p.Starts)
		if err != nil {
			return u.result(region), err
		}
		if left > 0 && !u.missed && u.givesUp() {
			return u.result(region), u.noRoomFor(left)
		}
		if p.Done || !req.Wait && left == 0 && len(p.Stops) == 0 && (req.StartWithin == 0 || u.allRun()) {
			return u.result(region), nil
		}
		if err := u.rest(ctx, req.Poll); err != nil {
			return u.result(region), err
		}
		if err := u.look(ctx); err != nil {
			return u.result(region), err
		}
		if !u.foreign.IsZero() && !u.missed && len(u.known) == 0 {
			return u.result(region), fmt.Errorf("%s %w: a call with other flags (--started-by, for one) has its token; give all flags as they were, or another token", u.r.Token, ErrOtherRun)
		}
	}
}

// rest is the time between two looks or tries, in which logs are read.
func (u *run) rest(ctx context.Context, d time.Duration) error {
	if u.logs == nil {
		return control.Pause(ctx, d)
	}
	now := time.Now()
	u.logs.watch(u.sorted(), now)
	return u.logs.until(ctx, now.Add(d))
}

// noRoomFor is the error of a run that gives up: for how many tasks no pool has room, for how long it looked, and what ECS answered last.
func (u *run) noRoomFor(left int) error {
	err := fmt.Errorf("start %d of %s: %w (looked for %s)", left, wording.Count(u.r.Count, "task"), ErrNoRoom, wording.Span(u.r.GiveUp))
	if len(u.last) > 0 {
		err = fmt.Errorf("%w: %s", err, aws.ToString(u.last[len(u.last)-1].Reason))
	}
	return err
}

func (u *run) note(format string, args ...any) {
	if u.r.Note != nil {
		u.r.Note(fmt.Sprintf(format, args...))
	}
}

// clock takes the time from an answer: AWS's, as its stamps are.
func (u *run) clock(m middleware.Metadata) {
	if at, ok := awsmiddleware.GetServerTime(m); ok && at.After(u.now) {
		u.now = at
	}
}

// begin reads the task definition, and the tasks that the run has already.
func (u *run) begin(ctx context.Context, region string) error {
	family := aws.ToString(u.r.Input.TaskDefinition)
	var d *ecs.DescribeTaskDefinitionOutput
	if err := u.again(ctx, func() (err error) {
		d, err = u.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &family})
		return failure.Wrap("ecs:DescribeTaskDefinition", "read task definition "+family, err)
	}); err != nil {
		return err
	}
	u.clock(d.ResultMetadata)
	u.main = MainOf(d.TaskDefinition)
	if u.r.Follow != nil {
		u.logs = newFollower(u.r, d.TaskDefinition, region)
	}
	if err := u.again(ctx, func() error { return u.find(ctx) }); err != nil {
		return err
	}
	for _, t := range u.known {
		if of := ecsevent.Family(aws.ToString(t.TaskDefinitionArn)); of != aws.ToString(d.TaskDefinition.Family) {
			u.known = map[string]*types.Task{}
			return fmt.Errorf("%s %w: of %s, not of %s", u.r.Token, ErrOtherRun, of, aws.ToString(d.TaskDefinition.Family))
		}
	}
	if len(u.known) > 0 {
		u.note("going on with %s of the run %s", wording.Count(len(u.known), "task"), u.r.Token)
	}
	return nil
}

// find reads all tasks that the run has, whichever program started them, but those that are known to have ended. What is listed and cannot be described
// yet may be the run's: nothing is started until it is read, or has not been there for as long as a task may be new.
func (u *run) find(ctx context.Context) error {
	var arns []string
	for _, status := range []types.DesiredStatus{types.DesiredStatusRunning, types.DesiredStatusStopped} {
		pages := ecs.NewListTasksPaginator(u.ecs, &ecs.ListTasksInput{Cluster: u.r.Input.Cluster, StartedBy: u.r.Input.StartedBy, DesiredStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return failure.Wrap("ecs:ListTasks", "find the tasks of the run", err)
			}
			u.clock(page.ResultMetadata)
			arns = append(arns, page.TaskArns...)
		}
	}
	arns = slices.DeleteFunc(arns, func(arn string) bool { return u.known[arn] != nil && stopped(u.known[arn]) })
	slices.Sort(arns)
	arns = slices.Compact(arns)
	if err := u.describe(ctx, arns); err != nil {
		return err
	}
	u.missed = false
	for _, arn := range arns {
		if u.known[arn] != nil {
			delete(u.unread, arn)
		} else if u.unread[arn].IsZero() {
			u.unread[arn] = u.now
		}
		at, unread := u.unread[arn]
		u.missed = u.missed || unread && u.now.Sub(at) < goneAfter
	}
	maps.DeleteFunc(u.known, func(_ string, t *types.Task) bool { return !ofRun(t, u.r.Token) })
	u.missed = u.missed || len(u.known) == 0 && u.now.Sub(u.foreign) < goneAfter // lists are late
	for _, t := range u.known {
		if n, ok := tagged(t, TagCall); ok {
			u.calls = max(u.calls, n)
		}
	}
	return nil
}

// tasks are what deciding needs, in the order of their making.
func (u *run) tasks() []Task {
	out := make([]Task, 0, len(u.known))
	for _, t := range u.sorted() {
		one := taskOf(t, u.main)
		if at, ok := u.gone[one.ARN]; ok {
			one.Stopping = true // ECS can stop nothing that it does not know
			if u.now.Sub(at) >= goneAfter {
				one.End = Failed
			}
		}
		out = append(out, one)
	}
	return out
}

func (u *run) sorted() []*types.Task {
	out := slices.Collect(maps.Values(u.known))
	slices.SortFunc(out, func(a, b *types.Task) int {
		if by := aws.ToTime(a.CreatedAt).Compare(aws.ToTime(b.CreatedAt)); by != 0 {
			return by
		}
		return strings.Compare(aws.ToString(a.TaskArn), aws.ToString(b.TaskArn))
	})
	return out
}

func (u *run) allRun() bool {
	for _, t := range u.known {
		if t.StartedAt == nil && !stopped(t) {
			return false
		}
	}
	return true
}

// look reads the tasks that have not ended, and where some are not known all.
func (u *run) look(ctx context.Context) error {
	if u.missed {
		return u.heard(u.find(ctx))
	}
	var arns []string
	for arn, t := range u.known {
		if at, gone := u.gone[arn]; !stopped(t) && (!gone || u.now.Sub(at) < goneAfter) {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	if len(arns) == 0 { // for the time
		in := &ecs.DescribeClustersInput{}
		if name := u.r.Input.Cluster; name != nil { // a permission may be for it alone
			in.Clusters = []string{*name}
		}
		out, err := u.ecs.DescribeClusters(ctx, in)
		if err == nil {
			u.clock(out.ResultMetadata)
		}
		return u.heard(failure.Wrap("ecs:DescribeClusters", "look at the time", err))
	}
	return u.heard(u.describe(ctx, arns))
}

func (u *run) describe(ctx context.Context, arns []string) error {
	for part := range slices.Chunk(arns, describeMax) {
		out, err := u.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: u.r.Input.Cluster, Tasks: part, Include: []types.TaskField{types.TaskFieldTags}})
		if err != nil {
			return failure.Wrap("ecs:DescribeTasks", "read the tasks of the run", err)
		}
		u.clock(out.ResultMetadata)
		for i := range out.Tasks {
			u.take(&out.Tasks[i])
		}
		for i := range out.Failures {
			if arn := aws.ToString(out.Failures[i].Arn); u.known[arn] != nil && u.gone[arn].IsZero() {
				u.gone[arn] = u.now
			}
		}
	}
	return nil
}

// take keeps what was read of a task, and says what is new.
func (u *run) take(t *types.Task) {
	arn := aws.ToString(t.TaskArn)
	before := u.known[arn]
	if before != nil && len(t.Tags) == 0 {
		t.Tags = before.Tags
	}
	delete(u.gone, arn)
	u.known[arn] = t
	if before == nil {
		return
	}
	switch was, is := EndOf(before, u.main), EndOf(t, u.main); {
	case was == is && before.StartedAt == nil && t.StartedAt != nil:
		u.note("%s runs on %s", ecsevent.TaskID(arn), capacityOf(t))
	case was == is:
	case is == Finished:
		code, _ := exitOf(t, u.main)
		u.note("%s has ended with exit code %d", ecsevent.TaskID(arn), code)
	default:
		u.note("%s on %s has ended: %s", ecsevent.TaskID(arn), capacityOf(t), aws.ToString(t.StoppedReason))
	}
}

func capacityOf(t *types.Task) string {
	if name := aws.ToString(t.CapacityProviderName); name != "" {
		return name
	}
	return string(t.LaunchType)
}

func (u *run) stop(ctx context.Context, arn, reason string) error {
	_, err := u.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: u.r.Input.Cluster, Task: &arn, Reason: &reason})
	return failure.Wrap("ecs:StopTask", "stop task "+ecsevent.TaskID(arn), err)
}
