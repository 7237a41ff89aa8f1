package demo

import (
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// Names of what the demo plays with; they are the ones of the README's commands.
const (
	Workload        = "analytics"
	Region          = sandbox.DefaultRegion
	Cluster         = "AnalyticsCluster"
	SpotService     = "analytics-spot"
	StandardService = "analytics-standard"
	family          = "analytics"

	// The article's task: 4 vCPU and 16 GB.
	taskCPU, taskMemory = 4096, 16384
)

var (
	spotRef     = ecsim.Ref{Region: Region, Cluster: Cluster, Service: SpotService}
	standardRef = ecsim.Ref{Region: Region, Cluster: Cluster, Service: StandardService}
)

// Stage is the part of the sandbox that a scenario moves: capacity, demand, deploys.
type Stage struct {
	box *sandbox.Sandbox
	// demand is what people want, whatever the counts are at the moment.
	demand int
	front  Front
}

// NewStage builds the cluster, the task definition and the twin services in a fresh sandbox: tasks on Spot,
// none on on-demand.
func NewStage(box *sandbox.Sandbox, tasks int, zones []string, halfMayGo bool) (*Stage, error) {
	s := &Stage{box: box, demand: tasks}
	var err error
	box.World(func(w *ecsim.World) { err = errors.Join(build(w, tasks, zones, halfMayGo)...) })
	if err != nil {
		return nil, fmt.Errorf("build stage: %w", err)
	}
	return s, nil
}

func build(w *ecsim.World, tasks int, zones []string, halfMayGo bool) []error {
	_, e1 := w.CreateCluster(Region, Cluster, nil)
	_, e2 := w.RegisterTaskDefinition(Region, definition(false, Front{}))
	if e1 != nil || e2 != nil {
		return []error{e1, e2}
	}
	var deploys ecsim.DeploymentConfig
	if halfMayGo {
		deploys.MinimumHealthyPercent, deploys.MaximumPercent = new(50), new(150)
	}
	create := func(name, provider string, desired int) error {
		_, err := w.CreateService(Region, ecsim.CreateServiceInput{Cluster: Cluster, Name: name, TaskDefinition: family, Desired: desired,
			Strategy: []ecsim.StrategyItem{{Provider: provider, Weight: 1}}, Zones: zones,
			Deployment: deploys})
		return err
	}
	return []error{create(SpotService, ecsim.FargateSpot, tasks), create(StandardService, ecsim.Fargate, 0)}
}

func definition(broken bool, f Front) ecsim.TaskDefinitionInput {
	in := ecsim.TaskDefinitionInput{Family: family, CPU: taskCPU, Memory: taskMemory, StopTimeout: 120e9, OnSIGTERM: ecsim.UseWarning, Image: "example/analytics:1",
		WarmUp: ecsim.WarmUp{P50: f.WarmUp}}
	if broken {
		in.Broken, in.Image = ecsim.FailImagePull, "example/analytics:no-such-tag"
	}
	return in
}

// Demand returns what is wanted now.
func (s *Stage) Demand() int { return s.demand }

// Spot limits Spot in the region to n tasks; negative: no limit. Lowering it takes tasks back.
func (s *Stage) Spot(n int) { s.supply(ecsim.FargateSpot, "", n) }

// OnDemand limits on-demand in the region to n tasks; negative: no limit.
func (s *Stage) OnDemand(n int) { s.supply(ecsim.Fargate, "", n) }

// Zone limits Spot in one zone to n tasks; negative: no limit.
func (s *Stage) Zone(zone string, n int) { s.supply(ecsim.FargateSpot, zone, n) }

func (s *Stage) supply(provider, zone string, n int) {
	s.box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: Region, Provider: provider, Zone: zone}, n) })
}

// Interrupt takes n Spot tasks back; their places can be had again.
func (s *Stage) Interrupt(n int) {
	s.box.World(func(w *ecsim.World) { w.Interrupt(spotRef, n, "", false) })
}

// Want changes the Spot service's desired count, which is the demand, as an operator or Application Auto
// Scaling does.
func (s *Stage) Want(n int) error {
	s.demand = n
	var err error
	s.box.World(func(w *ecsim.World) { _, err = w.UpdateService(spotRef, ecsim.UpdateServiceInput{Desired: &n}) })
	if err != nil {
		return fmt.Errorf("set demand to %d: %w", n, err)
	}
	return nil
}

// Deploy registers a new revision of the task definition, broken or not, and rolls it out to both services,
// as a deploy pipeline does.
func (s *Stage) Deploy(broken bool) error { return s.deploy(broken, spotRef, standardRef) }

func (s *Stage) deploy(broken bool, to ...ecsim.Ref) error {
	var errs []error
	s.box.World(func(w *ecsim.World) {
		def, err := w.RegisterTaskDefinition(Region, definition(broken, s.front))
		errs = append(errs, err)
		if err != nil {
			return
		}
		for _, ref := range to {
			_, err := w.UpdateService(ref, ecsim.UpdateServiceInput{TaskDefinition: def.ARN})
			errs = append(errs, err)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("deploy: %w", err)
	}
	return nil
}

// sample is what is true of the world at one moment.
type sample struct {
	demand, spot, onDemand int // spot and onDemand are in service
	working                int // under notice, and still serving
	arriving               int // exist, and are not in service yet
	asked                  int // desired count of the on-demand service
	spotUse, onDemandUse   ecsim.Usage
}

func (s *Stage) sample() sample {
	v := sample{demand: s.demand}
	s.box.World(func(w *ecsim.World) {
		for _, at := range []struct {
			ref ecsim.Ref
			to  *int
		}{{spotRef, &v.spot}, {standardRef, &v.onDemand}} {
			*at.to = w.InService(at.ref)
			v.working += w.Working(at.ref) - *at.to
			_, running, pending := w.Counts(at.ref)
			v.arriving += max(0, running+pending-w.Working(at.ref))
		}
		v.asked, _, _ = w.Counts(standardRef)
		v.spotUse, v.onDemandUse = w.Usage(ecsim.FargateSpot), w.Usage(ecsim.Fargate)
	})
	return v
}
