package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// hour is the first hour of a new user: a sandbox that stands still but for what is told here, a directory, and what
// was typed and answered so far. Instead of `backstop run` its loop is carried forward in step with the sandbox's
// clock, so that every run of the test gives the same transcript (testdata/script/daemon.txtar runs the daemon itself).
type hour struct {
	t    *testing.T
	box  *sandbox.Sandbox
	url  string
	text strings.Builder
	app  *app.App
	// pages are what the daemon serves, which the shown calls of curl ask.
	pages *daemonPages
}

func newHour(t *testing.T) *hour {
	t.Helper()
	h := &hour{t: t}
	h.box = sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 7, ReadLag: -1, Start: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}})
	listener, err := h.box.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- listener.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	h.url = listener.URL
	t.Chdir(t.TempDir())
	for _, l := range environment(h.url, "us-east-1") {
		name, value, _ := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		t.Setenv(name, value)
	}
	return h
}

// say writes prose.
func (h *hour) say(format string, args ...any) { fmt.Fprintf(&h.text, "\n"+format+"\n", args...) }

// shown is what the transcript shows of a text: without what differs from run to run.
func (h *hour) shown(s string) string {
	s = strings.ReplaceAll(s, h.url, "http://127.0.0.1:7070")
	return regexp.MustCompile(`done in \d+ ms`).ReplaceAllString(s, "done in 1 ms")
}

// backstop runs a command in the same directory, and shows it with what it answers.
func (h *hour) backstop(want int, line string) string {
	h.t.Helper()
	var out bytes.Buffer
	s := IO{In: strings.NewReader(""), Out: &out, Err: &out, Env: func(name string) string { return map[string]string{"USER": "you"}[name] }, Now: h.box.Now}
	if code := Main(h.t.Context(), strings.Fields(line), s); code != want {
		h.t.Fatalf("backstop %s: exit code %d, want %d\n%s", line, code, want, out.String())
	}
	var b strings.Builder
	for l := range strings.Lines(out.String()) {
		b.WriteString(strings.TrimRight(l, " \n") + "\n")
	}
	fmt.Fprintf(&h.text, "\n```console\n$ backstop %s\n%s```\n", line, h.shown(b.String()))
	return out.String()
}

// shell runs lines of shell, and shows them without what they answer.
func (h *hour) shell(lines string) {
	h.t.Helper()
	fmt.Fprintf(&h.text, "\n```sh\n%s\n```\n", strings.TrimSpace(h.shown(lines)))
	h.quietly(lines)
}

// quietly runs lines of shell. Older versions of the AWS CLI take the endpoint from the command line alone.
func (h *hour) quietly(lines string) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), "bash", "-euc", `aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }`+"\n"+lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%v\n%s\n%s", err, lines, out)
	}
}

// steer tells the sandbox to do something, as the shown call of curl would.
func (h *hour) steer(route, body string) {
	h.t.Helper()
	fmt.Fprintf(&h.text, "\n```sh\ncurl -X POST $AWS_ENDPOINT_URL/_sandbox/%s -d '%s'\n```\n", route, body)
	h.steerQuietly(route, body)
}

func (h *hour) steerQuietly(route, body string) {
	h.t.Helper()
	r, err := http.Post(h.url+"/_sandbox/"+route, "application/json", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %s", route, r.Status)
	}
}

// wait lets time pass without a daemon.
func (h *hour) wait(d time.Duration) { h.box.AdvanceTo(h.box.Now().Add(d)) }

// start begins to guard what backstop.yaml names.
func (h *hour) start() {
	h.t.Helper()
	file, err := readConfig(context.Background(), IO{}, configDefault, false)
	if err != nil {
		h.t.Fatal(err)
	}
	cfg, err := session.Load(h.t.Context(), file.Region)
	if err != nil {
		h.t.Fatal(err)
	}
	h.pages = &daemonPages{}
	tell := func(ctx context.Context, r control.Report) { h.pages.tell(ctx, r) }
	if h.app, err = app.New(h.t.Context(), app.Options{Config: file, AWS: cfg, Now: h.box.Now, Scale: 1e6, Tell: tell}); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = h.app.Close() })
	s := IO{Env: func(string) string { return "" }, Now: h.box.Now}
	if h.pages, err = openPages(h.t.Context(), s, file, h.app, "127.0.0.1:0", true, slog.New(slog.DiscardHandler)); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = h.pages.close() })
}

// workloads asks the dashboard how the workloads are, and shows it as jq would.
func (h *hour) workloads() string {
	h.t.Helper()
	_, body := fetch(h.t, h.pages.served.url+"api/workloads")
	var answer struct {
		Workloads []struct{ Workload, Level, Headline string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		h.t.Fatal(err)
	}
	var b strings.Builder
	for _, w := range answer.Workloads {
		fmt.Fprintf(&b, "%s: %s: %s\n", w.Workload, w.Level, w.Headline)
	}
	fmt.Fprintf(&h.text, "\n```console\n$ curl -s http://127.0.0.1:7077/api/workloads | jq -r '.workloads[] | \"\\(.workload): \\(.level): \\(.headline)\"'\n%s```\n", b.String())
	return b.String()
}

// screenshotsEnv names the directory that pictures are written to; without it none is taken.
const screenshotsEnv = "BACKSTOP_SCREENSHOTS"

// picture takes one of a page, if pictures are wanted.
func (h *hour) picture(path, name string) {
	h.t.Helper()
	dir := os.Getenv(screenshotsEnv)
	if dir == "" {
		return
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		h.t.Fatal(err)
	}
	allocator, stop := chromedp.NewExecAllocator(h.t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.UserDataDir(h.t.TempDir()))...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1180, 1280), chromedp.Navigate(h.pages.served.url+path)); err != nil {
		h.t.Fatalf("open %s: %v", path, err)
	}
	// The page loads its history after itself, and is no picture before the decisions of the hour are on it.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise((done) => {
		const look = () => document.querySelector('#decisions li') ? requestAnimationFrame(() => done(true)) : setTimeout(look, 20)
		look()
	})`, chromedp.EvalAwaitPromise)); err != nil {
		h.t.Fatalf("wait for the history of %s: %v", path, err)
	}
	img, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), img, 0o644)
	}
	if err != nil {
		h.t.Fatalf("take a picture of %s: %v", path, err)
	}
}

// guard lets time pass with the daemon at work: a pass every minute, and a second after an event.
func (h *hour) guard(d time.Duration) {
	h.t.Helper()
	end, tick := h.box.Now().Add(d), h.box.Now()
	for h.box.Now().Before(end) {
		h.wait(time.Second)
		signals := h.signals()
		if due := !h.box.Now().Before(tick); due || len(signals) > 0 {
			if due {
				tick = h.box.Now().Add(time.Minute)
			}
			h.pass(signals)
		}
	}
}

// signals takes what is in the queue.
func (h *hour) signals() (out []failover.Signal) {
	h.t.Helper()
	for range 1000 {
		messages, err := h.app.Loop.Queue.Receive(h.t.Context(), time.Second)
		if err != nil {
			h.t.Fatal(err)
		}
		if len(messages) == 0 {
			return out
		}
		for _, m := range messages {
			signal, ok, err := h.app.Loop.Parse(m.Body)
			if err != nil {
				h.t.Fatal(err)
			}
			if ok {
				out = append(out, signal)
			}
		}
		if err := h.app.Loop.Queue.Ack(h.t.Context(), messages); err != nil {
			h.t.Fatal(err)
		}
	}
	return out
}

// pass carries the workloads through a pass one after the other: side by side, the world's random draws would fall
// to them in another order in every run.
func (h *hour) pass(signals []failover.Signal) {
	h.t.Helper()
	for _, w := range h.app.Loop.Workloads {
		reports, err := h.app.Loop.Pass(h.t.Context(), []string{w.Name}, signals)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, r := range reports {
			if r.Err != nil && r.Result != control.Stale {
				h.t.Fatalf("%s: %s: %v", r.Workload, r.Result, r.Err)
			}
		}
	}
}

const firstHourFile = "docs/first-hour.md"

// TestTheFirstHour does what docs/first-hour.md tells, and compares; -update writes it.
func TestTheFirstHour(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: starts the AWS CLI some twenty times")
	}
	if racetest.Enabled {
		t.Skip("skipped: under the race detector it tells the same, which make docs-check compares")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("skipped: there is no AWS CLI on PATH")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	h := newHour(t)
	h.play()
	file := filepath.Join(root, firstHourFile)
	got := strings.TrimLeft(h.text.String(), "\n")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != got {
		t.Errorf("%s is not what happens; go test ./internal/cli -run FirstHour -update writes it\n%s", firstHourFile, firstDifference(string(have), got))
	}
}

// firstDifference returns the first lines in which two texts differ.
func firstDifference(have, got string) string {
	a, b := strings.Split(have, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\nhave: %s\ngot:  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, got %d", len(a), len(b))
}
