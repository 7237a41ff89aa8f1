package failover_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/backstop-ecs/backstop/internal/failover" //nolint:revive,staticcheck // the lab speaks the law's words
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// epoch is when every test's world begins.
var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// lab is a small world of pools that a test moves by hand: it knows nothing of ECS beyond counts and tasks.
// Every pass goes through ToRead, Decide and promise.Check.
type lab struct {
	p       Policy
	s       State
	now     time.Time
	pools   []*labPool
	signals []Signal
	seq     int
	last    Decision
	broken  []string // promises
	sets    int
	dark    bool
	// installation is whose state l.s is; kept is an older one of it.
	installation string
	kept         State
}

type labPool struct {
	name    string
	desired int
	room    int // how many tasks ECS can place here; -1: any number
	tasks   []Task
	obs     PoolObservation // what every look at it says besides counts and tasks
	scaling Scaling
}

func newLab(preset string) *lab {
	p, _ := Preset(preset)
	l := &lab{p: p, now: epoch, installation: "first"}
	l.s.Workload = "api"
	return l
}

func (l *lab) addPool(pool Pool) *labPool {
	l.p.Pools = append(l.p.Pools, pool)
	lp := &labPool{name: pool.Name, room: -1}
	lp.obs.TaskDefinition = "app:1"
	l.pools = append(l.pools, lp)
	return lp
}

func (l *lab) twins() {
	l.addPool(Pool{Name: "spot", Capacity: Spot, TaskHourUSD: 0.118})
	l.addPool(Pool{Name: "standard", Capacity: OnDemand, Tier: 1, TaskHourUSD: 0.268})
}

func (l *lab) pool(name string) *labPool {
	for _, p := range l.pools {
		if p.name == name {
			return p
		}
	}
	return nil
}

// add puts n tasks of an age into a pool.
func (l *lab) add(p *labPool, n int, phase TaskPhase, health Health, age time.Duration) {
	for range n {
		l.seq++
		t := Task{ID: fmt.Sprintf("t%05d", l.seq), Phase: phase, CreatedAt: l.now.Add(-age), Revision: p.current()}
		if phase == Running {
			t.StartedAt, t.CreatedAt, t.Health = l.now.Add(-age), l.now.Add(-age-time.Minute), health
		}
		p.tasks = append(p.tasks, t)
	}
}

// current is the revision that new tasks belong to.
func (p *labPool) current() string {
	for _, r := range p.obs.Revisions {
		if r.Deploying {
			return r.ID
		}
	}
	if n := len(p.obs.Revisions); n > 0 {
		return p.obs.Revisions[n-1].ID
	}
	return ""
}

// signal tells of a stop of a task.
func (l *lab) signal(p *labPool, t *Task, kind SignalKind) {
	l.signals = append(l.signals, Signal{ID: "e-" + t.ID + string(kind), Kind: kind, At: l.now, Pool: p.name, Task: t.ID, CreatedAt: t.CreatedAt,
		StartedAt: t.StartedAt, Deployment: t.Revision})
}

// take picks up to n tasks that match, oldest first, and calls do for each.
func (p *labPool) take(n int, match func(*Task) bool, do func(*Task)) int {
	taken := 0
	for i := range p.tasks {
		if t := &p.tasks[i]; taken < n && match(t) {
			do(t)
			taken++
		}
	}
	return taken
}

func (p *labPool) drop(match func(*Task) bool, n int) {
	p.tasks = slices.DeleteFunc(p.tasks, func(t Task) bool {
		if n > 0 && match(&t) {
			n--
			return true
		}
		return false
	})
}

func isPhase(ph ...TaskPhase) func(*Task) bool {
	return func(t *Task) bool { return slices.Contains(ph, t.Phase) }
}

// settle lets ECS do what it does at once: it creates tasks up to the desired count as far as there is room, and stops tasks beyond it,
// serving ones first.
func (l *lab) settle(p *labPool) {
	live := 0
	for i := range p.tasks {
		if p.tasks[i].Phase != Leaving {
			live++
		}
	}
	for ; live < p.desired && (p.room < 0 || live < p.room); live++ {
		l.add(p, 1, Provisioning, HealthUnread, 0)
	}
	for ; live > p.desired; live-- {
		k := -1
		for i := range p.tasks {
			t := &p.tasks[i]
			if t.Phase == Leaving || t.Protected {
				continue
			}
			if k < 0 || worth(t) > worth(&p.tasks[k]) {
				k = i
			}
		}
		if k < 0 {
			return
		}
		p.tasks = slices.Delete(p.tasks, k, k+1)
	}
}

func worth(t *Task) int {
	switch {
	case t.Phase == Running && t.Health != HealthNotReady:
		return 3
	case t.Phase == Running:
		return 2
	}
	return 1
}

func (l *lab) observe() Observation {
	o := Observation{At: l.now, Signals: l.signals}
	for _, p := range l.pools {
		po := p.obs
		po.Pool, po.Desired = p.name, p.desired
		if po.HeldBy == l.installation {
			po.HeldBy = ""
		}
		for i := range p.tasks {
			switch p.tasks[i].Phase {
			case Running, Leaving:
				po.RunningCount++
			default:
				po.PendingCount++
			}
		}
		if l.dark {
			po.Err = ErrThrottled
		}
		o.Pools = append(o.Pools, po)
	}
	for i, r := range ToRead(&l.p, &l.s, &o) {
		po, p := &o.Pools[i], l.pools[i]
		if r.Tasks {
			po.Listed, po.Tasks = true, slices.Clone(p.tasks)
			if !r.Health {
				for k := range po.Tasks {
					po.Tasks[k].Health = HealthUnread
				}
			}
		}
		if r.Scaling {
			po.Scaling = p.scaling
			po.Scaling.Known = true
		}
	}
	return o
}

// pass decides on what is seen now, checks every promise, and carries the actions out.
func (l *lab) pass() Decision {
	o := l.observe()
	l.signals = nil
	before := l.s
	after, d := Decide(l.p, l.s, o)
	for _, v := range promise.Check(&l.p, &before, &o, &after, &d) {
		l.broken = append(l.broken, fmt.Sprintf("at %s: %s", l.now.Sub(epoch), v))
	}
	l.s, l.last = after, d
	for _, a := range d.Actions {
		l.act(a)
	}
	l.s = Acted(l.s, d.Actions)
	return d
}

func (l *lab) act(a Action) {
	p := l.pool(ActionPool(a))
	switch a := a.(type) {
	case SetDesiredCount:
		p.desired = a.Count
		l.sets++
	case HoldDemand:
		p.obs.HeldDemand, p.obs.HeldBy = a.Demand, ""
		if a.Demand > 0 {
			p.obs.HeldBy = l.installation
		}
	case ParkScaling:
		p.scaling.Min, p.scaling.Max = 0, a.Max
		p.scaling.SuspendedIn, p.scaling.SuspendedOut, p.scaling.SuspendedScheduled = true, true, a.SuspendedScheduled
	case RestoreScaling:
		p.scaling = a.Scaling
	case SyncTaskDefinition:
		p.obs.TaskDefinition = a.TaskDefinition
	case StopTask:
		p.drop(func(t *Task) bool { return t.ID == a.Task }, 1)
	case DrainTask:
		p.take(1, func(t *Task) bool { return t.ID == a.Task }, func(t *Task) { t.Works = false })
	}
}

// say is the last decision in a few lines.
func (l *lab) say() string {
	var b strings.Builder
	d := &l.last
	for _, a := range append(slices.Clone(d.Actions), d.Withheld...) {
		switch a := a.(type) {
		case SetDesiredCount:
			fmt.Fprintf(&b, "%s: %d -> %d\n", a.Pool, a.From, a.Count)
		default:
			fmt.Fprintf(&b, "%s: %s\n", ActionPool(a), strings.TrimPrefix(fmt.Sprintf("%T", a), "failover."))
		}
	}
	fmt.Fprintf(&b, "%s; demand %d, in service %s, missing %s, need %d\n", d.Reason, d.Demand, d.InService, d.Missing, d.Need)
	for _, f := range d.Findings {
		fmt.Fprintf(&b, "- %s: %s\n", f.Reason, wording.Finding(&f))
	}
	for _, v := range l.broken {
		fmt.Fprintf(&b, "BROKEN %s\n", v)
	}
	l.broken = nil
	return b.String()
}
