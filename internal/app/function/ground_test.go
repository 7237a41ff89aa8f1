package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// ground is where the processes live and die: the world behind a gate that knows who calls.
type ground struct {
	*world
	epoch  time.Time
	env    []string
	server *httptest.Server

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
	g.kill(role) // a process that was shot twice has been replaced already
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), append(g.env, envRole+"="+role)...)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		g.t.Errorf("start %s: %v", role, err)
		return
	}
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
		body, err := io.ReadAll(r.Body)
		if err != nil { // its sender died while it wrote: AWS carries out no half of a request
			panic(http.ErrAbortHandler)
		}
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
	g.server = account
	t.Cleanup(func() {
		for _, role := range roles {
			g.kill(role)
		}
		account.CloseClientConnections()
		account.Close()
		stop()
		<-drove
	})
	g.makeTopic()
	g.bePatient()
	text := strings.ReplaceAll(w.yaml(noticesToo), "emf: true", "emf: false")
	text = strings.Replace(text, w.box.QueueURL(), account.URL+strings.TrimPrefix(w.box.QueueURL(), "http://localhost"), 1)
	g.env = []string{envConfig + "=" + text, envEndpoint + "=" + account.URL, envEpoch + "=" + strconv.FormatInt(epoch.UnixNano(), 10)}
	return g
}
