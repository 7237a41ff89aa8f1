package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// Options say what to run. Config and AWS are needed.
type Options struct {
	Config *config.File
	// AWS carries credentials, the default region and, for a sandbox, the endpoint or the HTTP client.
	AWS aws.Config
	Log *slog.Logger
	// Store replaces the one that the configuration names; it is then the caller's to close.
	Store control.Store
	// Tick replaces the configuration's; 0: it does not.
	Tick time.Duration
	// Scale is how many seconds pass for AWS in one of ours: the speed of a sandbox. 0 means 1.
	Scale float64
	// Owner names this process in leases; empty: made up.
	Owner string
	// Now reads the clock that leases are measured by; nil: time.Now.
	Now func() time.Time
	// Metrics is where CloudWatch's metric lines go when the configuration asks for them; nil: the standard output.
	Metrics io.Writer
	// Tell is given every report, after it was logged; see [control.Loop].
	Tell func(ctx context.Context, r control.Report)
}

// App is a daemon that is ready to run.
type App struct {
	// Loop is made and not started.
	Loop  *control.Loop
	Store control.Store

	guard    *parts.Guard
	ownStore bool
	told     *told
	aside    *aside // nil: no tasks of no service are started again
	log      *slog.Logger
}

// New makes the daemon that a configuration describes. It opens the store and calls nothing of AWS. The
// caller closes it.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Config == nil {
		return nil, errors.New("make daemon: no configuration")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = os.Stdout
	}
	a := &App{Store: o.Store, log: o.Log, told: &told{next: o.Tell}}
	if a.Store == nil {
		var err error
		if o.Config.State.DynamoDB != "" {
			a.Store, err = parts.OpenTable(o.AWS, o.Config)
		} else {
			a.Store, err = OpenStore(ctx, o.Config)
		}
		if err != nil {
			return nil, err
		}
		a.ownStore = true
	}
	guard, err := parts.Build(parts.Options{Config: o.Config, AWS: o.AWS, Store: a.Store, Log: o.Log, Metrics: o.Metrics, Tick: o.Tick, Scale: o.Scale,
		Now: o.Now, Owner: o.Owner, Host: host(), Tell: a.told.tell})
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.guard, a.told.guard, a.Loop = guard, guard, guard.Loop
	if events := o.Config.Events.SQS; events != "" {
		a.Loop.Queue, a.Loop.Parse = queue.New(atQueue(o.AWS, events), events), guard.Parse
		if guard.Tasks != nil {
			a.aside = newAside(a.Loop, guard.Tasks, a.log)
			a.Loop.Aside = a.aside.take
		}
	}
	return a, nil
}

// Run guards the workloads until ctx ends, then gives back the leases and returns nil.
//
// What could not be priced at the start is guarded without a price, and its size read again meanwhile. Once it is
// known the loop stops and starts again with it, for nobody may change a policy while passes read it. That takes no
// longer than the passes in flight, and the first thing a loop does is to look at every workload.
func (a *App) Run(ctx context.Context) error {
	a.guard.Sizes.Price(ctx)
	if err := a.Loop.Init(); err != nil { // before anything runs beside it
		return err
	}
	stop := a.told.start(ctx)
	defer stop()
	var noting sync.WaitGroup
	services, guarded, now := a.Loop.Services, slices.Clone(a.Loop.Workloads), a.Loop.Now
	noting.Go(func() { roster.Say(ctx, a.Store, services, guarded, now, a.log) })
	defer noting.Wait()
	if a.aside != nil {
		noting.Go(func() { a.aside.run(ctx) })
	}
	for {
		guard, pause := context.WithCancel(ctx)
		var reading sync.WaitGroup
		reading.Go(func() {
			if a.guard.Sizes.Await(guard) {
				pause()
			}
		})
		err := a.Loop.Run(guard)
		pause()
		reading.Wait()
		if err != nil || ctx.Err() != nil {
			return err
		}
		a.guard.Sizes.Apply()
		a.log.LogAttrs(ctx, slog.LevelInfo, "task sizes are known; guarding goes on with prices", slog.Any("unpriced", a.Unpriced()))
	}
}

// Unpriced returns the names of the workloads whose budget or forecast is not in force, because it is not known what
// their tasks cost. It may be called at any time.
func (a *App) Unpriced() []string { return a.guard.Sizes.Unpriced() }

// Tariffs are what the workloads' tasks cost, as far as it is known.
func (a *App) Tariffs() *measure.Tariffs { return a.guard.Tariffs }

// Step carries the named workloads, or all of them if none is named, through one pass. It takes nothing from
// the queue.
func (a *App) Step(ctx context.Context, names ...string) ([]control.Report, error) {
	if len(names) == 0 {
		names = a.guard.Names
	}
	a.guard.Sizes.Price(ctx)
	reports, err := a.Loop.Pass(ctx, names, nil)
	if _, failed := a.guard.Tasks.Pass(ctx); failed != nil && err == nil {
		err = failed
	}
	a.guard.Live(ctx)
	return reports, err
}

// Close closes the store that New opened. Run must have returned.
func (a *App) Close() error {
	if !a.ownStore {
		return nil
	}
	return a.Store.Close()
}

// OpenStore opens the store that a configuration names. For a DynamoDB table it reads the AWS SDK's own
// configuration.
func OpenStore(ctx context.Context, f *config.File) (control.Store, error) {
	if f.State.DynamoDB == "" {
		s, err := sqlite.Open(ctx, f.State.SQLite, journal.DefaultRetention())
		if err != nil {
			return nil, err // and no store: a nil one in an interface would be taken for one
		}
		return s, nil
	}
	cfg, err := session.Load(ctx, f.Region)
	if err != nil {
		return nil, err
	}
	return parts.OpenTable(cfg, f)
}

// atQueue returns cfg for the region that a queue's URL names (https://sqs.REGION.amazonaws.com/...), as a
// queue may be in another region than the default one.
func atQueue(cfg aws.Config, queueURL string) aws.Config {
	u, err := url.Parse(queueURL)
	if err != nil {
		return cfg
	}
	if host := strings.Split(u.Hostname(), "."); len(host) >= 4 && host[0] == "sqs" && host[2] == "amazonaws" {
		cfg = cfg.Copy()
		cfg.Region = host[1]
	}
	return cfg
}

// Workloads returns the workloads of a configuration as the loop takes them. region stands for the pools that
// name none; it is an error if there are such and it is empty.
func Workloads(f *config.File, region string) ([]control.Workload, error) {
	return parts.Workloads(f, region)
}
