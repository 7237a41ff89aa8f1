package simulate

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/input"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// eventsMax is how many events of Spot services are kept, of some 200 bytes each.
const eventsMax = 2_000_000

// origin is the service that an event is about.
type origin struct{ account, region, cluster, service string }

func (o origin) String() string { return o.cluster + "/" + o.service }

// fact is what is kept of an event.
type fact struct {
	at, started time.Time
	kind        failover.SignalKind
	task, id    string // id of an event that is about no task
	of          *origin
	spot        bool
}

// record is what a file of recorded events holds.
type record struct {
	facts   []fact
	events  int                 // of any kind
	of      map[origin]*origin  // the services that are met
	spot    map[*origin]int     // the events of their Spot tasks
	left    []place             // what was no event
	met     map[string]struct{} // what of the asked services is there
	name    string              // of the services that are chosen
	dropped int                 // events of Spot services that are not
}

// fromEvents rebuilds the capacity that Spot showed from recorded ECS events, in any of the forms that docs/traces.md lists. tasks is how many were
// wanted while they were recorded. services, as CLUSTER/SERVICE, are those that count together; none is right for a record of one Spot service. The
// error names the place of what cannot be read, or the services to choose from.
//
// What ran is known, what could have run is not: from the first loss or failed placement Spot is taken to hold exactly what ran, until as
// many run as before it or ECS says that the service is steady; otherwise nothing is taken to limit it. So the trace is a lower bound of
// the capacity, and its notes say for how much of the time it is one. Tasks that ran throughout without an event are not in the record:
// the difference between the most that was seen and tasks is taken to have run all the time.
// It also returns which of the services are there.
func fromEvents(r io.Reader, name string, tasks int, services []string) (*trace.Trace, map[string]struct{}, error) {
	rec, err := readRecord(r, itemMax)
	if err == nil {
		err = rec.choose(services)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read events %s: %w", name, err)
	}
	rec.inOrder()
	return rec.rebuild(name, tasks), rec.met, nil
}

// recorded is a source that is rebuilt from recorded events. It notes in met which of the services that were asked for are there.
func (p *plan) recorded(ctx context.Context, name string, met map[string]struct{}) (source, error) {
	type result struct {
		trace *trace.Trace
		met   map[string]struct{}
	}
	base, tasks, services := filepath.Base(name), p.o.Tasks, p.o.Services
	told := func(read, size int64) {
		if p.o.Reading != nil {
			p.o.Reading(name, read, size)
		}
	}
	got, err := input.Watched(ctx, name, eventBytesMax, told, func(r io.Reader) (result, error) {
		t, met, err := fromEvents(r, strings.TrimSuffix(base, filepath.Ext(base)), tasks, services)
		return result{t, met}, err
	})
	switch {
	case input.NotOpened(err):
		return source{}, fmt.Errorf("read events: %w", err)
	case err != nil:
		return source{}, fmt.Errorf("%s: %w", name, err)
	}
	for s := range got.met {
		met[s] = struct{}{}
	}
	t := p.cut(got.trace)
	if t.Duration <= 0 {
		return source{}, fmt.Errorf("%s: its events are all of one moment; --duration says how long to play", name)
	}
	if err := t.Check(); err != nil {
		return source{}, err
	}
	return fixed(t), nil
}

// readRecord reads a whole file, of which one item has at most most bytes.
func readRecord(r io.Reader, most int) (*record, error) {
	rec := &record{of: map[origin]*origin{}, spot: map[*origin]int{}, met: map[string]struct{}{}}
	left, err := readItems(r, most, rec.take)
	switch {
	case err != nil:
		return nil, err
	case len(rec.facts) >= eventsMax:
		return nil, fmt.Errorf("more than %d events of Spot services; give it in parts", eventsMax-1)
	}
	rec.left = left
	return rec, nil
}

// take keeps what an event says of a Spot service, or of one that may be, and reports whether the object is an event.
func (rec *record) take(raw []byte) bool {
	s, ok, err := ecsevent.Parse(raw)
	if err != nil || ok && s.At.IsZero() {
		return false
	}
	rec.events++
	if !ok || s.Capacity != failover.Spot && (s.Task != "" || s.Capacity != "") || len(rec.facts) >= eventsMax {
		return true
	}
	key := origin{s.Account, s.Region, s.Cluster, s.Service}
	of := rec.of[key]
	if of == nil {
		of = &key
		rec.of[key] = of
	}
	f := fact{at: s.At, started: s.StartedAt, kind: s.Kind, task: s.Task, of: of, spot: s.Capacity == failover.Spot}
	if f.task == "" {
		f.id = s.ID
	}
	if f.spot {
		rec.spot[of]++
	}
	rec.facts = append(rec.facts, f)
	return true
}

// choose keeps the events of the services that are asked for, or of the only one.
func (rec *record) choose(services []string) error {
	var list []string
	places := map[string]int{} // accounts and regions that have a service of this name
	for of := range rec.spot {
		if places[of.String()]++; places[of.String()] == 1 {
			list = append(list, of.String())
		}
	}
	slices.Sort(list)
	there := strings.Join(list[:min(len(list), 20)], ", ")
	if len(list) > 20 {
		there += fmt.Sprintf(" and %d more", len(list)-20)
	}
	var chosen []string
	for _, s := range services {
		if slices.Contains(list, s) && !slices.Contains(chosen, s) {
			chosen = append(chosen, s)
			rec.met[s] = struct{}{}
		}
	}
	switch {
	case len(list) == 0:
		return fmt.Errorf("none of its %d events is of a Fargate Spot task", rec.events)
	case len(services) > 0 && len(chosen) == 0:
		return fmt.Errorf("no Spot task of %s in it; there are tasks of %s", strings.Join(services, ", "), there)
	case len(services) == 0 && len(list) > 1:
		return fmt.Errorf("it has %d Spot services; choose with --service: %s", len(list), there)
	case len(services) == 0:
		chosen = list
	}
	for _, s := range chosen {
		if places[s] > 1 {
			return fmt.Errorf("%s is in %d accounts or regions of it; keep the events of one", s, places[s])
		}
	}
	rec.name = strings.Join(chosen, ", ")
	rec.facts = slices.DeleteFunc(rec.facts, func(f fact) bool {
		if rec.counts(f, chosen) {
			return false
		}
		if rec.spot[f.of] > 0 {
			rec.dropped++
		}
		return true
	})
	return nil
}

// counts reports whether an event is of one of the services. An old ARN of a service has no cluster in it.
func (rec *record) counts(f fact, chosen []string) bool {
	return slices.ContainsFunc(chosen, func(s string) bool {
		return s == f.of.String() || f.of.cluster == "" && f.task == "" && strings.HasSuffix(s, f.of.String())
	})
}

// inOrder puts the events in the order of time and keeps each once: a file may have it twice, and EventBridge may send it twice.
func (rec *record) inOrder() {
	type key struct {
		kind failover.SignalKind
		id   string
	}
	slices.SortStableFunc(rec.facts, func(a, b fact) int { return a.at.Compare(b.at) })
	seen := map[key]bool{}
	rec.facts = slices.DeleteFunc(rec.facts, func(f fact) bool {
		k := key{"", f.id}
		if f.task != "" {
			k = key{f.kind, f.task}
		}
		again := seen[k]
		seen[k] = true
		return again
	})
}
