package failover

import "time"

// judgeFailing settles for every pool whether its tasks fail for reasons of the application. While they do,
// the tasks that are missing for it are not covered: the cover would run the same broken release. The mark
// outlives the evidence window, because ECS backs off from failing tasks for up to 27 minutes and is silent
// meanwhile (aws-facts 2).
func (w *pass) judgeFailing() {
	for i := range w.v {
		v := &w.v[i]
		if v.unread {
			continue
		}
		capacity := v.capacityFailures + v.lossesRecent
		least := max(w.p.AppFailures, w.s.Demand/50)
		app := v.appYoung + v.configFailures
		missing := v.desired - v.running
		f := v.ps.Failing
		switch {
		case f == nil:
			if w.p.AppFailures > 0 && missing > 0 && (app >= least || v.impaired) && app+boolInt(v.impaired) > capacity {
				v.ps.Failing = &Failing{Since: w.now, LastAt: later(v.appAt, w.now), TaskDefinition: v.obs.TaskDefinition,
					Running: v.running}
			}
		case missing <= 0, f.TaskDefinition != v.obs.TaskDefinition, w.now.Sub(f.LastAt) >= w.p.AppFailureHold:
			v.ps.Failing = nil
		case app > 0 && v.appAt.After(f.LastAt):
			next := *f
			next.LastAt = v.appAt
			next.Running = min(next.Running, v.running)
			v.ps.Failing = &next
		}
		if f = v.ps.Failing; f == nil {
			continue
		}
		// What was interrupted since is missing for want of Spot, whatever the application does.
		lost := 0
		for k := range w.s.Window {
			e := &w.s.Window[k]
			if e.Kind == SignalInterruption && e.Pool == v.pool.Name && !e.At.Before(f.Since) {
				lost++
			}
		}
		v.excused = max(0, missing-v.growing-lost)
		if v.lastFailure.After(f.Since) {
			v.excused = min(v.excused, app) // there is no room either: no more is missing for the application than fails
		}
		reason := ReasonApplicationFailing
		if v.configFailures > v.appYoung {
			reason = ReasonConfigurationError
		}
		w.find(Finding{Reason: reason, Pool: v.pool.Name, Count: app, Limit: v.excused,
			Until: f.LastAt.Add(w.p.AppFailureHold)})
		w.look(f.LastAt.Add(w.p.AppFailureHold))
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// account adds what ran on demand since the last pass to the month's use, and notes what is short.
func (w *pass) account() {
	now, last := w.now.UTC(), w.s.At.UTC()
	if w.s.Spend.Month == "" || now.Year() != last.Year() || now.Month() != last.Month() {
		if month := now.Format("2006-01"); month != w.s.Spend.Month {
			w.s.Spend = Spend{Month: month}
		}
	}
	dt := time.Duration(0)
	if !w.s.At.IsZero() && w.now.After(w.s.At) {
		dt = min(w.now.Sub(w.s.At), spendGapMax)
	}
	for i := range w.v {
		v := &w.v[i]
		w.total += v.running
		if v.unread {
			w.spend(v, max(v.running, w.mayRun(v)), dt)
			continue // nothing that cannot be read is safe
		}
		// A scale-in that does not show yet may take running tasks, whatever else it could take.
		w.safe += max(0, v.running-max(0, v.running+v.starting+v.stuck-v.cur))
		w.spend(v, v.running, dt)
		w.deploying = w.deploying || v.obs.Deploying
		if v.unplaced > 0 {
			if v.ps.UnplacedSince.IsZero() {
				v.ps.UnplacedSince = w.now
			}
			w.look(w.unplacedFrom(v).Add(w.p.StartLimit))
		} else {
			v.ps.UnplacedSince = time.Time{}
		}
		if v.pool.Capacity == OnDemand && v.ps.Failing == nil && v.desired > 0 && w.launchFailing(v) {
			w.onDemandShort = true
			w.find(Finding{Reason: ReasonOnDemandShort, Pool: v.pool.Name, Count: v.unplaced + v.stuck, Limit: v.desired})
		}
		if v.quota > 0 {
			w.find(Finding{Reason: ReasonQuota, Pool: v.pool.Name, Count: v.quota})
		}
		if v.stuck > 0 {
			w.find(Finding{Reason: ReasonStuck, Pool: v.pool.Name, Count: v.stuck})
		}
		if v.obs.DeployFailed {
			w.find(Finding{Reason: ReasonDeploymentFailed, Pool: v.pool.Name})
		}
	}
	w.onDemandShort = w.onDemandShort || w.onDemandLost()
	w.short = w.total < w.wanted
	switch {
	case !w.short:
		w.s.ShortSince = time.Time{}
	case w.s.ShortSince.IsZero():
		w.s.ShortSince = w.now
	}
}

// spend adds what a pool ran on demand for a time to the month's use.
func (w *pass) spend(v *view, running int, dt time.Duration) {
	if v.pool.Capacity == OnDemand && running > 0 && dt > 0 {
		s := float64(running) * dt.Seconds()
		w.s.Spend.TaskSeconds += s
		w.s.Spend.USD += s / 3600 * v.pool.TaskHourUSD
	}
}

// launchFailing says whether tasks the pool was asked for cannot be had: a launch failed lately and some are
// still missing, or they have been missing for as long as a start may take.
func (w *pass) launchFailing(v *view) bool {
	if v.unplaced+v.stuck == 0 {
		return false
	}
	if !v.lastFailure.IsZero() && w.now.Sub(v.lastFailure) < w.p.StartLimit {
		return true
	}
	return v.stuck > 0 || w.unplacedFor(v) >= w.p.StartLimit
}
