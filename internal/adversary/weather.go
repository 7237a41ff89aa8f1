package adversary

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// weather is what the world and the people in it do to a workload. It is one goroutine with one stream of
// draws.
type weather struct {
	r    *run
	rand *rand.Rand
	ends []ending // what is undone later, in no order
	used map[int]bool
}

type ending struct {
	at time.Time
	do func()
}

// worldTroubles are the troubles that the weather draws from.
var worldTroubles = []Trouble{Interruption, SpotShort, OnDemandShort, TaskDies, Broken, CountChanged, TwinChanged, Deployment,
	ScalingChanged, Recreated, PolicyChanged, Operator, StateLost, RegionSilent, SlowStarts, HungStarts, Unwell, NeverReady, HealthUnread,
	Retired, Guarded, LoadMoved}

// blow makes trouble until a moment, then undoes what is left.
func (o *weather) blow(ctx context.Context, until time.Time) {
	sum := 0.0
	for _, t := range worldTroubles {
		sum += o.r.plan.Shares[t]
	}
	for {
		next := time.Now().Add(time.Duration(o.rand.ExpFloat64() * float64(worldEvery) * float64(o.r.plan.Sparse) * 2 / (1 + sum)))
		if sum == 0 || next.After(until) {
			next = until
		}
		if !o.waitFor(ctx, next) || !time.Now().Before(until) {
			break
		}
		u := o.rand.Float64() * sum
		for _, t := range worldTroubles {
			if u -= o.r.plan.Shares[t]; u < 0 {
				o.strike(ctx, t)
				break
			}
		}
	}
	for range 10 {
		left := o.ends
		o.ends = nil
		for _, e := range left {
			e.do()
		}
		if len(o.ends) == 0 || !control.Wait(ctx, time.Minute) {
			break
		}
	}
}

// waitFor waits until a moment and undoes meanwhile what is due.
func (o *weather) waitFor(ctx context.Context, until time.Time) bool {
	for {
		next, k := until, -1
		for i, e := range o.ends {
			if e.at.Before(next) {
				next, k = e.at, i
			}
		}
		if !control.Wait(ctx, time.Until(next)) {
			return false
		}
		if k < 0 {
			return true
		}
		do := o.ends[k].do
		o.ends = append(o.ends[:k], o.ends[k+1:]...)
		do()
	}
}

func (o *weather) later(d time.Duration, do func()) {
	o.ends = append(o.ends, ending{time.Now().Add(d), do})
}

func (o *weather) minutes(least, most int) time.Duration {
	return time.Duration(least)*time.Minute + time.Duration(o.rand.Float64()*float64(most-least)*float64(time.Minute))
}

// on calls f with the model, up to date.
func (o *weather) on(f func(w *ecsim.World)) {
	o.r.mu.Lock()
	defer o.r.mu.Unlock()
	f(o.r.catchUp())
	o.r.poke()
}

// pool draws a pool of a capacity.
func (o *weather) pool(c failover.Capacity) int {
	for {
		if i := o.rand.IntN(len(o.r.refs)); c == "" || o.r.plan.Policy.Pools[i].Capacity == c {
			return i
		}
	}
}

func (o *weather) strike(ctx context.Context, t Trouble) {
	r := o.r
	r.count(t)
	if r.plan.Log != nil {
		r.plan.Log("%s weather: %s", time.Since(r.start).Round(time.Millisecond), t)
	}
	switch t {
	case Interruption:
		i, n := o.pool(failover.Spot), 1+o.rand.IntN(max(1, r.plan.Demand))
		o.on(func(w *ecsim.World) { w.Interrupt(ref(r.refs[i]), n, "", false) })
	case SpotShort, OnDemandShort:
		c := failover.Spot
		if t == OnDemandShort {
			c = failover.OnDemand
		}
		key := ecsim.SupplyKey{Region: r.refs[o.pool(c)].Region, Provider: string(c)}
		n := o.rand.IntN(r.plan.Demand + 1)
		o.on(func(w *ecsim.World) { w.SetSupply(key, n) })
		o.later(o.minutes(3, 60), func() { o.on(func(w *ecsim.World) { w.SetSupply(key, -1) }) })
	case TaskDies:
		i, n := o.pool(""), 1+o.rand.IntN(4)
		o.on(func(w *ecsim.World) {
			w.KillTasks(ref(r.refs[i]), n, ecsim.StopContainerExited, "Essential container in task exited")
		})
	case Broken:
		i, mode := o.pool(""), []ecsim.FailMode{ecsim.FailImagePull, ecsim.FailSecrets, ecsim.FailExit, ecsim.FailNetwork}[o.rand.IntN(4)]
		o.on(func(w *ecsim.World) { _ = w.SetBroken(ref(r.refs[i]), mode) })
		o.later(o.minutes(3, 20), func() { o.on(func(w *ecsim.World) { _ = w.SetBroken(ref(r.refs[i]), ecsim.FailNone) }) })
	case CountChanged:
		o.setDemand()
	case TwinChanged:
		i, n := 1+o.rand.IntN(len(r.refs)-1), o.rand.IntN(r.plan.Demand+2)
		o.on(func(w *ecsim.World) { _, _ = w.UpdateService(ref(r.refs[i]), ecsim.UpdateServiceInput{Desired: &n}) })
	case Deployment:
		o.deploy(o.rand.IntN(2) == 0)
	case ScalingChanged:
		o.setBounds()
	case Recreated:
		o.recreate()
	case PolicyChanged:
		o.later(o.minutes(1, 10), r.changePolicy(o.rand))
	case Operator:
		o.operate()
	case StateLost:
		r.loseState()
	case RegionSilent:
		region := r.refs[o.rand.IntN(len(r.refs))].Region
		r.silence(region, 1)
		o.later(o.minutes(2, 120), func() { r.silence(region, -1) })
	default:
		o.sicken(t)
	}
}

// usedMax is after how many counts old ones may come again. Without a bound the demand of a year would grow into the thousands.
const usedMax = 200

// fresh draws a count that nobody gave or asked for lately, so that what becomes of it can be told.
func (o *weather) fresh() int {
	if len(o.used) >= usedMax {
		clear(o.used)
	}
	for {
		n := 1 + o.rand.IntN(2*o.r.plan.Demand+len(o.used)+10)
		if !o.used[n] && !o.r.watch.asked(n) {
			o.used[n] = true
			return n
		}
	}
}

// asked says whether a count is, or lately was, our own wish for the owner.
func (w *watch) asked(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.latest.State
	if len(s.Pools) == 0 || s.Pools[0].Asked == nil {
		return false
	}
	a := s.Pools[0].Asked
	for _, old := range a.Old {
		if old.Count == n {
			return true
		}
	}
	return a.Count == n
}

func (o *weather) setDemand() {
	n := o.fresh()
	o.on(func(w *ecsim.World) {
		if _, err := w.UpdateService(ref(o.r.refs[0]), ecsim.UpdateServiceInput{Desired: &n}); err == nil {
			o.r.watch.willed(n)
		}
	})
}

// deploy registers a revision and rolls it out, on the owner alone or on all.
func (o *weather) deploy(all bool) {
	r := o.r
	o.on(func(w *ecsim.World) {
		for i, s := range r.refs {
			arn, err := r.revision(w, s.Region)
			if err != nil {
				continue
			}
			if i == 0 || all {
				_, _ = w.UpdateService(ref(s), ecsim.UpdateServiceInput{TaskDefinition: arn})
			}
		}
	})
}

// setBounds changes the bounds of the owner's scalable target, as somebody who knows nothing of us.
func (o *weather) setBounds() {
	s := ref(o.r.refs[0])
	// No bounds that the demand does not fit in: AWS would move the count itself.
	low, high := 1, 1000+o.rand.IntN(500)
	o.on(func(w *ecsim.World) {
		t := o.r.targets[s]
		if t == nil {
			return
		}
		before, _ := w.Glance(s)
		sc := t.Scaling
		sc.Min, sc.Max = low, high
		if o.r.register(s, sc) != nil {
			return
		}
		if after, _ := w.Glance(s); after.TrueDesired != before.TrueDesired && before.TrueDesired == o.r.watch.wanted() {
			o.r.watch.willed(after.TrueDesired) // else the count was held down, and AWS lifted it to the minimum
		}
	})
}

// recreate deletes a service and makes it anew a while later.
func (o *weather) recreate() {
	r := o.r
	i := o.rand.IntN(len(r.refs))
	gone := false
	o.on(func(w *ecsim.World) {
		_, err := w.DeleteService(ref(r.refs[i]), true)
		gone = err == nil
		delete(r.targets, ref(r.refs[i]))
	})
	if !gone {
		return
	}
	n := 0
	if i == 0 {
		n = o.fresh()
	}
	var again func()
	again = func() {
		o.on(func(w *ecsim.World) {
			if r.createService(w, i, n) != nil { // it still drains
				o.later(time.Minute, again)
			} else if i == 0 {
				r.watch.willed(n)
			}
		})
	}
	o.later(o.minutes(4, 15), again)
}

// operate is a person at the command line.
func (o *weather) operate() {
	r := o.r
	in := failover.Intent{Until: time.Now().Add(o.minutes(2, 40))}
	switch o.rand.IntN(7) {
	case 0:
		in.Kind = failover.IntentPause
	case 1:
		in.Kind, in.Mode = failover.IntentPin, failover.ModeSpot
	case 2:
		in.Kind, in.Mode = failover.IntentPin, failover.ModeOnDemand
	case 3:
		in.Kind = failover.IntentFailover
	case 4:
		in.Kind = failover.IntentRestore
	case 5:
		in.Kind = failover.IntentResume
	case 6:
		in.Kind = failover.IntentConfirm
	}
	r.order(in)
}

// deskStore is the store as an operator's command uses it: without trouble.
type deskStore struct {
	control.Store
	r *run
}

func (s deskStore) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	err := s.Store.Commit(ctx, by, next, now, entries)
	if err == nil {
		s.r.watch.committed(nil, next, entries, nil)
	}
	return err
}
