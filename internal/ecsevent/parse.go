package ecsevent

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Limits on what is read. They are far above what AWS sends.
const (
	// bodyMax is the largest event read, in bytes. SQS carries at most 1 MiB, EventBridge sends at most 256 KiB.
	bodyMax = 1 << 20
	// nameMax bounds every identifier (ids, ARNs, names), in bytes. A longer one is an error, not cut: cut
	// identifiers could collide and count as duplicates.
	nameMax = 1024
	// reasonMax is how much of AWS's free text is kept, in bytes. It is kept for people only.
	reasonMax = 512
)

// ErrNotEvent is wrapped by every error of [Parse]: the message is not an EventBridge event of a known
// shape and belongs in the dead-letter queue.
var ErrNotEvent = errors.New("not an EventBridge event")

// envelope is what every EventBridge event has. "version" is the envelope's own and says nothing.
type envelope struct {
	ID         text            `json:"id"`
	Source     text            `json:"source"`
	DetailType text            `json:"detail-type"`
	Time       timestamp       `json:"time"`
	Account    text            `json:"account"`
	Region     text            `json:"region"`
	Resources  texts           `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Type names one kind of event: EventBridge's source and detail-type.
type Type struct{ Source, DetailType string }

// entry is one line of the registry: which events a parser reads.
type entry struct {
	Type
	parse func(*envelope) (failover.Signal, bool, error)
}

// accountLength is how many digits an account's ID has.
const accountLength = 12

// registry is the closed list of events that become signals. Everything else is none of our business.
var registry = [...]entry{
	{Type{"aws.ecs", "ECS Task State Change"}, parseTask},
	{Type{"aws.ecs", "ECS Service Action"}, parseServiceAction},
	{Type{"aws.ecs", "ECS Deployment State Change"}, parseDeployment},
}

// Types lists the events that [Parse] reads, for the rule that feeds the queue and for the documentation.
func Types() []Type {
	out := make([]Type, len(registry))
	for i, e := range registry {
		out[i] = e.Type
	}
	return out
}

// Parse reads one EventBridge event, bare or in one envelope of SNS. ok is false, with no error, for an event that says nothing about a
// service: an unknown source, detail-type or event name, a task that belongs to no service. The error wraps
// [ErrNotEvent] when body is not an event: malformed or truncated JSON, no source, a detail that is not an
// object or is gone, an identifier longer than any AWS makes. Where a rule's target most likely cut the event
// down or rewrote it, the error says so and has a Hint.
//
// The signal's Pool is empty; the caller knows which service is which pool. Cluster is empty too for a
// service that is named only by an old ARN, which has no cluster in it.
func Parse(body []byte) (s failover.Signal, ok bool, err error) {
	if len(body) > bodyMax {
		return s, false, fmt.Errorf("parse event: %w: %d bytes, at most %d are read", ErrNotEvent, len(body), bodyMax)
	}
	body = Unwrap(body)
	var env envelope
	if err := json.Unmarshal(body, &env); err != nil || env.Source == "" || env.DetailType == "" {
		if m := shapeOf(body); m != nil {
			err = m
		}
		return s, false, fmt.Errorf("parse event: %w: %w", ErrNotEvent, err)
	}
	for _, e := range registry {
		if e.Source != string(env.Source) || e.DetailType != string(env.DetailType) {
			continue
		}
		s, ok, err = e.parse(&env)
		if len(env.Account) == accountLength {
			s.Account = string(env.Account)
		}
		if err == nil && ok {
			err = checkNames(&s)
		}
		if err != nil {
			return failover.Signal{}, false, fmt.Errorf("parse %s: %w: %w", e.DetailType, ErrNotEvent, err)
		}
		if !ok {
			return failover.Signal{}, false, nil
		}
		return s, true, nil
	}
	return s, false, nil
}

// detail decodes the event's detail into v. Every event of the registry has one.
func (e *envelope) detail(v any) error {
	if len(e.Detail) == 0 || string(e.Detail) == "null" {
		return cut("detail")
	}
	if err := json.Unmarshal(e.Detail, v); err != nil {
		return fmt.Errorf("decode detail: %w", err)
	}
	return nil
}

// resource returns the name behind the first of the event's resources that is of the given kind, or "".
func (e *envelope) resource(kind string) (arn string) {
	for _, r := range e.Resources {
		if splitARN(r).kind == kind {
			return r
		}
	}
	return ""
}

func checkNames(s *failover.Signal) error {
	for _, f := range [...]struct{ what, value string }{
		{"id", s.ID}, {"region", s.Region}, {"cluster", s.Cluster}, {"service", s.Service}, {"task", s.Task},
		{"capacity provider", string(s.Capacity)}, {"availability zone", s.Zone}, {"stop code", s.StopCode},
		{"deployment", s.Deployment},
	} {
		if len(f.value) > nameMax {
			return fmt.Errorf("%s has %d bytes, at most %d are read", f.what, len(f.value), nameMax)
		}
	}
	return nil
}
