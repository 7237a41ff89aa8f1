package ecsim

// snapshotsPerSheet is how many snapshots for events are allocated at once; a sheet lives as long as one of its events.
const snapshotsPerSheet = 16

// sendTask sends a task's state change as it is now. Nothing is built for events that are left out.
func (w *World) sendTask(t *task, kind EventSet) {
	if w.cfg.LeaveOut&kind != 0 {
		return
	}
	var snapshot *Task
	if n := len(w.spare); n > 0 {
		snapshot, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		if len(w.sheet) == 0 {
			w.sheet = make([]Task, snapshotsPerSheet)
		}
		snapshot, w.sheet = &w.sheet[0], w.sheet[1:]
	}
	*snapshot = w.snapshot(t)
	w.send(Event{
		Kind: TaskStateChange, Region: snapshot.Region, Cluster: snapshot.Cluster, Service: snapshot.Service, Task: snapshot,
	})
}

// Reuse takes drained events' snapshots back for events to come: the caller must not look at them any more. Where events are delivered
// twice it does nothing, because two events share a snapshot.
func (w *World) Reuse(events []Event) {
	if w.cfg.Delivery.DuplicateShare > 0 {
		return
	}
	for i := range events {
		if t := events[i].Task; t != nil {
			w.spare = append(w.spare, t)
			events[i].Task = nil
		}
	}
}

func (w *World) sendService(s *service, name, eventType, provider, reason string) {
	if w.cfg.LeaveOut&ServiceEvents != 0 {
		return
	}
	w.send(Event{
		Kind: ServiceAction, Region: s.ref.Region, Cluster: s.ref.Cluster, Service: s.ref.Service, Name: name, EventType: eventType,
		Provider: provider, Reason: reason,
	})
}

func (w *World) sendDeployment(s *service, d *deployment, name, eventType string) {
	if w.cfg.LeaveOut&DeploymentEvents != 0 {
		return
	}
	w.send(Event{
		Kind: DeploymentStateChange, Region: s.ref.Region, Cluster: s.ref.Cluster, Service: s.ref.Service, Name: name, EventType: eventType,
		Reason: d.reason, DeploymentID: d.id,
	})
}

func (w *World) sendHook(s *service, r *release, h *hook) {
	if w.cfg.LeaveOut&DeploymentEvents != 0 {
		return
	}
	w.send(Event{
		Kind: HookStateChange, Region: s.ref.Region, Cluster: s.ref.Cluster, Service: s.ref.Service, Name: "HOOK_" + h.status, EventType: "INFO",
		Hook: &HookChange{ID: h.id, Stage: stageNames[h.stage], Deployment: w.releaseARN(s, r), Expires: w.timeOf(h.expires)},
	})
}

func (w *World) sendCall(ref Ref, op string) {
	if w.cfg.LeaveOut&APICallEvents != 0 {
		return
	}
	w.send(Event{Kind: APICall, Region: ref.Region, Cluster: ref.Cluster, Service: ref.Service, Name: op})
}

// send gives an event its identity and starts it on its way: late, twice, out of order or never, as configured.
func (w *World) send(e Event) {
	w.eventNo++
	e.ID = w.uuid(0xe7e27, w.eventNo)
	e.At = w.Now()
	c := &w.cfg.Delivery
	if c.LostShare > 0 && w.travel.Float64() < c.LostShare {
		return
	}
	at := w.now
	if w.delays.sigma != 0 || w.delays.scale != 0 {
		at += moment(w.delays.at(w.travel.NormFloat64()))
	}
	at = max(at, w.passed) // in order
	w.passed = at
	if c.ReorderShare > 0 && w.travel.Float64() < c.ReorderShare {
		at += moment(w.travel.Float64() * float64(c.ReorderBy))
	}
	w.dispatch(e, at)
	if c.DuplicateShare > 0 && w.travel.Float64() < c.DuplicateShare {
		w.dispatch(e, at+moment(w.travel.Float64()*float64(c.DuplicateBy)))
	}
}

// dispatch delivers an event at a moment.
func (w *World) dispatch(e Event, at moment) {
	e.DeliverAt = w.timeOf(at)
	if at <= w.now {
		w.deliver(e)
		return
	}
	var place int32
	if n := len(w.idle); n > 0 {
		place = w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.inFlight[place] = e
	} else {
		place = int32(len(w.inFlight))
		w.inFlight = append(w.inFlight, e)
	}
	w.q.push(at, eventArrival, place, 0)
}

// arrive delivers an event that was on its way.
func (w *World) arrive(place int32) {
	e := w.inFlight[place]
	w.inFlight[place] = Event{}
	w.idle = append(w.idle, place)
	w.deliver(e)
}

func (w *World) deliver(e Event) {
	if len(w.out) >= maxUndrained {
		half := maxUndrained / 2
		w.dropped += half
		kept := copy(w.out, w.out[half:])
		clear(w.out[kept:])
		w.out = w.out[:kept]
	}
	w.out = append(w.out, e)
}

// delaysOf returns the distribution of delivery delays; zero percentiles mean none.
func delaysOf(d Delivery) spread {
	if d.P50 <= 0 {
		return spread{}
	}
	return fitSpread(d.P50, max(d.P50, d.P95), max(d.P50, d.P99))
}
