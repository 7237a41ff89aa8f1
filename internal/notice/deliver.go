package notice

import (
	"context"
	"errors"
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
	// claimFor is how long others leave a letter alone that another process has begun to send: longer than an attempt
	// and what is stored before and after it.
	claimFor = time.Minute
	// retryFirst and retryMax bound the wait before another attempt, which doubles; giveUp is when a receiver that
	// takes nothing is given up for a letter.
	retryFirst = time.Minute
	retryMax   = time.Hour
	giveUp     = 72 * time.Hour
	// refusedFor is how long a receiver that has refused a letter gets none.
	refusedFor = time.Hour
)

// RefusedError is what a [Sender] returns when its receiver will never take what is sent as things are: the URL is not one of its
// own any more, or the role may not publish.
type RefusedError struct {
	Err error
	Do  string
}

// Error is the refusal.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the refusal.
func (e *RefusedError) Unwrap() error { return e.Err }

// Hint says what a person can do about it.
func (e *RefusedError) Hint() string { return e.Do }

// sent is what became of one letter: the receivers that have not got it yet, and those that refused it.
type sent struct {
	left    []string
	refused map[string]string
	taken   []string
}

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
				l.Left = d.receivers(&f.book, now)
			}
			due = append(due, *l)
		}
		return len(due) > 0
	})
	if len(due) == 0 || ctx.Err() != nil {
		return
	}
	results := make(map[string]sent, len(due))
	for _, l := range due {
		results[l.Message.ID] = d.send(ctx, l)
	}
	d.update(ctx, name, f, func() bool {
		d.settle(ctx, name, f, results, now)
		return true
	})
}

// receivers are those that a letter goes to: not one that has refused a letter within the hour.
func (d *Desk) receivers(b *Book, now time.Time) []string {
	out := []string{}
	for _, s := range d.o.Senders {
		if r, refused := b.Refused[s.Name()]; !refused || now.Sub(r.Tried) >= refusedFor {
			out = append(out, s.Name())
		}
	}
	return out
}

// settle puts what became of letters into the book.
func (d *Desk) settle(ctx context.Context, name string, f *file, results map[string]sent, now time.Time) {
	b := &f.book
	kept := b.Letters[:0]
	var tell []Letter
	for _, l := range b.Letters {
		got, ok := results[l.Message.ID]
		if !ok {
			kept = append(kept, l)
			continue
		}
		for _, receiver := range got.taken {
			delete(b.Refused, receiver)
			d.refused.Delete(receiver)
		}
		for receiver, text := range got.refused {
			if news := d.refusal(b, receiver, text, now, &l.Message); news != nil {
				tell = append(tell, *news)
				f.mine[news.Message.ID] = true
			}
		}
		if l.Left = got.left; len(l.Left) == 0 {
			continue
		}
		if now.Sub(l.Message.At) > giveUp {
			d.o.Log.LogAttrs(ctx, slog.LevelError, "notice given up", slog.String(control.KeyWorkload, name),
				slog.String(control.KeyKind, string(l.Message.Kind)), slog.Any("receivers", l.Left))
			continue
		}
		kept = append(kept, l)
	}
	b.Letters = append(kept, tell...)
}

// refusal notes that a receiver refuses, and returns the letter that says so to the others; nil if it was said.
func (d *Desk) refusal(b *Book, receiver, text string, now time.Time, about *Message) *Letter {
	if b.Refused == nil {
		b.Refused = map[string]Refusal{}
	}
	was, known := b.Refused[receiver]
	if !known {
		was.Since = now
	}
	b.Refused[receiver] = Refusal{Since: was.Since, Tried: now, Text: clip(text)}
	if _, told := d.refused.LoadOrStore(receiver, clip(text)); told || known {
		return nil
	}
	kind := ReceiverRefuses.declared()
	m := *about // of the same workload, at the same moment
	m.Kind, m.Status, m.Severity, m.Title, m.Do = ReceiverRefuses, Event, kind.Severity, kind.Title, kind.Do
	m.Key = m.Workload + "/receiver_refuses/" + receiver
	m.What, m.Why, m.Cost, m.Next, m.Since = []string{clip(text)}, "", "", nil, time.Time{}
	m.ID = idOf(m.Workload, m.Kind, m.Status, m.Key, now)
	l := Letter{Message: m}
	for _, name := range d.receivers(b, now) {
		if name != receiver {
			l.Left = append(l.Left, name)
		}
	}
	if len(l.Left) == 0 {
		return nil // there is no other receiver; the log and `status` say it
	}
	return &l
}

// send sends a letter to those receivers that have not got it, side by side.
func (d *Desk) send(ctx context.Context, l Letter) sent {
	var mu sync.Mutex
	out := sent{left: []string{}, refused: map[string]string{}}
	var all sync.WaitGroup
	for _, name := range l.Left {
		i := slices.IndexFunc(d.o.Senders, func(s Sender) bool { return s.Name() == name })
		if i < 0 {
			continue // not configured any more
		}
		if _, is := d.silent.Load(name); is {
			mu.Lock()
			out.left = append(out.left, name)
			mu.Unlock()
			continue
		}
		all.Go(func() {
			begun := d.o.Now()
			err := Try(ctx, d.o.Senders[i], l.Message)
			if err != nil && d.o.Now().Sub(begun) >= slow {
				d.silent.Store(name, true)
			}
			var refused *RefusedError
			mu.Lock()
			defer mu.Unlock()
			switch attrs := []slog.Attr{slog.String(control.KeyWorkload, l.Message.Workload), slog.String(control.KeyKind, string(l.Message.Kind)),
				slog.String("receiver", name), slog.Any(control.KeyErr, err)}; {
			case err == nil:
				out.taken = append(out.taken, name)
			case errors.As(err, &refused):
				out.refused[name] = err.Error()
				d.o.Log.LogAttrs(ctx, slog.LevelError, "notice refused", append(attrs, slog.String(control.KeyHint, refused.Do))...)
			default:
				out.left = append(out.left, name)
				d.o.Log.LogAttrs(ctx, slog.LevelWarn, "notice not sent; it is tried again", attrs...)
			}
		})
	}
	all.Wait()
	return out
}

// Try sends a message once, and waits no longer than [Desk] would.
func Try(ctx context.Context, s Sender, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return safely(ctx, s, m)
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
