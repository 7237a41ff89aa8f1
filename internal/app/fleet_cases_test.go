package app_test

import (
	"context"
	"encoding/json"
	"flag"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func jsonOf(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// TestAFleetIsNotBlindedByItsOwnLimits: law.md L40, with and without target groups.
func TestAFleetIsNotBlindedByItsOwnLimits(t *testing.T) {
	for name, f := range map[string]*fleet{
		"forty small workloads":               {counts: small(), keep: 100},
		"behind load balancers, at the start": {counts: small(), keep: 100, groups: true, young: true},
		"guarded by two daemons":              {counts: small(), keep: 100, daemons: 2},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && f.daemons < 2 {
				t.Skip("two daemons run more side by side than one")
			}
			if racetest.Enabled {
				f.counts, f.keep = f.counts[:12], 30
			}
			inBubble(t, f, 4*time.Minute, 5*time.Minute, func(t *testing.T, r *fleetRun) { r.wantGood(t, f) })
		})
	}
}

var fleetFlag = flag.Bool("fleet", false, "play a hundred load balancers, too")

// TestALargeFleetIsCoveredInECSsOwnTime: law.md L41. BenchmarkFleet has it with 5,000 tasks and with two daemons, too; -fleet plays the hundred load balancers.
func TestALargeFleetIsCoveredInECSsOwnTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute and a half")
	}
	for name, f := range map[string]*fleet{
		"one of two thousand loses 600":   {counts: []int{2000}, lose: []int{600}},
		"behind a hundred load balancers": {counts: repeat(10, 100), lose: repeat(5, 100), groups: true},
	} {
		t.Run(name, func(t *testing.T) {
			if f.groups && !*fleetFlag {
				t.Skip("some seconds; forty load balancers are played in TestAFleetIsNotBlindedByItsOwnLimits")
			}
			inBubble(t, f, 4*time.Minute, 5*time.Minute, func(t *testing.T, r *fleetRun) { r.wantGood(t, f) })
		})
	}
}

// giveBack is how soon after Spot is in service the first on-demand task is given back. No event says that a target has become healthy:
// who waits for that looks every five seconds, and where calls are short a group is read every 20 s at least.
func (f *fleet) giveBack() time.Duration {
	switch {
	case f.groups && len(f.counts) > 40:
		return 25 * time.Second
	case f.groups:
		return 8 * time.Second
	}
	return 5 * time.Second
}

// unreadFor is how long after the event the readiness of some may not be known: forty load balancers take 160 calls of ten a second until their
// listeners and rules are known, which a daemon that has just started does not.
func (f *fleet) unreadFor() time.Duration {
	if f.young {
		return 30 * time.Second
	}
	return 0
}

// inTime is how soon after its turn at ECS's own rate the last workload is covered: the benchmark holds the two seconds of the first
// fifty, here one that was passed in the moment before its event waits for the end of that pass and for its gap. Of two programs each has half of the rate, and a turn that one waited for
// is lost to the other's when it finds the workload covered.
func (f *fleet) inTime() time.Duration {
	if f.daemons > 1 {
		return 10 * time.Second
	}
	return 4 * time.Second
}

// wantGood asserts that no look failed, that each workload was covered by one raise within seconds of its turn at ECS's own rate, that on-demand
// was given back as soon, and that a person was told of nothing but what AWS did.
func (r *fleetRun) wantGood(t *testing.T, f *fleet) {
	t.Helper()
	const burst, perSecond = 50, 5
	if len(r.failed) > 0 {
		t.Errorf("%d looks failed", len(r.failed))
	}
	raises, lowers := r.waits()
	if by := late(raises, burst, perSecond); len(raises) == 0 || by > f.inTime() {
		t.Errorf("%d workloads were covered, at worst %s after their turn", len(raises), by)
	}
	if r.rises > 0 && f.daemons < 2 {
		t.Errorf("cover was raised again %d times", r.rises)
	}
	if by := late(lowers, burst, perSecond); !r.finished || by > f.giveBack() {
		t.Errorf("%d of %d workloads gave on-demand back, at worst %s after their turn", len(r.lowers), len(r.raises), by)
	}
	if r.unread > f.unreadFor() {
		t.Errorf("readiness could not be read %s after the event", r.unread)
	}
	if r.notices[string(failover.ReasonBlind)] > 0 {
		t.Error("a person is told that a pool cannot be read")
	}
}

// BenchmarkFleet plays L40 and L41 in real time, over a loopback listener, with ECS's own token buckets: some seven minutes each
// (-benchtime 1x). It fails when a look fails.
func BenchmarkFleet(b *testing.B) {
	for _, c := range []struct {
		name string
		f    *fleet
	}{
		{"forty-small", &fleet{counts: small(), keep: 100}},
		{"hundred-of-ten", &fleet{counts: repeat(10, 100), lose: repeat(5, 100)}},
		{"hundred-behind-load-balancers", &fleet{counts: repeat(10, 100), lose: repeat(5, 100), groups: true}},
		{"hundred-of-ten-by-two-daemons", &fleet{counts: repeat(10, 100), lose: repeat(5, 100), daemons: 2}},
		{"one-of-5000", &fleet{counts: []int{5000}, lose: []int{1500}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				r := c.f.play(b, func(box *sandbox.Sandbox) aws.Config { return awsConfig(serve(b, box), nil) }, 4*time.Minute, 5*time.Minute)
				b.Log(r.summary())
				r.report(b)
			}
		})
	}
}

// report gives a run's figures to the benchmark.
func (r *fleetRun) report(b *testing.B) {
	b.Helper()
	if len(r.failed) > 0 {
		b.Errorf("%d looks failed", len(r.failed))
	}
	raises, lowers := r.waits()
	calls := 0
	for name, n := range r.calls {
		if !strings.HasPrefix(name, "sqs:") {
			calls += n
		}
	}
	b.ReportMetric(float64(raises[min(len(raises), 50)-1].Milliseconds()), "ms-first-50-raised")
	b.ReportMetric(float64(late(raises, 50, 5).Milliseconds()), "ms-raised-after-turn")
	b.ReportMetric(float64(late(lowers, 50, 5).Milliseconds()), "ms-given-back-after-turn")
	b.ReportMetric(float64(len(r.failed)), "looks-failed")
	b.ReportMetric(float64(calls)/float64(len(raises)), "calls/workload")
	b.ReportMetric(0, "ns/op")
}

// TestAQuietFleetReadsHealthOnceInFiveMinutes, spread over the ticks, with its services ten to a call and nothing else; and no look of it fails.
func TestAQuietFleetReadsHealthOnceInFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 60
		f := &fleet{counts: repeat(2, n), groups: true}
		box, names := f.world(t, nil)
		ctx, stop := context.WithCancel(t.Context())
		drove := make(chan struct{})
		go func() {
			defer close(drove)
			box.Drive(ctx)
		}()
		var mu sync.Mutex
		r := &fleetRun{notices: map[string]int{}}
		finish := f.guard(t, ctx, box, awsConfig("http://sandbox.localhost", box), names, func(rep control.Report) {
			mu.Lock()
			defer mu.Unlock()
			r.note(&rep)
		})
		sleep(10 * time.Minute)
		box.ForgetCalls()
		mu.Lock()
		r.events = time.Now()
		mu.Unlock()
		// Health is counted half a minute short of the rounds: a look that had to wait for its turn is that much closer to the next one.
		const rounds, slack = 3, 30 * time.Second
		sleep(rounds*5*time.Minute - slack)
		health := box.Calls().Counts["elasticloadbalancing:DescribeTargetHealth"]
		sleep(slack)
		mu.Lock()
		r.over = true
		mu.Unlock()
		counts := box.Calls().Counts
		if got := counts["ecs:DescribeServices"]; got != rounds*5*2*n/10 {
			t.Errorf("%d DescribeServices in %d minutes, want %d", got, rounds*5, rounds*5*2*n/10)
		}
		if health < (rounds-1)*n || health > rounds*n {
			t.Errorf("%d DescribeTargetHealth of %d groups in %d minutes, want one in five each; all calls: %v", health, n, rounds*5, counts)
		}
		stop()
		finish()
		<-drove
		if len(r.failed) > 0 {
			t.Errorf("%d looks failed: %s", len(r.failed), r.failed[0])
		}
		sleep(time.Minute)
	})
}
