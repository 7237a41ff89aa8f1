package adversary

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// changePolicy changes the configuration and restarts one writer with it. The others follow within minutes; until
// then, two configurations are at work side by side.
func (r *run) changePolicy(draw *rand.Rand) (others func()) {
	next := drawPolicy(draw, r.plan.Policy.Pools)
	for next.Observe {
		next = drawPolicy(draw, r.plan.Policy.Pools)
	}
	if r.plan.Policy.Observe {
		next = r.plan.Policy
	}
	next.ReadyAfter = r.plan.Policy.ReadyAfter // it says what the application does, which stays what it is
	r.mu.Lock()
	r.policy = next
	r.mu.Unlock()
	r.restart(draw.IntN(len(r.restarts)))
	return func() {
		for i := range r.restarts {
			r.restart(i)
		}
	}
}

func (r *run) restart(i int) {
	select {
	case r.restarts[i] <- struct{}{}:
	default:
	}
}

// keep lets a writer live, and live again after each death.
func (r *run) keep(ctx context.Context, i int, function bool) {
	control.Wait(ctx, time.Duration(hash(r.plan.Seed, 0x57a47, uint64(i))%uint64(30*time.Second)))
	for life := 0; r.enter(ctx); life++ {
		h := hash(r.plan.Seed, 0x11fe, uint64(i), uint64(life))
		lifeCtx, kill := context.WithCancel(ctx)
		p := r.born(i, life, h, kill)
		var all sync.WaitGroup
		all.Go(func() {
			select {
			case <-lifeCtx.Done():
			case <-r.restarts[i]:
				kill()
			}
		})
		if function {
			r.invoke(lifeCtx, p)
		} else if err := p.loop().Run(lifeCtx); err != nil {
			r.watch.breach("run_never_ends", "%v", err)
		}
		kill()
		all.Wait()
		r.leave()
		control.Wait(ctx, time.Second+time.Duration(share(hash(h, 2))*float64(90*time.Second)))
	}
}

// born makes a process: a new owner, a clock of its own, the configuration as it is now.
func (r *run) born(i, life int, h uint64, kill context.CancelFunc) *process {
	p := &process{r: r, writer: i, life: life, owner: fmt.Sprintf("writer%d-%d", i, life), policy: r.policyNow(), services: direct{r}, queue: postOffice{r, time.Millisecond + time.Duration(h%uint64(4*time.Millisecond)), time.Duration(min(r.plan.Sparse, pollScaleMax))},
		store: r.base, kill: kill, calls: map[uint64]uint64{}, seen: map[string]sight{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.troubled {
		switch {
		case r.has(ClockJump, share(hash(h, 3))):
			p.skew = time.Duration((share(hash(h, 4)) - 0.5) * float64(20*time.Minute))
			if hash(h, 8)%4 == 0 { // a clock that is hours off
				p.skew *= 24
			}
		case r.has(ClockSkew, share(hash(h, 5))):
			p.skew = time.Duration((share(hash(h, 6)) - 0.5) * float64(clockSlack))
		}
	}
	return p
}

// loop makes the real loop over the process, with the planted bug in between.
func (p *process) loop() *control.Loop {
	r := p.r
	policy := p.policy
	l := &control.Loop{Services: p, Store: p, Queue: p, Parse: r.parse, Owner: p.owner, Now: p.now, Tick: r.plan.Tick,
		Log: slog.New(&ear{r: r}),
		Tell: func(_ context.Context, report control.Report) {
			r.mu.Lock()
			r.passes++
			r.trace = hash(r.trace, uint64(time.Since(r.start)), uint64(p.writer), report.Generation, uint64(len(report.Decision.Actions)), uint64(report.Decision.InService.High))
			r.mu.Unlock()
			r.watch.told(p, &report)
			r.unexpected.looked(r.refs, &report)
			if r.plan.Log != nil {
				r.log(p, report)
			}
		}}
	if f := r.hooks.Services; f != nil {
		l.Services = f(p)
	}
	if f := r.hooks.Store; f != nil {
		l.Store = f(p)
	}
	if f := r.hooks.Queue; f != nil {
		l.Queue = f(p)
	}
	if f := r.hooks.Parse; f != nil {
		l.Parse = f(r.parse)
	}
	if f := r.hooks.Policy; f != nil {
		f(&policy)
	}
	l.Workloads = []control.Workload{{Name: workloadName, Policy: policy, Refs: r.refs}}
	if f := r.hooks.Loop; f != nil {
		f(l)
	}
	return l
}

// log says a report in one line, for looking into a seed.
func (r *run) log(p *process, report control.Report) {
	var text strings.Builder
	for i := range report.Decision.Pools {
		pd := &report.Decision.Pools[i]
		fmt.Fprintf(&text, " %s%s[%d/%d+%d+%d late %d ask %d %s]", pd.Pool, pd.Sight, pd.InService.High, pd.Desired, pd.Warming, pd.Placed, pd.Late, pd.Ask, pd.Breaker)
	}
	kinds := map[string]int{}
	for i := range report.Observation.Signals {
		kinds[report.Observation.Signals[i].Pool+" "+string(report.Observation.Signals[i].Kind)]++
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&text, " <%d %s>", kinds[k], k)
	}
	for _, o := range report.Outcomes {
		fmt.Fprintf(&text, " {%s %s}", wording.Action(o.Action), o.Err)
	}
	r.plan.Log("%s %s gen %d %s %s demand %d%s %v", time.Since(r.start).Round(time.Millisecond), p.owner, report.Generation, report.Result,
		report.Decision.Reason, report.Decision.Demand, text.String(), report.Err)
}

// metMax is how often an invocation repeats a pass that met another writer's.
const metMax = 3

// invoke is a writer that a schedule and messages wake: take a batch, pass, acknowledge it if all is settled.
func (r *run) invoke(ctx context.Context, p *process) {
	l := p.loop()
	last := time.Now().Add(-time.Hour)
	for ctx.Err() == nil {
		msgs, err := l.Queue.Receive(ctx, 20*time.Second)
		if ctx.Err() != nil {
			return
		}
		if err != nil || (len(msgs) == 0 && time.Since(last) < r.plan.Tick) {
			if err != nil {
				control.Wait(ctx, time.Second)
			}
			continue
		}
		last = time.Now()
		var signals []failover.Signal
		good := msgs[:0:0]
		for _, m := range msgs {
			s, ok, err := l.Parse(m.Body)
			if err != nil {
				continue
			}
			good = append(good, m)
			if ok {
				signals = append(signals, s)
			}
		}
		callCtx, cancel := context.WithTimeout(ctx, time.Minute)
		reports, err := l.Pass(callCtx, []string{workloadName}, signals)
		for range metMax { // as the function does for the sake of its messages
			if err != nil || reports[0].Result != control.Stale && reports[0].Result != control.Held {
				break
			}
			control.Wait(callCtx, 2*time.Second)
			reports, err = l.Pass(callCtx, []string{workloadName}, signals)
		}
		if err == nil && reports[0].Result.Settled() && len(good) > 0 {
			_ = l.Queue.Ack(callCtx, good)
		}
		cancel()
	}
}

// ear is a log that listens for defects.
type ear struct{ r *run }

func (e *ear) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (e *ear) Handle(_ context.Context, rec slog.Record) error {
	if strings.Contains(rec.Message, "broke down") {
		var text strings.Builder
		rec.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&text, "%s=%v ", a.Key, a.Value); return true })
		e.r.watch.breach("nothing_panics", "%s", text.String())
	}
	return nil
}
func (e *ear) WithAttrs([]slog.Attr) slog.Handler { return e }
func (e *ear) WithGroup(string) slog.Handler      { return e }
