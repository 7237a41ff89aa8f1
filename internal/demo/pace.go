package demo

import (
	"context"
	"time"
)

// paceMin is the shortest real wait worth a timer.
const paceMin = 5 * time.Millisecond

// pace slows virtual time down to a number of virtual seconds in a real one, for people who watch.
type pace struct {
	speed float64 // 0: as fast as it goes
	began time.Time
	real  func() time.Time
}

// wait waits until the real time that belongs to a virtual time since the beginning.
func (p *pace) wait(ctx context.Context, virtual time.Duration) error {
	if p.speed <= 0 {
		return nil
	}
	if p.began.IsZero() {
		p.began = p.real()
	}
	left := time.Duration(float64(virtual)/p.speed) - p.real().Sub(p.began)
	if left < paceMin {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
