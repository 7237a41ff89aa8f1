package service

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// queueUp lets calls of some worths wait in turn, and returns their numbers in the order in which they got their tokens.
func queueUp(t *testing.T, b *bucket, worths []control.Worth) []int {
	t.Helper()
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	for i, worth := range worths {
		all.Go(func() {
			if err := b.take(t.Context(), worth); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
		synctest.Wait()
	}
	all.Wait()
	return order
}

func drain(t *testing.T, b *bucket) {
	t.Helper()
	for b.idle() {
	}
}

func TestTheMostOwedGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimits(1, 1).serviceModify
		drain(t, b)
		got := queueUp(t, b, []control.Worth{{Urgency: control.Releasing, Tasks: 50}, {Urgency: control.Warned, Tasks: 2}, {Urgency: control.Warned, Tasks: 9},
			{Urgency: control.Quiet}, {Urgency: control.Short, Tasks: 90}, {Urgency: control.Warned, Tasks: 9}})
		if want := []int{2, 5, 1, 4, 0, 3}; !slices.Equal(got, want) {
			t.Errorf("changes went in the order %v, want %v", got, want)
		}
	})
}

// TestAReadIsNotKeptWaitingForEver behind others that are worth more and keep coming.
func TestAReadIsNotKeptWaitingForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimits(1, 1).clusterRead
		drain(t, b)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 40 { // more than the rate
			all.Go(func() {
				for b.take(ctx, control.Worth{Urgency: control.Warned}) == nil {
				}
			})
		}
		begun := time.Now()
		if err := b.take(t.Context(), control.Worth{}); err != nil || time.Since(begun) > agedAfter+time.Second {
			t.Errorf("a quiet read waited %s (%v), want %s", time.Since(begun), err, agedAfter)
		}
		stop()
		all.Wait()
	})
}

// TestTheQuietUsesHalfOfECSsBuckets: 20 calls a second and a burst of 100; trouble may use the larger part.
func TestTheQuietUsesHalfOfECSsBuckets(t *testing.T) {
	for urgency, want := range map[control.Urgency]int{control.Quiet: 50 + 10*10, control.Short: 80 + 16*10} {
		synctest.Test(t, func(t *testing.T) {
			b := newLimits(1, 1).serviceRead
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			n := 0
			for b.take(ctx, control.Worth{Urgency: urgency}) == nil {
				n++
			}
			if n < want-1 || n > want+1 {
				t.Errorf("urgency %d made %d calls in ten seconds, want %d", urgency, n, want)
			}
		})
	}
}

// TestThrottlingLowersTheRateForAWhile, and the call is made again.
func TestThrottlingLowersTheRateForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(1, triesMax)
		throttle := failure.Wrap("ecs:ListTasks", "list", failure.ErrRate)
		n := 0
		out, err := call(t.Context(), l, l.clusterRead, control.Worth{Urgency: control.Short}, func(context.Context) (int, error) {
			if n++; n < 3 {
				return 0, throttle
			}
			return n, nil
		})
		if err != nil || out != 3 {
			t.Errorf("the third attempt gave %d, %v", out, err)
		}
		if l.clusterRead.share >= 1 {
			t.Error("AWS has throttled, and the rate is as it was")
		}
		<-time.After(shareBack)
		l.clusterRead.ample()
		if l.clusterRead.share < 1 {
			t.Errorf("after %s the rate is at %.2f", shareBack, l.clusterRead.share)
		}
		n = -1000
		if _, err = call(t.Context(), l, l.clusterRead, control.Worth{}, func(context.Context) (int, error) {
			n++
			return 0, throttle
		}); failure.Kind(err) != failover.ErrThrottled || n != -1000+triesMax {
			t.Errorf("after %d attempts: %v", n+1000, err)
		}
	})
}

func TestProgramsOverOneStoreShareTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(1, 1)
		l.split(2)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n := 0
		for l.serviceModify.take(ctx, control.Worth{Urgency: control.Warned}) == nil {
			n++
		}
		if n < 40 || n > 50 {
			t.Errorf("one of two programs made %d changes in ten seconds, want half of 99", n)
		}
	})
}

// TestATokenThatIsNotUsedGoesBack, and who gives up waiting leaves nothing behind.
func TestATokenThatIsNotUsedGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(1, 1)
		for range 500 {
			if _, err := call(t.Context(), l, l.serviceRead, control.Worth{}, func(context.Context) (int, error) { return 0, errNothing }); !errors.Is(err, errNothing) {
				t.Fatal(err)
			}
		}
		drain(t, l.serviceModify)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := l.serviceModify.take(ctx, control.Worth{}); failure.Kind(err) != failover.ErrThrottled || len(l.serviceModify.queue) > 0 {
			t.Errorf("%v; %d wait", err, len(l.serviceModify.queue))
		}
	})
}
