package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"
	minidyn "github.com/truora/minidyn/server"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/aws/session"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/replay"
)

func TestTheDashboardsOptionsAreRead(t *testing.T) {
	s, _, _ := testIO("")
	var got dashboardOptions
	keep := func(_ context.Context, _ IO, o dashboardOptions) error { got = o; return nil }
	if err := parse(t, newDashboard(s, keep), "api", "--orders", "--http", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if !got.orders || got.http != "127.0.0.1:0" || len(got.workload) != 1 {
		t.Errorf("got %+v", got)
	}
	if err := parse(t, newDashboard(s, keep), "--trace", "calm", "--orders"); err == nil || codeOf(err) != ExitUsage {
		t.Errorf("orders for a simulated run: %v", err)
	}
}

// TestPagesForOthersNeedATokenThatIsThereOrMadeUp: dashboard --orders and demo --serve make one up, the others do not.
func TestPagesForOthersNeedATokenThatIsThereOrMadeUp(t *testing.T) {
	ran := false
	boards := func(s IO) *cobra.Command {
		return newDashboard(s, func(context.Context, IO, dashboardOptions) error { ran = true; return nil })
	}
	demos := func(s IO) *cobra.Command {
		return newDemo(s, func(context.Context, IO, demoOptions) error { ran = true; return nil })
	}
	daemon := func(s IO) *cobra.Command {
		return newRun(s, func(context.Context, IO, runOptions) error { ran = true; return nil })
	}
	const long = "0123456789abcdef"
	for _, c := range []struct {
		make  func(IO) *cobra.Command
		args  string
		token string
		want  bool
	}{
		{boards, "--orders --http 0.0.0.0:7078", "", true},
		{boards, "--http 0.0.0.0:7078", "", false},
		{boards, "--http 0.0.0.0:7078", long, true},
		{boards, "--orders --http 0.0.0.0:7078", "short", false},
		{boards, "--trace calm --http 0.0.0.0:7078", "", false},
		{demos, "--serve --http 0.0.0.0:7078", "", true},
		{demos, "--http 0.0.0.0:7078", "", false},
		{daemon, "--http 0.0.0.0:7078", "", false},
		{daemon, "--http 0.0.0.0:7078", long, true},
		{daemon, "--http localhost:7078", "", true},
	} {
		s, _, _ := testIO("")
		s.Env = func(name string) string { return map[string]string{dashboardTokenEnv: c.token}[name] }
		ran = false
		err := parse(t, c.make(s), strings.Fields(c.args)...)
		if ran != c.want || (err == nil) != c.want || err != nil && codeOf(err) != ExitUsage {
			t.Errorf("%s with the token %q: ran %t with %v, want %t", c.args, c.token, ran, err, c.want)
		}
	}
}

// dashboardConfig writes a configuration with a state in a directory of its own.
func dashboardConfig(t *testing.T) (path string, file *config.File) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "backstop.yaml")
	text := fmt.Sprintf(`version: 1
region: us-east-1
state: {sqlite: %q}
http: {listen: "127.0.0.1:0"}
workloads:
  - name: api
    task: {cpu: 1024, memory: 2048}
    pools:
      - {name: spot,     cluster: c, service: api-spot,     capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: api-standard, capacity: FARGATE}
`, filepath.Join(dir, "backstop.db"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse([]byte(text), path)
	if err != nil {
		t.Fatal(err)
	}
	return path, file
}

// storeLook stores one look at the workload: seven of ten on Spot.
func storeLook(t *testing.T, store control.Store, at time.Time) control.Report {
	t.Helper()
	d := failover.Decision{At: at, Workload: "api", Reason: failover.ReasonSpotShort, Mode: failover.ModeMixed, Demand: 10,
		InService: failover.Exactly(7), Missing: failover.Exactly(3),
		Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Running: 7, InService: failover.Exactly(7), Live: 7}, {Pool: "standard", Capacity: failover.OnDemand, Ask: 3}}}
	st := failover.State{Version: failover.StateVersion, Workload: "api", Generation: 1, Decided: failover.Decided{Demand: 10, DemandSet: true, MissingSince: at},
		Seen: failover.Seen{At: at}}
	e := journal.Entry{Version: 1, ID: journal.NewID(at, 1), Workload: "api", At: at, Kind: journal.KindDecision, Generation: 1, Decision: &d, Observation: &journal.Observation{At: at}}
	if err := store.Commit(t.Context(), "test", control.Record{State: st}, at, []journal.Entry{e}); err != nil {
		t.Fatal(err)
	}
	return control.Report{Workload: "api", After: st, Generation: 1, Decision: d, Result: control.Committed,
		Observation: failover.Observation{At: at, Pools: []failover.PoolObservation{{Pool: "spot"}, {Pool: "standard"}}}}
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	return fetchAs(t, url, "")
}

// fetchAs asks for a host's name; "": the URL's own.
func fetchAs(t *testing.T, url, host string) (int, string) {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Host = host
	r, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func TestAStoredStateIsServedReadOnly(t *testing.T) {
	path, file := dashboardConfig(t)
	s, _, _ := testIO("")
	o := dashboardOptions{path: path, http: "127.0.0.1:0"}
	if err := runDashboard(t.Context(), s, o); codeOf(err) != ExitRefused || !strings.Contains(err.Error(), "nothing to show") {
		t.Errorf("before anything was stored: %v", err)
	}
	servesReadOnly(t, file, o)
}

// TestATableIsServedReadOnly is the dashboard of the Lambda deployment: on an operator's machine, from DynamoDB.
func TestATableIsServedReadOnly(t *testing.T) {
	dynamo := httptest.NewServer(minidyn.NewServer())
	defer dynamo.Close()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": dynamo.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"} {
		t.Setenv(name, value)
	}
	path, _ := dashboardConfig(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`state: .*`).ReplaceAll(text, []byte("state: {dynamodb: backstop}"))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse(text, path)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := session.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	attribute := func(name string) (types.AttributeDefinition, *string) {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}, &name
	}
	pk, pkName := attribute("pk")
	sk, skName := attribute("sk")
	if _, err := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true }).CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: aws.String("backstop"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{pk, sk},
		KeySchema:            []types.KeySchemaElement{{AttributeName: pkName, KeyType: types.KeyTypeHash}, {AttributeName: skName, KeyType: types.KeyTypeRange}}}); err != nil {
		t.Fatal(err)
	}
	servesReadOnly(t, file, dashboardOptions{path: path, http: "127.0.0.1:0"})
}

// servesReadOnly stores a look, runs the command, and asks its pages.
func servesReadOnly(t *testing.T, file *config.File, o dashboardOptions) {
	t.Helper()
	s, _, _ := testIO("")
	store, err := app.OpenStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	storeLook(t, store, s.Now())
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	said, to := io.Pipe()
	s.Err = to
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- runDashboard(ctx, s, o) }()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSuffix(strings.Fields(line)[4], ".")
	if code, body := fetch(t, url+"api/workloads"); code != http.StatusOK || !strings.Contains(body, `"headline":"3 of 10 missing"`) {
		t.Errorf("%d %s", code, body)
	}
	if _, body := fetch(t, url+"api/session"); !strings.Contains(body, `"read_only":true`) {
		t.Errorf("the session is %s", body)
	}
	if _, body := fetch(t, url+"api/workloads/api"); !strings.Contains(body, "estimated without ephemeral storage above 20 GiB, with list prices of") {
		t.Errorf("the workload is %s", body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestOffThisMachineNothingIsServedWithoutAToken(t *testing.T) {
	path, file := dashboardConfig(t)
	store, err := app.OpenStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	_ = store.Close()
	s, _, _ := testIO("")
	err = runDashboard(t.Context(), s, dashboardOptions{path: path, http: "0.0.0.0:0"})
	if codeOf(err) != ExitUsage || !strings.Contains(err.Error(), "needs a token") {
		t.Errorf("%v", err)
	}
}

func TestTheDaemonServesItsPages(t *testing.T) {
	_, file := dashboardConfig(t)
	s, _, _ := testIO("")
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(t.Context(), app.Options{Config: file, AWS: aws.Config{Region: "us-east-1"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	p, err := openPages(t.Context(), s, file, a, "127.0.0.1:0", true, log)
	if err != nil {
		t.Fatal(err)
	}
	url := p.served.url
	for path, want := range map[string]int{"metrics": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest, "healthz": http.StatusOK, "readyz": http.StatusServiceUnavailable} {
		if code, body := fetchAs(t, url+path, "127.0.0.1.nip.example"); code != want || strings.Contains(body, `"api"`) {
			t.Errorf("/%s under another host's name: %d %s", path, code, body)
		}
	}
	if code, body := fetch(t, url+"readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "api") {
		t.Errorf("ready before any pass: %d %s", code, body)
	}
	p.tell(t.Context(), storeLook(t, a.Store, s.Now()))
	for path, want := range map[string]string{"readyz": "ready", "healthz": "ok", "metrics": `backstop_missing_tasks{workload="api"} 3`,
		"api/workloads": `"looked_at":"2026`, "": "<title>Workloads", "workloads/api": "<title>api"} {
		if code, body := fetch(t, url+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("/%s: %d, without %q: %.300s", path, code, want, body)
		}
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	if _, err := openPages(t.Context(), s, file, a, addr, true, log); err == nil {
		t.Error("an address that was asked for is taken, and nothing is said")
	}
	if q, err := openPages(t.Context(), s, file, a, addr, false, log); err != nil || q.served != nil || q.close() != nil {
		t.Errorf("a taken address of the configuration keeps the daemon from guarding: %v", err)
	}
	if q, err := openPages(t.Context(), s, file, a, "off", true, log); err != nil || q.served != nil {
		t.Errorf("off: %v", err)
	}
	if err := p.close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestASimulatedRunKeepsWhatWasMissing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("nothing runs side by side here")
	}
	o := dashboardOptions{trace: "partial", policy: failover.PresetFill, tasks: 50, seed: 3}
	run, err := simulated(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := traceNamed(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	law, _ := replay.Law(o.policy)
	r, err := replay.Simulate(replay.Run{Trace: tr, Policy: law, Tasks: o.tasks, Seed: o.seed, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := run.History(t.Context(), journal.Query{Workload: "partial", Limit: journal.LimitMax})
	if err != nil {
		t.Fatal(err)
	}
	missing, until := 0.0, run.Now()
	for _, e := range entries { // the newest first
		missing += float64(e.Decision.Missing.High) * until.Sub(e.At).Minutes()
		until = e.At
	}
	if math.Abs(missing-r.ShortMinutes) > 1e-6*max(1, r.ShortMinutes) || r.ShortMinutes == 0 {
		t.Errorf("%v task-minutes are missing on the page, %v in the run", missing, r.ShortMinutes)
	}
	if len(entries) < 100 || len(entries) > 20_000 {
		t.Errorf("%d entries", len(entries))
	}
	if _, err := json.Marshal(entries[0]); err != nil {
		t.Error(err)
	}
}
