package ecsim

// deactivate ends a service whose last task has stopped.
func (w *World) deactivate(s *service) {
	s.status = inactive
	s.ended = w.stamp()
}

// unseen reports whether DescribeServices has no idea of a service: not yet (A73), or no longer (A72).
func (w *World) unseen(s *service) bool {
	if s.status == inactive {
		return w.now >= s.ended-1+moment(w.cfg.KeepInactive)
	}
	return w.now < s.created+moment(w.cfg.NewServiceLag)
}

// ForgetService makes DescribeServices say MISSING of an INACTIVE service from now on, before Config.KeepInactive is over. It reports
// whether there was one.
func (w *World) ForgetService(ref Ref) bool {
	s := w.byRef[ref]
	if s == nil || s.status != inactive {
		return false
	}
	s.ended = min(s.ended, w.now+1-moment(w.cfg.KeepInactive))
	return true
}
