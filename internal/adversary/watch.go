package adversary

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// breachesMax bounds the breaches that a run keeps; the first says most.
	breachesMax = 20
	// evidenceLate and evidenceEarly are how far evidence may lie from the event: AWS's clock is read in whole seconds, and what
	// arrives during a pass counts as of the pass's look, at most its deadline ago.
	evidenceLate  = 3 * time.Second
	evidenceEarly = control.PassDeadline + 5*time.Second
	evidenceKept  = 9 * time.Minute // how long evidence is kept at least: no window of a policy is shorter
	// factsMax is from how many facts on at first those are forgotten that are older than any evidence or stopped task.
	factsMax  = 20_000
	factsKept = 3 * time.Hour
	// actorsKept is how many generations back an act is compared with others.
	actorsKept = 1000
	// clockSlack is what leases allow clocks to differ (control.LeaseFor).
	clockSlack = 5 * time.Second
)

// Breach is one broken promise.
type Breach struct {
	Rule, Text string
	// At is the time since the run began.
	At time.Duration
}

func (b Breach) String() string { return fmt.Sprintf("%s at %s: %s", b.Rule, b.At, b.Text) }

// will is one value that somebody gave the owner's desired count.
type will struct {
	count int
	at    time.Time
	// overwritten says that we set the count before a commit had taken the value up; AWS knows no
	// conditional write, so it may be lost.
	overwritten bool
}

type factKey struct {
	kind     failover.SignalKind
	pool, id string
}

// span is from the first to the last event that tells of one fact.
type span struct{ first, last time.Time }

// sight is what was true when a process last looked at a pool, and the greatest since its pass began.
type sight struct {
	last, most       int // running and not under notice
	serving, served  int // in service
	pending, desired int
	held             int // the tag backstop:demand
}

// watch checks the promises of docs/guarantees.md after every step. Its mutex is the innermost: nothing is
// called while it is held.
type watch struct {
	r  *run
	mu sync.Mutex

	breaches []Breach
	checked  Checked
	latest   control.Record
	facts    map[factKey]span
	factsMax int // from how many on old ones are forgotten
	wills    []will
	adopted  int  // index of the will that the state holds
	forgot   bool // the state was lost, and no demand is known since
	lost     int  // the demand it held
	actors   map[uint64]string
	said     map[failover.Reason]time.Time // when a decision last named a reason, or a notice told it
}

func (w *watch) breach(rule, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breachLocked(rule, format, args...)
}

func (w *watch) breachLocked(rule, format string, args ...any) {
	if len(w.breaches) < breachesMax {
		w.breaches = append(w.breaches, Breach{Rule: rule, Text: fmt.Sprintf(format, args...), At: time.Since(w.r.start)})
	}
}

func (w *watch) poolOf(service string) string { return strings.TrimPrefix(service, workloadName+"-") }

// happened notes that an event, or a stopped task that was listed, is true.
func (w *watch) happened(s *failover.Signal) {
	id := s.Task
	if id == "" {
		id = s.ID
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	k := factKey{s.Kind, w.poolOf(s.Service), id}
	f, known := w.facts[k]
	if !known || s.At.Before(f.first) {
		f.first = s.At
	}
	if s.At.After(f.last) {
		f.last = s.At
	}
	if len(w.facts) > max(w.factsMax, factsMax) {
		for k, f := range w.facts {
			if time.Since(f.last) > factsKept {
				delete(w.facts, k)
			}
		}
		w.factsMax = 2 * len(w.facts) // most may be young: looking through them at each event would take minutes
	}
	w.facts[k] = f
}

// begins notes that a process begins a pass.
func (w *watch) begins(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(p.seen)
	p.pass++
}

// passOf is the number of a process's pass, for [watch.looked].
func (w *watch) passOf(p *process) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return p.pass
}

// loaded notes what a process bases its next commit on.
func (w *watch) loaded(p *process, records map[string]control.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.based = records[workloadName].State.Generation
}

// looked notes what is true of the services that a process looks at in a pass; a list of tasks tells no desired count. A call
// that the pass did not wait for tells nothing.
func (w *watch) looked(p *process, pass int, refs []control.ServiceRef, counts bool) {
	truth := make([]sight, len(refs))
	w.r.mu.Lock()
	for i, s := range refs {
		g, _ := w.r.w.Glance(ref(s))
		truth[i] = sight{last: g.Unthreatened, serving: w.r.serving(s, &g), pending: g.Pending, desired: g.TrueDesired, held: w.r.held[ref(s)]}
	}
	w.r.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.pass != pass {
		return
	}
	for i, s := range refs {
		name := w.poolOf(s.Service)
		truth[i].most, truth[i].served = max(truth[i].last, p.seen[name].most), max(truth[i].serving, p.seen[name].served)
		if !counts {
			truth[i].desired = p.seen[name].desired
		}
		p.seen[name] = truth[i]
	}
}

// committed checks a commit, decided on what was seen; p is nil for an operator's.
func (w *watch) committed(p *process, next control.Record, entries []journal.Entry, seen map[string]sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked[commits]++
	before, after := &w.latest.State, &next.State
	if after.Generation != before.Generation+1 {
		w.breachLocked("generations_in_line", "generation %d was committed on %d", after.Generation, before.Generation)
	}
	if before.DemandSet && !after.DemandSet {
		w.breachLocked("state_is_kept", "the demand of generation %d is gone in %d", before.Generation, after.Generation)
	}
	w.assumedLocked(p, after, entries, seen)
	w.demandLocked(after)
	w.evidenceLocked(before, after)
	if p != nil {
		w.intentsLocked(before, after)
		if after.Generation != p.based+1 {
			w.breachLocked("commit_on_what_was_loaded", "%s commits generation %d, but has loaded %d", p.owner, after.Generation, p.based)
		}
		p.based = after.Generation
		if next.Lease.Owner == "" && w.r.plan.Shares[ClockJump] == 0 { // given back: nothing may be done any more
			p.intent = intent{}
		}
		for i := range entries {
			if entries[i].Kind == journal.KindDecision && len(entries[i].Actions) > 0 {
				// A call that was cut off may arrive while its process goes on: absolute counts make that harmless.
				p.intent.generation = after.Generation
				p.intent.actions = append(entries[i].Actions[:len(entries[i].Actions):len(entries[i].Actions)], p.intent.actions...)
			}
		}
	}
	w.latest = next
}

// demandLocked: the demand is what somebody gave the owner's count, and never goes back to an older will.
func (w *watch) demandLocked(after *failover.State) {
	if !after.DemandSet || w.forgot || (w.adopted < len(w.wills) && w.wills[w.adopted].count == after.Demand) {
		return
	}
	for i := len(w.wills) - 1; i > w.adopted; i-- {
		if w.wills[i].count == after.Demand {
			w.adopted = i
			return
		}
	}
	held := -1
	if w.adopted < len(w.wills) {
		held = w.wills[w.adopted].count
	}
	w.breachLocked("demand_is_somebodys_will", "generation %d holds demand %d; it held %d, and nobody gave the owner's count that since",
		after.Generation, after.Demand, held)
}

// evidenceLocked: all evidence is true, and keeps its own time.
func (w *watch) evidenceLocked(before, after *failover.State) {
	n, m := len(before.Window), len(after.Window)
	if m == 0 || (n == m && before.Window[n-1] == after.Window[m-1]) {
		return
	}
	for i := m - 1; i >= 0; i-- {
		e := &after.Window[i]
		if n > 0 && *e == before.Window[n-1] {
			return
		}
		f, ok := w.facts[factKey{e.Kind, e.Pool, e.ID}]
		if !ok {
			w.breachLocked("evidence_is_true", "%s %s of %s never happened", e.Kind, e.ID, e.Pool)
			continue
		}
		if e.At.After(f.last.Add(evidenceLate)) || (e.At.Before(f.first.Add(-evidenceEarly)) && w.r.plan.Shares[ClockJump] == 0) {
			w.breachLocked("evidence_keeps_its_time", "%s %s of %s happened at %s and is kept as of %s", e.Kind, e.ID, e.Pool, f.first, e.At)
		}
	}
}

// intentsLocked: a pass takes no operator's intent back before its time.
func (w *watch) intentsLocked(before, after *failover.State) {
	over := func(until time.Time) bool { return !until.IsZero() && time.Now().Add(clockSlack).After(until) }
	if before.Pin != nil && after.Pin == nil && !over(before.Pin.Until) {
		w.breachLocked("intents_stand", "generation %d dropped the pin to %s", after.Generation, before.Pin.Mode)
	}
	if before.Pause != nil && after.Pause == nil && !over(before.Pause.Until) {
		w.breachLocked("intents_stand", "generation %d dropped the pause", after.Generation)
	}
}

// sights returns what the process saw last.
func (w *watch) sights(p *process) map[string]sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(p.seen)
}

// acts checks an action, decided on what was seen, at the moment of its effect.
func (w *watch) acts(p *process, s control.ServiceRef, a failover.Action, seen map[string]sight) {
	r := w.r
	r.mu.Lock()
	r.catchUp()
	total, alive, mine, trueDesired := 0, 0, 0, 0
	changed := false
	for _, other := range r.refs {
		g, _ := r.w.Glance(ref(other))
		serving := r.serving(other, &g)
		total += min(serving, g.TrueDesired)
		if other == s {
			mine, alive, trueDesired = serving, g.Unthreatened+g.Pending, g.TrueDesired
		}
		// What changed between the look and the act nobody can know.
		saw := seen[w.poolOf(other.Service)]
		changed = changed || r.unnoticed() || g.Unthreatened != saw.last || serving != saw.serving || g.Pending != saw.pending || g.TrueDesired != saw.desired || g.Deployments > 1
	}
	owner := s == r.refs[0]
	r.mu.Unlock()

	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked[actions]++
	now := time.Now()
	if p.intent.generation == 0 || !slices.Contains(p.intent.actions, a) {
		w.breachLocked("intent_before_act", "%s does %s, which no commit of its announced", p.owner, wording.Action(a))
	}
	jumps := r.plan.Shares[ClockJump] > 0
	lease := w.latest.Lease
	switch {
	case jumps:
	case lease.Owner != p.owner:
		w.breachLocked("one_writer_at_a_time", "%s does %s of generation %d; generation %d is stored, the lease is %q's", p.owner, wording.Action(a),
			p.intent.generation, w.latest.State.Generation, lease.Owner)
	case now.After(lease.Until.Add(clockSlack)):
		w.breachLocked("act_within_lease", "%s does %s, %s after its lease", p.owner, wording.Action(a), now.Sub(lease.Until))
	}
	if by, ok := w.actors[p.intent.generation]; ok && by != p.owner {
		w.breachLocked("one_act_per_generation", "%s and %s act on generation %d", by, p.owner, p.intent.generation)
	}
	w.actors[p.intent.generation] = p.owner
	if len(w.actors) > 2*actorsKept {
		for g := range w.actors {
			if g+actorsKept < p.intent.generation {
				delete(w.actors, g)
			}
		}
	}
	if !jumps && w.latest.State.Pause != nil && w.latest.State.Pause.Until.After(now.Add(clockSlack)) {
		w.breachLocked("quiet_when_told", "%s while paused", wording.Action(a))
	}
	if p.policy.Observe {
		w.breachLocked("quiet_when_told", "%s while observing", wording.Action(a))
	}
	set, ok := a.(failover.SetDesiredCount)
	if !ok {
		return
	}
	if owner {
		for i := w.adopted + 1; i < len(w.wills); i++ {
			w.wills[i].overwritten = true
		}
	}
	state := &w.latest.State
	threatened := min(mine, max(0, min(alive, trueDesired)-set.Count))
	pinned := state.Pin != nil && state.Pin.Mode == failover.ModeSpot || w.mayFall(p, state, set.Pool)
	if threatened > 0 && total-threatened < state.Demand && r.plan.World.ReadLag <= 0 && !pinned && !changed && !jumps {
		w.breachLocked("nothing_lowered_before_it_serves", "%s: %d serve, %d may be stopped, demand %d", wording.Action(a), total, threatened, state.Demand)
	}
}

// told checks a report.
func (w *watch) told(p *process, r *control.Report) {
	if len(r.Decision.Pools) == 0 {
		return
	}
	var found []Breach
	for _, v := range promise.Check(&p.policy, &r.Before, &r.Observation, &r.After, &r.Decision) {
		found = append(found, Breach{Rule: v.Rule, Text: fmt.Sprintf("%s (generation %d, reason %s)", v.Text, r.Before.Generation, r.Decision.Reason)})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked[decisions]++
	w.said[r.Decision.Reason] = time.Now()
	for i := range r.Decision.Findings {
		w.said[r.Decision.Findings[i].Reason] = time.Now()
	}
	for _, b := range found {
		w.breachLocked(b.Rule, "%s", b.Text)
	}
	if late := time.Until(r.Observation.At); late > time.Second && w.r.plan.Shares[ClockJump]+w.r.plan.Shares[ClockSkew] == 0 {
		w.breachLocked("time_is_awss", "the observation is dated %s in the future", late)
	}
	for i := range r.Decision.Pools {
		if i >= len(r.Observation.Pools) || !r.Observation.Pools[i].Listed {
			continue
		}
		pd, s := &r.Decision.Pools[i], p.seen[r.Decision.Pools[i].Pool]
		if r.Decision.Reason != failover.ReasonBlind && pd.Running > s.most {
			w.breachLocked("running_is_true", "%s counts %d running; %d did, and were not under notice", pd.Pool, pd.Running, s.most)
		}
		listed := 0
		for k := range r.Observation.Pools[i].Tasks {
			if r.Observation.Pools[i].Tasks[k].Phase == failover.Running {
				listed++
			}
		}
		if listed < s.last {
			w.breachLocked("listing_is_whole", "%s lists %d running of %d", pd.Pool, listed, s.last)
		}
	}
}

// mayFall reports whether cover may go although it is needed: the budget is used up and the operator wants it so, nobody has confirmed
// within a day that a deleted service is to be covered, or its tasks fail for the application's reasons.
func (w *watch) mayFall(p *process, s *failover.State, pool string) bool {
	if budget := p.policy.OnDemandBudgetUSDMonthly; p.policy.OnBudget == failover.ReleaseBudget && budget > 0 && s.Seen.SpendUSD >= budget {
		return true
	}
	for i := range s.Pools {
		if lost := s.Pools[i].LostAt; !lost.IsZero() && time.Since(lost) > 23*time.Hour {
			return true
		}
	}
	return s.Pool(pool).Failing != nil
}
