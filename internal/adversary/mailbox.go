package adversary

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// invisible is how long a received message stays hidden (internal/aws/queue).
	invisible = time.Minute
	// receivesMax is after how many receives a message goes to the dead-letter queue.
	receivesMax = 5
	// signalsKept is how many of the newest signals are kept whatever became of their messages.
	signalsKept = 5000
)

var errPoison = errors.New("not an EventBridge event")

// letter is one message in the queue.
type letter struct {
	id       string
	body     []byte
	sentAt   time.Time
	visible  time.Time
	receives int
	poison   bool
	signal   failover.Signal
	ok       bool
}

// mailbox is the events queue: each message at least once, hidden while it is worked on, and in the
// dead-letter queue after too many receives. It is guarded by the run's mutex.
type mailbox struct {
	letters []*letter
	// signals are what the bodies stand for, by number; posted is how many there ever were.
	signals map[uint64]failover.Signal
	posted  uint64
	dead    []*letter
	arrived chan struct{} // closed and replaced when something can be received
	serial  int
}

// post puts an event's message into the queue, through the troubles of the way.
func (r *run) post(s failover.Signal, ok bool) {
	m := &r.mail
	now := r.w.Now()
	h := hash(r.plan.Seed, 0xe7e47, m.posted)
	m.forget()
	m.signals[m.posted] = s
	body := bodyOf(m.posted)
	m.posted++
	if ok {
		r.watch.happened(&s)
	}
	if r.troubled && r.has(EventLost, share(hash(h, 1))) {
		return
	}
	visible := now
	if r.troubled && r.has(EventLate, share(hash(h, 2))) {
		visible = now.Add(time.Duration(share(hash(h, 3)) * float64(10*time.Minute)))
	}
	r.enqueue(&letter{body: body, sentAt: now, visible: visible, signal: s, ok: ok})
	if r.troubled && r.has(EventTwice, share(hash(h, 4))) {
		later := visible.Add(time.Duration(share(hash(h, 5)) * float64(5*time.Minute)))
		r.enqueue(&letter{body: body, sentAt: now, visible: later, signal: s, ok: ok})
	}
	if r.troubled && r.has(EventPoison, share(hash(h, 6))) {
		r.enqueue(&letter{body: []byte("{"), sentAt: now, visible: visible, poison: true})
	}
}

// forget drops the signals of messages that are gone, once they are many. A process may still hold a message
// whose copy in the queue was acknowledged: the newest are kept.
func (m *mailbox) forget() {
	if len(m.signals) < 2*signalsKept {
		return
	}
	kept := make(map[uint64]failover.Signal, signalsKept)
	for _, l := range m.letters {
		if n := binary.BigEndian.Uint64(append(l.body, make([]byte, 8)...)); !l.poison {
			kept[n] = m.signals[n]
		}
	}
	for n := m.posted - signalsKept; n < m.posted; n++ {
		kept[n] = m.signals[n]
	}
	m.signals = kept
}

func (r *run) enqueue(l *letter) {
	r.mail.serial++
	l.id = strconv.Itoa(r.mail.serial)
	r.mail.letters = append(r.mail.letters, l)
}

// announce wakes those who wait, if something can be received.
func (r *run) announce() {
	now := r.w.Now()
	for _, l := range r.mail.letters {
		if !l.visible.After(now) {
			close(r.mail.arrived)
			r.mail.arrived = make(chan struct{})
			return
		}
	}
}

// nextVisible returns when the next hidden message can be received.
func (m *mailbox) nextVisible(now time.Time) (next time.Time) {
	for _, l := range m.letters {
		if l.visible.After(now) && (next.IsZero() || l.visible.Before(next)) {
			next = l.visible
		}
	}
	return next
}

// take receives up to ten messages.
func (r *run) take() []control.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.catchUp().Now()
	m := &r.mail
	var out []control.Message
	kept := m.letters[:0]
	for _, l := range m.letters {
		if l.visible.After(now) || len(out) >= control.BatchMax {
			kept = append(kept, l)
			continue
		}
		if l.receives++; l.receives > receivesMax {
			m.dead = append(m.dead, l)
			continue
		}
		l.visible = now.Add(invisible)
		kept = append(kept, l)
		out = append(out, control.Message{ID: l.id, Body: l.body, Receipt: l.id, SentAt: l.sentAt, Received: l.receives})
	}
	clear(m.letters[len(kept):])
	m.letters = kept
	if len(out) > 0 {
		r.poke() // the clockwork must know when they are visible again
	}
	return out
}

// postOffice is [control.Queue] over the mailbox, as one writer reaches it.
type postOffice struct {
	r *run
	// lag is how much later than a message's arrival the writer has it, so that no two writers take at one
	// moment.
	lag time.Duration
	// stretch makes long polls longer than asked for.
	stretch time.Duration
}

// Receive waits up to wait for the first message.
func (o postOffice) Receive(ctx context.Context, wait time.Duration) ([]control.Message, error) {
	until := time.Now().Add(wait * o.stretch)
	for {
		o.r.mu.Lock()
		arrived := o.r.mail.arrived
		o.r.mu.Unlock()
		msgs := o.r.take()
		left := time.Until(until)
		if len(msgs) > 0 || left <= 0 {
			return msgs, nil
		}
		timer := time.NewTimer(left)
		select {
		case <-arrived:
			if !control.Wait(ctx, o.lag) {
				return nil, ctx.Err()
			}
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		timer.Stop()
	}
}

// Ack deletes messages.
func (o postOffice) Ack(_ context.Context, msgs []control.Message) error {
	r := o.r
	r.mu.Lock()
	defer r.mu.Unlock()
	r.catchUp()
	for _, m := range msgs {
		r.mail.letters = slices.DeleteFunc(r.mail.letters, func(l *letter) bool {
			if l.id != m.Receipt {
				return false
			}
			r.watch.acknowledged(l)
			return true
		})
	}
	return nil
}

// parse reads a message's body: the number of an event, or poison.
func (r *run) parse(body []byte) (failover.Signal, bool, error) {
	if len(body) != 8 {
		return failover.Signal{}, false, errPoison
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.mail.signals[binary.BigEndian.Uint64(body)]
	return s, s.Kind != "", nil
}

// acknowledged checks a message at the moment of its deletion: what it says is in the state, or is too old to be.
func (w *watch) acknowledged(l *letter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked[acknowledgements]++
	if l.poison {
		w.breachLocked("nothing_unread_is_deleted", "message %s cannot be read and was acknowledged", l.id)
		return
	}
	s := &l.signal
	switch s.Kind {
	case failover.SignalInterruption, failover.SignalPlacementFailure, failover.SignalCapacityStop, failover.SignalApplicationStop,
		failover.SignalStartImpaired, failover.SignalConfiguration, failover.SignalDeploymentFailed, failover.SignalQuota:
	default:
		return
	}
	id := s.Task
	if id == "" {
		id = s.ID
	}
	at := s.At
	if f, ok := w.facts[factKey{s.Kind, w.poolOf(s.Service), id}]; ok && f.first.Before(at) {
		at = f.first // the warning came before the stop, and is one evidence with it
	}
	if time.Since(at) > evidenceKept {
		return
	}
	for i := range w.latest.State.Window {
		if e := &w.latest.State.Window[i]; e.Kind == s.Kind && e.ID == id && e.Pool == w.poolOf(s.Service) {
			return
		}
	}
	if len(w.latest.State.Window) < failover.EvidenceMax {
		w.breachLocked("committed_before_acknowledged", "message %s (%s of %s, %s old) was acknowledged; the state does not hold it", l.id, s.Kind,
			s.Service, time.Since(s.At))
	}
}

// bodyOf is the body of the message of an event.
func bodyOf(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }
