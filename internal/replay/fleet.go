package replay

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// Zones says how a workload uses the availability zones of a trace.
type Zones string

// Ways to use zones.
const (
	// Pooled: one Spot service over all zones of a pool; ECS spreads its tasks.
	Pooled Zones = "pooled"
	// PerZone: one Spot service per zone, together in one tier of the policy.
	PerZone Zones = "per-zone"
)

// Prices are in US dollars per hour of one task. The zero value has the article's: 4 vCPU and 16 GB at $0.268 and $0.11796.
type Prices struct{ OnDemand, Spot float64 }

// ArticlePrices are the prices that the article computed with.
func ArticlePrices() Prices { return Prices{OnDemand: 0.268, Spot: 0.11796} }

const (
	clusterName  = "replay"
	homeRegion   = "us-west-2"
	onDemandName = "standard"
	warmUp       = 30 * time.Minute // the world settles under the trace's first row before the measurement begins
)

// pool is one service of the run: what was asked of it, and a mirror of its tasks.
type pool struct {
	name     string
	ref      ecsim.Ref
	gauge    ecsim.Gauge
	capacity failover.Capacity
	tier     int
	zones    []string
	source   string // the trace's pool

	desired int
	held    int // the demand in its tag backstop:demand
	mirror
	working int // do work now, warned ones that work on included, whether or not they are ready
	lost    int // RUNNING tasks that were interrupted
}

// layout turns the columns of a trace into pools.
func layout(t *trace.Trace, z Zones) []*pool {
	var out []*pool
	for tier, name := range t.Pools() {
		region := homeRegion
		if tier > 0 {
			region = fmt.Sprintf("%s-%d", homeRegion, tier+1) // capacity of its own
		}
		zones := t.Zones(name)
		if z == PerZone && len(zones) > 1 {
			for _, zone := range zones {
				out = append(out, &pool{name: name + "-" + zone, capacity: failover.Spot, tier: tier, zones: []string{zone}, source: name,
					ref: ecsim.Ref{Region: region, Cluster: clusterName, Service: name + "-" + zone}})
			}
			continue
		}
		out = append(out, &pool{name: name, capacity: failover.Spot, tier: tier, zones: zones, source: name,
			ref: ecsim.Ref{Region: region, Cluster: clusterName, Service: name}})
	}
	tiers := len(t.Pools())
	out = append(out, &pool{name: onDemandName, capacity: failover.OnDemand, tier: tiers, zones: t.Zones(trace.OnDemand), source: trace.OnDemand,
		ref: ecsim.Ref{Region: homeRegion, Cluster: clusterName, Service: onDemandName}})
	for _, p := range out {
		p.mirror = newMirror(p.ref)
	}
	return out
}

// build creates the pools' clusters and services in the world, asked for nothing yet.
func build(w *ecsim.World, pools []*pool, world World) error {
	made := map[string]bool{}
	for _, p := range pools {
		if !made[p.ref.Region] {
			made[p.ref.Region] = true
			if _, err := w.CreateCluster(p.ref.Region, clusterName, nil); err != nil {
				return fmt.Errorf("create cluster: %w", err)
			}
		}
		def, err := w.RegisterTaskDefinition(p.ref.Region, ecsim.TaskDefinitionInput{
			Family: p.name, CPU: world.CPU, Memory: world.Memory, StopTimeout: stopTimeout, OnSIGTERM: world.behaviour(p.capacity == failover.Spot),
		})
		if err != nil {
			return fmt.Errorf("register task definition %s: %w", p.name, err)
		}
		_, err = w.CreateService(p.ref.Region, ecsim.CreateServiceInput{
			Cluster: clusterName, Name: p.name, TaskDefinition: def.ARN, Zones: p.zones,
			Strategy: []ecsim.StrategyItem{{Provider: string(p.capacity), Weight: 1}},
		})
		if err != nil {
			return fmt.Errorf("create service %s: %w", p.name, err)
		}
		p.gauge = w.Gauge(p.ref)
	}
	return nil
}
