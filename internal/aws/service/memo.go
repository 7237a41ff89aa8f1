package service

import (
	"context"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
)

// memo keeps one answer for as long as it is young by AWS's clock. Callers that come at the same time make one call.
type memo[T any] struct {
	gate  chan struct{} // holds one token: that of who may ask
	mu    sync.Mutex
	at    time.Time
	value T
}

// age is how old an answer may be: younger than fresh it is not asked for again; up to stale it is where there is a call to spare.
type age struct {
	fresh, stale time.Duration
	kept         bool // nothing is asked for: what is not kept cannot be told
}

// kept returns the answer if it is at most age old.
func (m *memo[T]) kept(now time.Time, age time.Duration) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// An answer from after now is that of a look beside this one, which heard AWS's clock a moment later.
	if old := now.Sub(m.at); m.at.IsZero() || old < -healthFor || old > age {
		return value, false
	}
	return m.value, true
}

// get returns the answer if it is young enough, else asks for it, with the token that spare gave if it did. An error is not kept.
func (m *memo[T]) get(ctx context.Context, now time.Time, age age, spare func() bool, ask func(granted bool) (T, error)) (T, error) {
	var none T
	if age.kept {
		if value, ok := m.kept(now, max(age.fresh, age.stale)); ok {
			return value, nil
		}
		return none, failure.ErrRate
	}
	select {
	case <-m.gate:
	default: // another asks already
		if value, ok := m.kept(now, age.stale); ok {
			return value, nil
		}
		select {
		case <-m.gate:
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
	defer func() { m.gate <- struct{}{} }()
	if value, ok := m.kept(now, age.fresh); ok {
		return value, nil
	}
	old, stale := m.kept(now, age.stale)
	if stale && !spare() {
		return old, nil
	}
	value, err := ask(stale) // where it is stale, spare has given a token
	if err != nil {
		return none, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.value = now, value
	return value, nil
}

// memos are memos by key. The zero value is ready.
type memos[T any] struct {
	mu  sync.Mutex
	all map[string]*memo[T]
}

// len is how many keys there are.
func (m *memos[T]) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.all)
}

func (m *memos[T]) of(key string) *memo[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = make(map[string]*memo[T])
	}
	if m.all[key] == nil {
		m.all[key] = &memo[T]{gate: make(chan struct{}, 1)}
		m.all[key].gate <- struct{}{}
	}
	return m.all[key]
}
