package parts

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/pulse"
	"github.com/backstop-ecs/backstop/internal/taskretry"
	"github.com/backstop-ecs/backstop/internal/witness"
)

// Options say what is guarded, and how. Config, AWS and Store are needed.
type Options struct {
	Config *config.File
	// AWS carries credentials, the default region and, for a sandbox, the endpoint or the HTTP client.
	AWS   aws.Config
	Store control.Store
	Log   *slog.Logger
	// Metrics is where CloudWatch's metric lines go when the configuration asks for them; nil: nowhere.
	Metrics io.Writer
	// Tick replaces the configuration's; 0: it does not.
	Tick time.Duration
	// Scale is how many seconds pass for AWS in one of ours: the speed of a sandbox. 0 means 1.
	Scale float64
	// Now reads the clock that leases are measured by; nil: time.Now.
	Now func() time.Time
	// Owner names this process in leases; empty: made up.
	Owner string
	// Host names the machine, or the function, in signs of life.
	Host string
	// Tell is given every report, after it was logged; see [control.Loop].
	Tell func(ctx context.Context, r control.Report)
}

// Guard is what the daemon and the function run: the loop, and what is told of its passes.
type Guard struct {
	Loop    *control.Loop
	Names   []string // of the workloads
	Sizes   *Sizer
	Tariffs *measure.Tariffs
	// Parse reads an event, and keeps the picture of the tasks up to date by it.
	Parse func(body []byte) (failover.Signal, bool, error)
	// Desk sends notices; nil: there is nobody to tell, or nowhere to keep what was told.
	Desk *notice.Desk
	// Pulse leaves signs of life in the store.
	Pulse *pulse.Pulse
	// Tasks starts tasks of no service again; nil: no cluster is configured for that.
	Tasks *taskretry.Keeper
	// Witness holds what AWS does against what is assumed of it.
	Witness *witness.Witness

	meter   *measure.Meter
	metrics *metric.Writer // nil: none are wanted
	log     *slog.Logger
}

// Build wires what a configuration describes. It calls nothing of AWS.
func Build(o Options) (*Guard, error) {
	workloads, err := Workloads(o.Config, o.AWS.Region)
	if err != nil {
		return nil, err
	}
	if o.Store == nil {
		return nil, errors.New("build guard: no store")
	}
	o.AWS = Trusting(o.AWS, o.Config)
	services := service.New(o.AWS, service.Options{Scale: o.Scale, NoEvents: o.Config.Events.SQS == "",
		Installation: Installation(o.Config, o.AWS.Region)})
	tariffs := measure.NewTariffs(Tariffs(workloads))
	g := &Guard{Tariffs: tariffs, Parse: services.Listening(ecsevent.Parse), Sizes: NewSizer(o.AWS, o.Config, workloads, tariffs, services.Size, o.Log),
		Desk: Desk(o.AWS, o.Config, o.Store, tariffs, o.Log), meter: measure.New(o.Store, tariffs), log: o.Log}
	if o.Now == nil {
		o.Now = time.Now
	}
	g.Witness = witness.New(workloads, o.Now)
	g.Parse = g.Witness.Listening(g.Parse)
	if o.Config.Metrics.EMF && o.Metrics != nil {
		g.metrics = metric.New(o.Metrics, o.Config.Metrics.Namespace)
	}
	if o.Tick == 0 {
		o.Tick = o.Config.Tick
	}
	g.Loop = &control.Loop{Services: services, Store: o.Store, Workloads: workloads, Tick: o.Tick, Scale: o.Scale, Now: o.Now, Owner: o.Owner, Log: o.Log,
		Unexpected: g.Witness.Of, Tell: NewTeller(o.Log, o.Tell).Tell}
	for i := range workloads {
		g.Names = append(g.Names, workloads[i].Name)
	}
	if g.Tasks, err = Tasks(o, g); err != nil {
		return nil, err
	}
	g.Pulse = pulse.New(o.Host, g.Names, g.Beat(), o.Now)
	g.Pulse.Meeting(g.Loop.Strangers)
	if g.Desk != nil {
		g.Pulse.Refusing(g.Desk.Refusing)
	}
	return g, nil
}

// Beat is how often a sign of life is left.
func (g *Guard) Beat() time.Duration {
	return max(cmp.Or(g.Loop.Tick, control.TickDefault), control.TickMin)
}

// Live leaves a sign of life and what was learned of AWS in the store, if they are due.
func (g *Guard) Live(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, control.StoreTimeout)
	defer cancel()
	if err := g.Pulse.Keep(ctx, g.Loop.Store); err != nil && !errors.Is(err, context.Canceled) {
		g.log.LogAttrs(ctx, slog.LevelWarn, "sign of life not kept", slog.Any(control.KeyErr, err))
	}
	if err := g.Witness.Keep(ctx, g.Loop.Store); err != nil && !errors.Is(err, context.Canceled) {
		g.log.LogAttrs(ctx, slog.LevelWarn, "what is known of AWS not kept", slog.Any(control.KeyErr, err))
	}
}

// Note takes a report into the sign of life and holds it against what is assumed of AWS.
func (g *Guard) Note(r *control.Report) {
	g.Pulse.Tell(r)
	for i := range g.Loop.Workloads {
		if w := &g.Loop.Workloads[i]; w.Name == r.Workload {
			g.Witness.Look(w.Refs, r)
			return
		}
	}
}

// Measure writes the metrics of a report, if they are wanted, and learns what the workload's tasks cost.
func (g *Guard) Measure(ctx context.Context, r *control.Report) {
	g.Sizes.Learn(r.Workload)
	if g.metrics == nil {
		return
	}
	if facts, ok := g.meter.Of(ctx, r); ok {
		if err := g.metrics.Write(facts); err != nil {
			g.log.LogAttrs(ctx, slog.LevelWarn, "metrics not written", slog.Any(control.KeyErr, err))
		}
	}
}
