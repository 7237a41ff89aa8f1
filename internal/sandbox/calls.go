package sandbox

import (
	"maps"
	"time"
)

// Limits on what is remembered of calls.
const (
	callsKept     = 2000    // the last ones, with their inputs
	callInputKept = 4 << 10 // longer inputs are remembered as if empty
)

// Call is one AWS call that was answered.
type Call struct {
	At        time.Time `json:"at"`   // virtual time of arrival
	Wall      time.Time `json:"wall"` // real time of arrival
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Region    string    `json:"region"`
	Status    int       `json:"status"`
	Code      string    `json:"code,omitempty"`  // of the error, if one was given
	Lost      bool      `json:"lost,omitempty"`  // the answer never left
	Input     string    `json:"input,omitempty"` // the JSON it came with, if at most 4 KiB
}

// Name returns service and operation, for example ecs:UpdateService.
func (c Call) Name() string { return c.Service + ":" + c.Operation }

// Calls is what the sandbox remembers of the AWS calls since the start or the last Reset.
type Calls struct {
	Counts map[string]int `json:"counts"` // by Call.Name; refused ones included
	Errors map[string]int `json:"errors"` // by Call.Name and code: "ecs:UpdateService ThrottlingException"
	Last   []Call         `json:"last"`   // oldest first, at most 2,000
}

// Of returns the remembered calls of one operation, oldest first; name as Call.Name gives it.
func (c Calls) Of(name string) []Call {
	var of []Call
	for _, call := range c.Last {
		if call.Name() == name {
			of = append(of, call)
		}
	}
	return of
}

type callLog struct {
	counts, errors map[string]int
	ring           []Call
	next           int
}

func (l *callLog) add(c Call) {
	name := c.Name()
	l.counts[name]++
	if c.Code != "" {
		if l.errors == nil {
			l.errors = map[string]int{}
		}
		l.errors[name+" "+c.Code]++
	}
	if len(l.ring) < callsKept {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % callsKept
}

// Calls returns what is known of the calls so far.
func (s *Sandbox) Calls() Calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callsLocked()
}

func (s *Sandbox) callsLocked() Calls {
	l := &s.calls
	last := make([]Call, 0, len(l.ring))
	last = append(append(last, l.ring[l.next:]...), l.ring[:l.next]...)
	out := Calls{Counts: maps.Clone(l.counts), Errors: maps.Clone(l.errors), Last: last}
	if out.Errors == nil {
		out.Errors = map[string]int{}
	}
	return out
}

// ForgetCalls empties what Calls returns.
func (s *Sandbox) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = callLog{counts: map[string]int{}}
}
