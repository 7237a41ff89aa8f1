package ecsim

import "slices"

// States of a lifecycle hook.
const (
	HookAwaitingAction = "AWAITING_ACTION"
	HookSucceeded      = "SUCCEEDED"
	HookFailed         = "FAILED"
	HookTimedOut       = "TIMED_OUT"
)

// Names of hook state changes that the model sends; each is a state with HOOK_ before it.
const (
	EventHookAwaitingAction = "HOOK_AWAITING_ACTION"
	EventHookSucceeded      = "HOOK_SUCCEEDED"
	EventHookFailed         = "HOOK_FAILED"
	EventHookTimedOut       = "HOOK_TIMED_OUT"
)

// Actions on a pause, and of its time-out.
const (
	ContinueDeployment = "CONTINUE"
	RollbackDeployment = "ROLLBACK"
)

// hook is one pause of a service deployment.
type hook struct {
	id      string
	stage   shiftStage
	status  string
	expires moment
	proceed bool // at the time-out
}

// startHooks starts the pauses of the present stage.
func (w *World) startHooks(s *service, r *release) {
	name := stageNames[r.shift.stage]
	for _, h := range r.plan.Hooks {
		if !h.Pause || !slices.Contains(h.Stages, name) || r.shift.stage == reconcile && len(r.source) < 2 {
			continue
		}
		timeout := h.Timeout
		if timeout == 0 {
			timeout = standardPause
		}
		pause := &hook{id: "ecs-pause-" + w.releaseID(), stage: r.shift.stage, status: HookAwaitingAction, expires: w.now + moment(timeout),
			proceed: h.ContinueOnTimeout}
		r.hooks = append(r.hooks, pause)
		w.sendHook(s, r, pause)
	}
}

// hooksDone reports whether no pause holds the deployment up. One whose time is over takes its time-out's action.
func (w *World) hooksDone(s *service, r *release) bool {
	done := true
	for _, h := range r.hooks {
		switch {
		case h.status != HookAwaitingAction:
		case h.expires > w.now:
			w.lookAt(s, h.expires)
			done = false
		default:
			h.status = HookTimedOut
			w.sendHook(s, r, h)
			if !h.proceed {
				w.turnBack(s, "A lifecycle hook has timed out: ")
				return true
			}
		}
	}
	return done
}

// dropHooks ends the pauses that the end of a service deployment, or its rollback, makes pointless.
func (r *release) dropHooks() {
	for _, h := range r.hooks {
		if h.status == HookAwaitingAction {
			h.status = HookFailed
		}
	}
}

// ContinueServiceDeployment acts on a pause of a service deployment: action is CONTINUE (also when empty) or ROLLBACK. Errors:
// ServiceDeploymentNotFoundException, InvalidParameterException (no such pause, or it awaits no action).
func (w *World) ContinueServiceDeployment(regionName, arn, hookID, action string) error {
	s, r := w.releaseOf(regionName, arn)
	if r == nil {
		return releaseNotFound()
	}
	i := slices.IndexFunc(r.hooks, func(h *hook) bool { return h.id == hookID })
	switch {
	case i < 0:
		return invalid("The hook " + hookID + " was not found.")
	case action != "" && action != ContinueDeployment && action != RollbackDeployment:
		return invalid("The action must be CONTINUE or ROLLBACK.")
	case r.hooks[i].status != HookAwaitingAction || !r.ongoing():
		return invalid("The hook " + hookID + " does not await an action.")
	}
	h := r.hooks[i]
	h.status = HookSucceeded
	if action == RollbackDeployment {
		h.status = HookFailed
	}
	w.sendHook(s, r, h)
	if action == RollbackDeployment {
		w.turnBack(s, "A lifecycle hook has failed: ")
	}
	w.lookAt(s, w.now+moment(w.cfg.SchedulerDelay))
	return nil
}
