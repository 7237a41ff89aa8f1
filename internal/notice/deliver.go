package notice

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

const (
	// sendTimeout bounds one attempt.
	sendTimeout = 5 * time.Second
	// slow is what an attempt in vain must have taken for its receiver to be let alone until the next round: one that
	// does not answer must not cost every notice an attempt's time.
	slow = 2 * time.Second
	// claimFor is how long others leave a letter alone that somebody has begun to send: longer than an attempt
	// and what is stored before and after it.
	claimFor = time.Minute
	// retryFirst and retryMax bound the wait before another attempt, which doubles; giveUp is when a receiver that
	// takes nothing is given up for a letter.
	retryFirst = time.Minute
	retryMax   = time.Hour
	giveUp     = 72 * time.Hour
)

// deliver sends the letters of a workload that are due. Each is claimed first, so that of several processes one sends
// it; a process that dies then leaves it to the others.
func (d *Desk) deliver(ctx context.Context, name string, f *file) {
	now := d.now()
	var due []Letter
	d.update(ctx, name, f, func() bool {
		due = due[:0]
		for i := range f.book.Letters {
			l := &f.book.Letters[i]
			if l.NotBefore.After(now) || l.Try.After(now) || l.Try.IsZero() && l.Tries == 0 && !f.mine[l.Message.ID] && now.Sub(l.Message.At) < claimFor {
				continue
			}
			delete(f.mine, l.Message.ID)
			l.Tries++
			l.Try = now.Add(max(claimFor, wait(l.Tries)))
			if l.Left == nil {
				for _, s := range d.o.Senders {
					l.Left = append(l.Left, s.Name())
				}
			}
			due = append(due, *l)
		}
		return len(due) > 0
	})
	if len(due) == 0 || ctx.Err() != nil {
		return
	}
	left := make(map[string][]string, len(due))
	for _, l := range due {
		left[l.Message.ID] = d.send(ctx, l)
	}
	d.update(ctx, name, f, func() bool {
		kept := f.book.Letters[:0]
		for _, l := range f.book.Letters {
			if rest, sent := left[l.Message.ID]; sent {
				l.Left = rest
				if len(rest) > 0 && now.Sub(l.Message.At) > giveUp {
					d.o.Log.LogAttrs(ctx, slog.LevelError, "notice given up", slog.String(control.KeyWorkload, name),
						slog.String(control.KeyKind, string(l.Message.Kind)), slog.Any("receivers", rest))
					continue
				}
				if len(rest) == 0 {
					continue
				}
			}
			kept = append(kept, l)
		}
		f.book.Letters = kept
		return true
	})
}

// send sends a letter to those receivers that have not got it, side by side, and returns those that still have not.
func (d *Desk) send(ctx context.Context, l Letter) []string {
	var mu sync.Mutex
	left := []string{}
	var all sync.WaitGroup
	for _, name := range l.Left {
		i := slices.IndexFunc(d.o.Senders, func(s Sender) bool { return s.Name() == name })
		if i < 0 {
			continue // not configured any more
		}
		if _, is := d.silent.Load(name); is {
			mu.Lock()
			left = append(left, name)
			mu.Unlock()
			continue
		}
		all.Go(func() {
			sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
			defer cancel()
			begun := d.o.Now()
			err := safely(sendCtx, d.o.Senders[i], l.Message)
			if err == nil {
				return
			}
			if d.o.Now().Sub(begun) >= slow {
				d.silent.Store(name, true)
			}
			d.o.Log.LogAttrs(ctx, slog.LevelWarn, "notice not sent; it is tried again", slog.String(control.KeyWorkload, l.Message.Workload),
				slog.String(control.KeyKind, string(l.Message.Kind)), slog.String("receiver", name), slog.Any(control.KeyErr, err))
			mu.Lock()
			left = append(left, name)
			mu.Unlock()
		})
	}
	all.Wait()
	return left
}

// safely turns a sender's panic into an error.
func safely(ctx context.Context, s Sender, m Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("send notice: %v", p)
		}
	}()
	return s.Send(ctx, m)
}

// wait is how long to wait after the n-th try.
func wait(n int) time.Duration {
	d := retryFirst
	for ; n > 1 && d < retryMax; n-- {
		d *= 2
	}
	return min(d, retryMax)
}
