package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// ground is where the processes live and die: the world behind a gate that knows who calls.
type ground struct {
	*world
	epoch time.Time
	env   []string

	mu       sync.Mutex
	children map[string]*exec.Cmd // by role
	owners   map[string]string    // owner to role
	// countdown is how many more requests of a role are let through; at 0 its process is killed, before or after
	// the request was carried out.
	countdown map[string]int
	after     bool
	killed    chan string
	held      map[string][]byte // receipt to event
	deleted   [][]byte
	wrong     []string
	writes    int
}

func (g *ground) spawn(role string) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), append(g.env, envRole+"="+role)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		g.t.Errorf("start %s: %v", role, err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.children[role] = cmd
	g.owners[fmt.Sprintf("%sX%d", role, cmd.Process.Pid)] = role
}

// kill ends a process as kill -9 does and waits for its end.
func (g *ground) kill(role string) {
	g.mu.Lock()
	cmd := g.children[role]
	delete(g.children, role)
	delete(g.countdown, role)
	g.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// gate lets requests through to a handler, checks what they do, and kills.
func (g *ground) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		owner, _, _ := strings.Cut(rest, "/")
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		target := r.Header.Get("X-Amz-Target")
		before, after := g.aim(owner)
		if before {
			panic(http.ErrAbortHandler)
		}
		if strings.HasSuffix(target, ".UpdateService") {
			g.judge(owner, body)
		}
		if strings.HasSuffix(target, ".DeleteMessageBatch") {
			g.acknowledged(body)
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		if strings.HasSuffix(target, ".ReceiveMessage") {
			g.received(rec.Body.Bytes())
		}
		if after {
			g.die(owner)
			panic(http.ErrAbortHandler)
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

// aim counts a request, and says whether its sender dies before it is carried out (it is dead then), or after.
func (g *ground) aim(owner string) (before, after bool) {
	g.mu.Lock()
	role := g.owners[owner]
	n, armed := g.countdown[role]
	if !armed {
		g.mu.Unlock()
		return false, false
	}
	if n > 0 {
		g.countdown[role] = n - 1
		g.mu.Unlock()
		return false, false
	}
	delete(g.countdown, role)
	after = g.after
	g.mu.Unlock()
	if !after {
		g.die(owner)
	}
	return !after, after
}

func (g *ground) die(owner string) {
	g.mu.Lock()
	role := g.owners[owner]
	g.mu.Unlock()
	g.kill(role)
	select {
	case g.killed <- role:
	default:
	}
}

// judge holds every write to ECS against the lease.
func (g *ground) judge(owner string, body []byte) {
	var in struct{ Service string }
	_ = json.Unmarshal(body, &in)
	name, _, _ := strings.Cut(in.Service[strings.LastIndexByte(in.Service, '/')+1:], "-")
	records, err := g.store().Load(context.Background(), []string{name})
	lease, now := records[name].Lease, fast(g.epoch)()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes++
	if err != nil || lease.Owner != owner || now.After(lease.Until) {
		g.wrong = append(g.wrong, fmt.Sprintf("%s changes %s while the lease is %q's until %s (now %s, %v)", owner, in.Service, lease.Owner, lease.Until, now, err))
	}
}

func (g *ground) received(body []byte) {
	var out struct {
		Messages []struct{ ReceiptHandle, Body string }
	}
	_ = json.Unmarshal(body, &out)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range out.Messages {
		g.held[m.ReceiptHandle] = []byte(m.Body)
	}
}

func (g *ground) acknowledged(body []byte) {
	var in struct {
		Entries []struct{ ReceiptHandle string }
	}
	_ = json.Unmarshal(body, &in)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range in.Entries {
		g.deleted = append(g.deleted, g.held[e.ReceiptHandle])
	}
}

func newGround(t *testing.T, names ...string) *ground {
	w := newWorld(t, 6, names...)
	epoch := time.Now()
	// The same world, but its time runs.
	w.box = sandbox.New(sandbox.Options{NoThrottle: true, Speed: killSpeed, World: ecsim.Config{Seed: 1, Start: epoch, ReadLag: -1}})
	for _, name := range names {
		if err := w.box.SetupTwins(cluster, name, 6); err != nil {
			t.Fatal(err)
		}
	}
	g := &ground{world: w, epoch: epoch, children: make(map[string]*exec.Cmd), owners: make(map[string]string), countdown: make(map[string]int),
		killed: make(chan string, 1), held: make(map[string][]byte)}
	ctx, stop := context.WithCancel(context.Background())
	drove := make(chan struct{})
	go func() { defer close(drove); w.box.Drive(ctx) }()
	account := httptest.NewServer(g.gate(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_") {
			w.ServeHTTP(rw, r)
			return
		}
		w.box.ServeHTTP(rw, r)
	})))
	t.Cleanup(func() {
		for _, role := range roles {
			g.kill(role)
		}
		account.CloseClientConnections()
		account.Close()
		stop()
		<-drove
	})
	text := strings.ReplaceAll(w.yaml(""), "emf: true", "emf: false")
	text = strings.Replace(text, w.box.QueueURL(), account.URL+strings.TrimPrefix(w.box.QueueURL(), "http://localhost"), 1)
	g.env = []string{envConfig + "=" + text, envEndpoint + "=" + account.URL, envEpoch + "=" + strconv.FormatInt(epoch.UnixNano(), 10)}
	return g
}

var roles = []string{"daemonA", "daemonB", "function"}

// TestKillingOneOfTwoDaemonsAndAFunctionLosesNothing kills processes that share one table at random moments, half of
// them at one of their own requests, before or after it is carried out. BACKSTOP_KILLS says how often.
func TestKillingOneOfTwoDaemonsAndAFunctionLosesNothing(t *testing.T) {
	kills := 12
	if n, err := strconv.Atoi(os.Getenv("BACKSTOP_KILLS")); err == nil {
		kills = n
	} else if testing.Short() {
		kills = 4
	}
	names := []string{"api", "worker", "batch"}
	g := newGround(t, names...)
	for _, role := range roles {
		g.spawn(role)
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	pins := map[string]string{}
	intents := map[string]string{} // note to workload
	for i := range kills {
		g.trouble(random, names)
		if i%3 == 0 {
			g.order(random, names[random.IntN(len(names))], i, pins, intents)
		}
		role := roles[random.IntN(len(roles))]
		if i%2 == 0 {
			g.mu.Lock()
			g.countdown[role], g.after = random.IntN(6), random.IntN(2) == 0
			g.mu.Unlock()
		}
		select {
		case role = <-g.killed:
		case <-time.After(time.Duration(50+random.IntN(400)) * time.Millisecond):
			g.kill(role)
			select {
			case <-g.killed:
			default:
			}
		}
		g.spawn(role)
	}
	for _, name := range names { // what was pinned is let go, so that all must run in the end
		g.intend(name, failover.Intent{Kind: failover.IntentUnpin, Note: "end", By: "test"}, intents, pins)
	}
	g.supply(-1)
	g.settle(t, names)
	for _, role := range roles {
		g.kill(role)
	}
	g.account(t, names, intents, pins, kills)
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
func (g *ground) order(random *rand.Rand, name string, i int, pins map[string]string, intents map[string]string) {
	in := failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand, By: "test", Note: fmt.Sprintf("order %d", i)}
	if random.IntN(2) == 0 {
		in.Kind, in.Mode = failover.IntentUnpin, ""
	}
	g.intend(name, in, intents, pins)
}

func (g *ground) intend(name string, in failover.Intent, intents, pins map[string]string) {
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
		pins[name] = string(in.Mode)
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
func (g *ground) account(t *testing.T, names []string, intents, pins map[string]string, kills int) {
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
		if pinned := state.Pin != nil; pinned != (pins[name] != "") {
			t.Errorf("%s: pinned is %v, the last order was %q", name, pinned, pins[name])
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
