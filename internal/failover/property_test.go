package failover

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

// crowd is a world that moves by itself, drawn from a property test's stream: every pool starts what it lacks
// as far as its capacity goes, tasks become ready, are interrupted, fail, and ECS stops whichever it likes. Its
// events come late, twice, out of order, or never.
type crowd struct {
	*lab
	rt       *rapid.T
	capacity []int
	late     []Signal
}

func drawPolicy(rt *rapid.T) Policy {
	p, _ := Preset(rapid.SampledFrom([]string{PresetFill, PresetFill, PresetSwitch, PresetObserve}).Draw(rt, "preset"))
	p.Pools = []Pool{{Name: "spot", Capacity: Spot}}
	spots := rapid.IntRange(0, 2).Draw(rt, "more spot pools")
	for i := range spots {
		p.Pools = append(p.Pools, Pool{Name: fmt.Sprintf("spot%d", i+2), Capacity: Spot, Tier: 1,
			Max: rapid.SampledFrom([]int{0, 0, 5, 30}).Draw(rt, "max")})
	}
	for i := range rapid.IntRange(1, 2).Draw(rt, "on-demand pools") {
		p.Pools = append(p.Pools, Pool{Name: fmt.Sprintf("standard%d", i+1), Capacity: OnDemand, Tier: 2 + i, TaskHourUSD: 0.268})
	}
	p.Settle = time.Duration(rapid.IntRange(0, 180).Draw(rt, "settle")) * time.Second
	p.Overstart = rapid.SampledFrom([]float64{0, 0.3, 0.5, 1}).Draw(rt, "overstart")
	p.Extra = rapid.SampledFrom([]int{0, 0, 0, 3}).Draw(rt, "extra")
	p.FillAfter = rapid.SampledFrom([]time.Duration{0, 0, 0, time.Minute}).Draw(rt, "fill_after")
	p.Probe = rapid.IntRange(1, 12).Draw(rt, "probe")
	p.OnDemandMax = rapid.SampledFrom([]int{0, 0, 0, 10}).Draw(rt, "on_demand_max")
	p.StopStuck = rapid.Bool().Draw(rt, "stop_stuck")
	p.TripInterruptions = rapid.SampledFrom([]int{p.TripInterruptions, 3}).Draw(rt, "trip_interruptions")
	p.OnTrip = rapid.SampledFrom([]OnTrip{p.OnTrip, Keep, Evacuate}).Draw(rt, "on_trip")
	p.ForesightUSD = rapid.SampledFrom([]float64{0, 0, 0.1, 10}).Draw(rt, "foresight_usd")
	p.WriteOffAfter = rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 3 * time.Minute}).Draw(rt, "write_off_after")
	if rapid.Bool().Draw(rt, "nudged") {
		p.Nudge = NudgeDesiredCount
	}
	return p
}

func newCrowd(rt *rapid.T) *crowd {
	p := drawPolicy(rt)
	demand := rapid.SampledFrom([]int{1, 2, 7, 40, 200}).Draw(rt, "demand")
	l := &lab{t: rt, p: p, now: epoch}
	l.s.Workload = "w"
	for _, pool := range p.Pools {
		l.pools = append(l.pools, &labPool{name: pool.Name, taskDef: "app:1"})
	}
	l.pools[0].desired = demand
	l.run(p.Pools[0].Name, demand, time.Hour)
	c := &crowd{lab: l, rt: rt, capacity: make([]int, len(p.Pools))}
	for i := range c.capacity {
		c.capacity[i] = 1 << 20
	}
	return c
}

// schedule is what ECS does between two passes.
func (c *crowd) schedule(faults bool) {
	for i, p := range c.pools {
		p.leaving = 0
		for k := range p.tasks {
			if tk := &p.tasks[k]; tk.Phase == Starting && c.now.Sub(tk.CreatedAt) >= 90*time.Second {
				if !faults || rapid.IntRange(0, 9).Draw(c.rt, "slow") > 0 {
					tk.Phase, tk.StartedAt = Running, c.now
				}
			}
		}
		c.cut(p.name)
		for len(p.tasks) < p.desired {
			if len(p.tasks) >= c.capacity[i] {
				if faults && rapid.Bool().Draw(c.rt, "says so") {
					c.placementFailure(p.name)
				}
				break
			}
			c.start(p.name, 1, 0)
		}
	}
}

func (c *crowd) trouble() {
	i := rapid.IntRange(0, len(c.pools)-1).Draw(c.rt, "pool")
	p := c.pools[i]
	switch rapid.IntRange(0, 11).Draw(c.rt, "trouble") {
	case 0, 1:
		if c.p.Pools[i].Capacity == Spot && len(p.tasks) > 0 {
			n := rapid.IntRange(1, len(p.tasks)).Draw(c.rt, "interrupted")
			c.interrupt(p.name, n)
			c.capacity[i] = rapid.SampledFrom([]int{1 << 20, len(p.tasks)}).Draw(c.rt, "capacity")
		}
	case 2:
		c.capacity[i] = rapid.SampledFrom([]int{0, 1, 10, 1 << 20}).Draw(c.rt, "capacity")
	case 3:
		c.fail(p.name, rapid.IntRange(1, 10).Draw(c.rt, "failed"))
	case 4:
		c.pools[0].desired = rapid.IntRange(0, 250).Draw(c.rt, "somebody's count")
	case 5:
		p.err = rapid.SampledFrom([]ErrorKind{ErrNone, ErrThrottled, ErrTimeout}).Draw(c.rt, "error")
	case 6:
		p.deploying = rapid.SampledFrom([]time.Time{{}, c.now}).Draw(c.rt, "deployment")
	case 7: // events are lost, or come later, or twice
		switch rapid.IntRange(0, 2).Draw(c.rt, "events") {
		case 0:
			c.signals = nil
		case 1:
			c.late, c.signals = append(c.late, c.signals...), nil
		case 2:
			c.signals = append(c.signals, c.signals...)
		}
	case 8:
		c.signals = append(c.late, c.signals...)
	case 9:
		c.lost = rapid.Bool().Draw(c.rt, "writes are lost")
	case 10:
		in := Intent{Kind: rapid.SampledFrom([]IntentKind{IntentFailover, IntentRestore, IntentPin, IntentUnpin, IntentPause,
			IntentResume}).Draw(c.rt, "intent"), Mode: rapid.SampledFrom([]Mode{ModeSpot, ModeOnDemand}).Draw(c.rt, "mode"),
			At: c.now, By: "ana"}
		if rapid.Bool().Draw(c.rt, "expires") {
			in.Until = c.now.Add(10 * time.Minute)
		}
		c.s, _ = Apply(c.p, c.s, in)
	case 11:
		c.pool(p.name).taskDef = "app:2"
	}
}

// TestEveryInvariantHoldsAtEveryStepAndTroubleEnds is the core's main property: whatever the policy, the world
// and the events, every invariant of Check holds after every step; and when the trouble ends, everything wanted
// runs on Spot again and the cover is gone, within a bound.
func TestEveryInvariantHoldsAtEveryStepAndTroubleEnds(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine's work: the race detector sees nothing in it, and the run without it has it")
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := newCrowd(rt)
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "something happens") {
				c.trouble()
			}
			c.advance(time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second)
			c.schedule(true)
			c.pass()
		}
		// The trouble ends.
		c.lost, c.late, c.signals = false, nil, nil
		c.s.Pin, c.s.Pause = nil, nil
		for i, p := range c.pools {
			p.err, p.deploying, p.taskDef, c.capacity[i] = ErrNone, time.Time{}, "app:3", 1<<20
		}
		for i := range c.s.Pools {
			c.s.Pools[i].B.Manual = false
		}
		c.s.Failovers = nil
		if c.pools[0].desired == 0 {
			c.pools[0].desired = 5
		}
		for range 6 * 60 { // six hours at most
			c.advance(time.Minute)
			c.schedule(false)
			c.pass()
		}
		if c.p.Observe {
			return
		}
		spot, cover := 0, 0
		for i, p := range c.pools {
			if c.p.Pools[i].Capacity == Spot {
				spot += len(p.tasks)
			} else {
				cover += max(0, p.desired-c.last.Pools[i].Warm) // what the forecast keeps warm is wanted
			}
		}
		if want := c.s.Demand + c.p.Extra; spot < want || cover != 0 || c.s.Demand == 0 {
			rt.Fatalf("six hours after the trouble: demand %d, %d on Spot, cover %d, reason %s, breaker %s, %v", c.s.Demand, spot, cover,
				c.last.Reason, c.s.Pools[0].B.Mode, texts(c.last))
		}
	})
}

// TestDecideDoesNotTouchItsArguments holds Decide to being a function of values.
func TestDecideDoesNotTouchItsArguments(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine's work: the race detector sees nothing in it, and the run without it has it")
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := newCrowd(rt)
		for range 20 {
			c.trouble()
			c.advance(30 * time.Second)
			c.schedule(true)
			o := c.observe()
			before := fmt.Sprintf("%+v", deepState(c.s))
			s1, d1 := Decide(c.p, c.s, o)
			if after := fmt.Sprintf("%+v", deepState(c.s)); after != before {
				rt.Fatalf("the state was changed:\n%s\n%s", before, after)
			}
			s2, d2 := Decide(c.p, c.s, o)
			if !SameState(s1, s2) || fmt.Sprintf("%+v", d1) != fmt.Sprintf("%+v", d2) {
				rt.Fatal("two decisions on the same values differ")
			}
			c.pass()
		}
	})
}

// deepState prints pointers' contents, so that a change behind one shows.
func deepState(s State) string {
	out := fmt.Sprintf("%+v", s)
	if s.Forecast != nil {
		out += fmt.Sprintf("%+v", *s.Forecast)
	}
	for i := range s.Pools {
		if p := &s.Pools[i]; p.Asked != nil {
			out += fmt.Sprintf("%+v", *p.Asked)
		}
	}
	return out
}
