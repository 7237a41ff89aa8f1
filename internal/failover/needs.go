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

// Needs says, from the services' counts alone, what else must be read in this pass: nothing for a quiet
// workload. Tasks are listed where counts disagree, a signal asks, an interruption or a count of ours is recent, a breaker
// is not closed, or cover is in place whose release depends on how long tasks have run.
func Needs(p *Policy, s *State, o *Observation) []Need {
	needs := make([]Need, len(p.Pools))
	cover := false
	for i := range p.Pools {
		if i < len(o.Pools) && p.Pools[i].Capacity == OnDemand && o.Pools[i].Desired > 0 {
			cover = true
		}
	}
	for i := range p.Pools {
		if i >= len(o.Pools) || o.Pools[i].Err != ErrNone {
			continue
		}
		po, ps := &o.Pools[i], s.Pool(p.Pools[i].Name)
		if p.ParkScaling && p.Pools[i].Capacity == Spot && (ps.B.Mode != Closed || s.Pin != nil) {
			needs[i].Scaling = true
		}
		if ps.Parked != nil { // to be given back, whatever the configuration says now
			needs[i].Scaling = true
		}
		if po.Desired == 0 && po.RunningCount == 0 && po.PendingCount == 0 {
			continue
		}
		gap := po.RunningCount < po.Desired
		needs[i].Stopped = gap && po.RunningCount+po.PendingCount < po.Desired
		needs[i].Tasks = gap || po.PendingCount > 0 || po.RunningCount > po.Desired || ps.B.Mode != Closed ||
			(cover && p.Pools[i].Capacity == Spot) || (ps.Asked != nil && o.At.Sub(ps.Asked.At) < leavingFor)
	}
	for i := range o.Signals {
		sig := &o.Signals[i]
		if k := p.pool(sig.Pool); k >= 0 && k < len(o.Pools) && counted(sig.Kind) && o.Pools[k].Err == ErrNone {
			needs[k].Tasks = true
		}
	}
	noticedFrom := o.At.Add(-noticedFor)
	for i := range s.Window {
		e := &s.Window[i]
		if e.Kind != SignalInterruption || e.At.Before(noticedFrom) {
			continue
		}
		if k := p.pool(e.Pool); k >= 0 && k < len(o.Pools) && o.Pools[k].Err == ErrNone && o.Pools[k].Desired > 0 {
			needs[k].Tasks = true
		}
	}
	return needs
}
