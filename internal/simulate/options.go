package simulate

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/input"
	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// Limits of one call.
const (
	SeedsMax = 1000
	RunsMax  = 200_000
	TasksMax = failover.ServiceTasksMax
	fileMax  = 256 << 20 // bytes a trace file
)

// Options are what a simulation is asked for. The zero value is the article's month under every policy.
type Options struct {
	Traces   []string       // files, or names of built-in traces; default: article
	Events   []string       // files of recorded ECS events, from which traces are rebuilt
	Services []string       // CLUSTER/SERVICE: those whose events count, together; default: the only one of each file
	Given    []*trace.Trace // traces that the caller has read already
	Policies []string       // default: all
	Set      []string       // field=value, of the product's own policies
	Sweep    []string       // field=value,value or field=low..high[/steps], of the first of them

	Tasks    int           // default 200
	Days     int           // of built-in traces; default 30
	Duration time.Duration // 0: as long as the trace
	Scale    float64       // of the capacities in files; default 1
	Seeds    int           // default 1
	Seed     uint64        // the first

	World     string
	Zones     string
	Control   string // "": each policy its own; fast or article: of the product's own policies
	StartUp   string // P50,P95,P99; default 90s,120s,138s
	WarmUp    string // P50,P99 of the time from RUNNING until a task is in service; default none
	ScaleIn   string // which tasks a scale-in stops first: serving, random or starting; default serving
	Hung      float64
	Unwarned  float64
	SlowShare float64
	Common    float64
	Linger    bool
	Model     func(*ecsim.Config) // changes what is assumed of AWS, over the fields above; nil: nothing

	VCPU     float64 // default 4
	MemoryGB float64 // default 16
	Region   string  // "": the article's prices
	Arch     string

	Check   bool
	Record  bool // keep a timeline of the first seed
	Workers int  // default: every core
	Command string
	// Reading, if not nil, is called a few times a second while a file of events is read, with the bytes that are read and those that it has (0: not
	// known).
	Reading func(file string, read, size int64)
	// Planned, if not nil, is called once, when the options hold and before anything is played; its error ends the run.
	Planned func() error
}

// plan is what the options mean.
type plan struct {
	o        Options
	sources  []source
	variants []variant
	world    replay.World
	zones    replay.Zones
	prices   replay.Prices
	pricesOf string
	sweep    *sweepPlan
}

// source is a trace, by seed: a file is the same for every one, a built-in trace is not.
type source struct {
	name  string
	whole *trace.Trace // nil when each seed has another
	of    func(seed uint64) (*trace.Trace, error)
}

// variant is one contestant.
type variant struct {
	policy replay.Policy
	fields map[string]string
	oracle bool
	zones  replay.Zones
}

func (o Options) plan(ctx context.Context) (*plan, error) {
	if o.Tasks == 0 {
		o.Tasks = 200
	}
	if o.Seeds == 0 {
		o.Seeds = 1
	}
	if o.Days == 0 {
		o.Days = 30
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.VCPU == 0 {
		o.VCPU = 4
	}
	if o.MemoryGB == 0 {
		o.MemoryGB = 16
	}
	p := &plan{o: o}
	switch {
	case o.Tasks < 1 || o.Tasks > TasksMax:
		return nil, fmt.Errorf("%d tasks: must be 1 to %d", o.Tasks, TasksMax)
	case o.Seeds < 1 || o.Seeds > SeedsMax:
		return nil, fmt.Errorf("%d seeds: must be 1 to %d", o.Seeds, SeedsMax)
	case !(o.Scale > 0 && o.Scale <= 1e6):
		return nil, fmt.Errorf("scale %v: must be above 0", o.Scale)
	case o.Duration < 0:
		return nil, fmt.Errorf("duration %s: must be above 0", o.Duration)
	}
	for _, share := range []float64{o.Hung, o.Unwarned, o.SlowShare, o.Common} {
		if !(share >= 0 && share <= 1) {
			return nil, fmt.Errorf("share %v: must be between 0 and 1", share)
		}
	}
	for _, step := range []func() error{p.readWorld, p.readPrices, func() error { return p.readTraces(ctx) }, p.readPolicies, p.readSweep} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if runs := len(p.sources) * len(p.variants) * o.Seeds; runs > RunsMax {
		return nil, fmt.Errorf("%d traces, %d policies and %d seeds are %d runs, more than %d", len(p.sources), len(p.variants), o.Seeds, runs, RunsMax)
	}
	return p, nil
}

func (p *plan) readWorld() error {
	stop, err := replay.ParseStop(p.o.World)
	if err != nil {
		return err
	}
	switch p.zones = replay.Zones(p.o.Zones); p.zones {
	case "":
		p.zones = replay.Pooled
	case replay.Pooled, replay.PerZone:
	default:
		return fmt.Errorf("zones %q: must be pooled or per-zone", p.o.Zones)
	}
	p.world = replay.World{Stop: stop, HungShare: p.o.Hung, UnwarnedShare: p.o.Unwarned, LingerOnScaleIn: p.o.Linger,
		CPU: int(p.o.VCPU * 1024), Memory: int(p.o.MemoryGB * 1024)}
	p.world.StartUp = ecsim.StartUp{SlowShare: p.o.SlowShare, CommonShare: p.o.Common}
	if p.o.StartUp == "" {
		p.o.StartUp = "90s,120s,138s"
	}
	s := &p.world.StartUp
	if err := readPercentiles("start-up", p.o.StartUp, "three durations, P50,P95,P99, such as 90s,120s,138s", &s.P50, &s.P95, &s.P99); err != nil {
		return err
	}
	if p.o.WarmUp != "" {
		u := &p.world.WarmUp
		if err := readPercentiles("warm-up", p.o.WarmUp, "two durations, P50,P99, such as 30s,48s", &u.P50, &u.P99); err != nil {
			return err
		}
	}
	if err := p.readScaleIn(); err != nil || p.o.Model == nil {
		return err
	}
	c := ecsim.Config{StartUp: p.world.StartUp, WarmUp: p.world.WarmUp, ScaleIn: p.world.ScaleIn}
	p.o.Model(&c)
	p.world.StartUp, p.world.WarmUp, p.world.ScaleIn, p.world.Model = c.StartUp, c.WarmUp, c.ScaleIn, p.o.Model // policies read the first three
	return nil
}

// ScaleInOrders are the values of Options.ScaleIn, the default first.
func ScaleInOrders() []string { return []string{"serving", "random", "starting"} }

func (p *plan) readScaleIn() error {
	picks := []ecsim.ScaleInPick{ecsim.PickServingFirst, ecsim.PickRandom, ecsim.PickStartingFirst}
	i := max(0, slices.Index(ScaleInOrders(), p.o.ScaleIn))
	if p.o.ScaleIn != "" && p.o.ScaleIn != ScaleInOrders()[i] {
		return fmt.Errorf("scale-in %q: must be one of %s", p.o.ScaleIn, strings.Join(ScaleInOrders(), ", "))
	}
	p.world.ScaleIn = picks[i]
	return nil
}

// readPercentiles reads rising durations, as many as there is room for.
func readPercentiles(what, text, form string, to ...*time.Duration) error {
	parts := strings.Split(text, ",")
	if len(parts) != len(to) {
		return fmt.Errorf("%s %q: must be %s", what, text, form)
	}
	var last time.Duration
	for i, part := range parts {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err != nil || d <= 0 || d < last || d > time.Hour {
			return fmt.Errorf("%s %q: %q must be a duration above 0, at most 1h and not less than the one before", what, text, part)
		}
		*to[i], last = d, d
	}
	return nil
}

func (p *plan) readPrices() error {
	if p.o.Region == "" {
		size := cost.Size{VCPU: p.o.VCPU, MemoryGB: p.o.MemoryGB}
		p.prices = replay.Prices{OnDemand: cost.Rate{VCPUHour: 0.04656, GBHour: 0.00511}.TaskHour(size), Spot: cost.Rate{VCPUHour: 0.02049, GBHour: 0.00225}.TaskHour(size)}
		p.pricesOf = "the article's prices"
		return nil
	}
	arch := cost.X86
	switch strings.ToUpper(p.o.Arch) {
	case "", "X86_64", "X86":
	case "ARM64":
		arch = cost.ARM64
	default:
		return fmt.Errorf("architecture %q: must be X86_64 or ARM64", p.o.Arch)
	}
	var table cost.Table
	for to, capacity := range map[*float64]failover.Capacity{&p.prices.OnDemand: failover.OnDemand, &p.prices.Spot: failover.Spot} {
		rate, err := table.Rate(cost.Key{Region: p.o.Region, Arch: arch, Capacity: capacity})
		if err != nil {
			return err
		}
		*to = rate.TaskHour(cost.Size{VCPU: p.o.VCPU, MemoryGB: p.o.MemoryGB})
	}
	p.pricesOf = fmt.Sprintf("%s %s, prices of %s", p.o.Region, arch, cost.TableDate)
	return nil
}

func (p *plan) readTraces(ctx context.Context) error {
	names := p.o.Traces
	if len(names) == 0 && len(p.o.Events) == 0 && len(p.o.Given) == 0 {
		names = []string{"article"}
	}
	for _, name := range names {
		s, err := p.source(ctx, name)
		if err != nil {
			return fieldError{"trace", err}
		}
		p.sources = append(p.sources, s)
	}
	met := map[string]struct{}{}
	for _, name := range p.o.Events {
		s, err := p.recorded(ctx, name, met)
		if err != nil {
			return fieldError{"events", err}
		}
		p.sources = append(p.sources, s)
	}
	for _, s := range p.o.Services {
		if _, ok := met[s]; !ok {
			return fieldError{"service", fmt.Errorf("no Spot task of %s in %s", s, strings.Join(p.o.Events, ", "))}
		}
	}
	for _, t := range p.o.Given {
		if t = p.cut(t); t.Check() != nil {
			return t.Check()
		}
		p.sources = append(p.sources, fixed(t))
	}
	return nil
}

// fixed is the source of a trace that is the same for every seed.
func fixed(t *trace.Trace) source {
	return source{name: t.Name, whole: t, of: func(uint64) (*trace.Trace, error) { return t, nil }}
}

func (p *plan) source(ctx context.Context, name string) (source, error) {
	builtin := slices.ContainsFunc(trace.Builtins(), func(b trace.Builtin) bool { return b.Name == name })
	if _, err := os.Stat(name); builtin && err != nil {
		return source{name: name, of: func(seed uint64) (*trace.Trace, error) {
			t, err := trace.Generate(name, trace.Shape{Tasks: p.o.Tasks, Days: p.o.Days, Seed: seed})
			return p.cut(t), err
		}}, nil
	}
	t, err := ReadTrace(ctx, name)
	switch {
	case input.NotOpened(err):
		return source{}, fmt.Errorf("read trace: %w; built-in traces are %s", err, strings.Join(builtinNames(), ", "))
	case err != nil:
		return source{}, err
	}
	t.Name = strings.TrimSuffix(filepath.Base(name), ".csv")
	if p.o.Scale != 1 {
		t = t.Scale(p.o.Scale)
	}
	t = p.cut(t)
	if err := t.Check(); err != nil {
		return source{}, fmt.Errorf("%w (a final row or a duration says how long it is)", err)
	}
	return fixed(t), nil
}

// ReadTrace reads a trace file until ctx ends.
func ReadTrace(ctx context.Context, path string) (*trace.Trace, error) {
	return input.File(ctx, path, fileMax, func(r io.Reader) (*trace.Trace, error) { return trace.Parse(r, filepath.Base(path)) })
}

// cut makes a trace as long as was asked for.
func (p *plan) cut(t *trace.Trace) *trace.Trace {
	if t == nil || p.o.Duration == 0 {
		return t
	}
	out := *t
	out.Duration = p.o.Duration
	return &out
}

func builtinNames() []string {
	var out []string
	for _, b := range trace.Builtins() {
		out = append(out, b.Name)
	}
	return out
}

func (p *plan) readPolicies() error {
	names := p.o.Policies
	if len(names) == 0 || slices.Equal(names, []string{"all"}) {
		names = slices.DeleteFunc(replay.Names(), func(n string) bool { return n == failover.PresetObserve })
	}
	for _, name := range names {
		if name == replay.OracleName {
			p.variants = append(p.variants, variant{policy: replay.Policy{Name: name, Doc: "perfect foresight: the lowest cost with nothing ever short"}, oracle: true, zones: p.zones})
			continue
		}
		pol, err := replay.ByName(name)
		if err != nil {
			return fieldError{"policy", err}
		}
		v := variant{policy: pol, zones: p.zones}
		if own(pol) {
			if v, err = p.own(name, *pol.Law, p.o.Set); err != nil {
				return err
			}
		}
		p.variants = append(p.variants, v)
	}
	return nil
}

// own says whether a policy is one of the product's own, whose fields may be set, and not a rival built on one.
func own(p replay.Policy) bool {
	_, preset := failover.Preset(p.Name)
	return preset
}

// own returns one of the product's own policies with fields set.
func (p *plan) own(name string, law failover.Policy, set []string) (variant, error) {
	fields := map[string]string{}
	for _, s := range set {
		key, value, ok := strings.Cut(s, "=")
		f, known := tunable.FieldByKey(key)
		switch {
		case !ok:
			return variant{}, fmt.Errorf("set %q: must be field=value", s)
		case !known:
			return variant{}, fmt.Errorf("set %q: no policy field %q", s, key)
		}
		if err := f.Set(&law, value); err != nil {
			return variant{}, err
		}
		fields[key] = value
	}
	pol := replay.LawOf(name, law)
	if c, ok := replay.ControlByName(p.o.Control); ok {
		pol.Control = c
	} else if p.o.Control != "" {
		return variant{}, fmt.Errorf("control %q: must be fast or article", p.o.Control)
	}
	v := variant{policy: pol, zones: p.zones}
	if len(fields) > 0 {
		v.fields = fields
	}
	return v, nil
}
