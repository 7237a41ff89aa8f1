package failover

// Need says what else of a pool must be read before [Decide] can be asked, beyond the service's counts.
type Need struct {
	// Tasks: list the tasks with desired status RUNNING.
	Tasks bool
	// Stopped: list the stopped ones too, to learn why tasks are missing.
	Stopped bool
	// Scaling: read the scalable target.
	Scaling bool
}
