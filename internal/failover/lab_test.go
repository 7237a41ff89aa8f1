package failover

import (
	"fmt"
	"testing"
	"time"
)

// epoch is when every test's world begins.
var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// reporter is what a test and a property test have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// lab is a small world of pools that a test moves by hand: it knows nothing of ECS beyond counts and tasks.
// Every pass goes through Needs, Decide and Check.
type lab struct {
	t       reporter
	p       Policy
	s       State
	now     time.Time
	pools   []*labPool
	signals []Signal
	seq     int
	last    Decision
	// lost says that actions are decided and committed but never carried out.
	lost bool
	sets int
	// steady counts the passes in which tasks could be counted instead of listed.
	steady int
}

type labPool struct {
	name      string
	desired   int
	tasks     []Task
	leaving   int // warned tasks that ECS still counts as running
	deploying time.Time
	taskDef   string
	err       ErrorKind
	scaling   Scaling
}

func twins(demand int) []Pool {
	return []Pool{
		{Name: "spot", Capacity: Spot, Tier: 0, TaskHourUSD: 0.118},
		{Name: "standard", Capacity: OnDemand, Tier: 1, TaskHourUSD: 0.268},
	}
}

// newLab starts with twins whose Spot pool runs everything, settled for an hour.
func newLab(t testing.TB, preset string, demand int, change ...func(*Policy)) *lab {
	t.Helper()
	p, ok := Preset(preset)
	if !ok {
		t.Fatalf("no preset %q", preset)
	}
	p.Pools = twins(demand)
	p.Overstart = 0.5 // half as many again: numbers that are easy to follow
	p.ReleaseEvery = 15 * time.Second
	for _, f := range change {
		f(&p)
	}
	l := &lab{t: t, p: p, now: epoch}
	l.s.Workload = "analytics"
	for _, pool := range p.Pools {
		l.pools = append(l.pools, &labPool{name: pool.Name, taskDef: "app:1"})
	}
	l.pools[0].desired = demand
	l.run("spot", demand, time.Hour)
	l.pass()
	return l
}

func (l *lab) pool(name string) *labPool {
	for _, p := range l.pools {
		if p.name == name {
			return p
		}
	}
	l.t.Fatalf("no pool %q", name)
	return nil
}

func (l *lab) id() string { l.seq++; return fmt.Sprintf("t%05d", l.seq) }

// run adds n tasks that have been running for age.
func (l *lab) run(pool string, n int, age time.Duration) {
	p := l.pool(pool)
	for range n {
		at := l.now.Add(-age)
		p.tasks = append(p.tasks, Task{ID: l.id(), Phase: Running, CreatedAt: at.Add(-time.Minute), StartedAt: at})
	}
}

// start adds n tasks that were created age ago and do not run yet.
func (l *lab) start(pool string, n int, age time.Duration) {
	p := l.pool(pool)
	for range n {
		p.tasks = append(p.tasks, Task{ID: l.id(), Phase: Starting, CreatedAt: l.now.Add(-age)})
	}
}

// ready makes every starting task of the pool run now.
func (l *lab) ready(pool string) {
	p := l.pool(pool)
	for i := range p.tasks {
		if p.tasks[i].Phase == Starting {
			p.tasks[i].Phase, p.tasks[i].StartedAt = Running, l.now
		}
	}
}

// interrupt warns n running tasks: they leave, ECS still counts them, and an event is sent for each.
func (l *lab) interrupt(pool string, n int) {
	p := l.pool(pool)
	kept := p.tasks[:0]
	for _, t := range p.tasks {
		if n > 0 && t.Phase == Running {
			n--
			p.leaving++
			l.signals = append(l.signals, Signal{ID: "e-" + t.ID, Kind: SignalInterruption, At: l.now, Pool: pool,
				Task: "arn:aws:ecs:us-east-1:123456789012:task/prod/" + t.ID, StartedAt: t.StartedAt})
			continue
		}
		kept = append(kept, t)
	}
	p.tasks = kept
}

// drop removes n tasks without a word.
func (l *lab) drop(pool string, n int) {
	p := l.pool(pool)
	p.tasks = p.tasks[:len(p.tasks)-n]
}

// fail stops n tasks of the pool for reasons of the application, as if they had never started.
func (l *lab) fail(pool string, n int) {
	for range n {
		id := l.id()
		l.signals = append(l.signals, Signal{ID: "e-" + id, Kind: SignalApplicationStop, At: l.now, Pool: pool, Task: id,
			StopCode: "TaskFailedToStart"})
	}
}

func (l *lab) placementFailure(pool string) {
	l.signals = append(l.signals, Signal{ID: l.id(), Kind: SignalPlacementFailure, At: l.now, Pool: pool})
}

func (l *lab) advance(d time.Duration) { l.now = l.now.Add(d) }

func (l *lab) observe() Observation {
	o := Observation{At: l.now, Signals: l.signals}
	for _, p := range l.pools {
		po := PoolObservation{Pool: p.name, Err: p.err, Desired: p.desired, TaskDefinition: p.taskDef}
		if !p.deploying.IsZero() {
			po.Deploying, po.DeployingSince = true, p.deploying
		}
		po.RunningCount = p.leaving
		for _, t := range p.tasks {
			if t.Phase == Running {
				po.RunningCount++
			} else {
				po.PendingCount++
			}
		}
		o.Pools = append(o.Pools, po)
	}
	for i, n := range Needs(&l.p, &l.s, &o) {
		if n.Tasks {
			o.Pools[i].Listed = true
			o.Pools[i].Tasks = append([]Task(nil), l.pools[i].tasks...)
		}
		if n.Scaling {
			o.Pools[i].Scaling = l.pools[i].scaling
			o.Pools[i].Scaling.Known = true
		}
	}
	return o
}

// pass decides on what is seen now, checks every invariant, and carries the actions out.
func (l *lab) pass() Decision {
	l.t.Helper()
	o := l.observe()
	l.signals = nil
	before := l.s
	after, d := Decide(l.p, l.s, o)
	for _, v := range Check(l.p, before, o, after, d) {
		l.t.Errorf("at %s: %s (reason %s)", l.now.Sub(epoch), v, d.Reason)
	}
	l.holdSteady(before, o, after, d)
	l.s, l.last = after, d
	if l.lost {
		return d
	}
	for _, a := range d.Actions {
		p := l.pool(ActionPool(a))
		switch a := a.(type) {
		case SetDesiredCount:
			p.desired = a.Count
			l.sets++
		case ParkScaling:
			p.scaling.Min, p.scaling.Max = 0, a.Max
			p.scaling.SuspendedIn, p.scaling.SuspendedOut, p.scaling.SuspendedScheduled = true, true, true
		case RestoreScaling:
			p.scaling = a.Scaling
		case SyncTaskDefinition:
			p.taskDef = a.TaskDefinition
		case StopTask:
			kept := p.tasks[:0]
			for _, t := range p.tasks {
				if t.ID != a.Task {
					kept = append(kept, t)
				}
			}
			p.tasks = kept
		}
	}
	l.s = Acted(l.s, d.Actions)
	return d
}

// want fails unless the last decision has the reason and the pools' counts are as given, in order.
func (l *lab) want(reason Reason, counts ...int) {
	l.t.Helper()
	if l.last.Reason != reason {
		l.t.Errorf("at %s: reason %s, want %s (findings %v)", l.now.Sub(epoch), l.last.Reason, reason, texts(l.last))
	}
	for i, n := range counts {
		if got := l.pools[i].desired; got != n {
			l.t.Errorf("at %s: %s is asked for %d, want %d (reason %s)", l.now.Sub(epoch), l.pools[i].name, got, n, l.last.Reason)
		}
	}
}

func (l *lab) finds(reason Reason) {
	l.t.Helper()
	for _, f := range l.last.Findings {
		if f.Reason == reason {
			return
		}
	}
	l.t.Errorf("at %s: no finding %s in %v", l.now.Sub(epoch), reason, texts(l.last))
}

func texts(d Decision) []string {
	var out []string
	for _, f := range d.Findings {
		out = append(out, f.Text())
	}
	return out
}

// cut removes tasks of a pool beyond its desired count, running ones first, as ECS may.
func (l *lab) cut(pool string) {
	p := l.pool(pool)
	for len(p.tasks) > p.desired {
		k := len(p.tasks) - 1
		for i := range p.tasks {
			if p.tasks[i].Phase == Running {
				k = i
				break
			}
		}
		p.tasks = append(p.tasks[:k], p.tasks[k+1:]...)
	}
}
