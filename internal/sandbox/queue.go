package sandbox

import (
	"container/heap"
	"strconv"
	"strings"
	"time"
)

// Limits of SQS, and one of ours.
const (
	messageBytesMax   = 1 << 20 // AWS: 1 MiB
	batchEntriesMax   = 10
	sizeLimitMin      = 1 << 10 // of MaximumMessageSize
	inFlightMax       = 120_000
	delayMax          = 15 * time.Minute
	visibilityMax     = 12 * time.Hour
	pollMax           = 20 * time.Second
	visibilityDefault = 30 * time.Second
	retentionDefault  = 4 * 24 * time.Hour
	retentionMin      = time.Minute
	retentionMax      = 14 * 24 * time.Hour
	keyReuseMin       = time.Minute
	keyReuseMax       = 24 * time.Hour
	queueTagsMax      = 50
	queuesMax         = 1000
	// messagesMax bounds a queue that nobody reads; AWS has no such limit. The oldest message goes.
	messagesMax = 50_000
)

// messageAttribute is a message attribute as SQS has it.
type messageAttribute struct {
	DataType    string `xml:"DataType"`
	StringValue string `json:",omitempty" xml:"StringValue,omitempty"`
	BinaryValue []byte `json:",omitempty" xml:"BinaryValue,omitempty"`
}

type redrivePolicy struct {
	Target      string // ARN of the dead-letter queue
	ReceivesMax int
}

// message is one message of a queue. It is in the ready list or in the hidden heap, or dead.
type message struct {
	id         string
	body       string
	md5        string
	attributes map[string]messageAttribute
	trace      string // AWSTraceHeader
	sender     string
	sentAt     time.Time
	visibleAt  time.Time
	firstAt    time.Time // of the first receive
	receives   int
	place      int // index in the hidden heap; -1: in the ready list
	dead       bool
}

// queueSettings are a queue's attributes as far as a second call to make it must name the same.
type queueSettings struct {
	visibility, delay, poll, retention time.Duration
	bytesMax                           int           // of a message
	key                                string        // of KMS; empty: none
	keyReuse                           time.Duration // how long SQS uses a data key; 0: its own five minutes
	plain                              bool          // not encrypted: SqsManagedSseEnabled is false
}

var defaultSettings = queueSettings{visibility: visibilityDefault, retention: retentionDefault, bytesMax: messageBytesMax}

// queue is a standard queue: at-least-once, in order as far as nothing becomes visible again.
type queue struct {
	name      string
	arn       string
	createdAt time.Time
	changedAt time.Time
	policy    accessPolicy
	redrive   *redrivePolicy
	queueSettings
	tags map[string]string

	ready  []*message // in the order they became visible; dead ones are skipped when met
	hidden hiddenHeap // in flight or delayed, by the time they become visible
	all    map[string]*message
	now    time.Time
	seen   func(*message) // called when a message is visible for the first time
}

// add puts a message in, visible at m.visibleAt. It reports whether an old message had to go for it.
func (q *queue) add(m *message) (dropped bool) {
	if len(q.all) >= messagesMax {
		dropped = q.dropOldest()
	}
	q.all[m.id] = m
	if m.visibleAt.After(q.now) {
		heap.Push(&q.hidden, m)
		return dropped
	}
	q.show(m)
	return dropped
}

func (q *queue) show(m *message) {
	m.place = -1
	q.ready = append(q.ready, m)
	if m.receives == 0 && q.seen != nil {
		q.seen(m)
	}
}

func (q *queue) dropOldest() bool {
	for len(q.ready) > 0 {
		m := q.ready[0]
		q.ready = q.ready[1:]
		if !m.dead {
			m.dead = true
			delete(q.all, m.id)
			return true
		}
	}
	return false
}

// advance makes visible what is due.
func (q *queue) advance(now time.Time) {
	q.now = now
	for len(q.hidden) > 0 && !q.hidden[0].visibleAt.After(now) {
		m := heap.Pop(&q.hidden).(*message)
		q.show(m)
	}
	for len(q.ready) > 0 && (q.ready[0].dead || now.Sub(q.ready[0].sentAt) >= q.retention) {
		q.remove(q.ready[0])
		q.ready = q.ready[1:]
	}
}

// nextVisible returns when the next hidden message becomes visible.
func (q *queue) nextVisible() (time.Time, bool) {
	if len(q.hidden) == 0 {
		return time.Time{}, false
	}
	return q.hidden[0].visibleAt, true
}

// receive takes up to n visible messages and hides them. A message received ReceivesMax times before goes to
// bury instead, as SQS moves it when somebody asks for it once more.
func (q *queue) receive(n int, visibility time.Duration, bury func(*message)) []*message {
	var taken []*message
	for len(q.ready) > 0 && len(taken) < n && len(q.hidden) < inFlightMax {
		m := q.ready[0]
		q.ready[0] = nil
		q.ready = q.ready[1:]
		switch {
		case m.dead:
		case q.now.Sub(m.sentAt) >= q.retention:
			q.remove(m)
		case q.redrive != nil && m.receives >= q.redrive.ReceivesMax && bury != nil:
			q.remove(m)
			bury(m)
		default:
			m.receives++
			if m.firstAt.IsZero() {
				m.firstAt = q.now
			}
			m.visibleAt = q.now.Add(visibility)
			heap.Push(&q.hidden, m)
			taken = append(taken, m)
		}
	}
	if visibility == 0 {
		q.advance(q.now) // visible again at once
	}
	return taken
}

// remove deletes a message for good.
func (q *queue) remove(m *message) {
	m.dead = true
	delete(q.all, m.id)
	if m.place >= 0 && m.place < len(q.hidden) && q.hidden[m.place] == m {
		heap.Remove(&q.hidden, m.place)
	}
}

// hide changes when an in-flight message becomes visible.
func (q *queue) hide(m *message, visibility time.Duration) {
	m.visibleAt = q.now.Add(visibility)
	heap.Fix(&q.hidden, m.place)
	q.advance(q.now)
}

// inFlight says whether the message is hidden because somebody received it.
func (m *message) inFlight() bool { return !m.dead && m.place >= 0 && m.receives > 0 }

// counts returns the three numbers that GetQueueAttributes gives.
func (q *queue) counts() (visible, notVisible, delayed int) {
	for _, m := range q.hidden {
		if m.receives > 0 {
			notVisible++
		} else {
			delayed++
		}
	}
	return len(q.all) - notVisible - delayed, notVisible, delayed
}

// oldest is the age of the oldest message that was received less than three times.
func (q *queue) oldest() time.Duration {
	age := time.Duration(0)
	for _, m := range q.all {
		if m.receives < 3 {
			age = max(age, q.now.Sub(m.sentAt))
		}
	}
	return age
}

func (q *queue) purge() {
	for _, m := range q.all {
		m.dead = true
	}
	q.ready, q.hidden, q.all = nil, nil, map[string]*message{}
}

// receipt is the handle of the latest receive.
func (m *message) receipt() string { return m.id + "#" + strconv.Itoa(m.receives) }

// byReceipt finds the message that a receipt handle belongs to: nil if it is gone. latest says whether the
// handle is the one of the last receive, ok whether it is a handle at all.
func (q *queue) byReceipt(handle string) (m *message, latest, ok bool) {
	id, _, ok := strings.Cut(handle, "#")
	if !ok || id == "" {
		return nil, false, false
	}
	m = q.all[id]
	return m, m != nil && m.receipt() == handle, true
}

// hiddenHeap orders messages by the time they become visible.
type hiddenHeap []*message

func (h hiddenHeap) Len() int           { return len(h) }
func (h hiddenHeap) Less(i, j int) bool { return h[i].visibleAt.Before(h[j].visibleAt) }
func (h hiddenHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *hiddenHeap) Push(x any) {
	m := x.(*message)
	m.place = len(*h)
	*h = append(*h, m)
}

// Pop implements heap.Interface.
func (h *hiddenHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	m.place = -1
	return m
}
