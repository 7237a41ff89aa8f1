package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	killTasks = 40
	// killSpeed makes a start-up of 90 s last three.
	killSpeed = 30
	// kills is how often the daemon is killed per shortage and per recovery.
	kills = 8
	// heals bounds the time that it takes after the last kill: a lease that a kill left behind runs out after
	// 20 s, then tasks start.
	heals = 45 * time.Second
)

// TestKillingTheDaemonLosesNothing kills `backstop run` (SIGKILL) at random moments while capacity goes and comes
// back, and wants the next start to heal: cover in the shortage, everything on Spot after it.
func TestKillingTheDaemonLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills processes for some ten seconds")
	}
	if racetest.Enabled {
		t.Skip("the processes are built without the race detector")
	}
	t.Parallel()
	binary := buildBinary(t)
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))

	url := startSandbox(t, binary, dir)
	write(t, filepath.Join(dir, "backstop.yaml"), fmt.Sprintf(`version: 1
region: us-east-1
state: {sqlite: state.db}
events: {sqs: "%s/123456789012/backstop-events"}
http: {listen: "off"}
workloads:
  - name: analytics
    pools:
      - {name: spot, cluster: sandbox, service: analytics-spot, capacity: FARGATE_SPOT}
      - {name: standard, cluster: sandbox, service: analytics-standard, capacity: FARGATE}
`, url))
	w := &killWorld{t: t, dir: dir, url: url, binary: binary}

	// Tasks that have only just started would be churn, and the way back from that takes half an hour.
	w.steer("advance", `{"seconds": 600}`)
	w.capacity(15)
	for range kills {
		w.runAndKill(time.Duration(5+random.IntN(400)) * time.Millisecond)
		if n := w.asked(); n < killTasks {
			t.Fatalf("%d tasks are asked for, fewer than the %d wanted: a kill lowered something before its cover", n, killTasks)
		}
	}
	stop := w.run()
	w.until("the shortage is covered", func(spot, standard sandbox.ServiceState) bool {
		return spot.Working+standard.Working >= killTasks
	})
	stop()

	w.capacity(-1)
	for range kills {
		w.runAndKill(time.Duration(5+random.IntN(400)) * time.Millisecond)
	}
	stop = w.run()
	w.until("everything is back on Spot", func(spot, standard sandbox.ServiceState) bool {
		return spot.Working == killTasks && spot.Desired == killTasks && standard.Desired == 0
	})
	stop()

	// What was decided is all there, and reads in order.
	out, err := w.command("history", "-n", "1000", "-o", "json").Output()
	if err != nil || bytes.Count(out, []byte("\n")) < 4 {
		t.Errorf("history after the kills: %v\n%s", err, out)
	}
}

func buildBinary(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not on PATH")
	}
	binary := filepath.Join(t.TempDir(), "backstop")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/backstop").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

func startSandbox(t *testing.T, binary, dir string) string {
	t.Helper()
	cmd := exec.Command(binary, "sandbox", "--addr", "127.0.0.1:0", "--speed", fmt.Sprint(killSpeed), "--tasks", fmt.Sprintf("analytics=%d", killTasks),
		"--quiet", "-o", "json")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var facts sandboxFacts
	if err := json.NewDecoder(out).Decode(&facts); err != nil {
		t.Fatalf("read the sandbox's answer: %v", err)
	}
	return facts.Endpoint
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// killWorld is a sandbox and the command that guards it.
type killWorld struct {
	t                *testing.T
	dir, url, binary string
}

func (w *killWorld) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.binary, args...)
	cmd.Dir = w.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir}
	for _, l := range environment(w.url, "us-east-1") {
		cmd.Env = append(cmd.Env, strings.TrimPrefix(l, "export "))
	}
	return cmd
}

// runAndKill runs the daemon for a while and kills it as `kill -9` does.
func (w *killWorld) runAndKill(after time.Duration) {
	cmd := w.command("run", "--sandbox-speed", fmt.Sprint(killSpeed))
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	<-time.After(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// startLog notes what a daemon says, and when it has started: before that an interrupt ends it as it ends any program.
type startLog struct {
	mu      sync.Mutex
	text    bytes.Buffer
	started chan struct{}
}

func (l *startLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := bytes.Contains(l.text.Bytes(), []byte("loop started"))
	n, err := l.text.Write(b)
	if !was && bytes.Contains(l.text.Bytes(), []byte("loop started")) {
		close(l.started)
	}
	return n, err
}

// run runs the daemon until the function that it returns is called.
func (w *killWorld) run() (stop func()) {
	log := &startLog{started: make(chan struct{})}
	cmd := w.command("run", "--sandbox-speed", fmt.Sprint(killSpeed))
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-log.started:
	case <-time.After(heals):
		w.t.Errorf("the daemon has not started in %s", heals)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("the daemon ended with %v:\n%s", err, log.text.String())
		}
	}
	w.t.Cleanup(stop)
	return stop
}

func (w *killWorld) capacity(n int) {
	w.steer("capacity", fmt.Sprintf(`{"provider": "FARGATE_SPOT", "tasks": %d}`, n))
}

func (w *killWorld) steer(route, body string) {
	r, err := http.Post(w.url+"/_sandbox/"+route, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(r.Body)
		w.t.Fatalf("steer %s: %s: %s", route, r.Status, text)
	}
}

func (w *killWorld) services() (spot, standard sandbox.ServiceState) {
	r, err := http.Get(w.url + "/_sandbox/state")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var state sandbox.State
	if err := json.NewDecoder(r.Body).Decode(&state); err != nil {
		w.t.Fatal(err)
	}
	for _, s := range state.Services {
		switch s.Service {
		case "analytics-spot":
			spot = s
		case "analytics-standard":
			standard = s
		}
	}
	return spot, standard
}

func (w *killWorld) asked() int {
	spot, standard := w.services()
	return spot.Desired + standard.Desired
}

func (w *killWorld) until(what string, ok func(spot, standard sandbox.ServiceState) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), heals)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		spot, standard := w.services()
		if ok(spot, standard) {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("within %s it never came that %s: %+v %+v", heals, what, spot, standard)
		case <-look.C:
		}
	}
}
