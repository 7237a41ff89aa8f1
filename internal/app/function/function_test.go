package function_test

import (
	"bytes"
	"cmp"
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// invocation is a context with a deadline, as Lambda gives it.
func invocation(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// interrupt takes n Spot tasks of a workload, whose places are gone too, and returns the messages of it.
func (w *world) interrupt(name string, n int) []control.Message {
	w.box.World(func(e *ecsim.World) {
		key := ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}
		_, held := e.Supply(key)
		e.SetSupply(key, held)
		e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-spot"}, n, "", true)
	})
	w.box.AdvanceTo(w.box.Now().Add(10 * time.Second))
	return w.receive()
}

func TestABurstOfTwoHundredEventsIsOnePass(t *testing.T) {
	w := newWorld(t, 200, "api", "worker")
	f := w.function(function.Options{})
	if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
		t.Fatal(err)
	}
	msgs := w.interrupt("api", 200)
	if len(msgs) < 200 {
		t.Fatalf("the queue has %d messages, want at least one for each of 200 tasks", len(msgs))
	}
	w.forget()
	body, err := f.Invoke(invocation(t, timeout), batch(msgs))
	if err != nil {
		t.Fatal(err)
	}
	if ids := returned(t, body); len(ids) != 0 {
		t.Errorf("%d messages came back", len(ids))
	}
	counts := w.counts()
	if n := counts["ecs:DescribeServices"]; n != 1 {
		t.Errorf("%d DescribeServices, want 1", n)
	}
	if n := counts["ecs:UpdateService"]; n != 1 {
		t.Errorf("%d UpdateService, want 1", n)
	}
	if n := counts["dynamodb:TransactWriteItems"]; n != 2 {
		t.Errorf("%d commits, want 2: the decision and its outcome", n)
	}
	decisions := w.journal("api", journal.KindDecision)
	if got := len(decisions[0].Observation.Signals) + decisions[0].Observation.SignalsLeftOut; got < 200 {
		t.Errorf("the pass saw %d signals, want all 200", got)
	}
	if desired := 0; true {
		w.box.World(func(e *ecsim.World) {
			desired, _, _ = e.Counts(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-standard"})
		})
		if desired != 200 {
			t.Errorf("on-demand is asked for %d tasks, want 200", desired)
		}
	}
	if n := w.state("worker").Generation; n != 1 {
		t.Errorf("the other workload was committed %d times, want once, by the schedule", n)
	}
}

func TestOnlyMessagesThatFailedComeBack(t *testing.T) {
	w := newWorld(t, 4, "api")
	f := w.function(function.Options{})
	msgs := w.interrupt("api", 1)
	bad := control.Message{ID: "bad", Body: []byte(`{"not":"an event"`)}
	foreign := control.Message{ID: "foreign", Body: []byte(strings.ReplaceAll(string(msgs[0].Body), "api-spot", "other-spot"))}
	all := append(slices.Clone(msgs), bad, foreign)
	body, err := f.Invoke(invocation(t, timeout), batch(all))
	if err != nil {
		t.Fatal(err)
	}
	if ids := returned(t, body); !slices.Equal(ids, []string{"bad"}) {
		t.Errorf("%q came back, want only the message that cannot be read", ids)
	}

	w.down = true
	body, err = f.Invoke(invocation(t, timeout), batch(all))
	if err != nil {
		t.Fatal(err)
	}
	ids := returned(t, body)
	slices.Sort(ids)
	want := []string{"bad"}
	for _, m := range msgs {
		want = append(want, m.ID)
	}
	slices.Sort(want)
	if !slices.Equal(ids, want) {
		t.Errorf("with the store down %q came back, want %q: those that were not dealt with, and not what concerns nobody", ids, want)
	}
}

func TestAScheduleThatFindsTheStoreDownFails(t *testing.T) {
	w := newWorld(t, 2, "api", "worker")
	f := w.function(function.Options{})
	w.down = true
	_, err := f.Invoke(invocation(t, timeout), schedule)
	if err == nil || !strings.Contains(err.Error(), "2 of 2 workloads were not looked at") || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("got %v, want an error that counts the workloads and names the cause", err)
	}
	w.down = false
	if _, err := f.Invoke(invocation(t, timeout), []byte("{}")); err != nil {
		t.Errorf("an empty event gave %v, want a pass", err)
	}
	if _, err := f.Invoke(invocation(t, timeout), []byte(`{"hello":1}`)); err == nil || !strings.Contains(err.Error(), "neither a batch") {
		t.Errorf("a payload of no known kind gave %v", err)
	}
}

// TestADamagedRecordCostsItsOwnWorkloadAlone: somebody has edited the table by hand.
func TestADamagedRecordCostsItsOwnWorkloadAlone(t *testing.T) {
	w := newWorld(t, 4, "api", "worker")
	f := w.function(function.Options{})
	if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
		t.Fatal(err)
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	if _, err := dynamodb.NewFromConfig(w.aws()).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: map[string]types.AttributeValue{
		"pk": text("api"), "sk": text("state"), "generation": &types.AttributeValueMemberN{Value: "7"}, "state": text("{")}}); err != nil {
		t.Fatal(err)
	}
	msgs := append(w.interrupt("api", 1), w.interrupt("worker", 1)...)
	body, err := f.Invoke(invocation(t, timeout), batch(msgs))
	if err != nil {
		t.Fatal(err)
	}
	var sick []string
	for _, m := range msgs {
		if strings.Contains(string(m.Body), "api-") {
			sick = append(sick, m.ID)
		}
	}
	ids := returned(t, body)
	slices.Sort(ids)
	slices.Sort(sick)
	if !slices.Equal(ids, sick) || len(sick) == len(msgs) {
		t.Errorf("%q of %d messages came back, want the damaged workload's %q", ids, len(msgs), sick)
	}
	if got := w.journal("worker", journal.KindDecision)[0].Decision.Reason; got != failover.ReasonInterruption {
		t.Errorf("the other workload decided %s", got)
	}
	if _, err := f.Invoke(invocation(t, timeout), schedule); err == nil || !strings.Contains(err.Error(), "1 of 2 workloads") || !strings.Contains(err.Error(), "decode state of api") {
		t.Errorf("the schedule says %v", err)
	}
}

func TestAnEventThatEventBridgeDeliversItselfIsAPassOfItsWorkload(t *testing.T) {
	w := newWorld(t, 4, "api", "worker")
	f := w.function(function.Options{})
	msgs := w.interrupt("api", 1)
	if _, err := f.Invoke(invocation(t, timeout), msgs[0].Body); err != nil {
		t.Fatal(err)
	}
	if a, b := w.state("api").Generation, w.state("worker").Generation; a == 0 || b != 0 {
		t.Errorf("generations are %d and %d, want a commit of the one concerned only", a, b)
	}
}

func TestWithTooLittleTimeLeftNothingIsBegun(t *testing.T) {
	w := newWorld(t, 4, "api")
	f := w.function(function.Options{})
	w.forget()
	_, err := f.Invoke(invocation(t, 3*time.Second), schedule)
	if err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("got %v, want an error that names the timeout", err)
	}
	if counts := w.counts(); len(counts) != 0 {
		t.Errorf("calls were made: %v", counts)
	}
}

func TestAnotherPassUnderWayIsWaitedFor(t *testing.T) {
	w := newWorld(t, 4, "api")
	msgs := w.interrupt("api", 1)
	// Somebody else holds the lease, until the clock that leases are measured by has moved on.
	held := w.store()
	record := control.Record{Lease: control.Lease{Owner: "other", Until: start.Add(20 * time.Second)}}
	record.State.Workload, record.State.Generation, record.State.Version = "api", 1, 1
	if err := held.Commit(t.Context(), "other", record, start, nil); err != nil {
		t.Fatal(err)
	}
	looks := 0
	f := w.function(function.Options{Now: func() time.Time {
		looks++
		return start.Add(time.Duration(looks) * 2 * time.Second)
	}})
	body, err := f.Invoke(invocation(t, timeout), batch(msgs))
	if err != nil {
		t.Fatal(err)
	}
	if ids := returned(t, body); len(ids) != 0 {
		t.Errorf("%q came back, want none: the lease ended in time", ids)
	}
	if g := w.state("api").Generation; g < 2 {
		t.Errorf("generation is %d: no pass was made after the lease ended", g)
	}

	// A lease that does not end in time gives the messages back.
	record.State.Generation = w.state("api").Generation + 1
	record.Lease.Until = start.Add(1000 * time.Hour)
	if err := held.Commit(t.Context(), "other", record, start.Add(time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	body, err = f.Invoke(invocation(t, 8*time.Second), batch(msgs))
	if err != nil {
		t.Fatal(err)
	}
	if ids := returned(t, body); len(ids) != len(msgs) {
		t.Errorf("%d of %d messages came back under another's lease", len(ids), len(msgs))
	}
}

func TestABadConfigurationFailsAtTheStartAndNamesTheKey(t *testing.T) {
	good := newWorld(t, 1, "api").yaml("")
	for _, test := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing set", nil, "exactly one of BACKSTOP_CONFIG"},
		{"two set", map[string]string{"BACKSTOP_CONFIG": good, "BACKSTOP_CONFIG_SSM": "/x"}, "exactly one of"},
		{"an unknown key", map[string]string{"BACKSTOP_CONFIG": strings.Replace(good, "cluster:", "clutser:", 1)}, "workloads[0].pools[0]"},
		{"no table", map[string]string{"BACKSTOP_CONFIG": strings.Replace(good, "{dynamodb: backstop}", "{sqlite: x.db}", 1)}, "state.dynamodb"},
		{"no YAML", map[string]string{"BACKSTOP_CONFIG": "version: [1"}, "is not YAML"},
		{"an object without a key", map[string]string{"BACKSTOP_CONFIG": "s3://bucket"}, "BUCKET/KEY"},
		{"the speed of a sandbox on AWS", map[string]string{"BACKSTOP_CONFIG": good, "BACKSTOP_SANDBOX_SPEED": "1000"}, "BACKSTOP_SANDBOX_SPEED"},
		{"no credentials", map[string]string{"BACKSTOP_CONFIG": good, "AWS_SECRET_ACCESS_KEY": "-"}, "AWS_ACCESS_KEY_ID"},
		{"a certificate that is none", map[string]string{"BACKSTOP_CONFIG": good, "AWS_CA_BUNDLE": "function_test.go"}, "AWS_CA_BUNDLE"},
		{"a level that is none", map[string]string{"BACKSTOP_CONFIG": good, "BACKSTOP_LOG": "loud"}, "BACKSTOP_LOG"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := function.Open(t.Context(), func(key string) string {
				return strings.TrimPrefix(cmp.Or(test.env[key], map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}[key]), "-")
			}, &bytes.Buffer{}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// TestABudgetIsReckonedWithTheTaskDefinitionsSize: a budget holds though the configuration does not say how large a
// task is.
func TestABudgetIsReckonedWithTheTaskDefinitionsSize(t *testing.T) {
	w := newWorld(t, 4, "api")
	text := strings.Replace(w.yaml(""), "preset: fill", "preset: fill, on_demand_budget_usd_monthly: 0.000001", 1)
	file, err := config.Parse([]byte(strings.Replace(text, "    task: {cpu: 256, memory: 512}\n", "", 1)), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var metrics bytes.Buffer
	f := w.function(function.Options{Config: file, Metrics: &metrics})
	w.supply(2)
	w.mapping(f.Invoke, 10*time.Minute, 30*time.Second)
	w.supply(0)
	w.mapping(f.Invoke, 5*time.Minute, 30*time.Second)
	if spent := w.state("api").Seen.SpendUSD; spent <= 0 {
		t.Errorf("on-demand has run for minutes and cost $%g", spent)
	}
	if !strings.Contains(metrics.String(), "CostSavingsToday") {
		t.Errorf("the metrics say nothing of what is saved: %s", metrics.String())
	}
	reasons := map[failover.Reason]bool{}
	for _, e := range w.journal("api", journal.KindNotice) {
		reasons[e.Notice.Reason] = true
	}
	if !reasons[failover.ReasonBudget] {
		t.Errorf("nobody was told that the budget is used up; told were %v", reasons)
	}
}

func TestTheFunctionLinksNeitherSQLiteNorPrometheusNorATerminal(t *testing.T) {
	program, err := exec.LookPath("go")
	if err != nil {
		t.Skip("go is not on the PATH")
	}
	out, err := exec.CommandContext(t.Context(), program, "list", "-deps", "-tags", "lambda.norpc", "github.com/backstop-ecs/backstop/cmd/backstop-lambda").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, banned := range []string{"modernc.org/", "prometheus/", "spf13/", "charm.land/", "santhosh-tekuri/", "service/sqs", "internal/sandbox", "internal/ecsim", "net/rpc", "aws-sdk-go-v2/config", "service/sso"} {
			if strings.Contains(dep, banned) {
				t.Errorf("the function links %s; every cold start would pay for it", dep)
			}
		}
	}
}
