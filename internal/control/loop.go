package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Loop guards workloads: [Loop.Run] for as long as the process lives, [Loop.Pass] once. The fields are set
// before the first call and not changed after it. Services, Store and Workloads are needed.
type Loop struct {
	Services Services
	Store    Store
	// Queue gives events; nil: only the tick and commands wake a pass. Parse reads one message: ok is false
	// for one that says nothing, the error is for one that cannot be read.
	Queue Queue
	Parse func(body []byte) (s failover.Signal, ok bool, err error)
	// Aside, if not nil, is offered the messages that say nothing of a service. It reports whether it takes one, and then acknowledges it itself.
	Aside func(m Message) bool

	Workloads []Workload
	// Unexpected says what is known of a service that contradicts what is assumed of AWS, each with the row's number in front; nil: nothing.
	Unexpected func(ServiceRef) []string
	// Tick is how often every workload is looked at; 0: [TickDefault].
	Tick time.Duration
	// Scale is how many seconds pass for AWS in one of ours: 1 in production, the speed of a sandbox. It
	// turns a decision's wish to be looked at again into a wait.
	Scale float64
	// Now reads the clock that leases are measured by; nil: time.Now.
	Now func() time.Time
	// Owner names this process in leases; empty: made of host, process id and a random number.
	Owner string
	Log   *slog.Logger
	// Tell is given every report. During Run it is called by one goroutine, in order, and when it is slow
	// passes do not wait: reports beyond a bound are dropped and counted.
	Tell func(ctx context.Context, r Report)

	once    sync.Once
	initErr error
	index   map[string]int // workload name to Workloads
	targets map[place][]target
	items   []*item
	seq     atomic.Uint32
	skew    atomic.Int64 // AWS's clock less ours, in nanoseconds, as last seen
	silent  sync.Map     // of each account the last call's verdict: whether it did not answer
	reports chan *Report
	commits chan struct{} // a place for each commit that is under way
	telling sync.Mutex    // one call of Tell at a time outside of Run
	dropped atomic.Int64
	// readable and writable say whether the store was, the last time.
	readable, writable atomic.Bool

	stranger  sync.Mutex // guards strangers
	strangers Strangers

	mu       sync.Mutex // guards items' fields, messages and passes
	messages map[string]*tracked
	passes   int // under way; regular of them because their chunk's tick had come
	regular  int
	wake     chan struct{}
	started  time.Time
	chunks   int
	running  sync.WaitGroup
	hand     chan []*job   // batches for goroutines that have ended a pass
	closing  chan struct{} // closed when there will be no more of them
	busy     atomic.Bool
}

// place is what an event names beside its account; two accounts may share one.
type place struct{ region, cluster, service string }

// target is a pool of a workload.
type target struct{ workload, pool int }

// item is what the loop keeps in memory of one workload. Nothing of it is needed to be right after a crash.
type item struct {
	gate    chan struct{} // holds one token: one pass of a workload at a time in this process
	due     time.Time
	urgent  bool // due because something happened
	inPass  bool
	started time.Time
	// attempts counts the passes in a row that failed or could not see everything; notBefore is the retry
	// of one that failed.
	attempts  int
	idle      bool // the last pass was woken by events and changed nothing
	notBefore time.Time
	chunk     int
	inbox     []arrival
	seen      uint64 // the newest generation that we know of
	withheld  string
	vigil     vigil
	orders    *string // what operators have ordered, as of the last decision that is in the journal; nil: not known
}

// ErrNoWorkload is wrapped by errors that name a workload which is not configured.
var ErrNoWorkload = errors.New("no such workload")

// Init checks the fields, fills in what they leave out and builds the indexes. Run and Pass do so themselves; code that reads the fields
// beside them calls it first.
func (l *Loop) Init() error {
	l.once.Do(func() { l.initErr = l.build() })
	return l.initErr
}

func (l *Loop) build() error {
	if l.Services == nil || l.Store == nil {
		return errors.New("build loop: services and a store are needed")
	}
	if l.Queue != nil && l.Parse == nil {
		return errors.New("build loop: a queue needs a parser")
	}
	l.Tick = max(cmp.Or(l.Tick, TickDefault), TickMin)
	l.Scale = cmp.Or(max(l.Scale, 0), 1)
	if l.Now == nil {
		l.Now = time.Now
	}
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	if l.Owner == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		l.Owner = fmt.Sprintf("%s-%d-%08x", host, os.Getpid(), rand.Uint32())
	}
	l.seq.Store(rand.Uint32() >> 1) // half of the range is left before it wraps
	l.readable.Store(true)
	l.writable.Store(true)
	l.index = make(map[string]int, len(l.Workloads))
	l.targets = make(map[place][]target)
	l.messages = make(map[string]*tracked)
	l.commits = make(chan struct{}, parallelMax)
	l.wake = make(chan struct{}, 1)
	for i := range l.Workloads {
		w := &l.Workloads[i]
		if _, twice := l.index[w.Name]; twice {
			return fmt.Errorf("build loop: workload %q is there twice", w.Name)
		}
		if len(w.Refs) != len(w.Policy.Pools) || len(w.Refs) == 0 {
			return fmt.Errorf("build loop: workload %q has %d services for %d pools", w.Name, len(w.Refs), len(w.Policy.Pools))
		}
		l.index[w.Name] = i
		it := &item{gate: make(chan struct{}, 1)}
		it.gate <- struct{}{}
		l.items = append(l.items, it)
		for k, r := range w.Refs {
			at := place{r.Region, r.Cluster, r.Service}
			l.targets[at] = append(l.targets[at], target{i, k})
		}
	}
	return nil
}

// find returns the pools that a signal concerns. A service named by an old ARN has no cluster in it, and
// matches by region and service alone.
func (l *Loop) find(s *failover.Signal) []target {
	if t := l.targets[place{s.Region, s.Cluster, s.Service}]; len(t) > 0 || s.Cluster != "" {
		return l.ofAccount(t, s.Account)
	}
	var out []target
	for at, t := range l.targets {
		if at.region == s.Region && at.service == s.Service {
			out = append(out, t...)
		}
	}
	return l.ofAccount(out, s.Account)
}

// ofAccount returns those of the pools that an event of an account can be about: the ones that are reached through a
// role of that account, else the ones that are reached without a role, whose account nobody told us.
func (l *Loop) ofAccount(all []target, account string) []target {
	if account == "" {
		return all
	}
	var own, home []target
	for _, t := range all {
		switch role := l.Workloads[t.workload].Refs[t.pool].RoleARN; {
		case role == "":
			home = append(home, t)
		case accountOf(role) == account:
			own = append(own, t)
		}
	}
	if len(own) > 0 {
		return own
	}
	return home
}

// accountOf returns the account in a role's ARN (arn:PARTITION:iam::ACCOUNT:role/NAME).
func accountOf(role string) string {
	parts := strings.SplitN(role, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// entryID returns an ID for a journal entry written now.
func (l *Loop) entryID() string { return journal.NewID(l.Now(), l.seq.Add(1)) }

// tell hands a report on, without waiting when the loop runs.
func (l *Loop) tell(ctx context.Context, r *Report) {
	if l.Tell == nil {
		return
	}
	if !l.busy.Load() {
		l.telling.Lock()
		defer l.telling.Unlock()
		l.Tell(ctx, *r)
		return
	}
	select {
	case l.reports <- r:
	default:
		if n := l.dropped.Add(1); n&(n-1) == 0 { // at 1, 2, 4, 8, ...
			l.Log.LogAttrs(ctx, slog.LevelWarn, "reports dropped", slog.Int64(KeyDropped, n))
		}
	}
}
