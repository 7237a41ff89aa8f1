package health

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Task is why a task is in service, or is not.
type Task struct {
	InService bool `json:"in_service"`
	// Word is its state in the words of docs/design.md: placed, warming, in service, unhealthy or leaving.
	Word string `json:"word"`
	Text string `json:"text"`
}

// TaskOf judges a task of a pool by one look. seen is what is kept of the pool's looks before.
func TaskOf(p *failover.Policy, po *failover.PoolObservation, seen *failover.PoolSeen, t *failover.Task, now time.Time) Task {
	served := !seen.ServedTo.IsZero() && !t.StartedAt.IsZero() && !t.StartedAt.After(seen.ServedTo)
	for i := range seen.NotYet {
		served = served && seen.NotYet[i].ID != t.ID
	}
	share, known := shareOf(po, t)
	switch {
	case t.Phase == failover.Leaving:
		return Task{Word: "leaving", Text: wording.TaskLeaving(t, now)}
	case t.Phase != failover.Running:
		return Task{Word: "placed", Text: wording.TaskStarting(t, now)}
	case po.OutOfTraffic:
		return Task{Word: "warming", Text: wording.TaskOutOfTraffic}
	case known && share == 0:
		return Task{Word: "warming", Text: wording.TaskNoTraffic(t.Revision)}
	case po.HealthBased && t.Health == failover.HealthNotReady && served:
		return Task{Word: "unhealthy", Text: wording.TaskUnhealthy}
	case po.HealthBased && t.Health == failover.HealthNotReady:
		return Task{Word: "warming", Text: wording.TaskWarming(now.Sub(t.StartedAt))}
	case po.HealthBased && t.Health == failover.HealthUnread && !served:
		return Task{Word: "warming", Text: wording.TaskUnread(string(po.HealthErr))}
	case !po.HealthBased && now.Sub(t.StartedAt) < p.ReadyAfter:
		return Task{Word: "warming", Text: wording.TaskReadyAfter(now.Sub(t.StartedAt), p.ReadyAfter)}
	}
	return Task{InService: true, Word: "in service", Text: wording.TaskServes(po.HealthBased, now.Sub(t.StartedAt))}
}

// shareOf is the share of production traffic that a task's revision carries.
func shareOf(po *failover.PoolObservation, t *failover.Task) (share float64, known bool) {
	for i := range po.Revisions {
		if r := &po.Revisions[i]; r.ID == t.Revision && !r.Unread {
			return r.Share, true
		}
	}
	return 0, false
}
