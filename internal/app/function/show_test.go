package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/lambdaruntime"
)

// bootstrap builds the function's program for this machine.
func bootstrap(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("go")
	if err != nil {
		t.Skip("go is not on the PATH")
	}
	path := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), program, "build", "-tags", "lambda.norpc", "-o", path, // as installed, but for what makes it small
		"github.com/backstop-ecs/backstop/cmd/backstop-lambda")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build bootstrap: %v\n%s", err, out)
	}
	return path
}

// listen puts the world on loopback, and returns the environment of a process that lives in it.
func (w *world) listen() []string {
	w.t.Helper()
	listener, err := w.box.Listen(w.t.Context(), "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- listener.Serve(ctx) }()
	dynamo := httptest.NewServer(w)
	w.t.Cleanup(func() {
		dynamo.Close()
		stop()
		if err := <-done; err != nil {
			w.t.Errorf("sandbox: %v", err)
		}
	})
	return []string{"AWS_ENDPOINT_URL=" + listener.URL, "AWS_ENDPOINT_URL_DYNAMODB=" + dynamo.URL, "AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "BACKSTOP_SANDBOX_SPEED=1000", "BACKSTOP_LOG=debug"}
}

// TestTheRealBootstrapGuardsAWorkloadThroughAShortageAndBack runs the program that is installed, under the Runtime
// API, with real events in SQS batches and the schedule: Spot loses half of its tasks for twenty minutes.
func TestTheRealBootstrapGuardsAWorkloadThroughAShortageAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10, "api")
	if _, err := sns.NewFromConfig(w.aws()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("notices")}); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	env := w.listen()
	run, err := lambdaruntime.Start(t.Context(), lambdaruntime.Options{Bootstrap: bootstrap(t), Stdout: &stdout, Stderr: &stderr,
		Env: append(env, "BACKSTOP_CONFIG="+w.yaml("notify: [{sns: \""+topic+"\"}]\n"))})
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	defer run.Close()
	var slowest time.Duration
	invocations := 0
	invoke := func(ctx context.Context, payload []byte) ([]byte, error) {
		begun := time.Now()
		body, err := run.Invoke(ctx, payload, timeout)
		slowest = max(slowest, time.Since(begun))
		invocations++
		return body, err
	}
	w.mapping(invoke, 3*time.Minute, 10*time.Second)
	w.supply(5)
	w.mapping(invoke, 2*time.Minute, 5*time.Second)
	if spot, standard := w.working("api"); spot+standard < 10 {
		t.Errorf("two minutes into the shortage %d Spot and %d on-demand tasks work, want 10 together", spot, standard)
	}
	w.mapping(invoke, 18*time.Minute, 10*time.Second)
	if spot, standard := w.working("api"); spot != 5 || standard != 5 {
		t.Errorf("in the shortage %d Spot and %d on-demand tasks work, want 5 and 5", spot, standard)
	}
	if mode := w.state("api").Mode; mode != failover.ModeMixed && mode != failover.ModeOnDemand {
		t.Errorf("the mode is %q, want cover", mode)
	}
	w.supply(-1)
	w.mapping(invoke, 40*time.Minute, 10*time.Second)
	if spot, standard := w.working("api"); spot != 10 || standard != 0 {
		t.Errorf("after the shortage %d Spot and %d on-demand tasks work, want 10 and 0", spot, standard)
	}
	cpu, memory := run.Close()

	reasons := map[failover.Reason]int{}
	for _, e := range w.journal("api", journal.KindDecision) {
		reasons[e.Decision.Reason]++
	}
	if reasons[failover.ReasonInterruption] == 0 || reasons[failover.ReasonSpotReturned] == 0 {
		t.Errorf("the journal's reasons are %v, want interruption and spot_returned among them", reasons)
	}
	for _, line := range strings.Split(stderr.String(), "\n") {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the function's log says %s", line)
		}
	}
	kinds := map[string]int{}
	for _, n := range w.box.Notices() {
		kinds[n.Attributes["kind"]]++
		if n.Subject == "" || !strings.Contains(n.Message, "backstop explain api") || !json.Valid([]byte(n.Attributes["json"])) {
			t.Errorf("a notice is %+v", n)
		}
	}
	for _, kind := range []string{"cover_started", "restored"} {
		if kinds[kind] != 1 {
			t.Errorf("%d notices are %s, want one; all are %v", kinds[kind], kind, kinds)
		}
	}
	checkMetrics(t, stdout.String(), unread(t, stderr.String()))
	for _, q := range w.box.State().Queues {
		if q.Visible+q.InFlight > 0 {
			t.Errorf("queue %s still has %d messages", q.Name, q.Visible+q.InFlight)
		}
	}
	t.Logf("init %s, %d invocations, the slowest %s, %s of processor time each, %d MiB", run.Init.Round(time.Millisecond), invocations,
		slowest.Round(time.Millisecond), (cpu / time.Duration(invocations)).Round(10*time.Microsecond), memory>>20)
}

// unread returns how many passes could not read a pool, which the network of a busy machine may cause; each says what.
func unread(t *testing.T, log string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(log) {
		var pass struct{ Msg, Reason, Unread string }
		if json.Unmarshal([]byte(line), &pass) != nil || pass.Msg != "pass" || pass.Reason != string(failover.ReasonBlind) {
			continue
		}
		n++
		if pass.Unread == "" {
			t.Errorf("a blind pass does not say what it could not read: %s", line)
		}
		t.Logf("a pass was blind: %s", pass.Unread)
	}
	if n > 2 {
		t.Errorf("%d passes were blind", n)
	}
	return n
}

// checkMetrics reads the metric lines of the run; those of its blind passes lack what could not be seen, and no others.
func checkMetrics(t *testing.T, out string, blind int) {
	t.Helper()
	lines, dark, most := 0, 0, map[string]float64{}
	for line := range strings.Lines(out) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil || values["ServiceName"] != "api" || values["_aws"] == nil {
			t.Fatalf("standard output has %q, which is no metric line: %v", line, err)
		}
		lines++
		if values["SpotHealthScore"] == nil {
			dark++
			continue
		}
		for _, m := range metric.Metrics() {
			v, ok := values[m.Name].(float64)
			if !ok {
				t.Fatalf("the line %s lacks %s", line, m.Name)
			}
			most[m.Name] = max(most[m.Name], v)
		}
	}
	if dark != blind {
		t.Errorf("%d metric lines lack what was seen, and %d passes were blind", dark, blind)
	}
	if lines < 60 {
		t.Errorf("%d metric lines in an hour, want one a minute at least: they are the heartbeat", lines)
	}
	if most["Demand"] != 10 || most["InService"] < 5 || most["FailoverActive"] != 1 || most["ErrorCount5min"] < 5 || most["CostSavingsToday"] <= 0 {
		t.Errorf("the greatest values are %v", most)
	}
}

func TestTheBootstrapEndsWithABadConfiguration(t *testing.T) {
	w := newWorld(t, 1, "api")
	var stderr bytes.Buffer
	env := w.listen()
	_, err := lambdaruntime.Start(t.Context(), lambdaruntime.Options{Bootstrap: bootstrap(t), Stderr: &stderr,
		Env: append(env, "BACKSTOP_CONFIG="+w.yaml("")+"nonsense: 1\n")})
	if err == nil || !strings.Contains(err.Error(), "ended while starting") {
		t.Errorf("start gave %v, want an end", err)
	}
	if !strings.Contains(stderr.String(), "nonsense") {
		t.Errorf("the log does not name the key: %s", stderr.String())
	}
}
