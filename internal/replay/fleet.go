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
	tasks   []failover.Task // desired status RUNNING, as a listing shows them
	at      map[string]int  // task ID -> place in tasks
	fresh   []failover.Task // those of tasks that are not known to be steady (failover.PoolObservation.Steady), in any order
	inFresh []int32         // place in tasks -> place in fresh, -1 for a steady one
	inTasks []int32         // place in fresh -> place in tasks
	oldest  time.Time       // no running task of fresh started before it
	healthy int             // of tasks, how many are RUNNING
	working int             // do work now, warned ones that work on included
	lost    int             // RUNNING tasks that were interrupted
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
		p.at = map[string]int{}
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

// note keeps the pool's mirror of its tasks up to date with one event. It returns whether the event is the first that shows the task
// on its way out, and whether it was RUNNING until then.
func (p *pool) note(t *ecsim.Task) (left, ran bool) {
	i, known := p.at[t.ID]
	if t.DesiredStatus == ecsim.Stopped {
		if !known {
			return false, false
		}
		ran = p.tasks[i].Phase == failover.Running
		if ran {
			p.healthy--
		}
		p.remove(i)
		return true, ran
	}
	if !known {
		i = len(p.tasks)
		p.at[t.ID] = i
		p.inFresh = append(p.inFresh, int32(len(p.fresh)))
		p.inTasks = append(p.inTasks, int32(i))
		p.tasks = append(p.tasks, failover.Task{ID: t.ID, Phase: failover.Starting, Zone: t.Zone, CreatedAt: t.CreatedAt})
		p.fresh = append(p.fresh, p.tasks[i])
	}
	if t.LastStatus == ecsim.Running && p.tasks[i].Phase != failover.Running {
		p.tasks[i].Phase, p.tasks[i].StartedAt = failover.Running, t.StartedAt
		p.fresh[p.inFresh[i]] = p.tasks[i]
		if t.StartedAt.Before(p.oldest) {
			p.oldest = t.StartedAt
		}
		p.healthy++
	}
	return false, false
}

// remove takes a task out of the mirror.
func (p *pool) remove(i int) {
	delete(p.at, p.tasks[i].ID)
	if f := p.inFresh[i]; f >= 0 {
		p.seasoned(f)
	}
	last := len(p.tasks) - 1
	if i != last {
		p.tasks[i], p.inFresh[i] = p.tasks[last], p.inFresh[last]
		p.at[p.tasks[i].ID] = i
		if f := p.inFresh[i]; f >= 0 {
			p.inTasks[f] = int32(i)
		}
	}
	p.tasks, p.inFresh = p.tasks[:last], p.inFresh[:last]
}

// seasoned takes a task out of fresh.
func (p *pool) seasoned(f int32) {
	last := len(p.fresh) - 1
	p.inFresh[p.inTasks[f]] = -1
	if int(f) != last {
		p.fresh[f], p.inTasks[f] = p.fresh[last], p.inTasks[last]
		p.inFresh[p.inTasks[f]] = f
	}
	p.fresh, p.inTasks = p.fresh[:last], p.inTasks[:last]
}

// unsteady returns the tasks that started after a moment or have not yet, and how many others there are. The moment never goes back.
func (p *pool) unsteady(since time.Time) ([]failover.Task, int) {
	if !p.oldest.After(since) {
		oldest := since.Add(never)
		for f := 0; f < len(p.fresh); {
			t := &p.fresh[f]
			switch {
			case t.Phase != failover.Running:
			case !t.StartedAt.After(since):
				p.seasoned(int32(f))
				continue
			case t.StartedAt.Before(oldest):
				oldest = t.StartedAt
			}
			f++
		}
		p.oldest = oldest
	}
	return p.fresh, len(p.tasks) - len(p.fresh)
}

// pending counts the tasks before RUNNING, and those of them that are older than limit.
func (p *pool) pending(now time.Time, limit time.Duration) (all, old int) {
	if p.healthy == len(p.tasks) {
		return 0, 0
	}
	for i := range p.tasks {
		if p.tasks[i].Phase == failover.Starting {
			all++
			if now.Sub(p.tasks[i].CreatedAt) >= limit {
				old++
			}
		}
	}
	return all, old
}
