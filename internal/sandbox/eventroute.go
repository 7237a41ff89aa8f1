package sandbox

import (
	"log/slog"
	"math/rand/v2"
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

// routeLocked delivers one event of ECS. A rule matches the events of its own region.
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
		follow(s, s.rules[ruleKey{e.Region, implicitRule}], body, at, true)
		return
	}
	routeEvent(s, e.Region, body, at, true)
}

// routeEvent gives an event to each rule of a region. fromECS saves reading the event for the rule that wants every one of ECS.
func routeEvent(s *Sandbox, region string, body []byte, at time.Time, fromECS bool) {
	byName := s.rulesOf(region)
	for _, name := range sortedKeys(byName) {
		follow(s, byName[name], body, at, fromECS)
	}
}

// managedKey is the alias of the key that AWS manages for SQS.
const managedKey = "alias/aws/sqs"

// follow delivers an event to the targets of a rule, if the rule matches it.
func follow(s *Sandbox, r *rule, body []byte, at time.Time, fromECS bool) {
	if r.deleted || r.State != ruleEnabled || r.pattern == nil || len(r.targets) == 0 {
		return
	}
	if r.EventPattern != everyEvent || !fromECS {
		if matched, err := r.pattern.Matches(body); err != nil || !matched {
			return
		}
	}
	for _, t := range r.targets {
		hand(s, r, t, body, at)
	}
}

// hand brings an event to one target. Targets that are no queues and no topics of the sandbox get nothing; what a target's policy or key keeps out, or
// what is for a queue or a topic that is gone, goes to the target's dead-letter queue.
func hand(s *Sandbox, r *rule, t *ruleTarget, body []byte, at time.Time) {
	d := delivery{service: principalEvents, source: r.Arn, account: s.account()}
	q, to := queueFor(s, t.Arn, d), topicFor(s, t.Arn, regionOf(r.Arn), d)
	if q == nil && to == nil {
		q = queueFor(s, t.DeadLetterConfig.Arn, d)
	}
	if q == nil && to == nil {
		return
	}
	input := t.bodyFor(body)
	for _, visible := range arrivals(s.rand, s.trouble, at) {
		if q != nil {
			s.enqueue(q, s.newMessage(input, at, visible))
			continue
		}
		publishTo(s, to, notification{id: s.newID(), message: input, at: at, visible: visible})
	}
}

// regionOf is the region in an ARN.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 5); len(parts) == 5 {
		return parts[3]
	}
	return ""
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

// arrivals draws when something that is delivered at a moment arrives: never, once or twice.
func arrivals(r *rand.Rand, t Trouble, at time.Time) []time.Time {
	strikes := func(share float64) bool { return share > 0 && r.Float64() < share }
	late := func() time.Duration {
		return time.Duration(r.Float64() * t.LateSeconds * float64(time.Second))
	}
	if t.Paused || strikes(t.LostShare) {
		return nil
	}
	copies := 1
	if strikes(t.DuplicateShare) {
		copies = 2
	}
	out := make([]time.Time, copies)
	for i := range out {
		out[i] = at
		if i > 0 || strikes(t.LateShare) {
			out[i] = at.Add(late())
		}
	}
	return out
}
