package adversary

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	workloadName = "api"
	clusterName  = "prod"
	homeRegion   = "us-east-1"
	farRegion    = "us-west-2"
	// worldEvery is the mean time between two troubles of the world in the densest runs, all kinds together.
	worldEvery = 12 * time.Minute
)

// Plan is everything that a run is made from. Two runs of one plan are the same, call for call.
type Plan struct {
	Seed uint64
	// Shares are the shares of calls and events that meet a trouble, and for troubles of the world their
	// weight among each other; zero: the run does not have it.
	Shares [troubles]float64
	// Writers are daemons, Functions are writers woken by a schedule and by messages, as a Lambda function is.
	Writers, Functions int
	Tick               time.Duration
	// TroubleFor is how long things go wrong; Sparse is by how much rarer than in the densest runs.
	TroubleFor time.Duration
	Sparse     int
	Policy     failover.Policy
	Regions    []string // of the pools
	Demand     int
	// Scaling says that Application Auto Scaling has a target on the first pool.
	Scaling bool
	Ground  Ground
	Drive   Drive
	World   ecsim.Config
	// Encode makes the store keep JSON instead of values.
	Encode bool
	// scene, where there is one, is all that happens.
	scene *Scene
	// Log, if not nil, is given a line for every report and every trouble of the world.
	Log func(format string, args ...any)
}

// NewPlan draws a plan from a seed.
func NewPlan(seed uint64) Plan {
	r := rand.New(rand.NewPCG(seed, 0xad7e25a27))
	p := Plan{Seed: seed}
	// Swarm: every trouble is in about a third of the runs, each with a strength of its own.
	often := r.Float64()
	for t := range StateLost { // the last ones are drawn below
		if r.Float64() < 0.1+0.4*often {
			p.Shares[t] = strength(r, t)
		}
	}
	p.Writers = 1 + pick(r, 4, 3, 1)
	p.Functions = pick(r, 5, 2, 1)
	if p.Functions > 0 {
		p.Writers--
	}
	p.Tick = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute}[pick(r, 2, 2, 4)]
	// From hours that are full of trouble to weeks with some.
	p.Sparse = []int{1, 4, 16, 64}[pick(r, 3, 3, 2, 2)]
	p.TroubleFor = time.Duration(2+r.IntN(5)) * time.Hour * time.Duration(p.Sparse)
	switch p.Sparse {
	case 1:
		p.Tick = time.Minute
	case 16, 64: // weeks are for what takes days: few writers, slow ticks
		p.Tick, p.Writers, p.Functions = 5*time.Minute, min(p.Writers, 2), min(p.Functions, 1)
	}
	p.Demand = []int{1, 2, 3, 5, 8, 12, 20, 40, 130}[pick(r, 2, 3, 4, 6, 6, 6, 5, 2, 1)]
	if p.Sparse > 1 {
		p.Demand = min(p.Demand, 20)
	}
	p.drawPools(r)
	p.Policy = drawPolicy(r, p.Policy.Pools)
	p.Scaling = len(p.Regions) == 2 && r.IntN(3) == 0
	p.Encode = r.IntN(20) == 0
	p.World = ecsim.Config{Seed: seed, LeaveOut: ecsim.APICallEvents, StopTimeout: time.Duration(30+r.IntN(3)*45) * time.Second,
		OnSIGTERM: []ecsim.Behaviour{ecsim.UseWarning, ecsim.ObeySIGTERM}[r.IntN(2)], ReadLag: -1, KeepStopped: stoppedFor + time.Minute,
		WarningForm:  []ecsim.WarningForm{ecsim.WarningSpotInterruption, ecsim.WarningTerminationNotice, ecsim.WarningNoStopCode}[pick(r, 6, 1, 1)],
		ScaleIn:      []ecsim.ScaleInPick{ecsim.PickRunningFirst, ecsim.PickRandom, ecsim.PickStartingFirst}[pick(r, 2, 1, 1)],
		FailingRetry: ecsim.Backoff{First: time.Minute, Max: 5 * time.Minute, Factor: 2},
	}
	if r.IntN(4) > 0 { // most rules leave the steps of a start and a stop out
		p.World.LeaveOut |= ecsim.StartingEvents | ecsim.StoppingEvents
	}
	if r.IntN(3) == 0 {
		p.World.WarnedNotCounted = true
	}
	if s := p.Shares[StaleReads]; s > 0 {
		p.World.ReadLag = time.Duration(s * float64(20*time.Second))
	}
	p.World.UnwarnedShare = p.Shares[Unwarned]
	p.World.HungShare = p.Shares[Hung]
	// No draw of its own, so that the other seeds stay what they were. What a scalable target's own bounds were is told by
	// nothing but the state.
	if h := hash(seed, 0x1057); h%6 == 0 && !p.Scaling {
		p.Shares[StateLost] = 0.1 + 0.4*share(h)
	}
	if h := hash(seed, 0x51e7); h%2 == 0 && slices.Contains(p.Regions, farRegion) {
		p.Shares[RegionSilent] = 0.2 + 0.8*share(h)
		p.Policy.WriteOffAfter = []time.Duration{0, 2 * time.Minute, 10 * time.Minute}[hash(seed, 0x0ff)%3]
	}
	p.drawGround(rand.New(rand.NewPCG(seed, 0x9a0d)))
	return p
}

// strength draws how often a trouble happens in a run that has it.
func strength(r *rand.Rand, t Trouble) float64 {
	u := r.Float64()
	switch t {
	case CrashBefore, CrashAfter:
		return 0.0005 + 0.01*u*u
	case NoAnswer, Slow, StoreSlow, LateEffect, LostAnswer, LateFault, StoreLies:
		return 0.005 + 0.1*u*u
	case Throttled, ServerFault, Denied, StoreRefuses, QueueRefuses:
		return 0.01 + 0.25*u*u
	case EventLost, EventLate, EventTwice:
		return 0.02 + 0.9*u*u
	case EventPoison:
		return 0.01
	}
	return 0.1 + 0.9*u
}

// pick draws an index by weights.
func pick(r *rand.Rand, weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := r.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

func (p *Plan) drawPools(r *rand.Rand) {
	spot := failover.Pool{Name: "spot", Capacity: failover.Spot, TaskHourUSD: 0.02}
	standard := failover.Pool{Name: "standard", Capacity: failover.OnDemand, TaskHourUSD: 0.05}
	far := failover.Pool{Name: "far", Capacity: failover.Spot, Tier: 1}
	switch pick(r, 7, 2, 1) {
	case 0:
		standard.Tier = 1
		p.Policy.Pools, p.Regions = []failover.Pool{spot, standard}, []string{homeRegion, homeRegion}
	case 1:
		standard.Tier = 2
		p.Policy.Pools, p.Regions = []failover.Pool{spot, far, standard}, []string{homeRegion, farRegion, homeRegion}
	case 2:
		second := standard
		standard.Tier, second.Tier, second.Name = 1, 2, "standard-far"
		p.Policy.Pools, p.Regions = []failover.Pool{spot, standard, second}, []string{homeRegion, homeRegion, farRegion}
	}
}

// drawPolicy draws a policy for the pools. Limits of money and of failovers a day are drawn rarely, as they
// may keep a workload from converging for a day.
func drawPolicy(r *rand.Rand, pools []failover.Pool) failover.Policy {
	p, _ := failover.Preset([]string{failover.PresetFill, failover.PresetSwitch, failover.PresetObserve}[pick(r, 10, 8, 1)])
	p.Pools = pools
	p.Overstart = []float64{0, 0.35, 1}[r.IntN(3)]
	p.Switch.Probe = []float64{0.01, 0.05, 0.2, 0.5}[r.IntN(4)]
	p.Switch.PerDay = 0
	p.SyncTaskDefinition = r.IntN(2) == 0
	if r.IntN(4) == 0 {
		p.Switch.Interruptions, p.Switch.Share = 2, 0.1
	}
	if r.IntN(10) == 0 {
		p.Extra = 1 + r.IntN(2)
	}
	if r.IntN(12) == 0 {
		p.OnDemandMax = 1 + r.IntN(20)
	}
	if r.IntN(8) == 0 {
		p.ForesightUSD = 0.1
	}
	if r.IntN(3) == 0 {
		p.Pools = slices.Clone(p.Pools)
		for i := range p.Pools {
			p.Pools[i].Drain, p.Pools[i].DrainBefore = failover.DrainLate, 25*time.Second
		}
	}
	return p
}

// refs names the services of the pools.
func (p *Plan) refs() []control.ServiceRef {
	out := make([]control.ServiceRef, len(p.Policy.Pools))
	for i := range out {
		out[i] = control.ServiceRef{Region: p.Regions[i], Cluster: clusterName, Service: workloadName + "-" + p.Policy.Pools[i].Name}
	}
	return out
}

// String says the plan in one line, as it is printed with a failing seed.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s, demand %d, %d pools, %d daemons, %d functions, tick %s, trouble for %s/%d;", p.Seed, p.Policy.Preset, p.Demand,
		len(p.Policy.Pools), p.Writers, p.Functions, p.Tick, p.TroubleFor, p.Sparse)
	for t, s := range p.Shares {
		if s > 0 {
			fmt.Fprintf(&b, " %s %.3f", Trouble(t), s)
		}
	}
	return b.String()
}
