// Package pulse keeps the sign of life of a guard: the daemon and the function note every pass and leave, once a tick, a page in the store
// from which everybody else can tell a quiet guard from a dead one (package health).
package pulse

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
)

const (
	// pageName is where the page is kept; no workload can have the name.
	pageName = "#guards"
	// beatsMax bounds the guards of one store, the youngest kept; beatsFor is how long a dead one is remembered beside a living one.
	beatsMax = 20
	beatsFor = 24 * time.Hour
	// tries bounds the attempts to write where another guard writes at the same time.
	tries = 3
)

// The kinds of event whose last one is kept: any, those of a task's start, and those of its stop.
const (
	anyEvent = iota
	startEvent
	stopEvent
	kinds
)

// Pulse is a guard's own. It is safe for concurrent use.
type Pulse struct {
	guard     string
	tick      time.Duration
	workloads []string
	now       func() time.Time

	mu       sync.Mutex
	passed   map[string]time.Time
	unstored map[string]int
	heard    [kinds]map[string]time.Time // by workload/pool
	since    time.Time
	kept     time.Time
	refusing func() map[string]string
	strange  func() control.Strangers

	// writing guards what was last read of the page, so that a guard that is alone need not read it again.
	writing sync.Mutex
	read    bool
	version uint64
	others  []health.Beat
}

// New returns the pulse of a guard on host that has passed nothing yet. now is its machine's clock.
func New(host string, workloads []string, tick time.Duration, now func() time.Time) *Pulse {
	names := slices.Sorted(slices.Values(workloads))
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	p := &Pulse{guard: fmt.Sprintf("%s-%.3x", host, sum), tick: tick, workloads: names, now: now, passed: make(map[string]time.Time),
		unstored: make(map[string]int), since: now()}
	for kind := range p.heard {
		p.heard[kind] = make(map[string]time.Time)
	}
	return p
}

// Refusing lets the beats say which receivers of notices refuse them. It is called before the first beat.
func (p *Pulse) Refusing(ask func() map[string]string) { p.refusing = ask }

// Meeting lets the beats say what came of clusters that are not guarded. It is called before the first beat.
func (p *Pulse) Meeting(ask func() control.Strangers) { p.strange = ask }

// Tell takes a report; it returns at once.
func (p *Pulse) Tell(r *control.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Result == control.StoreFailed {
		p.unstored[r.Workload]++
		return
	}
	delete(p.unstored, r.Workload)
	if !r.Result.Settled() {
		return
	}
	now := p.now()
	p.passed[r.Workload] = now
	for i := range r.Observation.Signals {
		s := &r.Observation.Signals[i]
		if key := r.Workload + "/" + s.Pool; s.ID != s.Task && s.Pool != "" {
			p.heard[anyEvent][key] = now
			if kind := kindOf(s); kind != anyEvent {
				p.heard[kind][key] = now
			}
		}
	}
}

// kindOf says whether an event tells of a task's start or of its stop.
func kindOf(s *failover.Signal) int {
	switch {
	case s.Kind == failover.SignalRunning:
		return startEvent
	case s.Task != "" && s.Kind != failover.SignalProgress:
		return stopEvent
	}
	return anyEvent
}

// Beat is what there is to say now.
func (p *Pulse) Beat() health.Beat {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	b := health.Beat{Guard: p.guard, At: now.UTC(), TickSeconds: p.tick.Seconds(), Workloads: p.workloads, Since: whole(p.since),
		Events: seconds(p.heard[anyEvent]), Started: seconds(p.heard[startEvent]), Stopped: seconds(p.heard[stopEvent])}
	if p.refusing != nil {
		b.Refusing = p.refusing()
	}
	if p.strange != nil {
		met := p.strange()
		b.Strangers, b.StrangerClusters = met.Count, met.Clusters
	}
	for _, name := range p.workloads {
		if at := p.passed[name]; now.Sub(at) > p.tick+p.tick/2 {
			if b.Late == nil {
				b.Late = make(map[string]time.Time)
			}
			b.Late[name] = at.UTC()
		}
		if p.unstored[name] > 1 {
			b.Unstored = append(b.Unstored, name)
		}
	}
	return b
}

// Keep leaves a beat in the store, if it keeps pages and the last beat is about a tick old.
func (p *Pulse) Keep(ctx context.Context, store any) error {
	shelf, ok := store.(control.Shelf)
	p.mu.Lock()
	now := p.now()
	due := ok && len(p.passed) > 0 && (p.kept.IsZero() || now.Sub(p.kept) >= p.tick*9/10)
	if due {
		p.kept = now
	}
	p.mu.Unlock()
	if !due {
		return nil
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	for n := range tries {
		if !p.read || n > 0 { // another guard has written meanwhile
			pages, err := shelf.Pages(ctx, []string{pageName})
			if err != nil {
				return fmt.Errorf("keep sign of life: %w", err)
			}
			p.read, p.version, p.others = true, pages[pageName].Version, decode(pages[pageName].Body)
		}
		p.inherit()
		err := p.write(ctx, shelf, p.Beat())
		if err == nil {
			return nil
		}
		if !errors.Is(err, control.ErrStale) {
			p.read = false
			return fmt.Errorf("keep sign of life: %w", err)
		}
	}
	return nil // others write so often that the next tick may try again
}

// inherit takes over what is on the page of events that this guard heard before it was started again, and those that will be dropped: what came
// once must not look as if it never had.
func (p *Pulse) inherit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for i := range p.others {
		b := &p.others[i]
		own := b.Guard == p.guard
		if !own && now.Sub(b.At) < beatsFor {
			continue
		}
		if own && !b.Since.IsZero() && b.Since.Before(p.since) {
			p.since = b.Since
		}
		for kind, heard := range [kinds]map[string]time.Time{b.Events, b.Started, b.Stopped} {
			for key, at := range heard {
				workload, _, _ := strings.Cut(key, "/")
				if slices.Contains(p.workloads, workload) && at.After(p.heard[kind][key]) {
					p.heard[kind][key] = at
				}
			}
		}
	}
}

// seconds are times without their fractions, which would only make the page larger.
func seconds(all map[string]time.Time) map[string]time.Time {
	out := make(map[string]time.Time, len(all))
	for key, at := range all {
		out[key] = whole(at)
	}
	return out
}

func whole(at time.Time) time.Time { return at.UTC().Truncate(time.Second) }

// write leaves a beat beside those of the other guards.
func (p *Pulse) write(ctx context.Context, shelf control.Shelf, mine health.Beat) error {
	all := []health.Beat{mine}
	for _, b := range p.others {
		if b.Guard != mine.Guard && mine.At.Sub(b.At) < beatsFor {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b health.Beat) int { return b.At.Compare(a.At) })
	body, err := json.Marshal(all[:min(len(all), beatsMax)])
	if err != nil {
		return err
	}
	if err := shelf.Keep(ctx, pageName, control.Page{Version: p.version + 1, Body: body}); err != nil {
		return err
	}
	p.version++
	return nil
}

// Read returns the beats that guards have left in a store, the youngest first; none where it keeps no pages.
func Read(ctx context.Context, store any) ([]health.Beat, error) {
	shelf, ok := store.(control.Shelf)
	if !ok {
		return nil, nil
	}
	pages, err := shelf.Pages(ctx, []string{pageName})
	if err != nil {
		return nil, fmt.Errorf("read signs of life: %w", err)
	}
	return decode(pages[pageName].Body), nil
}

// decode reads a page; one of a later version, or a damaged one, says nothing.
func decode(body []byte) []health.Beat {
	var all []health.Beat
	if len(body) == 0 || json.Unmarshal(body, &all) != nil {
		return nil
	}
	return all
}
