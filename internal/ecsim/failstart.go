package ecsim

// ownExit is the exit code of a container that ends by itself.
func (t *task) ownExit() int {
	if t.broken == FailExit {
		return 1
	}
	return t.program.Exit
}

// failStart ends a task that never ran.
func (w *World) failStart(t *task) {
	e := ending{code: StopFailedToStart, how: atOnce, reason: ReasonNoCapacity}
	switch {
	case t.hung:
	case t.broken == FailImagePull:
		e.reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref " + t.def.Image + ": not found"
		t.containerReason = e.reason
	case t.broken == FailSecrets:
		e.reason = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm"
	case t.broken == FailNetwork:
		e.reason = "Timeout waiting for network interface provisioning to complete."
	}
	w.end(t, e)
}

func (w *World) unhealthyReason(t *task) string {
	return "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:" + t.cluster.region.name + ":" + w.cfg.Account +
		":targetgroup/" + lastPart(t.group) + "/50dc6c495c0c9188)"
}
