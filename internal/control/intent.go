package control

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// RefusedError says that an operator's intent makes no sense in the state that the workload is in.
type RefusedError struct{ Err error }

// Error says why.
func (e *RefusedError) Error() string { return "refused: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// Intend records an operator's intent in a workload's state, together with a journal entry, and returns the
// new state. Nothing is done in the world: the next pass decides and acts. While a pass holds the lease it
// waits, in bounds; owner names the caller, now its clock. An intent that the state refuses gives a
// [*RefusedError].
func Intend(ctx context.Context, store Store, w Workload, owner string, in failover.Intent, now func() time.Time) (failover.State, error) {
	var last error
	var seen vigil
	for range intentTries {
		state, err := intend(ctx, store, w, owner, in, now(), &seen)
		var held *LeaseHeldError
		if err == nil || (!errors.Is(err, ErrStale) && !errors.As(err, &held)) {
			return state, err
		}
		last = err
		Wait(ctx, intentWait)
		if ctx.Err() != nil {
			break
		}
	}
	return failover.State{}, last
}

func intend(ctx context.Context, store Store, w Workload, owner string, in failover.Intent, now time.Time, seen *vigil) (failover.State, error) {
	ctx, cancel := context.WithTimeout(ctx, StoreTimeout)
	defer cancel()
	records, err := store.Load(ctx, []string{w.Name})
	if err != nil {
		return failover.State{}, fmt.Errorf("load %s: %w", w.Name, err)
	}
	before := records[w.Name].State
	if before.Workload == "" {
		before.Workload = w.Name
	}
	after, err := failover.Apply(w.Policy, before, in)
	if err != nil {
		return before, &RefusedError{err}
	}
	after.Generation = before.Generation + 1
	entry := journal.Entry{Version: journal.Version, ID: journal.NewID(now, rand.Uint32()), Workload: w.Name, At: in.At,
		Kind: journal.KindIntent, Generation: after.Generation, PolicyDigest: journal.PolicyDigest(w.Policy), Intent: &in}
	if lease := records[w.Name].Lease; lease.Held(owner, now) && seen.over(lease, now) {
		now = lease.past(now)
	}
	if err := store.Commit(ctx, owner, Record{State: after}, now, []journal.Entry{entry}); err != nil {
		return before, fmt.Errorf("commit %s: %w", w.Name, err)
	}
	return after, nil
}
