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
	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/pulse"
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
	loop    *control.Loop
	names   []string
	log     *slog.Logger
	sizes   *parts.Sizer
	meter   *measure.Meter
	metrics *metric.Writer // nil: none are wanted
	desk    *notice.Desk   // nil: nobody is to be told
	noted   sync.Once      // what is guarded is in the roster
	pulse   *pulse.Pulse
	store   control.Store

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
	workloads, err := parts.Workloads(o.Config, o.AWS.Region)
	if err != nil {
		return nil, err
	}
	store, err := parts.OpenTable(o.AWS, o.Config)
	if err != nil {
		return nil, err
	}
	f := &Function{log: o.Log, store: store}
	f.loop = &control.Loop{
		Services: service.New(o.AWS, service.Options{Scale: o.Scale, NoEvents: o.Config.Events.SQS == "",
			Installation: parts.Installation(o.Config, o.AWS.Region)}),
		Store:     store,
		Workloads: workloads,
		Scale:     o.Scale,
		Now:       o.Now,
		Owner:     o.Owner,
		Log:       o.Log,
		Tell:      parts.NewTeller(o.Log, f.take).Tell,
	}
	tariffs := parts.Tariffs(workloads)
	f.sizes = parts.NewSizer(o.AWS, o.Config, workloads, tariffs, o.Log)
	reader, _ := store.(measure.Journal)
	f.meter = measure.New(reader, tariffs)
	if o.Config.Metrics.EMF && o.Metrics != nil {
		f.metrics = metric.New(o.Metrics, o.Config.Metrics.Namespace)
	}
	f.desk = parts.Desk(o.AWS, o.Config, store, tariffs, o.Log)
	for i := range workloads {
		f.names = append(f.names, workloads[i].Name)
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	f.pulse = pulse.New(cmp.Or(os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "function"), f.names, control.TickDefault, now)
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
		f.pulse.Tell(&reports[i])
	}
	telling.Go(func() {
		if err := f.pulse.Keep(ctx, f.store); err != nil {
			f.log.LogAttrs(ctx, slog.LevelWarn, "sign of life not kept", slog.Any(control.KeyErr, err))
		}
	})
	f.noted.Do(func() {
		telling.Go(func() { roster.Say(ctx, f.store, f.loop.Services, f.loop.Workloads, time.Now, f.log) })
	})
	if f.desk != nil {
		for i := range reports {
			f.desk.Tell(ctx, reports[i])
		}
		telling.Go(func() { f.desk.Work(ctx) })
	}
	if f.metrics != nil {
		f.measure(ctx, reports)
	}
	telling.Wait()
	f.sizes.Price(ctx)
}

// measure writes the metrics of reports.
func (f *Function) measure(ctx context.Context, reports []control.Report) {
	for i := range reports {
		if facts, ok := f.meter.Of(ctx, &reports[i]); ok {
			if err := f.metrics.Write(facts); err != nil {
				f.log.LogAttrs(ctx, slog.LevelWarn, "metrics not written", slog.Any(control.KeyErr, err))
			}
		}
	}
}
