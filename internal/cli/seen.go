package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/pulse"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

// seen is what the store knows of one workload.
type seen struct {
	workload config.Workload
	record   control.Record
	known    bool
	decision *failover.Decision // the newest in the journal
	entry    journal.Entry      // it came from
	outcomes []journal.Outcome  // what became of its actions; empty: that is not recorded
	// look says how long ago it was last looked at, by the guard's sign of life or by the state.
	look health.Look
	// events is when the last event of each pool came, by the clock of nowOf; zero: none is known.
	events []time.Time
}

// sight is what the store knows of some workloads and of what guards them.
type sight struct {
	all   []seen
	beats []health.Beat
	// left is what was left of workloads that are configured no more, when a guard last started.
	left []roster.Entry
	// alone is what is kept of tasks of no service; nil: no cluster is configured for them.
	alone *taskretry.Book
}

// guard judges what guards the workloads.
func (v *sight) guard() health.Guard {
	watched := make([]health.Watched, len(v.all))
	for i := range v.all {
		watched[i] = health.Watched{Workload: v.all[i].workload.Name, Look: v.all[i].look, Known: v.all[i].known && v.all[i].decision != nil}
	}
	return health.GuardOf(watched, v.beats)
}

// verdict judges one workload.
func (v *seen) verdict(now time.Time) health.Verdict {
	d := v.decision
	if !v.known {
		d = nil
	}
	return health.Of(health.Facts{Workload: v.workload.Name, Policy: &v.workload.Policy, State: &v.record.State, Decision: d, Look: v.look}, now)
}

// observedAt is the newest moment at which the store shows that the workload was looked at.
func (v *seen) observedAt() time.Time {
	at := v.record.State.Seen.At
	if v.entry.At.After(at) {
		at = v.entry.At
	}
	return at
}

// nowOf is the present for what was seen: our clock, or AWS's where that is ahead, as a sandbox's may be.
func nowOf(now time.Time, all []seen) time.Time {
	for i := range all {
		if at := all[i].observedAt(); at.After(now) {
			now = at
		}
	}
	return now
}

// dateEvents brings the times of events from the machine's clock, which is a guard's in its sign of life, to the one of nowOf.
func dateEvents(all []seen, now time.Time) {
	ahead := nowOf(now, all).Sub(now)
	for i := range all {
		for k, at := range all[i].events {
			if !at.IsZero() {
				all[i].events[k] = at.Add(ahead)
			}
		}
	}
}

// lookAt reads the records and the last decisions of the chosen workloads, all of the configuration's when none is chosen.
func lookAt(ctx context.Context, s IO, path string, chosen selection) (sight, error) {
	file, err := readConfig(ctx, s, path, false)
	if err != nil {
		return sight{}, err
	}
	workloads, err := chosen.of(file)
	if err != nil {
		return sight{}, err
	}
	store, err := openStore(ctx, file, reading)
	if err != nil {
		return sight{}, err
	}
	if store == nil { // nothing was ever written
		return sight{all: unseen(workloads)}, nil
	}
	defer func() { _ = store.Close() }()
	out, err := readSight(ctx, store, workloads, s.Now())
	if err == nil && len(file.Tasks) > 0 {
		var b taskretry.Book
		b, err = taskretry.Read(ctx, store)
		out.alone = &b
	}
	return out, err
}

func unseen(workloads []config.Workload) []seen {
	out := make([]seen, len(workloads))
	for i := range workloads {
		out[i].workload = workloads[i]
	}
	return out
}

// readSight reads what a store knows of workloads. now is this machine's clock.
func readSight(ctx context.Context, store control.Store, workloads []config.Workload, now time.Time) (sight, error) {
	out := sight{all: unseen(workloads)}
	records, err := store.Load(ctx, workloadNames(workloads))
	if err != nil {
		return out, fmt.Errorf("read state: %w", err)
	}
	if out.beats, err = pulse.Read(ctx, store); err != nil {
		return out, err
	}
	entries, err := roster.Read(ctx, store)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		if !e.Gone.IsZero() && e.Left != nil && !e.Left.Nothing() {
			out.left = append(out.left, e)
		}
	}
	for i := range out.all {
		v := &out.all[i]
		v.record, v.known = records[v.workload.Name]
		if err := v.read(ctx, store); err != nil {
			return out, fmt.Errorf("read journal of %s: %w", v.workload.Name, err)
		}
		for _, p := range v.workload.Policy.Pools {
			v.events = append(v.events, health.EventAt(out.beats, v.workload.Name, p.Name))
		}
		written, beaten := now.Sub(v.observedAt()), false
		if v.look, beaten = health.LookAt(out.beats, v.workload.Name, now); !beaten { // a quiet workload's state is written now and then
			v.look = health.Look{Age: max(0, written), Every: control.HeartbeatEvery}
		} else if written >= 0 { // what was decided since the last sign of life
			v.look.Age = min(v.look.Age, written)
		}
	}
	dateEvents(out.all, now)
	return out, nil
}

// read takes the newest decision from the journal, and what became of its actions, which is recorded right after it.
func (v *seen) read(ctx context.Context, store control.Store) error {
	var after []journal.Entry
	for _, kinds := range [][]journal.Kind{{journal.KindDecision, journal.KindOutcome}, {journal.KindDecision}} { // several outcomes in a row are rare
		entries, err := store.Journal(ctx, journal.Query{Workload: v.workload.Name, Kinds: kinds, Limit: 2})
		if err != nil {
			return err
		}
		for i := range entries {
			if entries[i].Decision == nil {
				after = append(after, entries[i])
				continue
			}
			v.entry, v.decision = entries[i], entries[i].Decision
			for k := range after {
				if after[k].Of == v.entry.ID {
					v.outcomes = after[k].Outcomes
				}
			}
			return nil
		}
	}
	return nil
}
