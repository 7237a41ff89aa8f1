package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	// startUp is the longest that the workload may take to run before the scenario begins.
	startUp = 30 * time.Minute
	// longScenario is from when on a scenario speaks of mornings, and so begins at midnight.
	longScenario = 12 * time.Hour
	// lockStepScale turns off the adapter's own rate limits, which are counted in real time: lock step makes
	// hours of calls in seconds. The sandbox enforces ECS's buckets in virtual time.
	lockStepScale = 1e6
	// TasksMax is what an ECS service can hold.
	TasksMax = failover.ServiceTasksMax
)

// worldStart is when every play begins, so that one seed gives one history.
var worldStart = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// Options say what to play.
type Options struct {
	Scenario Scenario
	Policy   string // preset
	Tasks    int
	Seed     uint64
	// Speed is how many virtual seconds pass in a real one; 0: as many as the machine can.
	Speed float64
	// Addr is the loopback address of the sandbox; port 0 picks one.
	Addr string
	// Present lets the play end at about the present of this machine and not at a fixed date: for those who go on
	// with Serve and ask how old things are.
	Present bool
	// ServeSpeed is the speed at which [Demo.Serve] goes on.
	ServeSpeed float64
	// Model are knobs of the sandbox's model; nil: none is turned.
	Model sandbox.Model
	Log   *slog.Logger
	// Rival guards in the product's place; nil: the product does.
	Rival *Rival
	// Tell is given every update, by the goroutine that plays; it must not block for long. May be nil.
	Tell func(Update)
}

// start is the virtual time at which the sandbox begins: before the scenario by the time that the workload
// needs to start and the way to a full hour or a midnight.
func (o *Options) start() time.Time {
	if !o.Present {
		return worldStart
	}
	lead := time.Hour
	if o.Scenario.Length >= longScenario {
		lead = 24 * time.Hour
	}
	return time.Now().UTC().Add(-o.Scenario.Length - lead - startUp).Truncate(time.Second)
}

// Demo is a sandbox that listens and a daemon over it. Close it.
type Demo struct {
	opts   Options
	box    *sandbox.Sandbox
	stage  *Stage
	app    *app.App
	dir    string
	file   *config.File
	aws    aws.Config
	URL    string // of the sandbox
	driver *driver

	stop    context.CancelFunc
	stopped chan error
}

// Open starts the sandbox, lets the workload start on Spot, and makes the daemon.
func Open(ctx context.Context, o Options) (*Demo, error) {
	if o.Tasks < 1 || o.Tasks > TasksMax {
		return nil, fmt.Errorf("open demo: tasks must be 1 to %d (got %d)", TasksMax, o.Tasks)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Tell == nil {
		o.Tell = func(Update) {}
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.ServeSpeed <= 0 {
		o.ServeSpeed = 1
	}
	d := &Demo{opts: o}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Demo) open(ctx context.Context) error {
	o := d.opts
	d.driver = &driver{tell: o.Tell, from: sandbox.EventsQueue, rival: o.Rival, pace: &pace{speed: o.Speed, real: time.Now}}
	options := sandbox.Options{
		World: ecsim.Config{Seed: o.Seed, Start: o.start(),
			// What a rule on started, warned and stopped tasks lets through: the steps between say nothing.
			LeaveOut: ecsim.StartingEvents | ecsim.StoppingEvents | ecsim.APICallEvents},
		Speed: o.ServeSpeed, Log: o.Log, OnMessage: d.driver.onMessage,
	}
	if err := o.Model.Apply(&options.World, &options.Scaling); err != nil {
		return err
	}
	d.box = sandbox.New(options)
	d.box.Pause(true) // virtual time moves by the driver alone
	listener, err := d.box.Listen(ctx, o.Addr)
	if err != nil {
		return err
	}
	d.URL = listener.URL
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop, d.stopped = stop, make(chan error, 1)
	go func() { d.stopped <- listener.Serve(serving) }()

	d.box.SetDelivery(sandbox.Trouble{Paused: true})
	if o.Scenario.Front == (Front{}) {
		d.stage, err = NewStage(d.box, o.Tasks, o.Scenario.Zones, o.Scenario.HalfMayGo)
	} else {
		d.stage, err = stageWithFront(d.box, o.Tasks, o.Scenario.Front)
	}
	if err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	d.box.SetDelivery(sandbox.Trouble{})
	d.aws = aws.Config{Region: Region, BaseEndpoint: aws.String(d.URL), Credentials: credentials.NewStaticCredentialsProvider("demo", "demo", "")}
	if err := d.guard(ctx); err != nil {
		return err
	}
	d.driver.box, d.driver.stage = d.box, d.stage
	d.driver.log.began = d.box.Now()
	d.driver.meter = newMeter(ExamplePrices, d.box.Now(), d.stage.sample())
	return nil
}

// compete lets a rival guard.
func (d *Demo) compete(ctx context.Context) error {
	r := d.driver
	r.log = &record{breaker: failover.Closed.String(), mode: modeOf(failover.ModeUnknown)}
	if r.from = r.rival.Queue; r.from != "" {
		r.queue = queue.New(d.aws, strings.TrimSuffix(d.QueueURL(), sandbox.EventsQueue)+r.from)
	}
	if r.rival.Prepare == nil {
		return nil
	}
	return r.rival.Prepare(ctx, d.box)
}

// start moves the world until the workload runs as wanted and is steady.
func (d *Demo) start(ctx context.Context) error {
	for end := d.box.Now().Add(startUp); ; {
		if v := d.stage.sample(); v.spot >= v.demand {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.box.Now().After(end) {
			return fmt.Errorf("start workload: not all of %d tasks run after %s", d.opts.Tasks, startUp)
		}
		d.box.AdvanceTo(d.box.Now().Add(5 * time.Second))
	}
	begin := d.box.Now().Truncate(time.Hour).Add(time.Hour) // scenarios speak of full hours
	if d.opts.Scenario.Length >= longScenario {
		begin = d.box.Now().Truncate(24 * time.Hour).Add(24 * time.Hour) // and of mornings
	}
	d.box.AdvanceTo(begin)
	return nil
}

// guard makes the daemon, as `backstop run` does, with its state in a directory of its own.
func (d *Demo) guard(ctx context.Context) error {
	if d.opts.Rival != nil {
		return d.compete(ctx)
	}
	var err error
	if d.dir, err = os.MkdirTemp("", "backstop-demo-"); err != nil {
		return fmt.Errorf("make directory for state: %w", err)
	}
	text := d.configuration()
	if err := os.WriteFile(d.ConfigPath(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if d.file, err = config.Parse([]byte(text), d.ConfigPath()); err != nil {
		return fmt.Errorf("read configuration of the demo: %w", err)
	}
	d.app, err = app.New(ctx, app.Options{Config: d.file, AWS: d.aws, Log: d.opts.Log, Scale: lockStepScale, Now: d.box.Now})
	if err != nil {
		return err
	}
	w := d.app.Loop.Workloads[0]
	r := d.driver
	r.loop, r.queue, r.workload = d.app.Loop, d.app.Loop.Queue, w
	r.log = &record{policy: w.Policy, breaker: failover.Closed.String(), mode: modeOf(failover.ModeUnknown)}
	return nil
}

// ConfigPath is where the demo's configuration is, for commands in another terminal.
func (d *Demo) ConfigPath() string { return filepath.Join(d.dir, "backstop.yaml") }

// QueueURL is the queue that ECS's events come from.
func (d *Demo) QueueURL() string { return d.box.QueueURL() }

func (d *Demo) configuration() string {
	return strings.NewReplacer("$region", Region, "$state", filepath.Join(d.dir, "backstop.db"), "$queue", d.QueueURL(), "$name", Workload,
		"$policy", d.opts.Policy, "$cluster", Cluster, "$spot", SpotService, "$standard", StandardService).Replace(`version: 1
region: $region
state: {sqlite: "$state"}
events: {sqs: "$queue"}
http: {listen: "off"}
workloads:
  - name: $name
    policy: $policy
    task: {cpu: 4096, memory: 16384, arch: X86_64}
    pools:
      - {name: spot,     cluster: $cluster, service: $spot,     capacity: FARGATE_SPOT}
      - {name: standard, cluster: $cluster, service: $standard, capacity: FARGATE}
`)
}

// Begin is the virtual time at which the scenario begins; before Play.
func (d *Demo) Begin() time.Time { return d.box.Now() }

// Hold stops the play where it is, or lets it go on.
func (d *Demo) Hold(held bool) { d.driver.pace.held.Store(held) }

// Play plays the scenario to its end and sums it up. When ctx ends before that, the summary is of what was
// played, and says so.
func (d *Demo) Play(ctx context.Context) (Summary, error) {
	began := time.Now()
	r := d.driver
	if err := r.pass(ctx); err != nil { // it meets a workload that runs, as a daemon does that is started
		return Summary{}, err
	}
	err := r.play(ctx, d.opts.Scenario)
	unfinished := err != nil && ctx.Err() != nil
	if err != nil && !unfinished {
		return Summary{}, err
	}
	s := d.sum()
	s.WallSeconds = round(time.Since(began).Seconds())
	s.Unfinished = unfinished
	return s, nil
}

func (d *Demo) sum() Summary {
	m, l := d.driver.meter, d.driver.log
	used, alone := m.cost()
	last := m.last
	s := Summary{Type: "summary", Scenario: d.opts.Scenario.Name, Policy: d.opts.Policy, Seed: d.opts.Seed, Tasks: d.opts.Tasks,
		VirtualSeconds: m.now.Sub(m.began).Seconds(), DemandHeld: 100, Availability: 1, ShortTaskMinutes: m.short / 60, ScaleOut: m.fresh / 60,
		LongestGap: m.longest.Seconds(), CostUSD: used, Failovers: l.failovers, Covers: l.covers, TaskStarts: m.starts(),
		Interruptions: last.spotUse.Interruptions - m.first.spotUse.Interruptions, Decisions: l.decisions, Passes: l.passes,
		BackOnSpot: last.spot >= last.demand && last.asked == 0 && l.breaker == failover.Closed.String(), Violations: l.violations, Simulated: true}
	s.Promises = held(d.opts.Scenario.Promises, &Outcome{Tasks: d.opts.Tasks, Gaps: m.gaps, Asks: l.asks})
	if d.opts.Policy != failover.PresetFill {
		s.Promises = []Promised{}
	}
	if s.Violations == nil {
		s.Violations = []Violation{}
	}
	for _, v := range []*float64{&s.ShortTaskMinutes, &s.ScaleOut, &s.CostUSD} {
		*v = round(*v)
	}
	if m.wanted > 0 {
		s.DemandHeld = round(100 * (1 - m.short/m.wanted))
	}
	if s.VirtualSeconds > 0 {
		s.Availability = round(m.full.Seconds() / s.VirtualSeconds)
	}
	if alone > 0 {
		s.CostRatio = round(used / alone)
	}
	return s
}

// round keeps six decimals: what sums of seconds are good for.
func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// Serve goes on at ServeSpeed in real time, with the daemon's own loop, until ctx ends.
func (d *Demo) Serve(ctx context.Context) error {
	live, err := app.New(ctx, app.Options{Config: d.file, AWS: d.aws, Log: d.opts.Log, Store: d.app.Store, Scale: d.opts.ServeSpeed,
		Tick: time.Duration(float64(tick) / d.opts.ServeSpeed), Now: d.box.Now, Tell: func(_ context.Context, p control.Report) {
			if dec, ok := d.driver.log.take(&p); ok {
				d.opts.Tell(Update{Kind: Decided, At: dec.At, Text: dec.Text, Decision: &dec})
			}
		}})
	if err != nil {
		return err
	}
	d.box.AdvanceTo(time.Now()) // does nothing if the play has gone beyond
	d.box.Pause(false)
	return live.Run(ctx)
}

// Close stops everything and removes the state.
func (d *Demo) Close() error {
	var errs []error
	if d.opts.Rival != nil && d.opts.Rival.Close != nil {
		d.opts.Rival.Close()
	}
	if d.app != nil {
		errs = append(errs, d.app.Close())
	}
	if d.stop != nil {
		d.stop()
		errs = append(errs, <-d.stopped)
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}
