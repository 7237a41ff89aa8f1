package function_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// killSpeed is how much faster than ours all time runs in the test of kills: AWS's, and the clock of leases with it,
// so that leases and visibility timeouts keep their proportion.
const killSpeed = 10

// Variables that make this test's own binary one of the guarding processes.
const (
	envRole, envConfig, envEndpoint, envEpoch = "KILL_ROLE", "KILL_CONFIG", "KILL_ENDPOINT", "KILL_EPOCH"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		go func() { // the pipe closes with the parent, however that ends: no process of this test outlives it
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(3)
		}()
		if err := guard(role); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fast is the clock of leases.
func fast(epoch time.Time) func() time.Time {
	return func() time.Time { return epoch.Add(time.Since(epoch) * killSpeed) }
}

// guard is a daemon, or a function with the mapping and the schedule that Lambda would give it, until it is killed.
func guard(role string) error {
	f, err := config.Parse([]byte(os.Getenv(envConfig)), "kill.yaml")
	if err != nil {
		return err
	}
	ns, err := strconv.ParseInt(os.Getenv(envEpoch), 10, 64)
	if err != nil {
		return err
	}
	owner := fmt.Sprintf("%sX%d", role, os.Getpid())
	cfg := aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider(owner, "secret", ""), BaseEndpoint: aws.String(os.Getenv(envEndpoint))}
	now := fast(time.Unix(0, ns))
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("KILL_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	ctx := context.Background()
	if strings.HasPrefix(role, "daemon") {
		a, err := app.New(ctx, app.Options{Config: f, AWS: cfg, Scale: killSpeed, Tick: time.Minute / killSpeed, Owner: owner, Now: now, Log: log})
		if err != nil {
			return err
		}
		return a.Run(ctx)
	}
	fn, err := function.New(function.Options{Config: f, AWS: cfg, Scale: killSpeed, Owner: owner, Now: now, Log: log})
	if err != nil {
		return err
	}
	q := queue.New(cfg, f.Events.SQS)
	for tick := time.Now(); ; {
		if time.Since(tick) >= time.Minute/killSpeed {
			tick = time.Now()
			_, _ = fn.Invoke(ctx, schedule) // a failed tick is followed by the next
		}
		msgs, err := q.Receive(ctx, time.Second)
		if err != nil || len(msgs) == 0 {
			continue
		}
		body, err := fn.Invoke(ctx, batch(msgs))
		if err != nil {
			continue
		}
		var back batchBack
		if json.Unmarshal(body, &back) != nil {
			continue
		}
		_ = q.Ack(ctx, slices.DeleteFunc(msgs, func(m control.Message) bool { return slices.Contains(back.ids(), m.ID) }))
	}
}

type batchBack struct {
	Failures []struct {
		ID string `json:"itemIdentifier"`
	} `json:"batchItemFailures"`
}

func (b batchBack) ids() (out []string) {
	for _, f := range b.Failures {
		out = append(out, f.ID)
	}
	return out
}

var roles = []string{"daemonA", "daemonB", "function"}

// TestKillingOneOfTwoDaemonsAndAFunctionLosesNothing kills processes that share one table at random moments, half of
// them at one of their own requests, before or after it is carried out. BACKSTOP_KILLS says how often.
func TestKillingOneOfTwoDaemonsAndAFunctionLosesNothing(t *testing.T) {
	t.Parallel()
	kills := 12
	if n, err := strconv.Atoi(os.Getenv("BACKSTOP_KILLS")); err == nil {
		kills = n
	} else if testing.Short() || racetest.Enabled {
		kills = 4
	}
	names := []string{"api", "worker", "batch"}
	g := newGround(t, names...)
	for _, role := range roles {
		g.spawn(role)
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	intents := map[string]string{} // note to workload
	for i := range kills {
		g.trouble(random, names)
		if i%2 == 0 {
			g.order(random, names[random.IntN(len(names))], i, intents)
		}
		role := roles[random.IntN(len(roles))]
		if i%2 == 0 {
			g.mu.Lock()
			g.countdown[role], g.after = random.IntN(6), random.IntN(2) == 0
			g.mu.Unlock()
		}
		select {
		case role = <-g.killed:
		case <-time.After(time.Duration(50+random.IntN(600)) * time.Millisecond):
			g.kill(role)
			select {
			case <-g.killed:
			default:
			}
		}
		g.spawn(role)
	}
	for _, name := range names { // what was pinned is let go, so that all must run in the end
		g.intend(name, failover.Intent{Kind: failover.IntentUnpin, Note: "end", By: "test"}, intents)
	}
	g.supply(-1)
	g.settle(t, names)
	for _, role := range roles {
		g.kill(role)
	}
	g.server.CloseClientConnections()
	g.server.Close() // what the dead have sent is carried out before the books are read
	g.account(t, names, intents, kills)
	g.told(t, names)
}

// trouble takes Spot tasks, and Spot itself, or gives it back.
func (g *ground) trouble(random *rand.Rand, names []string) {
	name := names[random.IntN(len(names))]
	switch random.IntN(4) {
	case 0:
		g.supply(random.IntN(18))
	case 1:
		g.supply(-1)
	default:
		g.box.World(func(e *ecsim.World) {
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-spot"}, 1+random.IntN(3), "", random.IntN(2) == 0)
		})
	}
}

// order is an operator's command.
func (g *ground) order(random *rand.Rand, name string, i int, intents map[string]string) {
	in := failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand, By: "test", Note: fmt.Sprintf("order %d", i)}
	switch random.IntN(3) {
	case 0:
		in.Kind, in.Mode = failover.IntentUnpin, ""
	case 1:
		in.Mode = failover.ModeSpot
	}
	g.intend(name, in, intents)
}

func (g *ground) intend(name string, in failover.Intent, intents map[string]string) {
	in.Note += " " + name
	in.At = g.box.Now()
	var w control.Workload
	for _, each := range g.config("").Workloads {
		if each.Name == name {
			w = control.Workload{Name: name, Policy: each.Policy}
		}
	}
	_, err := control.Intend(context.Background(), g.store(), w, "operator", in, fast(g.epoch))
	var refused *control.RefusedError
	switch {
	case errors.As(err, &refused): // nothing to unpin
	case err != nil:
		g.t.Errorf("order %q: %v", in.Note, err)
	default:
		intents[in.Note] = name
	}
}

// settle waits until every workload has its tasks and the queue is empty.
func (g *ground) settle(t *testing.T, names []string) {
	t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(90 * time.Second)
	for {
		missing, waiting := 0, 0
		for _, name := range names {
			spot, standard := g.working(name)
			missing += max(0, 6-spot-standard)
		}
		for _, q := range g.box.State().Queues {
			waiting += q.Visible + q.InFlight
		}
		if missing == 0 && waiting == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Errorf("15 minutes after the last kill %d tasks are missing and %d messages wait", missing, waiting)
			return
		}
	}
}

// account checks what is left behind.
func (g *ground) account(t *testing.T, names []string, intents map[string]string, kills int) {
	t.Helper()
	g.mu.Lock()
	for _, w := range g.wrong {
		t.Errorf("two writers: %s", w)
	}
	deleted, writes := g.deleted, g.writes
	g.mu.Unlock()
	for _, q := range g.box.State().Queues {
		if q.Name == sandbox.EventsDeadLetterQueue && q.Visible+q.InFlight > 0 {
			t.Errorf("%d messages ended in the dead-letter queue", q.Visible+q.InFlight)
		}
	}
	tasks := map[string]bool{} // of which an interruption is in the journal
	found := map[string]int{}
	commits := 0
	for _, name := range names {
		entries, err := g.store().Journal(context.Background(), journal.Query{Workload: name, Limit: journal.LimitMax})
		if err != nil {
			t.Fatal(err)
		}
		state := g.state(name)
		generations := map[uint64]int{}
		for _, e := range entries {
			if e.Kind == journal.KindIntent {
				found[e.Intent.Note]++
			}
			if e.Kind != journal.KindNotice && e.Generation > 0 {
				generations[e.Generation]++
			}
			if e.Observation != nil {
				for _, s := range e.Observation.Signals {
					tasks[s.Task] = true
				}
			}
		}
		for n := uint64(1); n <= state.Generation; n++ {
			if generations[n] != 1 {
				t.Errorf("%s: generation %d has %d entries, want the one that it was committed with", name, n, generations[n])
			}
		}
		if len(generations) != int(state.Generation) {
			t.Errorf("%s: the journal knows %d generations, the state %d", name, len(generations), state.Generation)
		}
		commits += len(generations)
		if state.Pin != nil {
			t.Errorf("%s: it is pinned to %s, although the last order was to unpin it", name, state.Pin.Mode)
		}
	}
	for note := range intents {
		if found[note] != 1 {
			t.Errorf("order %q is in the journal %d times", note, found[note])
		}
	}
	interruptions := 0
	for _, body := range deleted {
		s, ok, err := ecsevent.Parse(body)
		if err != nil {
			t.Errorf("a message that cannot be read was deleted: %s", body)
		}
		if ok && s.Kind == failover.SignalInterruption {
			interruptions++
			if !tasks[s.Task] {
				t.Errorf("the interruption of task %s was acknowledged and is not in the journal", s.Task)
			}
		}
	}
	if interruptions == 0 || writes == 0 {
		t.Errorf("%d interruptions and %d writes: the test tested nothing", interruptions, writes)
	}
	t.Logf("%d kills: %d commits, %d changes of services by the holder of the lease, %d orders, %d messages acknowledged, %d of them interruptions",
		kills, commits, writes, len(intents), len(deleted), interruptions)
}
