package ecsim

import "slices"

var providerNames = [2]string{Fargate, FargateSpot}

const (
	onDemand = 0
	spot     = 1
)

// providerIndex maps a capacity provider's name to its index; every name but FARGATE_SPOT is on-demand.
func providerIndex(name string) int8 {
	if name == FargateSpot {
		return spot
	}
	return onDemand
}

// SupplyKey names capacity. Arch "" is X86_64; Zone "" is the limit on the sum over the region's zones.
type SupplyKey struct{ Region, Provider, Arch, Zone string }

// market is the capacity of one provider and architecture in one region.
type market struct {
	provider int8
	arch     string
	limit    int // on the sum over the zones; negative: none
	held     int
	pools    []*pool
	burst    moment  // when the present burst of launches began
	common   float64 // the normal score its launches have in common
	bursting bool
}

// pool is a market's capacity in one zone.
type pool struct {
	zone  string
	limit int // negative: none
	held  []int32
}

func (r *region) market(provider int8, arch string) *market {
	if arch == "" {
		arch = "X86_64"
	}
	for _, m := range r.markets {
		if m.provider == provider && m.arch == arch {
			return m
		}
	}
	m := &market{provider: provider, arch: arch, limit: -1}
	r.markets = append(r.markets, m)
	return m
}

func (m *market) pool(zone string) *pool {
	for _, p := range m.pools {
		if p.zone == zone {
			return p
		}
	}
	p := &pool{zone: zone, limit: -1}
	m.pools = append(m.pools, p)
	return p
}

// SetSupply says how many tasks a provider can hold; negative means no limit. Lowering Spot below what is held interrupts random
// victims; on-demand is never reclaimed, only not placed. Raising it wakes nobody: the scheduler finds out when it tries again.
func (w *World) SetSupply(key SupplyKey, n int) {
	m := w.region(key.Region).market(providerIndex(key.Provider), key.Arch)
	if key.Zone == "" {
		m.limit = n
		for n >= 0 && m.provider == spot && m.held > n {
			w.interrupt(w.victim(m))
		}
		return
	}
	p := m.pool(key.Zone)
	p.limit = n
	for n >= 0 && m.provider == spot && len(p.held) > n {
		if w.choosy() {
			w.scratch = append(w.scratch[:0], p.held...)
			w.interrupt(w.struck(w.scratch))
			continue
		}
		w.interrupt(w.tasks[p.held[w.victims.IntN(len(p.held))]])
	}
}

// Supply returns a limit as SetSupply gave it (negative: none) and how many tasks count against it.
func (w *World) Supply(key SupplyKey) (limit, held int) {
	m := w.region(key.Region).market(providerIndex(key.Provider), key.Arch)
	if key.Zone == "" {
		return m.limit, m.held
	}
	p := m.pool(key.Zone)
	return p.limit, len(p.held)
}

// victim picks a random task that holds capacity of a market.
func (w *World) victim(m *market) *task {
	if w.choosy() {
		w.scratch = w.scratch[:0]
		for _, p := range m.pools {
			w.scratch = append(w.scratch, p.held...)
		}
		return w.struck(w.scratch)
	}
	n := w.victims.IntN(m.held)
	for _, p := range m.pools {
		if n < len(p.held) {
			return w.tasks[p.held[n]]
		}
		n -= len(p.held)
	}
	return nil
}

// Interrupt reclaims up to n random RUNNING Spot tasks of a service, or without one of the tasks of no service of the cluster, in one zone or (with "") in any, and returns their IDs. With
// reduce the limits that they counted against, where there are any, sink with them; otherwise their places can be had again.
func (w *World) Interrupt(ref Ref, n int, zone string, reduce bool) []string {
	return w.interruptOf(ref, n, zone, reduce, func(*deployment) bool { return true })
}

// InterruptRevision is [World.Interrupt] for the tasks of the revisions that carry production traffic, or of the others.
func (w *World) InterruptRevision(ref Ref, n int, zone string, reduce, production bool) []string {
	return w.interruptOf(ref, n, zone, reduce, func(d *deployment) bool { return d.production() > 0 == production })
}

func (w *World) interruptOf(ref Ref, n int, zone string, reduce bool, of func(*deployment) bool) []string {
	var h *home
	if s := w.byRef[ref]; s != nil {
		h = &s.home
	} else if cl := w.region(ref.Region).cluster(ref.Cluster); cl != nil && ref.Service == "" {
		h = &cl.home
	} else {
		return nil
	}
	var candidates []*task
	for t := h.alive.first; t != nil; t = t.next {
		if t.provider == spot && t.status == running && !t.leaving && t.market != nil && (zone == "" || t.zoneName == zone) && of(t.deployment) {
			candidates = append(candidates, t)
		}
	}
	var ids []string
	for ; n > 0 && len(candidates) > 0; n-- {
		i := w.strikeOne(candidates)
		t := candidates[i]
		candidates[i] = candidates[len(candidates)-1]
		candidates = candidates[:len(candidates)-1]
		m, p := t.market, t.pool
		ids = append(ids, w.id(t))
		w.interrupt(t)
		if reduce {
			if p.limit > 0 {
				p.limit--
			}
			if m.limit > 0 {
				m.limit--
			}
		}
	}
	return ids
}

// strikeOne returns the place of the task that an interruption of one of these strikes.
func (w *World) strikeOne(candidates []*task) int {
	if !w.choosy() {
		return w.victims.IntN(len(candidates))
	}
	w.scratch = w.scratch[:0]
	for _, t := range candidates {
		w.scratch = append(w.scratch, t.slot)
	}
	return slices.Index(candidates, w.struck(w.scratch))
}

// interrupt reclaims a task's Spot capacity. The capacity is gone at once: what the task still does until it exits is its grace.
func (w *World) interrupt(t *task) {
	w.release(t)
	if t.leaving {
		return // it goes anyway
	}
	w.usage[t.provider].total.Interruptions++
	if t.service != nil {
		t.service.usage.total.Interruptions++
	}
	e := ending{code: StopSpot, reason: ReasonSpotInterruption, how: warned, exitCode: 137}
	if w.cfg.UnwarnedShare > 0 && w.victims.Float64() < w.cfg.UnwarnedShare {
		e.how = atOnce
	}
	w.end(t, e)
}

// hold gives a task a place in a pool.
func (w *World) hold(t *task, m *market, p *pool) {
	t.market, t.pool, t.poolPos = m, p, int32(len(p.held))
	t.zoneName = p.zone
	p.held = append(p.held, t.slot)
	m.held++
}

// release gives a task's place back; it may have none.
func (w *World) release(t *task) {
	if t.market == nil {
		return
	}
	p := t.pool
	last := len(p.held) - 1
	moved := p.held[last]
	p.held[t.poolPos] = moved
	w.tasks[moved].poolPos = t.poolPos
	p.held = p.held[:last]
	t.market.held--
	t.market, t.pool = nil, nil
}

func (m *market) full() bool { return m.limit >= 0 && m.held >= m.limit }

func (p *pool) full() bool { return p.limit >= 0 && len(p.held) >= p.limit }

// SetQuota sets a region's vCPU quota of one provider (L-3032A538 or L-36FBB829); tasks that run keep running.
func (w *World) SetQuota(regionName, provider string, vcpu float64) {
	if vcpu <= 0 {
		vcpu = -1 // 0 in the field means the default of Config
	}
	w.region(regionName).quota[providerIndex(provider)] = vcpu
}

// Quota returns a region's vCPU quota of one provider and how much of it is in use, from creation to STOPPED.
func (w *World) Quota(regionName, provider string) (limit, used float64) {
	r := w.region(regionName)
	i := providerIndex(provider)
	return w.quotaOf(r, i), r.vcpus[i]
}

func (w *World) quotaOf(r *region, provider int8) float64 {
	if q := r.quota[provider]; q != 0 {
		return max(0, q)
	}
	if provider == spot {
		return max(0, w.cfg.SpotVCPU)
	}
	return max(0, w.cfg.OnDemandVCPU)
}

func vcpus(d *TaskDefinition) float64 { return float64(d.CPU) / 1024 }
