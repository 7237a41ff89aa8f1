package function_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	monthHours = 730
	// quietPart is how many times a quiet hour is the ten minutes that are spent: two of the five after which a quiet
	// workload is written.
	quietPart = 6
	// noticesToo is a receiver: its book of notices is a part of what is written.
	noticesToo = "notify: [{sns: \"" + topic + "\"}]\n"
)

// hour is what one hour of one installation came to.
type hour struct {
	invocations int
	calls       map[string]int
	units       units
	// requests are SQS's: a message is sent by EventBridge, and deleted with others.
	requests int
	// metrics and log are bytes.
	metrics, log int
}

// spend lets an hour of the world pass.
func spend(t *testing.T, workloads int, trouble bool) hour {
	t.Helper()
	var all []sandbox.Twins
	for i := range workloads { // target health is read too
		all = append(all, sandbox.Twins{Cluster: cluster, Name: fmt.Sprintf("w%02d", i), Count: 10, TargetGroup: true})
	}
	w := newWorldOf(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}}, all...)
	if _, err := sns.NewFromConfig(w.aws()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("notices")}); err != nil {
		t.Fatal(err)
	}
	var metrics, log bytes.Buffer
	f := w.function(function.Options{Config: w.config(noticesToo), Metrics: &metrics, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	w.mapping(f.Invoke, 6*time.Minute, time.Minute) // what has to settle at first
	w.forget()
	metrics.Reset()
	log.Reset()
	var h hour
	counted := func(ctx context.Context, payload []byte) ([]byte, error) {
		h.invocations++
		return f.Invoke(ctx, payload)
	}
	if trouble {
		w.supply(5)
		w.mapping(counted, 30*time.Minute, 10*time.Second)
		w.supply(-1)
		w.mapping(counted, 30*time.Minute, 10*time.Second)
	} else {
		w.mapping(counted, time.Hour/quietPart, time.Minute)
	}
	h.calls, h.units, h.metrics, h.log = w.counts(), w.units, metrics.Len(), log.Len()
	if !trouble {
		h.invocations, h.metrics, h.log = h.invocations*quietPart, h.metrics*quietPart, h.log*quietPart
		h.units = units{h.units.reads * quietPart, h.units.writes * quietPart}
		for op := range h.calls {
			h.calls[op] *= quietPart
		}
	}
	h.requests = w.taken + h.calls["sqs:DeleteMessageBatch"]
	for op := range h.calls { // the mapping's own
		if strings.HasPrefix(op, "sqs:") {
			delete(h.calls, op)
		}
	}
	t.Logf("an hour of %d workloads, trouble %t: %d invocations, %d requests of SQS, %s; %d read and %d write units, %d bytes of metrics, %d of log", workloads, trouble,
		h.invocations, h.requests, show(h.calls), h.units.reads, h.units.writes, h.metrics, h.log)
	return h
}

// Prices of us-east-1 in US dollars, and what is assumed because this machine cannot count it, as docs/cost-of-backstop.md
// says.
const (
	lambdaRequest, lambdaGBSecond, memoryGB = 0.20e-6, 0.0000133334, 0.25
	readUnit, writeUnit                     = 0.125e-6, 0.625e-6
	sqsRequest, sqsPolls                    = 0.40e-6, 650_000
	logByte, lambdaLines                    = 0.50e-9, 400 // Lambda's own lines of an invocation: START, END, REPORT
	metricMonth, alarmMonth, keyMonth       = 0.30, 0.10, 1.00
	metricsEach, alarmsEach, alarmsOwn      = 9, 2, 10 // the heartbeat has five metrics
)

// secondsOf is how long an invocation is assumed to take.
var secondsOf = map[int]float64{1: 0.2, 10: 0.25, 50: 0.5}

// monthOf works out a month in US dollars, by the rows of the document. A bad month is one in which every workload has
// trouble in every hour.
func monthOf(n int, quiet, bad, calm hour, isBad bool) map[string]float64 {
	extra := hour{} // of one workload's hour of trouble
	if isBad {
		extra = hour{invocations: bad.invocations - calm.invocations, metrics: bad.metrics - calm.metrics, log: bad.log - calm.log, requests: bad.requests - calm.requests,
			units: units{bad.units.reads - calm.units.reads, bad.units.writes - calm.units.writes}}
	}
	months := func(each, trouble int) float64 { return monthHours * float64(each+n*trouble) }
	second := lambdaGBSecond * memoryGB
	invocations := months(quiet.invocations, extra.invocations)
	out := map[string]float64{
		"Lambda": invocations*lambdaRequest + monthHours*second*(float64(quiet.invocations)*secondsOf[n]+float64(n*extra.invocations)*secondsOf[1]),
		"SQS":    sqsRequest * (sqsPolls + months(quiet.requests, extra.requests)), "Alarms of the function": alarmsOwn * alarmMonth, "KMS": keyMonth,
		"CloudWatch metrics": metricsEach * metricMonth * float64(n), "Alarms of the workloads": alarmsEach * alarmMonth * float64(n),
		"Logs":            logByte * (months(quiet.metrics, extra.metrics) + months(quiet.log, extra.log) + invocations*lambdaLines),
		"DynamoDB reads":  readUnit * months(quiet.units.reads, extra.units.reads),
		"DynamoDB writes": writeUnit * months(quiet.units.writes, extra.units.writes),
	}
	total := 0.0
	for _, usd := range out {
		total += usd
	}
	out["**together"] = total
	out["the same without"] = total - out["CloudWatch metrics"] - out["Alarms of the workloads"]
	return out
}

// TestTheDocumentedCostIsWhatTheCountedCallsCost holds docs/cost-of-backstop.md to calls, units and bytes counted here.
func TestTheDocumentedCostIsWhatTheCountedCallsCost(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it spends an hour of sixty workloads")
	}
	text, err := os.ReadFile("../../../docs/cost-of-backstop.md")
	if err != nil {
		t.Fatal(err)
	}
	bad, calm := spend(t, 1, true), spend(t, 1, false)
	sizes := []int{1, 10, 50}
	var columns []map[string]float64
	for _, n := range sizes {
		quiet := calm
		if n > 1 {
			quiet = spend(t, n, false)
		}
		columns = append(columns, monthOf(n, quiet, bad, calm, false), monthOf(n, quiet, bad, calm, true))
	}
	for i, limit := range []float64{5.40, 33, 155} {
		if got := columns[2*i]["**together"]; got > limit {
			t.Errorf("a quiet month of %d workloads costs $%.2f, want $%.2f at most", sizes[i], got, limit)
		}
	}
	for _, row := range slices.Sorted(maps.Keys(columns[0])) {
		line := ""
		for l := range strings.Lines(string(text)) {
			if strings.HasPrefix(l, "| "+row) {
				line = l
			}
		}
		var want []string
		for _, c := range columns {
			want = append(want, fmt.Sprintf("%.2f", c[row]))
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(strings.TrimSpace(line), "*", ""), "|"), "|")
		if len(cells) != 1+len(columns) {
			t.Errorf("the document has no row %q of %d figures; they are | %s |", row, len(columns), strings.Join(want, " | "))
			continue
		}
		for i, c := range columns {
			said, err := strconv.ParseFloat(strings.TrimSpace(cells[i+1]), 64)
			if off := math.Abs(said - c[row]); err != nil || off > 0.02 && off > c[row]/10 {
				t.Errorf("%s is %s in the document's column %d, and counted $%.3f", row, cells[i+1], i+1, c[row])
			}
		}
		t.Logf("| %s | %s |", row, strings.Join(want, " | "))
	}
}

// TestCallsOfAPass counts what a quiet pass calls.
func TestCallsOfAPass(t *testing.T) {
	for _, test := range []struct {
		workloads int
		want      map[string]int
	}{
		{1, map[string]int{"ecs:DescribeServices": 1, "dynamodb:BatchGetItem": 1, "dynamodb:PutItem": 1}},
		{10, map[string]int{"ecs:DescribeServices": 2, "dynamodb:BatchGetItem": 1, "dynamodb:PutItem": 1}},
		{50, map[string]int{"ecs:DescribeServices": 10, "dynamodb:BatchGetItem": 1, "dynamodb:PutItem": 1}},
	} {
		var names []string
		for i := range test.workloads {
			names = append(names, fmt.Sprintf("w%02d", i))
		}
		w := newWorld(t, 4, names...)
		var out bytes.Buffer
		f := w.function(function.Options{Metrics: &out})
		for range 6 { // the first writes every state, a later one what has settled since
			if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
				t.Fatal(err)
			}
			w.box.AdvanceTo(w.box.Now().Add(time.Minute))
		}
		w.forget()
		out.Reset()
		if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
			t.Fatal(err)
		}
		got := w.counts()
		t.Logf("%d workloads, a quiet pass: %s; %d metric lines of %d bytes each", test.workloads, show(got), strings.Count(out.String(), "\n"),
			out.Len()/test.workloads)
		if !maps.Equal(got, test.want) {
			t.Errorf("a quiet pass of %d workloads calls %s, the document says %s", test.workloads, show(got), show(test.want))
		}
	}
}

func show(counts map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(out, ", ")
}
