package sandbox

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

// Defaults of Options.
const (
	DefaultRegion = "us-east-1"
	// EventsQueue receives every ECS event, as a rule for ECS events with that queue as its target would
	// deliver it; EventsDeadLetterQueue takes the messages received more than eventsReceivesMax times.
	EventsQueue           = "backstop-events"
	EventsDeadLetterQueue = "backstop-events-dlq"

	eventsReceivesMax = 5
)

// Options says which sandbox to make. The zero value is a calm world at real speed.
type Options struct {
	// World is the model's configuration. A zero Start is the present. ECS's token buckets are enforced unless
	// NoThrottle is set.
	World      ecsim.Config
	Scaling    scaler.Config // of the model of Application Auto Scaling
	NoThrottle bool
	// Speed is how many virtual seconds pass in a real one, up to 1e6; 0 means 1.
	Speed float64
	// Manual makes virtual time stand still but for AdvanceTo. A ReceiveMessage then never waits.
	Manual bool
	// Region is where the queues of this account live; empty: DefaultRegion.
	Region string
	// Token is what the steering API demands (Authorization: Bearer) once the sandbox listens off loopback.
	Token string
	Log   *slog.Logger // nil: no log
	// OnCall is told of each AWS call when it is answered, OnMessage of each queued message when it becomes
	// visible for the first time. Both are called with the sandbox locked: they must not call back.
	OnCall    func(Call)
	OnMessage func(Delivery)
}

// Delivery is a message that became visible in a queue.
type Delivery struct {
	Queue string
	ID    string
	At    time.Time // virtual
	Wall  time.Time // real
}

// Sandbox is one simulated AWS account. Make it with New; it needs no closing.
type Sandbox struct {
	opts   Options
	log    *slog.Logger
	online exposure

	operations map[string]map[string]operation // what schedules may call

	mu      sync.Mutex
	world   *ecsim.World
	clock   clock
	changed chan struct{} // closed and replaced when the clock was set or a message came
	events  []ecsim.Event // scratch
	rand    *rand.Rand    // faults
	serial  uint64        // of request, message and other ids

	extras    map[ecsim.Ref]*serviceExtras
	deleted   map[clusterKey]bool
	providers map[clusterKey]*clusterProviders // of clusters that name theirs
	kept      map[clusterKey]clusterKept       // of clusters
	targets   map[targetKey]*scalableTarget
	scaler    *scaler.Scaler
	tokens    tokenBook
	logReads  map[string]*logReads    // by region
	pairs     map[ecsim.Ref]ecsim.Ref // services made as twins, each with its other half
	queues    map[string]*queue
	topics    topics
	settings  accountSettings

	balancing balancingExtras

	notices   []Notice
	rules     map[ruleKey]*rule
	schedules map[scheduleKey]*schedule
	ruled     bool // a rule was put
	faults    []*Fault
	faultID   int
	stale     staleness
	trouble   Trouble         // of event delivery
	regions   map[string]bool // with clusters
	calls     callLog

	accountID  string
	containers map[string]containerOf
	stir       bool // a message came, or a queue went: who waits must look again
	overflowed bool // said once that a queue is full
	nextSeen   time.Time
}

// New makes a sandbox with its own world and the events queue.
func New(opts Options) *Sandbox {
	if opts.Region == "" {
		opts.Region = DefaultRegion
	}
	if opts.Speed <= 0 {
		opts.Speed = 1
	}
	opts.Speed = min(opts.Speed, speedMax)
	if opts.World.Start.IsZero() {
		opts.World.Start = time.Now().UTC().Truncate(time.Second)
	}
	opts.World.Throttle = !opts.NoThrottle
	s := &Sandbox{opts: opts, log: opts.Log, operations: operations}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resetLocked()
	return s
}

// resetLocked makes everything as New left it. The clock goes back to the world's start.
func (s *Sandbox) resetLocked() {
	s.world = ecsim.New(s.opts.World)
	s.accountID = s.world.Config().Account
	now := time.Now()
	s.clock = clock{manual: s.opts.Manual, speed: s.opts.Speed, base: s.world.Now(), since: now}
	s.rand = rand.New(rand.NewPCG(s.opts.World.Seed, 0x5a4db0c5))
	s.extras = map[ecsim.Ref]*serviceExtras{}
	s.deleted, s.providers = map[clusterKey]bool{}, map[clusterKey]*clusterProviders{}
	s.kept = map[clusterKey]clusterKept{}
	s.targets = map[targetKey]*scalableTarget{}
	s.scaler = scaler.New(s.opts.Scaling)
	s.tokens, s.logReads = tokenBook{}, map[string]*logReads{}
	s.pairs = map[ecsim.Ref]ecsim.Ref{}
	s.queues = map[string]*queue{}
	s.topics = topics{}
	s.settings = accountSettings{}
	s.balancing = balancingExtras{groups: map[string]*groupExtras{}, balancers: map[string]balancerKept{}}
	s.notices = nil
	s.rules, s.ruled = map[ruleKey]*rule{}, false
	s.schedules = map[scheduleKey]*schedule{}
	s.faults, s.stale = nil, staleness{}
	s.trouble = Trouble{}
	s.regions = map[string]bool{s.opts.Region: true}
	s.containers = map[string]containerOf{}
	s.overflowed = false
	s.calls = callLog{counts: map[string]int{}}
	dead := s.addQueue(EventsDeadLetterQueue)
	events := s.addQueue(EventsQueue)
	events.policy = newPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + events.arn + `"}]}`)
	events.redrive = &redrivePolicy{Target: dead.arn, ReceivesMax: eventsReceivesMax}
	s.wakeLocked()
}

// QueueURL returns the URL of the events queue. In process, without a listener, its host is localhost: a sandbox
// looks at nothing but the path.
func (s *Sandbox) QueueURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return orDefault(s.online.base, "http://localhost") + s.queuePath(EventsQueue)
}

// Now returns the virtual time.
func (s *Sandbox) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.catchUpLocked()
}

// World calls f with the model, up to date and locked. f must not keep it, nor advance it.
func (s *Sandbox) World(f func(*ecsim.World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	f(s.world)
	s.settleLocked()
}

// AdvanceTo moves virtual time to t, and everything with it that is due. An earlier t changes nothing.
func (s *Sandbox) AdvanceTo(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanceLocked(t)
}

func (s *Sandbox) advanceLocked(t time.Time) {
	if now := s.catchUpLocked(); t.After(now) {
		s.clock.set(t, time.Now())
		s.catchUpLocked()
		s.stir = true // the deadlines of those who wait came nearer
	}
	s.settleLocked()
}

// Next returns the virtual time of the next thing that happens by itself: in the world, or a message that
// becomes visible again. ok is false when nothing is due.
func (s *Sandbox) Next() (t time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpLocked()
	return s.nextLocked()
}

func (s *Sandbox) nextLocked() (t time.Time, ok bool) {
	t, ok = s.world.Next()
	if at, due := s.scaler.Next(); due && (!ok || at.Before(t)) {
		t, ok = at, true
	}
	if _, one := s.nextSchedule(); one != nil && (!ok || one.at.Before(t)) {
		t, ok = one.at, true
	}
	for _, q := range s.queues {
		if at, hidden := q.nextVisible(); hidden && (!ok || at.Before(t)) {
			t, ok = at, true
		}
	}
	return t, ok
}

// catchUpLocked brings the world and the queues to the present and returns it.
func (s *Sandbox) catchUpLocked() time.Time {
	now := s.clock.at(time.Now())
	if len(s.schedules) > 0 {
		s.fireUntil(now)
	}
	if now.After(s.world.Now()) {
		s.scaler.AdvanceTo(s.world, now)
	}
	now = s.world.Now()
	s.deliverLocked()
	for _, q := range s.queues {
		q.advance(now)
	}
	return now
}

// settleLocked delivers what a call caused, and wakes those who wait if there is something new to wait for.
func (s *Sandbox) settleLocked() {
	s.deliverLocked()
	next, _ := s.nextLocked()
	if s.stir || !next.Equal(s.nextSeen) {
		s.stir, s.nextSeen = false, next
		s.wakeLocked()
	}
}

// wakeLocked makes everybody who waits for time or messages look again.
func (s *Sandbox) wakeLocked() {
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
}

// Drive moves the world as its clock tells until ctx ends, so that events are queued and logged when they are due,
// not when somebody asks. Listen does so by itself; a sandbox used in process without it catches up on every
// call and while a ReceiveMessage waits.
func (s *Sandbox) Drive(ctx context.Context) {
	timer := time.NewTimer(stepMax)
	defer timer.Stop()
	for {
		s.mu.Lock()
		s.catchUpLocked()
		s.settleLocked()
		wait, changed := s.waitLocked(), s.changed
		s.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer.C:
		}
	}
}

// waitLocked returns how long to sleep until something is due, between stepMin and stepMax.
func (s *Sandbox) waitLocked() time.Duration {
	next, ok := s.nextLocked()
	if !ok {
		return stepMax
	}
	wait, comes := s.clock.until(next, time.Now())
	if !comes {
		return stepMax
	}
	return min(max(wait, stepMin), stepMax)
}
