package adversary

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// Drive says what moves the owner's desired count.
type Drive int

// What moves the owner's count beside people.
const (
	NoDrive Drive = iota
	ByLoad        // target tracking on the CPU of all pools, as docs recommend
)

const (
	perTask   = 10.0 // requests a second that a task answers at full CPU
	cpuTarget = 50.0
)

// forces is the auto scaling of a run and the load that drives it. It is guarded by the run's mutex.
type forces struct {
	s *scaler.Scaler
	// rate is the load that keeps the demand of the plan busy, factor what it is multiplied by now.
	rate, factor float64
	services     []ecsim.Ref
}

// drives builds the auto scaling of a plan whose demand follows a load.
func (r *run) drives() error {
	p := &r.plan
	if p.Drive == NoDrive {
		return nil
	}
	f := &forces{s: scaler.New(scaler.Config{Cooldown: time.Minute, FromDesired: true}), rate: float64(p.Demand) * perTask * cpuTarget / 100, factor: 1}
	for _, s := range r.refs {
		f.services = append(f.services, ref(s))
	}
	r.forces = f
	fleet, owner := willing{r.w, r}, ref(r.refs[0])
	if err := f.s.Register(fleet, scaler.Target{Ref: owner, Min: 1, Max: 1000}); err != nil {
		return err
	}
	f.load(fleet)
	return f.s.PutPolicy(r.w.Now(), owner, f.policy())
}

// load puts the load of now in force.
func (f *forces) load(fleet scaler.Fleet) {
	l := scaler.Load{Services: f.services, Rate: f.rate * f.factor, PerTask: perTask}
	f.s.SetLoad(fleet, l)
}

func (f *forces) policy() scaler.Policy {
	return scaler.Policy{Name: "cpu", Tracking: &scaler.Tracking{Metric: scaler.Metric{Kind: scaler.CPU, Services: f.services}, Value: cpuTarget}}
}

// advance moves the world and what scales it. The caller holds the mutex.
func (r *run) advance(t time.Time) {
	if r.forces == nil {
		r.w.AdvanceTo(t)
		return
	}
	r.forces.s.AdvanceTo(willing{r.w, r}, t)
}

// willing is the world as the scaler sees it: what it writes is somebody's will.
type willing struct {
	*ecsim.World
	r *run
}

// SetDesired sets a desired count.
func (f willing) SetDesired(s ecsim.Ref, n int) error {
	err := f.World.SetDesired(s, n)
	if err != nil || s != ref(f.r.refs[0]) {
		return err
	}
	if t, ok := f.r.forces.s.Target(s); ok && t.Suspended.In && t.Suspended.Out && n <= f.r.watch.wanted() {
		return nil // the count is held down, and AWS lifts it to the minimum: nobody wants fewer
	}
	f.r.watch.willed(n)
	return nil
}

// scaled puts the bounds and suspensions of a scalable target in force.
func (r *run) scaled(s ecsim.Ref, sc failover.Scaling) error {
	return r.forces.s.Register(willing{r.w, r}, scaler.Target{Ref: s, Min: sc.Min, Max: sc.Max,
		Suspended: scaler.Suspension{In: sc.SuspendedIn, Out: sc.SuspendedOut, Scheduled: sc.SuspendedScheduled}})
}
