package control

import (
	"context"
	"log/slog"
	"time"
)

// vigil is how long a lease of somebody else's has been seen. Its end is dated by the clock of whoever holds it, and that
// may be hours ahead; no lease runs for longer than LeaseFor, though, from before it was first seen. The zero value has
// seen none.
type vigil struct {
	lease Lease
	since time.Time
}

// over says whether a lease has run out for all who have seen it since now, by one's own clock.
func (v *vigil) over(lease Lease, now time.Time) bool {
	if lease.Owner != v.lease.Owner || !lease.Until.Equal(v.lease.Until) || now.Before(v.since) {
		v.lease, v.since = lease, now
	}
	return now.Sub(v.since) > LeaseFor
}

// past returns a moment at which a store, too, holds a lease to be over.
func (l Lease) past(now time.Time) time.Time {
	if end := l.Until.Add(time.Second); end.After(now) {
		return end
	}
	return now
}

// heldBy says whether another process may be acting on a workload.
func (l *Loop) heldBy(ctx context.Context, j *job, now time.Time) bool {
	lease := j.record.Lease
	if !lease.Held(l.Owner, now) {
		return false
	}
	if j.outlived = j.it.vigil.over(lease, now); j.outlived {
		l.Log.LogAttrs(ctx, slog.LevelWarn, "a lease is dated by a clock that is ahead; it has run out all the same",
			slog.String(KeyWorkload, j.w.Name), slog.String(KeyOwner, lease.Owner), slog.Time("until", lease.Until))
	}
	return !j.outlived
}
