package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	minidyn "github.com/truora/minidyn/server"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/state"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	region  = "us-east-1"
	cluster = "prod"
	table   = "backstop"
	topic   = "arn:aws:sns:us-east-1:123456789012:notices"
	timeout = time.Minute
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// world is an AWS account on this machine: a sandbox whose time the test moves, and a DynamoDB.
type world struct {
	t     *testing.T
	box   *sandbox.Sandbox
	mu    sync.Mutex
	calls map[string]int // of DynamoDB, by operation
	dyn   *minidyn.Server
	units units
	taken int // messages that mapping handed over
	// witness, if there is one, sees the function's requests; parameters are what Systems Manager has.
	witness    *witness
	parameters map[string]string
	down       bool // DynamoDB answers nothing but errors
	// passing is how many calls DynamoDB throttles.
	passing int
	// before, if not nil, is told of each request before it is answered, with what it calls, such as
	// AmazonEC2ContainerServiceV20141113.UpdateService.
	before func(target string)
	// tasks is the configuration of tasks of no service.
	tasks string
	// spoil, if not nil, says what becomes of a request to DynamoDB.
	spoil func() mishap
	names []string
}

// mishap is what becomes of a request.
type mishap int

const (
	none      mishap = iota
	throttled        // refused, no effect
	lost             // it takes effect, and the answer is lost
	slow             // it takes longer than anybody waits
)

func newWorld(t *testing.T, count int, names ...string) *world {
	t.Helper()
	return newWorldOn(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}}, count, names...)
}

func newWorldOn(t *testing.T, o sandbox.Options, count int, names ...string) *world {
	t.Helper()
	var all []sandbox.Twins
	for _, name := range names {
		all = append(all, sandbox.Twins{Cluster: cluster, Name: name, Count: count})
	}
	return newWorldOf(t, o, all...)
}

func newWorldOf(t *testing.T, o sandbox.Options, all ...sandbox.Twins) *world {
	t.Helper()
	w := &world{t: t, dyn: minidyn.NewServer(), calls: make(map[string]int), box: sandbox.New(o)}
	for i := range all {
		w.names = append(w.names, all[i].Name)
	}
	if err := w.box.Setup(all...); err != nil {
		t.Fatalf("set up sandbox: %v", err)
	}
	client := dynamodb.NewFromConfig(w.aws())
	attr := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	if _, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{attr("pk"), attr("sk")}}); err != nil {
		t.Fatalf("create table: %v", err)
	}
	w.forget()
	return w
}

// ServeHTTP answers for DynamoDB.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.mu.Lock()
	w.calls[op]++
	down, busy := w.down, w.passing > 0
	w.passing = max(0, w.passing-1)
	w.mu.Unlock()
	if busy {
		refuse(rw)
		return
	}
	if down {
		rw.Header().Set("Content-Type", "application/x-amz-json-1.0")
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized to perform dynamodb"}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	w.dyn.ServeHTTP(rec, r)
	w.mu.Lock()
	w.units.count(op, body, rec.Body.Bytes())
	w.mu.Unlock()
	maps.Copy(rw.Header(), rec.Header())
	rw.WriteHeader(rec.Code)
	_, _ = rw.Write(rec.Body.Bytes())
}

// Do answers a request in process: DynamoDB's by minidyn, all others by the sandbox.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.before != nil {
		w.before(r.Header.Get("X-Amz-Target"))
	}
	if r.Header.Get("X-Amz-Target") == "AmazonSSM.GetParameter" {
		rec := httptest.NewRecorder()
		var in struct{ Name string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		_ = json.NewEncoder(rec).Encode(map[string]any{"Parameter": map[string]string{"Value": w.parameters[in.Name]}})
		return rec.Result(), nil
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_") {
		return w.dynamo(r)
	}
	return w.box.Do(r)
}

// oneAtATime makes before of a function that shares what it changes: a look reads several things at once.
func (w *world) oneAtATime(f func(target string)) func(target string) {
	return func(target string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		f(target)
	}
}

// dynamo answers for DynamoDB in process.
func (w *world) dynamo(r *http.Request) (*http.Response, error) {
	rec, fate := httptest.NewRecorder(), none
	if w.spoil != nil {
		fate = w.spoil()
	}
	switch fate {
	case throttled:
		refuse(rec)
		return rec.Result(), nil
	case slow:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w.ServeHTTP(rec, r)
	if fate == lost {
		return nil, io.ErrUnexpectedEOF
	}
	return rec.Result(), nil
}

// refuse answers as DynamoDB does beyond what is provisioned.
func refuse(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/x-amz-json-1.0")
	rw.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(rw, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","Message":"Rate exceeded"}`)
}

func (w *world) aws() aws.Config {
	return aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: w,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
}

// yaml is the configuration, as the installation writes it.
func (w *world) yaml(extra string) string {
	text := "version: 1\nregion: us-east-1\nstate: {dynamodb: " + table + "}\nevents: {sqs: \"" + w.box.QueueURL() + "\"}\nmetrics: {emf: true}\n" + extra + w.tasks + "workloads:\n"
	for _, name := range w.names {
		text += fmt.Sprintf("  - name: %[1]s\n    policy: {preset: fill, overstart: 0}\n    task: {cpu: 256, memory: 512}\n    pools:\n"+
			"      - {name: spot, cluster: prod, service: %[1]s-spot, capacity: FARGATE_SPOT}\n"+
			"      - {name: standard, cluster: prod, service: %[1]s-standard, capacity: FARGATE}\n", name)
	}
	return text
}

func (w *world) config(extra string) *config.File {
	w.t.Helper()
	f, err := config.Parse([]byte(w.yaml(extra)), "test.yaml")
	if err != nil {
		w.t.Fatalf("configuration: %v", err)
	}
	return f
}

// function makes a function in this process.
func (w *world) function(o function.Options) *function.Function {
	w.t.Helper()
	if o.Config == nil {
		o.Config = w.config("")
	}
	if o.AWS = w.aws(); o.Scale == 0 {
		o.Scale = 1000
	}
	if o.Now == nil { // signs of life are left by the world's clock
		o.Now = w.box.Now
	}
	if w.witness != nil {
		o.AWS.HTTPClient = w.witness
	}
	f, err := function.New(o)
	if err != nil {
		w.t.Fatalf("make function: %v", err)
	}
	return f
}

func (w *world) store() *state.Store { return state.New(w.aws(), table, state.Options{}) }

func (w *world) state(name string) failover.State {
	w.t.Helper()
	records, err := w.store().Load(w.t.Context(), []string{name})
	if err != nil {
		w.t.Fatal(err)
	}
	return records[name].State
}

func (w *world) journal(name string, kinds ...journal.Kind) []journal.Entry {
	w.t.Helper()
	entries, err := w.store().Journal(w.t.Context(), journal.Query{Workload: name, Kinds: kinds, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

func (w *world) forget() {
	w.box.ForgetCalls()
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.calls)
	w.units, w.taken = units{}, 0
}

// counts returns the calls since forget, of the sandbox and of DynamoDB.
func (w *world) counts() map[string]int {
	out := w.box.Calls().Counts
	w.mu.Lock()
	defer w.mu.Unlock()
	for op, n := range w.calls {
		out["dynamodb:"+op] = n
	}
	return out
}

func (w *world) supply(n int) {
	w.box.World(func(e *ecsim.World) { e.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, n) })
}

func (w *world) working(name string) (spot, standard int) {
	w.box.World(func(e *ecsim.World) {
		spot = e.Working(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-spot"})
		standard = e.Working(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-standard"})
	})
	return spot, standard
}

// receive takes all messages that are visible.
func (w *world) receive() []control.Message {
	w.t.Helper()
	q := queue.New(w.aws(), w.box.QueueURL())
	var all []control.Message
	for {
		got, err := q.Receive(w.t.Context(), 0)
		if err != nil {
			w.t.Fatalf("receive: %v", err)
		}
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
	}
}

// batch makes the payload of an event source mapping.
func batch(msgs []control.Message) []byte {
	type record struct {
		MessageID     string            `json:"messageId"`
		ReceiptHandle string            `json:"receiptHandle"`
		Body          string            `json:"body"`
		Attributes    map[string]string `json:"attributes"`
		EventSource   string            `json:"eventSource"`
		Source        string            `json:"eventSourceARN"`
		Region        string            `json:"awsRegion"`
	}
	var event struct{ Records []record }
	for _, m := range msgs {
		event.Records = append(event.Records, record{m.ID, m.Receipt, string(m.Body), map[string]string{"ApproximateReceiveCount": "1"},
			"aws:sqs", "arn:aws:sqs:us-east-1:123456789012:backstop", region})
	}
	b, _ := json.Marshal(event)
	return b
}

// schedule is what an EventBridge rule with a schedule sends.
var schedule = []byte(`{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events",` +
	`"account":"123456789012","time":"2026-11-24T09:00:00Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:123456789012:rule/tick"],"detail":{}}`)

// returned reads the response of a partial batch.
func returned(t *testing.T, body []byte) []string {
	t.Helper()
	var out struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("response %s: %v", body, err)
	}
	var ids []string
	for _, f := range out.Failures {
		ids = append(ids, f.ID)
	}
	return ids
}

// settled returns the messages of a batch that the function's response does not give back.
func settled(t *testing.T, msgs []control.Message, body []byte) []control.Message {
	t.Helper()
	back := returned(t, body)
	return slices.DeleteFunc(slices.Clone(msgs), func(m control.Message) bool { return slices.Contains(back, m.ID) })
}

// mapping is what Lambda's event source mapping and the schedule do: it hands over what the queue has, deletes
// what does not come back, and ticks once a minute of the world's time.
func (w *world) mapping(invoke func(ctx context.Context, payload []byte) ([]byte, error), forTime time.Duration, step time.Duration) {
	w.t.Helper()
	q := queue.New(w.aws(), w.box.QueueURL())
	begin := w.box.Now()
	tick := begin
	for end := begin.Add(forTime); w.box.Now().Before(end); {
		w.box.AdvanceTo(w.box.Now().Add(step))
		for msgs := w.receive(); len(msgs) > 0; msgs = w.receive() {
			body, err := invoke(w.t.Context(), batch(msgs))
			if err != nil {
				w.t.Fatalf("batch of %d: %v", len(msgs), err)
			}
			if err := q.Ack(w.t.Context(), settled(w.t, msgs, body)); err != nil {
				w.t.Fatal(err)
			}
			w.taken += len(msgs)
		}
		if now := w.box.Now(); now.Sub(tick) >= time.Minute {
			tick = now
			if _, err := invoke(w.t.Context(), schedule); err != nil {
				w.t.Fatalf("schedule: %v", err)
			}
		}
	}
}
