package control

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// tracked is a message that has not been acknowledged, and how many workloads still have to deal with it.
type tracked struct {
	msg  Message
	left int
}

// arrival is a signal in a workload's inbox, and the message that brought it.
type arrival struct {
	signal failover.Signal
	from   *tracked
}

// receive takes messages from the queue until ctx ends. What is received stays in the workloads' inboxes
// until a pass has dealt with it; only then it is acknowledged.
func (l *Loop) receive(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		if l.full() {
			Wait(ctx, retryFirst)
			continue
		}
		msgs, err := l.Queue.Receive(ctx, receiveWait)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures++
			l.Log.LogAttrs(ctx, slog.LevelWarn, "queue not read", slog.Any(KeyErr, err), slog.String(KeyHint, HintOf(err)))
			Wait(ctx, backoff(failures))
			continue
		}
		failures = 0
		letters := l.read(msgs)
		if len(msgs) == BatchMax {
			letters = append(letters, l.drain(ctx)...)
		}
		if len(letters) > 0 {
			l.take(ctx, letters)
		}
	}
}

// letter is a message that was read.
type letter struct {
	msg    Message
	signal failover.Signal
	ok     bool
	err    error
}

func (l *Loop) read(msgs []Message) []letter {
	out := make([]letter, len(msgs))
	for i, m := range msgs {
		out[i].msg = m
		out[i].signal, out[i].ok, out[i].err = l.Parse(m.Body)
	}
	return out
}

// full says whether as many messages are held as may be.
func (l *Loop) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.messages) >= messagesMax
}

// drain goes on receiving after a full batch, within bounds, so that a burst of events becomes one pass. The
// messages are read where they are received, side by side: two hundred take some 20 ms of processor time.
func (l *Loop) drain(ctx context.Context) []letter {
	until := time.Now().Add(l.ours(drainFor))
	ctx, cancel := context.WithDeadline(ctx, until.Add(drainLate))
	defer cancel()
	var out []letter
	for batches := 0; batches < drainBatches && time.Now().Before(until); batches += drainParallel {
		var mu sync.Mutex
		var round sync.WaitGroup
		more := true
		for range drainParallel {
			round.Go(func() {
				msgs, err := l.Queue.Receive(ctx, 0)
				letters := l.read(msgs)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, letters...)
				more = more && err == nil && len(msgs) == BatchMax
			})
		}
		round.Wait()
		if !more {
			break
		}
	}
	return out
}

// take puts messages into the inboxes and wakes the loop. What concerns no workload is acknowledged at once.
// What cannot be read is left to the queue, which in the end puts it into its dead-letter queue.
func (l *Loop) take(ctx context.Context, letters []letter) {
	var settled []Message
	now := time.Now()
	l.mu.Lock()
	for _, in := range letters {
		m, s := in.msg, in.signal
		if t := l.messages[m.ID]; t != nil && m.ID != "" {
			t.msg.Receipt = m.Receipt // the same message again: the newest receipt counts
			continue
		}
		if in.err != nil {
			l.Log.LogAttrs(ctx, slog.LevelWarn, "message not understood; left for the dead-letter queue",
				slog.String(KeyMessageID, m.ID), slog.Any(KeyErr, in.err), slog.String(KeyHint, HintOf(in.err)))
			continue
		}
		targets := l.find(&s)
		if !in.ok || len(targets) == 0 {
			if in.ok {
				l.meet(ctx, &s)
			} else if l.Aside != nil && l.Aside(m) {
				continue
			}
			settled = append(settled, m)
			continue
		}
		t := &tracked{msg: m, left: len(targets)}
		l.messages[m.ID] = t
		for _, to := range targets {
			s.Pool = l.Workloads[to.workload].Policy.Pools[to.pool].Name
			it := l.items[to.workload]
			it.inbox = append(it.inbox, arrival{s, t})
			l.wantLocked(it, now, it.gapFor(s.Kind))
		}
	}
	l.mu.Unlock()
	l.poke()
	l.ack(ctx, settled)
}

// gapFor returns the least time between the last pass and one that a signal wakes: short for what may call for
// cover, unless the last such pass found nothing to do; long for what can wait, such as the many steps of a
// deployment's tasks.
func (it *item) gapFor(k failover.SignalKind) time.Duration {
	switch k {
	case failover.SignalInterruption, failover.SignalInfrastructure, failover.SignalUnhealthyStop, failover.SignalPlacementFailure, failover.SignalCapacityStop,
		failover.SignalQuota:
		if it.idle {
			return passGapIdle
		}
		return passGap
	}
	return passGapQuiet
}

// settleLocked takes what a pass dealt with out of the inbox, and returns the messages that are done with.
func (l *Loop) settleLocked(j *job) []Message {
	var done []Message
	j.it.inbox = j.it.inbox[len(j.taken):]
	if len(j.it.inbox) == 0 {
		j.it.inbox = nil
	}
	for _, a := range j.taken {
		if a.from.left--; a.from.left == 0 {
			delete(l.messages, a.from.msg.ID)
			done = append(done, a.from.msg)
		}
	}
	return done
}

// ack acknowledges messages. One that is not comes again, and then changes nothing.
func (l *Loop) ack(ctx context.Context, msgs []Message) {
	if len(msgs) == 0 || l.Queue == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ActTimeout)
	defer cancel()
	if err := l.Queue.Ack(ctx, msgs); err != nil {
		l.Log.LogAttrs(ctx, slog.LevelWarn, "messages not acknowledged; they come again",
			slog.Int(KeyMessages, len(msgs)), slog.Any(KeyErr, err), slog.String(KeyHint, HintOf(err)))
	}
}

// Pause waits d, and returns the context's error where that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	if !Wait(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// Wait waits d, and reports whether ctx goes on.
func Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
