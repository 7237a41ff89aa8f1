package function

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/roster"
)

// Options say what the function guards. Config and AWS are needed.
type Options struct {
	Config *config.File
	AWS    aws.Config
	Log    *slog.Logger
	// Metrics is where CloudWatch's metric lines go, if the configuration asks for them: the standard output. nil:
	// nowhere.
	Metrics io.Writer
	// Scale is how many seconds pass for AWS in one of ours: the speed of a sandbox. 0 means 1.
	Scale float64
	// Now reads the clock that leases are measured by; nil: time.Now.
	Now func() time.Time
	// Owner names this process in leases; empty: made up.
	Owner string
}

// Function is ready to be invoked, once at a time, as Lambda does.
type Function struct {
	guard *parts.Guard
	loop  *control.Loop
	log   *slog.Logger
	noted sync.Once // what is guarded is in the roster

	mu      sync.Mutex
	reports []control.Report // of the present invocation
}

// New makes the function that a configuration describes. It calls nothing of AWS.
func New(o Options) (*Function, error) {
	if o.Config == nil {
		return nil, errors.New("make function: no configuration")
	}
	if o.Config.State.DynamoDB == "" {
		return nil, fmt.Errorf("%s: state.dynamodb: must name a table: a function has no disk of its own", o.Config.Name)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	store, err := parts.OpenTable(o.AWS, o.Config)
	if err != nil {
		return nil, err
	}
	f := &Function{log: o.Log}
	f.guard, err = parts.Build(parts.Options{Config: o.Config, AWS: o.AWS, Store: store, Log: o.Log, Metrics: o.Metrics, Tick: control.TickDefault, Scale: o.Scale, Now: o.Now,
		Owner: o.Owner, Host: cmp.Or(os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "function"), Tell: f.take})
	if err != nil {
		return nil, err
	}
	f.loop = f.guard.Loop
	return f, nil
}

// take keeps a report until the invocation's passes are done: nothing that is told may hold them up.
func (f *Function) take(_ context.Context, r control.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = append(f.reports, r)
}

// after leaves a sign of life, sends what has to be told and writes the metrics, side by side, within what is left of the invocation: for
// its first metrics a process reads a day's journal, and no notice may wait for that. What is not sent in time is
// kept, and sent after the next one. Then it prices what is not priced yet: no pass and no notice waits for that either.
func (f *Function) after(ctx context.Context) {
	f.mu.Lock()
	reports := f.reports
	f.reports = nil
	f.mu.Unlock()
	end := time.Now().Add(tellMax)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-tellMargin).Before(end) {
		end = deadline.Add(-tellMargin)
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	var telling sync.WaitGroup
	for i := range reports {
		f.guard.Note(&reports[i])
	}
	telling.Go(func() { f.guard.Live(ctx) })
	f.noted.Do(func() {
		telling.Go(func() { roster.Say(ctx, f.loop.Store, f.loop.Services, f.loop.Workloads, time.Now, f.log) })
	})
	if desk := f.guard.Desk; desk != nil {
		for i := range reports {
			desk.Tell(ctx, reports[i])
		}
		telling.Go(func() { desk.Work(ctx) })
	}
	for i := range reports {
		f.guard.Measure(ctx, &reports[i])
	}
	telling.Wait()
	f.guard.Sizes.Price(ctx)
}
