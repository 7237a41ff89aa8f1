package function_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/control"
)

// TestNoticesDoNotWaitForTheFirstMetrics: for those a new process reads a day's journal, workload by workload. With a
// slow table that takes longer than an invocation may tell.
func TestNoticesDoNotWaitForTheFirstMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4, "api", "batch", "shop", "worker")
		if _, err := sns.NewFromConfig(w.aws()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("notices")}); err != nil {
			t.Fatal(err)
		}
		before := w.function(function.Options{Config: w.config(noticesToo), Scale: 1})
		if _, err := before.Invoke(invocation(t, timeout), schedule); err != nil {
			t.Fatal(err)
		}
		var metrics bytes.Buffer
		f := w.function(function.Options{Config: w.config(noticesToo), Metrics: &metrics, Scale: 1})
		var msgs []control.Message
		for _, name := range w.names {
			msgs = append(msgs, w.interrupt(name, 2)...)
		}
		begun := time.Now()
		var mu sync.Mutex
		var published []time.Duration
		w.before = func(target string) {
			switch {
			case strings.HasSuffix(target, ".Query"):
				<-time.After(4 * time.Second)
			case target == "": // SNS has none
				mu.Lock()
				published = append(published, time.Since(begun))
				mu.Unlock()
			}
		}
		if _, err := f.Invoke(invocation(t, timeout), batch(msgs)); err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun)
		if len(published) != len(w.names) {
			t.Errorf("%d notices were sent, want one of each of %d workloads", len(published), len(w.names))
		}
		for _, after := range published {
			if after > 5*time.Second {
				t.Errorf("a notice was sent after %s, want it within the 4 that one look into the journal takes", after)
			}
		}
		if n := strings.Count(metrics.String(), "\n"); n != len(w.names) || took > 16*time.Second {
			t.Errorf("%d lines of metrics were written in %s, want %d in the 15 s that telling may take", n, took, len(w.names))
		}
	})
}
