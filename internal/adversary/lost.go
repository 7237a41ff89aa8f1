package adversary

import (
	"context"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// shownLate is how long before a first look a count may have been given that only a later look shows.
const shownLate = time.Minute

// loseState ends all writers. Once the last one has ended it empties the store, or puts back what it held when the state was lost
// before: the copy of some hours ago that somebody had made.
func (r *run) loseState() {
	now := r.store.Copy(workloadName)
	r.mu.Lock()
	if r.losing == nil {
		r.losing = make(chan struct{})
		if r.back = nil; r.copied != nil && hash(r.plan.Seed, r.copied.State.Generation)%2 == 0 {
			r.back = r.copied
		}
		r.copied = now
	}
	r.mu.Unlock()
	for i := range r.restarts {
		r.restart(i)
	}
	r.empty()
}

// enter lets a writer live, when the state that is about to be lost is gone; false at the end of the run.
func (r *run) enter(ctx context.Context) bool {
	for {
		r.mu.Lock()
		losing := r.losing
		if losing == nil && ctx.Err() == nil {
			r.alive++
		}
		r.mu.Unlock()
		if losing == nil {
			return ctx.Err() == nil
		}
		select {
		case <-losing:
		case <-ctx.Done():
			return false
		}
	}
}

// leave notes that a writer has ended.
func (r *run) leave() {
	r.mu.Lock()
	r.alive--
	r.mu.Unlock()
	r.empty()
}

// empty empties the store if that is due: after the last writer's last call, late ones too, which nothing could tell from
// somebody's will.
func (r *run) empty() {
	r.mu.Lock()
	due := r.losing != nil && r.alive == 0
	r.mu.Unlock()
	if !due {
		return
	}
	r.aside.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.losing == nil || r.alive > 0 {
		return
	}
	r.store.Lose(r.back)
	r.watch.forgets(r.back)
	close(r.losing)
	r.losing = nil
}

// forgets notes that the store was emptied, or holds an older record.
func (w *watch) forgets(back *control.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.forgot {
		w.lost = w.latest.State.Demand
	}
	w.latest, w.forgot = control.Record{}, true
	if back != nil {
		w.latest = *back
	}
	clear(w.actors)
}

// assumedLocked: the first look after the state was lost takes the tag backstop:demand for the demand, where the owner's service has
// one, else the owner's count.
func (w *watch) assumedLocked(p *process, after *failover.State, entries []journal.Entry, seen map[string]sight) {
	var d *failover.Decision
	for i := range entries {
		if entries[i].Kind == journal.KindDecision {
			d = entries[i].Decision
		}
	}
	if p == nil || d == nil || d.Blind() || len(d.Pools) > 0 && d.Pools[0].Sight != failover.Fresh || !after.DemandSet { // the owner was not looked at
		return
	}
	if !w.forgot {
		return
	}
	empty := !w.latest.State.DemandSet
	w.forgot = false
	k := len(w.wills)
	for i := range w.wills {
		w.wills[i].overwritten = true
		if k == len(w.wills) && time.Since(w.wills[i].at) < shownLate {
			k = i
		}
	}
	w.wills = slices.Insert(w.wills, k, will{count: after.Demand, at: time.Now(), overwritten: true})
	w.adopted = k
	if !empty || w.r.plan.World.ReadLag > 0 {
		return
	}
	saw := seen[p.policy.Pools[0].Name]
	if after.Demand != saw.held && after.Demand != saw.desired {
		w.breachLocked("assumed_from_what_is_held", "the first look takes %d for the demand; the owner's count is %d and its tag %d",
			after.Demand, saw.desired, saw.held)
	}
}

// silence makes a region's API give no answer, once more or once less.
func (r *run) silence(region string, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent[region] += more
}

func (r *run) isSilent(region string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silent[region] > 0
}

func (r *run) isThrottled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.throttled
}

// willed notes that somebody gave the owner's desired count a value.
func (w *watch) willed(count int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wills = append(w.wills, will{count: count, at: time.Now()})
}

// wanted is the count that was last wanted.
func (w *watch) wanted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wills[len(w.wills)-1].count
}
