package app_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// fleet is a test over many workloads that lose Spot tasks in the same second.
type fleet struct {
	counts  []int // tasks of each workload
	lose    []int // tasks that each loses; nil: Spot's supply is cut to keep
	keep    int
	groups  bool // every workload is behind a target group
	daemons int
	young   bool // its daemon has just started, and has read few of the load balancers
}

// fleetRun is what was seen of one.
type fleetRun struct {
	events   time.Time // when the tasks were told to stop
	back     time.Time // when Spot could be had again
	raises   []write
	lowers   map[string]time.Time // the first lowering of a standby after back
	served   map[string]time.Time // when the Spot service was in service in full again, after back
	failed   []string             // looks that failed, and why
	unread   time.Duration        // how long after the event readiness was last not read
	notices  map[string]int
	passes   []time.Duration
	calls    map[string]int
	errors   map[string]int
	rises    int // raises after the first of each workload, within the burst
	finished bool
	over     bool // the daemons are being stopped
}

// write is the first raise of a workload's cover.
type write struct {
	name  string
	after time.Duration
	owed  int
}

// world makes a sandbox with the workloads of the fleet.
func (f *fleet) world(tb testing.TB, onCall func(sandbox.Call)) (*sandbox.Sandbox, []string) {
	tb.Helper()
	box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}, OnCall: onCall})
	var names []string
	var all []sandbox.Twins
	for i, n := range f.counts {
		names = append(names, fmt.Sprintf("w%03d", i))
		all = append(all, sandbox.Twins{Cluster: cluster, Name: names[i], Count: n, TargetGroup: f.groups})
	}
	if err := box.Setup(all...); err != nil {
		tb.Fatal(err)
	}
	return box, names
}

func spotOf(name string) ecsim.Ref {
	return ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-spot"}
}

// play guards the fleet with daemons, takes its Spot tasks, gives Spot back after hold, and returns what was seen until every
// standby has been lowered, or until within more has passed. Times are those of the process, or of the bubble around it.
func (f *fleet) play(tb testing.TB, cfg func(*sandbox.Sandbox) aws.Config, hold, within time.Duration) *fleetRun {
	tb.Helper()
	var mu sync.Mutex
	r := &fleetRun{lowers: map[string]time.Time{}, served: map[string]time.Time{}, notices: map[string]int{}}
	asked := map[string]int{}
	raised := map[string]bool{}
	box, names := f.world(tb, func(c sandbox.Call) {
		name, count, ok := standbyWrite(c)
		if !ok {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		was := asked[name]
		asked[name] = count
		switch {
		case count > was && !raised[name]:
			raised[name] = true
			r.raises = append(r.raises, write{name, c.Wall.Sub(r.events), count})
		case count > was:
			r.rises++
		case count < was && !r.back.IsZero() && r.lowers[name].IsZero():
			r.lowers[name] = c.Wall
		}
	})
	ctx, stop := context.WithCancel(tb.Context())
	finish := f.guard(tb, ctx, box, cfg(box), names, func(rep control.Report) {
		mu.Lock()
		defer mu.Unlock()
		r.note(&rep)
	})
	defer func() {
		stop()
		finish()
	}()
	<-time.After(f.settle()) // the first looks

	box.ForgetCalls()
	mu.Lock()
	r.events, r.passes, r.failed = time.Now(), nil, nil
	clear(r.notices)
	mu.Unlock()
	box.World(func(w *ecsim.World) {
		key := ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}
		if f.lose == nil {
			w.SetSupply(key, f.keep)
			return
		}
		_, held := w.Supply(key)
		w.SetSupply(key, held)
		for i, n := range f.lose {
			w.Interrupt(spotOf(names[i]), n, "", true)
		}
	})
	<-time.After(hold)
	mu.Lock()
	r.back = time.Now()
	mu.Unlock()
	box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, -1) })
	for begun := time.Now(); time.Since(begun) < within && !r.finished; {
		<-time.After(200 * time.Millisecond)
		var full []string
		box.World(func(w *ecsim.World) { // not with mu: the sandbox takes it while it is locked
			for i, name := range names {
				if w.InService(spotOf(name)) >= f.counts[i] {
					full = append(full, name)
				}
			}
		})
		mu.Lock()
		for _, name := range full {
			if r.served[name].IsZero() {
				r.served[name] = time.Now()
			}
		}
		r.finished = len(r.lowers) >= len(raised)
		mu.Unlock()
	}
	mu.Lock()
	r.over = true
	mu.Unlock()
	calls := box.Calls()
	r.calls, r.errors = maps.Clone(calls.Counts), maps.Clone(calls.Errors)
	return r
}

// guard runs the daemons; the function that it returns waits for their end.
func (f *fleet) guard(tb testing.TB, ctx context.Context, box *sandbox.Sandbox, cfg aws.Config, names []string, tell func(control.Report)) func() {
	tb.Helper()
	db := tb.TempDir() + "/state.db"
	var all sync.WaitGroup
	for range max(f.daemons, 1) {
		a, err := app.New(ctx, app.Options{Config: twins("fill", box.QueueURL(), db, names...), AWS: cfg,
			Tell: func(_ context.Context, r control.Report) { tell(r) }})
		if err != nil {
			tb.Fatal(err)
		}
		all.Go(func() {
			if err := a.Run(ctx); err != nil {
				tb.Error(err)
			}
			if err := a.Close(); err != nil {
				tb.Error(err)
			}
		})
	}
	return all.Wait
}

// note keeps what a pass says: whether its look failed, what a person is told, and how long it took.
func (r *fleetRun) note(rep *control.Report) {
	if r.events.IsZero() || r.over {
		return
	}
	r.passes = append(r.passes, rep.Took)
	for i := range rep.Observation.Pools {
		p := &rep.Observation.Pools[i]
		if p.Err != failover.ErrNone {
			r.failed = append(r.failed, fmt.Sprintf("%s %s: %s %s", rep.Workload, p.Pool, p.Err, p.ErrText))
		}
		if p.HealthErr != failover.ErrNone {
			r.unread = max(r.unread, time.Since(r.events))
		}
	}
	if !rep.Result.Settled() && rep.Result != control.Stale && rep.Result != control.Held && rep.Result != control.Waiting || rep.Result == control.ActionFailed {
		r.failed = append(r.failed, fmt.Sprintf("%s: %s %v", rep.Workload, rep.Result, rep.Err))
	}
	for i := range rep.Decision.Notices {
		r.notices[string(rep.Decision.Notices[i].Reason)]++
	}
}

// standbyWrite reads an accepted UpdateService call of a standby.
func standbyWrite(c sandbox.Call) (name string, count int, ok bool) {
	if c.Name() != "ecs:UpdateService" || c.Code != "" {
		return "", 0, false
	}
	var in struct {
		Service      string
		DesiredCount *int
	}
	if err := jsonOf(c.Input, &in); err != nil || in.DesiredCount == nil {
		return "", 0, false
	}
	name, ok = strings.CutSuffix(in.Service, "-standard")
	return name, *in.DesiredCount, ok
}

// late returns how much later than the n-th of a queue of burst and then perSecond a sorted list of waits is, at worst.
func late(waits []time.Duration, burst int, perSecond float64) time.Duration {
	worst := time.Duration(math.MinInt64)
	for i, w := range waits {
		free := time.Duration(float64(max(0, i+1-burst)) / perSecond * float64(time.Second))
		worst = max(worst, w-free)
	}
	return worst
}

// waits are, sorted, how long after the event each workload was covered, and how long after Spot was in service on-demand was given back.
func (r *fleetRun) waits() (raises, lowers []time.Duration) {
	for _, w := range r.raises {
		raises = append(raises, w.after)
	}
	for name, at := range r.lowers {
		if served := r.served[name]; !served.IsZero() {
			lowers = append(lowers, at.Sub(served))
		}
	}
	slices.Sort(raises)
	slices.Sort(lowers)
	return raises, lowers
}

// summary is what a run says in figures.
func (r *fleetRun) summary() string {
	waits, backs := r.waits()
	slices.Sort(r.passes)
	q := func(d []time.Duration, p float64) time.Duration {
		if len(d) == 0 {
			return 0
		}
		return d[min(len(d)-1, int(p*float64(len(d))))].Round(time.Millisecond)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "first raises %d: P50 %s P99 %s max %s, at worst %s after ECS's queue; further raises %d\n", len(waits), q(waits, .5), q(waits, .99), q(waits, 1), late(waits, 50, 5).Round(time.Millisecond), r.rises)
	fmt.Fprintf(&b, "given back %d: P50 %s P99 %s max %s after in service\n", len(backs), q(backs, .5), q(backs, .99), q(backs, 1))
	fmt.Fprintf(&b, "passes %d: P50 %s P99 %s max %s; %d looks failed, readiness last unread after %s\n", len(r.passes), q(r.passes, .5), q(r.passes, .99), q(r.passes, 1), len(r.failed), r.unread)
	for _, f := range r.failed[:min(5, len(r.failed))] {
		fmt.Fprintf(&b, "  %s\n", f)
	}
	for _, m := range []map[string]int{r.notices, r.calls, r.errors} {
		for _, k := range slices.SortedFunc(maps.Keys(m), func(x, y string) int { return cmp.Or(m[y]-m[x], strings.Compare(x, y)) }) {
			fmt.Fprintf(&b, "%s %d, ", k, m[k])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func inBubble(t *testing.T, f *fleet, hold, within time.Duration, check func(t *testing.T, r *fleetRun)) {
	synctest.Test(t, func(t *testing.T) {
		stop := func() {}
		r := f.play(t, func(box *sandbox.Sandbox) aws.Config {
			ctx, cancel := context.WithCancel(t.Context())
			drove := make(chan struct{})
			go func() {
				defer close(drove)
				box.Drive(ctx)
			}()
			stop = func() {
				cancel()
				<-drove
			}
			return awsConfig("http://sandbox.localhost", box)
		}, hold, within)
		sleep(time.Minute) // for reads that nobody waits for any more
		stop()
		t.Log(r.summary())
		check(t, r)
	})
}

func repeat(n, times int) []int { return slices.Repeat([]int{n}, times) }

// small is the 40 workloads of 2 to 8 tasks, 195 in all.
func small() []int {
	var out []int
	sum := 0
	for i := range 40 {
		out = append(out, 2+i%7)
		sum += out[i]
	}
	for i := 0; sum < 195; i++ {
		if out[i%40] < 8 {
			out[i%40]++
			sum++
		}
	}
	return out
}

// settle is how long the first looks are given, which read more than later ones: all tasks, and all routes of load balancers.
func (f *fleet) settle() time.Duration {
	if f.young {
		return 5 * time.Second
	}
	if f.groups {
		return 3*time.Minute + 17*time.Second
	}
	return 77 * time.Second
}
