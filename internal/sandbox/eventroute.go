package sandbox

import (
	"log/slog"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// deliverLocked gives the events that have arrived to the targets of the rules that match them, through the trouble that SetDelivery adds.
func (s *Sandbox) deliverLocked() {
	s.events = s.world.DrainTo(s.events[:0])
	for i := range s.events {
		s.routeLocked(&s.events[i])
	}
	clear(s.events) // lets the tasks go
}

// routeLocked delivers one event. A rule matches the events of its own region.
func (s *Sandbox) routeLocked(e *ecsim.Event) {
	body, err := s.eventJSON(e)
	if err != nil {
		s.log.Error("event not encoded", slog.String("event_id", e.ID), slog.Any("error", err))
		return
	}
	at := e.DeliverAt
	if at.IsZero() {
		at = e.At
	}
	s.startRule(e.Region)
	if !s.ruled { // the usual case: there is no other rule
		s.followLocked(s.rules[ruleKey{e.Region, implicitRule}], body, at)
		return
	}
	byName := s.rulesOf(e.Region)
	for _, name := range sortedKeys(byName) {
		s.followLocked(byName[name], body, at)
	}
}

// managedKey is the alias of the key that AWS manages for SQS.
const managedKey = "alias/aws/sqs"

// followLocked delivers an event to the targets of a rule, if the rule matches it. Targets that are no queues of the sandbox get nothing; the
// events of a queue that is gone, or that EventBridge cannot encrypt for, go to the target's dead-letter queue.
func (s *Sandbox) followLocked(r *rule, body []byte, at time.Time) {
	if r.deleted || r.State != ruleEnabled || r.pattern == nil || len(r.targets) == 0 {
		return
	}
	if r.EventPattern != everyEvent { // that one is not worth reading the event again
		if matched, err := r.pattern.Matches(body); err != nil || !matched {
			return
		}
	}
	for _, t := range r.targets {
		q := s.queueOf(t.Arn)
		if q == nil || strings.HasSuffix(q.key, managedKey) { // whose policy is AWS's, and does not let EventBridge use it
			q = s.queueOf(t.DeadLetterConfig.Arn)
		}
		if q == nil {
			continue
		}
		s.deliver(q, t.bodyFor(body), at)
	}
}

// queueOf finds the queue that an ARN names; queues of the sandbox do not belong to a region.
func (s *Sandbox) queueOf(arn string) *queue {
	account, name, ok := queueOfARN(arn)
	if !ok || account != s.account() {
		return nil
	}
	return s.queues[name]
}

// queueOfARN reads arn:aws:sqs:REGION:ACCOUNT:NAME.
func queueOfARN(arn string) (account, name string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != serviceSQS {
		return "", "", false
	}
	return parts[4], parts[5], true
}

// Trouble is trouble on the way of events to the events queue, on top of what the model was configured with.
type Trouble struct {
	LostShare      float64 `json:"lost_share"`      // never delivered; AWS promises at least once
	DuplicateShare float64 `json:"duplicate_share"` // delivered twice
	LateShare      float64 `json:"late_share"`      // held back
	LateSeconds    float64 `json:"late_seconds"`    // by up to this long, virtual; the second of a duplicate too
	Paused         bool    `json:"paused"`          // everything is lost, as with a disabled rule
}

// SetDelivery sets the trouble that later events meet.
func (s *Sandbox) SetDelivery(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = t
}

func (s *Sandbox) deliver(q *queue, body string, at time.Time) {
	t := &s.trouble
	strikes := func(share float64) bool { return share > 0 && s.rand.Float64() < share }
	late := func() time.Duration {
		return time.Duration(s.rand.Float64() * t.LateSeconds * float64(time.Second))
	}
	if t.Paused || strikes(t.LostShare) {
		return
	}
	copies := 1
	if strikes(t.DuplicateShare) {
		copies = 2
	}
	for i := range copies {
		visible := at
		if i > 0 || strikes(t.LateShare) {
			visible = visible.Add(late())
		}
		s.enqueue(q, s.newMessage(body, at, visible))
	}
}
