package notice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// inbox is a receiver. While it is broken it fails, or hangs until it is given up.
type inbox struct {
	name   string
	mu     sync.Mutex
	got    []notice.Message
	broken bool
	hangs  bool
	refuse bool
	tries  int
}

func (i *inbox) Name() string { return i.name }

func (i *inbox) Send(ctx context.Context, m notice.Message) error {
	i.mu.Lock()
	i.tries++
	broken, hangs, refuse := i.broken, i.hangs, i.refuse
	i.mu.Unlock()
	if refuse {
		return &notice.RefusedError{Err: errors.New("it answers with status 404"), Do: "make a new one"}
	}
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if broken {
		return errors.New("it answers with status 500")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, m)
	return nil
}

// kinds lists what was received as kind/status.
func (i *inbox) kinds() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := []string{}
	for _, m := range i.got {
		out = append(out, string(m.Kind)+"/"+string(m.Status))
	}
	return out
}

func (i *inbox) want(t *testing.T, want ...string) {
	t.Helper()
	if got := i.kinds(); fmt.Sprint(got) != fmt.Sprint(append([]string{}, want...)) {
		t.Errorf("%s was told %v, want %v", i.name, got, want)
	}
}

// office is a store and what happens in it, in a bubble's time.
type office struct {
	t          *testing.T
	store      *sqlite.Store
	log        *bytes.Buffer
	generation uint64
	mode       failover.Mode
	since      time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.Retention{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &office{t: t, store: s, log: &bytes.Buffer{}, mode: failover.ModeSpot, since: time.Now()}
}

func (o *office) desk(senders ...notice.Sender) *notice.Desk {
	return notice.New(notice.Options{Store: o.store, Senders: senders, Log: slog.New(slog.NewJSONHandler(o.log, nil)),
		Cost: func(string, *failover.Decision) string { return "about $1 an hour" }})
}

// pass commits what a pass with these notices would, and returns its report.
func (o *office) pass(notices ...failover.Notice) control.Report {
	o.t.Helper()
	now := time.Now()
	r := control.Report{Workload: "api", Result: control.Committed, Started: now, Decision: failover.Decision{At: now, Workload: "api", Reason: failover.ReasonSteady,
		Mode: o.mode, Demand: 10, InService: failover.Exactly(10), Notices: notices, Next: []failover.Condition{{If: "Spot tasks run again", Then: "give cover back"}}}}
	r.Before.Generation, r.Generation = o.generation, o.generation+1
	o.generation++
	r.After = failover.State{Version: 1, Workload: "api", Generation: o.generation, Decided: failover.Decided{Mode: o.mode, ModeSince: o.since}}
	var entries []journal.Entry
	for i := range notices {
		entries = append(entries, journal.Entry{Version: journal.Version, ID: journal.NewID(now, uint32(o.generation)*10+uint32(i)), Workload: "api", At: now,
			Kind: journal.KindNotice, Generation: o.generation, Notice: &notices[i]})
	}
	if err := o.store.Commit(context.Background(), "me", control.Record{State: r.After}, now, entries); err != nil {
		o.t.Fatal(err)
	}
	return r
}

func (o *office) goes(mode failover.Mode) failover.Notice {
	was := o.mode
	o.mode, o.since = mode, time.Now()
	return failover.Notice{Reason: failover.ReasonInterruption, Severity: failover.Info, Key: fmt.Sprintf("api/mode/%s/%d", mode, time.Now().Unix()),
		Text: fmt.Sprintf("api went from %s to %s", was, mode)}
}

var short = failover.Notice{Reason: failover.ReasonOnDemandShort, Severity: failover.Critical, Key: "api/on_demand_short/standard", Text: "on-demand is short too", Do: "add another pool"}

func in(t *testing.T, d time.Duration) {
	t.Helper()
	<-time.After(d)
}

func TestATroubleIsToldOnceAgainWhenItLastsAndWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		d := o.desk(box)
		tell := func(notices ...failover.Notice) {
			d.Tell(t.Context(), o.pass(notices...))
			d.Work(t.Context())
		}
		for range 30 { // half an hour of passes
			tell(short)
			in(t, time.Minute)
		}
		box.want(t, "on_demand_short/opened")
		for range 32 {
			tell(short)
			in(t, time.Minute)
		}
		box.want(t, "on_demand_short/opened", "on_demand_short/still")
		tell() // gone in one pass, back in the next: not over
		in(t, time.Minute)
		tell(short)
		in(t, time.Minute)
		box.want(t, "on_demand_short/opened", "on_demand_short/still")
		for range 4 {
			tell()
			in(t, time.Minute)
		}
		box.want(t, "on_demand_short/opened", "on_demand_short/still", "on_demand_short/resolved")
		m := box.got[0]
		for _, part := range []string{"on-demand is short too", "Why: AWS does not start all on-demand tasks", "Costs: about $1", "Next: when Spot tasks run again: give cover back", "You: add another pool", "backstop explain api"} {
			if !strings.Contains(m.Text(), part) {
				t.Errorf("the text lacks %q:\n%s", part, m.Text())
			}
		}
		if m.Subject() != "[CRITICAL] api: on-demand is short too" {
			t.Errorf("the subject is %q", m.Subject())
		}
	})
}

func TestAFlickerIsNotWorthANotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		d := o.desk(box)
		blind := failover.Notice{Reason: failover.ReasonBlind, Severity: failover.Warning, Key: "api/blind/spot", Text: "spot could not be read (throttled)"}
		r := o.pass(blind)
		r.Decision.Reason = failover.ReasonBlind
		d.Tell(t.Context(), r)
		d.Work(t.Context())
		in(t, time.Minute)
		d.Tell(t.Context(), o.pass())
		d.Work(t.Context())
		box.want(t)
		for i := range 8 {
			in(t, time.Minute)
			b := blind
			if i >= 5 {
				b.Severity = failover.Critical
			}
			r := o.pass(b)
			r.Decision.Reason = failover.ReasonBlind
			d.Tell(t.Context(), r)
			d.Work(t.Context())
		}
		box.want(t, "blind/opened", "blind/worse")
	})
}

func TestAFailoverIsToldFromItsBeginToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		d := o.desk(box)
		tell := func(r control.Report) { d.Tell(t.Context(), r); d.Work(t.Context()); in(t, time.Minute) }
		trip := failover.Notice{Reason: failover.ReasonTripInterruptions, Severity: failover.Warning, Key: "api/trip/spot/1", Text: "the breaker of spot opened"}
		r := o.pass(o.goes(failover.ModeOnDemand), trip)
		r.Decision.Missing, r.Decision.InService = failover.Exactly(4), failover.Exactly(6)
		tell(r)
		box.want(t, "failover_started/event") // the trip and the change of mode are one thing
		if n := len(box.got[0].What); n != 2 {
			t.Errorf("the message tells %d things, want both: %q", n, box.got[0].What)
		}
		tell(o.pass())
		box.want(t, "failover_started/event", "failover_completed/event")
		for range 32 {
			tell(o.pass())
		}
		box.want(t, "failover_started/event", "failover_completed/event", "still_failed_over/still")
		tell(o.pass(o.goes(failover.ModeSpot)))
		tell(o.pass())
		tell(o.pass())
		box.want(t, "failover_started/event", "failover_completed/event", "still_failed_over/still", "restored/event")
	})
}

func TestAnActionThatFailsIsAFailoverBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		d := o.desk(box)
		for range 3 {
			r := o.pass()
			r.Result = control.ActionFailed
			r.Outcomes = []journal.Outcome{{Action: failover.SetDesiredCount{Pool: "standard", From: 0, Count: 5}, Err: failover.ErrDenied, Text: "AccessDenied", Hint: "allow ecs:UpdateService"}}
			d.Tell(t.Context(), r)
			d.Work(t.Context())
			in(t, time.Minute)
		}
		box.want(t, "failover_blocked/opened")
		if m := box.got[0]; m.Severity != failover.Critical || !strings.Contains(m.Do, "allow ecs:UpdateService") || !strings.Contains(m.What[0], "standard from 0 to 5") {
			t.Errorf("the message is %+v", m)
		}
	})
}

func TestChangesThatComeOftenAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		d := o.desk(box)
		for range 10 { // every minute Spot goes and comes
			d.Tell(t.Context(), o.pass(o.goes(failover.ModeMixed)))
			d.Work(t.Context())
			in(t, 30*time.Second)
			d.Tell(t.Context(), o.pass(o.goes(failover.ModeSpot)))
			d.Work(t.Context())
			in(t, 30*time.Second)
		}
		box.want(t, "cover_started/event", "restored/event")
		in(t, 10*time.Minute)
		d.Tell(t.Context(), o.pass())
		d.Work(t.Context())
		box.want(t, "cover_started/event", "restored/event", "cover_started/event", "restored/event")
	})
}

func TestACrashBetweenCommitAndSendLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		first := o.desk(box)
		first.Tell(t.Context(), o.pass())
		first.Work(t.Context())
		in(t, time.Minute)
		o.pass(o.goes(failover.ModeOnDemand)) // committed; the process dies before anybody is told
		in(t, time.Hour)
		second := o.desk(box)
		second.Tell(t.Context(), o.pass())
		second.Work(t.Context())
		if k := box.kinds(); len(k) == 0 || k[0] != "failover_started/event" {
			t.Errorf("after the crash the receiver was told %v, want the failover that began", k)
		}
		// A desk that lives on finds what another process committed and did not tell.
		in(t, time.Hour)
		o.pass(o.goes(failover.ModeSpot))
		in(t, time.Minute)
		second.Tell(t.Context(), o.pass())
		second.Work(t.Context())
		if k := box.kinds(); k[len(k)-1] != "restored/event" {
			t.Errorf("the receiver was told %v, want the return that another process committed", k)
		}
		n := len(box.kinds())
		third := o.desk(box)
		in(t, time.Minute)
		third.Tell(t.Context(), o.pass())
		third.Work(t.Context())
		if len(box.kinds()) != n {
			t.Errorf("a new process told again what was told: %v", box.kinds()[n:])
		}
	})
}

func TestACrashWhileSendingIsTriedAgainByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		dying := o.desk(&inbox{name: "box", hangs: true})
		dying.Tell(t.Context(), o.pass(o.goes(failover.ModeOnDemand)))
		ctx, kill := context.WithCancel(t.Context())
		go func() { in(t, time.Second); kill() }()
		dying.Work(ctx)
		other := o.desk(box)
		other.Tell(t.Context(), o.pass())
		other.Work(t.Context())
		if k := box.kinds(); len(k) > 1 { // it is claimed; the completed one is its own
			t.Errorf("told %v while the letter is claimed", k)
		}
		in(t, 3*time.Minute)
		other.Tell(t.Context(), o.pass())
		other.Work(t.Context())
		if k := strings.Join(box.kinds(), " "); strings.Count(k, "failover_started/event") != 1 {
			t.Errorf("told %v, want the failover that began once the claim ran out", k)
		}
	})
}

func TestTwoProcessesTellOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		a, b := o.desk(box), o.desk(box)
		for i := range 10 {
			d := []*notice.Desk{a, b}[i%2]
			d.Tell(t.Context(), o.pass(short))
			d.Work(t.Context())
			in(t, 30*time.Second)
		}
		box.want(t, "on_demand_short/opened")
	})
}

func TestAStoreThatIsDownIsToldFromMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box"}
		d := o.desk(box)
		_ = o.store.Close()
		for range 4 {
			d.Tell(t.Context(), control.Report{Workload: "api", Result: control.StoreFailed, Started: time.Now(), Err: errors.New("load api: AccessDenied")})
			d.Work(t.Context())
			in(t, time.Minute)
		}
		box.want(t, "state_unavailable/opened")
	})
}

func TestRunSendsWithoutWaitingForAnotherReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := newOffice(t), &inbox{name: "box", broken: true}
		d := o.desk(box)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); d.Run(ctx, time.Second) }()
		d.Tell(t.Context(), o.pass(short))
		in(t, 10*time.Second)
		box.mu.Lock()
		box.broken = false
		box.mu.Unlock()
		in(t, 5*time.Minute)
		box.want(t, "on_demand_short/opened")
		stop()
		<-done
	})
}
