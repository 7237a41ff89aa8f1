package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Twins describes a workload of two services: NAME-spot on FARGATE_SPOT with Count tasks, and NAME-standard on
// FARGATE with none; or with Alone of one service.
type Twins struct {
	Region      string // empty: the sandbox's
	Cluster     string // made if missing
	Name        string
	Count       int
	CPU, Memory int           // of a task, in units and MiB; 0: the model's default
	Arch        string        // X86_64 (empty) or ARM64
	StopTimeout time.Duration // 0: the model's default
	OnSIGTERM   ecsim.Behaviour
	WarmUp      time.Duration // from RUNNING until the application answers; 0: the model's default
	Strategy    string        // of NAME-spot's deployments: ROLLING (empty), BLUE_GREEN, LINEAR or CANARY; all but ROLLING behind two target groups
	Bake        time.Duration // of those deployments, 0..24 h
	// Alone makes NAME alone in place of both: the launch type FARGATE, with Count tasks and no twin.
	Alone bool
	// TargetGroup puts both services behind one target group NAME, with a load balancer and a listener that sends it everything.
	TargetGroup bool
	// Starting leaves the tasks to start in their own time. Otherwise the world runs ahead until all of them
	// work (a few virtual minutes), and the events of that are not delivered.
	Starting bool
}

// Limits of running ahead.
const (
	settleMax  = 30 * time.Minute
	settleStep = 5 * time.Second
)

// SetupTwins makes a workload of two services in the sandbox's region, its Spot tasks already running.
func (s *Sandbox) SetupTwins(cluster, name string, count int) error {
	return s.Setup(Twins{Cluster: cluster, Name: name, Count: count})
}

// Setup makes the workloads described. Virtual time may have moved on when it returns (see Twins.Starting).
func (s *Sandbox) Setup(workloads ...Twins) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	before := s.trouble
	defer func() {
		s.trouble = before
		s.settleLocked()
	}()
	s.trouble.Paused = true
	wanted := map[ecsim.Ref]int{}
	for _, t := range workloads {
		if t.Region == "" {
			t.Region = s.opts.Region
		}
		if err := s.setupTwins(t); err != nil {
			return fmt.Errorf("set up workload %s: %w", t.Name, err)
		}
		if !t.Starting {
			wanted[ecsim.Ref{Region: t.Region, Cluster: t.Cluster, Service: t.owner()}] = t.Count
		}
	}
	if len(wanted) == 0 {
		s.trouble = before // the starts are news like any other
		return nil
	}
	return s.runAhead(wanted)
}

func (s *Sandbox) setupTwins(t Twins) error {
	if err := t.checkSize(); err != nil {
		return err
	}
	s.regions[t.Region] = true
	_, err := s.world.CreateCluster(t.Region, t.Cluster, nil)
	if err != nil {
		return err
	}
	d, err := s.world.RegisterTaskDefinition(t.Region, ecsim.TaskDefinitionInput{Family: t.Name, CPU: t.CPU, Memory: t.Memory, Arch: t.Arch,
		StopTimeout: t.StopTimeout, OnSIGTERM: t.OnSIGTERM, WarmUp: ecsim.WarmUp{P50: t.WarmUp}, Container: t.Name, Image: t.Name + ":1"})
	if err != nil {
		return err
	}
	groups, err := s.groupOf(t)
	if err != nil {
		return err
	}
	if t.Alone {
		_, err = s.world.CreateService(t.Region, ecsim.CreateServiceInput{Cluster: t.Cluster, Name: t.owner(), TaskDefinition: d.ARN, Desired: t.Count, TargetGroups: groups, HealthGrace: twinsGrace + 2*t.WarmUp})
		return err
	}
	s.pairUp(&t)
	spot, standard := func(*ecsim.CreateServiceInput) {}, func(*ecsim.CreateServiceInput) {}
	if t.shifts() {
		if spot, standard, err = s.shiftTwins(&t); err != nil {
			return err
		}
	}
	create := func(suffix, provider string, desired int, change func(*ecsim.CreateServiceInput)) error {
		in := ecsim.CreateServiceInput{Cluster: t.Cluster, Name: t.Name + suffix, TaskDefinition: d.ARN,
			Desired: desired, Strategy: []ecsim.StrategyItem{{Provider: provider, Weight: 1}}, TargetGroups: groups, HealthGrace: twinsGrace + 2*t.WarmUp}
		change(&in)
		_, err := s.world.CreateService(t.Region, in)
		return err
	}
	return errors.Join(create("-spot", ecsim.FargateSpot, t.Count, spot), create("-standard", ecsim.Fargate, 0, standard))
}

// owner is the service that runs the tasks at the start.
func (t *Twins) owner() string {
	if t.Alone {
		return t.Name
	}
	return t.Name + "-spot"
}

// pairUp remembers which services are twins: they share their load.
func (s *Sandbox) pairUp(t *Twins) {
	spot := ecsim.Ref{Region: t.Region, Cluster: t.Cluster, Service: t.Name + "-spot"}
	standard := ecsim.Ref{Region: t.Region, Cluster: t.Cluster, Service: t.Name + "-standard"}
	s.pairs[spot], s.pairs[standard] = standard, spot
}

// What the target group of twins has: checks quick enough to be watched, a grace that no warm-up outlasts.
const (
	twinsInterval = 10 * time.Second
	twinsPasses   = 2
	twinsDrain    = 30 * time.Second
	twinsGrace    = time.Minute
)

// groupOf makes the target group of twins that want one and no second, and returns its ARN.
func (s *Sandbox) groupOf(t Twins) ([]string, error) {
	if !t.TargetGroup || t.shifts() {
		return nil, nil
	}
	g, err := s.world.CreateTargetGroup(t.Region, ecsim.TargetGroupInput{Name: t.Name, Interval: twinsInterval, HealthyThreshold: twinsPasses,
		DeregistrationTime: twinsDrain})
	if err != nil {
		return nil, err
	}
	lb, err := s.world.CreateLoadBalancer(t.Region, t.Name, ecsim.ApplicationBalancer)
	if err != nil {
		return nil, err
	}
	_, err = s.world.CreateListener(t.Region, lb.ARN, 80, "HTTP", []ecsim.Forward{{TargetGroup: g.ARN, Weight: 1}})
	if err != nil {
		return nil, err
	}
	return []string{g.ARN}, nil
}

// checkSize refuses a size that no task definition could have.
func (t *Twins) checkSize() error {
	if refused := checkFargateSize(cmp.Or(t.CPU, ecsim.DefaultCPU), cmp.Or(t.Memory, ecsim.DefaultMemory)); refused != nil {
		return errors.New("cpu, memory: " + refused.Message)
	}
	return nil
}

// runAhead moves the world on until the services wanted have their tasks working.
func (s *Sandbox) runAhead(wanted map[ecsim.Ref]int) error {
	lacking := func() (ref ecsim.Ref, n int) {
		for ref, count := range wanted {
			if n := s.world.Working(ref); n < count {
				return ref, count - n
			}
		}
		return ref, 0
	}
	end := s.world.Now().Add(settleMax)
	for s.world.Now().Before(end) {
		if _, n := lacking(); n == 0 {
			break
		}
		s.world.AdvanceTo(s.world.Now().Add(settleStep))
		s.deliverLocked()
	}
	// A look after the stale reads and the events still on their way are over.
	s.world.AdvanceTo(s.world.Now().Add(s.world.Config().ReadLag + settleStep))
	s.deliverLocked()
	s.clock.set(s.world.Now(), time.Now())
	s.stir = true
	if ref, n := lacking(); n > 0 {
		return fmt.Errorf("set up %s/%s: %d tasks do not run after %s", ref.Cluster, ref.Service, n, settleMax)
	}
	return nil
}
