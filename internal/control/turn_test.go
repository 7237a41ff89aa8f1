package control_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// turnstile lets changes wait for their turn.
type turnstile struct {
	control.Services
	wait   time.Duration
	never  bool
	looks  int
	unused int
	shares []int
	mu     sync.Mutex
}

func (s *turnstile) Describe(ctx context.Context, refs []control.ServiceRef, worth control.Worth) (time.Time, []failover.PoolObservation) {
	s.looks++
	return s.Services.Describe(ctx, refs, worth)
}

func (s *turnstile) Turn(ctx context.Context, ref control.ServiceRef, a failover.Action) (func(), error) {
	giveBack, err := s.Services.Turn(ctx, ref, a)
	if s.never {
		return nil, errors.Join(err, context.DeadlineExceeded)
	}
	<-time.After(s.wait)
	return func() {
		s.unused++
		giveBack()
	}, err
}

func (s *turnstile) Share(programs int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shares = append(s.shares, programs)
}

// TestAChangeThatWaitedIsDecidedOnAgain: nothing is lowered, or raised to an old number, by a look that is seconds old.
func TestAChangeThatWaitedIsDecidedOnAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		wait   time.Duration
		looks  int
		change func(w *world)
		want   int
		unused int
	}{
		{name: "its turn comes at once", looks: 1, want: 3},
		{name: "its turn comes after two seconds", wait: 2 * time.Second, looks: 2, want: 3},
		{name: "meanwhile more is lost", wait: 2 * time.Second, looks: 2, change: func(w *world) { w.interrupt("api", 2) }, want: 5},
		{name: "meanwhile another program has covered it", wait: 2 * time.Second, looks: 2, change: func(w *world) {
			if _, err := w.loop("b", w.store(), w.services(), "api").Pass(w.t.Context(), []string{"api"}, w.signals); err != nil {
				w.t.Error(err)
			}
		}, want: 3, unused: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 10, "api")
				w.pass(w.loop("a", w.store(), w.services(), "api"), "api")
				w.interrupt("api", 3)
				s := &turnstile{Services: w.services(), wait: test.wait}
				l := w.loop("a", w.store(), s, "api")
				if test.change != nil {
					go func() {
						<-time.After(time.Second)
						test.change(w)
					}()
				}
				if _, err := w.turn(l, "api"); err != nil {
					t.Fatal(err)
				}
				w.wantDesired("api-standard", test.want)
				if s.looks != test.looks || s.unused != test.unused {
					t.Errorf("%d looks, want %d; %d turns went back, want %d", s.looks, test.looks, s.unused, test.unused)
				}
			})
		})
	}
}

func TestAChangeWhoseTurnDoesNotComeIsNotRecorded(t *testing.T) {
	w := newWorld(t, 10, "api")
	l := w.loop("a", w.store(), w.services(), "api")
	before := w.pass(l, "api").Generation
	w.interrupt("api", 3)
	l = w.loop("a", w.store(), &turnstile{Services: w.services(), never: true}, "api")
	r, err := w.turn(l, "api")
	if err != nil || r[0].Result != control.Waiting || r[0].Generation != before || r[0].Result.Settled() {
		t.Errorf("the pass ended as %s at generation %d (%v), want waiting at %d, its messages kept", r[0].Result, r[0].Generation, err, before)
	}
	w.wantDesired("api-standard", 0)
	if next := control.NextOf(&r[0], 0); next.Why != control.ForTurn {
		t.Errorf("it is passed again for %q", next.Why)
	}
}

func TestProgramsOverOneStoreKnowOfEachOther(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		one, two := &turnstile{Services: w.services()}, &turnstile{Services: w.services()}
		first, doneFirst := w.open()
		defer doneFirst()
		second, doneSecond := w.open()
		defer doneSecond()
		a := w.start("a", first, func(l *control.Loop) { l.Services = one })
		sleep(t, 10*time.Second)
		b := w.start("b", second, func(l *control.Loop) { l.Services = two })
		sleep(t, 2*time.Minute)
		b.finish()
		sleep(t, time.Minute)
		a.finish()
		if got := slices.Compact(one.shares); !slices.Equal(got, []int{1, 2, 1}) {
			t.Errorf("the first shared with %v programs, want 1, then 2, then 1", got)
		}
		if got := slices.Compact(two.shares); !slices.Equal(got, []int{2}) {
			t.Errorf("the second shared with %v programs, want 2", got)
		}
	})
}
