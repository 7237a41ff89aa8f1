package function_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/function"
)

// TestCallsOfAPass counts what a quiet pass and an hour of shortage call, which docs/cost-of-backstop.md reckons with.
func TestCallsOfAPass(t *testing.T) {
	for _, test := range []struct {
		workloads int
		want      map[string]int
	}{
		{1, map[string]int{"ecs:DescribeServices": 1, "dynamodb:BatchGetItem": 1}},
		{10, map[string]int{"ecs:DescribeServices": 2, "dynamodb:BatchGetItem": 1}},
		{50, map[string]int{"ecs:DescribeServices": 10, "dynamodb:BatchGetItem": 1}},
	} {
		var names []string
		for i := range test.workloads {
			names = append(names, fmt.Sprintf("w%02d", i))
		}
		w := newWorld(t, 4, names...)
		var out bytes.Buffer
		f := w.function(function.Options{Metrics: &out})
		for range 10 { // the first writes every state, a later one what has settled since
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

// TestCallsOfAnHourOfShortage counts a bad hour of one workload: Spot loses half of its tasks and takes them back.
func TestCallsOfAnHourOfShortage(t *testing.T) {
	w := newWorld(t, 10, "api")
	f := w.function(function.Options{})
	w.mapping(f.Invoke, 3*time.Minute, 10*time.Second)
	w.forget()
	invocations := 0
	counted := func(ctx context.Context, payload []byte) ([]byte, error) {
		invocations++
		return f.Invoke(ctx, payload)
	}
	w.supply(5)
	w.mapping(counted, 30*time.Minute, 10*time.Second)
	w.supply(-1)
	w.mapping(counted, 30*time.Minute, 10*time.Second)
	got := w.counts()
	t.Logf("an hour with a shortage: %d invocations, %s", invocations, show(got))
	if n := got["dynamodb:TransactWriteItems"]; n > 120 {
		t.Errorf("%d commits in an hour, the document reckons with 120", n)
	}
	if invocations > 150 {
		t.Errorf("%d invocations in an hour, the document reckons with 150", invocations)
	}
}

func show(counts map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(out, ", ")
}
