package failover_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/backstop-ecs/backstop/internal/failover" //nolint:revive,staticcheck // the lab speaks the law's words
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// do carries out one line of a script and returns what it prints.
func (l *lab) do(t testing.TB, line string) string {
	t.Helper()
	f := strings.Fields(line)
	num := func(i, def int) int {
		if i < len(f) {
			if n, err := strconv.Atoi(f[i]); err == nil {
				return n
			}
		}
		return def
	}
	age := func(def time.Duration) time.Duration {
		for _, w := range f {
			if v, ok := strings.CutPrefix(w, "age="); ok {
				d, err := time.ParseDuration(v)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				return d
			}
		}
		return def
	}
	var p *labPool
	if len(f) > 1 {
		p = l.pool(f[1])
	}
	ready := HealthReady
	switch f[0] {
	case "set":
		for _, w := range f[1:] {
			key, value, _ := strings.Cut(w, "=")
			field, ok := tunable.FieldByKey(key)
			if !ok {
				t.Fatalf("%s: no field %s", line, key)
			}
			if err := field.Set(&l.p, value); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	case "pool":
		pool := Pool{Name: f[1], Capacity: Capacity(f[2]), TaskHourUSD: 0.2, Tier: len(l.p.Pools)}
		for _, w := range f[3:] {
			key, value, _ := strings.Cut(w, "=")
			n, _ := strconv.Atoi(value)
			switch key {
			case "tier":
				pool.Tier = n
			case "max":
				pool.Max = n
			case "drain":
				pool.Drain, pool.DrainBefore = DrainLate, 25*time.Second
			}
		}
		l.addPool(pool)
	case "twins":
		l.twins()
	case "health":
		for _, q := range l.pools {
			q.obs.HealthBased = true
		}
	case "desired":
		p.desired = num(2, 0)
	case "room":
		p.room = num(2, -1)
	case "serve":
		l.add(p, num(2, 1), Running, ready, age(time.Hour))
	case "warm":
		l.add(p, num(2, 1), Running, HealthNotReady, age(0))
	case "place":
		l.add(p, num(2, 1), Placed, HealthUnread, age(0))
	case "provision":
		l.add(p, num(2, 1), Provisioning, HealthUnread, age(0))
	case "placed": // provisioning tasks are granted capacity
		p.take(num(2, 1<<20), isPhase(Provisioning), func(t *Task) { t.Phase = Placed })
	case "start": // tasks become RUNNING
		p.take(num(2, 1<<20), isPhase(Provisioning, Placed), func(t *Task) {
			t.Phase, t.StartedAt, t.Health = Running, l.now, HealthReady
			if p.obs.HealthBased {
				t.Health = HealthNotReady
			}
		})
	case "ready":
		p.take(num(2, 1<<20), func(t *Task) bool { return t.Phase == Running && t.Health != HealthReady }, func(t *Task) { t.Health = HealthReady })
	case "unhealthy":
		p.take(num(2, 1<<20), func(t *Task) bool { return t.Phase == Running && t.Health == HealthReady }, func(t *Task) { t.Health = HealthNotReady })
	case "protect":
		p.take(num(2, 1<<20), isPhase(Running), func(t *Task) { t.Protected = true })
	case "interrupt":
		p.take(num(2, 1<<20), isPhase(Running), func(t *Task) {
			t.Phase, t.Works, t.EndsAt = Leaving, true, l.now.Add(2*time.Minute)
			l.signal(p, t, SignalInterruption)
		})
	case "interrupt-starting":
		p.take(num(2, 1<<20), isPhase(Provisioning, Placed), func(t *Task) {
			t.Phase = Leaving
			l.signal(p, t, SignalInterruption)
		})
		p.drop(func(t *Task) bool { return t.Phase == Leaving && t.StartedAt.IsZero() }, 1<<20)
	case "end": // leaving tasks are gone
		p.take(1<<20, isPhase(Leaving), func(t *Task) {
			l.signals = append(l.signals, Signal{ID: "s-" + t.ID, Kind: SignalInterruption, At: l.now, ExitedAt: l.now, Pool: p.name, Task: t.ID, StartedAt: t.StartedAt})
		})
		p.drop(isPhase(Leaving), 1<<20)
	case "lose": // tasks vanish without a word
		p.drop(isPhase(Running), num(2, 1))
	case "stop": // stop POOL N KIND: tasks stop for a reason, RUNNING ones
		p.take(num(2, 1), isPhase(Running), func(t *Task) { t.Phase = Leaving; t.Works = false; l.signal(p, t, SignalKind(f[3])) })
		p.drop(func(t *Task) bool { return t.Phase == Leaving && !t.Works }, 1<<20)
	case "fail": // fail POOL N KIND: tasks that start stop for a reason
		p.take(num(2, 1), isPhase(Provisioning, Placed), func(t *Task) { t.Phase = Leaving; l.signal(p, t, SignalKind(f[3])) })
		p.drop(func(t *Task) bool { return t.Phase == Leaving && t.StartedAt.IsZero() }, 1<<20)
	case "event":
		l.seq++
		l.signals = append(l.signals, Signal{ID: fmt.Sprintf("x%d", l.seq), Kind: SignalKind(f[2]), At: l.now, Pool: f[1]})
	case "told": // told POOL N: interruptions are told of tasks that cannot be seen
		p.take(num(2, 1), isPhase(Running), func(t *Task) { t.Phase = Leaving; l.signal(p, t, SignalInterruption) })
	case "unread":
		p.obs.Err = ErrorKind(f[2])
	case "dark":
		l.dark = len(f) < 2 || f[1] != "off"
	case "gone":
		p.obs.Err, p.obs.Gone = ErrNotFound, f[2]
	case "draining":
		p.obs.Draining = true
	case "read":
		p.obs.Err, p.obs.Gone, p.obs.HealthErr = ErrNone, "", ErrNone
	case "health-err":
		p.obs.HealthErr = ErrorKind(f[2])
	case "traffic":
		p.obs.OutOfTraffic = f[2] == "none"
	case "deploy": // deploy POOL REV MINHEALTHY [share of the old] [share of the new]
		old := p.current()
		if old == "" {
			old = "r1"
			for i := range p.tasks {
				p.tasks[i].Revision = old
			}
		}
		share := func(i int, def float64) float64 {
			if i < len(f) {
				x, _ := strconv.ParseFloat(f[i], 64)
				return x
			}
			return def
		}
		p.obs.Deploying, p.obs.DeployingSince, p.obs.MayTake = true, l.now, 1-share(3, 100)/100
		p.obs.Revisions = []Revision{{ID: old, Share: share(4, 1)}, {ID: f[2], Share: share(5, 1), Deploying: true}}
	case "deployed": // the deployment is completed: the new revision carries all traffic
		p.obs.Deploying, p.obs.MayTake = false, 0
		for i := range p.obs.Revisions {
			p.obs.Revisions[i].Share = 0
			if p.obs.Revisions[i].Deploying {
				p.obs.Revisions[i].Share, p.obs.Revisions[i].Deploying = 1, false
			}
		}
	case "definition":
		p.obs.TaskDefinition = f[2]
	case "scaling":
		p.scaling = Scaling{Present: true, Min: num(2, 0), Max: num(3, 0)}
	case "scheduled": // a scheduled action gives the target new bounds, and moves the count inside
		p.scaling.Min, p.scaling.Max = num(2, 0), num(3, 0)
		p.desired = min(max(p.desired, p.scaling.Min), p.scaling.Max)
	case "state-lost":
		l.s = State{Workload: "api"}
	case "installation": // another installation, with a state of its own, guards from now on
		l.installation, l.s = f[1], State{Workload: "api"}
	case "mixed": // the pool's service has a strategy of several providers
		p.obs.Mixed = "FARGATE, FARGATE_SPOT"
	case "unexpected": // AWS does something with the pool's service that the ledger does not have
		p.obs.Unexpected = []string{strings.Join(f[2:], " ")}
	case "keep": // the state of now is kept
		l.kept = l.s
	case "put-back": // the state is the kept one again
		l.s = l.kept
	case "become": // the workload is given another preset
		next, ok := Preset(f[1])
		if !ok {
			t.Fatalf("%s: no such preset", line)
		}
		next.Pools = l.p.Pools
		l.p = next
	case "hook": // a deployment waits for a lifecycle hook
		p.obs.HookSince = l.now
	case "differs": // from the owner, in fields
		p.obs.Differs = strings.Join(f[2:], ", ")
	case "deploy-failed":
		p.obs.DeployFailed, p.obs.Deploying, p.obs.MayTake = f[2] == "yes", false, 0
	case "advance":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		l.now = l.now.Add(d)
	case "ecs":
		for _, q := range l.pools {
			if p == nil || q == p {
				l.settle(q)
			}
		}
	case "order":
		in := Intent{Kind: IntentKind(f[1]), At: l.now, By: "op", Demand: num(2, 0)}
		if f[1] == "pin" {
			in.Mode = Mode(f[2])
		}
		if a := age(0); a > 0 {
			in.Until = l.now.Add(a)
		}
		next, err := Apply(l.p, l.s, in)
		if err != nil {
			return "refused: " + err.Error() + "\n"
		}
		l.s = next
	case "pass":
		l.pass()
		return l.say()
	default:
		t.Fatalf("unknown command %q", line)
	}
	return ""
}
