package demo

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

const (
	// paceMin is the shortest real wait worth a timer.
	paceMin = 5 * time.Millisecond
	// heldLook is how often a held play looks whether it may go on.
	heldLook = 50 * time.Millisecond
)

// pace slows virtual time down to a number of virtual seconds in a real one, for people who watch.
type pace struct {
	speed float64 // 0: as fast as it goes
	began time.Time
	real  func() time.Time
	held  atomic.Bool
}

// wait waits until the real time that belongs to a virtual time since the beginning, and while it is held.
func (p *pace) wait(ctx context.Context, virtual time.Duration) error {
	for p.held.Load() {
		if err := control.Pause(ctx, heldLook); err != nil {
			return err
		}
		p.began = p.real().Add(-p.since(virtual))
	}
	if p.speed <= 0 {
		return nil
	}
	if p.began.IsZero() {
		p.began = p.real()
	}
	left := p.since(virtual) - p.real().Sub(p.began)
	if left < paceMin {
		return nil
	}
	return control.Pause(ctx, left)
}

// since is the real time that belongs to a virtual one.
func (p *pace) since(virtual time.Duration) time.Duration {
	if p.speed <= 0 {
		return 0
	}
	return time.Duration(float64(virtual) / p.speed)
}
