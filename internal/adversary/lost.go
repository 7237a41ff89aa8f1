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

// assumedLocked: the first look after the state was lost finds a demand that holds what on-demand was asked for, and not more
// than all pools were (ADR 7). It need be nobody's will.
//
// So it is when the state is older than the cover: whatever the reason, it is said.
func (w *watch) assumedLocked(p *process, after *failover.State, entries []journal.Entry, seen map[string]sight) {
	var d *failover.Decision
	for i := range entries {
		if entries[i].Kind == journal.KindDecision {
			d = entries[i].Decision
		}
	}
	if p == nil || d == nil || d.Blind() || len(d.Pools) > 0 && d.Pools[0].Unread || !after.DemandSet { // the owner was not looked at
		return
	}
	said := slices.ContainsFunc(d.Findings, func(f failover.Finding) bool { return f.Reason == failover.ReasonDemandAssumed })
	if !w.forgot && !said {
		return
	}
	empty := w.forgot && !w.latest.State.DemandSet
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
	covered, most := -p.policy.Extra, 0
	for i := range p.policy.Pools {
		n := seen[p.policy.Pools[i].Name].desired
		most += n
		if p.policy.Pools[i].Capacity == failover.OnDemand {
			covered += n
		}
	}
	owner := seen[p.policy.Pools[0].Name].desired
	least := max(covered, owner)
	if covered == w.lost && owner <= min(p.policy.Probe, covered) && most == covered+p.policy.Extra+owner {
		most = w.lost // failed over, and nothing else has happened: the very number that was lost
	}
	if after.Demand < least || after.Demand > most {
		w.breachLocked("assumed_from_what_is_held", "the first look takes %d for the demand; on-demand and the owner are asked for %d at least, all for %d",
			after.Demand, least, most)
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
