package ecsim

import (
	"math/rand/v2"
	"time"
)

// World is the model: one account and its regions. Make one with New. It is not safe for concurrent use.
type World struct {
	cfg   Config
	given Config // as New or Configure got it, without defaults
	now   moment
	q     queue

	regions  []*region
	services []*service // every service ever created, by index
	byRef    map[Ref]*service

	tasks  []*task
	free   []int32
	serial uint64
	forget []forgetting // stopped tasks, in the order in which they will be forgotten
	gone   int          // how many of them are

	delays  spread     // of events
	spreads [2]spread  // start-up times by provider
	starts  [2]StartUp // the same, as configured

	startUps, slowness, victims, placement, hangs, travel, lag, faulting *rand.Rand

	out      []Event
	dropped  int // undrained events that were dropped
	changes  int // of the state of tasks
	shifts   int // of what serves
	inFlight []Event
	idle     []int32 // free places of inFlight
	eventNo  uint64
	deployNo uint64

	balancingNo uint64
	releaseNo   uint64 // of service deployments and of their pauses
	begins      starts

	passed moment // the latest arrival so far, when order is kept

	sheet    []Task  // room for the snapshots of coming events
	spare    []*Task // snapshots to be used again
	usage    [2]meter
	faults   []Fault
	scratch  []int32 // of scaleIn
	gathered gathering
}

type forgetting struct {
	at   moment
	slot int32
}

// New builds a world at cfg.Start with no clusters and unlimited capacity.
func New(cfg Config) *World {
	w := &World{cfg: cfg.withDefaults(), given: cfg, byRef: map[Ref]*service{}}
	w.delays = delaysOf(w.cfg.Delivery)
	w.fitStarts()
	for i, stream := range []**rand.Rand{&w.startUps, &w.slowness, &w.victims, &w.placement, &w.hangs, &w.travel, &w.lag, &w.faulting} {
		*stream = rand.New(rand.NewPCG(cfg.Seed, scramble(uint64(i)+1)))
	}
	w.begins = starts{
		hung: [2]float64{cfg.HungStartShare, cfg.HungStartShare}, warmUp: [2]spread{cfg.WarmUp.spread(), cfg.WarmUp.spread()}, unwell: cfg.UnhealthyShare,
		fates: rand.New(rand.NewPCG(cfg.Seed, scramble(101))), warmings: rand.New(rand.NewPCG(cfg.Seed, scramble(102))),
	}
	return w
}

// Config returns the configuration with its defaults filled in.
func (w *World) Config() Config { return w.cfg }

// Now returns the virtual time.
func (w *World) Now() time.Time { return w.timeOf(w.now) }

// Next returns the time of the next internal event, and false if nothing will ever happen by itself.
func (w *World) Next() (time.Time, bool) {
	for len(w.q.heap) > 0 {
		if w.live(&w.q.heap[0]) {
			return w.timeOf(w.q.heap[0].at), true
		}
		w.q.pop()
	}
	return time.Time{}, false
}

// AdvanceTo moves the clock to t and lets everything happen that is due by then, t included. A t before Now does nothing. How
// finely the way is cut into calls makes no difference.
func (w *World) AdvanceTo(t time.Time) {
	end := moment(t.Sub(w.cfg.Start))
	if end < w.now {
		return
	}
	for len(w.q.heap) > 0 && w.q.heap[0].at <= end {
		e := w.q.pop()
		if !w.live(&e) {
			continue
		}
		w.forgetUntil(e.at)
		w.now = e.at
		w.happen(&e)
	}
	w.forgetUntil(end)
	w.now = end
}

// live tells whether an entry of the queue still means something.
func (w *World) live(e *timed) bool {
	switch e.kind {
	case taskStep:
		return w.tasks[e.idx].stepGen == e.gen
	case taskHealthy, taskUnguard, taskTurn, taskTakeOut, taskPutBack:
		return w.tasks[e.idx].life == e.gen
	case serviceLook:
		return w.services[e.idx].lookGen == e.gen
	case serviceSteady:
		return w.services[e.idx].steadyGen == e.gen
	}
	return true
}

func (w *World) happen(e *timed) {
	switch e.kind {
	case taskStep:
		w.step(w.tasks[e.idx])
	case taskHealthy:
		w.healthy(w.tasks[e.idx])
	case taskUnguard:
		w.unguarded(w.tasks[e.idx])
	case taskTurn:
		w.judge(w.tasks[e.idx])
	case taskTakeOut:
		w.takeOutForSpot(w.tasks[e.idx])
	case taskPutBack:
		w.putBack(w.tasks[e.idx])
	case serviceLook:
		s := w.services[e.idx]
		s.nextLook = never
		w.look(s)
	case serviceSteady:
		w.saySteady(w.services[e.idx])
	case eventArrival:
		w.arrive(e.idx)
	}
}

func (w *World) timeOf(m moment) time.Time { return w.cfg.Start.Add(time.Duration(m)) }

// timeOrZero maps the zero moment of an unset field to the zero time. Fields are set with stamp, so that no set one is zero.
func (w *World) timeOrZero(m moment) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return w.timeOf(m - 1)
}

// stamp returns now for a field that is zero while unset: one more than the moment.
func (w *World) stamp() moment { return w.now + 1 }

// Drain returns the events delivered since the last call, in the order of delivery, and forgets them.
func (w *World) Drain() []Event {
	out := w.out
	w.out = nil
	return out
}

// DrainTo appends the events delivered since the last call to dst; unlike Drain it keeps its own buffer for reuse.
func (w *World) DrainTo(dst []Event) []Event {
	dst = append(dst, w.out...)
	clear(w.out)
	w.out = w.out[:0]
	return dst
}

// Dropped returns how many events were lost because nobody drained them.
func (w *World) Dropped() int { return w.dropped }

// Changes returns how often the state of a task has changed so far; each change is an event unless Config.LeaveOut says otherwise.
func (w *World) Changes() int { return w.changes }

// scramble is the finalizer of splitmix64: a bijection that spreads neighbours far apart.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// forgetUntil drops the stopped tasks whose time is over.
func (w *World) forgetUntil(at moment) {
	for w.gone < len(w.forget) && w.forget[w.gone].at <= at {
		t := w.tasks[w.forget[w.gone].slot]
		w.gone++
		t.home.stopped.remove(t)
		if t.readiness != nil {
			t.readiness.task = nil
		}
		*t = task{slot: t.slot, life: t.life + 1, stepGen: t.stepGen + 1}
		w.free = append(w.free, t.slot)
	}
	if w.gone > 64 && w.gone > len(w.forget)/2 {
		w.forget = w.forget[:copy(w.forget, w.forget[w.gone:])]
		w.gone = 0
	}
}
