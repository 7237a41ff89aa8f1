package state_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	minidyn "github.com/truora/minidyn/server"

	"github.com/backstop-ecs/backstop/internal/aws/awstest"
	"github.com/backstop-ecs/backstop/internal/aws/state"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/statetest"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// inProcess sends requests to a handler without a socket.
type inProcess struct{ h http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	return w.Result(), nil
}

func config(endpoint string, client aws.HTTPClient) aws.Config {
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	if client != nil {
		cfg.HTTPClient = client
	}
	return cfg
}

var tables atomic.Int64

// makeTable makes a table as the installation does, and returns its name.
func makeTable(t *testing.T, cfg aws.Config) string {
	t.Helper()
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	name := fmt.Sprintf("backstop-%d-%d", os.Getpid(), tables.Add(1))
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
	}
	attr := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{key("pk", types.KeyTypeHash), key("sk", types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{attr("pk"), attr("sk")}})
	if err != nil {
		t.Fatalf("create table: %v", err)
	}
	return name
}

func mini() aws.Config { return config("http://dynamodb.localhost", inProcess{minidyn.NewServer()}) }

func TestTheStoreKeepsTheContractInMinidyn(t *testing.T) {
	statetest.Run(t, func(t *testing.T) control.Store {
		cfg := mini()
		return state.New(cfg, makeTable(t, cfg), state.Options{})
	})
}

// TestTheStoreKeepsTheContractInDynamoDBLocal runs against AWS's own implementation; scripts/dynamodb-local.sh
// installs and starts it, and runs this test.
func TestTheStoreKeepsTheContractInDynamoDBLocal(t *testing.T) {
	endpoint := os.Getenv("BACKSTOP_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("BACKSTOP_DYNAMODB_ENDPOINT is not set; run scripts/dynamodb-local.sh")
	}
	cfg := config(endpoint, nil)
	statetest.Run(t, func(t *testing.T) control.Store { return state.New(cfg, makeTable(t, cfg), state.Options{}) })
}

func TestTheStoreKeepsTheContractInMoto(t *testing.T) {
	cfg := config(awstest.Moto(t), &oneByOne{})
	statetest.Run(t, func(t *testing.T) control.Store { return state.New(cfg, makeTable(t, cfg), state.Options{}) })
}

// oneByOne lets one request through at a time: moto serves each in a thread of its own and does not isolate
// transactions from each other, so that under load two of them win one condition.
type oneByOne struct{ mu sync.Mutex }

func (c *oneByOne) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return http.DefaultClient.Do(r)
}

func big(name string, n int) control.Record {
	r := control.Record{State: failover.State{Version: failover.StateVersion, Workload: name, Generation: 1, Seen: failover.Seen{At: start}}}
	for i := range n {
		r.State.Window = append(r.State.Window, failover.Evidence{Kind: failover.SignalInterruption, Pool: "spot", At: start.Add(time.Duration(i) * time.Second),
			ID: fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task/prod/%032x", i*7919), Revision: "ecs-svc/1234567890123456789", CreatedAt: start, StartedAt: start})
	}
	return r
}

func TestAFullEvidenceWindowFitsIntoAnItem(t *testing.T) {
	cfg := mini()
	s := state.New(cfg, makeTable(t, cfg), state.Options{})
	want := big("api", failover.EvidenceMax)
	if err := s.Commit(t.Context(), "a", want, start, nil); err != nil {
		t.Fatalf("commit: %v", err)
	}
	got, err := s.Load(t.Context(), []string{"api"})
	if err != nil || !failover.SameState(want.State, got["api"].State) {
		t.Errorf("the state came back with %d of %d pieces of evidence, %v", len(got["api"].State.Window), failover.EvidenceMax, err)
	}
}

func TestAJournalRowThatIsTooLongLosesItsObservationAndNotTheCommit(t *testing.T) {
	cfg := mini()
	s := state.New(cfg, makeTable(t, cfg), state.Options{})
	e := journal.Entry{Version: journal.Version, ID: "1", Workload: "api", At: start, Kind: journal.KindDecision,
		Decision: &failover.Decision{At: start, Workload: "api", Reason: failover.ReasonSpotShort}, Observation: &journal.Observation{At: start}}
	for i := range 30_000 { // random enough to stay long when compressed
		e.Observation.Signals = append(e.Observation.Signals, failover.Signal{Kind: failover.SignalInterruption, ID: fmt.Sprintf("%x%x", uint64(i+1)*0x9e3779b97f4a7c15, uint64(i+7)*0xbf58476d1ce4e5b9)})
	}
	if err := s.Commit(t.Context(), "a", big("api", 1), start, []journal.Entry{e}); err != nil {
		t.Fatalf("commit: %v", err)
	}
	got, err := s.Journal(t.Context(), journal.Query{Workload: "api"})
	if err != nil || len(got) != 1 || got[0].Decision.Reason != failover.ReasonSpotShort {
		t.Fatalf("journal came back as %+v, %v", got, err)
	}
	if got[0].Observation != nil {
		t.Error("the observation was kept, although the row is longer than an item may be")
	}
}

func TestJournalRowsExpireAndLiveStateDoesNot(t *testing.T) {
	cfg := mini()
	table := makeTable(t, cfg)
	now := start
	s := state.New(cfg, table, state.Options{Retention: journal.Retention{Age: 24 * time.Hour}, Now: func() time.Time { return now }})
	e := journal.Entry{Version: journal.Version, ID: "1", Workload: "api", At: start, Kind: journal.KindDecision}
	if err := s.Commit(t.Context(), "a", big("api", 1), start, []journal.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context(), "api", control.Page{Version: 1, Body: []byte("told")}); err != nil {
		t.Fatal(err)
	}
	out, err := dynamodb.NewFromConfig(cfg).Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range out.Items {
		sk := item["sk"].(*types.AttributeValueMemberS).Value
		expires, has := item["expires_at"].(*types.AttributeValueMemberN)
		switch isJournal := strings.HasPrefix(sk, "journal#"); {
		case isJournal && (!has || expires.Value != fmt.Sprint(start.Add(24*time.Hour).Unix())):
			t.Errorf("row %s expires at %v, want a day after it was written, in seconds", sk, item["expires_at"])
		case !isJournal && has:
			t.Errorf("row %s would expire", sk)
		}
	}
	now = start.Add(25 * time.Hour) // DynamoDB removes it some days later
	if got, err := s.Journal(t.Context(), journal.Query{Workload: "api"}); err != nil || len(got) != 0 {
		t.Errorf("an expired row that is still there gave %d entries, %v", len(got), err)
	}
}

// flaky answers the first calls of an operation with something else.
type flaky struct {
	next   inProcess
	target string
	left   int
	answer func(r *http.Request, next inProcess) (*http.Response, error)
	calls  map[string]int
}

func (f *flaky) Do(r *http.Request) (*http.Response, error) {
	op := r.Header.Get("X-Amz-Target")
	op = op[strings.LastIndexByte(op, '.')+1:]
	f.calls[op]++
	if op == f.target && f.left > 0 {
		f.left--
		return f.answer(r, f.next)
	}
	return f.next.Do(r)
}

func answer(status int, body string) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	return w.Result()
}

func TestACommitWhoseAnswerIsLostIsNotTakenForSomebodyElses(t *testing.T) {
	// The SDK sends the same client token again; AWS answers a repeated token with success. Minidyn does not
	// know tokens, so the repetition is answered here.
	repeated := false
	f := &flaky{next: inProcess{minidyn.NewServer()}, target: "TransactWriteItems", left: 2, calls: map[string]int{},
		answer: func(r *http.Request, next inProcess) (*http.Response, error) {
			if repeated {
				return answer(200, "{}"), nil
			}
			repeated = true
			if _, err := next.Do(r); err != nil {
				return nil, err
			}
			return nil, errors.New("connection reset by peer")
		}}
	cfg := config("http://dynamodb.localhost", f)
	s := state.New(cfg, makeTable(t, cfg), state.Options{})
	e := journal.Entry{Version: journal.Version, ID: "1", Workload: "api", At: start, Kind: journal.KindDecision}
	if err := s.Commit(t.Context(), "a", big("api", 1), start, []journal.Entry{e}); err != nil {
		t.Errorf("commit: %v", err)
	}
	if n := f.calls["TransactWriteItems"]; n != 2 {
		t.Errorf("the transaction was sent %d times, want 2", n)
	}
}

func TestATransactionThatMetAnotherIsTriedAgain(t *testing.T) {
	f := &flaky{next: inProcess{minidyn.NewServer()}, target: "TransactWriteItems", left: 2, calls: map[string]int{},
		answer: func(*http.Request, inProcess) (*http.Response, error) {
			return answer(400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled",
				"CancellationReasons":[{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"},{"Code":"None"}]}`), nil
		}}
	cfg := config("http://dynamodb.localhost", f)
	s := state.New(cfg, makeTable(t, cfg), state.Options{})
	e := journal.Entry{Version: journal.Version, ID: "1", Workload: "api", At: start, Kind: journal.KindDecision}
	if err := s.Commit(t.Context(), "a", big("api", 1), start, []journal.Entry{e}); err != nil {
		t.Errorf("commit: %v", err)
	}
	f.left = 1000
	next := big("api", 1)
	next.State.Generation = 2
	err := s.Commit(t.Context(), "a", next, start, []journal.Entry{e})
	if err == nil || errors.Is(err, control.ErrStale) || !strings.Contains(err.Error(), "TransactionCanceledException") {
		t.Errorf("conflicts without end gave %v, want an error that names them", err)
	}
	if n := f.calls["TransactWriteItems"]; n > 10 {
		t.Errorf("the transaction was sent %d times; that has no bound", n)
	}
}

func TestKeysThatWereNotProcessedAreAskedForAgain(t *testing.T) {
	f := &flaky{next: inProcess{minidyn.NewServer()}, target: "BatchGetItem", left: 2, calls: map[string]int{}}
	cfg := config("http://dynamodb.localhost", f)
	table := makeTable(t, cfg)
	f.answer = func(*http.Request, inProcess) (*http.Response, error) {
		return answer(200, `{"Responses":{},"UnprocessedKeys":{"`+table+`":{"ConsistentRead":true,"Keys":[{"pk":{"S":"api"},"sk":{"S":"state"}}]}}}`), nil
	}
	s := state.New(cfg, table, state.Options{})
	if err := s.Commit(t.Context(), "a", big("api", 1), start, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), []string{"api"}); err != nil || len(got) != 1 {
		t.Errorf("load gave %v, %v", got, err)
	}
	f.left = 1000
	if _, err := s.Load(t.Context(), []string{"api"}); err == nil || !strings.Contains(err.Error(), "not answered") {
		t.Errorf("keys that are never processed gave %v, want an error that says so", err)
	}
}

func TestAMissingTableIsNamedWithACure(t *testing.T) {
	s := state.New(mini(), "nowhere", state.Options{})
	_, err := s.Load(t.Context(), []string{"api"})
	var kinded control.KindedError
	if !errors.As(err, &kinded) || kinded.Kind() != failover.ErrNotFound || !strings.Contains(kinded.Hint(), "state.dynamodb") {
		t.Errorf("a missing table gave %v", err)
	}
	if err == nil || !strings.Contains(err.Error(), "table nowhere") {
		t.Errorf("the error %v does not name the table", err)
	}
}
