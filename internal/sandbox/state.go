package sandbox

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// State is what GET /_sandbox/state shows.
type State struct {
	Now      time.Time      `json:"now"` // virtual
	Speed    float64        `json:"speed"`
	Manual   bool           `json:"manual"`
	Paused   bool           `json:"paused"`
	Next     *time.Time     `json:"next,omitempty"` // when something happens next
	Services []ServiceState `json:"services"`
	Queues   []QueueState   `json:"queues"`
	Faults   []Fault        `json:"faults"`
	Delivery Trouble        `json:"delivery"`
	Usage    []UsageState   `json:"usage"`
	Loads    []LoadState    `json:"loads"`
}

// LoadState is one load that services share.
type LoadState struct {
	Services          []string `json:"services"`
	RequestsPerSecond float64  `json:"requests_per_second"`
	PerTask           float64  `json:"per_task"`
	Queue             string   `json:"queue,omitempty"`
	Backlog           float64  `json:"backlog"` // as of the end of the scaler's last period
}

// ServiceState is one service of the world: its counts as DescribeServices would give them, and the truth.
type ServiceState struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Desired int    `json:"desired"`
	Running int    `json:"running"`
	Pending int    `json:"pending"`
	Working int    `json:"working"` // tasks that do work now, whatever reads show; those that are leaving included
	// InService is how many of them are in service: RUNNING, ready, and not leaving.
	InService int `json:"in_service"`
	// Revisions are its revisions, the newest first, where there are several.
	Revisions []RevisionState `json:"revisions,omitempty"`
}

// RevisionState is one of several revisions of a service, as it is.
type RevisionState struct {
	Revision  string  `json:"revision"` // the number in its ARN and in ecs-svc/NUMBER
	Share     float64 `json:"share"`    // of the production traffic that it carries, 0 to 1; 1 for each where nothing shifts traffic
	Running   int     `json:"running"`
	InService int     `json:"in_service"`
}

// revisionsOf returns a service's revisions, the newest first, or nothing if there is one only.
func (s *Sandbox) revisionsOf(ref ecsim.Ref) []RevisionState {
	all := s.world.Revisions(ref)
	if len(all) < 2 {
		return nil
	}
	states := make([]RevisionState, len(all))
	for i, v := range all {
		states[i] = RevisionState{v.ARN[lastSlash(v.ARN)+1:], v.Share, v.Running, v.InService}
	}
	return states
}

// QueueState is one queue.
type QueueState struct {
	Name     string `json:"name"`
	Visible  int    `json:"visible"`
	InFlight int    `json:"in_flight"`
	Delayed  int    `json:"delayed"`
	// OldestSeconds is CloudWatch's ApproximateAgeOfOldestMessage, in which a message that was received three times counts no more.
	OldestSeconds float64 `json:"oldest_seconds"`
}

// UsageState is what one capacity provider would bill, and what happened on it.
type UsageState struct {
	Provider      string  `json:"provider"`
	TaskSeconds   float64 `json:"task_seconds"`
	Created       int     `json:"created"`
	Started       int     `json:"started"`
	Interruptions int     `json:"interruptions"`
}

// State returns the state of the sandbox.
func (s *Sandbox) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.catchUpLocked()
	out := State{Now: now, Speed: s.clock.speed, Manual: s.clock.manual, Paused: s.clock.paused, Services: []ServiceState{},
		Queues: []QueueState{}, Faults: []Fault{}, Delivery: s.trouble, Loads: []LoadState{}}
	if next, ok := s.nextLocked(); ok {
		out.Next = &next
	}
	for _, region := range sortedKeys(s.regions) {
		for _, cluster := range s.world.ListClusters(region) {
			cluster = cluster[lastSlash(cluster)+1:]
			arns, err := s.world.ListServices(region, cluster)
			if err != nil {
				continue // the cluster has gone
			}
			for _, arn := range arns {
				ref := ecsim.Ref{Region: region, Cluster: cluster, Service: arn[lastSlash(arn)+1:]}
				desired, running, pending := s.world.Counts(ref)
				out.Services = append(out.Services, ServiceState{region, cluster, ref.Service, desired, running, pending, s.world.Working(ref), s.world.InService(ref), s.revisionsOf(ref)})
			}
		}
	}
	for _, name := range sortedKeys(s.queues) {
		visible, inFlight, delayed := s.queues[name].counts()
		out.Queues = append(out.Queues, QueueState{name, visible, inFlight, delayed, s.queues[name].oldest().Seconds()})
	}
	for _, l := range s.scaler.Loads() {
		out.Loads = append(out.Loads, LoadState{serviceNames(l.Services), l.Rate, l.PerTask, l.Queue, l.Backlog})
	}
	for _, f := range s.faults {
		out.Faults = append(out.Faults, *f)
	}
	for _, provider := range []string{ecsim.FargateSpot, ecsim.Fargate} {
		u := s.world.Usage(provider)
		out.Usage = append(out.Usage, UsageState{provider, u.TaskSeconds, u.Created, u.Started, u.Interruptions})
	}
	return out
}

// clockState is what the clock's routes answer with.
type clockState struct {
	Now    time.Time `json:"now"`
	Speed  float64   `json:"speed"`
	Paused bool      `json:"paused"`
	Manual bool      `json:"manual"`
}

func (s *Sandbox) clockNow() clockState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clockState{s.catchUpLocked(), s.clock.speed, s.clock.paused, s.clock.manual}
}

// SetSpeed changes how many virtual seconds pass in a real one, from now on; 0 < speed <= 1e6.
func (s *Sandbox) SetSpeed(speed float64) error {
	if !(speed > 0 && speed <= speedMax) { // so that NaN is refused
		return fmt.Errorf("set speed: must be above 0 and at most %g (got %v)", float64(speedMax), speed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rebaseLocked(func() { s.clock.speed = speed })
	return nil
}

// Pause stops virtual time, or lets it go on. Calls are still answered, and long polls end after as many real
// seconds as they asked for.
func (s *Sandbox) Pause(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rebaseLocked(func() { s.clock.paused = paused })
}

// rebaseLocked changes the clock without a jump, and tells those who wait.
func (s *Sandbox) rebaseLocked(change func()) {
	now := s.catchUpLocked()
	s.clock.set(now, time.Now())
	change()
	s.stir = true
	s.settleLocked()
}

// Reset makes everything as New left it, but for the virtual time, which never runs backwards: the new world
// starts at the present.
func (s *Sandbox) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.World.Start = s.catchUpLocked()
	s.resetLocked()
}

func (s *Sandbox) steerSpeed(in struct {
	Speed float64 `json:"speed"`
}) (any, error) {
	if err := s.SetSpeed(in.Speed); err != nil {
		return nil, err
	}
	return s.clockNow(), nil
}

type advanceInput struct {
	Seconds float64   `json:"seconds"`
	To      time.Time `json:"to"`
}

func (s *Sandbox) steerAdvance(in advanceInput) (any, error) {
	now := s.Now()
	to := in.To
	if to.IsZero() {
		if !(in.Seconds > 0 && in.Seconds <= advanceMax.Seconds()) {
			return nil, fmt.Errorf("seconds: must be above 0 and at most a year (got %v), or give \"to\"", in.Seconds)
		}
		to = now.Add(time.Duration(in.Seconds * float64(time.Second)))
	}
	if to.Before(now) || to.Sub(now) > advanceMax {
		return nil, fmt.Errorf("to: must be in the year after %s (got %s)", now.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	s.AdvanceTo(to)
	return s.clockNow(), nil
}
