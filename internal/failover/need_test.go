package failover

import (
	"fmt"
	"testing"
	"time"
)

// needCase is one Spot pool of 20 with n tasks in service, ready to be given evidence.
type needCase struct {
	s State
	p Policy
	o Observation
}

func newNeedCase() *needCase {
	c := &needCase{p: stagePolicy(), s: stageState(), o: Observation{At: stageNow, Pools: []PoolObservation{{Pool: "spot", Desired: 20}, {Pool: "standard"}}}}
	return c
}

// learned lets warned tasks work on for two minutes and starts come into service within d.
func (c *needCase) learned(d time.Duration) {
	c.s.Seen.Pools[0].WarnedSeconds = 118
	c.s.Seen.Pools[0].Serve = Spread{}.with(ago(time.Hour), samples(40, d)...)
}

// lose adds n interruptions of an age; with works the tasks work on.
func (c *needCase) lose(n int, age time.Duration) {
	gone := stageTasks(fmt.Sprint("lost", age), n, Leaving, "", time.Hour)
	for i := range gone {
		gone[i].Works = true
		c.s.Window = append(c.s.Window, Evidence{Kind: SignalInterruption, Pool: "spot", ID: gone[i].ID, At: ago(age), CreatedAt: ago(time.Hour), StartedAt: ago(time.Hour)})
	}
	c.o.Pools[0].list(gone)
}

// stop adds n stops for a reason.
func (c *needCase) stop(n int, kind SignalKind, age time.Duration, ran bool, revision string) {
	for i := range n {
		e := Evidence{Kind: kind, Pool: "spot", ID: fmt.Sprint(kind, age, revision, i), At: ago(age), CreatedAt: ago(age + time.Minute), Revision: revision}
		if ran {
			e.CreatedAt, e.StartedAt = ago(time.Hour), ago(time.Hour)
		}
		c.s.Window = append(c.s.Window, e)
	}
}

func (c *needCase) need() Need {
	tallies := tally(new(Room), &c.p, &c.s, c.s.Window, c.o.Pools, stageNow)
	known := knownOf(new(Room), &c.p, &c.s, &c.o, c.s.Window, tallies)
	goal := demandOf(&c.p, &c.s, known, &c.o)
	return needOf(excuseInput{p: &c.p, known: &known[0], tally: &tallies[0], state: &c.s.Pools[0], seen: &c.s.Seen.Pools[0], po: &c.o.Pools[0], goal: &goal,
		win: c.s.Window, now: stageNow, gap: c.s.Gap != nil, asked: 20})
}

func TestNeedOf(t *testing.T) {
	serve := func(n int) []Task { return stageTasks("r", n, Running, "", time.Hour) }
	type want struct {
		coming, excused, owed, holds int
		slack                        bool
	}
	for _, c := range []struct {
		situation string
		edit      func(*needCase)
		want      want
	}{
		{"a whole pool lacks nothing", func(c *needCase) { c.o.Pools[0].list(serve(20)) }, want{0, 0, 0, 20, false}},
		{"what nobody excuses is owed, without any event", func(c *needCase) { c.o.Pools[0].list(serve(15)) }, want{0, 0, 5, 15, false}},
		{"and after a restart without a state", func(c *needCase) {
			c.s = State{Decided: Decided{Pools: []PoolState{{}, {}}}, Seen: Seen{Pools: []PoolSeen{{}, {}}}}
			c.o.Pools[0].list(serve(15))
		}, want{0, 0, 5, 15, false}},
		{"a pool that is unread owes what is told", func(c *needCase) {
			c.o.Pools[0].Err = ErrThrottled
			c.stop(4, SignalInterruption, time.Second, true, "")
		}, want{0, 0, 4, 16, false}},
		{"one without traffic owes all", func(c *needCase) { c.o.Pools[0].list(serve(20)); c.o.Pools[0].OutOfTraffic = true }, want{0, 0, 20, 0, false}},
		{"a loss is owed at once while nothing is known of warned tasks, and may be given up for a proof", func(c *needCase) { c.o.Pools[0].list(serve(15)); c.lose(5, 2*time.Second) },
			want{0, 0, 5, 15, true}},
		{"with health checks it may not", func(c *needCase) {
			c.o.Pools[0].HealthBased = true
			c.o.Pools[0].list(stageTasks("r", 15, Running, HealthReady, time.Hour))
			c.lose(5, 2*time.Second)
		}, want{0, 0, 5, 15, false}},
		{"where starts fit into the warning it waits for ECS", func(c *needCase) { c.learned(90 * time.Second); c.o.Pools[0].list(serve(15)); c.lose(5, 2*time.Second) },
			want{0, 5, 0, 20, false}},
		{"for six seconds", func(c *needCase) { c.learned(90 * time.Second); c.o.Pools[0].list(serve(15)); c.lose(5, 6*time.Second) }, want{0, 0, 5, 15, false}},
		{"where they do not fit, it does not wait", func(c *needCase) { c.learned(2 * time.Minute); c.o.Pools[0].list(serve(15)); c.lose(5, 2*time.Second) }, want{0, 0, 5, 15, false}},
		{"nor where warned tasks end at once", func(c *needCase) {
			c.learned(90 * time.Second)
			c.s.Seen.Pools[0].WarnedSeconds = 2
			c.o.Pools[0].list(serve(15))
			c.lose(5, 2*time.Second)
		}, want{0, 0, 5, 15, false}},
		{"nor where Spot had no room just before", func(c *needCase) {
			c.learned(90 * time.Second)
			c.s.Pools[0].FailedAt = ago(4 * time.Minute)
			c.o.Pools[0].list(serve(15))
			c.lose(5, 2*time.Second)
		}, want{0, 0, 5, 15, false}},
		{"nor in a deployment", func(c *needCase) {
			c.learned(90 * time.Second)
			c.o.Pools[0].Deploying = true
			c.o.Pools[0].list(serve(15))
			c.lose(5, 2*time.Second)
		}, want{0, 0, 5, 15, false}},
		{"a created replacement is credited until the proof is due", func(c *needCase) {
			c.learned(90 * time.Second)
			c.o.Pools[0].list(serve(15), stageTasks("n", 5, Provisioning, "", 15*time.Second))
			c.lose(5, 20*time.Second)
		}, want{5, 0, 0, 20, false}},
		{"and not after it", func(c *needCase) {
			c.learned(90 * time.Second)
			c.o.Pools[0].list(serve(15), stageTasks("n", 5, Provisioning, "", 21*time.Second))
			c.lose(5, 26*time.Second)
		}, want{0, 0, 5, 15, false}},
		{"a placed one is the proof", func(c *needCase) {
			c.learned(90 * time.Second)
			c.o.Pools[0].list(serve(15), stageTasks("n", 5, Placed, "", 25*time.Second))
			c.lose(5, 30*time.Second)
		}, want{5, 0, 0, 20, false}},
		{"a placement that ended before it served has used its credit up", func(c *needCase) {
			c.o.Pools[0].list(serve(15), stageTasks("n", 5, Placed, "", 10*time.Second))
			c.stop(5, SignalCapacityStop, 20*time.Second, false, "")
		}, want{0, 0, 5, 15, false}},
		{"so has a warm one of it", func(c *needCase) {
			c.o.Pools[0].list(serve(17), stageTasks("n", 3, Placed, "", 10*time.Second))
			c.stop(2, SignalCapacityStop, 20*time.Second, false, "")
		}, want{1, 0, 2, 18, false}},
		{"an exit of the application is excused until ECS has replaced it", func(c *needCase) {
			c.o.Pools[0].list(serve(15))
			c.stop(5, SignalApplicationStop, 5*time.Second, true, "")
		},
			want{0, 5, 0, 20, false}},
		{"the rest is owed", func(c *needCase) {
			c.o.Pools[0].list(serve(12))
			c.stop(5, SignalApplicationStop, 5*time.Second, true, "")
		}, want{0, 5, 3, 17, false}},
		{"a created task ends the excuse of the oldest stop", func(c *needCase) {
			c.o.Pools[0].list(serve(14), stageTasks("n", 2, Placed, "", 2*time.Second))
			c.stop(5, SignalApplicationStop, 5*time.Second, true, "")
		}, want{2, 3, 1, 19, false}},
		{"what cannot be placed is never excused", func(c *needCase) {
			c.o.Pools[0].list(serve(15))
			c.stop(5, SignalApplicationStop, 5*time.Second, true, "")
			c.stop(1, SignalPlacementFailure, time.Second, false, "")
		}, want{0, 0, 5, 15, false}},
		{"an excuse ends by itself", func(c *needCase) {
			c.o.Pools[0].list(serve(15))
			c.stop(5, SignalApplicationStop, 2*time.Minute, true, "")
		}, want{0, 0, 5, 15, false}},
		{"that of a task that never ran lasts longer: ECS backs off", func(c *needCase) {
			c.o.Pools[0].list(serve(15))
			c.stop(5, SignalApplicationStop, 10*time.Minute, false, "")
		},
			want{0, 5, 0, 20, false}},
		{"failed health checks are the application's", func(c *needCase) {
			c.o.Pools[0].list(serve(16))
			c.stop(4, SignalUnhealthyStop, 5*time.Second, true, "")
		}, want{0, 4, 0, 20, false}},
		{"in a gap survivors run hot: owed", func(c *needCase) {
			c.s.Gap = &Gap{Since: ago(time.Hour), Demand: 20, Kept: 20}
			c.o.Pools[0].list(serve(16))
			c.stop(4, SignalUnhealthyStop, 5*time.Second, true, "")
		}, want{0, 0, 4, 16, false}},
		{"an unhealthy task that served is the application's, too", func(c *needCase) {
			c.o.Pools[0].HealthBased = true
			c.o.Pools[0].list(stageTasks("r", 16, Running, HealthReady, time.Hour), stageTasks("u", 4, Running, HealthNotReady, time.Hour))
		}, want{0, 4, 0, 20, false}},
		{"maintenance is owed", func(c *needCase) {
			c.o.Pools[0].list(serve(16))
			c.stop(4, SignalInfrastructure, 5*time.Second, true, "")
		}, want{0, 0, 4, 16, true}},
		{"a rise of demand is excused for its launch", func(c *needCase) { c.s.Demand = 12; c.o.Pools[0].list(serve(12)) }, want{0, 8, 0, 20, false}},
		{"in a gap it is covered", func(c *needCase) {
			c.s.Demand, c.s.Gap = 12, &Gap{Since: ago(time.Hour), Demand: 12, Kept: 12}
			c.o.Pools[0].list(serve(12))
		}, want{0, 0, 8, 12, false}},
		{"a pool that owes a loss gets no excuse for a rise", func(c *needCase) { c.s.Demand = 18; c.o.Pools[0].list(serve(15)); c.lose(3, 30*time.Second) }, want{0, 0, 5, 15, false}},
		{"a scheduler's stop is excused", func(c *needCase) { c.o.Pools[0].list(serve(10)); c.stop(10, SignalScaleIn, 5*time.Second, true, "") }, want{0, 10, 0, 20, false}},
		{"those of the release that is rolled out, as far as it may take", func(c *needCase) {
			po := &c.o.Pools[0]
			po.Deploying, po.MayTake = true, 0.25
			po.Revisions = []Revision{{ID: "r1", Share: 1}, {ID: "r2", Share: 1, Deploying: true}}
			po.list(ofRevision("r1", serve(12)))
			c.stop(8, SignalApplicationStop, 5*time.Second, false, "r2")
		}, want{0, 5, 3, 17, false}},
		{"what a deployment brings up stands for what it takes, and for no loss", func(c *needCase) {
			po := &c.o.Pools[0]
			po.Deploying, po.MayTake = true, 0.1
			po.Revisions = []Revision{{ID: "r1", Share: 1}, {ID: "r2", Share: 1, Deploying: true}}
			po.list(ofRevision("r1", serve(10)), ofRevision("r2", stageTasks("n", 10, Placed, "", 30*time.Second)))
		}, want{2, 0, 8, 12, false}},
		{"tasks that warm up are coming", func(c *needCase) {
			c.o.Pools[0].HealthBased = true
			c.o.Pools[0].list(stageTasks("r", 14, Running, HealthReady, time.Hour), stageTasks("w", 6, Running, HealthNotReady, time.Minute))
		}, want{6, 0, 0, 20, false}},
		{"late ones are not", func(c *needCase) { c.o.Pools[0].list(serve(14), stageTasks("p", 6, Placed, "", 4*time.Minute)) }, want{0, 0, 6, 14, false}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			nc := newNeedCase()
			c.edit(nc)
			n := nc.need()
			if got := (want{n.Coming, n.Excused, n.Owed, n.Holds, n.Slack}); got != c.want {
				t.Errorf("the need is %+v, want %+v", got, c.want)
			}
		})
	}
}
