package taskretry

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

var (
	noon   = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	places = []Place{{Region: "us-east-1", Cluster: "jobs", SecurityGroups: []string{"sg-1"}}}
)

// guards are keepers beside one page, a journal and an ECS whose answers the test gives. Calls may be under way side by side.
type guards struct {
	mu      sync.Mutex
	now     time.Time
	page    control.Page
	entries map[string]journal.Entry // by ID, as the journal keeps them
	told    []failover.Notice
	starts  map[string]int // by the task whose place was taken
	calls   int
	answer  func(o Order) error           // of a call; nil: it starts a task
	tell    func(arn string) (Told, bool) // of a task; nil: it is tagged with 1
	deaf    error                         // of DescribeTasks
	append  error
}

func newGuards() *guards {
	return &guards{now: noon, entries: make(map[string]journal.Entry), starts: make(map[string]int)}
}

func (g *guards) keeper(places ...Place) *Keeper {
	return New(Options{Places: places, Store: g, Tasks: g, Now: g.clock, Tell: func(_ context.Context, r control.Report) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.told = append(g.told, r.Decision.Notices...)
	}})
}

func (g *guards) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *guards) ahead(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func (g *guards) Pages(context.Context, []string) (map[string]control.Page, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return map[string]control.Page{pageName: g.page}, nil
}

func (g *guards) Keep(_ context.Context, _ string, p control.Page) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.Version != g.page.Version+1 {
		return control.ErrStale
	}
	g.page = p
	return nil
}

func (g *guards) Append(_ context.Context, all []journal.Entry) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range all {
		g.entries[e.ID] = e
	}
	return g.append
}

func (g *guards) Describe(_ context.Context, _ *Place, arns []string) (map[string]Told, error) {
	out := make(map[string]Told)
	for _, arn := range arns {
		t, known := Told{Tags: map[string]string{TagRetry: "1"}, Main: "app", Call: 1}, true
		if g.tell != nil {
			t, known = g.tell(arn)
		}
		if known {
			out[arn] = t
		}
	}
	return out, g.deaf
}

func (g *guards) Start(_ context.Context, _ *Place, _ *Told, o Order) (string, error) {
	g.mu.Lock()
	g.calls++
	answer := g.answer
	g.mu.Unlock()
	if answer != nil {
		if err := answer(o); err != nil {
			return "", err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starts[o.Tags[TagOf]]++
	return aloneARN(1_000_000 + len(g.starts)), nil
}

func (g *guards) book(t *testing.T) *Book {
	t.Helper()
	b, err := Read(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return &b
}

func (g *guards) pass(t *testing.T, k *Keeper) time.Time {
	t.Helper()
	next, err := k.Pass(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return next
}

type kinded struct{ kind failover.ErrorKind }

func (k kinded) Error() string            { return string(k.kind) }
func (k kinded) Kind() failover.ErrorKind { return k.kind }
func (k kinded) Hint() string             { return "" }

func noRoom(Order) error { return &NoRoom{Reason: "Capacity is unavailable at this time."} }

func aloneARN(i int) string {
	return fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task/jobs/%032x", i)
}

// stop is the event of a task that Spot took.
func stop(i int, at time.Time) ecsevent.Standalone {
	return ecsevent.Standalone{ARN: aloneARN(i), Region: "us-east-1", Account: "123456789012", Cluster: "jobs", Definition: "arn:aws:ecs:us-east-1:123456789012:task-definition/report:1", StoppedAt: at,
		Stop: ecsevent.Stop{Code: "SpotInterruption", Reason: "Your Spot Task was interrupted.", Capacity: failover.Spot, StartedAt: at.Add(-time.Hour), LastStatus: "STOPPED"}}
}

func stops(from, n int, at time.Time) (out []ecsevent.Standalone) {
	for i := range n {
		out = append(out, stop(from+i, at))
	}
	return out
}
