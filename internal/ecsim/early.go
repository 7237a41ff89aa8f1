package ecsim

// endBeforeRunning ends a task that has nothing to shut down.
func (w *World) endBeforeRunning(t *task) {
	if t.service != nil {
		t.service.pending--
		t.deployment.pending--
	}
	w.takeOut(t)
	if t.code == StopSpot && w.cfg.EarlyStop > 0 {
		w.changed(t, WarningEvents)
		w.plan(t, toEarlyStop, w.now+moment(w.cfg.EarlyStop))
		return
	}
	w.stopEarly(t, AbruptEvents)
}

// stopEarly takes down a task that never ran. kind is that of its event.
func (w *World) stopEarly(t *task, kind EventSet) {
	t.executionStopped = w.stamp()
	w.release(t)
	w.set(t, deprovisioning, kind)
	w.plan(t, toStopped, w.now+moment(w.cfg.DrainTime))
}
