package ecsim

import (
	"slices"
	"time"
)

// Rebalance says how ECS moves the tasks of services with availability zone rebalancing (A70, A71).
type Rebalance struct {
	After        time.Duration // from the first look that finds a service uneven to the first move; default 5 min (A70)
	Retry        time.Duration // between two rounds of moves, and after one that found no room; default 5 min (A70)
	AtOnce       int           // moves of one round; default 1, a negative number: as many as maximumPercent has room for (A70)
	FailureShare float64       // share 0..1 of rounds with room that say a placement failure all the same; default 0 (A71)
}

func (r Rebalance) withDefaults() Rebalance {
	r.After = orDefault(r.After, 5*time.Minute)
	r.Retry = max(time.Second, orDefault(r.Retry, 5*time.Minute)) // a round without room that is tried again at once would never end
	if r.AtOnce == 0 {
		r.AtOnce = 1
	}
	return r
}

// zoneBalance is what a service with availability zone rebalancing remembers of it.
type zoneBalance struct {
	moves  []uint64 // the tasks that were started to take over from one in a fuller zone, by their numbers
	nextAt moment   // no round before this
	uneven bool     // nextAt counts
}

func zoneBalanced(on bool) *zoneBalance {
	if on {
		return &zoneBalance{}
	}
	return nil
}

// surplus is how many tasks a service has beyond its desired count for the sake of balance.
func (b *zoneBalance) surplus() int {
	if b == nil {
		return 0
	}
	return len(b.moves)
}

// rebalance levels the tasks of a service over its zones: it starts a task in the emptier zone, and once that one is healthy stops one
// in the fuller zone. It acts only on a service that has all it wants and no deployment in progress.
func (w *World) rebalance(s *service) {
	b := s.balance
	if b == nil {
		return
	}
	if slices.ContainsFunc(b.moves, func(uid uint64) bool { return w.tasks[uid&slotMask].uid != uid || w.tasks[uid&slotMask].leaving }) {
		w.lookAt(s, w.now+moment(w.cfg.SchedulerDelay)) // a scale-in took it: what is then too much goes in the next look
	}
	d := s.deployments[0]
	settled := s.status == active && len(s.deployments) == 1 && d.rollout == completed && s.maximum > 100
	if !settled || len(b.moves) > 0 || d.alive != s.desired || d.healthy != d.alive {
		return
	}
	provider, from, to := w.widest(s)
	if from < 0 {
		b.uneven = false
		return
	}
	if !b.uneven {
		b.uneven, b.nextAt = true, w.now+moment(w.cfg.Rebalance.After)
	}
	if w.now < b.nextAt {
		w.lookAt(s, b.nextAt)
		return
	}
	b.nextAt = w.now + moment(w.cfg.Rebalance.Retry)
	w.lookAt(s, b.nextAt)
	w.move(s, b, provider, to)
}

// move starts the tasks of one round in a zone, and says a placement failure if there is no room. The silence of Config.PlacementSilence
// does not cover these: each round is a new attempt of a healthy service.
func (w *World) move(s *service, b *zoneBalance, provider int8, zone int) {
	d := s.deployments[0]
	n := s.desired*s.maximum/100 - s.running - s.pending
	if w.cfg.Rebalance.AtOnce > 0 {
		n = min(n, w.cfg.Rebalance.AtOnce)
	}
	lie := w.inZones(s, provider)
	n = min(n, (lie.most-lie.least)/2)
	refused := false
	for ; n > 0; n-- {
		t, why := w.launchIn(s, d, provider, zone)
		if refused = why != placed; refused {
			break
		}
		b.moves = append(b.moves, t.uid)
	}
	w.flushStarts(s)
	if refused || w.cfg.Rebalance.FailureShare > 0 && w.placement.Float64() < w.cfg.Rebalance.FailureShare {
		w.say(s, message{kind: sayNoCapacity})
		w.sendService(s, EventPlacementFailure, "ERROR", providerNames[provider], "RESOURCE:FARGATE")
	}
}

// finishMoves stops a task in the fullest zone for each started one that is healthy, and forgets started ones that ended.
func (w *World) finishMoves(s *service) {
	if s.balance.surplus() == 0 {
		return
	}
	b := s.balance
	b.moves = slices.DeleteFunc(b.moves, func(uid uint64) bool {
		t := w.tasks[uid&slotMask]
		if t.uid != uid || t.leaving || t.deployment != s.deployments[0] || len(s.deployments) > 1 {
			return true
		}
		if !t.isHealthy {
			return false
		}
		if victim := w.oldestIn(s, t.provider, w.inZones(s, t.provider).fullest); victim != nil && victim != t {
			w.stopForScaling(s, victim)
		}
		return true
	})
	w.flushStops(s)
}

// zoneCount is how the tasks of one provider lie over a service's zones.
type zoneCount struct {
	least, most       int
	emptiest, fullest int // indexes of zones
}

func (w *World) inZones(s *service, provider int8) zoneCount {
	var counts [maxZones]int
	for t := s.home.alive.first; t != nil; t = t.next {
		if !t.leaving && t.provider == provider && t.zone >= 0 {
			counts[t.zone]++
		}
	}
	var z zoneCount
	for i := range s.zones {
		if counts[i] < counts[z.emptiest] {
			z.emptiest = i
		}
		if counts[i] > counts[z.fullest] {
			z.fullest = i
		}
	}
	z.least, z.most = counts[z.emptiest], counts[z.fullest]
	return z
}

// widest returns the provider whose tasks are spread least evenly and the zones of a move that levels them; from is -1 when no two
// zones differ by more than one task. Fargate and Fargate Spot are spread independently of each other.
func (w *World) widest(s *service) (provider int8, from, to int) {
	from, to = -1, -1
	gap := 1
	for p := range int8(len(providerNames)) {
		if z := w.inZones(s, p); z.most-z.least > gap {
			provider, from, to, gap = p, z.fullest, z.emptiest, z.most-z.least
		}
	}
	return provider, from, to
}

// oldestIn returns the task of a service that has run longest in a zone and is not protected.
func (w *World) oldestIn(s *service, provider int8, zone int) *task {
	for t := s.home.alive.first; t != nil; t = t.next {
		if t.zone == int32(zone) && t.provider == provider && !t.leaving && t.isHealthy && !w.guarded(t) {
			return t
		}
	}
	return nil
}
