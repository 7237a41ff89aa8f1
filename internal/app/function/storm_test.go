package function_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

var stormsFlag = flag.Int("storms", 1, "how many storms functions and a daemon go through together")

// TestFunctionsAndADaemonThroughAStorm runs what may run side by side in one account: two environments of the function, one woken by the
// schedule and one by the queue, and a daemon, over the SDK on the sandbox and one table of DynamoDB. For hours the calls of AWS and
// of the table are throttled, fail, lose their answers or hang, events are late, doubled or lost, environments are killed in the middle
// of an invocation, and Spot comes and goes. Every decision must keep the promises, and in the calm all is back on Spot.
func TestFunctionsAndADaemonThroughAStorm(t *testing.T) {
	t.Parallel()
	seeds, trouble := *stormsFlag, 90*time.Minute
	if racetest.Enabled {
		seeds, trouble = 1, 12*time.Minute
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newStorm(t, seed+1).rage(trouble) })
		})
	}
}

const (
	// stormDemand is how many tasks are wanted, and stormCalm how long it may take to be back on Spot.
	stormDemand = 10
	stormCalm   = 150 * time.Minute
	// killedEvery is after how many invocations of an environment one is killed while there is trouble, and spoiledShare how many
	// calls of the table come to grief.
	killedEvery  = 19
	spoiledShare = 0.05
)

// storm is one run. Its draws are the weather's alone; what becomes of single calls depends on their order, which is not repeatable.
type storm struct {
	*world
	workloads []control.Workload
	// retries says that the SDK repeats calls, as it does in production: less is left for the function to deal with.
	retries bool
	raging  atomic.Bool
	mu      sync.Mutex // guards the rest
	draw    *rand.Rand
	passes  map[control.Result]int
	killed  int
	blind   int
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{draw: rand.New(rand.NewPCG(seed, 0x5702)), passes: make(map[control.Result]int), retries: seed%2 == 0}
	s.world = newWorldOn(t, sandbox.Options{World: ecsim.Config{Seed: seed, Start: time.Now()}}, stormDemand, "api")
	var err error
	if s.workloads, err = parts.Workloads(s.config(""), region); err != nil {
		t.Fatal(err)
	}
	s.spoilt()
	return s
}

// spoilt lets calls of the table come to grief while there is trouble.
func (s *storm) spoilt() {
	s.spoil = func() mishap {
		if u := s.float(); s.raging.Load() && u < spoiledShare {
			return []mishap{throttled, lost, slow}[int(u/spoiledShare*3)]
		}
		return none
	}
}

func (s *storm) float() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draw.Float64()
}

// saw holds a report to what is promised.
func (s *storm) saw(r control.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passes[r.Result]++
	if len(r.Decision.Pools) == 0 {
		return
	}
	if r.Decision.Reason == failover.ReasonBlind {
		s.blind++
	}
	for _, v := range promise.Check(&s.workloads[0].Policy, &r.Before, &r.Observation, &r.After, &r.Decision) {
		s.t.Errorf("generation %d: %s", r.Before.Generation, v)
	}
}

// mortal is the network of a process that may be killed.
type mortal struct {
	aws.HTTPClient
	dead atomic.Bool
}

var errKilled = errors.New("the process is dead")

func (m *mortal) Do(r *http.Request) (*http.Response, error) {
	if m.dead.Load() {
		return nil, errKilled
	}
	answer, err := m.HTTPClient.Do(r)
	if m.dead.Load() { // it takes effect, and nobody learns of it
		return nil, errKilled
	}
	return answer, err
}

// Write and Handler: the log of all processes, in which no pass may break down.
func (s *storm) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "broke down") {
		s.t.Errorf("%s", line)
	}
	return len(line), nil
}

// environment is one execution environment of the function: it is replaced after it was killed.
type environment struct {
	s    *storm
	name string
	life int
	n    int // invocations
	net  *mortal
	f    *function.Function
}

// invoke invokes the function, made anew if need be, within a minute; some invocations are killed on their way.
func (e *environment) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	s := e.s
	if e.f == nil {
		e.life++
		e.net = &mortal{HTTPClient: s.world}
		cfg := s.aws()
		cfg.HTTPClient = e.net
		if s.retries {
			cfg.Retryer = nil
		}
		file := s.config("")
		f, err := function.New(function.Options{Config: file, AWS: cfg, Log: slog.New(slog.NewTextHandler(s, nil)), Now: s.box.Now,
			Owner: fmt.Sprintf("%s-%d", e.name, e.life)})
		if err != nil {
			return nil, err
		}
		f.Watch(s.saw)
		e.f = f
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if e.n++; s.raging.Load() && e.n%killedEvery == 0 {
		net, after := e.net, time.Duration(s.float()*float64(time.Second))
		stop := time.AfterFunc(after, func() { net.dead.Store(true); cancel() })
		defer stop.Stop()
	}
	body, err := e.f.Invoke(ctx, payload)
	if e.net.dead.Load() {
		s.mu.Lock()
		s.killed++
		s.mu.Unlock()
		e.f = nil
		return nil, errKilled
	}
	return body, err
}

// ticks is the schedule, mapped the event source mapping.
func (e *environment) ticks(ctx context.Context) {
	for control.Wait(ctx, time.Minute) {
		_, _ = e.invoke(ctx, schedule)
	}
}

func (e *environment) mapped(ctx context.Context) {
	q := queue.New(e.s.world.aws(), e.s.box.QueueURL())
	for ctx.Err() == nil {
		msgs, err := q.Receive(ctx, 20*time.Second)
		if err != nil || len(msgs) == 0 {
			control.Wait(ctx, time.Second)
			continue
		}
		body, err := e.invoke(ctx, batch(msgs))
		if err != nil {
			continue // they come again
		}
		_ = q.Ack(ctx, settled(e.s.t, msgs, body)) // refused: they come again
	}
}

// daemon is a loop on the same table without the queue.
func (s *storm) daemon(ctx context.Context) {
	l := &control.Loop{Services: service.New(s.aws(), service.Options{}), Store: s.store(), Owner: "daemon", Now: s.box.Now, Tick: 2 * time.Minute,
		Log: slog.New(slog.NewTextHandler(s, nil)), Workloads: s.workloads,
		Tell: func(_ context.Context, r control.Report) { s.saw(r) }}
	if err := l.Run(ctx); err != nil {
		s.t.Error(err)
	}
}

// rage lets trouble last, and then looks whether all comes right.
func (s *storm) rage(trouble time.Duration) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	tick, mapping := &environment{s: s, name: "tick"}, &environment{s: s, name: "mapping"}
	all.Go(func() { tick.ticks(ctx) })
	all.Go(func() { mapping.mapped(ctx) })
	all.Go(func() { s.daemon(ctx) })
	control.Wait(ctx, 10*time.Minute)
	s.raging.Store(true)
	for end := time.Now().Add(trouble); time.Now().Before(end); control.Wait(ctx, 3*time.Minute+time.Duration(s.float()*float64(10*time.Minute))) {
		s.worsen()
	}
	s.raging.Store(false)
	s.box.ClearFaults(0)
	s.box.SetDelivery(sandbox.Trouble{})
	s.supply(-1)
	var spot, standard int
	for end := time.Now().Add(stormCalm); time.Now().Before(end); control.Wait(ctx, time.Minute) {
		if spot, standard = s.working("api"); spot == stormDemand && standard == 0 {
			break
		}
	}
	if spot != stormDemand || standard != 0 {
		s.t.Errorf("after %s of calm %d tasks run on Spot and %d on demand, want %d and none", stormCalm, spot, standard, stormDemand)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Logf("passes %v, %d of them blind, %d invocations killed", s.passes, s.blind, s.killed)
	if !racetest.Enabled && (s.killed == 0 || s.blind == 0 || s.passes[control.Committed] == 0) {
		s.t.Error("there was no storm")
	}
}

// worsen makes another trouble in place of the one before.
func (s *storm) worsen() {
	s.mu.Lock()
	draw := s.draw
	kinds := []sandbox.FaultKind{sandbox.FaultThrottle, sandbox.FaultServerError, sandbox.FaultDenied, sandbox.FaultLostAnswer, sandbox.FaultLateError}
	fault := sandbox.Fault{Kind: kinds[draw.IntN(len(kinds))], Share: 0.05 + draw.Float64()/4}
	delivery := sandbox.Trouble{LostShare: draw.Float64() / 2, DuplicateShare: draw.Float64() / 2, LateShare: draw.Float64(), LateSeconds: 300}
	holds, taken := draw.IntN(2*stormDemand), draw.IntN(stormDemand)
	s.mu.Unlock()
	s.box.ClearFaults(0)
	s.box.SetDelivery(delivery)
	if _, err := s.box.AddFault(fault); err != nil {
		s.t.Error(err)
	}
	s.supply(holds)
	s.box.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, taken, "", false)
	})
}
