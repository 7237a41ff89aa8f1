package adversary

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// calm ends all troubles. A writer whose clock had jumped, or whose configuration is old, restarts.
func (r *run) calm() {
	r.mu.Lock()
	r.troubled = false
	r.mu.Unlock()
	for i := range r.restarts {
		r.restart(i)
	}
	if r.plan.Shares[ClockJump] > 0 {
		r.haunt()
	}
}

// confirm is the operator who answers what a critical notice asks: that the demand has really fallen.
func (r *run) confirm() {
	r.watch.mu.Lock()
	gap := r.watch.latest.State.Gap
	r.watch.mu.Unlock()
	if gap != nil && gap.Echo {
		r.order(failover.Intent{Kind: failover.IntentConfirm})
	}
}

// unhang is the operator who stops the tasks that were told to be late and will never start, and deploys again where a deployment was
// told to have failed.
func (r *run) unhang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.catchUp()
	for _, s := range r.refs {
		if g, ok := w.Glance(ref(s)); ok && g.Rollout == ecsim.RolloutFailed { // ECS starts nothing of a deployment that it has given up
			if arn, err := r.revision(w, s.Region); err == nil {
				_, _ = w.UpdateService(ref(s), ecsim.UpdateServiceInput{TaskDefinition: arn})
			}
		}
		r.scratch = w.AppendTasks(r.scratch[:0], ref(s), ecsim.Running)
		for i := range r.scratch {
			t := &r.scratch[i]
			stuck := t.StartedAt.IsZero() && w.Now().Sub(t.CreatedAt) > stuckFor
			deaf := !t.StartedAt.IsZero() && w.Now().Sub(t.StartedAt) > stuckFor && r.plan.Shares[NeverReady] > 0
			if stuck || deaf {
				_, _ = w.StopTask(s.Region, s.Cluster, t.ID, "it never came into service")
			}
		}
	}
	r.poke()
}

// stuckFor is how old a task that is not in service must be for an operator to stop it.
const stuckFor = time.Hour

// order carries out an operator's command; a refusal is an answer too.
func (r *run) order(in failover.Intent) {
	in.By, in.At = "operator", time.Now()
	w := control.Workload{Name: workloadName, Policy: r.policyNow(), Refs: r.refs}
	_, _ = control.Intend(context.Background(), deskStore{r.base, r}, w, "operator", in, time.Now)
}

// haunt leaves a lease behind as a process whose clock was a day ahead, and that was killed while it acted.
func (r *run) haunt() {
	store := deskStore{r.base, r}
	for range 100 { // a pass may come between
		records, err := store.Load(context.Background(), []string{workloadName})
		record, ok := records[workloadName]
		if err != nil || !ok {
			return
		}
		record.State.Generation++
		record.Lease = control.Lease{Owner: "ghost", Until: time.Now().Add(24 * time.Hour)}
		if store.Commit(context.Background(), "ghost", record, time.Now().Add(24*time.Hour), nil) == nil {
			return
		}
	}
}

var errNotThere = errors.New("not there yet")

// settle waits for the cheapest state that holds the demand, lets an interruption come, and waits again. It
// returns how long the first took.
func (r *run) settle(o *weather) time.Duration {
	r.watch.ends()
	began := time.Now()
	took, err := r.converge(began.Add(convergeMax))
	if err != nil {
		r.watch.breach("converges", "%v after %s of calm", err, time.Since(began))
		return time.Since(began)
	}
	if r.plan.Policy.Observe {
		return took
	}
	r.forgive()
	r.drill(o)
	again := time.Now()
	if _, err = r.converge(again.Add(convergeMax)); err != nil {
		r.watch.breach("converges", "%v %s after a drill", err, time.Since(again))
	}
	if r.standsBy() {
		r.silence(farRegion, 1)
		time.Sleep(r.plan.Tick + time.Minute) // the first look at it waits with all patience
		r.drill(o)
		r.silence(farRegion, -1)
		back := time.Now()
		if _, err = r.converge(back.Add(convergeMax)); err != nil {
			r.watch.breach("converges", "%v %s after a drill with a silent standby", err, time.Since(back))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.mail.dead {
		if !l.poison && l.sentAt.After(again) {
			r.watch.breach("messages_are_acknowledged", "message %s of the calm went to the dead-letter queue", l.id)
			break
		}
	}
	return took
}

// forgive waits until no on-demand pool is held at one task for failures of the troubled time: that lasts for half an hour, or until
// another release is there.
func (r *run) forgive() {
	for range 45 {
		r.watch.mu.Lock()
		failing := slices.ContainsFunc(r.watch.latest.State.Pools, func(p failover.PoolState) bool { return p.Failing != nil })
		r.watch.mu.Unlock()
		if !failing {
			return
		}
		time.Sleep(time.Minute)
	}
}

// standsBy says whether a pool is in the other region, and on-demand at home: what is lost at home is covered there, whether
// or not the other region can be read.
func (r *run) standsBy() bool {
	cover := false
	for i, s := range r.refs {
		cover = cover || s.Region == homeRegion && r.plan.Policy.Pools[i].Capacity == failover.OnDemand
	}
	return cover && slices.ContainsFunc(r.refs, func(s control.ServiceRef) bool { return s.Region == farRegion })
}

// converge waits until the state is right and has stayed so.
func (r *run) converge(until time.Time) (time.Duration, error) {
	begun, since := time.Now(), time.Time{}
	began := begun
	for {
		err := r.right()
		switch {
		case err != nil:
			since = time.Time{}
			r.confirm()
			if time.Since(began) > stuckFor {
				r.unhang()
				began = time.Now()
			}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= settledFor:
			return since.Sub(begun), nil
		}
		if err != nil && time.Now().After(until) {
			return 0, err
		}
		time.Sleep(time.Minute)
	}
}

// right says what is not as it should be.
func (r *run) right() error {
	r.watch.mu.Lock()
	record, wills := r.watch.latest, r.watch.wills
	r.watch.mu.Unlock()
	s := &record.State
	last := wills[len(wills)-1]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.catchUp()
	if s.Demand != last.count && !last.overwritten {
		return fmt.Errorf("%w: the state holds demand %d, somebody wants %d", errNotThere, s.Demand, last.count)
	}
	if r.policy.Observe {
		return nil
	}
	for i, service := range r.refs {
		g, _ := r.w.Glance(ref(service))
		pool := &r.policy.Pools[i]
		want := s.Pool(pool.Name).Warm
		if i == 0 && s.Demand > 0 {
			want = s.Demand
		}
		b := s.Pool(pool.Name).B
		switch {
		case g.TrueDesired != want:
			return fmt.Errorf("%w: %s is asked for %d, want %d", errNotThere, pool.Name, g.TrueDesired, want)
		case g.Unthreatened != want && g.Deployments == 1:
			return fmt.Errorf("%w: %s runs %d, want %d", errNotThere, pool.Name, g.Unthreatened, want)
		case r.serving(service, &g) < want:
			return fmt.Errorf("%w: %s has %d in service, want %d", errNotThere, pool.Name, r.serving(service, &g), want)
		case b.Mode != failover.Closed:
			return fmt.Errorf("%w: the breaker of %s is %s", errNotThere, pool.Name, b.Mode)
		}
		if t := r.targetOf(ref(service)); t != nil && (t.SuspendedIn || t.SuspendedOut || t.SuspendedScheduled || t.Min == 0) {
			return fmt.Errorf("%w: the scalable target of %s is %+v", errNotThere, pool.Name, *t)
		}
	}
	return nil
}

// drill reclaims Spot tasks for good, with nothing else going wrong, and looks whether the cover is asked for
// in time; then gives the capacity back.
func (r *run) drill(o *weather) {
	key := ecsim.SupplyKey{Region: r.refs[0].Region, Provider: ecsim.FargateSpot}
	demand := 0
	o.on(func(w *ecsim.World) {
		g, _ := w.Glance(ref(r.refs[0]))
		demand = g.TrueDesired
		w.SetSupply(key, demand/2)
	})
	time.Sleep(coverMax)
	asked, held := 0, 0
	o.on(func(w *ecsim.World) {
		for i, s := range r.refs {
			g, _ := w.Glance(ref(s))
			if i == 0 {
				held = g.Unthreatened
				continue
			}
			asked += g.TrueDesired
		}
	})
	policy := r.policyNow()
	r.watch.mu.Lock()
	state := r.watch.latest.State
	r.watch.mu.Unlock()
	limited := state.Pin != nil || state.Pause != nil || policy.OnDemandMax > 0 || r.plan.World.HungShare > 0 || r.plan.World.UnwarnedShare > 0
	if held+asked < demand && !limited && r.plan.World.ReadLag <= 0 {
		r.watch.breach("cover_in_time", "%s after the warning %d run and %d are asked for elsewhere, demand %d", coverMax, held, asked, demand)
	}
	time.Sleep(10 * time.Minute)
	o.on(func(w *ecsim.World) { w.SetSupply(key, -1) })
}
