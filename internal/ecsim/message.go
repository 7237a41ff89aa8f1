package ecsim

import (
	"strconv"
	"strings"
)

// messageKind is one of the sentences in a service's events.
type messageKind uint8

const (
	sayStarted messageKind = iota
	sayStopped
	saySteadyState
	sayNoCapacity
	sayNoQuota
	sayImpaired
	sayGuarded
	sayCompleted
	sayFailed
	sayDraining
	sayRegistered
	sayDeregistered
	sayUnhealthy // in a target group
	sayUnwell    // by its container health check
)

// message is one of a service's events, kept as facts and put into words when it is read.
type message struct {
	kind messageKind
	at   moment
	no   uint64
	n    int
	ids  [idsPerMessage]uint64
	text string
}

// say keeps a message; the oldest of a hundred goes.
func (w *World) say(s *service, m message) {
	m.at = w.now
	s.messageNo++
	m.no = s.messageNo
	if len(s.messages) < maxServiceMessages {
		s.messages = append(s.messages, m)
		return
	}
	s.messages[s.messageFrom] = m
	s.messageFrom = (s.messageFrom + 1) % maxServiceMessages
}

// sayOf keeps a message about one task.
func (w *World) sayOf(t *task, kind messageKind, text string) {
	m := message{kind: kind, n: 1, text: text}
	m.ids[0] = t.uid
	w.say(t.service, m)
}

// gathering collects the tasks that one look starts or stops, for the messages that name them.
type gathering struct {
	n   int
	ids [idsPerMessage]uint64
}

func (w *World) gather(s *service, t *task) {
	g := &w.gathered
	g.ids[g.n] = t.uid
	g.n++
	if g.n < idsPerMessage {
		return
	}
	if t.status == provisioning && t.version == 0 {
		w.flushStarts(s)
	} else {
		w.flushStops(s)
	}
}

func (w *World) flushStarts(s *service) { w.flush(s, sayStarted) }

func (w *World) flushStops(s *service) { w.flush(s, sayStopped) }

func (w *World) flush(s *service, kind messageKind) {
	if w.gathered.n > 0 {
		w.say(s, message{kind: kind, n: w.gathered.n, ids: w.gathered.ids})
		w.gathered.n = 0
	}
}

// messagesOf returns a service's events in words, newest first.
func (w *World) messagesOf(s *service) []ServiceMessage {
	out := make([]ServiceMessage, 0, len(s.messages))
	for i := len(s.messages) - 1; i >= 0; i-- {
		m := &s.messages[(s.messageFrom+i)%len(s.messages)]
		out = append(out, ServiceMessage{
			ID: w.uuid(uint64(s.index)<<32|0xe, m.no), At: w.timeOf(m.at), Message: "(service " + s.ref.Service + ") " + w.words(m),
		})
	}
	return out
}

func (w *World) words(m *message) string {
	switch m.kind {
	case sayStarted:
		return "has started " + strconv.Itoa(m.n) + " tasks:" + w.naming(m) + "."
	case sayStopped:
		return "has stopped " + strconv.Itoa(m.n) + " running tasks:" + w.naming(m) + "."
	case saySteadyState:
		return "has reached a steady state."
	case sayNoCapacity:
		return "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different " +
			"availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	case sayNoQuota:
		return "was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently. " +
			"For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	case sayImpaired:
		return "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section."
	case sayGuarded:
		return "was unable to scale in due to (protected tasks)."
	case sayCompleted:
		return "(deployment " + m.text + ") deployment completed."
	case sayFailed:
		return "(deployment " + m.text + ") deployment failed: tasks failed to start."
	case sayDraining:
		return "has begun draining."
	case sayRegistered:
		return "registered " + strconv.Itoa(m.n) + " targets in (target-group " + m.text + ")"
	case sayDeregistered:
		return "deregistered " + strconv.Itoa(m.n) + " targets in (target-group " + m.text + ")"
	case sayUnhealthy:
		return strings.TrimSpace(w.naming(m)) + " is unhealthy in (target-group " + m.text + ") due to (reason Health checks failed)"
	case sayUnwell:
		return strings.TrimSpace(w.naming(m)) + " failed container health checks."
	}
	return ""
}

func (w *World) naming(m *message) string {
	var b strings.Builder
	for _, uid := range m.ids[:min(m.n, idsPerMessage)] {
		b.WriteString(" (task ")
		b.WriteString(w.taskID(uid))
		b.WriteByte(')')
	}
	return b.String()
}
