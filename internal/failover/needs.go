package failover

import "time"

// Reads says what else of a pool must be read before [Decide] can be asked, beyond the service's counts.
type Reads struct {
	// Tasks: list the tasks with desired status RUNNING.
	Tasks bool
	// Stopped: list the stopped ones too, to learn why tasks are missing, and which leaving ones still work.
	Stopped bool
	// Health: read target health and container health.
	Health bool
	// Scaling: read the scalable target.
	Scaling bool
}

// ToRead says, from the services' counts alone, what else must be read in this pass: nothing for a quiet
// workload but its readiness every five minutes. Tasks are listed where counts disagree, a signal asks (the leaving ones too, where it tells of a loss), an interruption or a count of
// ours is recent, a breaker is not closed, or cover is in place whose release depends on what is in service.
func ToRead(p *Policy, s *State, o *Observation) []Reads {
	reads := make([]Reads, len(p.Pools))
	cover := false
	for i := range p.Pools {
		if i < len(o.Pools) && p.Pools[i].Tier > p.Pools[0].Tier && o.Pools[i].Desired > 0 {
			cover = true // a Spot pool behind another one is given back as on-demand is
		}
	}
	for i := range p.Pools {
		if i < len(o.Pools) && o.Pools[i].Err == ErrNone {
			reads[i] = toRead(p, s, o, i, cover)
		}
	}
	for i := range o.Signals {
		sig := &o.Signals[i]
		if k := p.pool(sig.Pool); k >= 0 && k < len(o.Pools) && counted(sig.Kind) && o.Pools[k].Err == ErrNone {
			reads[k].Tasks = true
			reads[k].Stopped = reads[k].Stopped || loses(sig.Kind) // which leaving ones still work decides how urgent it is
		}
	}
	noticedFrom := o.At.Add(-noticedFor)
	for i := range s.Window {
		e := &s.Window[i]
		if !loses(e.Kind) || e.At.Before(noticedFrom) {
			continue
		}
		if k := p.pool(e.Pool); k >= 0 && k < len(o.Pools) && o.Pools[k].Err == ErrNone && o.Pools[k].Desired > 0 {
			reads[k].Tasks, reads[k].Stopped = true, true
		}
	}
	for i := range reads {
		if i < len(o.Pools) && reads[i].Tasks && o.Pools[i].HealthBased {
			reads[i].Health = true
		}
	}
	return reads
}

// toRead is what must be read of one pool for reasons of its own.
func toRead(p *Policy, s *State, o *Observation, i int, cover bool) (r Reads) {
	po, ps, seen := &o.Pools[i], s.Pool(p.Pools[i].Name), s.PoolSeen(p.Pools[i].Name)
	r.Scaling = p.ParkScaling && p.Pools[i].Capacity == Spot && (ps.B.Mode != Closed || s.Pin != nil) || ps.Parked != nil
	if po.Desired == 0 && po.RunningCount == 0 && po.PendingCount == 0 {
		return r
	}
	gap := po.RunningCount < po.Desired
	// Tasks that AWS or a deployment stops still count as running for a while; that others start in their place shows it.
	r.Stopped = gap || po.PendingCount > 0 || po.Deploying && po.MayTake > 0
	r.Tasks = gap || po.PendingCount > 0 || po.RunningCount > po.Desired || ps.B.Mode != Closed || s.Gap != nil || po.Deploying ||
		len(seen.NotYet) > 0 || (cover && p.Pools[i].Capacity == Spot) || (ps.Asked != nil && o.At.Sub(ps.Asked.At) < leavingFor) ||
		seen.InService < min(seen.Desired, po.Desired)
	quiet := po.HealthBased && o.At.Sub(seen.ServedTo) >= healthEvery-time.Second
	r.Tasks = r.Tasks || quiet
	return r
}
