package adversary

import (
	"slices"
	"sync"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

// unexpected is the watch over the ledger, which sees the events that are not lost and what passes read.
type unexpected struct {
	mu    sync.Mutex
	watch ledger.Watch
}

// hear takes an event of the model, unless it is lost on the way.
func (r *run) hear(e *ecsim.Event) {
	if e.Service == "" || share(hash(r.plan.Seed, 0x1e64e4, uint64(e.At.UnixNano()))) < r.plan.Shares[EventLost] {
		return
	}
	out := ledger.Event{ID: e.ID, At: e.At, Service: e.Region + "/" + e.Cluster + "/" + e.Service, Name: e.Name, Reason: e.Reason, Deployment: e.DeploymentID, Provider: e.Provider}
	switch e.Kind {
	case ecsim.TaskStateChange:
		t := e.Task
		out.Task = ledger.Task{ID: t.ID, Provider: t.Provider, Last: string(t.LastStatus), Desired: string(t.DesiredStatus), Code: t.StopCode, Reason: t.StoppedReason, Version: int64(t.Version),
			Created: t.CreatedAt, Started: t.StartedAt, Stopping: t.StoppingAt, Exited: t.ExecutionStoppedAt, Stopped: t.StoppedAt}
	case ecsim.ServiceAction, ecsim.DeploymentStateChange:
	default:
		return
	}
	r.unexpected.mu.Lock()
	defer r.unexpected.mu.Unlock()
	r.unexpected.watch.Event(out)
}

// looked takes what a pass read.
func (u *unexpected) looked(refs []control.ServiceRef, report *control.Report) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range report.Observation.Pools {
		o := &report.Observation.Pools[i]
		u.watch.Look(refs[i].String(), o, report.Observation.At)
	}
}

// contradicted checks that no row was found contradicted but those that the plan bends.
func (r *run) contradicted() {
	bent := map[string]bool{"A9": r.plan.World.UnwarnedShare > 0, "A10": r.plan.World.WarningForm != ecsim.WarningSpotInterruption, "A11": r.plan.World.WarnedNotCounted,
		"A23": r.plan.World.HungShare > 0}
	found := r.unexpected.watch.Seen.Findings
	if i := slices.IndexFunc(found, func(f ledger.Finding) bool { return !bent[f.Row] }); i >= 0 {
		r.watch.breach("nothing_that_holds_is_contradicted", "%s: %s at %s in %s", found[i].Row, found[i].Text(), found[i].Since, found[i].Service)
	}
}
