package ecsim

// groupOf returns the target group that a revision's tasks are in, or "" where nothing shifts traffic.
func (s *service) groupOf(d *deployment) string {
	switch {
	case d.traffic == nil:
		return ""
	case d.traffic.slot == 1:
		return s.traffic.Alternate
	}
	return s.traffic.TargetGroup
}

// route brings the listener rules of a service in line with the weights of its revisions.
func (w *World) route(*service) {}
